"Strangers' files do no harm: graphs that point elsewhere, weights that are swapped, temporary names, links, permissions."
import hashlib, json, os, shutil, stat, threading, zipfile
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO
import colorize_nb.files.atomic as atomic, colorize_nb.network.weights as weights
from colorize_nb.cli import colorize
from colorize_nb import Colorizer
from colorize_nb.network.onnx_graph import whole_graph
from colorize_nb.files.atomic import read_regular, sweep, write_file
from colorize_nb.network.weights import MODELS, ModelError, load_config, load_weights
from test_folder import files, toy_colorizer

def varint(n): return bytes([n]) if n < 128 else bytes([n & 127 | 128])+varint(n >> 7)
def field(n, b, over=0): return varint(n << 3 | 2 | over)+varint(len(b))+b
def number(n, v, over=0): return varint(n << 3 | over)+varint(v)

def pointing(location, n=4, over=0, **more):
    "A graph whose colours are those of a file: `ab` is the mean of `n` floats at `location`, written by hand"
    refs = b''.join(field(13, field(1, k.encode())+field(2, str(v).encode()), over) for k,v in dict(location=location, length=4*n, **more).items())
    w = number(1, n)+number(2, 1)+field(8, b'W')+refs+number(14, 1, over)
    def node(op, ins, out, *attrs): return field(1, b''.join(field(1, i) for i in ins)+field(2, out)+field(4, op)+b''.join(field(5, a) for a in attrs))
    four = b''.join(number(8, 4) for _ in range(2))
    nodes = (node(b'AveragePool', [b'L'], b'p', field(1, b'kernel_shape')+four+number(20, 7), field(1, b'strides')+four+number(20, 7))
             +node(b'ReduceMean', [b'W'], b'm', field(1, b'keepdims')+number(3, 0)+number(20, 2))+node(b'Add', [b'p', b'm'], b'q')
             +node(b'Concat', [b'q', b'q'], b'ab', field(1, b'axis')+number(3, 1)+number(20, 2)))
    def value(name, shape=b''): return field(1, name)+field(2, field(1, number(1, 1)+shape))
    shape = field(2, b''.join(field(1, d) for d in (field(2, b'n'), number(1, 1), field(2, b'h'), field(2, b'w'))))
    g = nodes+field(2, b'g')+field(5, w)+field(11, value(b'L', shape))+field(12, value(b'ab'))
    return number(1, 8)+field(7, g)+field(8, field(1, b'')+number(2, 17))

def folder(d, graph, weights_file=np.float32([.1,.1,.1,.1]).tobytes(), list_weights=True, **kw):
    "A model folder with this graph"
    d.mkdir(exist_ok=True, parents=True)
    (d/'w.bin').write_bytes(weights_file); (d/'model.onnx').write_bytes(graph)
    names = ['model.onnx']+['w.bin']*list_weights
    hashes = {n: hashlib.sha256((d/n).read_bytes()).hexdigest() for n in names}
    (d/'config.json').write_text(json.dumps(dict(format=1, name='strange', generator='x', out_scale=4, multiple=32, render_size=64, files=hashes)|kw))
    return d

# Models

def test_the_hand_made_graph_works(tmp_path):
    c = Colorizer.from_pretrained(folder(tmp_path/'m', pointing('w.bin')))
    assert np.allclose(c.predict(np.full((1,1,32,64), .5, np.float32))[0], .6)

@pytest.mark.parametrize('location', ['/etc/passwd', '../secret.bin', './w.bin', 'secret.bin', 'w.bin/../../secret.bin', '', '\0', '/dev/zero', 'pipe'])
def test_no_file_becomes_weights(tmp_path, location, capsys):
    d = folder(tmp_path/'m', pointing(location))
    for p in (tmp_path/'secret.bin', d/'secret.bin'): p.write_bytes(np.float32([1,2,3,4]).tobytes())
    os.mkfifo(d/'pipe')
    with pytest.raises(ModelError, match='which the config does not list'): Colorizer.from_pretrained(d)
    assert colorize(path=[OLD_PHOTO], model=str(d), o=tmp_path/'o.png') == 2
    assert len(capsys.readouterr().err.splitlines()) == 1 and not (tmp_path/'o.png').exists()

