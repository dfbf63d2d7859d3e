"""Colours from an edit that drifted: python experiments/transfer.py PHOTOS.zip [FROM:TO] > results/transfer.csv, and --big > results/transfer_big.csv
24 photos of the archive. An edit is the photo in colour, moved, bent, cut, with other contrast, as a JPEG of quality 80 if not said otherwise. Columns: the error of a*b* beside
gray's, on all of the photo, of: the network alone; the edit's chroma as it lies; moved by phase correlation (shift only); histograms matched by skimage (of the network's result);
`colors_from`; and the share that it took, and the largest distance of its gray from the photo's, in levels of 8 bits. FROM:TO: these drifts only, from 0 on.
--big: processor time and memory at 0.3, 12 and 48 megapixels."""
import io, resource, sys, time, zipfile
import numpy as np
from PIL import Image
from skimage import data, transform
from skimage.exposure import match_histograms
from skimage.filters import gaussian
from skimage.registration import phase_cross_correlation
from colorize_nb import Colorizer
from colorize_nb.color import lightness, rgb2lab
from colorize_nb.files.pixels import PhotoError

PHOTOS = 24
DRIFTS = {'nothing':{}, 'zoom 5 %':dict(zoom=.05), 'zoom 10 %':dict(zoom=.1), 'shift 5 %':dict(shift=.05), 'shift 10 %':dict(shift=.1),
          'turn 2 degrees':dict(turn=2), 'turn 5 degrees':dict(turn=5), 'turn 8 degrees':dict(turn=8), 'turn 10 degrees':dict(turn=10),
          'quarter turn':dict(quarters=1), 'upside down':dict(quarters=2), 'three quarters of a turn':dict(quarters=3),
          'bends of 2 %':dict(bends=.02), 'cut to 80 %':dict(cut=.8), 'cut to 60 %':dict(cut=.6), 'contrast':dict(gamma=2.), 'JPEG 50':dict(quality=50),
          'half size':dict(size=.5), 'quarter size':dict(size=.25), 'another face':dict(face=True), 'border':dict(border=.06),
          'grain on the photo':dict(grain=12), 'frame around the photo':dict(frame=.06),
          'all: zoom 4 %, shift 2 %, turn 1, bends, half size':dict(zoom=.04, shift=.02, turn=1, bends=.008, size=.5)}

def photo_of(truth, rng, grain=0, frame=0, **_):
    "The photo in colour and in gray: its film has grain (sigma, in levels), its print a white frame"
    wide = round(frame*max(truth.shape))
    truth = np.pad(truth, ((wide,wide),(wide,wide),(0,0)), constant_values=245)
    gray = lightness_gray(truth)
    noise = gaussian(rng.normal(size=gray.shape), .7)
    noisy = gray+noise/noise.std()*grain
    return truth,noisy.round().clip(0, 255).astype(np.uint8)

def way_of(h, w, rng, zoom=0, shift=0, turn=0, bends=0, cut=1, **_):
    "Where each pixel of an edit lies in the photo: (row, column)"
    rows,columns = np.mgrid[:h,:w].astype(float)
    scale = cut/(1+rng.choice([-1,1])*zoom)
    angle = np.deg2rad(turn)*rng.choice([-1,1])
    y,x = (rows-(h-1)/2)*scale,(columns-(w-1)/2)*scale
    off = rng.choice([-1,1], 2)*shift*max(h, w)
    wave = np.stack([gaussian(rng.normal(size=(h,w)), w/12) for _ in range(2)])
    wave *= bends*w/np.abs(wave).max()
    return np.stack([np.cos(angle)*y+np.sin(angle)*x, np.cos(angle)*x-np.sin(angle)*y])+np.array([(h-1)/2,(w-1)/2])[:,None,None]+off[:,None,None]+wave

def edit_of(photo, other, rng, size=1, gamma=None, quality=80, face=False, border=0, quarters=0, **way):
    "An edit; `other` has the face"
    h,w = photo.shape[:2]
    at = way_of(h, w, rng, **way)
    out = np.stack([transform.warp(p/255., at, order=1, mode='constant') for p in np.moveaxis(photo, -1, 0)], -1)
    if face:
        rows,columns = np.mgrid[:h,:w]
        there = ((columns-.5*w)/(.16*w))**2+((rows-.42*h)/(.22*h))**2 < 1
        out[there] = transform.resize(other, (h,w))[there]
    out = out**(gamma or rng.uniform(.75, 1.3))*rng.uniform(.9, 1.1)+rng.uniform(-.04, .04)
    im = Image.fromarray((255*out.clip(0, 1)).astype(np.uint8)).resize((max(1, round(w*size)),max(1, round(h*size))), Image.BOX)
    if border:
        wide = round(border*im.width)
        framed = Image.new('RGB', (im.width+2*wide, im.height+2*wide), 'ivory')
        framed.paste(im, (wide,wide))
        im = framed
    if quarters: im = im.rotate(90*quarters, expand=True)
    im.save(data_out := io.BytesIO(), 'JPEG', quality=quality)
    return np.asarray(Image.open(data_out))

