"""Damaged and hostile photos, archives and model folders, in any number: python tools/fuzz.py [N] [SEED]

Each case is made from a kind, a seed and a number, so one that fails can be made again: python tools/fuzz.py KIND SEED FIRST LAST.
N cases of each kind run in processes of their own, 200 at a time, so that a crash or a hang is counted and does not end the rest.
"""
import hashlib, io, json, os, struct, subprocess, sys, tempfile, time, zipfile
from collections import Counter
from pathlib import Path
import numpy as np
from PIL import Image, features
sys.path.insert(0, str(Path(__file__).parents[1]/'tests'))
from test_trust import folder, pointing
from colorize_nb.batch.sources import archive_photos
from colorize_nb import Colorizer
from colorize_nb.files.pixels import PhotoError
from colorize_nb.network.weights import ModelError, load_config

KINDS = ('photo', 'archive', 'model')
SLOW,MOST = 20,4*2**30 # seconds a case may take; bytes of address space

def photos():
    "Small photos of every kind that is written here, by suffix"
    g = np.add.outer(np.arange(40)*3, np.arange(30)*4).astype(np.uint8)
    exif = Image.Exif(); exif[274],exif[315] = 6,'Lange'
    rgb,out = Image.fromarray(np.dstack([g, g[::-1], g[:,::-1]])),[]
    def add(suffix, im, fmt, **kw): im.save(b := io.BytesIO(), fmt, **kw); out.append((suffix, b.getvalue()))
    for fmt,s in (('JPEG','.jpg'), ('PNG','.png'), ('TIFF','.tif'), ('WEBP','.webp'), ('BMP','.bmp')): add(s, Image.fromarray(g), fmt); add(s, rgb, fmt, **({} if fmt == 'BMP' else dict(exif=exif)))
    add('.jpg', rgb.convert('CMYK'), 'JPEG'); add('.jpg', rgb, 'JPEG', progressive=True)
    add('.png', Image.fromarray(g.astype(np.uint16)*257), 'PNG'); add('.png', rgb.convert('RGBA'), 'PNG'); add('.png', rgb.convert('P'), 'PNG')
    add('.tif', Image.fromarray(g.astype(np.uint16)*257), 'TIFF'); add('.tif', Image.fromarray(g/np.float32(255)), 'TIFF')
    for c in ('tiff_lzw','tiff_adobe_deflate','packbits','jpeg'): add('.tif', Image.fromarray(g), 'TIFF', compression=c)
    add('.tif', rgb, 'TIFF', save_all=True, append_images=[Image.fromarray(g)]*2)
    add('.jp2', Image.fromarray(g), 'JPEG2000'); add('.jp2', Image.fromarray(g.astype(np.uint16)*257), 'JPEG2000'); add('.j2k', rgb.convert('RGBA'), 'JPEG2000', no_jp2=True, irreversible=True)
    if features.check('avif'): add('.avif', rgb, 'AVIF')
    cases = Path(__file__).parents[1]/'tests'/'cases'
    return out+[(p.suffix, p.read_bytes()) for p in sorted(cases.glob('second_*')) if p.suffix in ('.jp2', '.png', '.jpg')]

def tiff(*entries, order='<', data=b''):
    "A TIFF of 8x8 gray pixels with these entries besides, each (tag, type, count, value or place); `data` lies at 8"
    at = 8+len(data); base = {256:(3,1,8), 257:(3,1,8), 258:(3,1,8), 259:(3,1,1), 262:(3,1,1), 277:(3,1,1), 278:(3,1,8), 279:(4,1,64)}
    every = {k: (k,*v) for k,v in base.items()}|{e[0]: e for e in entries}
    every[273] = (273, 4, 1, at+6+12*(len(every)+(273 not in every)))
    def entry(k, kind, n, v): return struct.pack(order+'HHI', k, kind, n)+(v if isinstance(v, bytes) else struct.pack(order+('H2x' if kind == 3 and n == 1 else 'I'), v))
    return ((b'II*\0' if order == '<' else b'MM\0*')+struct.pack(order+'I', at)+data+struct.pack(order+'H', len(every))
            +b''.join(entry(*every[k]) for k in sorted(every))+bytes(4)+bytes(range(64)))

