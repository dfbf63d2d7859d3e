"""How well a hint holds on to its thing: python experiments/film_hints.py CLIP... > results/film_hints.csv
Needs the film extra and clips in colour. A frame and the one 60 later in the same shot are looked for in each clip; places in the first are followed to the second by optical
flow of whole frames, from one to the next, and kept where the way back ends at the start and the true colours agree. The true colour of such a place, where the network is wrong,
is given as a hint, one hint at a time. Errors are distances of a*b*, means over 5x5 pixels, between the film as painted and as it was; `drift` is how far `Tracks` and whole
frames disagree at the end, in cells of the network's grid."""
import csv, sys
from pathlib import Path
import av, cv2, numpy as np
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.color import lab2rgb8, rgb2lab
from colorize_nb.fields import is_cut, step_to
import colorize_nb.film as module
from colorize_nb.film import Eye, Painter, Reader
from colorize_nb.film_file import Film, plane
from colorize_nb.film_hints import FilmHint
from colorize_nb.hint_text import Hint

APART = 60 # frames
SPOTS = 8 # a clip, at most
WRONG = 8. # error of the network from which a place gets a hint

class Part:
    "Some frames of a film, which look like a film of their own"
    def __init__(self, film, pictures): self.__dict__ = {**film.__dict__, 'all':pictures}
    def pictures(self): yield from self.all
    def __getattr__(self, name): return getattr(Film, name).fget(self)
    def __enter__(self): return self
    def __exit__(self, *_): pass

def read(path, eye_of):
    "The first shot of a clip that is long enough: a `Part`, its frames in RGB"
    with Film(path) as film:
        eye = eye_of(film)
        shot,rgb,last = [],[],None
        for p in film.pictures():
            small = eye.small(p)
            if last is not None and is_cut(step_to(small, last)): shot,rgb = [],[]
            last = small
            rgb.append(p.frame.to_ndarray(format='rgb24'))
            shot.append(p._replace(number=len(shot)))
            if len(shot) > APART: return Part(film, shot),rgb
    return None,None

def track(grays, spots):
    "Where spots go, by flow of whole frames from one to the next"
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for a,b in zip(grays, grays[1:]):
        flow = dis.calc(a, b, None)
        spots = spots+cv2.remap(flow, spots[None].astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    return spots

def at(lab, spot):
    "The mean colour of 5x5 pixels"
    x,y = (int(v) for v in np.rint(spot))
    return lab[max(0, y-2):y+3,max(0, x-2):x+3,1:].reshape(-1, 2).mean(0)

def off(a, b): return float(np.hypot(*(a-b)))

class Clip:
    "A part of a film, and how its first and last frame come out"
    def __init__(self, colorizer, film):
        self.colorizer = colorizer
        self.film = film
    def painted(self, hints):
        "Lab of the first and the last frame; where the hint is at the end, in pixels"
        eye = Eye(self.colorizer, self.film, Options())
        end = None
        if hints:
            eye.tracks,eye.given = tracked(self.film, eye, hints)
            h,w = eye.cells
            spots = eye.tracks.get(APART)
            end = None if not spots else (np.array(spots[0][0])+.5)*np.array([self.film.storage.width/w, self.film.storage.height/h])-.5
        frames = [(w,f) for chunk in Reader(self.film, eye).chunks() for w,f in zip(chunk.items, chunk.fields)]
        return [self.lab(*frames[0]), self.lab(*frames[APART])],end,eye.cells
    def lab(self, waiting, field):
        painter = Painter.__new__(Painter)
        painter.film,painter.strength,painter.keep_color = self.film,1.,False
        store = self.film.storage
        frame = av.VideoFrame(store.width, store.height, store.pix_fmt)
        for i,x in enumerate((waiting.picture.luma, *painter._chroma(waiting, field))): plane(frame, i, store.dtype)[:] = x
        frame.colorspace = store.matrix
        frame.color_range = 2 if store.full else 1
        return rgb2lab(frame.to_ndarray(format='rgb24'))

def tracked(film, eye, hints):
    whole,module.Film = module.Film,lambda _: film
    try: return module._hint_tracks('', eye, hints, lambda: None)
    finally: module.Film = whole

def places(film, rgb, truth, plain):
    "Places of the first frame that are wrong, and where they are in the last"
    store = film.storage
    grays = [cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in rgb]
    step = max(8, store.height//24)
    grid = np.stack(np.meshgrid(np.arange(step, store.width-step, step), np.arange(step, store.height-step, step)), -1)
    spots = grid.reshape(-1, 2).astype(float)
    ends = track(grays, spots)
    back = track(grays[::-1], ends)
    inside = ((ends > 4) & (ends < np.array([store.width, store.height])-5)).all(1)
    sure = inside & (np.hypot(*(back-spots).T) < 2)
    found = [(s, e) for s,e in zip(spots[sure], ends[sure]) if off(at(truth[0], s), at(truth[1], e)) < 4 and off(at(truth[0], s), at(plain[0], s)) > WRONG]
    chosen = np.random.default_rng(0).permutation(len(found))[:SPOTS]
    return [found[i] for i in sorted(chosen)]

def rows(path, c):
    "A row for each hint"
    film,rgb = read(path, lambda film: Eye(c, film, Options()))
    if film is None: return
    clip = Clip(c, film)
    truth = [rgb2lab(rgb[0]), rgb2lab(rgb[APART])]
    plain,*_ = clip.painted([])
    for start,end in places(film, rgb, truth, plain):
        L = rgb2lab(rgb[0])[int(start[1]),int(start[0]),0]
        color = lab2rgb8(np.full((1,1), L, np.float32), *(np.full((1,1), v, np.float32) for v in at(truth[0], start)))[0,0]
        x,y = upright(start, film)
        told,there,cells = clip.painted([FilmHint(0., Hint(x, y, tuple(int(v) for v in color)))])
        drift = np.nan if there is None else np.hypot(*((there-end)/np.array([film.storage.width/cells[1], film.storage.height/cells[0]])))
        yield [Path(path).stem, int(start[0]), int(start[1]), int(end[0]), int(end[1]),
               *(f'{off(at(lab, spot), at(true, spot)):.2f}' for lab,true,spot in ((plain[0], truth[0], start), (plain[1], truth[1], end), (told[0], truth[0], start), (told[1], truth[1], end))), f'{drift:.2f}']

def upright(spot, film):
    "Pixels of the upright frame"
    if film.rotation: raise SystemExit('clips that are shown turned are not for this script')
    return spot.tolist()

def main(paths):
    c = Colorizer.from_pretrained()
    out = csv.writer(sys.stdout, lineterminator='\n')
    print('# python experiments/film_hints.py', *(Path(p).name for p in paths), f"; model {c.cfg['name']}")
    out.writerow(['clip', 'x', 'y', 'x60', 'y60', 'plain0', 'plain60', 'told0', 'told60', 'drift'])
    for path in paths:
        for row in rows(path, c):
            out.writerow(row)
            sys.stdout.flush()

if __name__ == '__main__': main(sys.argv[1:])