def of_microsoft(domain=None):
    "A graph with an operator that is not ONNX's, and perhaps its domain's field as written there"
    def value(name): return field(1, name)+field(2, field(1, number(1, 1)))
    node = field(1, b'L')+field(2, b'q')+field(4, b'QuickGelu')+(field(7, b'com.microsoft') if domain is None else domain)
    return (number(1, 8)+field(7, field(1, node)+field(2, b'g')+field(11, value(b'L'))+field(12, value(b'q')))
            +field(8, field(1, b'')+number(2, 17))+field(8, field(1, b'com.microsoft')+number(2, 1)))

named = varint(len(b'com.microsoft'))+b'com.microsoft'

@pytest.mark.parametrize('domain', [field(7, b'com.microsoft', 2**32), field(7, b'com.microsoft', 2**34), b'\xba\0'+named, b'\xba\x80\x80\x80\0'+named, b'\x3a\x8d\0'+named[1:]])
def test_no_operator_of_others_behind_a_number(domain):
    "onnxruntime runs the operator of these graphs: it drops a number's bits above 32, and its padding"
    import onnxruntime as ort
    assert ort.InferenceSession(of_microsoft(domain), providers=['CPUExecutionProvider']).get_outputs()[0].name == 'q'
    with pytest.raises(ValueError, match='uses operators of com.microsoft'): whole_graph(of_microsoft(), {})
    with pytest.raises(ValueError, match='a number'): whole_graph(of_microsoft(domain), {})

@pytest.mark.parametrize('over', [2**32, 2**33, 2**34])
def test_no_file_behind_a_number(tmp_path, monkeypatch, over, capsys):
    "The fields that name the file have other numbers for a reader that keeps more than 32 bits"
    from colorize_nb.network.import_model import import_model
    monkeypatch.chdir(tmp_path)
    for p in ('secret.bin', 'm/secret.bin'): (tmp_path/p).parent.mkdir(exist_ok=True); (tmp_path/p).write_bytes(np.float32([1,2,3,4]).tobytes())
    for location in ('secret.bin', '../secret.bin', '/etc/passwd'):
        d = folder(tmp_path/'m', pointing(location, over=over))
        with pytest.raises(ModelError, match='a number'): Colorizer.from_pretrained(d)
        with pytest.raises(ValueError, match='a number'): import_model(d/'model.onnx', tmp_path/'n')
        assert not (tmp_path/'n').exists() and files(tmp_path) == ['m/config.json','m/model.onnx','m/secret.bin','m/w.bin','secret.bin']

def test_weights_without_a_hash_are_refused(tmp_path):
    with pytest.raises(ModelError, match="weights from 'w.bin', which the config does not list"): Colorizer.from_pretrained(folder(tmp_path/'m', pointing('w.bin'), list_weights=False))
    for h in ('', None, 0, '0'*64):
        d = folder(tmp_path/'m', pointing('w.bin')); cfg = json.loads((d/'config.json').read_text()); cfg['files']['w.bin'] = h
        (d/'config.json').write_text(json.dumps(cfg))
        with pytest.raises(ModelError, match='w.bin: damaged or changed'): Colorizer.from_pretrained(d)

@pytest.mark.parametrize('kw', [dict(offset=4), dict(offset=-4), dict(offset=2**40), dict(offset='x'), dict(offset='')])
def test_places_beyond_the_file(tmp_path, kw):
    with pytest.raises(ModelError, match='the graph does not work'): Colorizer.from_pretrained(folder(tmp_path/'m', pointing('w.bin', **kw)))

def test_what_is_hashed_is_what_is_loaded(tmp_path, monkeypatch):
    "Somebody swaps the weights all the time, at the worst moment: right after they were read"
    good,bad = np.float32([.1]*4).tobytes(),np.float32([.9]*4).tobytes()
    d = folder(tmp_path/'m', pointing('w.bin'), good)
    def swapping(p, *a, read=read_regular):
        b = read(p, *a)
        if Path(p).name == 'w.bin': Path(p).write_bytes(bad)
        return b
    monkeypatch.setattr(weights, 'read_regular', swapping)
    assert np.allclose(Colorizer.from_pretrained(d).predict(np.zeros((1,1,32,32), np.float32))[0], .1)
    with pytest.raises(ModelError, match='damaged or changed'): Colorizer.from_pretrained(d)

