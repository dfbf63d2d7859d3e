"""Does a reference that shows another scene help? python experiments/like.py VALID.zip CLIP... > results/like.csv
Features of the encoder at 1/8 and 1/16 of two gray photos are matched; mutual matches become hints whose colours are
the reference's. Beside the error of a*b* with these hints stand the error without any, with true colours at the same
places, and of the automatic result whose histograms were matched to the reference's (scikit-image).

Pairs: frames of a clip 2 seconds apart; photos of one class of caltech101 and food; any two photos. Error is beside
gray's, mean over pairs."""
import csv, io, sys, zipfile
from itertools import combinations
import av, cv2, numpy as np, torch
from PIL import Image
from skimage.exposure import match_histograms
from torch.nn import functional as F
from colorize_nb import Colorizer
from colorize_nb.color import L2net, rgb2lab
from colorize_nb.colorizer import build_net
from colorize_nb.network.weights import load_config, load_weights
from colorize_nb.paint import seen_lightness
from colorize_nb.steer import Hint, shown_at

MOST = 60  # hints
PAIRS = 40  # of a kind
WAYS = 'hints', 'reference', 'short reach', 'true'
SIMILAR = .5,.7,.8,.9  # least cosine of a match

class Matcher:
    "Finds places of a photo in a reference by what the encoder makes of both"
    def __init__(self, colorizer):
        self.cfg = colorizer.cfg
        self.net = build_net(self.cfg, load_weights('default', load_config('default'))).eval()
    def features(self, gray):
        "Features of a gray photo at 1/8, `(n,h,w)` of length 1, and the photo's (height, width) in cells"
        L,(height,width) = seen_lightness(gray, self.cfg['render_size'], self.cfg['multiple'])
        planes = torch.from_numpy(L2net(L)[None,None].astype(np.float32))
        h,w = L.shape
        with torch.inference_mode(): self.net(planes, torch.zeros(1, 3, h//4, w//4))
        stored = [m.hook.stored for m in self.net.modules() if hasattr(m, 'hook')]
        some = [s for s in stored if s.shape[-2:] in ((h//8,w//8), (h//16,w//16))]
        wide = [F.interpolate(F.normalize(s-s.mean((2,3), keepdim=True), dim=1), size=(h//8,w//8), mode='bilinear') for s in some]
        return F.normalize(torch.cat(wide, 1), dim=1)[0],(height/8,width/8)
    def matches(self, a, b):
        "Yield (cosine, place in `a`, place in `b`) of mutual matches, the surest first; places from 0 to 1"
        (fa,ea),(fb,eb) = self.features(a),self.features(b)
        def cells(f, extent):
            h,w = (min(n, int(e)) for n,e in zip(f.shape[1:], extent))
            return f[:,:h,:w].flatten(1),w
        (xa,wa),(xb,wb) = cells(fa, ea),cells(fb, eb)
        like = (xa.T@xb).numpy()
        to_b = like.argmax(1)
        to_a = like.argmax(0)
        mutual = [i for i in range(len(to_b)) if to_a[to_b[i]] == i and like[i,to_b[i]] > min(SIMILAR)]
        def place(i, w, extent): return (i//w+.5)/extent[0],(i%w+.5)/extent[1]
        for i in sorted(mutual, key=lambda i: -like[i,to_b[i]]):
            yield float(like[i,to_b[i]]),place(i, wa, ea),place(int(to_b[i]), wb, eb)

def apart(found, n, least=.06):
    "The surest matches that do not lie beside each other"
    kept = []
    for f in found:
        if all(max(abs(f[1][0]-k[1][0]), abs(f[1][1]-k[1][1])) > least for k in kept): kept.append(f)
        if len(kept) == n: break
    return kept

def color_at(lab, place):
    h,w = lab.shape[:2]
    y,x = int(place[0]*h),int(place[1]*w)
    return lab[max(0, y-3):y+4,max(0, x-3):x+4,1:].mean((0,1))

def hint(lab, place, ab, reach=None):
    h,w = lab.shape[:2]
    y,x = min(h-1, int(place[0]*h)),min(w-1, int(place[1]*w))
    return Hint(x, y, shown_at(lab[y,x,0], ab), reach)

def pair_errors(c, matcher, a, b):
    "Errors beside gray's of one pair, by way"
    lab,ref = rgb2lab(a),rgb2lab(b)
    gray,other = (np.rint(x[...,0]*2.55).astype(np.uint8) for x in (lab, ref))
    scale = np.abs(lab[...,1:]).mean()
    def error(hints=()):
        ab = rgb2lab(np.asarray(c.colorize(gray, hints=hints)))
        return np.abs(ab[...,1:]-lab[...,1:]).mean()/scale
    out = dict(automatic=error())
    auto = np.asarray(c.colorize(gray))
    matched = rgb2lab(match_histograms(auto, b, channel_axis=-1).clip(0, 255).astype(np.uint8))
    out['histograms'] = np.abs(matched[...,1:]-lab[...,1:]).mean()/scale
    found = list(matcher.matches(gray, other))
    for least in SIMILAR:
        kept = apart([f for f in found if f[0] > least], MOST)
        out[f'hints {least}'] = len(kept)
        out[f'reference {least}'] = error([hint(lab, p, color_at(ref, q)) for _,p,q in kept])
        out[f'short reach {least}'] = error([hint(lab, p, color_at(ref, q), .1) for _,p,q in kept])
        out[f'true {least}'] = error([hint(lab, p, color_at(lab, p)) for _,p,_ in kept])
    return out

def opened(z, name, side=256):
    im = Image.open(io.BytesIO(z.read(name))).convert('RGB')
    im.thumbnail((side,side))
    return np.asarray(im)

def frames(path, step=2., most=5):
    "Frames of a clip so many seconds apart"
    out = []
    with av.open(str(path)) as film:
        due = 0.
        for f in film.decode(video=0):
            if f.time < due: continue
            im = f.to_image()
            im.thumbnail((384,384))
            out.append(np.asarray(im))
            due = f.time+step
            if len(out) > most: break
    return list(zip(out, out[1:]))

def pairs(valid, clips):
    "Yield (kind, photo, reference)"
    rng = np.random.default_rng(0)
    for path in clips:
        for a,b in frames(path): yield 'a clip, 2 s apart',a,b
    with zipfile.ZipFile(valid) as z:
        names = sorted(n for n in z.namelist() if not n.endswith('/'))
        groups = {}
        for n in names:
            if n.startswith(('caltech101', 'food_small', 'houses')): groups.setdefault(n.rsplit('/', 1)[0], []).append(n)
        same = [p for g in groups.values() for p in combinations(g, 2)]
        for i in rng.permutation(len(same))[:PAIRS]: yield 'one class',*(opened(z, n) for n in same[i])
        for _ in range(PAIRS): yield 'any two',*(opened(z, n) for n in rng.choice(names, 2, replace=False))

def main(valid, *clips):
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    c = Colorizer.from_pretrained()
    matcher = Matcher(c)
    rows = {}
    for kind,a,b in pairs(valid, clips): rows.setdefault(kind, []).append(pair_errors(c, matcher, a, b))
    out = csv.writer(sys.stdout, lineterminator='\n')
    ways = ['automatic', 'histograms', *(f'{w} {least}' for least in SIMILAR for w in WAYS)]
    out.writerow(['pairs', 'n', *ways, *(f'worse by 2 % {least}' for least in SIMILAR)])
    for kind,found in rows.items():
        means = [np.mean([f[w] for f in found]) for w in ways]
        worse = [np.mean([f[f'reference {least}'] > 1.02*f['automatic'] for f in found]) for least in SIMILAR]
        out.writerow([kind, len(found), *(f'{m:.3f}' for m in (*means, *worse))])

if __name__ == '__main__': main(*sys.argv[1:])