def hostile():
    "Photos that lie: sizes that are no numbers, entries that all point at the same bytes, transparency and depths that are rare"
    for order in '<>':
        for v in (float('nan'), float('inf'), -4., 1e30): yield '.tif',tiff((256, 11, 1, struct.pack(order+'f', v)), order=order)
        yield '.tif',tiff((257, 9, 1, struct.pack(order+'i', -4)), order=order)
        yield '.tif',tiff(*((k, 7, 5000, 8) for k in range(40_000, 40_200)), order=order, data=bytes(5000))
    yield '.tif',tiff((277, 3, 1, 65534)); yield '.tif',tiff((279, 4, 1, 2**32-1))
    exif = tiff(*((k, 7, 3000, 8) for k in range(40_000, 40_200)), data=bytes(3000))
    Image.new('L', (9,9), 99).save(b := io.BytesIO(), 'JPEG', exif=b'Exif\0\0'+exif[:60_000]); yield '.jpg',b.getvalue()
    Image.new('L', (9,9), 99).save(b := io.BytesIO(), 'PNG', transparency=99, bits=4); yield '.png',b.getvalue()

def mutate(rng, b):
    "Bytes with one to four changes, most of them near the start or the end, where formats keep what they trust"
    b = bytearray(b)
    for _ in range(rng.integers(1, 5)):
        n = len(b)
        if not n: break
        i = int(rng.choice([rng.integers(n), rng.integers(min(n, 200)), n-1-rng.integers(min(n, 200))]))
        how = rng.integers(8)
        if how == 0: b[i] = rng.integers(256)
        elif how == 1: b[i] ^= 1 << rng.integers(8)
        elif how == 2: del b[i:]
        elif how == 3: del b[i:i+int(rng.integers(1, 40))]
        elif how == 4: b[i:i] = rng.bytes(int(rng.integers(1, 40)))
        elif how == 5: b[i:i] = b[i:i+int(rng.integers(1, 400))]
        elif how == 6: b[i:i+1] = bytes([b[i] | 128, *[128]*int(rng.integers(4)), int(rng.choice([0, 16, 64]))])  # a varint of more bytes
        else: b[i:i+4] = struct.pack(rng.choice(['<I','>I']), int(rng.choice([0, 1, 2**16-1, 2**31-1, 2**31, 2**32-1])))
    return bytes(b)

def _checked(report, out):
    "What became of the photos; raises where the report and the files disagree"
    made = {p for p in out.rglob('*') if p.is_file()}
    assert made == {Path(r.dst) for r in report.of('done')}, (made, report.rows)
    for r in report.failed: assert r.reason and r.reason.isprintable() and len(r.reason) < 500, r
    for r in report.of('done'):
        with Image.open(r.dst) as im: im.load(); assert im.size == tuple(r.size), r
    return Counter(r.status for r in report.rows)

