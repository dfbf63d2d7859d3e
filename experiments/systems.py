"""All systems of the reports, trained on the same photos with the same number of pictures seen, then measured alike:
python experiments/systems.py TRAIN.zip... --valid VALID.zip --encoder ENCODER.safetensors -o RUN
    [--seen 6000] [--seeds 3]
Every network sees SEEN pictures at the side below, with its report's loss, optimizer, learning rate and batch size, one
cycle; a GAN's generator sees half of them with the loss on ab alone, as in the reports, but pix2pix's, which starts
with its critic. The encoders of `resnet18_unet` and its GANs start from ENCODER (a gray ResNet-18), `regression`'s too.
RUN keeps the networks that are done: the same line goes on. Writes results/systems.csv (a row a system; the error is
the mean over seeds, `sd` beside it, all else is the first seed's), results/systems_curves.csv and
results/systems.jpg."""
import argparse, io, json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
import numpy as np
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from colorize_nb.train.baselines import learner_for, systems
from colorize_nb import Colorizer
from colorize_nb.train.compare import all_systems, contact_sheet, score, table
from colorize_nb.train.data import PhotoSet
from colorize_nb.train.generator import generator_from, load_arrays, load_state, resnet_body
from colorize_nb.train.learner import BF16, bf16_pays, colorize_learner
from colorize_nb.train.metrics import measure
from colorize_nb.train.photo_store import make_store, store_loaders
from colorize_nb.files.atomic import write_file

SIDE = dict(cnn=64, cnn_bins=64, regression=128, autoencoder=128, encoder_decoder=128, pix2pix_unet=256,
            resnet18_unet=128, cgan=128, cgan_lsgan=128)
SMALL = 'cnn', 'cnn_bins', 'regression', 'autoencoder'  # these are trained with every seed

def rows_of(learn, **about):
    "A row an epoch of the figures that fastai prints"
    names = learn.recorder.metric_names[1:-1]
    return [dict(about)|dict(zip(names, v)) for v in learn.recorder.values]

