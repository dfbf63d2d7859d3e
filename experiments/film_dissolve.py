"""The colours of a dissolve: python experiments/film_dissolve.py CLIP... > results/film_dissolve.csv
Needs the film extra and clips in colour; each dissolves into the next one over 12 frames, then over 25, by a linear mix. Error is that of a*b* of the cells beside gray's, in the 12 frames
before the dissolve, in it and in the 12 frames after; alone is that of the two films by themselves, their colours mixed as their frames are. Off is how far colours
are from those alone, in units of a*b*, 12 frames before the dissolve, in its middle and in the frame after it; apart, how far the two films' colours are from each other."""
import csv, sys
from itertools import pairwise
from pathlib import Path
import av, cv2, numpy as np
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.color import rgb2lab
from colorize_nb.fields import Steady, small_frame

SIZE = 320,180
CELLS = 80,45
BEFORE = 36  # frames of the first film alone; as many of the second follow

def read(path, n):
    "The first frames of a clip, as light as they are stored"
    with av.open(str(path)) as film:
        return [f.reformat(*SIZE, format='rgb24').to_ndarray().astype(np.float32) for _,f in zip(range(n), film.decode(video=0))]

def small(rgb): return small_frame(cv2.cvtColor(rgb.round().astype(np.uint8), cv2.COLOR_RGB2GRAY), 4)

def truth(rgb): return cv2.resize(rgb2lab(rgb.round().astype(np.uint8))[...,1:], CELLS, interpolation=cv2.INTER_AREA)

def steadied(colorizer, frames):
    "The fields of a film"
    w,h = CELLS
    def colors(_, small): return np.moveaxis(colorizer.look(small.gray, Options()).ab[:,:h,:w], 0, -1)
    steady = Steady(colors)
    chunks = [steady.add(i, small(f)) for i,f in enumerate(frames)]
    return [f[...,:2] for c in [*chunks, steady.end()] if c for f in c.fields]

def mixed(a, b, n):
    "Frames of two films, the first of which dissolves into the second over `n` frames after `BEFORE`"
    shares = [(i+1)/(n+1) for i in range(n)]
    return a[:BEFORE]+[x+s*(y-x) for s,x,y in zip(shares, a[BEFORE:], b)]+b[n:]

def error(fields, true, at): return np.mean([np.abs(fields[t]-true[t]).mean() for t in at])/np.mean([np.abs(true[t]).mean() for t in at])

def off(a, b): return np.hypot(*np.moveaxis(a-b, -1, 0)).mean()

def measured(colorizer, a, b, n):
    "One row"
    frames = mixed(a, b, n)
    true = [truth(f) for f in frames]
    fields = steadied(colorizer, frames)
    apart = steadied(colorizer, a),steadied(colorizer, b)
    alone = mixed(*apart, n)
    end = BEFORE+n
    parts = range(BEFORE-12, BEFORE),range(BEFORE, end),range(end, end+12)
    errors = [error(x, true, at) for at in parts for x in (fields, alone)]
    return errors+[off(fields[t], alone[t]) for t in (BEFORE-12, BEFORE+n//2, end)]+[off(apart[0][BEFORE], apart[1][0])]

def main(paths):
    c = Colorizer.from_pretrained()
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(['from', 'to', 'frames', 'before', 'alone', 'in it', 'alone', 'after', 'alone', 'off before', 'off in it', 'off after', 'apart'])
    for a,b in pairwise(paths):
        for n in (12, 25):
            row = measured(c, read(a, BEFORE+n), read(b, BEFORE+n), n)
            out.writerow([Path(a).stem, Path(b).stem, n, *(f'{v:.3f}' for v in row[:6]), *(f'{v:.1f}' for v in row[6:])])
            sys.stdout.flush()

if __name__ == '__main__': main(sys.argv[1:])
