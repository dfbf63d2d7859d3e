"""Error and flicker of a film's colours, frame by frame and steadied: python experiments/film_fields.py CLIP... > results/film_fields.csv
Needs the film extra and clips in colour; the first 90 frames of each. Looks are the frames that the network coloured. Error is that of a*b* of the cells beside gray's;
flicker is the mean distance of a cell from the same cell of the frame before, as a share of the true colours' own; chroma is the mean chroma as a share of the truth's."""
import csv, sys
from pathlib import Path
import av, cv2, numpy as np
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.color import rgb2lab
from colorize_nb.fields import Steady, is_cut, moved, small_frame, step_to
from colorize_nb.paint import render_shape

FRAMES = 90

def read(path, side, cell):
    "Small frames of a clip, and the true colours of their cells"
    smalls,truth = [],[]
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            h,w = (round(n/cell) for n in render_shape(frame.height, frame.width, side))
            lab = rgb2lab(frame.to_ndarray(format='rgb24'))
            gray = frame.to_ndarray(format='gray')
            smalls.append(small_frame(cv2.resize(gray, (w*cell,h*cell), interpolation=cv2.INTER_AREA), cell))
            truth.append(cv2.resize(lab[...,1:], (w,h), interpolation=cv2.INTER_AREA))
            if len(smalls) == FRAMES: break
    return smalls,truth

def chroma(fields): return np.mean([np.hypot(*np.moveaxis(f, -1, 0)).mean() for f in fields])

def flicker(fields, steps):
    "Mean distance of cells from themselves in the frame before, where they are alike and no cut lies between"
    out = []
    for before,now,step in zip(fields, fields[1:], steps):
        if is_cut(step): continue
        weight = step.like*(step.like > .6)
        off = np.hypot(*np.moveaxis(now-moved(np.ascontiguousarray(before, np.float32), step.at), -1, 0))
        out.append((off*weight).sum()/weight.sum())
    return np.mean(out)

def steadied(smalls, own, **kw):
    "The fields of a film, and how many frames the network coloured"
    asked = []
    def colors(i, _):
        asked.append(i)
        return own[i]
    steady = Steady(colors, **kw)
    chunks = [steady.add(i, s) for i,s in enumerate(smalls)]
    return [f[...,:2] for c in [*chunks, steady.end()] if c for f in c.fields],len(asked)

def main(paths):
    c = Colorizer.from_pretrained()
    side,cell = c.cfg['render_size'],c.cfg['out_scale']
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(['clip', 'colours', 'looks', 'error', 'flicker', 'chroma'])
    for path in paths:
        smalls,truth = read(path, side, cell)
        h,w = smalls[0].L.shape
        own = [np.moveaxis(c.look(s.gray, Options(render_size=side)).ab[:,:h,:w], 0, -1) for s in smalls]
        steps = [step_to(b, a) for a,b in zip(smalls, smalls[1:])]
        gray = np.mean([np.abs(t).mean() for t in truth])
        ways = {'every frame, steadied':dict(every=1, seldom=1), 'every 8th, steadied':dict(seldom=8), 'as films are: every 8th to 24th':{}}
        runs = {'frame by frame':(own, len(own))}|{name: steadied(smalls, own, **kw) for name,kw in ways.items()}
        for name,(fields,looks) in runs.items():
            error = np.mean([np.abs(f-t).mean() for f,t in zip(fields, truth)])/gray
            row = error,flicker(fields, steps)/flicker(truth, steps),chroma(fields)/chroma(truth)
            out.writerow([Path(path).stem, name, looks, *(f'{v:.3f}' for v in row)])
            sys.stdout.flush()

if __name__ == '__main__': main(sys.argv[1:])
