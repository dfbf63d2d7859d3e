"""Two measures of steadiness, of films beside those of others:
python experiments/film_beside.py CLIP... > results/film_beside.csv
A clip named `*_combined.mp4` has gray on its left half and what ColorMNet made of it (on a GPU, with a true first
frame) on its right, as the repository yyang181/colormnet shows it in docs/media; any other clip is in colour itself.
Of each the first 50 frames are colorized here, steadied and frame by frame, through the encoder with its default
quality.

- Warp error (Lai et al. 2018): mean distance of a*b* of a pixel from where it was in the frame before, by the flow of
  gray, where the flow can be trusted; nothing is measured across cuts.
- CDC (Liu et al. 2021): Jensen-Shannon divergence of the histograms of B, G and R between frames 1, 2 and 4 apart, in
  thousandths.

Gray has a warp error of 0, and a dull film a low one: so chroma, the mean distance of a*b* from gray, stands beside
it, and the share of one in the other."""
import csv, sys, tempfile
from pathlib import Path
from unittest import mock
import av, cv2, numpy as np
import colorize_nb.film as own_way
from colorize_nb import Colorizer
from colorize_nb.fields import Chunk, Steady, fresh, is_cut, small_frame, step_to

FRAMES = 50
WIDE = 480  # pixels of the frames whose warp error is measured, at most
APART = 1,2,4  # frames

def frames_of(path, left=0., right=1.):
    "The first frames of a film as 8-bit RGB; of their width from `left` to `right`"
    with av.open(str(path)) as film:
        for i,frame in enumerate(film.decode(video=0)):
            if i == FRAMES: return
            rgb = frame.to_ndarray(format='rgb24')
            w = rgb.shape[1]
            yield rgb[:,round(left*w):round(right*w)]

# ---- the flow of a film without colours

def shrunk(im):
    "A frame of at most `WIDE` pixels"
    h,w = im.shape[:2]
    k = min(1, WIDE/w)
    return cv2.resize(im, (round(w*k),round(h*k)), interpolation=cv2.INTER_AREA)

def brought(x, flow):
    "The values of another frame where the flow says that they are in this one"
    h,w = flow.shape[:2]
    places = np.dstack(np.meshgrid(np.arange(w), np.arange(h))).astype(np.float32)
    return cv2.remap(x, places+flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

def trusted(back, ahead):
    "Where a flow and the one the other way agree, away from edges of motion (Ruder et al. 2016)"
    there = brought(ahead, back)
    size = (back**2).sum(-1)
    agree = ((back+there)**2).sum(-1) <= .01*(size+(there**2).sum(-1))+.5
    edges = sum((g**2).sum(-1) for g in np.gradient(back, axis=(0,1)))
    return agree & (edges <= .01*size+.002)

def flow_to(now, before):
    "The flow from a gray frame to the one before and where it can be trusted; `None` across a cut"
    h,w = (round(n*48/min(now.shape)) for n in now.shape)
    smalls = [small_frame(cv2.resize(g, (4*w,4*h), interpolation=cv2.INTER_AREA)) for g in (now, before)]
    if is_cut(step_to(*smalls)): return None
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back = dis.calc(now, before, None)
    return back,trusted(back, dis.calc(before, now, None))

def flows(grays):
    "`flow_to` of each gray frame and the one before"
    grays = [shrunk(g) for g in grays]
    return [flow_to(now, before) for before,now in zip(grays, grays[1:])]

# ---- the measures

def chroma_of(frame):
    "a*b* of an 8-bit RGB frame, made small"
    return cv2.cvtColor(shrunk(frame).astype(np.float32)/255, cv2.COLOR_RGB2LAB)[...,1:]

def warp_error(frames, steps):
    "Warp error in units of a*b*, and mean chroma"
    off = []
    chroma = []
    before = None
    for frame,step in zip(frames, [None, *steps]):
        ab = chroma_of(frame)
        chroma.append(np.hypot(*np.moveaxis(ab, -1, 0)).mean())
        if step is not None and step[1].any():
            moved = np.hypot(*np.moveaxis(ab-brought(before, step[0]), -1, 0))
            off.append(moved[step[1]].mean())
        before = ab
    return np.mean(off),np.mean(chroma)

def divergence(p, q):
    "Jensen-Shannon divergence of two distributions, in nats"
    m = (p+q)/2
    def part(x): return (x*np.log(np.divide(x, m, out=np.ones_like(x), where=x > 0))).sum()
    return (part(p)+part(q))/2

def cdc(frames):
    "Colour distribution consistency: 0 where the histograms of B, G and R never change"
    hists = [[np.bincount(f[...,i].ravel(), minlength=256)/f[...,i].size for i in range(3)] for f in frames]
    far = [np.mean([divergence(p, q) for a,b in zip(hists, hists[n:]) for p,q in zip(a, b)]) for n in APART]
    return np.mean(far)

# ---- films

class Alone(Steady):
    "Colours each frame by itself"
    def add(self, item, small, must=False, back=None): return Chunk([item], [fresh(self.colors(item, small), small.L)], True, True, {})
    def end(self): return None

def write_gray(frames, path, rate):
    "A film of gray frames, without loss"
    with av.open(str(path), 'w') as film:
        stream = film.add_stream('libx264', rate=rate, options=dict(qp='0', preset='ultrafast'))
        stream.height,stream.width = frames[0].shape
        stream.pix_fmt = 'yuv420p'
        for gray in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(gray, format='gray').reformat(format='yuv420p')))
        film.mux(stream.encode())

def ours(colorizer, grays, rate, folder):
    "What is made here of gray frames: paths by name"
    write_gray(grays, folder/'gray.mkv', rate)
    steadied = folder/'steadied.mp4'
    alone = folder/'alone.mp4'
    colorizer.colorize_film(folder/'gray.mkv', steadied, bar=False)
    with mock.patch.object(own_way, 'Steady', Alone):
        colorizer.colorize_film(folder/'gray.mkv', alone, bar=False)
    return {'here':steadied, 'here, frame by frame':alone}

def even(gray): return gray[:gray.shape[0]//2*2,:gray.shape[1]//2*2]

def rows(colorizer, path, folder):
    "What was measured of a clip: a row for each way"
    combined = path.stem.endswith('_combined')
    halves = ((0, .5), (.5, 1)) if combined else ((0, 1), (0, 1))
    grays = [even(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY)) for f in frames_of(path, *halves[0])]
    h,w = grays[0].shape
    with av.open(str(path)) as film: rate = film.streams.video[0].average_rate
    films = {'ColorMNet' if combined else 'truth': lambda: (f[:h,:w] for f in frames_of(path, *halves[1]))}
    films |= {k: lambda p=p: frames_of(p) for k,p in ours(colorizer, grays, rate, folder).items()}
    steps = flows(grays)
    own = cdc(np.repeat(g[...,None], 3, 2) for g in grays)
    for name,film in films.items():
        error,chroma = warp_error(film(), steps)
        change = cdc(film())
        yield name,len(grays),error,chroma,error/chroma,1e3*change,1e3*(change-own)

def main(paths):
    colorizer = Colorizer.from_pretrained()
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(['clip', 'colours', 'frames', 'warp error', 'chroma', 'share', 'CDC', 'CDC less that of gray'])
    for path in map(Path, paths):
        with tempfile.TemporaryDirectory() as folder:
            for name,n,*values in rows(colorizer, path, Path(folder)):
                out.writerow([path.stem, name, n, *(f'{v:.3f}' for v in values)])
                sys.stdout.flush()

if __name__ == '__main__': main(sys.argv[1:])
