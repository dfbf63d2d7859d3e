"colorize-train on eight tiny photos: what it writes, going on after a kill, and a model folder that colorize takes."
import os, subprocess, sys, zipfile
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image
import colorize_nb.train.compat  # before anything of fastai.vision
from torch import nn
from fastai.torch_core import set_seed
from colorize_nb import cli
from colorize_nb import Colorizer
from colorize_nb.train.generator import generators
from colorize_nb.train.learner import Checkpoint, Diary
from colorize_nb.train.run import train
from colorize_nb.network.weights import load_config

torch.set_num_threads(1)  # faster for networks this small

@pytest.fixture
def photos(tmp_path):
    d = tmp_path/'photos'; (d/'sub').mkdir(parents=True)
    y,x = np.mgrid[:48,:48]
    for i in range(8):
        im = np.stack([128+100*np.sin((x+y*j+i*17)/(9+j*4)) for j in range(3)], -1)
        Image.fromarray(im.astype(np.uint8)).save(d/('sub' if i%2 else '.')/f'{i}.png')
    return d

@pytest.fixture
def tiny(monkeypatch):
    "A small network in place of the real one, and no export"
    def f(out_scale=1):
        net = nn.Sequential(nn.Conv2d(1, 8, 3, out_scale, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 2, 3, 1, 1))
        net.spec,net.out_scale = dict(out_scale=out_scale),out_scale
        return net
    monkeypatch.setitem(generators, load_config('default')['generator'], f)
    class Keep:
        def __init__(self, learn): self.learn = learn
        def save_pretrained(self, folder): return self.learn
    monkeypatch.setattr(Colorizer, 'from_learner', lambda learn, name: Keep(learn))

opts = dict(epochs_l1=2, epochs_gan=2, size=32, bs=4, out_scale=2, num_workers=0, device='cpu', min_chroma=0)
def weights(learn): return [o.clone() for m in (learn.model, learn.gan.critic) for o in m.state_dict().values()]

class Killed(BaseException): pass

@pytest.mark.slow
@pytest.mark.parametrize('stage,epoch', [('l1',0), ('l1',1), ('gan',0)])
@pytest.mark.parametrize('cls', [Diary, Checkpoint])
def test_resume_after_kill(photos, tmp_path, tiny, monkeypatch, stage, epoch, cls):
    "Killed before or after a checkpoint was written, a resumed run ends with the weights of an undisturbed one"
    set_seed(0); whole = train(photos, tmp_path/'a', **opts)
    real = cls.after_epoch
    def dies(self):
        real(self)
        if getattr(self, 'stage', getattr(self, 'fname', '')) == stage and self.epoch == epoch: raise Killed
    monkeypatch.setattr(cls, 'after_epoch', dies)
    set_seed(0)
    with pytest.raises(Killed): train(photos, tmp_path/'b', **opts)
    monkeypatch.setattr(cls, 'after_epoch', real)
    if (tmp_path/'b/training/l1.pth').exists():
        with pytest.raises(ValueError, match='holds a run or a model already'): train(photos, tmp_path/'b', **opts)
    set_seed(5 if (tmp_path/'b/training/l1.pth').exists() else 0)  # without a checkpoint it starts anew
    rest = train(photos, tmp_path/'b', resume=True, **opts)
    a,b = ((tmp_path/o/'training/history.csv').read_text().splitlines() for o in 'ab')
    assert len(a) == len(b) == 5 and [o.split(',')[:2] for o in a] == [o.split(',')[:2] for o in b]
    assert all(torch.equal(x,y) for x,y in zip(weights(whole), weights(rest)))

@pytest.mark.slow
@pytest.mark.timeout(400)
def test_end_to_end(photos, tmp_path):
    "The real network through the real command; `colorize --model` takes what it wrote"
    out = tmp_path/'model'
    cmd = [sys.executable, '-c', 'from colorize_nb.cli import colorize_train; colorize_train()', photos, '-o', out]
    r = subprocess.run([*cmd, *'--epochs-l1 1 --epochs-gan 1 --size 32 --bs 4 --start none'.split()], capture_output=True, text=True,
                       env={**os.environ, 'OMP_NUM_THREADS':'1'})
    assert r.returncode == 0, r.stderr
    assert {o.name for o in out.iterdir()} == {'config.json','model.onnx','model.safetensors','training'}
    assert {'history.csv','loss.png','l1-000.png','gan-000.png','l1.pth','gan.pth'} <= {o.name for o in (out/'training').iterdir()}
    assert Image.open(out/'training/gan-000.png').width == 3*32
    assert cli.colorize(path=[photos/'0.png'], o=tmp_path/'x.png', model=str(out)) == 0
    assert Image.open(tmp_path/'x.png').size == (48,48)

