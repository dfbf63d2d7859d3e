"""Figures of hints, likely colours, doubt and vivid on photos that were not trained on: python tools/steer.py VALID.zip [--every 10] [--levin]
Writes results/hints.jpg (gray, with 0, 1, 3, 10 hints, photo) and results/steering.csv; `photos` says on how many.
Rows: `network` (hints of the default reach), `network reach 0.25`, `network reach 1` and, with --levin, `levin` with 1, 2, 5, 10, 20 random hints (share of gray's error, dB over gray, share of the photos' colourfulness, dB over no hint and half its 95 % interval; `worse`, the share of pixels whose
colour is 5 units and more further from the truth than without hints); `vivid` 0 to 1, `strength` 1 to 2; `patchiness` of vivid 0, 0.5, 1 and of the truth; `likely` (share of spots with one of six colours within 10 units, and half its interval) beside the six most
frequent colours; `doubt` in tenths (doubt, error). A hint is the true mean a*b* of 7x7 pixels of 256. Levin et al. 2004: the hints' difference from the automatic result, spread on the network's own grid with their weights, best of three weights of the ridge that pulls to zero."""
import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import numpy as np
from PIL import Image, ImageDraw
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from colorize_nb.batch.options import Options
from colorize_nb.color import AB_SCALE, L2net, lab2rgb, net2ab, resize, rgb2lab
from colorize_nb import Colorizer
from colorize_nb.train.data import PhotoSet, photo_tensor
from colorize_nb.train.metrics import Photos, photo_metrics
from colorize_nb.paint import paint_pixels, seen_lightness
from colorize_nb.steer import REACH, Hint, agreed_at, expected_error, likely_ab, shown_at, steered_ab, vivid_ab
from colorize_nb.files.atomic import write_file
from colorize_nb.network.weights import load_config

RIDGE = 1e-6, 1e-5, 1e-4
HINTS,REACHES = (1, 2, 5, 10, 20),{1: (.25, 1.), 10: (.25, 1.)}  # how many; beside the default reach
WORSE,SPOTS = 5,5  # units of a* and b*; a photo's spots whose likely colours are asked for

def colourfulness(x):
    x = x.astype(np.float32).reshape(-1, 3); rg,yb = x[:,0]-x[:,1],(x[:,0]+x[:,1])/2-x[:,2]
    return np.sqrt(rg.var()+yb.var())+.3*np.hypot(rg.mean(), yb.mean())

def psnr(a, b): return 10*np.log10(255**2/np.square(a.astype(np.float32)-b).mean())

def levin(L, ab, planes, ridge):
    "The difference at the hints, spread where neighbours are alike"
    (h,w),n = L.shape,L.size
    p = np.pad(L, 1, mode='edge'); win = np.stack([p[a:a+h,b:b+w] for a in range(3) for b in range(3)]); var = win.var(0).ravel()
    ids,rows,cols,vals = np.arange(n).reshape(h,w),[],[],[]
    for dy,dx in ((0,1), (1,0), (1,1), (1,-1)):
        a,b = ids[:h-dy,max(0,-dx):w-max(0,dx)].ravel(),ids[dy:,max(0,dx):w+min(0,dx)].ravel()
        k = np.exp(-np.square(L.ravel()[a]-L.ravel()[b])/(2*np.maximum(.6*(var[a]+var[b])/2, 2)))
        rows += [a,b]; cols += [b,a]; vals += [k,k]
    W = sp.csr_matrix((np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), (n,n))
    A = sp.eye(n)-sp.diags(1/np.asarray(W.sum(1)).ravel())@W
    on = planes[2].ravel()
    solve = splu((A.T@A+ridge*sp.eye(n)+100*sp.diags(on)).tocsc()).solve
    return ab+np.stack([solve(100*on*(t*AB_SCALE-o).ravel()) for t,o in zip(planes, ab)]).reshape(ab.shape)

