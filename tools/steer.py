"""Figures of hints, likely colours, doubt and vivid on photos that were not trained on:
python tools/steer.py VALID.zip [--every 10] [--levin]
Writes results/hints.jpg (gray, with 0, 1, 3, 10 hints, photo) and results/steering.csv; `photos` is their number. Rows:
- `network` (hints of the default reach), `network reach 0.25`, `network reach 1` and, with --levin, `levin`, each with
  1, 2, 5, 10, 20 random hints: share of gray's error, dB over gray, share of the photos' colourfulness, dB over no hint
  and half its 95 % interval; `worse`, the share of pixels whose colour is 5 units and more further from the truth than
  without hints
- `vivid` 0 to 1, `strength` 1 to 2: the same; `patchiness` of vivid 0, 0.5, 1 and of the truth
- `likely` (share of spots with one of six colours within 10 units, and half its interval) beside the six most frequent
  colours; `doubt` in tenths (doubt, error)
A hint is the true mean a*b* of 7x7 pixels of 256. Levin et al. 2004: the hints' difference from the automatic result,
spread on the network's own grid with their weights, best of three weights of the ridge that pulls to zero."""
import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
import numpy as np
from PIL import Image, ImageDraw
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.color import AB_SCALE, L2net, lab2rgb, net2ab, resize, rgb2lab
from colorize_nb.files.atomic import write_file
from colorize_nb.network.weights import load_config
from colorize_nb.paint import paint_pixels, seen_lightness
from colorize_nb.hints import likely_ab
from colorize_nb.hint_text import Hint
from colorize_nb.steer import REACH, agreed_at, expected_error, shown_at, steered_ab, vivid_ab
from colorize_nb.train.data import PhotoSet, photo_tensor
from colorize_nb.train.metrics import Photos, photo_metrics

RIDGE = 1e-6, 1e-5, 1e-4
HINTS = 1, 2, 5, 10, 20                     # how many
REACHES = {1: (.25, 1.), 10: (.25, 1.)}     # beside the default reach
WORSE = 5                                   # units of a* and b*
SPOTS = 5                                   # of a photo, whose likely colours are asked for
VIVID = 0, .5, 1.

def colourfulness(x):
    x = x.astype(np.float32).reshape(-1, 3)
    rg = x[:,0]-x[:,1]
    yb = (x[:,0]+x[:,1])/2-x[:,2]
    return np.sqrt(rg.var()+yb.var())+.3*np.hypot(rg.mean(), yb.mean())

def psnr(a, b): return 10*np.log10(255**2/np.square(a.astype(np.float32)-b).mean())

def neighbours(L):
    "Levin's weights between each cell and its eight neighbours, as a sparse matrix"
    (h,w),n = L.shape,L.size
    padded = np.pad(L, 1, mode='edge')
    windows = np.stack([padded[y:y+h,x:x+w] for y in range(3) for x in range(3)])
    var = windows.var(0).ravel()
    ids = np.arange(n).reshape(h,w)
    flat = L.ravel()
    rows,cols,vals = [],[],[]
    for dy,dx in ((0,1), (1,0), (1,1), (1,-1)):
        a = ids[:h-dy,max(0,-dx):w-max(0,dx)].ravel()
        b = ids[dy:,max(0,dx):w+min(0,dx)].ravel()
        k = np.exp(-np.square(flat[a]-flat[b])/(2*np.maximum(.6*(var[a]+var[b])/2, 2)))
        rows += [a,b]
        cols += [b,a]
        vals += [k,k]
    return sp.csr_matrix((np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), (n,n))

def levin(L, ab, planes, ridge):
    "The difference at the hints, spread where neighbours are alike"
    W = neighbours(L)
    A = sp.eye(L.size)-sp.diags(1/np.asarray(W.sum(1)).ravel())@W
    on = planes[2].ravel()
    solve = splu((A.T@A+ridge*sp.eye(L.size)+100*sp.diags(on)).tocsc()).solve
    return ab+np.stack([solve(100*on*(t*AB_SCALE-o).ravel()) for t,o in zip(planes, ab)]).reshape(ab.shape)

class Truth:
    "One validation photo, and its figures"
    def __init__(self, rgb):
        self.rgb = rgb
        self.lab = rgb2lab(rgb)
        self.gray = np.round(lab2rgb(self.lab*[1,0,0])[...,0]*255).astype(np.uint8)
        self.base = psnr(np.dstack([self.gray]*3), rgb)
    def off(self, im): return rgb2lab(im)[...,1:]-self.lab[...,1:]
    def painted(self, seen, ab, strength=1., grid=None):
        return paint_pixels(self.gray, ab, seen.L if grid is None else grid, seen.extent, strength)
    def figures(self, seen, ab, strength=1., grid=None, before=None):
        "Of colours on the grid; `before`: the picture without hints"
        im = self.painted(seen, ab, strength, grid)
        off = self.off(im)
        worse = np.nan if before is None else (np.hypot(*off.T)-np.hypot(*self.off(before).T) > WORSE).mean()
        return [np.abs(off).mean(), np.abs(self.lab[...,1:]).mean(), psnr(im, self.rgb)-self.base,
                colourfulness(im), colourfulness(self.rgb), worse]
    def color(self, x, y): return self.lab[max(0,y-3):y+4,max(0,x-3):x+4,1:].reshape(-1, 2).mean(0)

