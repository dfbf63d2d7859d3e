"The GAN stage: resuming bit for bit, whose step moves what, exporting, keeping the best."
import math
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image
import colorize_nb.train.compat  # before anything of fastai.vision
from torch import nn
from fastai.callback.core import Callback
from fastai.callback.progress import ProgressCallback
from fastai.callback.tracker import SaveModelCallback
from fastai.learner import load_learner
from fastai.torch_core import set_seed
from colorize_nb.train.gan import PatchGAN
from colorize_nb.train.data import ColorizeDataLoaders
from colorize_nb.train.gan import gan_learner
from colorize_nb.train.learner import BF16, EMA, Checkpoint, colorize_learner

torch.set_num_threads(1)  # faster for networks this small

@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    d = tmp_path_factory.mktemp('photos')
    y,x = np.mgrid[:40,:40]
    for i in range(5):
        Image.fromarray(np.stack([128+100*np.sin((x+y*j+i*17)/(9+j*4)) for j in range(3)], -1).astype(np.uint8)).save(d/f'{i}.png')
    return d

def tiny(s=1): return nn.Sequential(nn.Conv2d(1, 8, 3, s, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(.1), nn.Conv2d(8, 2, 3, 1, 1))

def make(photos, path, seed=0, scale=1, bs=2, old=.5, cbs=None, **kw):
    set_seed(seed)
    dls = ColorizeDataLoaders.from_folder(photos, valid_pct=.2, size=32, bs=bs, num_workers=0, device='cpu', min_chroma=0, old=old)
    learn = colorize_learner(dls, generator=tiny(scale), path=path, lr=1e-3, cbs=cbs)
    return gan_learner(learn, critic=PatchGAN(receptive_field=16, nf=8), **kw).remove_cbs(ProgressCallback)

class Raw(Callback):
    "Raw losses of every batch"
    order = 50
    def before_fit(self): self.seen = []
    def after_batch(self):
        if self.training: self.seen.append((self.loss.item(), *self.learn.gan.sums[-1].tolist()))

class Kill(Callback):
    "Stop the process's loop after an epoch, as a kill would"
    order = 95
    def __init__(self, after): self.after = after
    def after_epoch(self):
        if self.epoch == self.after: raise KeyboardInterrupt

def weights(gan): return [o.clone() for m in (gan.model, gan.gan.critic) for o in m.state_dict().values()]
def moments(gan):
    states = [s for opt in (gan.opt, gan.gan.opt_d) for s in opt.state_dict()['state']]
    return [v for s in states for k,v in sorted(s.items()) if isinstance(v, torch.Tensor)]
def same(a, b): return len(a) == len(b) > 0 and all(torch.equal(x,y) for x,y in zip(a, b))

@pytest.mark.parametrize('kill', [0,2])
@pytest.mark.parametrize('extra', [dict(), dict(scale=2, gan_loss='lsgan', cbs=[EMA(.9)]), dict(critic_rate=.5, smooth=.1, r1=10.)])
def test_resume(photos, tmp_path, extra, kill):
    "Stopping after an epoch and going on gives the losses, weights and moments of not stopping, bit for bit"
    def run(seed, *cbs):
        gan = make(photos, tmp_path, seed, **extra)
        try: gan.fit(4, 1e-3, cbs=[raw := Raw(), *cbs])
        except KeyboardInterrupt: pass
        return raw.seen, weights(gan), moments(gan)
    whole,w,m = run(0)
    begun,half,_ = run(0, Checkpoint(), Kill(kill))
    rest,w2,m2 = run(7, Checkpoint(resume=True))
    assert len(whole) == 8 and len(begun) == 2*(kill+1) and begun+rest == whole
    assert same(w, w2) and same(m, m2) and not same(w, half)

def test_checkpoint_holds_no_code(photos, tmp_path):
    gan = make(photos, tmp_path); gan.fit(1, cbs=Checkpoint())
    s = torch.load(tmp_path/'models/checkpoint.pth', weights_only=True)
    assert set(s) >= {'model','opt','random','cbs'} and set(s['cbs']['GANCallback']) == {'critic','opt','seen'}
    assert not list((tmp_path/'models').glob('*.tmp'))

def test_each_step_moves_its_own_network(photos, tmp_path):
    log = []
    class Watch(Callback):
        order = 99
        def snap(self): return [[p.detach().clone() for p in m.parameters()] for m in (self.model, self.learn.gan.critic)]
        def moved(self): return [not same(a, b) for a,b in zip(self.at, self.snap())]
        def before_batch(self): self.at = self.snap()
        def after_pred(self):
            if self.training: log.append(('critic', *self.moved())); self.at = self.snap()
        def after_batch(self):
            if self.training: log.append(('generator', *self.moved()))
    make(photos, tmp_path).fit(2, cbs=Watch())
    assert set(log) == {('critic',False,True), ('generator',True,False)} and len(log) == 8

@pytest.mark.parametrize('kind,fool,caught', [('bce', math.log(2), math.log(2)), ('lsgan', 1., 0.)])
def test_table(photos, tmp_path, kind, fool, caught):
    "The four losses stand in the table; a critic that always answers 0 pays what theory says"
    gan = make(photos, tmp_path, gan_loss=kind)
    nn.init.zeros_(gan.gan.critic[-1].weight); nn.init.zeros_(gan.gan.critic[-1].bias)
    gan.fit(1, 1e-9)
    row = dict(zip(gan.recorder.metric_names[1:-1], gan.recorder.values[-1]))
    want = dict(loss_G_GAN=fool, loss_D_real=fool, loss_D_fake=caught)
    assert {k: row[k] for k in want} == pytest.approx(want, abs=1e-4) and .01 < row['loss_G_L1'] < 1

@pytest.mark.slow
@pytest.mark.parametrize('scale', [1,2,4])
def test_learns(photos, tmp_path, scale):
    gan = make(photos, tmp_path, scale=scale, bs=4, old=0.)
    gan.fit(60, 1e-2)
    assert np.mean(gan.recorder.losses[-5:]) < .8*gan.recorder.losses[0] and np.isfinite(gan.recorder.values[-1]).all()

def test_export_save_load_predict(photos, tmp_path):
    gan = make(photos, tmp_path, cbs=[BF16()]); gan.fit(1)
    ab = gan.predict(photos/'0.png')[2]
    gan.export('gan.pkl'); gan.save('g')
    assert torch.equal(load_learner(tmp_path/'gan.pkl').remove_cbs(ProgressCallback).predict(photos/'0.png')[2], ab)
    other = make(photos, tmp_path, 5, cbs=[BF16()]); other.load('g')
    assert torch.equal(other.predict(photos/'0.png')[2], ab)
    gan.fit(1)

def test_save_model_and_lr_find(photos, tmp_path):
    gan = make(photos, tmp_path); gan.fit(2, cbs=SaveModelCallback(monitor='valid_loss', fname='best'))
    assert gan.validate()[0] > 0 and (tmp_path/'models/best.pth').is_file()
    before = weights(gan); gan.lr_find(num_it=10, show_plot=False)
    assert same(before, weights(gan))

def test_the_first_learner_still_works(photos, tmp_path):
    "Callbacks come along as copies"
    set_seed(0)
    dls = ColorizeDataLoaders.from_folder(photos, valid_pct=.2, size=32, bs=2, num_workers=0, device='cpu', min_chroma=0)
    learn = colorize_learner(dls, generator=tiny(2), path=tmp_path, cbs=EMA()).remove_cbs(ProgressCallback)
    gan = gan_learner(learn, critic=PatchGAN(receptive_field=16, nf=8)).remove_cbs(ProgressCallback)
    gan.fit(1); learn.fit(1)
    assert learn.get_preds()[0].shape[-1] == 32 and learn.model is gan.model and any(isinstance(o, EMA) for o in gan.cbs)

@pytest.mark.parametrize('rate', [0., .25, 1.])
def test_critic_rate(photos, tmp_path, rate):
    "Adam's first step is as long as its rate: the critic's is a share of the generator's"
    gan = make(photos, tmp_path, critic_rate=rate, bs=4)
    was = weights(gan)
    critic = [p.detach().clone() for p in gan.gan.critic.parameters()]
    gan.fit(1, 1e-3)
    steps = torch.cat([(a-b).abs().flatten() for a,b in zip(critic, gan.gan.critic.parameters())])
    assert steps.max().item() == pytest.approx(rate*1e-3, rel=.01, abs=1e-9)
    assert not same(was[:2], weights(gan)[:2])  # the generator has moved all the same

@pytest.mark.parametrize('kind', ['bce', 'lsgan'])
def test_smooth(photos, tmp_path, kind):
    "With a doubt of 0.2 the critic goes to where theory says: it calls half of what it cannot tell apart real, less a tenth"
    gan = make(photos, tmp_path, gan_loss=kind, smooth=.2)
    cb = gan.gan
    logits = torch.zeros(1, requires_grad=True)
    cb.judge = lambda ab, is_real: cb.gan_loss(logits, is_real)
    cb.learn = gan
    gan.xb,gan.yb = (torch.zeros(1),),(torch.zeros(1),)
    opt = torch.optim.SGD([logits], .5)
    for _ in range(300):
        opt.zero_grad(); cb.critic_loss(cb.judge(gan.y, True), cb.judge(None, False)).backward(); opt.step()
    says = logits.sigmoid() if kind == 'bce' else logits
    assert says.item() == pytest.approx(.4, abs=1e-3)  # (0.8 + 0)/2

def test_r1_flattens_the_critic(photos, tmp_path):
    "The penalty leaves a critic whose verdicts change less with the colours, in bfloat16 too"
    def steepness(r1, *cbs):
        gan = make(photos, tmp_path, r1=r1, bs=4, old=0., cbs=list(cbs))
        gan.fit(15, 5e-3)
        x,y = gan.dls.valid.one_batch()
        gan.xb,gan.yb,gan.pred = (x,),(y,),torch.zeros_like(y)
        gan.gan.critic.eval()
        return gan.gan.steepness().item()
    free,held,half = steepness(0.),steepness(100.),steepness(100., BF16())
    assert 0 < held < .5*free and 0 < half < .5*free