def shifted(gray, edit):
    "The edit's chroma, moved by phase correlation"
    shift,*_ = phase_cross_correlation(lightness(gray), lightness(edit))
    ab = np.moveaxis(rgb2lab(edit), -1, 0)[1:]
    return np.stack([transform.warp(p, transform.AffineTransform(translation=-shift[::-1]), mode='edge', preserve_range=True) for p in ab.astype(float)])

def ab_of(rgb): return np.moveaxis(rgb2lab(np.asarray(rgb)), -1, 0)[1:]

def measured(c, gray, truth, alone, edit):
    "Errors of each way, share, and the largest change of gray"
    true = ab_of(truth)
    def error(ab): return np.abs(ab-true).mean()/np.abs(true).mean()
    h,w = gray.shape
    whole = np.asarray(Image.fromarray(edit).resize((w,h), Image.BICUBIC))
    out = None
    taken = 0.
    level = 0.
    try:
        im = c.colorize(gray, colors_from=edit)
        out,taken = ab_of(im),im.info['colors_taken']
        level = np.abs(lightness(np.asarray(im))-lightness(gray)).max()*2.55
    except PhotoError: out = ab_of(alone)
    return [error(ab_of(alone)), error(ab_of(whole)), error(shifted(gray, whole)), error(ab_of(match_histograms(np.asarray(alone), whole, channel_axis=2))), error(out)],taken,level

def drifts(path, part=':'):
    c = Colorizer.from_pretrained()
    z = zipfile.ZipFile(path)
    names = sorted(n for n in z.namelist() if n.endswith('.webp'))
    photos = [np.asarray(Image.open(io.BytesIO(z.read(names[int(i)]))).convert('RGB')) for i in np.linspace(0, len(names)-1, PHOTOS)]
    print('drift,network alone,as it lies,phase correlation,match_histograms,colors_from,taken,least taken,gray levels')
    for name,drift in list(DRIFTS.items())[slice(*(int(n) if n else None for n in part.split(':')))]:
        rows = []
        for i,photo in enumerate(photos):
            edit = edit_of(photo, photos[i-1], np.random.default_rng(i), **drift)
            truth,gray = photo_of(photo, np.random.default_rng(i), **drift)
            rows.append(measured(c, gray, truth, c.colorize(gray), edit))
        errors = np.mean([r[0] for r in rows], 0)
        taken = [r[1] for r in rows]
        print(f"\"{name}\",{','.join(f'{e:.3f}' for e in errors)},{np.mean(taken):.2f},{min(taken):.2f},{max(r[2] for r in rows):.2f}", flush=True)

def lightness_gray(rgb):
    "The 8-bit gray with the lightness of each colour"
    table = lightness(np.arange(256, dtype=np.uint8)[None])[0]
    L = lightness(rgb)
    return np.clip(np.searchsorted((table[1:]+table[:-1])/2, L), 0, 255).astype(np.uint8)

def big():
    "Processor time and memory by size; the edit has a megapixel"
    c = Colorizer.from_pretrained()
    print('megapixels,seconds alone,seconds with colors_from,peak GB')
    for mp,w in ((.3,640), (12,4000), (48,8000)):
        truth = Image.fromarray(data.astronaut()).resize((w, w*3//4), Image.BICUBIC)
        edit = truth.resize((1152,864), Image.LANCZOS).crop((20,20,1120,840))
        gray = np.asarray(truth.convert('L'))
        if mp == .3: c.colorize(gray)
        spent = []
        for picture in (None, edit):
            began = time.process_time()
            c.colorize(gray, colors_from=picture)
            spent.append(time.process_time()-began)
        print(f"{mp},{spent[0]:.2f},{spent[1]:.2f},{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/2**20:.2f}", flush=True)

if __name__ == '__main__': big() if '--big' in sys.argv else drifts(*sys.argv[1:])
