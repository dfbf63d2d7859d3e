"""What the reports varied, one thing at a time: python experiments/ablations.py TRAIN.zip... --valid VALID.zip --encoder ENCODER.safetensors --color COLOR.safetensors -o RUN
Base: `cnn` (eleven layers with BatchNorm), L1, Adam, one cycle at 1e-3, batches of 64, 48 px, 2,048 photos, 2,048 pictures seen. A GAN: that network with its weights from the base, a PatchGAN of 16 px
(the colours come at a quarter of the size: 12 px), lambda 100, 1,024 pictures more. Pre-training: `resnet18_unet` at a quarter of the size, 1,024 pictures; ENCODER: a gray ResNet-18 under torchvision's names, COLOR: what the recipe's stage resnet18_color leaves. Each row is measured on all of VALID at its own side; `share` is its error beside that of gray.
What is done is kept in RUN: the same line goes on. Writes results/ablations.csv, and results/lr_find.csv: loss by learning rate."""
import argparse, csv
from pathlib import Path
import numpy as np
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
import pandas as pd
import torch
from fastai.optimizer import SGD, Adam
from safetensors.torch import load_file, save_file
from colorize_nb.train.generator import create_generator
from colorize_nb.train.gan import PatchGAN
from colorize_nb.train.gan import gan_learner
from colorize_nb.train.learner import BF16, bf16_pays, colorize_learner
from colorize_nb.train.losses import ABLoss
from colorize_nb.train.metrics import PhotoMetric
from colorize_nb.train.photo_store import StoreLoader, make_store
from colorize_nb.files.atomic import write_file
from fastai.data.core import DataLoaders

BASE = dict(lr=1e-3, bs=64, size=48, photos=2048, seen=2048, layers=11, norm=True, bias=True, opt='adam', loss='l1', gan=None, patch=16, lam=100., net='cnn', start='none', seed=0)
VARIED = {'the seed alone': [dict(seed=v) for v in (0, 1, 2)], 'learning rate': [dict(lr=v) for v in (1e-4, 1e-3, 1e-2)], 'batch size': [dict(bs=v) for v in (16, 64, 256)], 'image size': [dict(size=v) for v in (32, 48, 64)],
          'photos, as many seen': [dict(photos=v) for v in (128, 512, 2048)], 'pictures seen': [dict(seen=v) for v in (512, 1024, 2048, 4096)],
          'layers': [dict(layers=8, norm=False), dict(layers=8), dict(layers=11, norm=False), dict(layers=11)], 'bias': [dict(bias=v) for v in (False, True)],
          'optimizer': [dict(opt='adam'), dict(opt='sgd', lr=1e-3), dict(opt='sgd', lr=1e-2)], 'loss': [dict(loss=v) for v in ('l1', 'l2', 'huber')],
          'patch': [dict(gan='bce', patch=v) for v in (1, 16, 34)], 'lambda': [dict(gan='bce', lam=v) for v in (10., 100., 1000.)], 'GAN loss': [dict(gan=v) for v in ('bce', 'lsgan')],
          'pre-training': [dict(net='resnet18_unet', start=v, seen=1024, bs=32) for v in ('none', 'encoder', 'colour')]}
FIGURES = 'mae', 'psnr_gain', 'colourfulness'

def key(c): return '-'.join(f'{k}={v:g}' if isinstance(v, (int,float)) and not isinstance(v, bool) else f'{k}={v}' for k,v in c.items() if v != BASE[k]) or 'base'

def loaders(store, valid, c):
    some = torch.randperm(len(store), generator=torch.Generator().manual_seed(42)).tolist()[:c['photos']]
    seen = 1024 if c['gan'] else c['seen']
    n = min(len(some), max(c['bs'], seen//2))
    dls = DataLoaders(StoreLoader(store, some, c['size'], c['bs'], n=n, old=0.), StoreLoader(valid, range(len(valid)), c['size'], 64, train=False, old=0.))
    for d in dls.loaders: d.rng.seed(c['seed'])
    dls.size = c['size']
    return dls,max(1, round(seen/n))

def train(c, store, valid, starts, base, bf16):
    torch.manual_seed(c['seed']); np.random.seed(c['seed'])
    dls,epochs = loaders(store, valid, c)
    if c['net'] == 'cnn': net = create_generator('cnn', layers=c['layers'], norm=c['norm'], bias=c['bias'])
    else: net = create_generator(c['net'], out_scale=4, size=c['size'], pretrained=starts[c['start']])
    if c['gan']: net.load_state_dict(load_file(base))
    opt = Adam if c['opt'] == 'adam' else lambda ps, **kw: SGD(ps, **dict(kw, mom=.9))
    learn = colorize_learner(dls, generator=net, loss_func=ABLoss(c['loss']), opt_func=opt, metrics=[PhotoMetric(k) for k in FIGURES], channels_last=True, cbs=[BF16()]*bf16)
    if c['gan']: learn = gan_learner(learn, critic=PatchGAN(receptive_field=c['patch']), gan_loss=c['gan'], lambda_l1=c['lam'])
    with learn.no_bar(), learn.no_logging():
        if c['gan']: learn.fit(epochs, 2e-4)
        else: learn.fit_one_cycle(epochs, c['lr'])
    return learn,dict(zip(FIGURES, learn.recorder.values[-1][2:5]))

def main(photos, valid, encoder, color, o):
    run = Path(o); run.mkdir(parents=True, exist_ok=True)
    store,val,bf16 = make_store(photos, run/'store'),make_store([valid], run/'valid', min_chroma=0.),bf16_pays('cpu')
    torch.set_flush_denormal(True)
    starts = dict(none=False, encoder=encoder, colour=color)
    done = run/'done.csv'
    had = {r['key']: r for r in csv.DictReader(open(done))} if done.is_file() else {}
    def one(c):
        k = key(c)
        if k not in had:
            learn,v = train(c, store, val, starts, run/'base.safetensors', bf16)
            if k == 'base': save_file({k: v.contiguous() for k,v in learn.model.state_dict().items()}, run/'base.safetensors')
            had[k] = dict(key=k, **v); print(had[k], flush=True)
            pd.DataFrame(had.values()).to_csv(done, index=False)
        return {f: float(had[k][f]) for f in FIGURES}
    one(BASE)
    rows = []
    for what,cs in VARIED.items():
        for c in cs:
            c = BASE|c
            dls,_ = loaders(store, val, c)
            gray = torch.cat([ab.abs().mean((1,2,3)) for _,ab in dls.valid]).mean().item()
            v = one(c)
            rows.append(dict(varied=what, value=key({k: x for k,x in c.items()}), **v, share=v['mae']/gray))
    head = f'# python experiments/ablations.py {" ".join(Path(p).name for p in photos)}; {len(store)} photos, the first so many in an order drawn with seed 42; {len(val)} of {Path(valid).name} to measure on\n'
    write_file('results/ablations.csv', (head+pd.DataFrame(rows).to_csv(index=False, float_format='%.5f')).encode())
    learn = colorize_learner(loaders(store, val, BASE)[0], generator=create_generator('cnn'), loss_func=ABLoss('l1'))
    with learn.no_bar(), learn.no_logging(): learn.lr_find(end_lr=1, num_it=80, show_plot=False)
    pd.DataFrame(dict(lr=learn.recorder.lrs, loss=[float(o) for o in learn.recorder.losses])).to_csv('results/lr_find.csv', index=False, float_format='%.6g')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('photos', nargs='+'); p.add_argument('-o', required=True)
    for k in ('valid', 'encoder', 'color'): p.add_argument(f'--{k}', required=True)
    main(**vars(p.parse_args()))
