"""What a frame of film costs here and in the networks of others:
python -m benchmarks.film_beside CLIP... --ddcolor FOLDER > benchmarks/film_beside.csv
Processor time a frame of the whole way here (`benchmarks/film.py`'s parts: decoding, flow, painting, encoding, and
the network on every eighth frame) beside the networks alone of two programs that colour every frame by itself. Both
at the sizes that they use when nothing is said, in torch on one thread, with random weights: time does not depend on
them.

- DeOldify's video network (wide, on a ResNet-101) at render factor 21, 336x336: written down here after its code. Its
  self attention and its blurs are in it, the spectral norm is not: folded into the weights, it costs nothing.
- DDColor, tiny, at 512x512: the authors' code, from a clone of github.com/piddnad/DDColor.

Their programs also write every frame as a file, read it, and encode the film: none of that is counted. Needs the film
extra and torch. All sides run in turn, `ROUNDS` times; medians are written."""
import argparse, csv, os, statistics, sys, time, types
from pathlib import Path
import torch
from torch import nn
from torch.nn import functional as F
from benchmarks.film import parts
from colorize_nb.film_file import Film

ROUNDS = int(os.environ.get('ROUNDS', 3))

# ---- DeOldify's generator

def conv(ni, nf, size=3, active=True, norm=True, stride=1, relu_last=False):
    "A convolution, ReLU and BatchNorm, in DeOldify's order or in ResNet's"
    norms = [nn.BatchNorm2d(nf)] if norm else []
    relus = [nn.ReLU(True)] if active else []
    rest = [*norms, *relus] if relu_last else [*relus, *norms]
    return nn.Sequential(nn.Conv2d(ni, nf, size, stride, size//2, bias=not norm), *rest)

class Bottleneck(nn.Module):
    "A block of ResNet-101"
    def __init__(self, ni, nf, stride):
        super().__init__()
        first,second = (conv(a, nf, k, stride=s, relu_last=True) for a,k,s in ((ni,1,1), (nf,3,stride)))
        self.body = nn.Sequential(first, second, conv(nf, 4*nf, 1, active=False))
        self.skip = conv(ni, 4*nf, 1, active=False, stride=stride) if stride > 1 or ni != 4*nf else nn.Identity()
    def forward(self, x): return F.relu(self.body(x)+self.skip(x), True)

def resnet101():
    "Its five stages"
    stages = [conv(3, 64, 7, stride=2, relu_last=True)]
    ni = 64
    for i,n in enumerate((3, 4, 23, 3)):
        nf = 64*2**i
        blocks = [Bottleneck(ni if j == 0 else 4*nf, nf, 2 if i and j == 0 else 1) for j in range(n)]
        stages.append(nn.Sequential(*([] if i else [nn.MaxPool2d(3, 2, 1)]), *blocks))
        ni = 4*nf
    return nn.ModuleList(stages)

class Shuffle(nn.Module):
    "Twice the size: pixels shuffled, then blurred"
    def __init__(self, ni, nf, norm=True):
        super().__init__()
        self.conv = conv(ni, 4*nf, 1, active=False, norm=norm)
    def forward(self, x):
        x = F.pixel_shuffle(F.relu(self.conv(x), True), 2)
        return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode='replicate'), 2, 1)

