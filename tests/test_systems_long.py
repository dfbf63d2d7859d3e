"The reports' systems at length: a run that is cut goes on to the same network, and the table says what was done"
import importlib.util, json
from dataclasses import replace
from pathlib import Path
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
import pandas as pd
pytest.importorskip('skimage', reason='needs the train extra')
from PIL import Image
from skimage import data

SCRIPT = Path(__file__).parents[1]/'experiments/systems.py'
COLUMNS = ['system','photos','share','db','colour','frechet','recognized','lpips','seconds','device','seed']

@pytest.fixture
def script(monkeypatch):
    "The script with pictures of 32 px, batches of 4 and 500 held photos"
    if not SCRIPT.is_file(): pytest.skip('no experiments/ here')
    spec = importlib.util.spec_from_file_location('experiments_systems', SCRIPT)
    m = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(m)
    torch.set_num_threads(1)
    for name,s in list(m.systems.items()): monkeypatch.setitem(m.systems, name, replace(s, bs=4))
    for name in m.SIDE: monkeypatch.setitem(m.SIDE, name, 128 if name == 'pix2pix_unet' else 32)
    return m

@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    "36 pieces of photos to learn from, and three whole ones"
    d = tmp_path_factory.mktemp('photos')
    for k in ('train','valid/caltech101'): (d/k).mkdir(parents=True)  # of valid.zip only those photos may be shown
    for i,im in enumerate((data.chelsea(), data.coffee(), data.astronaut(), data.rocket())):
        if i < 3: Image.fromarray(im[...,:3]).resize((48,40)).save(d/f'valid/caltech101/{i}.png')
        for y in range(3):
            for x in range(3): Image.fromarray(im[y*90:y*90+90, x*90:x*90+90, :3]).resize((40,40)).save(d/f'train/{i}{y}{x}.png')
    return d

@pytest.mark.parametrize('title', ['cnn-0', pytest.param('cgan+r1+ema-0', marks=pytest.mark.slow)])
def test_cut_and_resumed(script, photos, tmp_path, monkeypatch, title):
    "After a cut the same line gives the network, the curve and the count of pictures of a run without one"
    store = script.make_store([photos/'train'], tmp_path/'store', side=40)
    def train(run):
        if '+' in title and not (run/'resnet18_unet-0').is_dir():
            script.train_at_length('resnet18_unet-0', store, run, 4, None, False, part=4)
        script.train_at_length(title, store, run, 36, None, False, part=12)
    class Cut(script.Checkpoint):
        def after_epoch(self):
            super().after_epoch()
            if self.epoch == 1 and str(self.learn.path).endswith(title): raise KeyboardInterrupt
    train(tmp_path/'whole')
    with monkeypatch.context() as m, pytest.raises(KeyboardInterrupt):
        m.setattr(script, 'Checkpoint', Cut)
        train(tmp_path/'cut')
    assert not (tmp_path/'cut'/title/'net.safetensors').is_file()
    train(tmp_path/'cut')
    whole,cut = (script.load_file(tmp_path/k/title/'net.safetensors') for k in ('whole','cut'))
    assert len(whole) > 10 and all(torch.equal(v, cut[k]) for k,v in whole.items())
    about,again = (json.loads((tmp_path/k/title/'about.json').read_text()) for k in ('whole','cut'))
    assert about['photos'] == again['photos'] == 36 and about['device'].startswith('cpu')
    a,b = (pd.read_csv(tmp_path/k/title/'history.csv').drop(columns=['time','train_loss'], errors='ignore') for k in ('whole','cut'))  # fastai smooths train_loss from the start of a fit
    pd.testing.assert_frame_equal(a, b)
    assert list(a.epoch) == [0,1,2]
    began = (tmp_path/'cut'/title/'net.safetensors').stat().st_mtime_ns
    train(tmp_path/'cut')  # nothing left to do
    assert (tmp_path/'cut'/title/'net.safetensors').stat().st_mtime_ns == began

def test_how_long(script):
    "The reports' epochs where they are printed, five elsewhere, and never more than was asked for"
    assert [script.pictures_of(n, 8000, None) for n in ('resnet18_unet','cgan','encoder_decoder','cnn')] == [160_000, 160_000, 800_000, 40_000]
    assert script.pictures_of('pix2pix_unet', 8000, 160_000) == 160_000 and script.pictures_of('cnn', 8000, 160_000) == 40_000

def test_a_gan_needs_its_start(script, photos, tmp_path):
    store = script.make_store([photos/'train'], tmp_path/'store', side=40)
    with pytest.raises(ValueError, match='cgan goes on from resnet18_unet-0, which .* has not: train that one first'):
        script.train_at_length('cgan-0', store, tmp_path, 4, None, False, part=4)

def test_no_such_mend(script):
    with pytest.raises(ValueError, match="cgan.r1.luck: no mend 'luck'; there are slow, "): script.mends_of('cgan+r1+luck')
    with pytest.raises(ValueError, match='cnn.ema: cnn has no critic to mend'): script.mends_of('cnn+ema')