class Truth:
    "One validation photo, and what is measured on it"
    def __init__(self, rgb):
        self.rgb,self.lab = rgb,rgb2lab(rgb)
        self.gray = np.round(lab2rgb(self.lab*[1,0,0])[...,0]*255).astype(np.uint8)
        self.base = psnr(np.dstack([self.gray]*3), rgb)
    def figures(self, seen, ab, strength=1., grid=None, before=None):
        "Of colours on the grid; `before`: what is painted without hints"
        im = self.painted(seen, ab, strength, grid)
        lab = rgb2lab(im)[...,1:]-self.lab[...,1:]
        worse = np.nan if before is None else (np.hypot(*lab.T)-np.hypot(*(rgb2lab(before)[...,1:]-self.lab[...,1:]).T) > WORSE).mean()
        return [np.abs(lab).mean(), np.abs(self.lab[...,1:]).mean(), psnr(im, self.rgb)-self.base, colourfulness(im), colourfulness(self.rgb), worse]
    def painted(self, seen, ab, strength=1., grid=None): return paint_pixels(self.gray, ab, seen.L if grid is None else grid, seen.extent, strength)
    def color(self, x, y): return self.lab[max(0,y-3):y+4,max(0,x-3):x+4,1:].reshape(-1, 2).mean(0)

def planes_of(t, spots, seen):
    out = np.zeros((3,*seen.L.shape), np.float32)
    for x,y in spots:  # as `hint_cells`, which takes colours of 8 bits
        j,i = (int(np.clip(round((v+.5)/n*s)-1, 0, max(0, np.ceil(s)-2))) for v,n,s in zip((y,x), t.gray.shape, seen.extent))
        out[:2,j:j+2,i:i+2] = (t.color(x, y)/AB_SCALE)[:,None,None]; out[2,j:j+2,i:i+2] = 1
    return out

def told(c, t, seen, planes):
    "What the network reads when it is told each of these hints"
    L,_ = seen_lightness(t.gray, c.cfg['render_size'], c.cfg['multiple'])
    out = zip(*c.predict(L2net(L)[None,None].astype(np.float32).repeat(len(planes), 0), np.stack(planes)))
    return [vivid_ab(net2ab(ab), logits, 0., c.cfg['prior'], seen.L) for ab,logits in out]

def one(job):
    "All figures of one photo"
    k,rgb,with_levin = job
    c = one.c = getattr(one, 'c', None) or Colorizer.from_pretrained()
    t,rng,out = Truth(rgb),np.random.default_rng(k),{}
    seen = c.look(t.gray)
    h,w = t.gray.shape
    spots = np.stack([rng.integers(3, w-3, max(HINTS)), rng.integers(3, h-3, max(HINTS))], 1)
    plain = t.painted(seen, seen.ab)
    out['network',0] = t.figures(seen, seen.ab)
    planes = [planes_of(t, spots[:n], seen) for n in HINTS]
    for n,p,ab in zip(HINTS, planes, told(c, t, seen, planes)):
        for reach in (REACH, *REACHES.get(n, ())):
            name = 'network' if reach == REACH else f'network reach {reach:g}'
            out[name,n] = t.figures(seen, steered_ab(seen.ab, ab, seen.L, p, np.where(p[2] > 0, np.float32(reach), -1)), before=plain)
    rows,columns = (int(np.ceil(v)) for v in seen.extent)
    def part(x): return x[...,:rows,:columns]  # without the padding
    for n,p in zip(HINTS, planes) if with_levin else ():
        for r in RIDGE: out[f'levin {r:g}',n] = t.figures(seen, levin(part(seen.L), part(seen.ab), part(p), r), grid=part(seen.L), before=plain)
    vivid = {v: c.look(t.gray, Options(vivid=v)).ab for v in (0, .5, 1.)}
    for v,ab in vivid.items(): out['vivid',v] = t.figures(seen, ab)
    for s in (1.5, 2.): out['strength',s] = t.figures(seen, seen.ab, s)
    true = Photos.from_rgb(photo_tensor(t.rgb))
    out['patchiness'] = [photo_metrics['patchiness'](o, true).item() for o in (*[Photos.from_rgb(photo_tensor(t.painted(seen, vivid[v]))) for v in (0, .5, 1.)], true)]
    def near(colors, xy): return np.square(colors-t.color(*xy)).sum(1).min() <= 100
    common = likely_ab(np.array(c.cfg['prior']))[0]
    cell = [(int((y+.5)/h*seen.extent[0]),int((x+.5)/w*seen.extent[1])) for x,y in spots[:SPOTS]]
    out['likely'] = [near(likely_ab(agreed_at(seen.logits, seen.L, at))[0], s) for at,s in zip(cell, spots)]
    out['common'] = [near(common, s) for s in spots[:SPOTS]]
    true = np.stack([resize(t.lab[...,i], (rows,columns)) for i in (1,2)])
    out['doubt'] = part(expected_error(seen.logits, seen.ab)).ravel(),np.hypot(*(true-part(seen.ab))).ravel()
    return out

