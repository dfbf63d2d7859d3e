"""Colorizing: the whole job against its parts and against the naive way, alternating: python -m benchmarks.colorizing [--rounds 5] [--folder 200]
Photos of 0.3, 2, 12 and 48 megapixels, gray as scanners write them (JPEG with three channels): `colorize_file` (decode, colour conversion, network, upsampling, encode), against Pillow decoding and encoding
it alone, the network alone, and the shipped network run naively (torch, scikit-image's conversion at full size, bicubic ab). Then a folder, the first photo of a fresh process, a photo of strong colours, a hint
that changed."""
import argparse, os, tempfile, time
from pathlib import Path
from warnings import catch_warnings, simplefilter
import numpy as np
from PIL import Image
from colorize_nb import Colorizer
from colorize_nb.paint import cores, paint_pixels, render_shape
from colorize_nb.files.photo import open_photo
from .common import alternate, fresh, machine, median_ms, photos, put, save, table, tell

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
        ab = F.interpolate(net(torch.from_numpy(small).float()[None,None]/50-1)[0]*110, L.shape, mode='bicubic')[0].permute(1,2,0).numpy()
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

wait = ['| you do | you wait | memory |', '|---|---|---|']  # what README begins with

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
        mb = peak_mb('ours', f, out)
        tell(f'\nColorizing less the network takes {(a-b)/c_:.2f} times what Pillow alone does. Peak memory {mb} MB, naive {peak_mb("naive", f, out)} MB.')
        wait.append(f'| a photo of {name} more, in a run that goes on | {a/1000:.1f} s | {mb} MB |')

def folders(d, c, rounds, most):
    plain = naive()
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
        def usual():  # a few are enough: it is slow, and each photo is by itself
            for f in fs[:8]: plain(f, d/'loop'/f.name)
            return len(fs[:8])
        t = time.process_time(); folder(); work = time.process_time()-t
        sides = {'a loop over single photos': loop, 'the folder': folder, 'the network alone': network, 'a naive loop': usual}
        ms = table(f'A folder of {n} photos of {name}', alternate(sides, rounds, warm=False), 'a loop over single photos')
        tell(f"\nThe folder does {1000/ms['the folder']:.1f} photos a second and reaches {ms['the network alone']/ms['the folder']:.0%} of the network alone. It takes {1000*work/n:.1f} ms of processor "
             f'time a photo: {cores()} cores that never wait would need {1000*work/n/cores():.1f} ms.')
        wait.append(f"| a folder of {n} photos of {name} | {n*ms['the folder']/1000:.0f} s | |")

def starts(d, rounds):
    f = photos(d/'first', 1, gray=True)[0]
    sides = {'import numpy, PIL.Image, onnxruntime': lambda: fresh('-c', 'import numpy, PIL.Image, onnxruntime') and 1,
             'colorize, the first photo': lambda: fresh('-c', 'from colorize_nb.cli import colorize; colorize()', f, '-o', d/'first.jpg', '--overwrite') and 1}
    times = alternate(sides, rounds)
    table('From the shell, in a fresh process', times, 'import numpy, PIL.Image, onnxruntime')
    a,b = median_ms(times).values()
    tell(f'\nThe first photo takes {b/a:.2f} times what the imports do.')
    wait.insert(2, f'| `colorize photo.jpg`, from the shell to the result, 0.3 MP | {b/1000:.1f} s | |')

def outside(seen, strength):
    "Share of the cells whose colour is not in sRGB, by scikit-image"
    from skimage.color import lab2rgb, rgb2lab
    lab = np.concatenate([seen.L[None], seen.ab*strength]).transpose(1, 2, 0)
    with catch_warnings():
        simplefilter('ignore')  # it warns of colours that it clips
        return (np.abs(rgb2lab(lab2rgb(lab))-lab).max(-1) > .5).mean()

def colours(d, c, rounds):
    x = open_photo(photos(d/'12 MP', 1, SIZES['12 MP'], gray=True)[0]).pixels
    seen,out = c.look(x),np.empty((*x.shape[:2], 3), np.uint8)
    strong = next(k for k in np.arange(1, 20, .25) if outside(seen, k) >= .2)
    sides = {f'{outside(seen, k):.0%} of its colours outside sRGB': lambda k=k: (paint_pixels(x, seen.ab, seen.L, seen.extent, k, out=out), 1)[1] for k in (.1, strong)}
    none,many = table('The pixel work of a photo of 12 MP', alternate(sides, 3*rounds), next(iter(sides))).values()
    tell(f'\nStrong colours take {many/none:.2f} times what weak ones do.')

def hints(d, c, rounds):
    x,spots = open_photo(photos(d/'preview', 1, (1280,960), gray=True)[0]).pixels,iter(range(1000))
    sides = {'a hint that changed, network and all': lambda: (c.colorize(x, hints=[(300+next(spots), 300, '#7a1f1f')]), 1)[1]}
    table('A photo of 1280x960 on the screen', alternate(sides, 3*rounds), next(iter(sides)))

def main(rounds, folder):
    c = Colorizer.from_pretrained()
    print(machine())
    with tempfile.TemporaryDirectory() as d: singles(Path(d), c, rounds); folders(Path(d), c, rounds, folder); starts(Path(d), rounds); colours(Path(d), c, rounds); hints(Path(d), c, rounds)
    save('colorizing'); put('wait', '\n'.join(wait))

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for k,v in dict(rounds=5, folder=200).items(): p.add_argument(f'--{k}', type=int, default=v)
    main(**vars(p.parse_args()))
