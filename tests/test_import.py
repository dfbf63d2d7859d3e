"Other people's models: a config describes the input and output of a graph; a graph that does not fit gives one line."
import hashlib, json
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, gray_level
from colorize_nb import Colorizer
from colorize_nb.batch.options import OptionError
from colorize_nb.cli import colorize
from colorize_nb.color import rgb2lab
from colorize_nb.files.photo import open_photo
from colorize_nb.network.weights import ModelError
from test_trust import field, number

def value(name, *shape, kind=1):
    "An input or an output: numbers are fixed sides, names are free ones"
    dims = b''.join(field(1, number(1, n) if isinstance(n, int) else field(2, n.encode())) for n in shape)
    return field(1, name)+field(2, field(1, number(1, kind)+field(2, dims)))

def conv_graph(W, b=None, stride=1, sides=('h','w'), outs=None, domain=b'', op=b'Conv', batch=1):
    "A graph that mixes its input's channels by `W` and adds `b`, written by hand"
    W = np.float32(W); n,c = W.shape; b = np.float32(np.zeros(n) if b is None else b)
    def ints(name, vs): return field(5, field(1, name)+b''.join(number(8, v) for v in vs)+number(20, 7))
    def tensor(name, x, *shape): return field(5, b''.join(number(1, s) for s in shape)+number(2, 1)+field(8, name)+field(9, x.tobytes()))
    node = field(1, b'x')+field(1, b'W')+field(1, b'b')+field(2, b'y')+field(4, op)+ints(b'kernel_shape', (1,1))+ints(b'strides', (stride,)*2)
    if domain: node += field(7, domain)
    outs = outs or [s//stride if isinstance(s, int) else s for s in sides]
    g = field(1, node)+field(2, b'g')+tensor(b'W', W, n, c, 1, 1)+tensor(b'b', b, n)+field(11, value(b'x', batch, c, *sides))+field(12, value(b'y', batch, n, *outs))
    return number(1, 8)+field(7, g)+field(8, field(1, b'')+number(2, 17))

def folder(d, graph, takes, gives, size=None, **kw):
    "A model folder with this graph"
    d.mkdir(exist_ok=True)
    (d/'model.onnx').write_bytes(graph)
    g = dict(input=takes, output=gives)|(dict(size=size) if size else {})
    cfg = dict(format=1, name='theirs', generator='conv', out_scale=1, multiple=8, render_size=64, graph=g, files={'model.onnx': hashlib.sha256(graph).hexdigest()})
    (d/'config.json').write_text(json.dumps(cfg|kw))
    return d

def ab_of(im): return rgb2lab(np.asarray(im))[...,1:]

@pytest.fixture
def ramp():
    "Gray levels from left to right, wider than high"
    return np.tile(np.linspace(60, 190, 96).astype(np.uint8), (48,1))

L_IN = dict(of='L')

# The same colours, said in each of the ways: a* rises with lightness from 0 by 20, b* is -10
def L_of(g): return rgb2lab(np.dstack([g]*3))[...,0]
WAYS = {'L': (L_IN, [[.2],[0]], [0,-10], dict(of='ab')),
        'L/50-1 to ab/110': (dict(of='L', mean=50, std=50), [[10/110],[0]], [10/110,-10/110], dict(of='ab', std=110)),
        '(L-50)/100 to ab shifted': (dict(of='L', mean=50, std=100), [[20],[0]], [10+7,-10-3], dict(of='ab', mean=[-7,3]))}

@pytest.mark.parametrize('way', WAYS)
def test_one_meaning_for_all_ways_of_saying_it(tmp_path, ramp, way):
    takes,W,b,gives = WAYS[way]
    c = Colorizer.from_pretrained(folder(tmp_path/'m', conv_graph(W, b), takes, gives))
    im = c.colorize(ramp)
    assert im.size == (96,48) and np.abs(gray_level(im)-ramp).max() <= 1
    ab = ab_of(im)[8:40,12:-12]
    assert np.abs(ab[...,0]-.2*L_of(ramp)[8:40,12:-12]).max() < 1.5 and np.abs(ab[...,1]+10).max() < 1.5

@pytest.mark.parametrize('takes,gives,scale', [(dict(of='rgb'), dict(of='rgb'), 1), (dict(of='rgb', std=1/255), dict(of='rgb', std=1/255), 255),
                                               (dict(of='rgb', mean=[.485,.456,.406], std=[.229,.224,.225]), dict(of='rgb', mean=[.485,.456,.406], std=[.229,.224,.225]), None)])
def test_a_picture_counts_by_its_colours(tmp_path, ramp, takes, gives, scale):
    "The graph makes red stronger and the picture darker: only the red is taken over"
    k = np.array([.8,.5,.5])
    if scale: W,b = np.diag(k),np.zeros(3)
    else:
        m,s = np.array(takes['mean']),np.array(takes['std'])
        W,b = np.diag(k),(k*m-m)/s
    c = Colorizer.from_pretrained(folder(tmp_path/'m', conv_graph(W, b), takes, gives))
    im = c.colorize(ramp)
    want = rgb2lab((ramp[...,None]/255*k).astype(np.float32))[...,1:]
    assert np.abs(gray_level(im)-ramp).max() <= 1 and np.abs(ab_of(im)-want)[8:40,12:-12].max() < 2

def test_one_size_is_padded_not_squeezed(tmp_path, monkeypatch):
    "A round thing is round in the graph's input too, whatever the shape of the photo"
    import colorize_nb.network.foreign_onnx as foreign
    seen = []
    monkeypatch.setattr(foreign, 'graph_input', lambda l, side, was=foreign.graph_input: seen.append(l) or was(l, side))
    c = Colorizer.from_pretrained(folder(tmp_path/'m', conv_graph([[.3],[0]], sides=(64,64)), L_IN, dict(of='ab'), [64,64]))
    y,x = np.mgrid[:90,:240]
    photo = np.where((y-45)**2+(x-60)**2 < 30**2, 140, 20).astype(np.uint8)
    im = c.colorize(photo)
    disc = seen[0][:24] > -.3  # 90 of 240 rows: 24 of 64
    assert seen[0].shape == (64,64) and disc.any(0).sum() == pytest.approx(disc.any(1).sum(), abs=1) and disc.any(0).sum() == pytest.approx(16, abs=1)
    ab = ab_of(im)
    assert im.size == (240,90) and ab[45,60,0] == pytest.approx(.3*L_of(photo)[45,60], abs=3) and abs(ab[45,200,0]-.3*L_of(photo)[45,200]) < 3
    with pytest.raises(OptionError, match='render_size is not for the model theirs, which sees 64x64 pixels'): c.colorize(photo, render_size=128)

@pytest.mark.parametrize('size', [(1,300), (300,1), (2,2), (33,47), (700,500)])
def test_any_photo_through_one_size(tmp_path, size):
    c = Colorizer.from_pretrained(folder(tmp_path/'m', conv_graph([[.3],[0]], stride=2, sides=(32,48)), L_IN, dict(of='ab'), [32,48], out_scale=2))
    g = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    assert np.abs(gray_level(c.colorize(g))-g).max() <= 1

def test_half_floats(tmp_path, ramp):
    "A graph may take and give 16-bit floats"
    pytest.importorskip('onnx', reason='needs the train extra')
    from onnx import helper as h
    W,b = (h.make_tensor(n, 10, s, np.float16(v)) for n,s,v in (('W', (2,1,1,1), [.2,0]), ('b', (2,), [0,-10])))
    g = h.make_graph([h.make_node('Conv', ['x','W','b'], ['y'])], 'g', [h.make_tensor_value_info('x', 10, [1,1,'h','w'])], [h.make_tensor_value_info('y', 10, [1,2,'h','w'])], [W,b])
    m = h.make_model(g, opset_imports=[h.make_opsetid('', 17)], ir_version=8)
    ab = ab_of(Colorizer.from_pretrained(folder(tmp_path/'m', m.SerializeToString(), L_IN, dict(of='ab'))).colorize(ramp))
    assert np.abs(ab[8:40,12:-12,1]+10).max() < 1.5

def test_it_goes_everywhere(tmp_path, gray):
    "Folders, 16 bits, metadata: the pipeline is the same"
    d = folder(tmp_path/'m', conv_graph([[.2],[.1]]), L_IN, dict(of='ab'))
    (tmp_path/'in').mkdir(); Image.fromarray(gray).save(tmp_path/'in'/'a.png'); Image.fromarray(gray.astype(np.uint16)*257).save(tmp_path/'in'/'b.tif')
    assert colorize(path=[tmp_path/'in'], model=str(d), o=tmp_path/'out', report=str(tmp_path/'r.json')) == 0
    r = json.loads((tmp_path/'r.json').read_text())
    sha = hashlib.sha256((d/'model.onnx').read_bytes()).hexdigest()
    assert r['model'] == dict(name='theirs', weights={'model.onnx': sha})
    a,b = (open_photo(tmp_path/'out'/n) for n in ('a.png','b.tif'))
    assert sha[:16].encode() in a.xmp and b.pixels.dtype == np.uint16
    assert np.abs(gray_level(a.pixels)-gray).max() <= 1

def test_hints_are_spread_and_it_is_said(tmp_path, capsys):
    "Left and right of an edge: the hint colours its side, not the other, and the report says how"
    d = folder(tmp_path/'m', conv_graph([[0],[.2]]), L_IN, dict(of='ab'))
    two = np.full((120,200), 70, np.uint8); two[:,100:] = 180
    Image.fromarray(two).save(tmp_path/'a.png')
    plain = ab_of(Colorizer.from_pretrained(d).colorize(two))
    assert colorize(path=[tmp_path/'a.png'], model=str(d), o=tmp_path/'o.png', hint=['40,60,#a03030'], report=str(tmp_path/'r.json')) == 0
    told = ab_of(Image.open(tmp_path/'o.png').convert('RGB'))
    assert np.hypot(*(told-plain)[60,20]) > 15 and np.hypot(*(told-plain)[100,80]) > 15 and np.hypot(*np.moveaxis(told-plain, -1, 0)[:,:,130:]).max() < 2
    said = 'the model theirs takes no hints: they are spread over its colours'
    assert said in capsys.readouterr().err and json.loads((tmp_path/'r.json').read_text())['photos'][0]['warnings'] == [said]

BAD = {'takes two channels': (conv_graph([[1,0],[0,1]]), {}, 'takes (1, 2, '), 'gives one channel': (conv_graph([[1]]), {}, 'gives (1, 1, '),
       'another size than it says': (conv_graph([[1],[0]], sides=(32,32)), {}, 'L of any size'), 'a size that the graph has not': (conv_graph([[1],[0]], sides=(32,32)), dict(size=[64,64]), 'says L of [64, 64]'),
       'larger than it says': (conv_graph([[1],[0]], stride=2, sides=(32,32)), dict(size=[32,32]), 'gives (1, 2, 16, 16)'),
       "somebody's operators": (conv_graph([[1],[0]], domain=b'com.microsoft'), {}, 'uses operators of com.microsoft'), 'my operators': (conv_graph([[1],[0]], domain=b'evil', op=b'Run'), {}, 'uses operators of evil'),
       'no such operator': (conv_graph([[1],[0]], op=b'Nonsense'), {}, 'the graph does not work'), 'cut short': (conv_graph([[1],[0]])[:-30], {}, 'the graph does not work'), 'no graph': (b'<html>404</html>', {}, 'the graph does not work')}

@pytest.mark.parametrize('case', BAD)
def test_what_does_not_fit_is_one_line(tmp_path, capsys, case):
    graph,kw,said = BAD[case]
    d = folder(tmp_path/'m', graph, L_IN, dict(of='ab'), **kw)
    assert colorize(path=[OLD_PHOTO], model=str(d), o=tmp_path/'o.png') == 2
    err = capsys.readouterr().err
    assert said in err and err.count('\n') == 1 and not (tmp_path/'o.png').exists(), err

def test_a_graph_that_breaks_its_word(tmp_path, capsys):
    "A graph whose output has another shape than its config says, and does not state it, fails at the first photo"
    d = folder(tmp_path/'m', conv_graph([[1],[0]], stride=2, outs=('a','b')), L_IN, dict(of='ab'))
    assert colorize(path=[OLD_PHOTO], model=str(d), o=tmp_path/'o.png') == 1
    assert 'the graph of theirs gives (1, 2, 40, 28) for (1, 1, 80, 56), not (1, 2, 80, 56)' in capsys.readouterr().err and not (tmp_path/'o.png').exists()

def test_nan_is_refused(tmp_path, capsys):
    for gives in ('ab', 'rgb'):
        d = folder(tmp_path/'m', conv_graph([[np.nan]]*(2+(gives == 'rgb'))), L_IN, dict(of=gives))
        assert colorize(path=[OLD_PHOTO], model=str(d), o=tmp_path/'o.png') == 1
        assert 'the network gave NaN or infinity' in capsys.readouterr().err

def test_the_cpu_only(tmp_path):
    d = folder(tmp_path/'m', conv_graph([[1],[0]]), L_IN, dict(of='ab'))
    with pytest.raises(ModelError, match='runs on the cpu only, not on cuda'): Colorizer.from_pretrained(d, device='cuda')
    with pytest.raises(ModelError, match='no second head'): Colorizer.from_pretrained(d).likely(OLD_PHOTO, 1, 1)

# colorize-import

def imported(tmp_path, capsys, name, data, kind='auto'):
    "Return the exit status and the message of colorize-import; checks that a failure leaves nothing behind"
    from colorize_nb.cli import colorize_import
    f = tmp_path/name
    if data is not None: f.write_bytes(data)
    before = {p.name for p in tmp_path.iterdir()}
    status = colorize_import(str(f), o=str(tmp_path/'new'), as_=kind)
    out,err = capsys.readouterr()
    assert err.count('\n') == 1 and not out, err
    if status: assert {p.name for p in tmp_path.iterdir()} == before
    return status,err

AB20 = [[0,20,0],[0,0,-20]]  # a* of the green channel, b* of the blue one

@pytest.mark.parametrize('sides,size', [(('h','w'), None), ((64,64), [64,64]), ((48,96), [48,96])])
def test_a_graph_comes_in(tmp_path, capsys, ramp, sides, size):
    status,err = imported(tmp_path, capsys, 'd.onnx', conv_graph(AB20, sides=sides))
    assert status == 0 and 'is ready: ddcolor' in err and 'takes no hints' in err
    cfg = json.loads((tmp_path/'new'/'config.json').read_text())
    assert cfg['graph'].get('size') == size and cfg['files'] == {'model.onnx': hashlib.sha256((tmp_path/'d.onnx').read_bytes()).hexdigest()}
    assert sorted(p.name for p in (tmp_path/'new').iterdir()) == ['config.json', 'model.onnx']
    ab = ab_of(Colorizer.from_pretrained(tmp_path/'new').colorize(ramp))[8:40,12:-12]
    assert np.abs(ab-ramp[8:40,12:-12,None]/255*[20,-20]).max() < 1.5
    assert colorize(path=[OLD_PHOTO], model=str(tmp_path/'new'), o=tmp_path/'o.png') == 0

@pytest.mark.parametrize('W,b,std', [(np.eye(3)*.5, [60,0,0], 1/255), (np.eye(3)*.001, [-.2,.3,0], [.229,.224,.225]), (np.eye(3)*.001, [.4,.3,.3], None)])
def test_three_kinds_of_deoldify(tmp_path, capsys, W, b, std):
    "Pixels of 0 to 255, the bare network, 0 to 1: told apart by what they give"
    status,err = imported(tmp_path, capsys, 'd.onnx', conv_graph(W, b, sides=(64,64)), 'deoldify')
    assert status == 0 and json.loads((tmp_path/'new'/'config.json').read_text())['graph']['output'].get('std') == std, err

def test_weights_beside_the_graph(tmp_path, capsys):
    "Weights come along from the graph's own folder only; a link that leads out of it is refused"
    from test_trust import pointing
    (tmp_path/'in').mkdir(); (tmp_path/'secret').write_bytes(np.float32([1,2,3,4]).tobytes())
    (tmp_path/'in'/'link').symlink_to('../secret')
    for location in ('/etc/passwd', '../secret', 'link', './link', ''):
        status,err = imported(tmp_path, capsys, 'in/g.onnx', pointing(location))
        assert status == 2 and 'does not lie in its own folder' in err
    status,err = imported(tmp_path, capsys, 'in/g.onnx', pointing('gone.bin'))
    assert status == 2 and 'gone.bin: No such file' in err
    (tmp_path/'in'/'w.bin').write_bytes(np.float32([1,2,3,4]).tobytes())
    status,err = imported(tmp_path, capsys, 'in/g.onnx', pointing('w.bin'))
    assert status == 0 and sorted(p.name for p in (tmp_path/'new').iterdir()) == ['config.json', 'model.onnx', 'w.bin']
    assert Colorizer.from_pretrained(tmp_path/'new').cfg['out_scale'] == 4

G = conv_graph(AB20)
NO = {'another task: classes': ('c.onnx', conv_graph([[1]]*7), 'auto', 'takes 1 channels and gives 7'), 'another task: pictures': ('c.onnx', conv_graph(np.eye(3)), 'auto', '--as deoldify, if it is that'),
      'another kind': ('d.onnx', G, 'deoldify', 'takes 3 channels and gives 2; deoldify takes 3 and gives 3'), 'larger': ('d.onnx', conv_graph(AB20, stride=8, outs=('a','b')), 'auto', 'not 1, 1/2 or 1/4 of its size'),
      'odd size': ('d.onnx', conv_graph(AB20, sides=(10,10)), 'auto', 'out of range'), 'one side free': ('d.onnx', conv_graph(AB20, sides=(64,'w')), 'auto', 'one side free'),
      'not finite': ('d.onnx', conv_graph(np.full((2,3), np.nan)), 'auto', 'gives NaN'), 'own operators': ('d.onnx', conv_graph(AB20, domain=b'evil'), 'auto', 'uses operators of evil'),
      'half a graph': ('d.onnx', G[:len(G)//2], 'auto', 'half-downloaded'), 'a page': ('d.onnx', b'<!doctype html><html>not found', 'auto', 'half-downloaded'), 'empty': ('d.onnx', b'', 'auto', 'the graph does not work'),
      'no such kind': ('d.onnx', G, 'vivid', 'there are ddcolor'), 'no such file': ('n.onnx', None, 'auto', 'No such file'), 'no such format': ('d.caffemodel', b'x', 'auto', 'one of .onnx, .pth'),
      'no exporter here': ('d.pth', b'x', 'ddcolor', 'ddcolor comes as ONNX')}

@pytest.mark.parametrize('case', NO)
def test_bad_files(tmp_path, capsys, case):
    name,data,kind,said = NO[case]
    status,err = imported(tmp_path, capsys, name, data, kind)
    assert status == 2 and said in err and str(tmp_path/name) in err+str(tmp_path/name)*(kind == 'vivid'), err

def test_what_is_there_stays(tmp_path, capsys):
    (tmp_path/'new').mkdir()
    status,err = imported(tmp_path, capsys, 'd.onnx', G)
    assert status == 2 and 'is there already' in err and not [*(tmp_path/'new').iterdir()]

def test_a_pipe_is_no_file(tmp_path, capsys):
    import os
    os.mkfifo(tmp_path/'d.onnx')
    assert imported(tmp_path, capsys, 'd.onnx', None) == (2, f"colorize-import: {tmp_path/'d.onnx'}: not a regular file\n")

# Weights, which need torch

@pytest.fixture(scope='module')
def published(tmp_path_factory):
    "Random weights of both networks, as their authors name and save them"
    torch = pytest.importorskip('torch', reason='needs the train extra')
    import colorize_nb.train.zhang as z
    d = tmp_path_factory.mktemp('published'); torch.manual_seed(0)
    for k in ('eccv16','siggraph17'):
        sd = getattr(z, k)().state_dict()
        if k == 'siggraph17': sd |= {'model_class.0.weight': torch.zeros(529,256,1,1), 'model_class.0.bias': torch.zeros(529)}
        torch.save(sd, d/f'{k}.pth')
    return d

@pytest.mark.slow
@pytest.mark.parametrize('kind', ['eccv16', 'siggraph17'])
def test_published_weights(tmp_path, capsys, published, kind, gray):
    "The imported model gives the same in onnxruntime as in torch, with hints where it takes them"
    import torch
    import colorize_nb.train.zhang as z
    status,err = imported(tmp_path, capsys, 'w.pth', (published/f'{kind}.pth').read_bytes())
    assert status == 0 and f'is ready: {kind}' in err and ('takes hints' in err) == (kind == 'siggraph17')
    c = Colorizer.from_pretrained(tmp_path/'new')
    net = getattr(z, kind)().eval(); sd = torch.load(published/f'{kind}.pth', weights_only=True)
    net.load_state_dict({k: v for k,v in sd.items() if 'model_class' not in k})
    l = np.random.default_rng(0).uniform(-1, 1, (1,1,64,96)).astype(np.float32)
    with torch.no_grad(): assert np.abs(net(torch.from_numpy(l)).numpy()-c.predict(l)[0]).max() < 1e-5
    if kind == 'siggraph17':
        hints = np.zeros((1,3,64,96), np.float32); hints[:,:,30:33,40:43] = [[[.5]],[[-.2]],[[1]]]
        with torch.no_grad(): assert np.abs(net(torch.from_numpy(l), torch.from_numpy(hints)).numpy()-c.predict(l, hints)[0]).max() < 1e-5
        assert np.abs(c.predict(l, hints)[0]-c.predict(l)[0]).max() > 1e-3
    im = c.colorize(gray, hints=[(40,40,'red')])
    assert im.size == gray.shape[::-1] and np.abs(gray_level(im)-gray).max() <= 1

@pytest.mark.slow
def test_weights_that_do_not_fit(tmp_path, capsys, published):
    import io, os, torch
    from safetensors.torch import save
    def pth(x): b = io.BytesIO(); torch.save(x, b); return b.getvalue()
    class Evil:
        def __reduce__(self): return os.mkdir, (str(tmp_path/'was-run'),)
    whole = (published/'eccv16.pth').read_bytes()
    sd = torch.load(published/'eccv16.pth', weights_only=True)
    nan = sd|{'model1.0.bias': sd['model1.0.bias']*np.nan}
    for name,data,kind,said in (('other.pth', pth({'layer1.weight': torch.zeros(3)}), 'eccv16', 'not eccv16: it has no model1.0.weight, model1.0.bias, model1.2.weight and'),
                                ('other.safetensors', save({'layer1.weight': torch.zeros(3)}), 'auto', 'not siggraph17: it has no model1.0.weight'),
                                ('e.pth', whole, 'siggraph17', 'not siggraph17: it has no '), ('more.pth', pth(sd|{'extra': torch.zeros(1)}), 'eccv16', 'has extra too'),
                                ('half.pth', whole[:len(whole)//2], 'auto', 'half-downloaded'), ('half.safetensors', save({'w': torch.zeros(99)})[:200], 'auto', 'half-downloaded'),
                                ('code.pth', pth({'w': Evil()}), 'auto', 'nothing of it was run'), ('page.pth', b'<html>', 'auto', 'page.pth: '), ('empty.pth', b'', 'auto', 'half-downloaded'),
                                ('list.pth', pth([torch.zeros(1)]), 'auto', 'no table of weights'), ('nan.pth', pth(nan), 'eccv16', 'holds NaN')):
        status,err = imported(tmp_path, capsys, name, data, kind)
        assert status == 2 and said in err and len(err) < 500, err
    assert not (tmp_path/'was-run').exists()

@pytest.mark.slow
def test_their_files_are_measured_like_any_other(published, tmp_path, capsys):
    pytest.importorskip('torch', reason='needs the train extra')
    from colorize_nb.train.compare import all_systems
    from colorize_nb.train.data import PhotoSet
    imported(tmp_path, capsys, 'w.pth', (published/'eccv16.pth').read_bytes())
    (tmp_path/'p').mkdir(); Image.open(OLD_PHOTO).resize((64,64)).convert('RGB').save(tmp_path/'p'/'a.png')
    f = all_systems([str(tmp_path/'new')], PhotoSet(tmp_path/'p'))['new']
    assert f('a.png', Image.new('L', (64,48), 90)).size == (64,48)
