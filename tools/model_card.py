"""Figures and pictures of models:
python tools/model_card.py MODEL... --valid VALID.zip --train TRAIN.zip --old FOLDER [--stages FOLDER]
Writes, in results/: figures.csv (every row; `spread` is half the 95 % interval of the share; `aged`: the gray photo
faded, blurred and grained like an old one), figures.md (the table of the card), sheet.jpg: every photo of VALID that may
be shown (`caltech101/`, CC BY 4.0) and scikit-image's and scikit-learn's own, none picked by eye; old.jpg: the photos of
FOLDER. A MODEL is a shipped name or a model folder. `mean ab` is the mean colour of TRAIN, not of VALID; --stages adds
the weights in a folder, such as a run of the recipe. Needs the recipe extra: a recogniser labels every result."""
import argparse, csv, hashlib, io, zlib
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageOps
from colorize_nb.color import L2net, lab2rgb8, lightness, net2L
from colorize_nb import Colorizer
from colorize_nb.train.ageing import age_mildly
from colorize_nb.train.data import PhotoSet, photo_tensor
from colorize_nb.train.metrics import EfficientNetLite, bootstrap, mean_ab, measure
from colorize_nb.train.metrics import predict_gray, predict_mean_ab, to_gray
from colorize_nb.train.recipe import load_stage

SIZES = 160, 192, 240, 320
STRENGTHS = 1., 1.5, 2.

@lru_cache
def photos(path, every=1, only=''):
    z = PhotoSet(path)
    return [z[n] for n in z.names[::every] if n.startswith(only)]

def bundled():
    from skimage import data
    from sklearn.datasets import load_sample_images
    own = data.astronaut(), data.coffee(), data.chelsea(), data.rocket()
    return [p[...,:3] for p in (*own, *load_sample_images().images)]

def age(im):
    "Age a gray picture as the recipe does, always the same way"
    torch.manual_seed(zlib.crc32(im.tobytes()))
    L = age_mildly(L2net(torch.from_numpy(lightness(np.asarray(im)))[None,None]))
    L = net2L(L[0,0].numpy())
    return Image.fromarray(lab2rgb8(L, 0*L, 0*L)[...,0])

def square(im, side=140):
    im = Image.fromarray(im) if isinstance(im, np.ndarray) else im
    s = min(im.size)
    left = (im.width-s)//2
    top = (im.height-s)//2
    return im.convert('RGB').crop((left, top, left+s, top+s)).resize((side,side), Image.LANCZOS)

def fit(im, height):
    return im.convert('RGB').resize((round(im.width*height/im.height), height), Image.LANCZOS)