def _toy():
    def orange(L): return np.tile(np.float32([[[[.2]],[[.4]]]]), (1,1,L.shape[2]//4,L.shape[3]//4))
    return Colorizer(lambda L, hints: [orange(L)], load_config('default'))

def photo(rng, d):
    "One damaged photo"
    seeds = [*photos(), *hostile()]; suffix,b = seeds[rng.integers(len(seeds))]
    (d/'s').mkdir(); (d/'s'/f'a{suffix}').write_bytes(mutate(rng, b))
    return _checked(_toy().colorize_folder(d/'s', d/'o', bar=False, jobs=1, max_pixels=10**7), d/'o')

def archive(rng, d):
    "One damaged zip file of three photos, with names that are not all well meant"
    seeds,names = photos(),['a/b.png','../up.png','/abs.png','x'*300+'.png','C:/d.png','é.png','a.png','A.PNG','link.png','nul.png','A: Turku.png']
    with zipfile.ZipFile(b := io.BytesIO(), 'w', int(rng.choice([0,8,12,14]))) as z:
        for n in rng.choice(names, 3, replace=False): z.writestr(str(n), seeds[rng.integers(len(seeds))][1])
    (d/'a.zip').write_bytes(mutate(rng, b.getvalue()))
    try: archive_photos(d/'a.zip')
    except PhotoError as e: assert str(e).isprintable(), e; return Counter(refused=1)
    return _checked(_toy().colorize_folder(d/'a.zip', d/'o', bar=False, jobs=1, max_pixels=10**7), d/'o')

def model(rng, d):
    "A model folder with one damaged file, its hash made to fit"
    m = folder(d/'m', pointing('w.bin', over=int(rng.choice([0, 0, 2**32, 2**34]))))
    f = m/str(rng.choice(['model.onnx','model.onnx','config.json','w.bin']))
    f.write_bytes(mutate(rng, f.read_bytes()))
    if f.suffix != '.json':
        cfg = json.loads((m/'config.json').read_text()); cfg['files'][f.name] = hashlib.sha256(f.read_bytes()).hexdigest(); (m/'config.json').write_text(json.dumps(cfg))
    try: c = Colorizer.from_pretrained(m)
    except ModelError as e: assert str(e).isprintable() or '\n' not in str(e), e; return Counter(refused=1)
    (d/'s').mkdir(); Image.new('L', (40,30), 128).save(d/'s'/'a.png')
    return Counter(loaded=1)+_checked(c.colorize_folder(d/'s', d/'o', bar=False, jobs=1), d/'o')

def cases(kind, seed, first, last, tell=lambda i: None):
    "What became of these cases; raises where one is not as it should be"
    total = Counter()
    for i in range(first, last):
        tell(i)
        with tempfile.TemporaryDirectory() as d:
            start = time.monotonic()
            total += globals()[kind](np.random.default_rng([KINDS.index(kind), seed, i]), Path(d))
            assert time.monotonic()-start < SLOW, f'{kind} {seed} {i} is slow'
    return total

def main(n, seed):
    for kind in KINDS:
        total,first,start = Counter(),0,time.monotonic()
        while first < n:
            last = min(n, first+200)
            with tempfile.TemporaryFile() as said:
                try: r = subprocess.run([sys.executable, __file__, kind, str(seed), str(first), str(last)], stdout=subprocess.PIPE, stderr=said, timeout=SLOW*40)
                except subprocess.TimeoutExpired: r = None
                said.seek(0); told = said.read().decode('utf-8', 'replace').splitlines()
            if r and r.returncode == 0: total += Counter(json.loads(r.stdout)); total['lines of libraries'] += sum(not t.startswith('case ') for t in told); first = last; continue
            bad = [int(t.split()[1]) for t in told if t.startswith('case ')][-1]
            total['hangs' if r is None else 'crashes' if r.returncode < 0 else 'wrong'] += 1
            print(f'{kind} {seed} {bad} {bad+1}: {told[-1]}', flush=True)
            if bad > first: total += Counter(json.loads(subprocess.run([sys.executable, __file__, kind, str(seed), str(first), str(bad)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout))
            first = bad+1
        print(f'{kind}: {n} cases, {dict(sorted(total.items()))}, {time.monotonic()-start:.0f} s', flush=True)

if __name__ == '__main__':
    if sys.argv[1:2] and sys.argv[1] in KINDS:
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (MOST,MOST))
        print(json.dumps(cases(sys.argv[1], *map(int, sys.argv[2:5]), tell=lambda i: os.write(2, b'case %d\n' % i))))
    else: main(*([int(a) for a in sys.argv[1:3]]+[3000, 0][len(sys.argv)-1:]))