class Attention(nn.Module):
    "Self attention over all pixels"
    def __init__(self, n):
        super().__init__()
        self.query,self.key,self.value = (nn.Conv1d(n, k, 1, bias=False) for k in (n//8, n//8, n))
    def forward(self, x):
        flat = x.flatten(2)
        weights = torch.bmm(self.query(flat).transpose(1, 2), self.key(flat)).softmax(1)
        return (torch.bmm(self.value(flat), weights)+flat).view_as(x)

class Block(nn.Module):
    "A level of the decoder"
    def __init__(self, ni, skip, nf, attention):
        super().__init__()
        self.shuffle = Shuffle(ni, nf)
        self.norm = nn.BatchNorm2d(skip)
        self.conv = nn.Sequential(conv(nf+skip, nf), *([Attention(nf)] if attention else []))
    def forward(self, x, skip):
        up = self.shuffle(x)
        if up.shape != skip.shape: up = F.interpolate(up, skip.shape[-2:])
        return self.conv(F.relu(torch.cat([up, self.norm(skip)], 1)))

class DeOldify(nn.Module):
    "The wide generator, `gen_inference_wide`"
    def __init__(self):
        super().__init__()
        self.encoder = resnet101()
        self.middle = nn.Sequential(nn.BatchNorm2d(2048), nn.ReLU(), conv(2048, 4096), conv(4096, 2048))
        sizes = ((2048, 1024, 512), (512, 512, 512), (512, 256, 512), (512, 64, 256))
        self.decoder = nn.ModuleList(Block(*s, attention=i == 1) for i,s in enumerate(sizes))
        self.last = Shuffle(256, 256, norm=False)
        self.cross = nn.Sequential(conv(259, 259, norm=False), conv(259, 259, norm=False))
        self.out = nn.Conv2d(259, 3, 1)
    def forward(self, x):
        levels = []
        y = x
        for stage in self.encoder: levels.append(y := stage(y))
        y = self.middle(y)
        for block,skip in zip(self.decoder, levels[-2::-1]): y = block(y, skip)
        y = torch.cat([self.last(y), x], 1)
        return 6*torch.sigmoid(self.out(y+self.cross(y)))-3

def ddcolor(folder):
    "DDColor's tiny network, from a clone of its repository"
    # its packages' `__init__` bring tools for training, which are not wanted
    for name in ('basicsr', 'basicsr.archs'):
        sys.modules[name] = package = types.ModuleType(name)
        package.__path__ = [str(folder/name.replace('.', '/'))]
    sys.path.insert(0, str(folder))
    from ddcolor import DDColor
    return DDColor('convnext-t', input_size=[512,512], num_output_channels=2, last_norm='Spectral', num_queries=100)

# ---- all in turn

def seconds(net, side):
    "Processor time of a frame"
    x = torch.rand(1, 3, side, side)
    began = time.process_time()
    with torch.inference_mode(): net(x)
    return time.process_time()-began

def main(clips, folder):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    nets = {'DeOldify, video, network alone':(DeOldify().eval(), 336),
            'DDColor, tiny, network alone':(ddcolor(folder).eval(), 512)}
    for net,side in nets.values(): seconds(net, side)
    spent = {}
    def note(name, sees, ms): spent.setdefault((name, sees), []).append(ms)
    sizes = {}
    for clip in clips:
        with Film(clip) as film: sizes[clip] = f'{film.storage.width}x{film.storage.height}'
    for _ in range(ROUNDS):
        for clip in clips:
            note(f'here, all of it, {sizes[clip]}', '240, every 8th to 24th', sum(parts(clip).values()))
        for name,(net,side) in nets.items(): note(name, f'{side}x{side}, every', 1e3*seconds(net, side))
    out = csv.writer(sys.stdout, lineterminator='\n')
    out.writerow(['side', 'the network sees, frames', 'ms', 'lowest', 'highest', *(f'times {sizes[c]}' for c in clips)])
    here = [statistics.median(v) for (k,_),v in spent.items() if k.startswith('here')]
    for (name,sees),all_ms in spent.items():
        middle = statistics.median(all_ms)
        times = [f'{v:.0f}' for v in (middle, min(all_ms), max(all_ms))]
        out.writerow([name, sees, *times, *(f'{middle/ours:.1f}' for ours in here)])

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('clips', nargs='+', type=Path)
    p.add_argument('--ddcolor', required=True, type=Path, help='a clone of github.com/piddnad/DDColor')
    a = p.parse_args()
    main(a.clips, a.ddcolor)
