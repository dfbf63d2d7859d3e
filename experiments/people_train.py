"""A long training on people, at several sizes: python experiments/people_train.py RUN --shelf SHELF [--small STORE]
    [--start default] [--minutes 60] [--frozen] [--device cpu] [--seed 0] [--beside OTHER] [--perceptual .01]
python experiments/people_train.py RUN --mean MODEL...
Goes on from RUN/state.pt, whatever stopped it; the first line says what it starts from. RUN/log.csv: step, photos
shown, seconds, and for each size the loss of ab, the cross-entropy and the loss of features (0 without --perceptual).
RUN/model is the model of the averaged weights, for `--model` and tools/people.py, written at the end.
SHELF is from experiments/shelf.py, STORE from `make_store` (the older photos of 136 px). Photos with faces are drawn
2.5 times as often; skin inside a face counts four times, skin beside one twice, strong colours up to 2.2 times.
On a CPU two runs of one thread each show half as many photos again as one run of two threads: give each a seed, and
the other as OTHER. Every 100 steps a run moves half way to where the other was saved last.
With --mean, RUN/model has the mean of the weights of the models of several runs and times.
Batch norm keeps its statistics (batches are small), and ageing comes on slowly: over --ramp photos to full strength."""
import argparse, json, math, os, time
from pathlib import Path
import colorize_nb.train.compat
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from colorize_nb.train.ageing import age
from colorize_nb.color import lab2net, rgb2lab_t
from colorize_nb import Colorizer
from colorize_nb.train.generator import generator_from, load_arrays
from colorize_nb.train.losses import ClassificationLoss, Lite2Features, PerceptualLoss, area_to
from colorize_nb.train.recipe import color_prior, simulate_hints
from colorize_nb.train.photo_store import Store, crop_windows
from colorize_nb.network.weights import load_config, load_weights

SIZES = {128:20, 192:10, 256:6, 288:5}       # side in pixels: photos in a batch
SHARES = .1, .25, .35, .3                     # how often each size is drawn
AGED = .45      # share of the photos
NO_HINTS = .55  # likewise
MEET = 100      # steps from one meeting with the other run to the next

class Shelf:
    "Squares of bytes and boxes of faces; `draw` prefers photos with faces"
    def __init__(self, folder):
        self.folder = Path(folder)
        self.load()
    def load(self):
        index = json.loads((self.folder/'index.json').read_text())
        self.aspect = index['aspect']
        self.faces = index['faces']
        self.side = index['side']
        shape = len(self.aspect),3,self.side,self.side
        self.rgb = np.memmap(self.folder/'rgb.bin', np.uint8, 'r', shape=shape)
        weights = np.array([2.5 if f else 1. for f in self.faces])
        self.p = weights/weights.sum()
    def draw(self, n, rng): return rng.choice(len(self.p), n, p=self.p)

class Small(Store):
    "The older photos; their faces were never looked for"
    faces = None
    side = 136
    def load(self): pass
    def draw(self, n, rng): return rng.choice(len(self), n)

def face_planes(boxes, side):
    "1 inside of each face, chin and brow included: `(n,1,side,side)`"
    out = torch.zeros(len(boxes), 1, side, side)
    for plane,photo in zip(out, boxes):
        for x,y,w,h in photo:
            rows = slice(int(max(0, y-.1*h)*side), int((y+1.35*h)*side)+1)
            columns = slice(int(max(0, x-.05*w)*side), int((x+1.05*w)*side)+1)
            plane[0,rows,columns] = 1
    return out

def shares(n, least):
    "Draw how large the crops are: a third are the largest square, the others smaller, down to `least`"
    whole = torch.rand(n) < .33
    return torch.where(whole, torch.ones(n), torch.empty(n).uniform_(math.log(least), 0).exp())

def batch(photos, n, size, rng, least):
    "Crops `(n,3,size,size)` in [0,1], and where faces are `(n,1,size,size)`"
    idxs = photos.draw(n, rng)
    rgb = torch.as_tensor(np.stack([np.asarray(photos.rgb[i]) for i in idxs])).float()/255
    faces = face_planes([photos.faces[i] if photos.faces else () for i in idxs], photos.side)
    share = shares(n, least)
    theta = crop_windows(torch.tensor([float(photos.aspect[i]) for i in idxs]), share)
    x = torch.cat([rgb,faces], 1)
    if float(share.max())*photos.side > 1.6*size: x = F.avg_pool2d(x, 2)  # or large photos get jagged
    grid = F.affine_grid(theta, (n,4,size,size), align_corners=False)
    return F.grid_sample(x, grid, padding_mode='border', align_corners=False).split((3,1), 1)

