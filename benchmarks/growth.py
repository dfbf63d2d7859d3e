"""How cost grows, with the bound drawn in: python -m benchmarks.growth, which writes growth-*.png beside this file.
Time and memory of one photo against its megapixels; photos a second against the batch size, of the network and of a training step; against the photos in work at a time, and the workers of a training loader.
The bound is what the measured speed of memory (a copy) and of arithmetic (large products of matrices, all cores) would allow if nothing else took time."""
import argparse, tempfile
from pathlib import Path
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
import numpy as np
import torch
from matplotlib.figure import Figure
from colorize_nb import Colorizer
from colorize_nb.train.data import ColorizeDataLoaders
from colorize_nb.train.generator import resnet18_unet
from .colorizing import ours, peak_mb, pillow, seen
from .common import HERE, alternate, bandwidth, flops, machine, median_ms, peak_flops, photos, save, table, tell
from .training import alone

def figure(name, panels):
    "One row of panels: (title, xlabel, ylabel, {label: (x, y)}, the label of the bound, keywords for `set`)"
    fig = Figure(figsize=(3.6*len(panels), 2.9), layout='tight', dpi=100)
    for ax,(title,xl,yl,lines,bound,kw) in zip(fig.subplots(1, len(panels), squeeze=False)[0], panels):
        for k,(x,y) in lines.items(): ax.plot(x, y, **(dict(color='gray', ls='--') if k == bound else dict(marker='o', ms=3)), label=k)
        ax.set(title=title, xlabel=xl, ylabel=yl, **kw); ax.title.set_size(9); ax.legend(fontsize=7, frameon=False)
    fig.savefig(HERE/f'growth-{name}.png')

def megapixels(d, c, peak, copy, rounds):
    sizes = [(640,480), (1156,867), (1632,1224), (2832,2124), (4000,3000), (5656,4242), (8000,6000)]
    mp,times,mb,g = [w*h/1e6 for w,h in sizes],[],[],ours()
    x = seen(c, sizes[0])
    net = flops(c.net, x.shape)/peak
    for s in sizes:
        f,out = photos(d/f'{s[0]}', 1, s, gray=True)[0],d/'out.jpg'
        sides = {'colorize': lambda: (g(f, out), 1)[1], 'Pillow alone': lambda: (pillow(f, out), 1)[1], 'network': lambda: (c.predict(x), 1)[1]}
        times.append(table(f'{s[0]*s[1]/1e6:.1f} MP', alternate(sides, rounds), 'colorize')); mb.append(peak_mb('ours', f, out))
    lines = {k: (mp, [t[k] for t in times]) for k in times[0]}
    lines['bound: 6 bytes a pixel, network'] = mp,[1000*(net+6*m*1e6/copy) for m in mp]  # three read, three written
    memory = {'colorize': (mp, mb), 'bound: gray photo and result': (mp, [mb[0]+4*(m-mp[0])*1e6/2**20 for m in mp])}
    figure('megapixels', [('Time of one photo', 'megapixels', 'ms', lines, 'bound: 6 bytes a pixel, network', dict(xscale='log', yscale='log', ylim=(2,40_000))),
                          ('Peak memory', 'megapixels', 'MB', memory, 'bound: gray photo and result', dict(ylim=(0,None)))])

def batches(c, peak, peak16, rounds):
    bs,size = (1,2,4,8,16,32),128
    x = seen(c, (640,480))
    sides = {('network',b): lambda xb=np.repeat(x, b, 0): (c.predict(xb), len(xb))[1] for b in bs}
    sides |= {('training step',b): alone(size, b, 1, 4) for b in bs}
    ms = median_ms(alternate(sides, rounds))
    table('Batch size', {f'{k}, {b}': [t/1000] for (k,b),t in ms.items()}, 'network, 1')
    def speed(k): return bs,[1000/ms[k,b] for b in bs]
    train = flops(resnet18_unet(out_scale=4, size=size).train(), (2,1,size,size), backward=True)/2
    figure('batch', [(f'Network, {x.shape[2]}x{x.shape[3]}, float32', 'photos in a batch', 'photos/s', {'onnxruntime': speed('network'), 'bound: FLOP at peak': (bs, [peak/flops(c.net, x.shape)]*len(bs))},
                      'bound: FLOP at peak', dict(xscale='log', ylim=(0,None), xticks=bs, xticklabels=bs)),
                     (f'Training step, {size} px, bfloat16', 'photos in a batch', 'photos/s', {'out_scale=4': speed('training step'), 'bound: FLOP at peak': (bs, [peak16/train]*len(bs))},
                      'bound: FLOP at peak', dict(xscale='log', yscale='log', xticks=bs, xticklabels=bs))])

def workers(d, c, peak, rounds):
    fs,n = photos(d/'jobs', 48, gray=True),48
    colours = photos(d/'loader', 96)
    def folder(j): return lambda: (c.colorize_folder(d/'jobs', d/'all', overwrite=True, jobs=j), n)[1]
    def loader(w):
        dl = ColorizeDataLoaders.from_files(colours, valid_pct=.05, size=128, bs=16, num_workers=w).train
        return lambda: sum(len(l) for l,_ in dl)
    jobs,ws = (1,2,3,4),(0,1,2)
    ms = median_ms(alternate({('jobs',j): folder(j) for j in jobs} | {('workers',w): loader(w) for w in ws}, rounds))
    table('Photos in work at a time, loader workers', {f'{k} {j}': [t/1000] for (k,j),t in ms.items()}, 'jobs 1')
    bound = peak/flops(c.net, seen(c, (640,480)).shape)
    figure('workers', [(f'A folder of {len(fs)} photos of 0.3 MP', 'jobs', 'photos/s', {'colorize_folder': (jobs, [1000/ms['jobs',j] for j in jobs]), 'bound: network at peak': (jobs, [bound]*len(jobs))},
                        'bound: network at peak', dict(ylim=(0,None), xticks=jobs)),
                       ('Training loader alone, 128 px', 'workers', 'photos/s', {'0.3 MP JPEGs': (ws, [1000/ms['workers',w] for w in ws])}, None, dict(ylim=(0,None), xticks=ws))])

def main(rounds):
    torch.set_flush_denormal(True)
    c = Colorizer.from_pretrained()
    c.net = Colorizer.from_pretrained(device='cpu:0').net  # to count its FLOP
    peak,peak16,copy = peak_flops(torch.float32),peak_flops(torch.bfloat16),bandwidth()
    print(machine())
    tell(f'Measured peak {peak/1e9:.0f} GFLOP/s float32, {peak16/1e9:.0f} bfloat16, copy {copy/1e9:.1f} GB/s.')
    with tempfile.TemporaryDirectory() as d: megapixels(Path(d), c, peak, copy, rounds); batches(c, peak, peak16, rounds); workers(Path(d), c, peak, rounds)
    save('growth')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--rounds', type=int, default=3)
    main(**vars(p.parse_args()))
