"""The page without a server: its JavaScript gives what Python gives, and in a browser it does all of it alone.
tests/golden/web/cases.json holds what Python's functions give; after a change of these: python tests/test_web.py"""
import base64, json, shutil, subprocess
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from colorize_nb.color import AB_BINS, edge_lines, lightness, mean_chroma, resize
from colorize_nb.hints import _doubtful
from colorize_nb.paint import paint_pixels, seen_lightness, tone
from colorize_nb.colorizer import Look
from colorize_nb.steer import Hint, expected_error, hint_cells, likely_ab, pin, probabilities, shown_at, vivid_ab
from colorize_nb.weights import load_config
from conftest import OLD_PHOTO

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent/'golden/web/cases.json'
NODE = shutil.which('node')

def packed(a): return dict(t=a.dtype.char, shape=a.shape, data=base64.b64encode(np.ascontiguousarray(a)).decode())
def array(d, t=None): return np.frombuffer(base64.b64decode(d['data'] if isinstance(d, dict) else d), t or d['t'])
def shaped(d): return array(d).reshape(d['shape'])

def old(w, h, box=None): return np.asarray(Image.open(OLD_PHOTO).convert('L').resize((w,h), Image.BOX, box))
def sepia(x): return np.clip(x[...,None]*[1.02,.9,.72]+[6,3,0], 0, 255).astype(np.uint8)
def garden(w, h): # greens and reds
    y,x = np.mgrid[:h,:w]
    return np.stack([90+60*np.sin(x/5)*(y > h/2), 120+60*np.cos(y/7)+0*x, 60+40*np.sin((x+y)/9)], -1).astype(np.uint8)

def grid(seed, h, w, chroma=40.):
    "Cells as a network gives them: a*, b*, L*, logits"
    r = np.random.default_rng(seed)
    def soft(n): return np.stack([resize(r.normal(size=(4,5)), (h,w)) for _ in range(n)]).astype(np.float32)
    return soft(2)*chroma,np.clip(soft(1)[0]*25+50, 0, 100),(soft(313)*3).astype(np.float32)

def cases():
    "Name, what is called, and what goes in"
    r = np.random.default_rng(0)
    x = r.normal(size=(9,14)).astype(np.float32)
    for name,to,box,linear in (('larger', (31,20), None, False), ('smaller', (5,3), None, False), ('part', (10,10), (1.3,.4,12.1,7.5), False), ('lines', (40,9), (0,0,11.5,9), True)):
        yield dict(name=f'resize {name}', what='resize', x=packed(x), size=(14,9), to=to, box=box or (0,0,14,9), linear=linear)
    mixed = r.integers(0, 256, (16,16,3), np.uint8); mixed[::2] = mixed[::2,:,:1]
    yield dict(name='light', what='light', px=packed(mixed))
    face = old(45, 64, (180,60,300,220))
    for name,px in (('gray', face), ('sepia', sepia(face)), ('garden', garden(30, 130))): yield dict(name=f'tone {name}', what='tone', px=packed(px))
    for name,px,side in (('large', old(120, 89), 24), ('small', face[:7,:5].copy(), 32), ('long', old(150, 8), 32), ('colour', garden(60, 44), 48)):
        yield dict(name=f'seen {name}', what='seen', px=packed(px), side=side, multiple=32)
    for i,(name,px,strength,chroma) in enumerate((('gray', face, 1, 40), ('strong', face, 2.5, 60), ('sepia', sepia(face), 1, 30), ('wild', np.tile(np.arange(256, dtype=np.uint8), (10,1)), 1, 140))):
        ab,L,_ = grid(i, 11, 9, chroma)
        yield dict(name=f'paint {name}', what='paint', px=packed(px), ab=packed(ab), L=packed(L), seen=(8.25,10.5), strength=strength, crop=(7,3,20,6))
    points = [dict(x=3, y=4, color='#7a1f1f'), dict(x=5, y=4, color='#2040c0'), dict(x=99, y=119, color='#808080')]
    ab,L,logits = grid(7, 6, 5)
    yield dict(name='steer', what='steer', ab=packed(ab), L=packed(L), logits=packed(logits), seen=(4.5,5.75), photo=(100,120), points=points, vivid=.6,
               prior=load_config('default')['prior'], spot=(41,63), cell=(2,3))
    yield dict(name='shown', what='shown', lab=[[50,10,10], [30,60,-90], [95,-60,80], [5,40,30], [60,0,0], [100,20,20], [0,0,0]])

