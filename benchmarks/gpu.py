"""On a GPU, in less than six minutes: python -m benchmarks.gpu [--size 128] [--bs 64] [--rounds 3] [--batches 20]
Training: photos a second of the whole loop, loader and all, and the share of what the network alone does with one batch that lies in memory. Colorizing: the shipped network in batches, and a folder
through `colorize_folder`. Peak memory of the device for each. Runs on a CPU too, where it only shows that it runs."""
import argparse, os, tempfile
from pathlib import Path
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
import numpy as np
import torch
from fastai.torch_core import default_device
from colorize_nb import Colorizer
from .colorizing import seen
from .common import alternate, machine, photos, save, table, tell
from .training import alone, ours

def peak(f):
    "Megabytes of the device that were in use at most while `f` ran"
    if not torch.cuda.is_available(): f(); return 0
    torch.cuda.reset_peak_memory_stats(); f(); torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()//2**20

def training(d, size, bs, rounds, batches):
    files = photos(d/'train', bs*(batches+1)+64)
    for scale in (1,4):
        loop = ours(files, size, bs, batches, scale, bf16=True, num_workers=min(8, os.cpu_count()))
        sides = {'the whole loop': loop, 'the network alone': alone(size, bs, batches, scale)}
        ms = table(f'Training at {size} px, batches of {bs}, out_scale={scale}, bfloat16', alternate(sides, rounds), 'the network alone')
        tell(f"\n{1000/ms['the whole loop']:.0f} photos a second, {ms['the network alone']/ms['the whole loop']:.0%} of the network alone; peak memory {peak(loop)} MB.")

def colorizing(d, rounds, n=64):
    dev = str(default_device())
    c = Colorizer.from_pretrained(device=dev if dev != 'cpu' else 'cpu:0')
    x = seen(c, (640,480))
    sides = {f'network, {b} at a time': lambda xb=np.repeat(x, b, 0): (c.predict(xb), len(xb))[1] for b in (1,8,32)}
    fs = photos(d/'folder', n, gray=True)
    sides['a folder of 0.3 MP'] = lambda: (c.colorize_folder(fs[0].parent, d/'out', overwrite=True), n)[1]
    ms = table('Colorizing', alternate(sides, rounds), 'network, 1 at a time')
    tell(f"\n{1000/ms['a folder of 0.3 MP']:.1f} photos a second in the folder; peak memory of 32 at a time {peak(sides['network, 32 at a time'])} MB.")

def main(size, bs, rounds, batches):
    torch.set_flush_denormal(True)
    tell(f"{torch.cuda.get_device_name() if torch.cuda.is_available() else 'No GPU: this run only shows that it runs.'}")
    print(machine())
    with tempfile.TemporaryDirectory() as d: training(Path(d), size, bs, rounds, batches); colorizing(Path(d), rounds)
    if torch.cuda.is_available(): save('gpu')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for k,v in dict(size=128, bs=64, rounds=3, batches=20).items(): p.add_argument(f'--{k}', type=int, default=v)
    main(**vars(p.parse_args()))
