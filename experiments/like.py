"""Does a reference that shows another scene help? python experiments/like.py VALID.zip [TRAIN.zip...] CLIP... > results/like.csv
Places that the encoder finds alike in two gray photos become hints whose colours are the reference's. Beside the error
of a*b* with these hints stand the error without any, with true colours at the same places, and of the automatic result
whose histograms were matched to the reference's (scikit-image).

Pairs: frames of a clip 2 seconds apart; photos of athletes taken shortly after each other, chosen by eye (the network
was trained on these); photos of one class of caltech101 and food; any two photos. Error is beside gray's, mean over pairs."""
import csv, io, sys, zipfile
from itertools import combinations
import av, cv2, numpy as np
from PIL import Image
from skimage.exposure import match_histograms
from colorize_nb import Colorizer
from colorize_nb.color import rgb2lab
from colorize_nb.like import matches, trusted
from colorize_nb.paint import small_lightness
from colorize_nb.hint_text import Hint
from colorize_nb.steer import shown_at

PAIRS = 40  # of a kind
WAYS = 'hints', 'reference', 'short reach', 'in doubt', 'true'
SIMILAR = .5,.7,.8,.85,.9  # least cosine of a match
BURSTS = ((5485,8845), (2866,5393), (1659,9735), (1912,6552), (5079,9350), (5727,7758), (1652,8748), (143,6362), (824,8745),
          (2503,3342), (4545,7111), (3718,6283), (2297,5933), (930,8281), (9415,9503), (4747,8541), (8905,9643), (3660,8304),
          (1137,9840), (4519,5790), (1141,5342))  # numbers of Leeds Sports Pose
DOUBT = 8.  # units of a*b*: `in doubt` leaves out hints where the network expects to be less far off

def gray_of(lab): return np.rint(lab[...,0]*2.55).astype(np.uint8)

def color_at(lab, place):
    h,w = lab.shape[:2]
    y,x = int(place[0]*h),int(place[1]*w)
    return lab[max(0, y-3):y+4,max(0, x-3):x+4,1:].mean((0,1))

def color_of(plane, place): return plane[min(len(plane)-1, int(place[0]*len(plane))),min(plane.shape[1]-1, int(place[1]*plane.shape[1]))]

def hint(lab, place, ab, reach=None):
    h,w = lab.shape[:2]
    y,x = min(h-1, int(place[0]*h)),min(w-1, int(place[1]*w))
    return Hint(x, y, shown_at(lab[y,x,0], ab), reach)

def pair_errors(c, a, b):
    "Errors beside gray's of one pair, by way"
    lab,ref = rgb2lab(a),rgb2lab(b)
    gray,other = gray_of(lab),gray_of(ref)
    scale = np.abs(lab[...,1:]).mean()
    def error(hints=()):
        ab = rgb2lab(np.asarray(c.colorize(gray, hints=hints)))
        return np.abs(ab[...,1:]-lab[...,1:]).mean()/scale
    out = dict(automatic=error())
    auto = np.asarray(c.colorize(gray))
    matched = rgb2lab(match_histograms(auto, b, channel_axis=-1).clip(0, 255).astype(np.uint8))
    out['histograms'] = np.abs(matched[...,1:]-lab[...,1:]).mean()/scale
    one,two = c.described(gray),c.described(other)
    light = [small_lightness(photo, [max(1, round(n)) for n in extent]) for photo,(_,extent) in ((gray,one), (other,two))]
    told = trusted(matches(one, two), *light)
    out['hints'] = len(told)
    out['like'] = error([hint(lab, p, color_at(ref, q)) for _,p,q in told])
    out['true'] = error([hint(lab, p, color_at(lab, p)) for _,p,_ in told])
    doubt = c.doubt(gray)
    for least in SIMILAR:
        kept = matches(one, two, least)
        out[f'hints {least}'] = len(kept)
        out[f'reference {least}'] = error([hint(lab, p, color_at(ref, q)) for _,p,q in kept])
        out[f'short reach {least}'] = error([hint(lab, p, color_at(ref, q), .1) for _,p,q in kept])
        unsure = [(p,q) for _,p,q in kept if color_of(doubt, p) > DOUBT]
        out[f'in doubt {least}'] = error([hint(lab, p, color_at(ref, q)) for p,q in unsure])
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

def bursts(zips):
    "Yield pairs of one athlete"
    found = {}
    for path in zips:
        with zipfile.ZipFile(path) as z: found |= {n: opened(z, n) for n in z.namelist() if n.startswith('lsp_athletes')}
    for pair in BURSTS:
        names = [f'lsp_athletes/all/im{n:05}.avif' for n in pair]
        if all(n in found for n in names): yield [found[n] for n in names]

def pairs(valid, zips, clips):
    "Yield (kind, photo, reference)"
    rng = np.random.default_rng(0)
    for path in clips:
        for a,b in frames(path): yield 'a clip, 2 s apart',a,b
    for a,b in bursts(zips): yield 'one athlete',a,b
    with zipfile.ZipFile(valid) as z:
        names = sorted(n for n in z.namelist() if not n.endswith('/'))
        groups = {}
        for n in names:
            if n.startswith(('caltech101', 'food_small', 'houses')): groups.setdefault(n.rsplit('/', 1)[0], []).append(n)
        same = [p for g in groups.values() for p in combinations(g, 2)]
        for i in rng.permutation(len(same))[:PAIRS]: yield 'one class',*(opened(z, n) for n in same[i])
        for _ in range(PAIRS): yield 'any two',*(opened(z, n) for n in rng.choice(names, 2, replace=False))

def main(valid, *more):
    zips = [path for path in more if path.endswith('.zip')]
    clips = [path for path in more if path not in zips]
    cv2.setNumThreads(1)
    c = Colorizer.from_pretrained()
    rows = {}
    for kind,a,b in pairs(valid, zips, clips): rows.setdefault(kind, []).append(pair_errors(c, a, b))
    out = csv.writer(sys.stdout, lineterminator='\n')
    ways = ['automatic', 'histograms', 'hints', 'like', 'true', *(f'{w} {least}' for least in SIMILAR for w in WAYS)]
    out.writerow(['pairs', 'n', *ways, 'worse by 2 %', *(f'worse by 2 % {least}' for least in SIMILAR)])
    for kind,found in rows.items():
        means = [np.mean([f[w] for f in found]) for w in ways]
        worse = [np.mean([f[way] > 1.02*f['automatic'] for f in found]) for way in ('like', *(f'reference {s}' for s in SIMILAR))]
        out.writerow([kind, len(found), *(f'{m:.3f}' for m in (*means, *worse))])

if __name__ == '__main__': main(*sys.argv[1:])