@pytest.mark.parametrize('args,says', [
    (['nowhere'], 'nowhere: no such folder'), (['.', '--out-scale', '3'], '--out-scale must be 1, 2 or 4, not 3'),
    (['.', '--bs', '99'], 'fewer than a batch of 99'),
    (['.', '--epochs-l1', '0', '--epochs-gan', '0'], 'there must be an epoch'), (['.', '-o', 'sub/m'], 'lies among the photos')])
def test_wrong_use_is_one_line(photos, tmp_path, capsys, monkeypatch, args, says):
    argv = ['colorize-train', *args, *('' if '-o' in args else ('-o', str(tmp_path/'m'))), *('' if '--bs' in args else ('--bs', '4'))]
    monkeypatch.chdir(photos); monkeypatch.setattr(sys, 'argv', argv)
    with pytest.raises(SystemExit) as e: cli.colorize_train()
    err = capsys.readouterr().err.strip().splitlines()
    assert e.value.code == 2 and len(err) == 1 and says in err[0]

def tree(d): return {p.relative_to(d).as_posix(): p.read_bytes() for p in sorted(d.rglob('*')) if p.is_file()}

@pytest.mark.parametrize('name,kw', [('colorize_compare', dict(models=['default'])), ('colorize_train', {}), ('colorize_recipe', {})])
@pytest.mark.parametrize('out', ['photos', 'photos/sub', 'photos/new', 'photos/sub/../new', 'link', 'link/new'])
def test_results_do_not_go_among_the_photos(photos, tmp_path, capsys, name, kw, out):
    "A sheet, a model, a run: one line, and all photos stay, as the one that is called like the sheet"
    Image.new('RGB', (48,48), 'red').save(photos/'sheet.jpg')
    (tmp_path/'link').symlink_to(photos)
    before = tree(tmp_path)
    kw |= {dict(colorize_compare='photos', colorize_train='folder', colorize_recipe='photos')[name]: [photos] if name == 'colorize_recipe' else str(photos)}
    assert getattr(cli, name)(o=str(tmp_path/out), **kw) == 2
    err = capsys.readouterr().err
    use = 'measure on' if name == 'colorize_compare' else 'learn from'
    assert err == f"{name.replace('_', '-')}: {tmp_path/out} lies among the photos to {use}\n" and tree(tmp_path) == before

def test_compare_writes_over_nothing_that_it_reads(photos, tmp_path, capsys):
    "Another tool's results, weights, the archive itself; above the photos there is nothing to meet"
    theirs = tmp_path/'theirs'; (theirs/'sub').mkdir(parents=True)
    (photos/'0.png').rename(photos/'sheet.png')
    for p in photos.rglob('*.png'): Image.open(p).save((theirs/p.relative_to(photos)).with_suffix('.jpg'))
    with zipfile.ZipFile(tmp_path/'photos.zip', 'w') as z: z.write(photos/'sheet.png', 'sheet.png')
    (tmp_path/'table.md').write_bytes(b'weights'); (tmp_path/'o/table.csv').mkdir(parents=True)
    before = tree(tmp_path)
    def said(out, photos, **kw):
        assert cli.colorize_compare(models=[str(theirs)], photos=str(photos), o=str(tmp_path/out), **kw) == 2
        return capsys.readouterr().err.replace(f'{tmp_path}/', '')
    for out,ph,why in (('theirs', photos, 'theirs/sheet.jpg is read too, and stays: choose another folder'), ('theirs', tmp_path/'photos.zip', 'theirs/sheet.jpg is read too, and stays: choose another folder'),
                       ('photos.zip', tmp_path/'photos.zip', 'photos.zip lies among the photos to measure on'), ('table.md/new', photos, 'table.md is a file, not a folder'),
                       ('o', photos, 'o/table.csv is a folder')):
        assert said(out, ph) == f'colorize-compare: {why}\n'
    assert said('.', photos, alex=str(tmp_path/'table.md')) == 'colorize-compare: table.md is read too, and stays: choose another folder\n'
    assert tree(tmp_path) == before
    (tmp_path/'table.md').unlink()
    assert cli.colorize_compare(models=[str(theirs)], photos=str(tmp_path/'photos.zip'), o=str(tmp_path)) == 0
    after = tree(tmp_path)
    assert after.keys()-before.keys() == {'table.csv','photos.csv','sheet.jpg'} and all(after[k] == v for k,v in before.items() if k != 'table.md')