def fit(name, seed, store, seen, encoder, bf16):
    "A trained learner, and its curves"
    torch.manual_seed(seed)
    np.random.seed(seed)
    s = systems[name]
    dls = store_loaders(store, SIDE[name], s.bs, n=max(s.bs, seen//8), n_valid=200, old=0.)
    for d in dls.loaders: d.rng.seed(seed)
    how = dict(cbs=[BF16()]*bf16, channels_last=True)
    learn = learner_for(dls, name, pretrained=encoder if s.generator == 'resnet18_unet' else False, **how)
    if name == 'regression': load_regression(learn.model, encoder)
    rows = []
    epochs = 8
    if s.gan and s.generator != 'pix2pix_unet':
        how = dict(cbs=[BF16()]*bf16, channels_last=True)
        first = colorize_learner(dls, generator=learn.model, loss_func=s.loss, lr=1e-4, **how)
        with first.no_bar(), first.no_logging(): first.fit_one_cycle(4, slice(1e-4, 3e-4))
        rows += rows_of(first, stage='l1')
        epochs = 4
    with learn.no_bar(), learn.no_logging():
        if s.gan: learn.fit(epochs)
        else: learn.fit_one_cycle(epochs, s.lr if s.generator != 'resnet18_unet' else slice(1e-4, 3e-4))
    rows += rows_of(learn, stage='gan' if s.gan else 'ab')
    about = dict(system=name, seed=seed)
    return learn,pd.DataFrame([about|dict(stage=r.pop('stage'), epoch=i)|r for i,r in enumerate(rows)])

def load_regression(net, encoder):
    "The encoder's first blocks"
    whole = torch.nn.Module()
    whole.layers = torch.nn.ModuleList([resnet_body()])
    load_state(whole, encoder)
    net[:6].load_state_dict(whole.layers[0][:6].state_dict())

def trained(d, side):
    net = load_arrays(generator_from(json.loads((d/'spec.json').read_text())), load_file(d/'net.safetensors'))
    return Colorizer.from_generator(net, d.name, side)

def systems_in(run, titles, ps):
    "Title -> function of (name, gray): references, `default`, and the networks in the run"
    every = all_systems(['default'], ps)
    def of(c): return lambda name, gray: c.colorize(gray)
    return {t: every[t] if t in every else of(trained(run/t, SIDE[t.rsplit('-', 1)[0]])) for t in titles}

def measured(titles, run, valid):
    "All figures of these systems; of a repeated seed the error alone"
    torch.set_num_threads(1)
    ps = PhotoSet(valid)
    every = systems_in(run, titles, ps)
    again = {t for t in titles if t[-2:-1] == '-' and t[-1] != '0'}
    res,fd = score({t: f for t,f in every.items() if t not in again}, ps)
    return res | {t: measure(partial(every[t], t), (ps[n] for n in ps), ['mae']) for t in sorted(again)},fd

def train_all(run, store, seen, seeds, encoder, bf16):
    "Train what the run has not; system -> names of its networks, and all curves"
    names = {}
    curves = []
    for name,seed in [(n, s) for n in systems for s in range(seeds if n in SMALL else 1)]:
        d = run/f'{name}-{seed}'
        if not (d/'net.safetensors').is_file():
            learn,rows = fit(name, seed, store, seen, encoder, bf16)
            d.mkdir(exist_ok=True)
            rows.to_csv(d/'curves.csv', index=False)
            write_file(d/'spec.json', json.dumps(learn.model.spec).encode())
            save_file({k: v.contiguous() for k,v in learn.model.state_dict().items()}, d/'net.safetensors')
        curves.append(pd.read_csv(d/'curves.csv'))
        names.setdefault(name, []).append(d.name)
        print(curves[-1].tail(1).to_string(header=False, index=False), flush=True)
    return names,pd.concat(curves)

REFERENCES = ['gray', 'one colour', 'random ab', 'untrained']

def measure_all(names, run, valid):
    "Rows as from `table`, by two processes"
    titles = [*REFERENCES, 'default', *[t for ts in names.values() for t in ts]]
    with ProcessPoolExecutor(2, get_context('spawn')) as pool:
        parts = list(pool.map(partial(measured, run=run, valid=valid), (titles[::2], titles[1::2])))
    res,fd = (a|b for a,b in zip(*parts))
    return table(res, fd)

def table_of(names, rows):
    out = [dict(system=t, seeds=0, **rows[t]) for t in REFERENCES]
    for name,ts in names.items():
        each = pd.DataFrame([rows[t] for t in ts])
        first = dict(system=name, side=SIDE[name], seeds=len(ts), **each.iloc[0].to_dict())
        out.append(first|dict(each[['mae','share']].mean(), sd=each.share.std(ddof=1)))
    out.append(dict(system='default', side=160, seeds=1, **rows['default']))
    return pd.DataFrame(out).to_csv(index=False, float_format='%.5f')

def sheet_of(names, run, ps):
    "Photos that may be shown (`caltech101/`, CC BY 4.0), by every system's first seed"
    ps.names = [n for n in ps.names if n.startswith('caltech101/')]
    titles = ['gray', 'random ab', 'untrained', *[ts[0] for ts in names.values()], 'default']
    shown = {t.removesuffix('-0'): f for t,f in systems_in(run, titles, ps).items()}
    out = io.BytesIO()
    contact_sheet(shown, ps, most=8, side=96).save(out, 'JPEG', quality=85)
    return out.getvalue()

def main(photos, valid, encoder, o, seen, seeds):
    run = Path(o)
    run.mkdir(parents=True, exist_ok=True)
    store = make_store(photos, run/'store')
    torch.set_flush_denormal(True)
    names,curves = train_all(run, store, seen, seeds, encoder, bf16_pays('cpu'))
    curves.to_csv('results/systems_curves.csv', index=False, float_format='%.5f')
    rows = measure_all(names, run, valid)
    ps = PhotoSet(valid)
    zips = ' '.join(Path(p).name for p in photos)
    head = (f'# python experiments/systems.py {zips} --seen {seen} --seeds {seeds}; {len(store)} photos to train on, '
            f'{len(ps)} of {ps.path.name} to measure on\n')
    write_file('results/systems.csv', (head+table_of(names, rows)).encode())
    write_file('results/systems.jpg', sheet_of(names, run, ps))

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('photos', nargs='+')
    p.add_argument('-o', required=True)
    for k in ('valid', 'encoder'): p.add_argument(f'--{k}', required=True)
    for k,v in dict(seen=6000, seeds=3).items(): p.add_argument(f'--{k}', type=int, default=v)
    main(**vars(p.parse_args()))
