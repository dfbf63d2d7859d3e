"""A flow in colour only, on the frozen features of the network that ships:
python experiments/diffusion.py RUN --shelf SHELF --valid VALID.zip [--crops 4000] [--minutes 60] [--every 5] [--old OLD]
    [--only cache|train|measure] [--start results/flow.safetensors]
- cache: looks at crops of 192 px of SHELF (from experiments/shelf.py) once, with random hints for half of them, three
  in ten aged, and keeps what the network knows of them, 600 KB each, in RUN; goes on where it was stopped
- train: `flow_learner` in bfloat16, in parts of 4,096 photos of a plan of a million; goes on from RUN/models/flow.pth,
  the first line says from where; a new run may start from the weights of another one (--start). RUN/log.csv: photos shown, seconds, loss, loss of 96 crops that are kept back
- measure: every so many photos of VALID, until the minutes are over; results/diffusion.csv and results/diffusion.jpg.
  A row for each system: share of gray's error and half its 95 % interval, dB over gray, share of the photos' colour,
  Frechet distance and the same label (as `colorize-compare`), patchiness, and of faces (as tools/people.py) the shares
  that are gray or have less than half of their chroma, and how far off they are; milliseconds of one core.
  Then tenths of all cells, by the network's doubt: doubt, spread of eight samples, error of their mean. With --old, a
  folder of DeOldify's pictures (see tools/people.py), gray faces, hues, coloured pixels and colourfulness there.
The flow's averaged weights are in RUN/flow.pt, and in 8 bits, once measured, in results/flow.safetensors; RUN/half-way is
a model folder that reads the network half-way to them. Nothing of VALID is trained on."""
import argparse, io, json, os, subprocess, sys, time
from functools import lru_cache, partial
from pathlib import Path
import colorize_nb.train.compat
import numpy as np
import pandas as pd
import torch
from fastai.callback.channelslast import ChannelsLast
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.training import GradientClip
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from PIL import Image
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.color import lab2net, resize, rgb2lab, rgb2lab_t
from colorize_nb.files.atomic import write_file
from colorize_nb.network.weights import save_weights
from colorize_nb.steer import expected_error
from colorize_nb.train.ageing import age
from colorize_nb.train.compare import contact_sheet
from colorize_nb.train.data import PhotoSet, photo_tensor
from colorize_nb.train.diffusion import (ColourFlow, FlowCondition, FlowColorizer, export_flow, flow_learner, flow_of,
                                         generator_ab, graph_velocity, with_flow)
from colorize_nb.train.learner import BF16, EMA, Checkpoint
from colorize_nb.train.losses import area_to
from colorize_nb.train import metrics
from colorize_nb.train.metrics import EfficientNetLite, Photos, bootstrap, figures, frechet, predict_gray, to_gray
from colorize_nb.train.recipe import simulate_hints
from people_train import Shelf, batch
sys.path.insert(0, str(Path(__file__).parents[1]/'tools'))
from people import GRAY_FACE, face_figures, face_mask, find_faces, old_rows, read_pairs

SIDE,CELLS = 192,48
PLANES = 128  # of a condition
PART = 4096   # photos from one checkpoint to the next
KEPT = 96     # crops that are not trained on
PLAN = 1_000_000 # photos; a run may be stopped at any checkpoint
AGED = .3     # share of the crops
KEPT_FLOW = Path('results/flow.safetensors')

# What the network knows of each crop

class InOrder(Shelf):
    "A shelf whose photos are drawn once each, those with faces likely to come first"
    def __init__(self, folder, seed=0):
        super().__init__(folder)
        self.order = np.random.default_rng(seed).choice(len(self.p), len(self.p), replace=False, p=self.p)
        self.at = 0
    def draw(self, n, rng):
        self.at += n
        return self.order[self.at-n:self.at]

def arrays(run, n, mode='r'):
    "Conditions and colours of `n` crops, on the disk"
    shapes = dict(cond=(n,PLANES,CELLS,CELLS), ab=(n,2,CELLS,CELLS))
    return [np.memmap(run/f'{k}.bin', np.float16, mode, shape=shape) for k,shape in shapes.items()]