def test_mends(script, photos, tmp_path, monkeypatch):
    "A mend changes the learner by what it is named for, and nothing else"
    store = script.make_store([photos/'train'], tmp_path/'store', side=40)
    def of(title): return script.learner_at_length(title, store, tmp_path, None, False, 4, fresh=True)
    plain = of('cgan-0')
    options = dict(critic_rate=1., smooth=0., r1=0., critic_first=0)
    assert {k: getattr(plain.gan, k) for k in options} == options and plain.lr == 2e-4
    for mend,changed in dict(slow_critic=dict(critic_rate=.25), smooth=dict(smooth=.1), r1=dict(r1=10.), critic_first=dict(critic_first=256), slow={}).items():
        learn = of(f'cgan+{mend}-0')
        assert {k: getattr(learn.gan, k) for k in options} == options|changed, mend
        assert learn.lr == (5e-5 if mend == 'slow' else 2e-4) and len(learn.metrics) == len(plain.metrics)
        assert not any(isinstance(o, script.EMA) for o in learn.cbs)
    for name in ('cgan','pix2pix_unet'):
        both = of(f'{name}+smooth+ema-0')
        assert both.gan.smooth == .1 and any(isinstance(o, script.EMA) for o in both.cbs), name

def test_speed(script, photos, tmp_path, monkeypatch, capsys):
    "A batch that takes four seconds of four pictures: one a second"
    ticks = iter(range(0, 1000, 4))
    monkeypatch.setattr(script.time, 'process_time', lambda: next(ticks))
    store = script.make_store([photos/'train'], tmp_path/'store', side=40)
    capsys.readouterr()
    script.speeds(['cnn-0','regression-0'], store, tmp_path/'run', None, False)
    assert capsys.readouterr().out.splitlines() == ['cnn: 1.0 pictures a second', 'regression: 1.0 pictures a second']
    assert not (tmp_path/'run').exists()

@pytest.mark.slow
@pytest.mark.timeout(300)
def test_table(script, photos, tmp_path, monkeypatch):
    "From photos to the table, the curves and the sheet, on three photos and a few batches"
    monkeypatch.setattr(script, 'PART', 4)
    monkeypatch.setattr(script, 'HELD', 4)
    (tmp_path/'results').mkdir()
    script.at_length([photos/'train'], photos/'valid', None, tmp_path/'run', 'cpu', 8, ['cnn','resnet18_unet','cgan'], ['cgan+smooth'], None, 24, 1, tmp_path/'results', False)
    text = (tmp_path/'results/systems_long.csv').read_text()
    assert text.startswith('# python ') and 'commit ' in text.splitlines()[0] and '26 photos to train on, 3 of valid' in text.splitlines()[0]
    rows = pd.read_csv(tmp_path/'results/systems_long.csv', comment='#')
    assert list(rows) == COLUMNS
    assert list(rows.system) == ['gray','one colour','random ab','untrained','cnn','resnet18_unet','cgan','cgan+smooth','default']
    rows = rows.set_index('system')
    assert rows.share['gray'] == 1 and rows.db['gray'] == 0 and rows.share['random ab'] > 1.5
    assert rows.photos.dropna().tolist() == [8]*4 and set(rows.lpips) == {'not measured'} and (rows.frechet > 0).all()
    curves = pd.read_csv(tmp_path/'results/systems_long_curves.csv')
    assert curves.groupby('system', sort=False).size().to_dict() == {t: 2 for t in ('cnn-0','resnet18_unet-0','cgan-0','cgan+smooth-0')}
    sheet = np.asarray(Image.open(tmp_path/'results/systems_long.jpg'))
    assert sheet.shape[1] == (3+4+1+1)*100 and sheet.std() > 20  # references, systems, default, photo

def test_the_table_keeps_what_another_run_wrote(script, tmp_path, monkeypatch):
    "Rows, curves and columns of the sheet of systems that this run has not stay; its own are written again"
    figures = dict(mae=.05, psnr=20., colourfulness=10.)
    monkeypatch.setattr(script, 'figures_of', lambda title, run, ps, vgg: figures)
    def done(run, title, photos):
        (run/title).mkdir(parents=True)
        (run/title/'about.json').write_text(f'{{"photos": {photos}, "seconds": 3, "device": "cpu, 1 threads"}}')
        (run/title/'net.safetensors').touch()
        (run/title/'history.csv').write_text(f'stage,epoch,mae\n{title},0,0.0{photos}\n')
    for run,title,photos in (('a','cnn-0',10), ('a','regression-0',20), ('b','cgan-0',40), ('b','cnn-0',30)): done(tmp_path/run, title, photos)
    for run in 'ab': script.write_at_length(tmp_path/run, None, None, f'# {run}\n', tmp_path)
    rows = pd.read_csv(tmp_path/'systems_long.csv', comment='#')
    assert list(rows.system) == ['gray','one colour','random ab','untrained','cnn','regression','cgan','default']
    assert rows.photos.dropna().tolist() == [30,20,40] and rows.seed.dropna().tolist() == [0,0,0]
    curves = pd.read_csv(tmp_path/'systems_long_curves.csv')
    assert list(curves.system) == ['cnn-0','regression-0','cgan-0'] and curves.mae.tolist() == [.03,.02,.04]
    def columns(*levels): return Image.fromarray(np.repeat(np.uint8(levels), 100)[None].repeat(8, 0)).convert('RGB')
    former = list(script.former_rows(tmp_path))
    assert former == ['cnn-0','regression-0','cgan-0']
    whole = script.joined(columns(1, 2, 3, 4), ['cgan-0','default'], columns(101, 102, 103, 104, 105, 106), ['cnn-0','regression-0','cgan-0','default'])
    assert np.asarray(whole)[0,::100,0].tolist() == [1, 102, 103, 2, 3, 4]
