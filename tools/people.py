"""How people come out: python tools/people.py [MODEL ...] [--valid VALID.zip] [--old FOLDER] [--sheet OUT]
A MODEL is a shipped name or a model folder. Two kinds of photos:
- VALID.zip, colour photos, reduced to L*; once as they are and once aged (contrast, fading, blur, grain).
  OpenCV's Haar cascade finds the faces; the photo's own Cr and Cb say which of their pixels are skin.
- FOLDER, DeOldify's pictures of old photographs, gray left and its result right. To take them out of a clone REPO:
  for f in $(git -C REPO ls-tree -r --name-only 71c7729 | grep 'result_images/.*jpg'); do
      git -C REPO show 71c7729:$f > FOLDER/$(basename $f); done
results/people.csv has a row for each reading (`vivid` at the model's own size, a size at `vivid` 0), kind of photo and
width of faces; a row of the same weights and reading is replaced. Of old photographs `all` are the boxes of the cascade,
`by eye` those that show a face. Its columns:
- of the mean colour of each face: gray, the share with C* below 8; half, with less than half of the photo's C*; off,
  the mean distance in a*b* from the photo's; chroma and true_chroma, the mean C*
- of old photographs: Hasler and Suesstrunk's colourfulness; coloured, the share of pixels with C* above 10; hues, how
  many of twelve hues these pixels use (the exponential of the entropy); each the mean of all photos
--sheet writes gray, DeOldify, and `vivid` 0, 0.6 and 1 beside each other, three photos a sheet.
Needs the train extra and opencv-python-headless<5."""
import argparse, csv, io, subprocess, sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from colorize_nb.batch.options import OptionError
from colorize_nb.color import lab2rgb8, lightness, rgb2lab
from colorize_nb import Colorizer
from colorize_nb.messages import failed, say
from colorize_nb.train.data import PhotoSet, photo_tensor
from colorize_nb.train.metrics import colourfulness
from colorize_nb.files.atomic import write_file
from colorize_nb.network.weights import ModelError

GRAY_FACE,COLOURED = 8,10 # C*
SIDE = 508 # width in pixels of each half of DeOldify's pictures
WIDTHS = {'all': (0, np.inf), 'under 32 px': (0, 32), 'from 60 px': (60, np.inf)}
KEY = 'weights', 'reading', 'photos', 'width'
NO_FACE = {  # left and top of boxes on old photographs: edges of prints, walls, a sleeve, a skirt, leaves, a shop's list
    'Dolores': ((437,197), (23,349)), 'FirstTV1930s': ((302,39),), 'Flowers1910': ((390,249), (243,448)),
    'SodaShop': ((110,283),), 'SweedishLivingRoom1920': ((81,77),), 'UnionSoldier': ((198,112),)}
COLUMNS = ('model', *KEY, 'n_photos', 'n_faces', 'gray', 'half', 'off', 'chroma', 'true_chroma',
           'colourfulness', 'hues', 'coloured', 'commit')
OUT = Path('results/people.csv')

# Faces

@lru_cache
def haar():
    "Load OpenCV and its cascade of faces; version 5 has none"
    need = "faces are found by OpenCV, for measuring only: pip install 'opencv-python-headless<5'"
    try: import cv2
    except ImportError: raise ImportError(need) from None
    if not hasattr(cv2, 'CascadeClassifier'): raise ImportError(need)
    return cv2,cv2.CascadeClassifier(cv2.data.haarcascades+'haarcascade_frontalface_alt2.xml')

