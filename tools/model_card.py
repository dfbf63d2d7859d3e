"""Figures and pictures of a shipped model: python tools/model_card.py MODEL VALID.zip TRAIN.zip OLD [--sizes]
Writes results/MODEL.csv (all figures), results/MODEL.md (the table of README), results/MODEL-sheet.jpg: every photo of VALID that may be shown
(`caltech101/`, CC BY 4.0) and scikit-image's and scikit-learn's own, none picked by eye; and results/MODEL-old.jpg: all old photos in the folder OLD.
`mean_ab` is the mean colour of TRAIN, not of VALID. Needs the recipe extra: a recogniser looks at every result."""
import argparse, csv, hashlib, io, zipfile
from pathlib import Path
import numpy as np
from PIL import Image, ImageOps
from colorize_nb.colorizer import Colorizer
from colorize_nb.metrics import EfficientNetLite, evaluate, mean_ab, predict_gray, predict_mean_ab, recognized

def photos(path, every=1, only=''):
    z = zipfile.ZipFile(path)
    return [np.asarray(Image.open(io.BytesIO(z.read(n))).convert('RGB')) for n in sorted(z.namelist())[::every] if n.startswith(only)]

def bundled():
    from skimage import data
    from sklearn.datasets import load_sample_images
    return [p[...,:3] for p in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), *load_sample_images().images)]

def square(im, side=150):
    im = Image.fromarray(im) if isinstance(im, np.ndarray) else im
    s = min(im.size); l,t = (im.width-s)//2,(im.height-s)//2
    return im.convert('RGB').crop((l,t,l+s,t+s)).resize((side,side), Image.LANCZOS)

def sheet(c, ims, across=3, side=150, gap=4):
    "gray | guess | truth, `across` triples in a row"
    rows = -(-len(ims)//across)
    out = Image.new('RGB', (across*(3*side+4*gap), rows*(side+gap)), 'white')
    for i,im in enumerate(ims):
        gray = Image.fromarray(np.asarray(im)).convert('L')
        for j,p in enumerate((gray, c.colorize(im), im)): out.paste(square(p, side), (i%across*(3*side+4*gap)+j*(side+gap), i//across*(side+gap)))
    return out

def old_sheet(c, paths, height=300):
    "Each old photo, gray and colorized, all of one height, two pairs in a row"
    pairs = []
    for p in paths:
        im = ImageOps.exif_transpose(Image.open(p)).convert('L')
        w = round(im.width*height/im.height)
        pair = Image.new('RGB', (2*w+4, height), 'white')
        for j,o in enumerate((im, c.colorize(im))): pair.paste(o.convert('RGB').resize((w,height), Image.LANCZOS), (j*(w+4),0))
        pairs.append(pair)
    rows = [pairs[i:i+2] for i in range(0, len(pairs), 2)]
    out = Image.new('RGB', (max(sum(p.width+10 for p in r) for r in rows), len(rows)*(height+10)), 'white')
    for i,r in enumerate(rows):
        x = 0
        for p in r: out.paste(p, (x, i*(height+10))); x += p.width+10
    return out

COLUMNS = dict(mae='MAE(ab/110)', psnr='PSNR, dB', ssim='SSIM', colourfulness='colourfulness', mean_a='mean a*', mean_b='mean b*', same='same label')

def main(model, valid, train, old, sizes=False):
    c,ims,judge = Colorizer.from_pretrained(model),photos(valid),EfficientNetLite(0)
    def row(f, ims): return evaluate(f, ims)|({'same': recognized(f, ims, judge).mean()} if f else {'same': 1.})
    rows = {'gray': row(predict_gray, ims), 'mean ab': row(predict_mean_ab(mean_ab(photos(train, every=20))), ims),
            f'**{model}**': row(c.colorize, ims), 'the photos themselves': row(None, ims)}
    if sizes:  # on every fourth photo
        rows['gray, every fourth photo'] = row(predict_gray, ims[::4])
        for s in (96, 128, 160, 192, 224, 256): rows[f'render_size {s}, every fourth photo'] = row(lambda im: c.colorize(im, render_size=s), ims[::4])
    out = Path('results'); out.mkdir(exist_ok=True)
    w = next(h for f,h in reversed(c.cfg['files'].items()) if f.endswith('.safetensors'))
    with open(out/f'{model}.csv', 'w', newline='') as f:
        f.write(f"# python tools/model_card.py {model} {Path(valid).name} {Path(train).name} {Path(old).name}; {len(ims)} photos, sha256 of the photos' zip "
                f"{hashlib.sha256(Path(valid).read_bytes()).hexdigest()[:16]}; weights {w[:16]}\n")
        wr = csv.writer(f, lineterminator='\n'); wr.writerow(['row', *COLUMNS])
        for k,r in rows.items(): wr.writerow([k.strip('*'), *[f'{r[m]:.4f}' for m in COLUMNS]])
    g = rows['gray']['mae']
    md = ['| | '+' | '.join(COLUMNS.values())+' | MAE, share of gray\'s |', '|---'*(len(COLUMNS)+2)+'|']
    for k,r in list(rows.items())[:4]:
        v = [f"{r['mae']:.4f}", f"{r['psnr']:.2f}" if np.isfinite(r['psnr']) else '', f"{r['ssim']:.3f}", f"{r['colourfulness']:.1f}", *[f'{round(r[m], 1)+0:.1f}' for m in ('mean_a', 'mean_b')], f"{r['same']:.3f}"]
        md.append(f"| {k} | "+' | '.join(v)+f" | {r['mae']/g:.3f} |")
    (out/f'{model}.md').write_text('\n'.join(md)+'\n', encoding='utf-8')
    sheet(c, photos(valid, only='caltech101/')+bundled()).save(out/f'{model}-sheet.jpg', quality=85)
    old_sheet(c, sorted(Path(old).glob('*.jpg'))).save(out/f'{model}-old.jpg', quality=85)
    print((out/f'{model}.csv').read_text())

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for k in ('model', 'valid', 'train', 'old'): p.add_argument(k)
    p.add_argument('--sizes', action='store_true', help='also try other render sizes, on every fourth photo')
    main(**vars(p.parse_args()))