def planes_of(t, spots, seen):
    "Hints of the true colours at `spots`, on the network's grid"
    out = np.zeros((3,*seen.L.shape), np.float32)
    def corner(at, side, cells): # as `hint_cells`, which takes colours of 8 bits
        return int(np.clip(round((at+.5)/side*cells)-1, 0, max(0, np.ceil(cells)-2)))
    for x,y in spots:
        j,i = map(corner, (y,x), t.gray.shape, seen.extent)
        out[:2,j:j+2,i:i+2] = (t.color(x, y)/AB_SCALE)[:,None,None]
        out[2,j:j+2,i:i+2] = 1
    return out

def told(c, t, seen, planes):
    "The network's colours when it is told each of these hints"
    L,_ = seen_lightness(t.gray, c.cfg['render_size'], c.cfg['multiple'])
    asked = L2net(L)[None,None].astype(np.float32).repeat(len(planes), 0)
    out = zip(*c.predict(asked, np.stack(planes)))
    return [vivid_ab(net2ab(ab), logits, 0., c.cfg['prior'], seen.L) for ab,logits in out]

@lru_cache
def shipped(): return Colorizer.from_pretrained()

def part(x, seen):
    "Planes on the grid without the padding"
    rows,columns = (int(np.ceil(v)) for v in seen.extent)
    return x[...,:rows,:columns]

def hint_figures(c, t, seen, spots, with_levin):
    "Figures by how the hints are spread and how many they are"
    plain = t.painted(seen, seen.ab)
    out = {('network',0): t.figures(seen, seen.ab)}
    planes = [planes_of(t, spots[:n], seen) for n in HINTS]
    for n,p,ab in zip(HINTS, planes, told(c, t, seen, planes)):
        for reach in (REACH, *REACHES.get(n, ())):
            name = 'network' if reach == REACH else f'network reach {reach:g}'
            spread = steered_ab(seen.ab, ab, seen.L, p, np.where(p[2] > 0, np.float32(reach), -1), seen.logits)
            out[name,n] = t.figures(seen, spread, before=plain)
    L,own = part(seen.L, seen),part(seen.ab, seen)
    for n,p in zip(HINTS, planes) if with_levin else ():
        for r in RIDGE: out[f'levin {r:g}',n] = t.figures(seen, levin(L, own, part(p, seen), r), grid=L, before=plain)
    return out

def patchiness(t, seen, vivid):
    "Of each reading, and of the truth"
    true = Photos.from_rgb(photo_tensor(t.rgb))
    painted = [Photos.from_rgb(photo_tensor(t.painted(seen, ab))) for ab in vivid.values()]
    return [photo_metrics['patchiness'](o, true).item() for o in (*painted, true)]

def one(job):
    "All figures of one photo"
    number,rgb,with_levin = job
    c = shipped()
    t = Truth(rgb)
    rng = np.random.default_rng(number)
    seen = c.look(t.gray)
    h,w = t.gray.shape
    spots = np.stack([rng.integers(3, w-3, max(HINTS)), rng.integers(3, h-3, max(HINTS))], 1)
    out = hint_figures(c, t, seen, spots, with_levin)
    vivid = {v: c.look(t.gray, Options(vivid=v)).ab for v in VIVID}
    for v,ab in vivid.items(): out['vivid',v] = t.figures(seen, ab)
    for s in (1.5, 2.): out['strength',s] = t.figures(seen, seen.ab, s)
    out['patchiness'] = patchiness(t, seen, vivid)
    def near(colors, xy): return np.square(colors-t.color(*xy)).sum(1).min() <= 100
    common = likely_ab(np.array(c.cfg['prior']))[0]
    cells = [(int((y+.5)/h*seen.extent[0]),int((x+.5)/w*seen.extent[1])) for x,y in spots[:SPOTS]]
    out['likely'] = [near(likely_ab(agreed_at(seen.logits, seen.L, at))[0], s) for at,s in zip(cells, spots)]
    out['common'] = [near(common, s) for s in spots[:SPOTS]]
    own = part(seen.ab, seen)
    true = np.stack([resize(t.lab[...,i], own.shape[1:]) for i in (1,2)])
    out['doubt'] = part(expected_error(seen.logits, seen.ab), seen).ravel(),np.hypot(*(true-own)).ravel()
    return out

