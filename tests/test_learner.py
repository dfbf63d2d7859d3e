"What a fastai user does with a learner: save, load, export, predict, find a rate, keep the best, go on."
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image
import colorize_nb.train.compat  # before anything of fastai.vision
from torch import nn
from fastai.callback.progress import ProgressCallback
from fastai.callback.tracker import SaveModelCallback
from fastai.learner import load_learner
from fastai.torch_core import set_seed
from colorize_nb.train.data import ColorizeDataLoaders
from colorize_nb.train.learner import BF16, EMA, AtPredSize, colorize_learner
from colorize_nb.train.losses import ABLoss

torch.set_num_threads(1)  # faster for networks this small

@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    d = tmp_path_factory.mktemp('photos')
    y,x = np.mgrid[:40,:40]
    for i in range(6):
        Image.fromarray(np.stack([128+100*np.sin((x+y*j+i*17)/(9+j*4)) for j in range(3)], -1).astype(np.uint8)).save(d/f'{i}.png')
    return d

def tiny(s=1): return nn.Sequential(nn.Conv2d(1, 8, 3, s, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 2, 3, 1, 1))

def make(photos, path, bs=2, net=None, seed=0, **kw):
    set_seed(seed)
    dls = ColorizeDataLoaders.from_folder(photos, valid_pct=.34, size=32, bs=bs, num_workers=0, device='cpu', min_chroma=0)
    return colorize_learner(dls, generator=net or tiny(), path=path, **({'lr':1e-2} | kw)).remove_cbs(ProgressCallback)

def weights(learn): return [o.clone() for o in learn.model.state_dict().values()]
def same(a, b): return all(torch.equal(x,y) for x,y in zip(a, b))

def test_save_load(photos, tmp_path):
    learn = make(photos, tmp_path); learn.fit(1); w,s = weights(learn), learn.opt.state_dict()['state']
    learn.save('a'); other = make(photos, tmp_path, net=tiny()); other.create_opt(); assert not same(weights(other), w)
    other.load('a'); assert same(weights(other), w)
    assert all(torch.equal(a['grad_avg'], b['grad_avg']) for a,b in zip(s, other.opt.state_dict()['state']))

@pytest.mark.parametrize('cbs', [[], [BF16, EMA]])
def test_export_predict(photos, tmp_path, cbs):
    learn = make(photos, tmp_path, net=tiny(2), cbs=[o() for o in cbs]); learn.fit(1)
    img,_,ab = learn.predict(photos/'0.png')
    learn.export('x.pkl')
    img2,_,ab2 = load_learner(tmp_path/'x.pkl').remove_cbs(ProgressCallback).predict((photos/'0.png').read_bytes())
    assert img.shape == (3,32,32) and ab.shape == (2,32,32) and torch.equal(ab, ab2) and torch.equal(img, img2)
    learn.fit(1)  # and goes on

def test_lr_find_leaves_no_trace(photos, tmp_path):
    learn = make(photos, tmp_path, cbs=EMA()); w = weights(learn)
    assert 1e-7 < learn.lr_find(num_it=20, show_plot=False).valley < 10
    assert same(weights(learn), w)

def test_save_model_keeps_the_average(photos, tmp_path):
    learn = make(photos, tmp_path); learn.fit(2, cbs=[EMA(.9), SaveModelCallback(fname='best', every_epoch=True)])
    last = torch.load(tmp_path/'models/best_1.pth', weights_only=True)
    assert same(list(last.values()), weights(learn))

def test_save_best(photos, tmp_path):
    learn = make(photos, tmp_path); learn.fit(4, 3e-2, cbs=SaveModelCallback(monitor='mae', comp=np.less, fname='best'))
    best = min(v[2] for v in learn.recorder.values)
    assert learn.validate()[1] == pytest.approx(best, abs=1e-6)

@pytest.mark.slow
def test_fine_tune_and_rates(photos, tmp_path):
    learn = colorize_learner(make(photos, tmp_path).dls, pretrained=False, out_scale=4, path=tmp_path)
    learn.remove_cbs(ProgressCallback); body = learn.model.layers[0][4][0].conv1.weight.detach().clone()
    learn.freeze(); learn.fit_one_cycle(1, slice(1e-4,1e-3)); assert torch.equal(learn.model.layers[0][4][0].conv1.weight, body)
    learn.unfreeze(); learn.fit_one_cycle(1, slice(1e-4,1e-3)); assert not torch.equal(learn.model.layers[0][4][0].conv1.weight, body)
    assert learn.opt.hypers[0]['lr'] < learn.opt.hypers[1]['lr']

@pytest.mark.parametrize('scale', [1,2,4])
def test_metric_is_taken_at_full_size(photos, tmp_path, scale):
    "Zero ab is the same at every scale, and its MAE is the mean of |ab|"
    net = nn.Sequential(nn.Conv2d(1, 2, scale, scale)); nn.init.zeros_(net[0].weight); nn.init.zeros_(net[0].bias)
    learn = make(photos, tmp_path, net=net)
    want = torch.cat([ab.as_subclass(torch.Tensor) for _,ab in learn.dls.valid]).abs().mean()
    assert learn.validate()[1] == pytest.approx(want.item(), rel=1e-5)

def test_losses(photos, tmp_path):
    a = make(photos, tmp_path, net=tiny(2)); b = make(photos, tmp_path, net=a.model, loss_func=nn.functional.l1_loss)
    assert isinstance(a.loss_func, ABLoss) and isinstance(b.loss_func, AtPredSize)
    assert a.validate()[0] == pytest.approx(b.validate()[0], rel=1e-6)

def test_no_whole_batch(photos, tmp_path):
    dls = make(photos, tmp_path).dls; dls.train.bs = 99
    with pytest.raises(ValueError, match='fewer than a batch of 99'): colorize_learner(dls, generator=tiny())

def test_autocast_ends_with_the_batch(photos, tmp_path):
    learn = make(photos, tmp_path).to_bf16(); learn.fit(1)
    assert not torch.is_autocast_enabled('cpu')
    assert any(isinstance(o, BF16) for o in learn.cbs) and not any(isinstance(o, BF16) for o in learn.to_fp32().cbs)