def find_faces(gray, scale, step):
    "Boxes (left, top, width, height) of faces from 18 pixels on, found in the picture enlarged by `scale`"
    cv2,cascade = haar()
    large = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else gray
    boxes = cascade.detectMultiScale(large, step, 5, minSize=(18*scale,18*scale))
    return [[int(v)//scale for v in box] for box in boxes]

def skin(rgb):
    "Tell by Cr and Cb which pixels may be skin, light or dark"
    ycc = np.asarray(Image.fromarray(rgb).convert('YCbCr'))
    cb,cr = ycc[...,1],ycc[...,2]
    return (cr >= 133)&(cr <= 180)&(cb >= 77)&(cb <= 127)

def face_mask(rgb, box):
    "The skin in the middle of a face's box, or `None` where a third of it is something else"
    left,top,width,height = box
    mask = np.zeros(rgb.shape[:2], bool)
    mask[top+height//8:top+height*7//8,left+width//6:left+width*5//6] = True
    mask &= skin(rgb)
    return mask if mask.sum() > .35*.5*width*height else None

def gray_of(rgb): return lab2rgb8(L := lightness(rgb), 0*L, 0*L)[...,0]

@dataclass
class Portrait:
    "A photo with its faces"
    rgb:np.ndarray # `(h,w,3)` uint8, the truth
    widths:list # Of the faces, in pixels
    masks:list # Of their skin, `(h,w)` each

def portraits(photos):
    "The photos that show faces, by their numbers"
    found = {}
    for number,name in enumerate(photos):
        rgb = np.ascontiguousarray(photos[name])
        boxes = find_faces(np.asarray(Image.fromarray(rgb).convert('L')), 2, 1.08)
        masks = [(box[2], mask) for box in boxes if (mask := face_mask(rgb, box)) is not None]
        if masks: found[number] = Portrait(rgb, *map(list, zip(*masks)))
    return found

# Old photographs

def blur(x, sigma):
    "Blur a plane of floats by a Gaussian"
    reach = int(np.ceil(4*sigma))
    kernel = np.exp(-np.arange(-reach, reach+1)**2/(2*sigma**2))
    kernel /= kernel.sum()
    for _ in range(2):
        padded = np.pad(x, ((reach,reach), (0,0)), mode='edge')
        x = sum(k*padded[i:i+len(x)] for i,k in enumerate(kernel)).T
    return x

def age(gray, seed):
    "Age a gray photo by `seed`: a soft lens, contrast, fading, grain; a formula of its own keeps rows comparable"
    rng = np.random.default_rng(seed)
    x = blur(gray/255, .8)**rng.uniform(.75, 1.4)
    black = rng.uniform(0, .08)
    white = rng.uniform(.85, 1)
    x = black+x*(white-black)+.05*blur(rng.normal(size=x.shape), .7)
    return np.round(x.clip(0, 1)*255).astype(np.uint8)

@dataclass
class Pair:
    "An old photograph and DeOldify's result"
    name:str
    gray:Image.Image # RGB
    theirs:np.ndarray # `(h,w,3)` uint8
    boxes:list # Of faces

def halves(picture):
    "The gray photograph and DeOldify's colours, or `None` for a picture of another make"
    width,height = picture.size
    if not 1080 <= width <= 1125: return None
    left,right = (picture.crop((x, 0, x+SIDE, height)) for x in (0, width-SIDE))
    red,_,blue = np.moveaxis(np.asarray(left).astype(int), 2, 0)
    return None if np.abs(red-blue).mean() > 3 else (left.convert('L'), np.array(right))

def read_pairs(folder):
    "DeOldify's pictures in a folder; says how many are of another make"
    photos,pairs = PhotoSet(folder),[]
    for name in photos:
        if both := halves(Image.fromarray(photos[name])):
            gray,theirs = both
            pairs.append(Pair(Path(name).stem, gray.convert('RGB'), theirs, find_faces(np.asarray(gray), 1, 1.05)))
    if not pairs: raise ValueError(f"{folder}: none of its pictures is one of DeOldify's, gray left and coloured right")
    n_faces = sum(len(pair.boxes) for pair in pairs)
    found = f'{len(pairs)} of {len(photos)} pictures are gray left and coloured right'
    say(f'{folder}: {found}; {n_faces} faces, some of them false')
    return pairs

# Figures

def mean_ab(rgb, mask): return rgb2lab(rgb[mask][None])[0,:,1:].mean(0)

def face_figures(painted, truth, mask):
    "Chroma of a face, its true chroma, and how far apart both colours are"
    ours,true = (mean_ab(x, mask) for x in (painted, truth))
    return np.hypot(*ours), np.hypot(*true), np.hypot(*(ours-true))

def hues_in_use(rgb):
    "How many of twelve hues the coloured pixels use (1 where none is coloured), and the share of such pixels"
    a,b = np.moveaxis(rgb2lab(rgb)[...,1:], 2, 0)
    coloured = np.hypot(a, b) > COLOURED
    count,_ = np.histogram(np.arctan2(b, a)[coloured], bins=12, range=(-np.pi,np.pi))
    share = count[count > 0]/max(1, count.sum())
    return np.exp(-(share*np.log(share)).sum()), coloured.mean()

def face_rows(figures, widths):
    "The means of `face_figures`, by width of the faces"
    figures,widths = np.reshape(figures, (-1, 3)),np.array(widths)
    for name,(least,most) in WIDTHS.items():
        chroma,true,off = figures[(widths >= least)&(widths < most)].T
        row = dict(width=name, n_faces=len(chroma))
        if len(chroma):
            row |= dict(gray=(chroma < GRAY_FACE).mean(), half=(chroma < true/2).mean(), off=off.mean())
            row |= dict(chroma=chroma.mean(), true_chroma=true.mean())
        yield row

def valid_rows(paint, found, aged):
    "The rows of one reading on photos with a truth"
    figures,widths = [],[]
    for number,photo in found.items():
        gray = gray_of(photo.rgb)
        painted = np.asarray(paint(age(gray, number) if aged else gray))
        figures += [face_figures(painted, photo.rgb, mask) for mask in photo.masks]
        widths += photo.widths
    return [dict(photos='aged' if aged else 'valid', n_photos=len(found), **row) for row in face_rows(figures, widths)]

def shows_face(name, box):
    "Whether a box of the cascade on an old photograph shows a face, by eye"
    left,top,width,_ = box
    return not any(np.hypot(left-x, top-y) < width/2 for x,y in NO_FACE.get(name, ()))

def old_rows(paint, pairs):
    "The rows of one reading on old photographs: of all boxes of the cascade, and of those that show a face"
    chroma,faces,whole = [],[],[]
    for pair in pairs:
        painted = np.ascontiguousarray(paint(pair))
        for left,top,width,height in pair.boxes:
            face = np.zeros(painted.shape[:2], bool)
            face[top+height//5:top+height*4//5,left+width//4:left+width*3//4] = True
            chroma.append(np.hypot(*mean_ab(painted, face)))
        faces += [shows_face(pair.name, box) for box in pair.boxes]
        whole.append((colourfulness(photo_tensor(painted)).item(), *hues_in_use(painted)))
    figures = dict(zip(('colourfulness', 'hues', 'coloured'), np.mean(whole, 0)))
    chroma = np.array(chroma)
    for width,which in (('all', np.ones(len(chroma), bool)), ('by eye', np.array(faces, bool))):
        own = chroma[which]
        row = dict(photos='old', width=width, n_photos=len(pairs), n_faces=len(own), **figures)
        if len(own): row |= dict(gray=(own < GRAY_FACE).mean(), chroma=own.mean())
        yield row

# Models and readings

def weights_of(c):
    "The start of the hash of a model's weights"
    files = c.cfg['files']
    return ([h for f,h in files.items() if f.endswith('.safetensors')] or [*files.values()])[-1][:16]

def readings(c, vivid, sizes):
    "What is asked of a model, by name; says what it cannot do"
    wanted = {f'vivid {v:g}': dict(vivid=v) for v in vivid}
    wanted |= {f'{size} px': dict(vivid=0., render_size=size) for size in sizes}
    can = {}
    for name,how in wanted.items():
        try: c.colorize(np.full((64,64), 128, np.uint8), **how); can[name] = how
        except OptionError as e: say(f'{name}: left out, {e.name} {e.why}')
    return can

def shown(value): return f'{value:.4f}' if isinstance(value, (float,np.floating)) else str(value)

def merge(text, rows):
    "The text of a CSV with these rows in it, in place of those of the same weights, reading, photos and width"
    lines = [line for line in text.splitlines() if not line.startswith('#')]
    kept = {tuple(r[k] for k in KEY): r for r in csv.DictReader(lines)}
    kept |= {tuple(r[k] for k in KEY): {k: shown(v) for k,v in r.items()} for r in rows}
    out = io.StringIO()
    seed = "seed of the ageing: a photo's number in valid.zip"
    print(f'# python tools/people.py MODEL --valid valid.zip --old FOLDER; {seed}', file=out)
    table = csv.DictWriter(out, COLUMNS, lineterminator='\n')
    table.writeheader(); table.writerows(kept.values())
    return out.getvalue()

def write_rows(rows, **about):
    "Bring rows into the CSV, and print them"
    rows = [{**about, **row} for row in rows]
    for row in rows: print(', '.join(f'{k} {shown(v)}' for k,v in row.items() if k != 'commit'), flush=True)
    write_file(OUT, merge(OUT.read_text(encoding='utf-8') if OUT.exists() else '', rows).encode())

# Sheets

def write_sheets(c, pairs, folder, width=400, each=3, gap=6):
    "Write sheets of gray, DeOldify and three readings, `each` photos a sheet"
    bold = [v for v in (0., .6, 1.) if f'vivid {v:g}' in readings(c, (v,), ())]
    font = ImageFont.load_default(15)
    for start in range(0, len(pairs), each):
        rows = []
        for pair in pairs[start:start+each]:
            pictures = [pair.gray, Image.fromarray(pair.theirs), *[c.colorize(pair.gray, vivid=v) for v in bold]]
            size = width,round(pair.gray.height*width/pair.gray.width)
            rows.append((pair.name, [p.convert('RGB').resize(size, Image.LANCZOS) for p in pictures]))
        heights = [pictures[0].height+20+gap for _,pictures in rows]
        sheet = Image.new('RGB', ((width+gap)*(2+len(bold)), sum(heights)), 'white')
        draw = ImageDraw.Draw(sheet)
        for i,(name,pictures) in enumerate(rows):
            top = sum(heights[:i])
            for column,(title,picture) in enumerate(zip((name, 'DeOldify', *[f'vivid {v:g}' for v in bold]), pictures)):
                left = column*(width+gap)
                draw.text((left+2, top+1), title, 'black', font)
                sheet.paste(picture, (left,top+20))
        sheet.save(folder/f"{c.cfg['name']}-{weights_of(c)[:8]}-{start//each+1:02d}.jpg", quality=88)

def main(models, valid, old, vivid, sizes, sheet):
    "Measure every model in every reading"
    colorizers = [Colorizer.from_pretrained(m) for m in models]
    commit = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True).stdout.strip()
    found = portraits(PhotoSet(valid)) if valid else {}
    pairs = read_pairs(old) if old else []
    if valid: say(f'{valid}: {sum(len(p.masks) for p in found.values())} faces in {len(found)} photos')
    about = dict(model='DeOldify', weights='2018', reading='its own', commit=commit)
    if pairs: write_rows(old_rows(lambda pair: pair.theirs, pairs), **about)
    for c in colorizers:
        for name,how in readings(c, vivid, sizes).items():
            def paint(gray, c=c, how=how): return c.colorize(gray, **how)
            rows = [row for aged in (False,True) for row in valid_rows(paint, found, aged)] if valid else []
            if pairs: rows += old_rows(lambda pair, paint=paint: paint(pair.gray), pairs)
            write_rows(rows, model=c.cfg['name'], weights=weights_of(c), reading=name, commit=commit)
        if sheet:
            Path(sheet).mkdir(parents=True, exist_ok=True)
            write_sheets(c, pairs, Path(sheet))

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('models', nargs='*', default=['default'], metavar='MODEL')
    p.add_argument('--valid', help='a zip of colour photos')
    p.add_argument('--old', help="a folder of DeOldify's pictures")
    p.add_argument('--vivid', nargs='*', type=float, default=[0, .5, 1], help='readings at the size of the model')
    p.add_argument('--sizes', nargs='*', type=int, default=[320, 448], help='sizes, read with vivid 0')
    p.add_argument('--sheet', metavar='OUT', help='a folder for sheets of the old photographs')
    args = p.parse_args()
    if not (args.valid or args.old): p.error('--valid or --old says on which photos')
    if args.sheet and not args.old: p.error('--sheet needs --old')
    try: main(**vars(args))
    except (ImportError, ModelError, OSError, ValueError) as e: sys.exit(failed('people.py', e))
