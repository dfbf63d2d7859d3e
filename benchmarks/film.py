"""What a film costs: python -m benchmarks.film CLIP... > benchmarks/film.csv
For each clip the frames a second of whole processes (median of `RUNS`), the peak of memory, and processor time of a frame by part, in ms. Needs the film extra and a
machine on which nothing else runs; on a busy one only the shares say something."""
import csv, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path
import numpy as np
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.chroma import chroma_cells, chroma_lines, paint_chroma
from colorize_nb.fields import Steady
from colorize_nb.film import Eye
from colorize_nb.film_file import Coding, Encoder, Film

RUNS = int(os.environ.get('RUNS', 5))
FRAMES = 96  # of the parts

class Clock:
    "Adds up the processor time of this process, all threads"
    def __init__(self): self.spent = {}
    def __call__(self, name, f, *args):
        began = time.process_time()
        out = f(*args)
        self.spent[name] = self.spent.get(name, 0)+time.process_time()-began
        return out

def painted(field, small, picture, store):
    ab = np.moveaxis(field[...,:2], -1, 0)
    return paint_chroma(picture.luma, chroma_lines(chroma_cells(ab, small.L, store), small.L/100), store)

def parts(path):
    "Processor time of a frame by part, in ms"
    clock = Clock()
    c = Colorizer.from_pretrained()
    with Film(path) as film:
        eye = Eye(c, film, Options())
        source = film.pictures()
        items = [p for _ in range(FRAMES) if (p := clock('decode', next, source, None))]
        smalls = [clock('small copy', eye.small, p) for p in items]
        steady = Steady(lambda i, small: clock('network', eye.colors, i, small))
        chunks = [clock('flow and filter', steady.add, i, s) for i,s in enumerate(smalls)]
        fields = [f for k in [*chunks, clock('flow and filter', steady.end)] if k for f in k.fields]
        clock.spent['flow and filter'] -= clock.spent['network']  # which is asked meanwhile
        chroma = [clock('paint', painted, f, s, p, film.storage) for f,s,p in zip(fields, smalls, items)]
        encoder = Encoder(film, Coding())
        for p,planes in zip(items, chroma): clock('encode', encoder.add, p, *planes)
        clock('encode', encoder.finish)
    return {k: 1e3*v/len(items) for k,v in clock.spent.items()}

def whole(path, folder):
    "Frames a second and peak memory in MB of a process"
    code = (f"import resource; from colorize_nb.film import Colorizer; r = Colorizer.from_pretrained().colorize_film({str(path)!r}, {str(folder/'o.mp4')!r}, "
            "overwrite=True, bar=False); print(r.frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024)")
    began = time.monotonic()
    frames,peak = map(float, subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True).stdout.split())
    return frames/(time.monotonic()-began),peak

def main(paths):
    out = csv.writer(sys.stdout, lineterminator='\n')
    names = ['decode', 'small copy', 'network', 'flow and filter', 'paint', 'encode']
    out.writerow(['clip', 'size', *names, 'all', 'frames a second', 'peak MB'])
    for path in map(Path, paths):
        with Film(path) as film: size = f'{film.storage.width}x{film.storage.height}'
        spent = parts(path)
        with tempfile.TemporaryDirectory() as folder: runs = [whole(path, Path(folder)) for _ in range(RUNS)]
        speed,peak = (statistics.median(v) for v in zip(*runs)) if runs else ('', '')
        row = [f'{spent.get(k, 0):.1f}' for k in names]
        out.writerow([path.stem, size, *row, f'{sum(spent.values()):.1f}', *(f'{v:.0f}' for v in (speed, peak) if v != '')])
        sys.stdout.flush()

if __name__ == '__main__': main(sys.argv[1:])