def interval(x, of):
    "Half the 95 % interval of a figure of photos drawn again"
    x = np.asarray(x)
    rng = np.random.default_rng(0)
    draws = [of(x[rng.integers(0, len(x), len(x))]) for _ in range(1000)]
    return np.diff(np.percentile(draws, [2.5,97.5]))[0]/2

def sheet_row(c, t, rng, ns, side):
    "Gray, the photo with so many random hints of its own colours, and the photo itself"
    h,w = t.gray.shape
    spots = [(int(rng.integers(8, w-8)), int(rng.integers(8, h-8))) for _ in range(max(ns))]
    hints = [Hint(x, y, shown_at(t.lab[y,x,0], t.color(x, y))) for x,y in spots]
    painted = [c.colorize(t.gray, hints=hints[:n]) for n in ns]
    for n,im in zip(ns, painted):
        draw = ImageDraw.Draw(im)
        for o in hints[:n]: draw.ellipse((o.x-4, o.y-4, o.x+4, o.y+4), fill=o.color, outline='white')
    ims = [Image.fromarray(t.gray), *painted, Image.fromarray(t.rgb)]
    return np.concatenate([np.asarray(im.convert('RGB').resize((side,side), Image.LANCZOS)) for im in ims], 1)

def sheet(ps, ns=(0,1,3,10), side=140, most=8):
    "Photos that may be shown, evenly picked, in two columns of rows"
    names = [n for n in ps if n.startswith('caltech101/')]
    picked = names[::max(1, len(names)//most)][:most]
    rows = [sheet_row(shipped(), Truth(np.asarray(ps[name])), np.random.default_rng(k), ns, side)
            for k,name in enumerate(picked)]
    left,right = (np.concatenate(rows[i::2]) for i in (0,1))
    return Image.fromarray(np.concatenate([left, np.full((len(left),8,3), 255, np.uint8), right], 1))

def line(what, n, res, key):
    "A row of figures over all photos"
    x = np.array([r[key] for r in res])
    base = np.array([r['network',0] for r in res])
    gain = x[:,2]-base[:,2]
    share = interval(x[:,:2], lambda o: o[:,0].mean()/o[:,1].mean())
    worse = '' if np.isnan(x[:,5]).any() else f'{x[:,5].mean():.4f}'
    cells = [f'{n:g}', f'{x[:,0].mean()/x[:,1].mean():.4f}', f'{share:.4f}', f'{x[:,2].mean():.3f}',
             f'{x[:,3].mean()/x[:,4].mean():.3f}', f'{gain.mean():.3f}', f'{interval(gain, np.mean):.3f}', worse]
    return ','.join([what, *cells, str(len(x))])

def mean_line(what, n, x): return f'{what},{n},{x.mean():.4f},{interval(x, np.mean):.4f},,,,,,{len(x)}'

def rows_of(res, with_levin):
    keys = [k for k in res[0] if isinstance(k, tuple)]
    yield from (line(*k, res, k) for k in keys if not k[0].startswith('levin'))
    def db(key): return np.mean([r[key][2] for r in res])
    for n in HINTS if with_levin else (): yield line('levin', n, res, max(((f'levin {r:g}',n) for r in RIDGE), key=db))
    columns = np.array([r['patchiness'] for r in res]).T
    yield from (mean_line('patchiness', v, x) for v,x in zip((0, .5, 1, 'truth'), columns))
    yield from (mean_line(what, 6, np.array([np.mean(r[what]) for r in res])) for what in ('likely', 'common'))
    doubt,error = (np.concatenate([r['doubt'][i] for r in res]) for i in (0,1))
    for k,i in enumerate(np.array_split(np.argsort(doubt), 10)):
        yield f'doubt,{k},{error[i].mean():.3f},,,,{doubt[i].mean():.3f},,,{len(res)}'

def main(valid, every, levin):
    ps = PhotoSet(valid)
    jobs = [(number,np.asarray(ps[name]),levin) for number,name in list(enumerate(ps))[::every]]
    with ProcessPoolExecutor(2, get_context('spawn')) as pool: res = list(pool.map(one, jobs, chunksize=2))
    weights = load_config('default')['files']['default.safetensors'][:16]
    command = f"python tools/steer.py {ps.path.name} --every {every}{' --levin' if levin else ''}"
    head = [f"# {command}; weights {weights}; seed: a photo's number",
            'what,n,share,share_pm,db,colour,gain,gain_pm,worse,photos']
    text = '\n'.join([*head, *rows_of(res, levin), ''])
    write_file('results/steering.csv', text.encode())
    sheet(ps).save('results/hints.jpg', quality=82)
    print(text)

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('valid')
    p.add_argument('--every', type=int, default=10)
    p.add_argument('--levin', action='store_true')
    main(**vars(p.parse_args()))
