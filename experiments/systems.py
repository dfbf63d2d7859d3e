"""All systems of the reports, trained on the same photos, then measured alike. Two lengths:

python experiments/systems.py TRAIN.zip... --valid VALID.zip --encoder ENCODER.safetensors -o RUN [--seen 6000]
    Every network sees SEEN pictures at the side below, with its report's loss, optimizer, learning rate and batch size,
    one cycle; a GAN's generator sees half of them with the loss on ab alone, as in the reports, but pix2pix's, which
    starts with its critic. Writes results/systems.csv (a row a system; the error is the mean over seeds, `sd` beside
    it, all else is the first seed's), results/systems_curves.csv and results/systems.jpg.

python experiments/systems.py TRAIN.zip... --valid VALID.zip --encoder ENCODER.safetensors -o RUN --length report
    [--device cuda] [--most 160000] [--only NAME...] [--mend NAME+MEND...] [--lpips VGG16.pth]
    8,000 photos, as often as the report says where it prints its epochs (20 for `resnet18_unet` and `cgan`, 100 for
    `encoder_decoder` and `pix2pix_unet`), 5 times where it prints none, at the report's own constant rate. `cgan` and
    `cgan_lsgan` go on from the network that `resnet18_unet` ended with; `photos` counts what came after it. `--most`
    cuts that to so many pictures for each system. `--mend` trains a GAN once more from its start, changed by some of
    MENDS: `cgan+r1`, `pix2pix_unet+slow+ema`. Writes results/systems_long.csv after every system,
    results/systems_long_curves.csv, and at the end results/systems_long.jpg. `--speed` trains nothing and prints how
    many pictures a second each system takes.

    In the background: the line above with `--only resnet18_unet cgan --most 160000 --mend cgan+r1 cgan+smooth+ema`,
    then with the other names and `--most 40000`; the table has every system of RUN, whichever line trained it, and keeps what
    results/ has of systems that RUN has not: rows, curves and columns of the sheet.
    Hours: on one core with avx512_bf16, beside other work, 40,000 pictures took 48 and 27 minutes for `cnn` and
    `cnn_bins`, 32 for `regression`, 19 for `autoencoder`. By `--speed`, in bfloat16, pictures a second:
    `encoder_decoder` 4.6, `pix2pix_unet` 6.5; in batches of 8, `resnet18_unet` 2.8, `cgan` 2.2. So 40,000 are two and
    a half hours for the first two; 160,000 are 16 hours for `resnet18_unet`, 20 for `cgan`. Ask `--speed` where it is
    to run. No GPU was tried. Most of the memory is asked for again in each batch; with jemalloc, which keeps it
    (LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1), a core with AMX took 15.1
    pictures of `encoder_decoder` a second in place of 9.9, and 7.9 of `resnet18_unet` in place of 6.6. Since L is laid
    out channels last too, that core takes 10.8 of `resnet18_unet` and 9.3 of `cgan`, two cores 19 and 16.

The encoders of `resnet18_unet` and its GANs start from ENCODER (a gray ResNet-18), `regression`'s too. RUN keeps the
networks that are done and, at report's length, a checkpoint every 2,048 pictures: the same line goes on."""
import argparse, io, json, subprocess, sys, time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
import numpy as np
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
import pandas as pd
import torch
from fastai.callback.core import Callback, CancelValidException
from fastai.metrics import mae
from PIL import Image
from safetensors.torch import load_file, save_file
from colorize_nb.train.baselines import learner_for, systems
from colorize_nb import Colorizer
from colorize_nb.train.compare import all_systems, contact_sheet, score, table
from colorize_nb.train.data import PhotoSet
from colorize_nb.train.generator import generator_from, load_arrays, load_state, resnet_body
from colorize_nb.train.learner import BF16, EMA, Checkpoint, Diary, bf16_pays, colorize_learner
from colorize_nb.train.metrics import PhotoMetric, measure
from colorize_nb.train.photo_store import make_store, store_loaders
from colorize_nb.files.atomic import write_file