def make_cache(run, folder, n, bs=16):
    "Look at `n` crops; those that are there already are kept"
    told = run/'cache.json'
    done = json.loads(told.read_text())['done'] if told.exists() else 0
    cond,ab = arrays(run, n, 'r+' if (run/'cond.bin').exists() else 'w+')
    shelf = InOrder(folder)
    shelf.at = done
    see = FlowCondition().to(memory_format=torch.channels_last)
    while done < n:
        torch.manual_seed(done)
        rgb,_ = batch(shelf, bs, SIDE, None, .65*SIDE/shelf.side)
        l,true = (o.float() for o in lab2net(rgb2lab_t(rgb)))
        true = area_to(true, (CELLS,CELLS))
        with torch.autocast('cpu', torch.bfloat16):
            seen = age(rgb, l, AGED, 1.).contiguous(memory_format=torch.channels_last)
            planes = see(seen, simulate_hints(true, none=.5))
        some = slice(done, min(done+bs, n))
        cond[some] = planes.numpy()[:n-done]
        ab[some] = true.numpy()[:n-done]
        done = some.stop
        told.write_text(json.dumps(dict(done=done, crops=n)))

# Training

class Crops:
    "Conditions and colours; mirrored at random for training"
    def __init__(self, cond, ab, train):
        self.cond = cond
        self.ab = ab
        self.train = train
    def __len__(self): return len(self.ab)
    def __getitem__(self, i):
        pair = [torch.from_numpy(o[i].astype(np.float32)) for o in (self.cond, self.ab)]
        return tuple(o.flip(-1) for o in pair) if self.train and torch.rand(()) < .5 else tuple(pair)

def loaders(run, bs=16):
    n = json.loads((run/'cache.json').read_text())['done']
    cond,ab = arrays(run, n)
    train = Some(Crops(cond[KEPT:], ab[KEPT:], True), bs=bs, shuffle=True, drop_last=True, num_workers=0,
                       n=min(PART, n-KEPT))
    valid = DataLoader(Crops(cond[:KEPT], ab[:KEPT], False), bs=bs, num_workers=0)
    return DataLoaders(train, valid)

class Some(DataLoader):
    "Draw `n` of the photos for each part"
    def get_idxs(self): return self.rng.sample(range(len(self.dataset)), self.n)

def spread(run):
    "How far colours lie from the network's own, `(2,)`"
    n = json.loads((run/'cache.json').read_text())['done']
    cond,ab = (torch.from_numpy(o[:min(n, 400)].astype(np.float32)) for o in arrays(run, n))
    return (ab-generator_ab(cond)).std((0,2,3))

class Keep(Callback):
    "After each part write a line and the averaged weights, and stop when the time is over"
    order = 95  # after Checkpoint
    photos = 0
    seconds = 0.
    def __init__(self, run, minutes, start):
        self.folder = run
        self.start = start
        self.until = time.time()+60*minutes
    def before_fit(self):
        where = self.folder/'models/flow.pth' if self.photos else self.start or 'random weights'
        print(f'starts from {where}, after {self.photos} photos', flush=True)
    def before_train(self): self.began = time.time()
    def after_batch(self):
        if self.training: self.photos += len(self.y)
    def after_train(self): self.seconds += time.time()-self.began
    def after_epoch(self):
        figures = ','.join(f'{v:.4f}' for v in self.recorder.values[-1])
        with open(self.folder/'log.csv', 'a') as f: print(f'{self.photos},{self.seconds:.0f},{figures}', file=f)
        tmp = self.folder/'flow.tmp'
        torch.save(dict(state=self.model.state_dict(), photos=self.photos, seconds=self.seconds), tmp)
        os.replace(tmp, self.folder/'flow.pt')
        if time.time() > self.until: raise CancelFitException()
    def state_dict(self): return dict(photos=self.photos, seconds=self.seconds)
    def load_state_dict(self, sd):
        self.photos = sd['photos']
        self.seconds = sd['seconds']