def grid(rows, titles, across=1, gap=4):
    "Rows of pictures of one height, `across` rows beside each other, titles on top"
    w = max(sum(p.width+gap for p in r) for r in rows)+3*gap
    heights = [max(r[0].height for r in rows[i:i+across])+gap for i in range(0, len(rows), across)]
    out = Image.new('RGB', (w*across, sum(heights)+16), 'white')
    draw = ImageDraw.Draw(out)
    y = 16
    for i,r in enumerate(rows):
        x = i%across*w
        for picture,title in zip(r, titles):
            if i < across: draw.text((x+2, 2), title, 'black')
            out.paste(picture, (x,y))
            x += picture.width+gap
        if i%across == across-1: y += heights[i//across]
    return out

def sheet(models, ims):
    def row(im): return [Image.fromarray(im).convert('L'), *[c.colorize(im) for c in models.values()], im]
    return grid([[square(p) for p in row(im)] for im in ims], ['gray', *models, 'photo'], 2)

def old_sheet(models, paths, height=240):
    ims = [ImageOps.exif_transpose(Image.open(p)).convert('L') for p in paths]
    rows = [[im, *[c.colorize(im) for c in models.values()]] for im in ims]
    return grid([[fit(p, height) for p in row] for row in rows], ['gray', *models])

COLUMNS = dict(mae='MAE(ab/110)', share="share of gray's", psnr='PSNR, dB', ssim='SSIM', colourfulness='colourfulness',
               mean_a='mean a*', mean_b='mean b*', same='same label')
FORMAT = dict(mae='{:.4f}', share='{:.3f}', psnr='{:.2f}', ssim='{:.3f}', colourfulness='{:.1f}', mean_a='{:.1f}',
              mean_b='{:.1f}', same='{:.3f}')

@lru_cache
def judge(): return EfficientNetLite(0)

def label(im):
    with torch.no_grad(): return judge()(photo_tensor(im).float()/255).argmax().item()

@lru_cache
def labels(path, every): return [label(im) for im in photos(path, every)]

@lru_cache
def model(name): return Colorizer.from_pretrained(name)

def painter(kind, which=None, aged=False, **how):
    "Gray picture to colours, as a row wants them; `None` for the photos themselves"
    if kind == 'model': return lambda im: model(which).colorize(age(im) if aged else im, **how)
    if kind == 'stage': return load_stage(which).colorize
    return dict(gray=predict_gray, photo=None, mean=predict_mean_ab(which) if kind == 'mean' else None)[kind]

def figures_of(job):
    "A row's figures, one of each photo, and whether it is recognised"
    path,every,how = job
    torch.set_num_threads(1)
    ims = photos(path, every)
    f = painter(**how)
    painted = [f(to_gray(im)) for im in ims] if f else ims
    them = iter(painted)
    same = np.array([label(p) for p in painted]) == labels(path, every)
    return measure((lambda _: next(them)) if f else None, ims)|{'same': same}

def share(x): return x[0].mean(-1)/x[1].mean(-1)

def row_of(r, gray):
    pair = np.array([r['mae'],gray['mae']])
    return {k: v.mean() for k,v in r.items()}|dict(share=share(pair), spread=np.ptp(bootstrap(pair, share))/2)

END = ', every fifth photo'  # of the rows that need no more

def jobs_of(names, train, stages):
    "Row -> how its pictures are made; the rows of the card first. `names`: model -> its name"
    first = next(iter(names))
    jobs = {'gray': dict(kind='gray'), 'mean ab': dict(kind='mean', which=tuple(mean_ab(photos(train, every=20))))}
    jobs |= {name: dict(kind='model', which=m) for m,name in names.items()}
    jobs |= {'the photos themselves': dict(kind='photo'), 'gray'+END: dict(kind='gray')}
    for f in sorted(Path(stages).glob('*.safetensors')) if stages else ():
        if not f.stem.startswith('encoder'): jobs[f'stage {f.stem}'+END] = dict(kind='stage', which=str(f))
    for s in STRENGTHS: jobs[f'{names[first]}, strength {s}'+END] = dict(kind='model', which=first, strength=s)
    for size in SIZES:
        at = f'{names[first]}, render_size {size}'
        jobs[at+END] = dict(kind='model', which=first, render_size=size)
        jobs[f'{at}, aged'+END] = jobs[at+END]|dict(aged=True)
    return jobs

def measured(valid, jobs):
    "Row -> its means, by two processes"
    with ProcessPoolExecutor(2, get_context('spawn')) as pool:
        doing = {k: pool.submit(figures_of, (valid, 5 if k.endswith(END) else 1, how)) for k,how in jobs.items()}
        gray = {k: f.result() for k,f in doing.items() if k.startswith('gray')}
        rows = {}
        for k,f in doing.items():
            rows[k] = r = row_of(f.result(), gray['gray'+END if k.endswith(END) else 'gray'])
            print(f"{k}: {r['share']:.3f} {r['psnr']:.2f} {r['colourfulness']:.1f} {r['same']:.3f}", flush=True)
    return rows

def csv_of(rows, valid, cs):
    zip_hash = hashlib.sha256(Path(valid).read_bytes()).hexdigest()[:16]
    weights = ', '.join(f"{c.cfg['name']} {list(c.cfg['files'].values())[-2][:16]}" for c in cs)
    out = io.StringIO()
    about = f'{len(photos(valid))} photos, sha256 of their zip {zip_hash}; weights {weights}'
    print(f'# python tools/model_card.py; {about}', file=out)
    writer = csv.writer(out, lineterminator='\n')
    writer.writerow(['row', *COLUMNS, 'spread'])
    for k,r in rows.items(): writer.writerow([k, *[f'{r[m]:.4f}' for m in COLUMNS], f"{r['spread']:.4f}"])
    return out.getvalue()

def markdown_of(rows, names):
    "The card's table: the rows on all photos, those of models in bold"
    lines = ['| | '+' | '.join(COLUMNS.values())+' |', '|---'*(len(COLUMNS)+1)+'|']
    for k,r in rows.items():
        if k.endswith(END): continue
        cells = {m: f.format(round(r[m], 1)+0 if m.startswith('mean') else r[m]) for m,f in FORMAT.items()}
        if not np.isfinite(r['psnr']): cells['psnr'] = ''
        if k in names:
            cells['share'] += f" ± {r['spread']:.3f}"
            k = f'**{k}**'
        lines.append(f'| {k} | '+' | '.join(cells.values())+' |')
    return '\n'.join(lines)+'\n'

def main(models, valid, train, old, stages=None):
    names = {m: model(m).cfg['name'] for m in models}
    rows = measured(valid, jobs_of(names, train, stages))
    out = Path('results')
    out.mkdir(exist_ok=True)
    text = csv_of(rows, valid, [model(m) for m in models])
    (out/'figures.csv').write_text(text, encoding='utf-8')
    (out/'figures.md').write_text(markdown_of(rows, names.values()), encoding='utf-8')
    titled = {name: model(m) for m,name in names.items()}
    sheet(titled, photos(valid, only='caltech101/')+bundled()).save(out/'sheet.jpg', quality=82)
    old_sheet(titled, sorted(Path(old).glob('*.jpg'))).save(out/'old.jpg', quality=82)
    print(text)

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('models', nargs='+', metavar='MODEL')
    for k in ('valid', 'train', 'old'): p.add_argument(f'--{k}', required=True)
    p.add_argument('--stages', help='a folder of weights, such as a run of the recipe: measured too')
    main(**vars(p.parse_args()))
