"""The large shelf of photos to train on:
python experiments/shelf.py SHELF --kept HASHES NAME=REPOSITORY[@COMMIT][:FOLDER]... [--most 5000] [--people NAMES]
Reads photos from bare git repositories, without a checkout, and writes squares of 288 px into SHELF/rgb.bin;
SHELF/index.json has their names, aspect ratios and faces (Haar's cascade, boxes as shares of the sides).
Left out: gray ones, small ones (short side under 200 px), long ones, repeats (difference hash within 3 bits), and all
that lie within 6 bits of a hash in HASHES: those judge the weights and must not be trained on.
Sources are taken in turn, so that the shelf can be used while it grows. A shelf that is there already grows: what it has
is not read again, and what is left out is counted for the last call. Needs opencv-python-headless<5."""
import argparse, io, json, re, subprocess, threading
from itertools import islice, zip_longest
from multiprocessing import Pool
from pathlib import Path
import numpy as np
from PIL import Image, ImageOps
from colorize_nb.color import mean_chroma

SIDE = 288     # of the squares, in pixels
LEAST = 200    # shortest side of a photo, in pixels
LONGEST = 2.5  # longest side, by the shortest
GRAY = 3.      # mean chroma
PHOTO = re.compile(r'\.(jpe?g|png|webp|jfif)$', re.I)

def dhash(im):
    "64 bits: is each of 8x8 pixels lighter than its right neighbour?"
    a = np.asarray(im.convert('L').resize((9,8), Image.BOX), np.int16)
    return int.from_bytes(np.packbits(a[:,1:] > a[:,:-1]).tobytes(), 'big')

def near(h, hashes, bits):
    "Does a hash differ from any of these in at most so many bits?"
    differ = np.unpackbits((hashes^np.uint64(h)).view(np.uint8)).reshape(-1, 64)  # numpy 1 has no bitwise_count
    return bool((differ.sum(1) <= bits).any())

def listed(git, commit, folder):
    "Object name -> path of every photo of a commit; equal files once"
    out = subprocess.run([*git, 'ls-tree', '-r', '-z', commit, folder or '.'], capture_output=True, check=True).stdout
    names = {}
    for line in filter(None, out.split(b'\0')):
        meta,path = line.split(b'\t', 1)
        path = path.decode('utf8', 'replace')
        if PHOTO.search(path): names.setdefault(meta.split()[2], path)
    return names

def blobs(repository, commit='HEAD', folder=''):
    "Every photo of a commit as (path, bytes); equal files once"
    git = ['git', '-C', repository]
    names = listed(git, commit, folder)
    asked = [*git, 'cat-file', '--batch', '--buffer']
    cat = subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 20)
    def ask():
        try:
            cat.stdin.write(b'\n'.join(names)+b'\n')
            cat.stdin.close()
        except BrokenPipeError: pass  # enough photos were read
    threading.Thread(target=ask, daemon=True).start()
    for _ in names:
        head = cat.stdout.readline().split()
        if len(head) < 3: continue  # listed, but not in this copy
        data = cat.stdout.read(int(head[2]))
        cat.stdout.read(1)
        yield names[head[0]],data
    cat.kill()

def faces(im, cascade=[]):  # noqa: B006 (loaded once in each process)
    import cv2
    if not cascade:
        cv2.setNumThreads(1)
        cascade.append(cv2.CascadeClassifier(cv2.data.haarcascades+'haarcascade_frontalface_alt2.xml'))
    small = im.convert('L')
    small.thumbnail((280,280))
    boxes = cascade[0].detectMultiScale(np.asarray(small), 1.17, 3, minSize=(14,14))
    size = np.array(small.size*2, float)
    return [(box/size).tolist() for box in boxes]