def train(run, minutes, start):
    torch.manual_seed(0)
    flow = flow_of(start) if start else ColourFlow()
    if not start: flow.scale.copy_(spread(run))
    cbs = [BF16(), ChannelsLast(), EMA(.9995), GradientClip(1.), Keep(run, minutes, start), Checkpoint('flow', resume=True)]
    learn = flow_learner(loaders(run), flow, lr=4e-4, path=run, cbs=cbs)
    with learn.no_bar(), learn.no_logging(): learn.fit(PLAN//PART)

# Measuring

def trained(run):
    "The flow with its averaged weights, and how many photos it was shown"
    kept = torch.load(run/'flow.pt', weights_only=True)
    flow = ColourFlow().eval()
    flow.load_state_dict(kept['state'])
    return flow.requires_grad_(False),kept['photos']

def systems_of(run):
    "Name -> function of a gray picture, the samples computed by the graph; the network that ships, and the flow"
    flow,_ = trained(run)
    export_flow(flow, run/'flow.onnx')
    velocity = graph_velocity(run/'flow.onnx')
    default = Colorizer.from_pretrained()
    see = FlowCondition()
    halfway = Colorizer.from_pretrained(with_flow(flow).save_pretrained(run/'half-way'))
    def of(**how): return FlowColorizer(see, velocity, flow.scale, SIDE, **how)
    return {'gray': predict_gray,
            'default': default.colorize,
            'vivid': partial(default.colorize, vivid=1.),
            'vivid at 192': partial(default.colorize, vivid=1., render_size=SIDE),
            'flow': of().colorize,
            'flow, mean of 8': partial(of().colorize, n=8),
            'flow, 4 steps': of(steps=4).colorize,
            'flow, guidance 2': of(guidance=2.).colorize,
            'default, half-way to the flow': halfway.colorize,
            'vivid, half-way to the flow': partial(halfway.colorize, vivid=1.)},default,of()

class Judges:
    "Networks that label pictures and describe them"
    def __init__(self):
        self.labels = EfficientNetLite(0)
        self.features = EfficientNetLite(2)
    @torch.no_grad()
    def __call__(self, rgb):
        return self.labels(rgb/255).argmax().item(),self.features.features(rgb/255)[0].numpy()

def faces_of(rgb):
    "Masks of the faces' skin"
    boxes = find_faces(np.asarray(Image.fromarray(rgb).convert('L')), 2, 1.08)
    return [m for box in boxes if (m := face_mask(rgb, box)) is not None]

NAMES = 'mae','psnr','colourfulness','patchiness'
metrics._even_parts = lru_cache(1)(metrics._even_parts)  # of the truth, the same for all systems

def figures_of(judges, y, truth, x, label, masks):
    "Of one result `y` `(h,w,3)` beside its photo `x`"
    rgb = photo_tensor(y)
    own,features = judges(rgb)
    out = {k: float(v) for k,v in figures(Photos(truth.l, Photos.from_rgb(rgb).ab), truth, NAMES).items()}
    return out|dict(same=own == label, features=features, faces=[face_figures(y, x, m) for m in masks])

def spread_of(default, flow, gray, x, n=8):
    "The network's doubt, the spread of samples, and the error of their mean, in each cell"
    ab,L,extent = flow.samples(np.asarray(gray), n)
    if L.shape != tuple(map(round, extent)): return None  # its padding is no part of the photo
    look = default.look(np.asarray(gray), Options(render_size=SIDE))
    lab = rgb2lab(x)
    true = np.stack([resize(lab[...,i], L.shape) for i in (1,2)])
    error = np.hypot(*(ab.mean(0)-true))
    return np.stack([expected_error(look.logits, look.ab), np.sqrt(ab.var(0).sum(0)), error]).reshape(3, -1)

def measured(systems, default, flow, valid, every, minutes):
    "A list of figures for each system, `photo` among them; and the cells' spread"
    judges = Judges()
    photos = PhotoSet(valid)
    rows = {k: [] for k in ('photo', *systems)}
    cells = []
    until = time.time()+60*minutes
    # any first part of this order is spread over all photos
    order = sorted(range(0, len(photos), every), key=lambda i: i//every*.618034%1)
    for i in order:
        if time.time() > until: break
        x = np.ascontiguousarray(photos[photos.names[i]])
        gray = to_gray(x)
        truth = Photos.from_rgb(photo_tensor(x))
        masks = faces_of(x)
        label = judges(photo_tensor(x))[0]
        rows['photo'].append(figures_of(judges, x, truth, x, label, masks))
        for name,f in systems.items():
            began = time.process_time()
            y = np.asarray(f(gray).convert('RGB'))
            took = time.process_time()-began
            rows[name].append(figures_of(judges, y, truth, x, label, masks)|dict(ms=1000*took))
        cells.append(spread_of(default, flow, gray, x))
        print(len(cells), photos.names[i], flush=True)
    return rows,[c for c in cells if c is not None]

def row_of(name, rows):
    "The means of one system"
    ours,gray,true = rows[name],rows['gray'],rows['photo']
    def all_of(r, k): return np.array([o[k] for o in r], float)
    pair = np.stack([all_of(ours, 'mae'), all_of(gray, 'mae')])
    def share(p): return p[0].mean(-1)/p[1].mean(-1)
    lo,hi = bootstrap(pair, share)
    faces = np.array([f for o in ours for f in o['faces']]).reshape(-1, 3)
    chroma,own,off = faces.T
    db = all_of(ours, 'psnr')-all_of(gray, 'psnr')
    return dict(row=name, photos=len(ours), share=share(pair), share_pm=(hi-lo)/2,
                db=db.mean() if name != 'photo' else np.nan,
                colour=all_of(ours, 'colourfulness').mean()/all_of(true, 'colourfulness').mean(),
                frechet=frechet([o['features'] for o in ours], [o['features'] for o in true]),
                recognized=all_of(ours, 'same').mean(), patchiness=all_of(ours, 'patchiness').mean(), faces=len(faces),
                face_gray=(chroma < GRAY_FACE).mean(), face_half=(chroma < own/2).mean(), face_off=off.mean(),
                ms=np.median([o.get('ms', np.nan) for o in ours]))

def spread_rows(cells):
    "Tenths of all cells, by doubt"
    doubt,spread,error = np.concatenate(cells, 1)
    for k,i in enumerate(np.array_split(np.argsort(doubt), 10)):
        figures = dict(doubt=doubt[i].mean(), spread=spread[i].mean(), error=error[i].mean())
        yield dict(row=f'cells, tenth {k+1}', photos=len(cells), **figures)

OLD = 'default', 'vivid', 'flow', 'default, half-way to the flow', 'vivid, half-way to the flow'

def old_figures(systems, folder):
    "Of old photographs beside DeOldify's, as tools/people.py has them: of those boxes that are faces by eye"
    pairs = read_pairs(folder)
    for name in OLD:
        def paint(pair): return np.asarray(systems[name](pair.gray.convert('L')).convert('RGB'))  # noqa: B023
        *_,by_eye = old_rows(paint, pairs)
        yield dict(row=f'old photographs: {name}', photos=len(pairs), faces=by_eye['n_faces'], face_gray=by_eye['gray'],
                   **{k: by_eye[k] for k in ('hues', 'coloured', 'colourfulness')})

def sheet_of(systems, flow, photos):
    "Photos that may be shown (`caltech101/`, CC BY 4.0), evenly picked"
    photos.names = [n for n in photos.names if n.startswith('caltech101/')]
    shown = {k: systems[k] for k in ('default', 'vivid', 'flow, mean of 8')}
    shown |= {f'flow, seed {s}': partial(flow.colorize, seed=s) for s in range(3)}
    out = io.BytesIO()
    def of(f): return lambda name, gray: f(gray)
    contact_sheet({k: of(f) for k,f in shown.items()}, photos, most=8, side=112).save(out, 'JPEG', quality=85)
    return out.getvalue()

def commit():
    got = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=Path(__file__).parent, capture_output=True, text=True)
    return got.stdout.strip() or 'no commit'

def measure(o):
    systems,default,painter = systems_of(o.run)
    rows,cells = measured(systems, default, painter, o.valid, o.every, o.minutes)
    flow,photos = trained(o.run)
    save_weights(KEPT_FLOW, {k: v.numpy() for k,v in flow.state_dict().items()})
    size = KEPT_FLOW.stat().st_size/1e6
    n = sum(p.numel() for p in flow.parameters())
    command = f'RUN --only measure --valid {o.valid.name} --every {o.every} --minutes {o.minutes:g}'+' --old OLD'*bool(o.old)
    about = f'commit {commit()}; seed 0; {photos} photos shown, of {o.crops} crops; {n} parameters, {size:.1f} MB in 8 bits'
    head = f'# python experiments/diffusion.py {command}; {about}; 8 steps of Euler\n'
    old = old_figures(systems, o.old) if o.old else ()
    table = pd.DataFrame([*[row_of(k, rows) for k in rows], *spread_rows(cells), *old])
    text = head+table.to_csv(index=False, float_format='%.4f')
    write_file('results/diffusion.csv', text.encode())
    write_file('results/diffusion.jpg', sheet_of(systems, painter, PhotoSet(o.valid)))
    print(text)

def main(o):
    o.run.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    if o.only in (None, 'cache'): make_cache(o.run, o.shelf, o.crops)
    if o.only in (None, 'train'): train(o.run, o.minutes, o.start)
    torch.set_num_threads(1)  # the table has one core's time
    if o.only in (None, 'measure'): measure(o)

def parsed(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('run', type=Path)
    for k in ('shelf', 'valid', 'old'): p.add_argument(f'--{k}', type=Path)
    p.add_argument('--start', type=Path)
    p.add_argument('--crops', type=int, default=4000)
    p.add_argument('--minutes', type=float, default=60.)
    p.add_argument('--every', type=int, default=5)
    p.add_argument('--only', choices=('cache', 'train', 'measure'))
    return p.parse_args(argv)

if __name__ == '__main__': main(parsed())
