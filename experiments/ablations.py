"""What the reports varied, one thing at a time:
python experiments/ablations.py TRAIN.zip... --valid VALID.zip --encoder ENCODER.safetensors
    --color COLOR.safetensors -o RUN
Base: `cnn` (eleven layers with BatchNorm), L1, Adam, one cycle at 1e-3, batches of 64, 48 px, 2,048 photos, 2,048
pictures seen. A GAN: that network with its weights from the base, a PatchGAN of 16 px (the colours come at a quarter of
the size: 12 px), lambda 100, 1,024 pictures more. Pre-training: `resnet18_unet` at a quarter of the size, 1,024
pictures; ENCODER is a gray ResNet-18 under torchvision's names, COLOR the weights of the recipe's stage resnet18_color.
Each row is measured on all of VALID at its own side; `share` is its error beside that of gray.
RUN keeps the rows that are done: the same line goes on. Writes results/ablations.csv, and results/lr_find.csv: loss by
learning rate."""
import argparse, csv
from pathlib import Path
import numpy as np
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
import pandas as pd
import torch
from fastai.data.core import DataLoaders
from fastai.optimizer import SGD, Adam
from safetensors.torch import load_file, save_file
from colorize_nb.files.atomic import write_file
from colorize_nb.train.gan import PatchGAN, gan_learner
from colorize_nb.train.generator import create_generator
from colorize_nb.train.learner import BF16, bf16_pays, colorize_learner
from colorize_nb.train.losses import ABLoss
from colorize_nb.train.metrics import PhotoMetric
from colorize_nb.train.photo_store import StoreLoader, make_store

BASE = dict(lr=1e-3, bs=64, size=48, photos=2048, seen=2048, layers=11, norm=True, bias=True, opt='adam', loss='l1',
            gan=None, patch=16, lam=100., net='cnn', start='none', seed=0)
def each(**option):
    "A variation for each value of one option"
    (k,values), = option.items()
    return [{k: v} for v in values]

VARIED = {
    'the seed alone': each(seed=(0, 1, 2)), 'learning rate': each(lr=(1e-4, 1e-3, 1e-2)),
    'batch size': each(bs=(16, 64, 256)), 'image size': each(size=(32, 48, 64)),
    'photos, as many seen': each(photos=(128, 512, 2048)), 'pictures seen': each(seen=(512, 1024, 2048, 4096)),
    'layers': [dict(layers=8, norm=False), dict(layers=8), dict(layers=11, norm=False), dict(layers=11)],
    'bias': each(bias=(False, True)),
    'optimizer': [dict(opt='adam'), dict(opt='sgd', lr=1e-3), dict(opt='sgd', lr=1e-2)],
    'loss': each(loss=('l1', 'l2', 'huber')),
    'patch': [dict(gan='bce', patch=v) for v in (1, 16, 34)],
    'lambda': [dict(gan='bce', lam=v) for v in (10., 100., 1000.)], 'GAN loss': each(gan=('bce', 'lsgan')),
    'pre-training': [dict(net='resnet18_unet', start=v, seen=1024, bs=32) for v in ('none', 'encoder', 'colour')]}
FIGURES = 'mae', 'psnr_gain', 'colourfulness'

def key(c):
    "The options that differ from the base, as a name"
    def text(v): return f'{v:g}' if isinstance(v, (int,float)) and not isinstance(v, bool) else str(v)
    return '-'.join(f'{k}={text(v)}' for k,v in c.items() if v != BASE[k]) or 'base'