def interval(x, of): # half the 95 % interval of a figure of photos drawn again
    x = np.asarray(x); rng = np.random.default_rng(0)
    return np.diff(np.percentile([of(x[rng.integers(0, len(x), len(x))]) for _ in range(1000)], [2.5,97.5]))[0]/2

def sheet(ps, ns=(0,1,3,10), side=140, most=8):
    "Photos that may be shown, with so many random hints of their own colours, evenly picked"
    c,names = Colorizer.from_pretrained(),[n for n in ps if n.startswith('caltech101/')]
    rows = []
    for k,name in enumerate(names[::max(1, len(names)//most)][:most]):
        t,rng = Truth(np.asarray(ps[name])),np.random.default_rng(k)
        spots = [(int(rng.integers(8, t.gray.shape[1]-8)), int(rng.integers(8, t.gray.shape[0]-8))) for _ in range(max(ns))]
        hints = [Hint(x, y, shown_at(t.lab[y,x,0], t.color(x, y))) for x,y in spots]
        pics = [Image.fromarray(t.gray), *[c.colorize(t.gray, hints=hints[:n]) for n in ns], Image.fromarray(t.rgb)]
        for n,p in zip(ns, pics[1:]):
            for h in hints[:n]: ImageDraw.Draw(p).ellipse((h.x-4, h.y-4, h.x+4, h.y+4), fill=h.color, outline='white')
        rows.append([np.asarray(p.convert('RGB').resize((side,side), Image.LANCZOS)) for p in pics])
    half = [np.concatenate([np.concatenate(r, 1) for r in rows[i::2]]) for i in (0,1)]
    return Image.fromarray(np.concatenate([half[0], np.full((len(half[0]),8,3), 255, np.uint8), half[1]], 1))

def main(valid, every, levin):
    ps = PhotoSet(valid)
    jobs = [(k,np.asarray(ps[n]),levin) for k,n in list(enumerate(ps))[::every]]
    with ProcessPoolExecutor(2, get_context('spawn')) as pool: res = list(pool.map(one, jobs, chunksize=2))
    weights = load_config('default')['files']['default.safetensors'][:16]
    lines = [f"# python tools/steer.py {ps.path.name} --every {every}{' --levin' if levin else ''}; weights {weights}; seed: a photo's number", 'what,n,share,share_pm,db,colour,gain,gain_pm,worse,photos']
    def line(what, n, key=None):
        key = key or (what,n)
        x,base = (np.array(o) for o in zip(*[(r[key],r['network',0]) for r in res]))
        gain = x[:,2]-base[:,2]
        share = interval(np.stack([x[:,0],x[:,1]], 1), lambda o: o[:,0].mean()/o[:,1].mean())
        worse = '' if np.isnan(x[:,5]).any() else f'{x[:,5].mean():.4f}'
        lines.append(f'{what},{n:g},{x[:,0].mean()/x[:,1].mean():.4f},{share:.4f},{x[:,2].mean():.3f},{x[:,3].mean()/x[:,4].mean():.3f},{gain.mean():.3f},{interval(gain, np.mean):.3f},{worse},{len(x)}')
    for what,n in [k for k in res[0] if isinstance(k, tuple) and not k[0].startswith('levin')]: line(what, n)
    def db(key): return np.mean([r[key][2] for r in res])
    for n in HINTS if levin else (): line('levin', n, max(((f'levin {r:g}',n) for r in RIDGE), key=db))
    for v,x in zip((0, .5, 1, 'truth'), np.array([r['patchiness'] for r in res]).T): lines.append(f'patchiness,{v},{x.mean():.4f},{interval(x, np.mean):.4f},,,,,,{len(x)}')
    for what in ('likely', 'common'):
        x = np.array([np.mean(r[what]) for r in res])
        lines.append(f'{what},6,{x.mean():.4f},{interval(x, np.mean):.4f},,,,,,{len(x)}')
    d,e = (np.concatenate([r['doubt'][i] for r in res]) for i in (0,1))
    for k,i in enumerate(np.array_split(np.argsort(d), 10)): lines.append(f'doubt,{k},{e[i].mean():.3f},,,,{d[i].mean():.3f},,,{len(res)}')
    write_file('results/steering.csv', '\n'.join([*lines, '']).encode())
    sheet(ps).save('results/hints.jpg', quality=82)
    print('\n'.join(lines))

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('valid'); p.add_argument('--every', type=int, default=10)
    p.add_argument('--levin', action='store_true')
    main(**vars(p.parse_args()))