def test_swapped_by_another_thread(tmp_path):
    good,bad = np.float32([.1]*4).tobytes(),np.float32([.9]*4).tobytes()
    d,stop = folder(tmp_path/'m', pointing('w.bin'), good),threading.Event()
    def swap():
        while not stop.is_set():
            for b in (bad, good): (d/'new').write_bytes(b); os.replace(d/'new', d/'w.bin')
    t = threading.Thread(target=swap); t.start()
    got = []
    try:
        for _ in range(80):
            try: got.append(float(Colorizer.from_pretrained(d).predict(np.zeros((1,1,32,32), np.float32))[0].mean()))
            except ModelError: got.append(None)
    finally: stop.set(); t.join()
    assert {round(x, 3) for x in got if x is not None} <= {.1} and len(got) == 80

def test_the_config_is_read_once(tmp_path, monkeypatch):
    "The hashes that count and the name in the note are those of one config"
    d,n = folder(tmp_path/'m', pointing('w.bin')),[0]
    def counting(p, *a, read=read_regular): n[0] += Path(p).name == 'config.json'; return read(p, *a)
    monkeypatch.setattr(weights, 'read_regular', counting)
    Colorizer.from_pretrained(d); assert n[0] == 1

@pytest.mark.parametrize('files', [{'\0': ''}, {'/dev/zero': ''}, {'..': ''}, {'': ''}, {'.': ''}, {'a\\b': ''}, {'C:x': ''}, {'pipe.onnx': ''}, {'x'*300+'.onnx': ''}, {'d.onnx': ''}, {'zero.onnx': ''}])
def test_names_in_a_config(tmp_path, files, capsys):
    d = folder(tmp_path/'m', b'', files=files)
    os.mkfifo(d/'pipe.onnx'); (d/'d.onnx').mkdir(); (d/'zero.onnx').symlink_to('/dev/zero')
    assert colorize(path=[OLD_PHOTO], model=str(d), o=tmp_path/'o.png') == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

@pytest.mark.parametrize('make', [lambda p: os.mkfifo(p), lambda p: p.symlink_to('/dev/zero'), lambda p: p.mkdir(), lambda p: p.symlink_to(p), lambda p: p.write_text('['*100_000),
                                  lambda p: p.write_bytes(b'\0'*9), lambda p: p.write_bytes(b' '*2**21), lambda p: p.write_text('{"format": NaN}'), lambda p: p.write_text('1'*5000)])
def test_configs_that_are_none(tmp_path, make, capsys):
    d = tmp_path/'m'; d.mkdir(); make(d/'config.json')
    assert colorize(path=[OLD_PHOTO], model=str(d), o=tmp_path/'o.png') == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

def test_a_graph_that_is_no_colorizer(tmp_path, capsys):
    shutil.copytree(MODELS, tmp_path/'m')
    cfg = load_config('default'); identity = number(1, 8)+field(7, field(1, field(1, b'L')+field(2, b'ab')+field(4, b'Identity'))+field(2, b'g')+field(11, field(1, b'L')+field(2, field(1, number(1, 1))))
                                                     +field(12, field(1, b'ab')+field(2, field(1, number(1, 1)))))+field(8, field(1, b'')+number(2, 17))
    for graph in (identity, b'', b'no graph', b'\0'*40, (MODELS/'default.onnx').read_bytes()[:5000], b'....ORTM'+bytes(99)):
        (tmp_path/'m'/'default.onnx').write_bytes(graph)
        (tmp_path/'m'/'config.json').write_text(json.dumps(cfg|dict(files=cfg['files']|{'default.onnx': hashlib.sha256(graph).hexdigest()})))
        assert colorize(path=[OLD_PHOTO], model=str(tmp_path/'m'), o=tmp_path/'o.png') == 2
        assert len(e := capsys.readouterr().err.splitlines()) == 1 and 'the graph does not work' in e[0], e