def skin(rgb):
    "Where Cr and Cb are those of skin, `(n,1,h,w)`"
    r,g,b = (255*rgb).unbind(1)
    y = .299*r+.587*g+.114*b
    cr = .713*(r-y)+128
    cb = .564*(b-y)+128
    return ((cr >= 133)&(cr <= 180)&(cb >= 77)&(cb <= 127)).float()[:,None]

def pixel_weights(rgb, faces, ab, size):
    "How much each cell counts in the loss"
    s = skin(rgb)
    person = (faces.amax((1,2,3), keepdim=True) > .5).float()
    strong = (ab.norm(dim=1, keepdim=True)*110/30).clamp(max=2)
    w = area_to(1+3*s*(faces > .5)+s*person+.6*strong, size)
    return w/w.mean()

def a_quarter(*maps):
    "Every other row and column, from a random one on: cells beside each other say the same"
    y,x = torch.randint(2, (2,)).tolist()
    return [m[...,y::2,x::2] for m in maps]

def as_seen(seen, l, pred, truth):
    "How far the features of the painted photo are from the photo's own; large photos are looked at half as large"
    seen.l = F.avg_pool2d(l, 2) if l.shape[-1] > 160 else l
    return seen.per_photo(pred.float(), truth).mean()

def loss_of(net, rgb, faces, strength, bins, seen=None):
    "The losses: of ab (half Huber, half L1), the cross-entropy of the 313 colours, and of features where they count"
    l,ab = (o.float() for o in lab2net(rgb2lab_t(rgb)))
    aged = age(rgb, l, AGED, strength)
    cells = [n//net.out_scale for n in l.shape[-2:]]
    truth = area_to(ab, cells)
    weights = pixel_weights(rgb, faces, ab, cells)
    pred,logits = net(aged.contiguous(memory_format=torch.channels_last), simulate_hints(truth, none=NO_HINTS))
    miss = 2.5*F.huber_loss(pred, truth, reduction='none', delta=.1)+.5*(pred-truth).abs()
    features = as_seen(seen, l, pred, truth) if seen else torch.zeros(())
    logits,truth,each = a_quarter(logits.float(), truth, weights)
    return (miss*weights).mean(),(bins.per_cell(logits, truth)*each[:,0]).mean(),features

def network(start):
    "A model's network with both heads"
    cfg = load_config(start)
    return load_arrays(generator_from(cfg), load_weights(start, cfg))

class Training:
    "A network, its optimizer, its averaged weights and where it stands"
    def __init__(self, o):
        self.o = o
        self.step = 0
        self.photos = 0
        self.net = network(o.start).to(o.device, memory_format=torch.channels_last).train()
        for m in self.net.modules():
            if isinstance(m, nn.BatchNorm2d): m.eval()
        self.opt = torch.optim.AdamW(self.groups(), lr=o.lr, weight_decay=.02, betas=(.9,.99))
        self.mean = {k: v.detach().clone() for k,v in self.net.state_dict().items()}
        self.file = o.run/'state.pt'
        if self.file.exists(): self.load()
        print(f'starts from {self.file if self.step else o.start}, after {self.photos} photos', flush=True)

    def groups(self):
        "Groups of parameters: the encoder learns at a quarter of the rate, or not at all"
        encoder = list(self.net.layers[0].parameters())
        mine = {id(p) for p in encoder}
        rest = dict(params=[p for p in self.net.parameters() if id(p) not in mine], share=1.)
        if not self.o.frozen: return [rest, dict(params=encoder, share=.25)]
        for p in encoder: p.requires_grad_(False)
        return [rest]

    def load(self):
        state = torch.load(self.file, weights_only=True, map_location=self.o.device)
        self.net.load_state_dict(state['net'])
        self.opt.load_state_dict(state['opt'])
        self.mean = state['ema']
        self.step = state['step']
        self.photos = state['photos']

    def save(self):
        tmp = self.file.with_suffix('.tmp')
        state = dict(net=self.net.state_dict(), opt=self.opt.state_dict(), ema=self.mean)
        torch.save(state|dict(step=self.step, photos=self.photos), tmp)
        os.replace(tmp, self.file)

    def meet(self):
        "Move half way to where the other run was saved last"
        other = self.o.beside and self.o.beside/'state.pt'
        if not other or not other.exists(): return
        theirs = torch.load(other, weights_only=True, map_location=self.o.device)['net']
        with torch.no_grad():
            for k,v in self.net.state_dict().items():
                if v.is_floating_point(): v.lerp_(theirs[k], .5)

    def update(self, loss, first):
        for g in self.opt.param_groups: g['lr'] = self.o.lr*g['share']*min(1, (self.step-first+1)/60)
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.)
        self.opt.step()
        self.step += 1
        decay = min(.998, (2+self.step)/(12+self.step))
        with torch.no_grad():
            for k,v in self.net.state_dict().items():
                if v.is_floating_point(): self.mean[k].lerp_(v, 1-decay)
                else: self.mean[k].copy_(v)

    def draw(self, shelf, small):
        "The side of the next batch, its photos and where faces are"
        seed = 1000+self.step+1_000_000*self.o.seed
        rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        size = list(SIZES)[rng.choice(len(SIZES), p=SHARES)]
        use_small = small and size <= 160 and rng.random() < .7
        photos,least = (small,.6) if use_small else (shelf,max(.4, .65*size/shelf.side))  # or all are soft
        rgb,faces = batch(photos, SIZES[size]*self.o.batches, size, rng, least)
        return size,rgb.to(self.o.device),faces.to(self.o.device)

    def log(self, losses, seconds):
        def text(v): return '/'.join(f'{x:.4f}' for x in np.mean(v, 0))
        figures = ' '.join(f'{size}:{text(v)}' for size,v in sorted(losses.items()))
        with open(self.o.run/'log.csv', 'a') as f: print(f'{self.step},{self.photos},{seconds:.0f},{figures}', file=f)

    def run(self):
        o = self.o
        bins = ClassificationLoss().to(o.device)
        seen = PerceptualLoss(Lite2Features()).to(o.device) if o.perceptual else None
        first = self.step
        began = time.time()
        losses = {}
        shelf = Shelf(o.shelf)
        small = Small(o.small) if o.small else None
        kind = torch.device(o.device).type
        while time.time()-began < o.minutes*60:
            size,rgb,faces = self.draw(shelf, small)
            strength = min(1, .2+self.photos/o.ramp)
            with torch.autocast(kind, torch.bfloat16, enabled=o.bf16):
                ab,cross,features = loss_of(self.net, rgb, faces, strength, bins, seen)
            self.update(ab+o.cross*cross+o.perceptual*features, first)
            self.photos += len(rgb)
            losses.setdefault(size, []).append((float(ab), float(cross), float(features)))
            if self.step%25 == 0:
                self.log(losses, time.time()-began)
                losses = {}
            if self.step%50 == 0: self.save()
            if self.step%MEET == 0: self.meet()
            if self.step%400 == 0: shelf.load()  # it may have grown
        self.save()

