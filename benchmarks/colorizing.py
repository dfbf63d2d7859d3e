"""Colorizing: the whole job against its parts and against the naive way, alternating: python -m benchmarks.colorizing [--rounds 5] [--folder 200]
Photos of 0.3, 2, 12 and 48 megapixels, gray as scanners write them (JPEG with three channels): `colorize_file` (decode, colour conversion, network, upsampling, encode), against Pillow decoding and encoding
it alone, the network alone, and the shipped network run naively (torch, scikit-image's conversion at full size, bicubic ab). Then a folder, and the first photo of a fresh process."""
import argparse, os, tempfile, time
from pathlib import Path
import numpy as np
from PIL import Image
from colorize_nb.colorizer import Colorizer
from colorize_nb.paint import cores, render_shape
from .common import alternate, fresh, machine, median_ms, photos, save, table

SIZES = {'0.3 MP': (640,480), '2 MP': (1632,1224), '12 MP': (4000,3000), '48 MP': (8000,6000)}

def naive():
    import torch
    import torch.nn.functional as F
    from skimage.color import lab2rgb, rgb2lab
    c = Colorizer.from_pretrained(device='cpu:0')
    net,side = c.net.eval(),c.cfg['render_size']
    @torch.no_grad()
    def run(path, out):
        im = Image.open(path).convert('RGB')
        L = rgb2lab(np.asarray(im))[...,0]
        small = rgb2lab(np.asarray(im.resize((side,side), Image.BICUBIC)))[...,0]
        ab = F.interpolate(net(torch.from_numpy(small).float()[None,None]/50-1)*110, L.shape, mode='bicubic')[0].permute(1,2,0).numpy()
        Image.fromarray((lab2rgb(np.concatenate([L[...,None],ab], 2))*255).round().astype('uint8')).save(out, quality=95, subsampling=0)
    return run

def pillow(path, out): Image.open(path).convert('RGB').save(out, quality=95, subsampling=0)
def ours():
    c = Colorizer.from_pretrained()
    return lambda path, out: c.colorize_file(path, out, overwrite=True)

PEAK = '''import re, sys
from benchmarks.colorizing import naive, ours
{side}()(*sys.argv[1:])
print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])//1024)'''  # `ru_maxrss` would count the parent too
def peak_mb(side, f, out): return int(fresh('-c', PEAK.format(side=side), f, out)[1])

def seen(c, size):
    "What the network is given of a photo of this size, filled with noise"
    h,w = render_shape(*size[::-1], c.cfg['render_size']); m = c.cfg['multiple']
    return np.random.default_rng(0).uniform(-1, 1, (1,1,h+-h%m,w+-w%m)).astype(np.float32)

def work(f):
    "Processor seconds of `f` on one core, as on a machine that does a photo on each"
    was = os.sched_getaffinity(0); os.sched_setaffinity(0, [min(was)])
    t = time.process_time()
    try: f(); return time.process_time()-t
    finally: os.sched_setaffinity(0, was)

def singles(d, c, rounds):
    n,o = naive(),ours()
    for name,size in SIZES.items():
        f,out,x,large = photos(d/name, 1, size, gray=True)[0],d/'out.jpg',seen(c, size),size[0] > 5000
        def one(g): return lambda: (g(f, out), 1)[1]
        sides = {'Pillow alone: decode, encode': one(pillow), 'network alone': lambda: (c.predict(x), 1)[1], 'colorize': one(o), 'naive': one(n)}
        times = alternate(sides, 1 if large else rounds, warm=not large)
        if large: times |= alternate({k: v for k,v in sides.items() if k != 'naive'}, rounds)
        times['colorize, processor time on one core'] = [work(one(o)) for _ in range(rounds)]
        ms = table(name, times, 'naive')
        a,b,c_ = (ms[k] for k in ('colorize', 'network alone', 'Pillow alone: decode, encode'))
        print(f'\nColorizing less the network takes {(a-b)/c_:.2f} times what Pillow alone does. Peak memory {peak_mb("ours", f, out)} MB, naive {peak_mb("naive", f, out)} MB.')

def folders(d, c, rounds, most):
    for name,size,n in (('0.3 MP', (640,480), most), ('2 MP', (1632,1224), most//5)):
        fs,x = photos(d/f'folder {name}', n, size, gray=True),seen(c, size)
        (d/'loop').mkdir(exist_ok=True)
        def loop():
            for f in fs: c.colorize_file(f, d/'loop'/f.name, overwrite=True)
            return n
        def folder(): c.colorize_folder(fs[0].parent, d/'all', overwrite=True); return n
        def network():
            for _ in fs: c.predict(x)
            return n
        t = time.process_time(); folder(); work = time.process_time()-t
        ms = table(f'A folder of {n} photos of {name}', alternate({'a loop over single photos': loop, 'the folder': folder, 'the network alone': network}, rounds, warm=False), 'a loop over single photos')
        print(f"\nThe folder reaches {ms['the network alone']/ms['the folder']:.0%} of the network alone. It takes {1000*work/n:.1f} ms of processor time a photo: "
              f'{cores()} cores that never wait would need {1000*work/n/cores():.1f} ms.')

def starts(d, rounds):
    f = photos(d/'first', 1, gray=True)[0]
    sides = {'import numpy, PIL.Image, onnxruntime': lambda: fresh('-c', 'import numpy, PIL.Image, onnxruntime') and 1,
             'colorize, the first photo': lambda: fresh('-c', 'from colorize_nb.cli import colorize; colorize()', f, '-o', d/'first.jpg', '--overwrite') and 1}
    times = alternate(sides, rounds)
    table('From the shell, in a fresh process', times, 'import numpy, PIL.Image, onnxruntime')
    a,b = median_ms(times).values()
    print(f'\nThe first photo takes {b/a:.2f} times what the imports do.')

def main(rounds, folder):
    c = Colorizer.from_pretrained()
    print(machine())
    with tempfile.TemporaryDirectory() as d: singles(Path(d), c, rounds); folders(Path(d), c, rounds, folder); starts(Path(d), rounds)
    save('colorizing')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for k,v in dict(rounds=5, folder=200).items(): p.add_argument(f'--{k}', type=int, default=v)
    main(**vars(p.parse_args()))
