"""The pictures of docs/gallery.md: python tools/gallery.py --valid VALID.zip --old FOLDER
Gray, default, vivid and the photo itself, named, into docs/gallery/; of old photos nobody has the last. The weights are those that ship: their hash stands in each file as a comment. Photos: scikit-image's
and scikit-learn's own, some of VALID's that may be shown (`caltech101/`, CC BY 4.0), and all of FOLDER."""
import argparse, io, zipfile
from pathlib import Path
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from sklearn.datasets import load_sample_image
from colorize_nb import Colorizer
from colorize_nb.files.atomic import write_file

CALTECH = dict(woman='Faces_easy/image_0083', office='Faces_easy/image_0289', emu='emu/image_0045', pizza='pizza/image_0049', stapler='stapler/image_0018', stop_sign='stop_sign/image_0025')
OWN = dict(astronaut=data.astronaut, coffee=data.coffee, cat=data.chelsea, rocket=data.rocket, temple=lambda: load_sample_image('china.jpg'), flower=lambda: load_sample_image('flower.jpg'))

LABELS = 'gray', 'default', 'vivid', 'original'

def tile(im, label, size):
    "A photo, or what stands where none is, with its name in a corner"
    em = size[0]//16  # as large beside the picture on every screen
    font = ImageFont.load_default(em)
    if im: im = im.convert('RGB').resize(size, Image.LANCZOS)
    else:
        im = Image.new('RGB', size, '#8a8a8a')
        ImageDraw.Draw(im).text((size[0]/2, size[1]/2), 'nobody knows', 'white', font, anchor='mm')
    d,(x,y) = ImageDraw.Draw(im),(em,size[1]-em)
    d.rounded_rectangle((x-em/2, y-em*1.2, x+d.textlength(label, font)+em/2, y+em/2), em/3, '#222')
    d.text((x,y), label, 'white', font, anchor='ls')
    return im

def sheet(ims, side=400, gap=4):
    "Two by two: large enough to judge on a phone too"
    scale = min(1, side/max(ims[0].size))
    w,h = (round(o*scale) for o in ims[0].size)
    out = Image.new('RGB', (2*w+gap, 2*h+gap), '#8a8a8a')
    for i,(im,label) in enumerate(zip(ims, LABELS)): out.paste(tile(im, label, (w,h)), (i%2*(w+gap), i//2*(h+gap)))
    return out

def main(valid, old):
    models = {n: Colorizer.from_pretrained(n) for n in ('default', 'vivid')}
    about = f"default {models['default'].cfg['files']['default.safetensors'][:16]}"
    with zipfile.ZipFile(valid) as z: photos = {k: Image.open(io.BytesIO(z.read(f'caltech101/{n}.webp'))) for k,n in CALTECH.items()}
    photos |= {k: Image.fromarray(f()[...,:3]) for k,f in OWN.items()}
    for name,im,truth in [(k, im, im) for k,im in photos.items()]+[(p.stem, Image.open(p), None) for p in sorted(Path(old).glob('*.jpg'))]:
        gray = models['default'].colorize(im, strength=0)
        sheet([gray, *[c.colorize(gray) for c in models.values()], truth]).save(b := io.BytesIO(), 'JPEG', quality=72, optimize=True, comment=about)
        write_file(Path('docs/gallery')/f'{name}.jpg', b.getvalue())
        print(name, len(b.getvalue()))

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for k in ('valid', 'old'): p.add_argument(f'--{k}', required=True)
    main(**vars(p.parse_args()))