def test_shipped_graphs_are_whole_without_their_files():
    "Nothing is opened by name: the graph that onnxruntime sees points nowhere, and still has all its weights"
    for name in ('default', 'vivid'):
        files_ = weights.model_bytes(name)
        g = whole_graph(files_['default.onnx'], files_)  # `vivid` is a reading of the same file
        assert b'.safetensors' not in g and len(g) > 12e6
    assert set(load_weights('vivid')) == set(load_weights('default'))

# Writing

@pytest.fixture
def spied(monkeypatch):
    "The names, flags and modes of all files that are made"
    seen,was = [],os.open
    def spy(path, flags, mode=0o777, **kw): seen.append((Path(os.fsdecode(path)).name, flags, mode)); return was(path, flags, mode, **kw)
    monkeypatch.setattr(os, 'open', spy)
    return lambda: [s for s in seen if s[1] & os.O_CREAT]

@pytest.mark.skipif(os.name != 'posix', reason='needs these flags')
def test_temporary_names_are_random_and_follow_no_link(gray, tmp_path, spied):
    for n in ('a.png', 'b'*250+'.png'): Image.fromarray(gray).save(tmp_path/n)
    toy_colorizer().colorize_folder(tmp_path, tmp_path/'o', compare=True)
    made = spied()
    assert len(made) == 4 and len({n for n,*_ in made}) == 4 and all(atomic.PART.fullmatch(n) and len(n) == 31 for n,*_ in made)
    assert all(f & os.O_EXCL and f & os.O_NOFOLLOW for _,f,_ in made) and not any(str(os.getpid()) in n for n,*_ in made)

def test_a_name_that_is_taken_is_never_followed(tmp_path, monkeypatch):
    "A link at the temporary name is not followed, even if somebody guesses the random number"
    (tmp_path/'victim').write_bytes(b'mine')
    monkeypatch.setattr(os, 'urandom', lambda n: b'\1'*n)
    (tmp_path/f".colorize-{'01'*8}.part").symlink_to(tmp_path/'victim')
    with pytest.raises(FileExistsError): write_file(tmp_path/'a.png', b'x')
    assert (tmp_path/'victim').read_bytes() == b'mine'

def test_two_containers_with_one_process_number(tmp_path, monkeypatch):
    "One writes while the other sweeps and writes the same file: neither fails"
    monkeypatch.setattr(os, 'getpid', lambda: 1)
    errors = []
    def work(i):
        try:
            for _ in range(40): sweep(tmp_path); write_file(tmp_path/'same.png', bytes([i])*1000)
        except OSError as e: errors.append(e)
    ts = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in ts: t.start()
    for t in ts: t.join()
    assert not errors and len(set((tmp_path/'same.png').read_bytes())) == 1 and files(tmp_path) == ['same.png']

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs permissions')
@pytest.mark.parametrize('mode,umask,want', [(0o600,0o022,0o600), (0o640,0o022,0o640), (0o644,0o022,0o644), (0o666,0o022,0o644), (0o666,0o077,0o600), (0o444,0o022,0o644), (0o400,0o022,0o600), (0o755,0o022,0o644)])
def test_results_are_as_private_as_photos(gray, tmp_path, mode, umask, want):
    Image.fromarray(gray).save(tmp_path/'a.png'); os.chmod(tmp_path/'a.png', mode)
    with zipfile.ZipFile(tmp_path/'z.zip', 'w') as z: z.write(tmp_path/'a.png', 'in.png')
    os.chmod(tmp_path/'z.zip', mode)
    old = os.umask(umask)
    try:
        for n in ('a.png','z.zip'): assert colorize(path=[tmp_path/n], o=tmp_path/'o', compare=True) == 0
        assert colorize(path=[tmp_path/'a.png'], o=tmp_path/'o', overwrite=True) == 0
    finally: os.umask(old)
    assert {n: oct(stat.S_IMODE((tmp_path/'o'/n).stat().st_mode)) for n in files(tmp_path/'o')} == dict.fromkeys(['a-compare.jpg','a.png','in-compare.jpg','in.png'], oct(want))