class Thing: "A pickle that holds more than numbers"

START = {'text.pth': b'no weights', 'empty.pth': b'', 'text.safetensors': b'no weights', 'list.pth': [torch.zeros(1)], 'deep.pth': dict(model=dict(w=torch.zeros(1))), 'code.pth': Thing(),
         'other.pth': {'layers.0.0.weight': torch.zeros(1), **{f'x{i}': torch.zeros(1) for i in range(9)}}, 'flat.pth': {'conv1.weight': torch.zeros(3)}}

@pytest.mark.parametrize('name,why', {'text.pth': 'holds something else than weights, and nothing of it was run', 'empty.pth': 'half-downloaded, or no weights', 'text.safetensors': 'half-downloaded, or no weights',
    'list.pth': 'no table of weights', 'deep.pth': 'no table of weights', 'code.pth': 'holds something else than weights, and nothing of it was run',
    'other.pth': 'does not fit the network: it has no layers.0.1.weight, layers.0.1.bias, layers.0.1.running_mean and ', 'flat.pth': 'does not fit the network: it has no 1.weight, 1.bias, 1.running_mean and '}.items())
def test_start_that_holds_no_fitting_weights(photos, tmp_path, capsys, name, why):
    "One short line that names the file, and nothing is written"
    if isinstance(START[name], bytes): (tmp_path/name).write_bytes(START[name])
    else: torch.save(START[name], tmp_path/name)
    assert cli.colorize_train(folder=str(photos), o=str(tmp_path/'m'), size=32, bs=2, start=str(tmp_path/name)) == 2
    err = capsys.readouterr().err
    assert err.startswith(f'colorize-train: {tmp_path/name}: {why}') and err.count('\n') == 1 and len(err) < 250+len(str(tmp_path)), err
    assert not (tmp_path/'m').exists()

@pytest.mark.parametrize('data', [b'', b'half a file', {'w': torch.zeros(1)}])
def test_resume_from_a_damaged_checkpoint(photos, tmp_path, tiny, capsys, data):
    f = tmp_path/'m/training/l1.pth'; f.parent.mkdir(parents=True)
    if isinstance(data, bytes): f.write_bytes(data)
    else: torch.save(data, f)
    assert cli.colorize_train(folder=str(photos), o=str(tmp_path/'m'), size=32, bs=2, out_scale=2, start='none', resume=True) == 2
    err = capsys.readouterr().err.splitlines()
    assert err[-1].startswith('colorize-train: ') and f'{f}: ' in err[-1] and not any('Traceback' in l for l in err), err

@pytest.mark.parametrize('network,name', dict(alex="torchvision's alexnet: it has no features.0.bias, features.3.weight, features.3.bias and 6 more", vgg="torchvision's vgg16: it has no features.0.bias, ",
                                                inception="the weights of torch-fidelity's Inception").items())
def test_named_weights_are_weights(photos, tmp_path, capsys, network, name):
    "A file that was named is used, or refused in a line; not measured is only a figure that nobody gave a file for"
    if network == 'inception': pytest.importorskip('torch_fidelity')
    (tmp_path/'text.zip').write_bytes(b'no weights'); torch.save({'features.0.weight': torch.zeros(64,3,11,11)}, tmp_path/'other.pth')
    for file,why in (('text.zip', 'holds something else than weights, and nothing of it was run'), ('other.pth', f'not {name}')):
        assert cli.colorize_compare(models=['default'], photos=str(photos), o=str(tmp_path/'out'), **{network: str(tmp_path/file)}) == 2
        out,err = capsys.readouterr()
        assert err.startswith(f'colorize-compare: {tmp_path/file}: {why}') and err.count('\n') == 1 and not out and not (tmp_path/'out').exists()

def test_says_what_to_install(photos, tmp_path):
    "Without the train extra: one line, status 2"
    code = ("import importlib.util as u, sys; f = u.find_spec; u.find_spec = lambda n, *a: None if n in ('torch','fastai') else f(n, *a)\n"
            "from colorize_nb.cli import colorize_train; colorize_train()")
    r = subprocess.run([sys.executable, '-c', code, photos, '-o', tmp_path/'m'], capture_output=True, text=True)
    assert r.returncode == 2 and len(r.stderr.strip().splitlines()) == 1 and ': pip install ' in r.stderr and "[train]'" in r.stderr
