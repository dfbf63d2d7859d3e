"Helpers of the benchmarks: photos, sides that alternate, tables with ratios, their place in README.md, the machine's peak."
import csv, os, platform, re, statistics, subprocess, sys, time
from datetime import date
from importlib.metadata import version
from pathlib import Path
import numpy as np
from PIL import Image

HERE = Path(__file__).parent

def photos(folder, n, size=(640,480), gray=False, quality=90):
    "Write `n` JPEGs of scikit-image's own pictures, all different, with grain of a pixel; gray ones with three channels"
    from skimage import data
    src = [Image.fromarray(o[...,:3]) for o in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())]
    rng = np.random.default_rng(42)
    folder = Path(folder); folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        im = src[i%len(src)]
        k = rng.uniform(.6, 1)
        w = int(im.width*k)
        h = int(im.height*k)
        x = rng.integers(0, im.width-w+1)
        y = rng.integers(0, im.height-h+1)
        im = np.asarray(im.crop((x,y,x+w,y+h)).resize(size, Image.BICUBIC).convert('L' if gray else 'RGB'))
        grain = rng.normal(0, 4, (*im.shape[:2],1)[:im.ndim]).astype(np.float32)
        im = Image.fromarray((im+grain).clip(0, 255).astype(np.uint8)).convert('RGB')
        im.save(folder/f'{i:04}.jpg', quality=quality)
    return sorted(folder.glob('*.jpg'))

def alternate(sides:dict, # Name -> function that does the work once and returns how many photos it was
              rounds:int=5, warm:bool=True):
    "Seconds a photo, all sides in turn, so that a noisy machine is noisy for all"
    out = {k: [] for k in sides}
    if warm:
        for f in sides.values(): f()
    for _ in range(rounds):
        for k,f in sides.items():
            t = time.perf_counter(); n = f(); out[k].append((time.perf_counter()-t)/n)
    return out

def median_ms(times): return {k: 1000*statistics.median(v) for k,v in times.items()}

kept,said = [],[]
def tell(text):
    "Print a piece of README.md, and keep it for `save`"
    print(text, flush=True); said.append(text)

def table(title, times, against):
    "A Markdown table of medians, and photos a second as a ratio to one side; the rows are kept for `save`"
    ms = median_ms(times)
    rows = [f'| {k} | {ms[k]:.1f} | {1000*min(v):.1f} to {1000*max(v):.1f} | {ms[against]/ms[k]:.2f} |' for k,v in times.items()]
    tell('\n'.join([f'\n### {title}\n', '| | ms a photo | lowest to highest | photos/s, as a ratio |', '|---|---|---|---|', *rows]))
    kept.extend(dict(table=title, what=k, round=i, ms=f'{1000*t:.2f}') for k,v in times.items() for i,t in enumerate(v))
    return ms

def put(name, text, page=HERE/'README.md'):
    "Write what stands between `<!-- NAME -->` and `<!-- /NAME -->` in a page"
    md = page.read_text(encoding='utf-8')
    new,n = re.subn(rf'(<!-- {name} -->\n).*?(<!-- /{name} -->)', lambda m: f'{m[1]}{text.strip()}\n{m[2]}', md, flags=re.S)
    assert n == 1, f'{page.name} has {n} places for {name}'
    page.write_text(new, encoding='utf-8')

def save(name):
    "Write every measured time into `NAME.csv` beside this file, and what was told into README.md"
    with open(HERE/f'{name}.csv', 'w', newline='', encoding='utf-8') as f:
        print(f'# {machine()}', file=f)
        w = csv.DictWriter(f, kept[0], lineterminator='\n'); w.writeheader(); w.writerows(kept)
    put(name, f'*{machine()}*\n'+'\n'.join(said))

def machine():
    info = Path('/proc/cpuinfo').read_text(encoding='utf-8') if Path('/proc/cpuinfo').is_file() else ''
    cpu = next((l.split(':')[1].strip() for l in info.splitlines() if l.startswith('model name')), platform.processor())
    units = ', '.join(u for u in ('avx2', 'avx512f', 'avx512_bf16', 'amx_bf16') if u in info.split())
    n = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    used = ', '.join(f'{m} {version(m)}' for m in ('onnxruntime', 'numpy', 'pillow', 'torch') if m != 'torch' or m in sys.modules)
    return f'{cpu} ({units}), {n} cores, {platform.system()}, Python {platform.python_version()}, {used}, {date.today()}'

def fresh(*args):
    "Seconds and output of Python in a new process, which finds compiled modules as an installed package has them"
    env = {k: v for k,v in os.environ.items() if k != 'PYTHONDONTWRITEBYTECODE'}
    t = time.perf_counter()
    out = subprocess.run([sys.executable, *map(str, args)], check=True, capture_output=True, text=True, env=env).stdout
    return time.perf_counter()-t,out

def peak_flops(dtype, n=2048):
    "FLOP/s of the best of five large products of matrices"
    import torch
    a,b = torch.randn(n, n).to(dtype),torch.randn(n, n).to(dtype)
    def once(): t = time.perf_counter(); a@b; return time.perf_counter()-t
    return 2*n**3/min(once() for _ in range(5))

def bandwidth(n=2**27):
    "Bytes read and written a second by the best of five copies"
    a = np.zeros(n, np.uint8); b = a.copy()
    def once(): t = time.perf_counter(); np.copyto(b, a); return time.perf_counter()-t
    return 2*n/min(once() for _ in range(5))

def flops(net, shape, backward=False):
    "FLOP of one pass"
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    with FlopCounterMode(display=False) as c, torch.set_grad_enabled(backward):
        y = net(torch.zeros(shape))
        if backward: y.mean().backward()
    return c.get_total_flops()