def square(job):
    "(name, aspect, hash, faces, bytes) of a photo, or why it is left out"
    name,data,kept,people = job
    try:
        im = Image.open(io.BytesIO(data))
        im.draft('RGB', (2*SIDE,2*SIDE))
        im = ImageOps.exif_transpose(im).convert('RGB')
    except Exception: return 'unreadable'
    short,long = sorted(im.size)
    if short < LEAST: return 'small'
    if long > LONGEST*short: return 'long'
    h = dhash(im)
    if near(h, kept, 6): return 'kept apart'
    small = im.resize((SIDE,SIDE), Image.BICUBIC, reducing_gap=3)
    if mean_chroma(small) < GRAY: return 'gray'
    boxes = faces(im) if people else []
    return name,im.width/im.height,h,boxes,np.asarray(small).transpose(2,0,1).tobytes()

def source(s):
    "(name, repository, commit, folder) of an argument"
    name,_,rest = s.partition('=')
    m = re.fullmatch(r'(.*?)(?:@([0-9a-fA-F]+|HEAD))?(?::(.*))?', rest)
    return name,m[1],m[2] or 'HEAD',m[3] or ''

def stream(src, most, kept, people, has):
    "The jobs of a source, without the photos that the shelf has"
    name,repository,commit,folder = src
    for path,data in islice(blobs(repository, commit, folder), most):
        if f'{name}/{path}' not in has: yield f'{name}/{path}',data,kept,people

class Writer:
    "Writes squares one after the other, and an index of them"
    def __init__(self, folder, most):
        self.folder = folder
        self.index = dict(side=SIDE, names=[], aspect=[], faces=[], left_out={})
        self.hashes = np.zeros(most, np.uint64)
        if (folder/'index.json').is_file(): self.go_on()
    def go_on(self):
        "Take over what the shelf has"
        self.index = json.loads((self.folder/'index.json').read_text())|dict(left_out={})  # those are read again
        if not len(self): return  # an empty file can't be mapped
        rgb = np.memmap(self.folder/'rgb.bin', np.uint8, 'r', shape=(len(self),3,SIDE,SIDE))
        had = [dhash(Image.fromarray(np.moveaxis(s, 0, -1))) for s in rgb]
        self.hashes = np.concatenate([np.array(had, np.uint64), self.hashes])
    def __len__(self): return len(self.index['names'])
    def add(self, found, f):
        "Write a photo into the open file `f`, or count why it is left out"
        if isinstance(found, tuple) and near(found[2], self.hashes[:len(self)], 3): found = 'repeat'
        if isinstance(found, str):
            left = self.index['left_out']
            left[found] = left.get(found, 0)+1
            return
        name,aspect,h,boxes,rgb = found
        self.hashes[len(self)] = h
        f.write(rgb)
        for k,v in dict(names=name, aspect=aspect, faces=boxes).items(): self.index[k].append(v)
        if len(self)%1000: return
        f.flush()
        self.save()
    def save(self):
        tmp = self.folder/'index.tmp'
        tmp.write_text(json.dumps(self.index))
        tmp.replace(self.folder/'index.json')
        print(f"{len(self)} photos; left out: {self.index['left_out']}", flush=True)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument('shelf', type=Path)
    a.add_argument('sources', nargs='+', type=source)
    a.add_argument('--kept', type=Path, required=True)
    a.add_argument('--most', type=int, default=5000)
    a.add_argument('--people', default='', help='sources in which faces are looked for, with commas; default all')
    o = a.parse_args()
    kept = np.array([int(v, 16) for v in o.kept.read_text().split()], np.uint64)
    people = set(filter(None, o.people.split(','))) or {s[0] for s in o.sources}
    o.shelf.mkdir(parents=True, exist_ok=True)
    writer = Writer(o.shelf, o.most*len(o.sources))
    has = frozenset(writer.index['names'])
    streams = [stream(s, o.most, kept, s[0] in people, has) for s in o.sources]
    jobs = (job for turn in zip_longest(*streams) for job in turn if job)
    with open(o.shelf/'rgb.bin', 'ab') as f, Pool(2) as pool:
        f.truncate(len(writer)*3*SIDE*SIDE)  # squares that no index names: a run was stopped
        for found in pool.imap(square, jobs, chunksize=8): writer.add(found, f)
    writer.save()

if __name__ == '__main__': main()
