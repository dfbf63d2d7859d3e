"""Do photos of an album that agree come nearer to the truth? python experiments/alike.py VALID.zip CLIP... > results/alike.csv
Frames of a clip two seconds apart are an album, and so are six photos of one class. Each photo is colorized alone; then
in turn, the one that the network doubts least first: mutual matches with those before it (cosine above `LEAST`) become
hints of the colours that these got. Error of a*b* is beside gray's; `apart` is how far the colours of matched places
lie from each other, in a*b*. Colours of `true first` are the photo's own in the first one, and spread from there."""
import csv, sys, zipfile
from itertools import combinations
import numpy as np
from like import color_at, frames, gray_of, hint, opened
from colorize_nb import Colorizer
from colorize_nb.color import rgb2lab
from colorize_nb.like import BESIDE, MOST_PAIRS, matches

LEAST = .8
ALBUM = 6  # photos

class Photo:
    "A photo in colour, its gray, and what the network made of it alone"
    def __init__(self, rgb, c):
        self.lab = rgb2lab(rgb)
        self.gray = gray_of(self.lab)
        self.alone = rgb2lab(np.asarray(c.colorize(self.gray)))
        self.doubt = float(c.doubt(self.gray).mean())
    def error(self, lab): return np.abs(lab[...,1:]-self.lab[...,1:]).mean()/np.abs(self.lab[...,1:]).mean()

def places(c, album):
    "Places of each pair of photos that match"
    told = [c.described(p.gray) for p in album]
    return {(i,j): matches(told[i], told[j], LEAST) for i,j in combinations(range(len(album)), 2)}

def apart(found):
    "The surest pairs that do not lie beside each other"
    kept = []
    for f in found:
        if all(np.abs(f[1]-k[1]).max() > BESIDE for k in kept) and len(kept) < MOST_PAIRS: kept.append(f)
    return kept

def together(c, album, found, first=None):
    "Colours of an album's photos, each told by those before it; `first`: the colours of the first one"
    order = np.argsort([p.doubt for p in album], kind='stable')
    done = {}
    for i in order:
        if not done and first is not None: done[i] = first(album[i]); continue
        told = []
        for j in done:
            told += [(m[0],m[1],m[2],j) for m in found.get((i,j), ())]
            told += [(m[0],m[2],m[1],j) for m in found.get((j,i), ())]
        kept = apart(sorted(told, key=lambda t: -t[0]))
        hints = [hint(album[i].lab, p, color_at(done[j], q)) for _,p,q,j in kept]
        done[i] = rgb2lab(np.asarray(c.colorize(album[i].gray, hints=hints)))
    return [done[i] for i in range(len(album))]

def disagreement(labs, found):
    "How far apart the colours of matched places are"
    gaps = [np.hypot(*(color_at(labs[i], p)-color_at(labs[j], q))) for (i,j),ms in found.items() for _,p,q in ms]
    return np.mean(gaps) if gaps else np.nan

def judged(c, photos):
    "What comes of one album"
    album = [Photo(rgb, c) for rgb in photos]
    found = places(c, album)
    ways = dict(alone=[p.alone for p in album], agreed=together(c, album, found))
    ways['true first'] = together(c, album, found, lambda p: p.lab)
    first = int(np.argmin([p.doubt for p in album]))
    out = {}
    for way,labs in ways.items():
        rest = [i for i in range(len(album)) if i != first]
        out[way] = np.mean([album[i].error(labs[i]) for i in rest])
        out[f'{way} apart'] = disagreement(labs, found)
    return out

def albums(valid, clips):
    "Yield (kind, photos)"
    for path in clips:
        pairs = frames(path, most=ALBUM-1)
        yield 'a clip',[pairs[0][0], *(b for _,b in pairs)]
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(valid) as z:
        groups = {}
        for n in sorted(z.namelist()):
            if n.startswith(('caltech101', 'food_small', 'houses')): groups.setdefault(n.rsplit('/', 1)[0], []).append(n)
        for names in [g for g in groups.values() if len(g) >= 3][:12]:
            yield 'one class',[opened(z, n) for n in rng.permutation(names)[:ALBUM]]

def main(valid, *clips):
    c = Colorizer.from_pretrained()
    rows = {}
    for kind,photos in albums(valid, clips): rows.setdefault(kind, []).append(judged(c, photos))
    out = csv.writer(sys.stdout, lineterminator='\n')
    columns = [*rows['a clip'][0]]
    out.writerow(['album', 'n', *columns])
    for kind,found in rows.items(): out.writerow([kind, len(found), *(f'{np.nanmean([f[k] for f in found]):.3f}' for k in columns)])

if __name__ == '__main__': main(*sys.argv[1:])