def loaders(store, valid, c):
    "Loaders, and how many epochs show so many pictures"
    some = torch.randperm(len(store), generator=torch.Generator().manual_seed(42)).tolist()[:c['photos']]
    pictures = 1024 if c['gan'] else c['seen']
    n = min(len(some), max(c['bs'], pictures//2))
    dls = DataLoaders(StoreLoader(store, some, c['size'], c['bs'], n=n, old=0.),
                      StoreLoader(valid, range(len(valid)), c['size'], 64, train=False, old=0.))
    for d in dls.loaders: d.rng.seed(c['seed'])
    dls.size = c['size']
    return dls,max(1, round(pictures/n))

def network(c, starts, base):
    if c['net'] != 'cnn': return create_generator(c['net'], out_scale=4, size=c['size'], pretrained=starts[c['start']])
    net = create_generator('cnn', layers=c['layers'], norm=c['norm'], bias=c['bias'])
    if c['gan']: net.load_state_dict(load_file(base))
    return net

def sgd(ps, **kwargs): return SGD(ps, **dict(kwargs, mom=.9))

def train(c, store, valid, starts, base, bf16):
    "A trained learner and its figures"
    torch.manual_seed(c['seed'])
    np.random.seed(c['seed'])
    dls,epochs = loaders(store, valid, c)
    learn = colorize_learner(dls, generator=network(c, starts, base), loss_func=ABLoss(c['loss']),
                             opt_func=Adam if c['opt'] == 'adam' else sgd, metrics=[PhotoMetric(k) for k in FIGURES],
                             channels_last=True, cbs=[BF16()]*bf16)
    if c['gan']:
        critic = PatchGAN(receptive_field=c['patch'])
        learn = gan_learner(learn, critic=critic, gan_loss=c['gan'], lambda_l1=c['lam'])
    with learn.no_bar(), learn.no_logging():
        if c['gan']: learn.fit(epochs, 2e-4)
        else: learn.fit_one_cycle(epochs, c['lr'])
    return learn,dict(zip(FIGURES, learn.recorder.values[-1][2:5]))

class Done:
    "The rows that are done, kept in a file of the run"
    def __init__(self, run, train):
        self.run = run
        self.train = train  # of options: a learner and its figures
        self.file = run/'done.csv'
        self.rows = {r['key']: r for r in csv.DictReader(open(self.file))} if self.file.is_file() else {}
    def __call__(self, c):
        k = key(c)
        if k not in self.rows:
            learn,figures = self.train(c)
            state = {name: v.contiguous() for name,v in learn.model.state_dict().items()}
            if k == 'base': save_file(state, self.run/'base.safetensors')
            self.rows[k] = dict(key=k, **figures)
            print(self.rows[k], flush=True)
            pd.DataFrame(self.rows.values()).to_csv(self.file, index=False)
        return {f: float(self.rows[k][f]) for f in FIGURES}

def write_lr_find(dls):
    learn = colorize_learner(dls, generator=create_generator('cnn'), loss_func=ABLoss('l1'))
    with learn.no_bar(), learn.no_logging(): learn.lr_find(end_lr=1, num_it=80, show_plot=False)
    rows = pd.DataFrame(dict(lr=learn.recorder.lrs, loss=[float(o) for o in learn.recorder.losses]))
    rows.to_csv('results/lr_find.csv', index=False, float_format='%.6g')

def main(photos, valid, encoder, color, o):
    run = Path(o)
    run.mkdir(parents=True, exist_ok=True)
    store = make_store(photos, run/'store')
    val = make_store([valid], run/'valid', min_chroma=0.)
    bf16 = bf16_pays('cpu')
    torch.set_flush_denormal(True)
    starts = dict(none=False, encoder=encoder, colour=color)
    one = Done(run, lambda c: train(c, store, val, starts, run/'base.safetensors', bf16))
    one(BASE)
    rows = []
    for what,variations in VARIED.items():
        for c in (BASE|v for v in variations):
            dls,_ = loaders(store, val, c)
            gray = torch.cat([ab.abs().mean((1,2,3)) for _,ab in dls.valid]).mean().item()
            figures = one(c)
            rows.append(dict(varied=what, value=key(c), **figures, share=figures['mae']/gray))
    names = ' '.join(Path(p).name for p in photos)
    head = (f'# python experiments/ablations.py {names}; {len(store)} photos, the first so many in an order drawn with '
            f'seed 42; {len(val)} of {Path(valid).name} to measure on\n')
    write_file('results/ablations.csv', (head+pd.DataFrame(rows).to_csv(index=False, float_format='%.5f')).encode())
    write_lr_find(loaders(store, val, BASE)[0])

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('photos', nargs='+')
    p.add_argument('-o', required=True)
    for k in ('valid', 'encoder', 'color'): p.add_argument(f'--{k}', required=True)
    main(**vars(p.parse_args()))
