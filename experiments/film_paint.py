"""Luma as it came, or L* as it was: python experiments/film_paint.py PHOTO... > results/film_paint.csv
Paints photos in both ways as frames of film in 8 bits and 4:2:0, and measures how far L* moves, in gray levels, and processor time a megapixel. Needs the film extra."""
import csv, sys, time
import cv2, numpy as np
from PIL import Image
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.chroma import Storage, chroma_cells, chroma_lines, paint_chroma
from colorize_nb.color import lightness
from colorize_nb.paint import paint_pixels

def rgb_of(luma, cb, cr, store):
    "8-bit RGB of planes, chroma enlarged as players do"
    red,blue = store.weights
    y = (luma.astype(np.float32)-16)/219
    u,v = ((cv2.resize(p, y.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32)-128)/224 for p in (cb, cr))
    r,b = y+(2-2*red)*v,y+(2-2*blue)*u
    return (np.stack([r, (y-red*r-blue*b)/(1-red-blue), b], -1).clip(0, 1)*255).round().astype(np.uint8)

def planes_of(rgb, store):
    "Luma and chroma of RGB"
    red,blue = store.weights
    r,g,b = np.moveaxis(rgb.astype(np.float32)/255, -1, 0)
    y = red*r+(1-red-blue)*g+blue*b
    chroma = [(b-y)/(2-2*blue), (r-y)/(2-2*red)]
    half = y.shape[1]//2,y.shape[0]//2
    return [(16+219*y).round().astype(np.uint8), *((128+224*cv2.resize(c, half, interpolation=cv2.INTER_AREA)).round().astype(np.uint8) for c in chroma)]

def timed(f):
    "What `f` gives, and the least processor time of five runs"
    times = []
    for _ in range(5):
        began = time.process_time()
        out = f()
        times.append(time.process_time()-began)
    return out,min(times)

def main(paths):
    c = Colorizer.from_pretrained()
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(['photo', 'matrix', 'strength', 'chroma', 'way', 'L mean', 'L p99', 'ms a megapixel'])
    for path in paths:
        im = Image.open(path).convert('L')
        gray = np.asarray(im.crop((0, 0, im.width//2*2, im.height//2*2)))
        look = c.look(gray, Options())
        h,w = (int(n) for n in look.extent)
        cells = cv2.resize(gray, (w,h), interpolation=cv2.INTER_AREA).astype(np.float32)/255
        for matrix,strength in ((1, 1), (6, 1), (1, 2), (6, 2)):
            store = Storage(*gray.shape[::-1], 8, 2, 2, False, matrix)
            luma = (16+219*(gray/255)).round().astype(np.uint8)
            as_film = rgb_of(luma, *np.full((2,gray.shape[0]//2,gray.shape[1]//2), 128, np.uint8), store)
            def chroma(): return paint_chroma(luma, chroma_lines(chroma_cells(strength*look.ab[:,:h,:w], look.L[:h,:w], store), cells), store)
            def kept(): return planes_of(paint_pixels(as_film[...,0], look.ab, look.L, look.extent, strength), store)
            ways = {'luma as it came':(lambda: [luma, *chroma()]), 'L* kept':kept}
            for name,way in ways.items():
                planes,seconds = timed(way)
                levels = np.abs(lightness(rgb_of(*planes, store))-lightness(as_film))*2.55
                ab = np.hypot(*look.ab[:,:h,:w]).mean()*strength
                out.writerow([path.rsplit('/', 1)[-1], matrix, strength, f'{ab:.0f}', name, f'{levels.mean():.2f}', f'{np.percentile(levels, 99):.1f}', f'{seconds/gray.size*1e9:.1f}'])
                sys.stdout.flush()

if __name__ == '__main__': main(sys.argv[1:])