SIDE = dict(cnn=64, cnn_bins=64, regression=128, autoencoder=128, encoder_decoder=128, pix2pix_unet=128,
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

def system_of(title):
    "The system of a network in the run, such as `cgan+r1-0`"
    return title.rsplit('-', 1)[0].split('+')[0]

def save_network(net, d):
    write_file(d/'spec.json', json.dumps(net.spec).encode())
    part = d/'net.tmp'
    save_file({k: v.contiguous() for k,v in net.state_dict().items()}, part)
    part.replace(d/'net.safetensors')  # last: it says that the system is done

def trained(d, side):
    net = load_arrays(generator_from(json.loads((d/'spec.json').read_text())), load_file(d/'net.safetensors'))
    return Colorizer.from_generator(net, d.name, side)

def systems_in(run, titles, ps):
    "Title -> function of (name, gray): references, `default`, and the networks in the run"
    every = all_systems(['default'], ps)
    def of(c): return lambda name, gray: c.colorize(gray)
    return {t: every[t] if t in every else of(trained(run/t, SIDE[system_of(t)])) for t in titles}

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
            save_network(learn.model, d)
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

SHEET = 'random ab','untrained'  # references on it, beside gray

def sheet_of(names, run, ps):
    "Photos that may be shown (`caltech101/`, CC BY 4.0), by every system's first seed"
    ps.names = [n for n in ps.names if n.startswith('caltech101/')]
    titles = ['gray', *SHEET, *[ts[0] for ts in names.values()], 'default']
    shown = {t.removesuffix('-0'): f for t,f in systems_in(run, titles, ps).items()}
    return contact_sheet(shown, ps, most=8, side=96)

def write_sheet(path, sheet):
    out = io.BytesIO()
    sheet.save(out, 'JPEG', quality=85)
    write_file(path, out.getvalue())

def beginning(photos, valid, encoder, o, seen, seeds):
    "How the systems begin"
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
    write_sheet('results/systems.jpg', sheet_of(names, run, ps))

# ---------- at the length of the reports

EPOCHS = dict(resnet18_unet=20, cgan=20, encoder_decoder=100, pix2pix_unet=100)  # as printed
UNPRINTED = 5  # epochs of the other systems
AFTER = dict(cgan='resnet18_unet', cgan_lsgan='resnet18_unet')  # goes on where that one ended
PART = 2048  # pictures from one checkpoint to the next
HELD = 500   # photos of the training zips for the curves

MENDS = dict(  # what may steady a GAN: options of `gan_learner`
    slow=dict(lr=5e-5),               # both networks at a quarter of the rate
    slow_critic=dict(critic_rate=.25),
    smooth=dict(smooth=.1),
    r1=dict(r1=10.),
    critic_first=dict(critic_first=256),
    ema=dict(cbs=EMA))

def mends_of(title):
    "The options of the mends that a title such as `cgan+r1+ema` names after its system"
    name,*mends = title.split('+')
    if name not in systems or not systems[name].gan: raise ValueError(f'{title}: {name} has no critic to mend')
    options = {}
    for m in mends:
        if m not in MENDS: raise ValueError(f"{title}: no mend {m!r}; there are {', '.join(MENDS)}")
        options |= MENDS[m]
    return options

def mend(learn, lr=None, cbs=None, **options):
    "Change a GAN's learner"
    if lr: learn.lr = lr
    if cbs: learn.add_cb(cbs())
    for k,v in options.items(): setattr(learn.gan, k, v)

class Clock(Callback):
    "Count the pictures that were learned from and the seconds that it took, over all parts of a run"
    order = 70
    photos = 0
    seconds = 0.
    def before_train(self): self.began = time.perf_counter()
    def after_batch(self):
        if self.training: self.photos += len(self.x)
    def after_train(self): self.seconds += time.perf_counter()-self.began
    def state_dict(self): return dict(photos=self.photos, seconds=self.seconds)
    def load_state_dict(self, sd):
        self.photos = sd['photos']
        self.seconds = sd['seconds']

def first_photos(store, n):
    "The store of its first photos alone"
    store.names = store.names[:n]
    store.aspect = store.aspect[:n]
    store.rgb = store.rgb[:n]
    return store

def pictures_of(name, photos, most):
    "How many pictures a system is shown in all"
    shown = EPOCHS.get(name, UNPRINTED)*photos
    return min(shown, most) if most else shown

def start_of(name, run, seed):
    "The weights that a GAN goes on from"
    first = f'{AFTER[name]}-{seed}'
    f = run/first/'net.safetensors'
    if not f.is_file(): raise ValueError(f'{name} goes on from {first}, which {run} has not: train that one first')
    return load_file(f)

def learner_at_length(title, store, run, encoder, bf16, part, fresh=False):
    "A system's learner as its report has it, or with the mend that its title names; `fresh`: needs no other in the run"
    name = system_of(title)
    whole,seed = title.rsplit('-', 1)
    seed = int(seed)
    torch.manual_seed(seed)
    np.random.seed(seed)
    s = systems[name]
    dls = store_loaders(store, SIDE[name], s.bs, n=max(s.bs, part), n_valid=HELD, old=0.)
    for d in dls.loaders: d.rng.seed(seed)
    pretrained = (encoder or False) if s.generator == 'resnet18_unet' else False
    how = dict(cbs=[BF16()]*bf16, channels_last=True, path=run/title, metrics=[mae, PhotoMetric('colourfulness')])
    learn = learner_for(dls, name, pretrained=pretrained, **how)
    if name == 'regression' and encoder: load_regression(learn.model, encoder)
    if name in AFTER and not fresh: load_arrays(learn.model, start_of(name, run, seed))
    if '+' in whole: mend(learn, **mends_of(whole))
    return learn

def train_at_length(title, store, run, pictures, encoder, bf16, part):
    "Train a system of the run, or go on where it was cut"
    d = run/title
    if (d/'net.safetensors').is_file(): return
    d.mkdir(parents=True, exist_ok=True)
    learn = learner_at_length(title, store, run, encoder, bf16, part)
    clock = Clock()
    parts = -(-pictures//part)
    with learn.no_bar(), learn.no_logging(): learn.fit(parts, cbs=[clock, Diary(d, title), Checkpoint(resume=True)])
    about = dict(photos=clock.photos, seconds=round(clock.seconds), device=device_of(store))
    write_file(d/'about.json', json.dumps(about).encode())
    save_network(learn.model, d)
    (d/'models/checkpoint.pth').unlink()

def device_of(store):
    device = store.rgb.device
    if device.type == 'cuda': return torch.cuda.get_device_name(device)
    return f'{device.type}, {torch.get_num_threads()} threads'

def figures_of(title, run, ps, vgg):
    "Mean figures of one system, kept in the run; `photo` is the truth itself"
    f = run/'figures'/f'{title}.json'
    if f.is_file(): return json.loads(f.read_text())
    if title == 'photo': out = {k: float(v.mean()) for k,v in measure(None, (ps[n] for n in ps)).items()}
    else:
        res,fd = score({title: systems_in(run, [title], ps)[title]}, ps, {'vgg': vgg} if vgg else None)
        out = {k: float(v.mean()) for k,v in res[title].items()} | fd.get(title, {})
    f.parent.mkdir(parents=True, exist_ok=True)
    write_file(f, json.dumps(out).encode())
    return out

def row_at_length(title, run, ps, vgg):
    "A row of results/systems_long.csv"
    m,gray,photo = (figures_of(t, run, ps, vgg) for t in (title, 'gray', 'photo'))
    about = run/title/'about.json'
    own = json.loads(about.read_text()) if about.is_file() else {}
    name,_,seed = title.rpartition('-') if own else (title, '', '')
    return dict(system=name, photos=own.get('photos', ''), share=m['mae']/gray['mae'], db=m['psnr']-gray['psnr'],
                colour=m['colourfulness']/photo['colourfulness'], frechet=m.get('frechet', ''),
                recognized=m.get('recognized', ''), lpips=m.get('lpips_vgg', 'not measured'),
                seconds=own.get('seconds', ''), device=own.get('device', ''), seed=seed)

def order_of(title):
    "References first, then the systems in their order, a mend after what it mends, `default` last"
    if title in REFERENCES: return -1,REFERENCES.index(title),title
    return (len(systems),0,title) if title == 'default' else (0,list(systems).index(system_of(title)),'+' in title)

def done_in(run):
    "The networks that the run has, in the order of the systems"
    titles = sorted(f.parent.name for f in run.glob('*/about.json') if (f.parent/'net.safetensors').is_file())
    return sorted(titles, key=order_of)

def former_rows(to):
    "The rows of trained systems in the table as it is, by title, all as text"
    f = to/'systems_long.csv'
    if not f.is_file(): return {}
    rows = pd.read_csv(f, comment='#', dtype=str, keep_default_na=False)
    return {f'{r.system}-{r.seed}': r._asdict() for r in rows.itertuples(index=False) if r.seed}

def write_at_length(run, ps, vgg, head, to):
    "The table and the curves of all systems that are done, and of those that the table had already"
    done = done_in(run)
    rows = pd.DataFrame([row_at_length(t, run, ps, vgg) for t in [*REFERENCES, *done, 'default']])
    text = pd.read_csv(io.StringIO(rows.to_csv(index=False, float_format='%.4f')), dtype=str, keep_default_na=False)
    every = former_rows(to)|dict(zip([*REFERENCES, *done, 'default'], text.to_dict('records')))
    table = pd.DataFrame([every[t] for t in sorted(every, key=order_of)])
    write_file(to/'systems_long.csv', (head+table.to_csv(index=False)).encode())
    curves = pd.concat([pd.read_csv(run/t/'history.csv') for t in done]).rename(columns=dict(stage='system', epoch='part'))
    f = to/'systems_long_curves.csv'
    if f.is_file():
        before = pd.read_csv(f)
        curves = pd.concat([before[~before.system.isin(done)], curves])
    curves = curves.sort_values('system', key=lambda titles: titles.map(order_of), kind='stable')
    write_file(f, curves.to_csv(index=False, float_format='%.5f').encode())
    return done

def joined(sheet, titles, former, before, step=100):
    "A sheet with the columns of a former one that it lacks; `titles` and `before`: of the columns between gray and photo"
    out = sorted({*titles, *before}, key=order_of)
    whole = Image.new('RGB', ((len(out)+2)*step, sheet.height))
    own = ['gray', *titles, 'photo']
    for j,t in enumerate(['gray', *out, 'photo']):
        i,of = (own.index(t),sheet) if t in own else (1+before.index(t),former)
        whole.paste(of.crop((i*step, 0, (i+1)*step, sheet.height)), (j*step, 0))
    return whole

def commit():
    here = Path(__file__).parent
    got = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=here, capture_output=True, text=True)
    return got.stdout.strip() or 'no commit'

class Pace(Callback):
    "Note the time after each batch, and leave out the validation"
    order = 99
    def __init__(self, clock): self.clock = clock
    def before_fit(self): self.times = []
    def after_batch(self): self.times.append(self.clock())
    def before_validate(self): raise CancelValidException()

def speeds(titles, store, run, encoder, bf16, batches=3):
    "Print how many pictures each system learns from in a second: of one core, or of a device that is not the CPU"
    torch.set_num_threads(1)
    pace = Pace(time.process_time if store.rgb.device.type == 'cpu' else time.perf_counter)
    for title in titles:
        bs = systems[system_of(title)].bs
        learn = learner_at_length(title, store, run, encoder, bf16, batches*bs, fresh=True)
        with learn.no_bar(), learn.no_logging(): learn.fit(1, cbs=pace)
        took = pace.times[-1]-pace.times[0]  # the first batch warms up
        print(f'{title.rpartition("-")[0]}: {(batches-1)*bs/took:.1f} pictures a second', flush=True)

def at_length(photos, valid, encoder, o, device, most, only, mended, lpips, train_on, seeds, to, speed):
    "The systems at their reports' own length"
    run = Path(o)
    run.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    store = first_photos(make_store(photos, run/'store'), train_on+HELD)
    if device != 'cpu': store.to(device)
    bf16 = bf16_pays(device)
    names = [n for n in systems if only is None or n in only]
    titles = [f'{n}-{k}' for k in range(seeds) for n in [*names, *mended]]
    if speed:
        print('in bfloat16' if bf16 else 'in float32', flush=True)
        return speeds(titles, store, run, encoder, bf16)
    ps = PhotoSet(valid)
    n = len(store)-min(HELD, len(store)//10)
    zips = ' '.join(Path(p).name for p in photos)
    head = (f'# python experiments/systems.py {zips} --length report; commit {commit()}; {n} photos to train on, '
            f'{len(ps)} of {ps.path.name} to measure on\n')
    former = list(former_rows(Path(to)))
    for title in titles:
        train_at_length(title, store, run, pictures_of(system_of(title), n, most), encoder, bf16, PART)
        done = write_at_length(run, ps, lpips, head, Path(to))
        print(pd.Series(row_at_length(title, run, ps, lpips)).to_string(), flush=True)
    sheet = sheet_of({t: [t] for t in done}, run, ps)
    f = Path(to)/'systems_long.jpg'
    if former and f.is_file(): sheet = joined(sheet, [*SHEET, *done, 'default'], Image.open(f), [*SHEET, *former, 'default'])
    write_sheet(f, sheet)

def parsed(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('photos', nargs='+')
    p.add_argument('-o', required=True)
    for k in ('valid', 'encoder'): p.add_argument(f'--{k}', required=True)
    p.add_argument('--length', choices=('beginning', 'report'), default='beginning')
    p.add_argument('--seeds', type=int, help='3; at length 1')
    p.add_argument('--seen', type=int, default=6000)
    p.add_argument('--device', default='cpu')
    p.add_argument('--most', type=int)
    p.add_argument('--train-on', type=int, default=8000)
    p.add_argument('--only', nargs='*', choices=list(systems), help='none: what --mend names')
    p.add_argument('--mend', nargs='+', default=[], metavar='NAME+MEND')
    p.add_argument('--lpips')
    p.add_argument('--to', default='results')
    p.add_argument('--speed', action='store_true')
    return p.parse_args(argv)

def main(a):
    both = dict(photos=a.photos, valid=a.valid, encoder=a.encoder, o=a.o)
    if a.length == 'beginning': return beginning(**both, seen=a.seen, seeds=a.seeds or 3)
    for title in a.mend: mends_of(title)  # before hours of training
    more = {k: getattr(a, k) for k in ('device', 'most', 'only', 'lpips', 'train_on', 'to', 'speed')}
    at_length(**both, **more, mended=a.mend, seeds=a.seeds or 1)

if __name__ == '__main__':
    try: main(parsed())
    except ValueError as e: sys.exit(f'systems.py: {e}')
