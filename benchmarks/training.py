"""Training: the loop that the reports share against ours, on the same photos, network and batch, alternating:
python -m benchmarks.training [--size 256] [--bs 8] [--rounds 3] [--batches 1]
The yardstick: scikit-image's rgb2lab photo by photo in the loader, float32, full-resolution `DynamicUnet`, `loss.item()`
six times a batch; its GAN phase runs the generator twice a batch."""
import argparse, tempfile
import colorize_nb.train.compat  # noqa: F401 (first: lets torchvision import beside a CPU-only torch)
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from fastai.callback.core import Callback, CancelFitException
from fastai.torch_core import default_device
from colorize_nb.train.data import ColorizeDataLoaders
from colorize_nb.train.gan import PatchGAN, gan_learner
from colorize_nb.train.generator import resnet18_unet
from colorize_nb.train.learner import BF16, colorize_learner
from .common import alternate, machine, photos, save, table, tell

class Reports(torch.utils.data.Dataset):
    "A photo at a time: open, resize, flip, rgb2lab"
    def __init__(self, files, size): self.files,self.size = files,size
    def __len__(self): return len(self.files)
    def __getitem__(self, i):
        from skimage.color import rgb2lab
        im = np.array(Image.open(self.files[i]).convert('RGB').resize((self.size,self.size), Image.BICUBIC))
        if np.random.rand() < .5: im = im[:,::-1].copy()
        lab = torch.from_numpy(rgb2lab(im).astype('float32')).permute(2,0,1)
        return lab[:1]/50-1,lab[1:]/110

def adam(net): return torch.optim.Adam(net.parameters(), 2e-4, betas=(.5,.999))

def reports(files, size, bs, batches, gan=False):
    "A function that trains for so many batches"
    dev = default_device()
    net = resnet18_unet(size=size).to(dev)
    critic = PatchGAN().to(dev)
    opt = adam(net)
    opt_d = adam(critic)
    l1 = nn.L1Loss()
    bce = nn.BCEWithLogitsLoss()
    dl = torch.utils.data.DataLoader(Reports(files, size), bs, shuffle=True, drop_last=True)
    meters = dict.fromkeys(range(6), 0.)
    def judge(l, ab): return critic(torch.cat([l,ab], 1))
    def step(l, ab):
        if gan:
            r,f = judge(l, ab),judge(l, net(l).detach())
            loss = (bce(r, torch.ones_like(r))+bce(f, torch.zeros_like(f)))/2
            opt_d.zero_grad(); loss.backward(); opt_d.step()
            fake = net(l); f = judge(l, fake)
            loss = bce(f, torch.ones_like(f))+100*l1(fake, ab)
        else: loss = l1(net(l), ab)
        opt.zero_grad(); loss.backward(); opt.step()
        for k in meters: meters[k] += loss.item()
    def run():
        done = 0
        while True:
            for l,ab in dl:
                step(l.to(dev), ab.to(dev)); done += 1
                if done == batches: return done*bs
    return run

class StopAfter(Callback):
    def __init__(self, n): self.n = n
    def before_fit(self): self.i = 0
    def after_batch(self):
        self.i += 1
        if self.i == self.n: raise CancelFitException

def ours(files, size, bs, batches, out_scale=1, bf16=False, gan=False, num_workers=0):
    dls = ColorizeDataLoaders.from_files(files, valid_pct=.05, size=size, bs=bs, num_workers=num_workers)
    cbs = [StopAfter(batches), *[BF16()]*bf16]
    learn = colorize_learner(dls, pretrained=False, out_scale=out_scale, channels_last=True, cbs=cbs)
    if gan: learn = gan_learner(learn)
    def run():
        with learn.no_bar(), learn.no_logging(): learn.fit(1)
        return batches*bs
    return run

def alone(size, bs, batches, out_scale=1):
    "The network on one batch that is in memory already: what no loop can beat"
    dev = default_device()
    net = resnet18_unet(out_scale=out_scale, size=size).to(dev, memory_format=torch.channels_last)
    opt = adam(net)
    l = torch.rand(bs, 1, size, size, device=dev)
    ab = torch.rand(bs, 2, size//out_scale, size//out_scale, device=dev)
    def run():
        for _ in range(batches):
            with torch.autocast(dev.type, torch.bfloat16): p = net(l)
            opt.zero_grad(); F.l1_loss(p.float(), ab).backward(); opt.step()
        if dev.type == 'cuda': torch.cuda.synchronize()
        return batches*bs
    return run

def main(size, bs, rounds, batches):
    torch.set_flush_denormal(True)
    print(machine())
    tell(f'On {default_device()}, {size} px, batches of {bs}.')
    with tempfile.TemporaryDirectory() as d:
        files = photos(d, max(bs*(batches+1)*2, 48))
        a = dict(size=size, bs=bs, batches=batches)
        for gan,title in ((False,'L1'), (True,'GAN: generator and critic')):
            sides = {"the reports' loop": reports(files, gan=gan, **a)}
            for s in (1,4):
                for half in (False,True):
                    name = f"ours, out_scale={s}, {'bfloat16' if half else 'float32'}"
                    sides[name] = ours(files, out_scale=s, bf16=half, gan=gan, **a)
                name = f'the network alone, out_scale={s}, bfloat16, one batch in memory'
                if not gan: sides[name] = alone(out_scale=s, **a)
            ms = table(title, alternate(sides, rounds), "the reports' loop")
            minutes = ms['ours, out_scale=4, bfloat16']/60
            tell(f'\n1000 photos once through, `out_scale=4`, bfloat16: {minutes:.1f} minutes.')
    save('training')

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for k,v in dict(size=256, bs=8, rounds=3, batches=1).items(): p.add_argument(f'--{k}', type=int, default=v)
    main(**vars(p.parse_args()))