def made(c):
    "What Python makes of a case"
    if c['what'] == 'resize':
        l,t,r,b = c['box']
        return dict(out=packed(resize(shaped(c['x']), c['to'][::-1], (t,l,b,r), Image.BILINEAR if c['linear'] else Image.BICUBIC)))
    px = shaped(c['px']) if 'px' in c else None
    if c['what'] == 'light': return dict(out=packed(lightness(px)))
    if c['what'] == 'tone': return dict(out=tone(px)[0], chroma=mean_chroma(px))
    if c['what'] == 'seen':
        L,(h,w) = seen_lightness(px, c['side'], c['multiple'])
        return dict(out=packed(L), cells=packed(L.reshape(L.shape[0]//4, 4, -1, 4).mean((1,3))), size=[w,h])
    if c['what'] == 'paint':
        im,(x,y,w,h) = paint_pixels(px, shaped(c['ab']), shaped(c['L']), c['seen'][::-1], c['strength']),c['crop']
        return dict(out=packed(im), crop=packed(im[y:y+h,x:x+w]))
    if c['what'] == 'shown': return dict(out=[list(shown_at(L, ab)) for L,*ab in c['lab']])
    ab,L,logits,(w,h) = (*(shaped(c[k]) for k in ('ab', 'L', 'logits')), c['photo'])
    look = Look(ab, logits, L, tuple(c['seen'][::-1]))
    planes = hint_cells([Hint(**p) for p in c['points']], (h,w), look.seen, L.shape)
    def cell(v, n, s, g): return min(int((v+.5)/n*s), g-1)
    at = cell(c['spot'][1], h, look.seen[0], L.shape[0]),cell(c['spot'][0], w, look.seen[1], L.shape[1])
    likely = [('#%02x%02x%02x'%shown_at(L[at], o), p) for o,p in zip(*likely_ab(probabilities(logits[:,at[0],at[1]]), 6))]
    x,y = c['cell']
    colors = [o for o,p in zip(*likely_ab(probabilities(logits[:,y,x]), 8)) if p > .01 and np.hypot(*(o-ab[:,y,x])) > 15]
    other = dict(x=int((x+.5)/look.seen[1]*w), y=int((y+.5)/look.seen[0]*h), color='#%02x%02x%02x'%shown_at(L[y,x], colors[1%len(colors)]))
    return dict(planes=packed(planes), pinned=packed(pin(ab, L, planes).astype(np.float32)), vivid=packed(vivid_ab(ab, logits, c['vivid'], c['prior']).astype(np.float32)),
                error=packed(expected_error(logits, ab)), likely=[dict(color=k, p=float(p)) for k,p in likely], doubtful=[[int(x), int(y)] for y,x in _doubtful(look, 3)], other=other, bins=AB_BINS.tolist())

def whole(): return [c|dict(want=made(c)) for c in json.loads(json.dumps(list(cases())))]

def near(got, want, tol=1e-3):
    "Numbers, within a part of their range; bytes within one; text alike"
    if isinstance(want, dict) and 't' in want:
        a = array(got, want['t']).astype(float) if isinstance(got, str) else array(got).astype(float)
        b = array(want).astype(float)
        assert a.shape == b.shape and np.abs(a-b).max() <= (1 if want['t'] == 'B' else tol*max(1, np.abs(b).max())), np.abs(a-b).max()
    elif isinstance(want, dict): assert got.keys() == want.keys(); [near(got[k], v, tol) for k,v in want.items()]
    elif isinstance(want, list): assert len(got) == len(want); [near(g, v, tol) for g,v in zip(got, want)]
    elif isinstance(want, str) and want[:1] == '#': near([int(got[i:i+2], 16) for i in (1,3,5)], [int(want[i:i+2], 16) for i in (1,3,5)])
    elif isinstance(want, int): assert abs(got-want) <= 1
    elif isinstance(want, float): assert abs(got-want) <= tol*max(1, abs(want)), (got, want)
    else: assert got == want

GOLDEN = json.loads(CASES.read_text()) if CASES.exists() else []
NAMES = [c['name'] for c in GOLDEN]

@pytest.mark.parametrize('c', GOLDEN, ids=NAMES)
def test_python_gives_what_it_gave(c): near(made(c), c['want'])

@pytest.fixture(scope='module')
def javascript():
    if not NODE: pytest.skip('needs node')
    r = subprocess.run([NODE, Path(__file__).with_name('web.mjs'), CASES], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)

def rgb(data, shape): a = array(data, np.uint8).reshape(*shape[:2], -1); return a[...,:3]

@pytest.mark.parametrize('c', GOLDEN, ids=NAMES)
def test_javascript_gives_the_same(c, javascript):
    got,want = dict(javascript[c['name']]),dict(c['want'])
    if c['what'] != 'paint': return near(got, want, 1e-4)
    px,out = shaped(c['px']),want['out']
    for k in ('out', 'crop'):
        a,b = rgb(got[k], want[k]['shape']).astype(int),shaped(want[k]).astype(int)
        assert np.abs(a-b).max() <= 1 and (a != b).mean() < .02, (k, np.abs(a-b).max(), (a != b).mean())
    level = lightness(np.arange(256, dtype=np.uint8)[None])[0]
    def gray(L): return np.interp(L, level, np.arange(256)) # L* as a gray level
    assert np.abs(gray(lightness(rgb(got['out'], out['shape'])))-gray(lightness(px))).max() <= 1

if __name__ == '__main__': CASES.write_text('[\n'+',\n'.join(map(json.dumps, whole()))+'\n]\n')
