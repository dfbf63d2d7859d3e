"""The clips of docs/film.md and docs/gallery.md: python tools/film_clips.py
Pans over old photographs in the public domain (Library of Congress), with the grain, flicker, dirt and unsteady gate
of an old film. They are made here, colorized with the command, and shown small beside what they were. The same each
time. The weights' hash stands in each file. Needs the film extra."""
import io, subprocess, sys, tempfile
from pathlib import Path
from unittest import mock
import av, cv2, numpy as np
from PIL import Image
import colorize_nb.film as own_way
from colorize_nb import Colorizer
from colorize_nb.fields import Chunk, Steady, fresh
from colorize_nb.files.atomic import write_file
from gallery import tile

RATE = 20
SIZE = 480,360
SHOWN = 240,180 # pixels of a frame in the result
MOST = 400_000 # bytes of a result
PHOTOS = dict(street='broadway', bank='buffalo_bank', mother='migrant_mother') # of the package

# ---- the films

def view(photo, middle, width, shake):
    "A part of a photo as large as a frame: its middle and its width, as shares of the photo's"
    h,w = photo.shape
    k = SIZE[0]/(width*w)
    x,y = np.multiply(middle, (w*k,h*k))-np.divide(SIZE, 2)-shake
    move = np.array([[k, 0, -x], [0, k, -y]], np.float32)
    return cv2.warpAffine(photo, move, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)

def dirt(frame, rng):
    "A speck or a hair, now and then"
    for _ in range(rng.poisson(.5)):
        at = rng.integers((0, 0), SIZE)
        to = at+rng.integers(-14, 15, 2)
        cv2.line(frame, at.tolist(), to.tolist(), float(rng.choice([.05, .95])), int(rng.integers(1, 4)), cv2.LINE_AA)
    return frame

def aged(frame, rng, damage):
    "A frame as an old print shows it"
    light = 1+damage*.05*rng.standard_normal()
    grain = cv2.GaussianBlur(rng.standard_normal(SIZE[::-1]).astype(np.float32), (0, 0), 1.)
    out = np.clip(frame/255*light+damage*.03*grain, 0, 1).astype(np.float32)
    if damage: out = dirt(out, rng)
    return (255*np.clip(out, 0, 1)).round().astype(np.uint8)

def shot(name, begin, end, frames, rng, damage):
    "A pan and zoom from one view of a photo, (x, y, width), to another"
    photo = np.asarray(Image.open(f'colorize_nb/photos/{PHOTOS[name]}.jpg').convert('L'))
    for t in np.linspace(0, 1, frames):
        t = t*t*(3-2*t)
        x,y,width = np.add(begin, t*np.subtract(end, begin))
        yield aged(view(photo, (x,y), width, damage*rng.normal(0, .6, 2)), rng, damage)

# name -> shots: photo, first view, last view, frames, damage
FILMS = dict(
    street=[('street', (.42, .55, .6), (.54, .5, .66), 40, .6)],
    shots=[('mother', (.5, .3, .75), (.5, .34, .88), 18, .5),
           ('bank', (.4, .6, .6), (.55, .5, .7), 18, .5),
           ('mother', (.5, .34, .88), (.5, .38, .9), 18, .5)],
    bank=[('bank', (.45, .62, .55), (.5, .5, .85), 44, .8)])

def write_film(path, name):
    "A gray film, without loss"
    rng = np.random.default_rng(list(FILMS).index(name))
    with av.open(str(path), 'w') as film:
        stream = film.add_stream('libx264', rate=RATE, options=dict(qp='0', preset='ultrafast'))
        stream.width,stream.height = SIZE
        stream.pix_fmt = 'yuv420p'
        for photo,begin,end,frames,damage in FILMS[name]:
            for gray in shot(photo, begin, end, frames, rng, damage):
                film.mux(stream.encode(av.VideoFrame.from_ndarray(gray, format='gray').reformat(format='yuv420p')))
        film.mux(stream.encode())

# ---- what is made of them

class Alone(Steady):
    "Colours each frame by itself"
    def add(self, item, small, must=False, back=None): return Chunk([item], [fresh(self.colors(item, small), small.L)], True, True, {})
    def end(self): return None

def colorize(src, dst):
    subprocess.run([sys.executable, '-m', 'colorize_nb', str(src), '-o', str(dst), '--quiet'], check=True)

def colorize_alone(src, dst):
    with mock.patch.object(own_way, 'Steady', Alone):
        Colorizer.from_pretrained().colorize_film(src, dst, bar=False)

def pictures(path):
    "Every second frame"
    with av.open(str(path)) as film:
        frames = [f.to_ndarray(format='rgb24') for f in film.decode(video=0)]
    return [Image.fromarray(f) for f in frames[::2]]

def beside(columns):
    "Films beside each other, each with its name, as frames"
    w,h = SHOWN
    for frames in zip(*columns.values()):
        out = Image.new('RGB', (len(columns)*(w+2)-2,h), '#8a8a8a')
        for i,(label,frame) in enumerate(zip(columns, frames)):
            out.paste(tile(frame, label, (w,h)), (i*(w+2),0))
        yield out

def animated(frames, about):
    "WebP of at most `MOST` bytes, as good as that allows"
    exif = Image.Exif()
    exif[270] = about
    for quality in range(75, 20, -10):
        out = io.BytesIO()
        how = dict(duration=round(2000/RATE), loop=0, quality=quality, method=6, exif=exif)
        frames[0].save(out, 'WEBP', save_all=True, append_images=frames[1:], **how)
        if out.tell() <= MOST: return out.getvalue(),quality
    raise ValueError(f'more than {MOST} bytes at any quality')

def main():
    about = f"default {Colorizer.from_pretrained().cfg['files']['default.safetensors'][:16]}"
    Path('docs/film').mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in FILMS:
            gray,color,alone = (Path(folder)/f'{name}-{n}.mp4' for n in ('gray', 'color', 'alone'))
            write_film(gray, name)
            colorize(gray, color)
            columns = dict(before=gray, after=color)
            if name == 'bank':
                colorize_alone(gray, alone)
                columns = {'before':gray, 'each frame by itself':alone, 'steadied':color}
            data,quality = animated(list(beside({k: pictures(p) for k,p in columns.items()})), about)
            write_file(Path(f'docs/film/{name}.webp'), data)
            print(name, len(data), 'bytes at quality', quality)

if __name__ == '__main__': main()