def mean_of(models):
    "A network with the mean of the weights of several models"
    weights = [load_weights(m, load_config(m)) for m in models]
    mean = {k: sum(torch.as_tensor(w[k]) for w in weights)/len(weights) for k in weights[0]}
    return load_arrays(network(models[0]), mean)

def ship(net, o):
    "Write a network as a model; the prior is that of the start"
    prior = load_config(o.start).get('prior') or color_prior(net, Small(o.small))
    Colorizer.from_generator(net, 'people', o.render_size).save_pretrained(o.run/'model', prior=prior)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('run', type=Path)
    a.add_argument('--shelf', type=Path)
    a.add_argument('--small', type=Path)
    a.add_argument('--start', default='default')
    a.add_argument('--minutes', type=float, default=60.)
    a.add_argument('--lr', type=float, default=2e-4)
    a.add_argument('--ramp', type=float, default=60000, help='photos until ageing has its full strength')
    a.add_argument('--cross', type=float, default=.04, help='weight of the cross-entropy')
    a.add_argument('--perceptual', type=float, default=0, help="weight of the loss of Lite2's features")
    a.add_argument('--seed', type=int, default=0)
    a.add_argument('--beside', type=Path, help='the folder of another run, to meet')
    a.add_argument('--threads', type=int)
    a.add_argument('--mean', nargs='+', metavar='MODEL', help='train nothing: the mean of these')
    a.add_argument('--frozen', action='store_true', help='leave the encoder as it is')
    a.add_argument('--batches', type=int, default=1, help='batches so many times as large')
    a.add_argument('--device', default='cpu')
    a.add_argument('--bf16', action='store_true')
    a.add_argument('--render-size', type=int, default=240)
    o = a.parse_args()
    o.run.mkdir(parents=True, exist_ok=True)
    if o.threads: torch.set_num_threads(o.threads)
    torch.set_flush_denormal(True)  # Adam crawls on a CPU where its averages come near zero
    if o.mean: return ship(mean_of(o.mean), o)
    if not o.shelf: a.error('--shelf says where the photos are')
    training = Training(o)
    if o.minutes > 0: training.run()
    ship(load_arrays(network(o.start), {k: v.cpu() for k,v in training.mean.items()}), o)

if __name__ == '__main__': main()
