"""The page without a server: its JavaScript gives what Python gives, and in a browser it does all of it alone.
tests/golden/web/cases.json holds what Python's functions give; after a change of these: python tests/test_web.py"""
import base64, io, json, os, re, shutil, subprocess, zipfile
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
import numpy as np, pytest
from PIL import Image
from colorize_nb.align import find_places
from colorize_nb.color import AB_BINS, lightness, mean_chroma, resize
from colorize_nb.hints import _doubtful, _other_hint, likely_ab, usual_chroma
from colorize_nb.files.photo import open_photo
from colorize_nb.files.pixels import PhotoError
from colorize_nb.paint import paint_pixels, seen_lightness, tone
from colorize_nb.colorizer import Look
from colorize_nb.hint_text import Hint
from colorize_nb.steer import agreed_ab, agreed_at, belonging, expected_error, hint_cells, pin, reach_cells, shown_at, spread, steered_ab, vivid_ab
from colorize_nb.network.weights import load_config
from colorize_nb.transfer import taken_colors
from colorize_nb import Colorizer
from conftest import OLD_PHOTO

ROOT = Path(__file__).parent.parent
ORT = Path(os.environ.get('ORT_WEB', ROOT/'_docs/npm/node_modules/onnxruntime-web')) # as tools/site.py installs it
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

def dyed(x): # somebody's colours: red on the left, blue on the right
    side = np.linspace(-1, 1, x.shape[1])[None]
    return np.stack([x*(.75-.25*side), x*.5+0*side, x*(.75+.25*side)], -1).astype(np.uint8)

def grid(seed, h, w, chroma=40.):
    "Cells as a network gives them: a*, b*, L*, logits"
    r = np.random.default_rng(seed)
    def soft(n): return np.stack([resize(r.normal(size=(4,5)), (h,w)) for _ in range(n)]).astype(np.float32)
    return soft(2)*chroma,np.clip(soft(1)[0]*25+50, 0, 100),(soft(313)*3).astype(np.float32)

def waves(h, w):
    "Logits that web.mjs can make too: a hill of colours that moves, and ripples"
    y,x = np.mgrid[:h,:w]
    a,b = AB_BINS.astype(float).T[:,:,None,None]
    hill = (a-30*np.cos(.21*x+.13*y))**2+(b-20-30*np.sin(.11*x-.3*y))**2
    return (np.cos(1.7*np.arange(len(AB_BINS))[:,None,None]+.9*x+1.1*y)-hill/800).astype(np.float32)

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
    hints = [dict(x=3, y=4, color='#7a1f1f'), dict(x=5, y=4, color='#2040c0', reach=.2), dict(x=99, y=119, color='#808080')]
    ab,L,logits = grid(7, 6, 5)
    yield dict(name='steer', what='steer', ab=packed(ab), L=packed(L), logits=packed(logits), seen=(4.5,5.75), photo=(100,120), hints=hints, vivid=.6,
               prior=load_config('default')['prior'], spot=(41,63), cell=(2,3), turn=.7)
    for name,(h,w),light in (('odd', (7,13), None), ('one', (1,1), None), ('flat', (9,8), 60), ('alone', (9,9), 80), ('large', (61,60), None)):
        L = grid(8, h, w)[1] if light is None else np.full((h,w), light, np.float32)
        if name == 'alone': L[4,3] = 58 # no other is nearly as dark
        yield dict(name=f'agree {name}', what='agree', L=packed(L), vivid=.5, prior=load_config('default')['prior'], cell=(w//2,h//3))
    near,usual,far = (dict(x=x, y=y, color=c, **k) for x,y,c,k in ((30, 30, '#7a1f1f', dict(reach=0)), (70, 90, '#2040c0', {}), (99, 119, '#30a040', dict(reach=1))))
    for name,(h,w),hints in (('odd', (7,13), [near, usual, far]), ('far', (6,5), [far]), ('flat', (9,8), [usual]), ('large', (101,13), [near, usual, near|dict(x=80, y=20, reach=.33)])):
        ab,L,_ = grid(9, h, w)
        if name == 'flat': L[:] = 60
        yield dict(name=f'reach {name}', what='reach', ab=packed(ab), told=packed(ab*.5+10), L=packed(L), seen=(w-.5,h-.25), photo=(100,120), hints=hints)
    for name,turn,box,grainy in (('askew', 5, (20,30,480,640), 0), ('stretched', 0, (0,60,500,600), 0), ('grainy', -3, (0,0,500,651), 25)):
        gray = Image.fromarray(old(500, 651)).rotate(turn, Image.BICUBIC).crop(box).resize((66,70) if name == 'stretched' else (66,84), Image.BOX)
        own = np.clip(old(60, 78).astype(int)+np.random.default_rng(1).normal(0, grainy, (78,60)), 0, 255).astype(np.uint8)
        yield dict(name=f'align {name}', what='align', px=packed(own), other=packed(np.asarray(gray)), grid=(9,11))
    yield dict(name='align nothing', what='align', px=packed(old(60, 78)), other=packed(old(7, 9)), grid=(9,11))
    ab,L,_ = grid(5, 7, 6)
    for name,quarter,box in (('upright', 0, (0,0,500,400)), ('on its side', 1, (30,0,500,651))):
        other = np.rot90(dyed(old(70, 86, box)), quarter)
        yield dict(name=f'transfer {name}', what='transfer', px=packed(old(44, 57)), other=packed(other), ab=packed(ab), L=packed(L), seen=(5.5,7), hints=[dict(x=14, y=9, color='#2f5d8a')])
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
    if c['what'] == 'align':
        found = find_places(lightness(px), lightness(shaped(c['other'])))
        at,sure = found.on(*c['grid'][::-1])
        return dict(at=packed(at.astype(np.float32)), sure=packed(sure), all=float(found.sure.mean()))
    if c['what'] == 'transfer':
        photo,look = open_photo(px),Look(shaped(c['ab']), None, shaped(c['L']), tuple(c['seen'][::-1]))
        taken = taken_colors(photo, shaped(c['other']))
        guess,told = [],SimpleNamespace(look=lambda x, o, hints: guess.append(hints) or look)
        plain,hinted = (Colorizer._completed(told, px, None, [Hint(**p) for p in hints], taken) for hints in ([], c['hints']))
        return dict(taken=taken.share, known=packed(taken.ab.astype(np.float32)), sure=packed(taken.sure), hints=[dict(x=float(h.x), y=float(h.y), color='#%02x%02x%02x'%h.color) for h in guess[0]],
                    plain=packed(plain.astype(np.float32)), hinted=packed(hinted.astype(np.float32)))
    if c['what'] == 'shown': return dict(out=[list(shown_at(L, ab)) for L,*ab in c['lab']])
    if c['what'] == 'agree':
        L,(x,y) = shaped(c['L']),c['cell']
        logits = waves(*L.shape)
        ab = np.stack([L-50, 50-L])
        return dict(agreed=packed(agreed_ab(logits, L, c['prior'])), at=packed(agreed_at(logits, L, (y,x))),
                    vivid=packed(vivid_ab(ab, logits, c['vivid'], c['prior'], L).astype(np.float32)))
    hints = [Hint(**p) for p in c['hints']]
    (w,h),seen = c['photo'],tuple(c['seen'][::-1])
    if c['what'] == 'reach':
        ab,told,L = (shaped(c[k]) for k in ('ab', 'told', 'L'))
        planes,reach = (f(hints, (h,w), seen, L.shape) for f in (hint_cells, reach_cells))
        logits = waves(*L.shape)
        made = dict(reach=reach, spread=spread(ab, L, planes), alone=belonging(L, reach), belonging=belonging(L, reach, logits),
                    steered=steered_ab(ab, told, L, planes, reach, logits))
        return {k: packed(v.astype(np.float32)) for k,v in made.items()}
    ab,L,logits = (shaped(c[k]) for k in ('ab', 'L', 'logits'))
    look = Look(ab, logits, L, seen)
    planes = hint_cells(hints, (h,w), seen, L.shape)
    def cell(v, n, s, g): return min(int((v+.5)/n*s), g-1)
    at = cell(c['spot'][1], h, look.extent[0], L.shape[0]),cell(c['spot'][0], w, look.extent[1], L.shape[1])
    likely = [('#%02x%02x%02x'%shown_at(L[at], o), p) for o,p in zip(*likely_ab(agreed_at(logits, L, at), 6))]
    x,y = c['cell']
    shares = agreed_at(logits, L, (y,x))
    others = [_other_hint(look, shares, (y,x), (h,w), c['turn'], differs, c['prior']) for differs in (True, False)]
    others = [dict(x=o.x, y=o.y, color='#%02x%02x%02x'%o.color, reach=o.reach) for o in others]
    return dict(usual=usual_chroma(c['prior']), planes=packed(planes), pinned=packed(pin(ab, L, planes).astype(np.float32)), vivid=packed(vivid_ab(ab, logits, c['vivid'], c['prior'], L).astype(np.float32)),
                error=packed(expected_error(logits, ab)), likely=[dict(color=k, p=float(p)) for k,p in likely], doubtful=[[int(x), int(y)] for y,x in _doubtful(look, 3)], others=others, bins=AB_BINS.tolist())

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
    r = subprocess.run([NODE, Path(__file__).with_name('web.mjs'), CASES], capture_output=True, text=True, timeout=200)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)

def rgb(data, shape): a = array(data, np.uint8).reshape(*shape[:2], -1); return a[...,:3]

@pytest.mark.parametrize('c', GOLDEN, ids=NAMES)
def test_javascript_gives_the_same(c, javascript):
    got,want = javascript[c['name']].copy(),c['want'].copy()
    if c['what'] == 'transfer': # a level of the picture here and there: Pillow rounds after each side
        for k in ('known', 'plain', 'hinted'):
            off = np.abs(array(got.pop(k), 'f')-array(want.pop(k)))
            assert off.max() < 1.2 and off.mean() < .2, (k, off.max(), off.mean())
    if c['what'] != 'paint': return near(got, want, 1e-4)
    px,out = shaped(c['px']),want['out']
    for k in ('out', 'crop'):
        a,b = rgb(got[k], want[k]['shape']).astype(int),shaped(want[k]).astype(int)
        assert np.abs(a-b).max() <= 1 and (a != b).mean() < .02, (k, np.abs(a-b).max(), (a != b).mean())
    level = lightness(np.arange(256, dtype=np.uint8)[None])[0]
    def gray(L): return np.interp(L, level, np.arange(256)) # L* as a gray level
    assert np.abs(gray(lightness(rgb(got['out'], out['shape'])))-gray(lightness(px))).max() <= 1

def test_the_page_has_pythons_values():
    "What the build writes for the browser, beside what a server tells its page"
    pytest.importorskip('starlette', reason='needs the app extra')
    from colorize_nb.page import previews, routes, sessions
    from test_site import load
    built,server = load('site').page_values('pip install it'),routes.page_settings(sessions.Server(ROOT))
    for k in ('local', 'models', 'sliders', 'accept', 'films'): assert built['settings'][k] == server[k]
    assert built['settings']['limits'] == server['limits']|dict(upload=previews.Settings().photo) and 'TIFF' not in built['settings']['kinds'] and 'pip install it' in built['settings']['more']
    assert built['settings']['film'] == f"{server['film']}; first pip install it" and 'colorize film.mp4' in server['film']
    page = built['page']
    assert page['limits']['pixels'] == previews.Settings().pixels and page['notes'].items() < previews.NOTES.items() and page['previewPixels'] == previews.PREVIEW_PIXELS
    worker = (ROOT/'browser/worker.js').read_text()
    assert not [text for text in previews.NOTES.values() if text in worker] and '60e6' not in worker

# ---- its words

WEB = ROOT/'colorize_nb/page/web'
WORDS = WEB/'words.js'
FORMATS,KEYS = {'Matroska or WebM'},{'Enter', 'nearly gray'} # names that no language changes; of keyboards, and of a note
ATTRIBUTES = {'aria-label':'data-words-label', 'title':'data-words-title', 'alt':'data-words-alt', 'placeholder':''}

@pytest.fixture(scope='module')
def words():
    "Keys and texts of each language"
    if not NODE: pytest.skip('needs node')
    code = f"import {{WORDS}} from '{WORDS.as_uri()}'; console.log(JSON.stringify(WORDS))"
    r = subprocess.run([NODE, '--input-type=module', '-e', code], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)

def scripts():
    "Each script of both pages but that of the words, without its comments"
    for f in sorted([*WEB.glob('*.js'), *(ROOT/'browser').glob('*.js')]):
        if f.name != 'words.js': yield f,re.sub(r'(?m)(^|\s)//.*$|/\*.*?\*/', '', f.read_text(encoding='utf-8'))

def literals(code):
    "The texts in quotes; what a template puts in is left out"
    for quoted in re.findall(r"'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`", code):
        text = ''.join(quoted)
        while (left := re.sub(r'\$?\{[^{}]*\}', '§', text)) != text: text = left
        yield text

def is_sentence(text):
    "Whether a text is for people: two words, or a value and a word, that are no selector, style or name of a format"
    return bool(re.search(r'(§|[A-Za-z]{2,})[,;:.]? [a-z]{2,}', text)) and not re.search(r'[#\[\]=<>]|^\.|: \w+;|script-src', text) and text not in FORMATS

class Dressed(HTMLParser):
    "What the page says before its scripts run: keys and their texts, and texts without a key"
    def __init__(self, text): super().__init__(); self.path,self.keyed,self.bare = [],[],[]; self.feed(text)
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag not in ('meta', 'link', 'img', 'input', 'path', 'circle', 'use'): self.path.append((tag, a.get('data-words')))
        for name,key in ATTRIBUTES.items():
            if not a.get(name): continue
            if a.get(key): self.keyed.append((a[key], a[name]))
            else: self.bare.append(a[name])
    def handle_startendtag(self, tag, attrs): pass
    def handle_endtag(self, tag):
        while self.path.pop()[0] != tag: pass
    def handle_data(self, data):
        key = self.path[-1][1] if self.path else None
        if not re.search('[A-Za-z]', data) or {'noscript', 'script'} & {t for t,_ in self.path}: return
        if key: self.keyed.append((key, data.strip()))
        else: self.bare.append(data.strip())

def from_python():
    "Sentences that Python gives the page"
    pytest.importorskip('starlette', reason='needs the app extra')
    from colorize_nb.page import previews, routes, sessions
    from test_site import load
    served,built = routes.page_settings(sessions.Server(ROOT)),load('site').page_values('pip install it')['settings']
    return [*previews.NOTES.values(), *(s[k] for s in (served, built) for k in ('kinds', 'film')), built['more'], previews.UNFORESEEN]

def refusals(tmp_path):
    "Why Python refuses files, and in fixed words"
    from colorize_nb.page import previews
    page,tiff = Image.fromarray(garden(9, 9)),io.BytesIO()
    page.save(tiff, 'TIFF', save_all=True, append_images=[page])
    photo,pages = OLD_PHOTO.read_bytes(),tiff.getvalue()
    for data in (b'', b'no picture', b'%PDF-1.7'+bytes(99), photo, photo[:2000], pages, pages[:40]):
        (tmp_path/'x').write_bytes(data)
        with pytest.raises(PhotoError) as e: previews.open_upload(previews.Upload('x', tmp_path/'x'), previews.Settings(pixels=1000 if data == photo else 10**6))
        yield str(e.value)
    yield str(previews.advised('HEIC needs the heic extra'))
    code = ''.join(f.read_text(encoding='utf-8') for f in (ROOT/'colorize_nb').glob('*/*.py'))
    fixed = ('too many visitors; come back in a while', 'the photo is too small to be found in a picture')
    for text in ('HEIC needs the heic extra', *fixed): assert text in code
    yield from fixed

def refused_pictures():
    "Why a picture gives no colours, and an archive no photos"
    from types import SimpleNamespace
    from colorize_nb.page.sessions import _refuse_others
    from colorize_nb.transfer import open_picture
    old = np.asarray(Image.open(OLD_PHOTO))
    for picture in (old, garden(1, 9), np.dstack([garden(300, 200), np.zeros((200,300), np.uint8)])):
        with pytest.raises(PhotoError) as e: open_picture(picture)
        yield str(e.value).removeprefix('the other picture: ')
    with pytest.raises(PhotoError) as e: Colorizer.from_pretrained().colorize(old, colors_from=garden(300, 200))
    yield str(e.value).removeprefix('the other picture: ')
    yield '3 pages; give a single picture'
    said = []
    for name in ('a.docx', 'a.xlsx', 'a.pptx', 'a.zip'): _refuse_others(SimpleNamespace(refuse=lambda n, why: said.append(why)), name, [], [])
    yield from said

def refused_entries():
    "Why a file in an archive is no photo"
    from colorize_nb.batch.sources import Entry, _outcome
    faults = dict(name='x.txt'),dict(name='../up.jpg'),dict(flags=1),dict(method=9),dict(size=2**30),dict(size=10**7),dict(name='a.mp4'),dict(names={'a.jpg'})
    for f in faults:
        info = zipfile.ZipInfo(f.get('name', 'a.jpg'))
        info.flag_bits,info.compress_type,info.file_size,info.compress_size = f.get('flags', 0),f.get('method', 8),f.get('size', 9),9
        yield _outcome(Entry(None, info), f.get('names', ()), None)[1]

def test_every_word_has_a_key_and_every_key_a_use(words, tmp_path):
    en = words['en']
    html = Dressed((WEB/'index.html').read_text(encoding='utf-8'))
    assert not html.bare and all(en[key] == text for key,text in html.keyed)
    used,sentences,groups = {key for key,_ in html.keyed},[],{key.split('.')[0] for key in en if '.' in key}
    for f,code in scripts():
        texts = list(literals(code))
        used |= {key for key in en if f"'{key}'" in code}
        for start in {t.removesuffix('§') for t in texts if re.fullmatch(r'[a-z]+\.§', t)}: used |= {key for key in en if key.startswith(start)}
        asked = re.findall(r"(?:(?<!\.)\b(?:say\(|english\(|put\([^,\n]+, )|\.(?:wait|forgive)\()'([^']+)'", code)
        asked += [t for t in texts if re.fullmatch(r'[a-z]+\.(?!jpg)[a-z ]+', t) and t.split('.')[0] in groups] # in a choice of two
        assert not [key for key in asked if key not in en], f.name
        sentences += [f'{f.name}: {t}' for t in texts if t not in en and t not in KEYS and (is_sentence(t) or t.istitle() and t in en.values())]
    assert not sentences
    patterns = {k: re.sub(r'\\\{(\w+)\\\}', r'(?P<\1>.+)', re.escape(t)) for k,t in en.items() if k.startswith('said.')}
    todo = [*from_python(), *refusals(tmp_path), *refused_pictures(), *refused_entries()]
    for text in todo:
        found = {k: m for k,p in patterns.items() if (m := re.fullmatch(p, text))}
        assert len(found) == 1, (text, found.keys())
        used |= found.keys()
        todo += [why for m in found.values() if (why := m.groupdict().get('why')) and 'said.accepted' in found] # of two parts
        todo += [m['kind'] for m in found.values() if 'said.no photos in it' in found]
    assert sorted(en.keys()-used) == []

def forms(text): return [text] if isinstance(text, str) else list(text.values()) # a plural has several

def asked(text): return {*re.findall(r'\{(\w+)\}', text)} # placeholders

def test_languages_have_the_same_keys_and_placeholders(words):
    en = words['en']
    assert set(words) == {'en', 'de', 'fr', 'es'}
    for language,texts in words.items():
        assert list(texts) == list(en), language # in the same order
        for key,text in texts.items():
            assert isinstance(text, str) == isinstance(en[key], str), (language, key)
            assert [*map(asked, forms(text))] == [*map(asked, forms(en[key]))], (language, key)
            assert all(t.strip() == t and t and '  ' not in t for t in forms(text)), (language, key)

def test_words_are_said_in_the_language():
    "Plurals, what an engine said, and a word that a language lacks"
    if not NODE: pytest.skip('needs node')
    code = f"""globalThis.document = {{documentElement: {{}}, querySelectorAll: () => []}}
        const {{WORDS, say, speak, told}} = await import('{WORDS.as_uri()}')
        const out = {{}}
        for (const language of ['en', 'de', 'fr', 'es']) {{
          speak(language)
          out[language] = [say('carried', {{n: 0, name: 'a'}}), say('carried', {{n: 1, name: 'a'}}), told('more than 7 MB'), told('The network cannot be loaded (x.onnx is cut short). Is there a connection?'), told('What?')]
        }}
        delete WORDS.es.close
        console.log(JSON.stringify([out, document.documentElement.lang, say('close'), say('sure')]))"""
    r = subprocess.run([NODE, '--input-type=module', '-e', code], capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    out,lang,missing,sure = json.loads(r.stdout)
    assert out['en'] == ['0 colours taken to a', '1 colour taken to a', 'more than 7 MB', 'The network cannot be loaded (x.onnx is cut short). Is there a connection?', 'What?']
    assert out['de'][:3] == ['0 Farben zu a mitgenommen', '1 Farbe zu a mitgenommen', 'mehr als 7 MB'] and 'x.onnx ist abgeschnitten' in out['de'][3]
    assert out['fr'][:3] == ['0 couleur reportée sur a', '1 couleur reportée sur a', 'plus de 7 Mo'] and 'connexion\xa0?' in out['fr'][3] # no line ends before it
    assert out['es'][:3] == ['0 colores llevados a a', '1 color llevado a a', 'más de 7 MB'] and all(o[4] == 'What?' for o in out.values())
    assert (lang,missing,sure) == ('es', 'Close', '¿Empezar de nuevo?')

# ---- its zip

def zipped(tmp_path, names):
    "A zip that browser/files.js makes; each file holds its own name"
    if not NODE: pytest.skip('needs node')
    for f in (ROOT/'browser/files.js', WORDS): shutil.copy(f, tmp_path)
    (tmp_path/'built.js').write_text('export const BUILT = {}')
    (tmp_path/'make.mjs').write_text(f"""import {{writeFileSync}} from 'node:fs'; import {{zip}} from './files.js'
        const made = await zip({json.dumps(names)}.map(name => ({{name, blob: new Blob([name])}})))
        writeFileSync('out.zip', Buffer.from(await made.arrayBuffer()))""")
    r = subprocess.run([NODE, 'make.mjs'], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return tmp_path/'out.zip'

NAMES_TOO = ['Großmutter in Zürich-color.jpg', 'plain-color.png', 'été/Año 写真-color.jpg']

def test_a_zip_with_names_of_any_language(tmp_path):
    with zipfile.ZipFile(zipped(tmp_path, NAMES_TOO)) as z:
        assert z.testzip() is None and z.namelist() == NAMES_TOO and all(z.read(n).decode() == n for n in NAMES_TOO)
        for i in z.infolist(): assert i.flag_bits == 0x800 and i.create_system == 3 and i.external_attr>>16 == 0o100644

@pytest.mark.skipif(not shutil.which('unzip'), reason='needs unzip')
def test_unzip_reads_its_names(tmp_path):
    out,env = zipped(tmp_path, NAMES_TOO),os.environ|dict(LC_ALL='C.UTF-8')
    listed = subprocess.run(['unzip', '-l', out], capture_output=True, env=env, check=True).stdout.decode()
    assert all(n in listed for n in NAMES_TOO), listed
    subprocess.run(['unzip', '-q', out, '-d', tmp_path/'files'], env=env, check=True)
    for n in NAMES_TOO: assert (tmp_path/'files'/n).read_text() == n # and its owner may read it

# ---- in a browser, from a server that knows nothing but files

class Files(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map|{'.mjs':'text/javascript', '.js':'text/javascript', '.wasm':'application/wasm'}
    headers_too = ()
    def log_message(self, *_): pass
    def end_headers(self):
        for h in self.headers_too: self.send_header(*h)
        super().end_headers()

class Isolated(Files): headers_too = ('Cross-Origin-Opener-Policy', 'same-origin'),('Cross-Origin-Embedder-Policy', 'require-corp')

def serve(folder, handler=Files):
    s = ThreadingHTTPServer(('127.0.0.1',0), partial(handler, directory=str(folder)))
    Thread(target=s.serve_forever, daemon=True).start()
    return s,f'http://127.0.0.1:{s.server_port}/try/'

def stop(s): s.shutdown(); s.server_close()

@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    if not (ORT/'dist').is_dir(): pytest.skip('needs onnxruntime-web: python tools/site.py, or its folder in ORT_WEB')
    from test_site import load
    load('site').try_page(ROOT, (out := tmp_path_factory.mktemp('static'))/'try', ORT/'dist')
    return out

@pytest.fixture(scope='module')
def launch():
    "Starts Chromium with more arguments, or fewer"
    for m in ('playwright', 'starlette'): pytest.importorskip(m)
    from test_page import ARGS, CHROMIUM, sync_api
    if not CHROMIUM: pytest.skip('needs chromium')
    with sync_api.sync_playwright() as p:
        yield lambda *more, less=(): p.chromium.launch(executable_path=CHROMIUM, args=[*(a for a in ARGS if a not in less), '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', *more])

@pytest.fixture(scope='module')
def browser(launch):
    b = launch()
    yield b
    b.close()

@pytest.fixture
def visit(folder, browser):
    "Makes visitors of the page; at the end none of them asked another host, and nothing went wrong"
    from test_page import User
    made,servers = [],[]
    def f(handler=Files, url=None, **kw):
        if not url: s,url = serve(folder, handler); servers.append(s)
        made.append(u := User(browser, url, **kw))
        u.ctx.on('request', lambda r: u.asked.append(r.url))
        return u
    yield f
    for u in made:
        u.ctx.close()
        assert len(u.asked) > 5 and not [a for a in u.asked if not a.startswith((u.url, 'data:', 'blob:'))] and not u.errors, (u.asked, u.errors)
    for s in servers: stop(s)

def engine(u, code, arg=None): # `engine` and `id`, of the first photo
    return u.page.evaluate(f"async arg => {{ const {{engine}} = await import(new URL('engine.js', location).href), [{{id}}] = (await engine.state()).photos; {code} }}", arg)

def png(path, px): Image.fromarray(px).save(path); return path
def said(u): u.until("!document.querySelector('#trouble').hidden"); return u.page.inner_text('#trouble')

HINTS = [dict(x=60, y=90, color='#7a1f1f', reach=.2), dict(x=150, y=240, color='#2f5d8a')]

@pytest.mark.parametrize('way', ['gray', 'sepia', 'vivid', 'large', 'suggestion'])
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_same_picture_as_python(visit, colorizer, tmp_path, way):
    px = old(1500, 1900) if way == 'large' else old(240, 312)
    if way == 'sepia': px = sepia(px)
    ask = dict(strength=1, vivid=.6 if way == 'vivid' else 0, variant=3*(way == 'suggestion'), hints=[] if way in ('gray', 'suggestion') else HINTS)
    u = visit().one(png(tmp_path/'a.png', px))
    with u.page.expect_download() as d: made = engine(u, "const r = await engine.finish(id, arg); await engine.save(id, 'file'); return r", ask)
    d.value.save_as(tmp_path/'out.png')
    assert made['name'] == d.value.suggested_filename == 'a-color.png' and made['bytes'] == (tmp_path/'out.png').stat().st_size
    hints = colorizer.variant_hints(open_photo(px), 2) if way == 'suggestion' else [Hint(**p) for p in ask['hints']]
    with Image.open(tmp_path/'out.png') as im:
        note,got = str(im.info['xmp']),np.asarray(im.convert('RGB')).astype(int)
        assert im.mode in ('RGB', 'RGBA') and 'compositeWithTrainedAlgorithmicMedia' in note and load_config('default')['files']['default.safetensors'][:16] in note and all(str(h) in note for h in hints)
    want = np.asarray(colorizer.colorize(px, hints=hints, vivid=ask['vivid']))
    off = np.abs(got-want)
    assert off.max() <= 1 and (off > 0).mean() < .001, (off.max(), (off > 0).mean())
    for mine,theirs in zip(engine(u, 'return engine.likely(id, arg, 100, 200)', ask), colorizer.likely(px, 100, 200, hints=hints)):
        near(mine['color'], '#%02x%02x%02x'%tuple(theirs.rgb)); assert abs(mine['p']-theirs.p) < .005

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_button(visit, colorizer, tmp_path):
    u = visit(Isolated).one(png(tmp_path/'a.png', old(500, 651)))
    assert u.js('crossOriginIsolated && +document.body.dataset.threads > 1') or os.cpu_count() == 1
    u.choose(.6, .5); assert u.hints() == 1
    u.until("document.querySelectorAll('#ways img').length == 5"); u.seen(lambda: u.page.click('#ways button:nth-child(3)'))
    u.seen(lambda: u.set('#vivid', .5)); u.seen(lambda: u.set('#strength', .5))
    assert u.seen(lambda: u.page.click('#undo')) < 5
    u.page.click('#unsure'); u.until("!document.querySelector('.doubt').hidden")
    u.page.click('#in'); u.page.click('#in'); u.page.click('#in')
    both = Image.open(u.get('#pair', tmp_path)); assert both.width > 1.9*500 and both.height < 800
    im = Image.open(u.get('#download', tmp_path)); assert im.size == (500,651)
    L = lightness(np.asarray(im.convert('RGB')))
    level = lightness(np.arange(256, dtype=np.uint8)[None])[0]
    assert np.abs(np.interp(L, level, np.arange(256))-old(500, 651)).max() <= 1
    ask = engine(u, 'return (await engine.state()).photos[0].ask')
    assert ask['variant'] == 2 and len(ask['hints']) == 1

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_colours_of_another_picture(visit, colorizer, tmp_path):
    "Askew, and turned to its side: as in Python; hints and the other photos on top of it; and what cannot be used is said"
    px,other = old(240, 312),Image.fromarray(dyed(old(300, 390))).rotate(3, Image.BICUBIC).crop((5,9,295,380)).transpose(Image.Transpose.ROTATE_90)
    other.save(tmp_path/'edit.png')
    u = visit().one(png(tmp_path/'a.png', px))
    u.seen(lambda: u.page.set_input_files('#picture', str(tmp_path/'edit.png')))
    for hints in ([], HINTS[:1]):
        taken = colorizer.colorize(px, colors_from=np.asarray(other), hints=[Hint(**p) for p in hints])
        share = taken.info['colors_taken']
        ask = engine(u, 'return (await engine.state()).photos[0].ask')|dict(hints=hints)
        with u.page.expect_download() as d: engine(u, "await engine.finish(id, arg); await engine.save(id, 'file')", ask)
        d.value.save_as(tmp_path/'out.png')
        with Image.open(tmp_path/'out.png') as im: note,got = str(im.info['xmp']),np.asarray(im.convert('RGB')).astype(int)
        off = np.abs(got-np.asarray(taken))
        assert off.mean() < .3 and (off > 1).mean() < .01, (off.mean(), (off > 1).mean(), off.max())
        assert f'colors_taken="{share:.2f}"' in note
    assert f"{round(100*share)} % of the photo’s colours are taken from edit.png" in u.page.inner_text('#share')
    u.page.click('#unsure'); u.until("!document.querySelector('.doubt').hidden"); u.page.click('#unsure')
    before = engine(u, 'return (await engine.state()).photos[0].previews')
    Image.fromarray(old(240, 312)).save(tmp_path/'gray.png'); Image.fromarray(garden(300, 240)).save(tmp_path/'garden.png')
    for n,(name,says) in enumerate([('gray.png', 'is gray, so it has no colours to give'), ('garden.png', 'shows another scene; only 0% of the photo is found in it')]):
        u.page.set_input_files('#picture', str(tmp_path/name)); u.until(f"document.querySelectorAll('#trouble li').length == {n+1}")
        assert u.page.locator('#trouble li').all_inner_texts()[-1] == f'{name}: {says}'
    assert engine(u, 'return (await engine.state()).photos[0].previews') == before
    u.seen(lambda: u.page.click('#untake')); assert not u.page.is_visible('#untake')

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_results_are_shared(visit, tmp_path):
    from test_page import SHARE
    u = visit()
    u.ctx.add_init_script(SHARE); u.load(); u.one(png(tmp_path/'a.png', old(150, 90)))
    for what,name in (('#share-photo', 'a-color.png'), ('#share-pair', 'a-compare.jpg'), ('#share-clip', 'a-clip.')):
        u.page.click('#give'); u.until(f"!document.querySelector('{what}').disabled")
        u.page.click(what); u.until('window.shared && !document.querySelector("#sharing").open')
        shared = u.js('window.shared'); u.js('delete window.shared')
        assert shared['name'].startswith(name) and len(shared['bytes']) > 500
        if what != '#share-clip': assert Image.open(io.BytesIO(bytes(shared['bytes']))).width == (150 if what == '#share-photo' else 302)

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_what_a_browser_cannot_do_is_said(visit, tmp_path):
    u = visit(width=320, height=640)
    said_at_first = u.page.inner_text('#promise')
    assert u.wide() <= 0 and 'pip install' in said_at_first and all(w in said_at_first for w in ('Only the program', 'metadata', '16 bits', 'TIFF', 'archives', 'films', 'other models'))
    Image.new('L', (9,9)).save(tmp_path/'scan.tif'); (tmp_path/'broken.jpg').write_bytes(OLD_PHOTO.read_bytes()[:200]); (tmp_path/'no.png').write_text('no picture'); (tmp_path/'empty.jpg').write_bytes(b'')
    with zipfile.ZipFile(tmp_path/'a.zip', 'w') as z: z.writestr('a', 'b')
    (tmp_path/'phone.heic').write_bytes(b'\0\0\0\x18ftypheic\0\0\0\0mif1heic'+bytes(1000))
    huge = io.BytesIO(); Image.new('1', (30000,30000)).save(huge, 'PNG'); (tmp_path/'huge.png').write_bytes(huge.getvalue())
    u.drop(*(tmp_path/n for n in ('scan.tif', 'broken.jpg', 'no.png', 'empty.jpg', 'a.zip', 'huge.png', 'phone.heic')))
    u.until("document.querySelectorAll('#trouble li').length == 7")
    for line in ('scan.tif: a browser opens no TIFF; the program does: pip install', 'broken.jpg: it is damaged', 'no.png: it is damaged', 'empty.jpg: it is empty', 'a.zip: unpack', 'huge.png: more than 60 megapixels', "phone.heic: HEIC: save it as JPEG first, or install the program: pip install 'colorize_nb[app,heic]"): assert line in said(u)
    assert u.wide() <= 0
    u.one(png(tmp_path/'deep.png', old(90, 120).astype(np.uint16)*257))
    u.until("document.querySelector('#note').textContent.includes('16 bits')"); assert u.wide() <= 0

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_many_photos_and_a_zip(visit, tmp_path):
    turned = Image.fromarray(old(300, 200)); exif = turned.getexif(); exif[0x112] = 6; turned.save(tmp_path/'a.jpg', exif=exif)
    png(tmp_path/'a.png', old(150, 90)); Image.fromarray(old(80, 60)).convert('LA').save(tmp_path/'b.png')
    (other := tmp_path/'other').mkdir(); shutil.copy(tmp_path/'a.jpg', other/'a.jpg')
    u = visit().drop(tmp_path/'a.jpg') # and while it is in work, more
    u.drop(tmp_path/'a.png', tmp_path/'b.png', other/'a.jpg').ready(4)
    with zipfile.ZipFile(u.get('#all', tmp_path)) as z:
        assert z.testzip() is None and z.namelist() == ['a-color.jpg', 'a-color.png', 'b-color.png', 'a-color-2.jpg']
        with Image.open(z.open('a-color.jpg')) as im: assert im.size == (200,300) and b'compositeWithTrainedAlgorithmicMedia' in im.info['xmp'] and not im.getexif().get(0x112)
        px = np.asarray(Image.open(z.open('a-color.jpg')).convert('RGB')); assert np.ptp(px.astype(int), axis=2).max() > 10
    u.page.click('#over'); u.page.click('#sure [value=yes]'); u.page.wait_for_selector('#drop')

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_reload_asks_while_there_are_photos(visit, tmp_path):
    u,asked = visit(),[]
    u.page.on('dialog', lambda d: (asked.append(d.type), d.dismiss()))
    u.page.evaluate("document.body.dataset.first = ''")
    def reload(): # as a visitor does, who may say no
        u.page.evaluate('setTimeout(() => location.reload())')
        u.page.wait_for_timeout(1500)
    u.page.click('h1'); reload(); assert not asked and u.page.get_attribute('body', 'data-first') is None # there is nothing to lose
    u.page.evaluate("document.body.dataset.first = ''")
    u.one(png(tmp_path/'a.png', old(150, 90)))
    u.page.click('#fit'); reload(); assert asked == ['beforeunload'] and u.page.get_attribute('body', 'data-first') == '' and u.page.is_visible('#stage')
    u.page.click('#over'); u.page.click('#sure [value=yes]'); u.page.wait_for_selector('#drop')
    reload(); assert asked == ['beforeunload'] and u.page.get_attribute('body', 'data-first') is None

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_zip_waits_for_photos_that_open(visit, tmp_path):
    u = visit().drop(*(png(tmp_path/f'{i}.png', old(60+i, 50)) for i in range(5))).until("!document.querySelector('#many').hidden")
    with u.page.expect_download() as d: u.page.click('#all')
    d.value.save_as(tmp_path/'all.zip')
    assert zipfile.ZipFile(tmp_path/'all.zip').namelist() == [f'{i}-color.png' for i in range(5)]

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_without_a_connection_after_the_first_visit(visit, folder):
    s,url = serve(folder)
    u = visit(url=url)
    u.until('document.body.dataset.threads')
    assert u.js('navigator.serviceWorker.ready.then(() => true)') and not u.js('crossOriginIsolated')
    stop(s)
    u.load(); u.page.click('[data-example=broadway]'); u.ready(1)
    assert u.js('crossOriginIsolated') # the page's own worker sends the headers now
    assert np.ptp(np.asarray(u.picture()).astype(int), axis=2).max() > 20

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_part_of_the_page_is_missing(visit, folder, tmp_path):
    shutil.copytree(folder, broken := tmp_path/'broken')
    weights = broken/'try/model/default.safetensors'; weights.write_bytes(weights.read_bytes()[:1000])
    s,url = serve(broken)
    u = visit(url=url)
    assert 'The network cannot be loaded (model/default.safetensors is cut short)' in said(u)
    shutil.copy(folder/'try/model/default.safetensors', weights) # it is back
    u.one(); stop(s)

@pytest.fixture(scope='module')
def webgpu(launch, folder):
    "A browser with a graphics card that is computed"
    b = launch('--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan', less=['--disable-gpu'])
    s,url = serve(folder)
    page = b.new_page(); page.goto(url)
    there = page.evaluate('navigator.gpu ? navigator.gpu.requestAdapter().then(a => !!a) : false')
    page.close(); stop(s)
    if not there: pytest.skip('needs WebGPU')
    yield b
    b.close()

LOST = 'own.postMessage(args)','if ((self.asked = (self.asked ?? 0)+1) > 3) own.terminate(); own.postMessage(args)' # after it was tried twice and used once

@pytest.mark.parametrize('change,used', [([LOST], True), ([('SAME = .01', 'SAME = 0')], False), (None, None)], ids=['lost', 'another picture', 'computed'])
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_graphics_card(folder, webgpu, colorizer, tmp_path, change, used):
    "It is used where it gives the same picture, and sooner; where it is lost the processor goes on; one that is computed is not asked"
    from test_page import User
    shutil.copytree(folder, there := tmp_path/'there')
    def edit(name, *pairs):
        js = (f := there/'try'/name).read_text()
        for a,b in pairs: assert js.count(a) == 1, a; js = js.replace(a, b)
        f.write_text(js)
    edit('built.js', (f'"render_size": {load_config("default")["render_size"]}', '"render_size": 32')) # the test's card takes half a minute for a photo as it is
    if change is not None: edit('worker.js', ('there.info?.isFallbackAdapter', 'false'), ('took < slow', 'true'), *change)
    s,url = serve(there)
    u = User(webgpu, url).one(png(tmp_path/'a.png', px := old(240, 312)))
    if change is None: assert u.js('document.body.dataset.graphics') is None
    else:
        u.until('document.body.dataset.graphics')
        told = json.loads(u.js('document.body.dataset.graphics'))
        assert 'error' not in told and 0 < told['off'] < 1e-5 and told['used'] == used, told
    for hints in (HINTS, HINTS[:1]):
        with u.page.expect_download() as d: engine(u, "await engine.finish(id, arg); await engine.save(id, 'file')", dict(strength=1, vivid=0, variant=0, hints=hints))
        d.value.save_as(tmp_path/'out.png')
        off = np.abs(np.asarray(Image.open(tmp_path/'out.png').convert('RGB')).astype(int)-np.asarray(colorizer.colorize(px, hints=[Hint(**p) for p in hints], render_size=32)))
        assert off.max() <= 1
    u.ctx.close(); stop(s)

OWN = "import {open} from './network.js'\nconst net = open('wasm', 1, () => {}); let n = 0\nonmessage = async ({data: [L, hints, shapes]}) => { n++; const out = await (await net).run(L, hints, shapes); %s }"
CARDS = {'throws': "throw new Error('no')", 'throws when it is asked': "onmessage = () => { throw new Error('no') }", 'no message': 'onmessage = () => postMessage({})',
         'NaN': OWN%'out.logits[9] = NaN; postMessage({gives: out})', 'NaN later': OWN%'if (n > 2) out.ab.fill(NaN); postMessage({gives: out})', 'nothing later': OWN%'postMessage(n > 2 ? {} : {gives: out})'}

@pytest.mark.parametrize('card', CARDS)
@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_graphics_card_that_fails(folder, browser, tmp_path, card):
    "The page goes on without it; a worker of the processor's stands in for the card"
    from test_page import User
    shutil.copytree(folder, there := tmp_path/'there')
    js = (there/'try/worker.js').read_text()
    for a,b in (('await navigator.gpu?.requestAdapter().catch(() => null)', '{}'), ('!self.WebAssembly?.Suspending', 'false'), ('took < slow', 'true')): assert js.count(a) == 1, a; js = js.replace(a, b)
    (there/'try/worker.js').write_text(js); (there/'try/card.js').write_text(CARDS[card])
    s,url = serve(there)
    u = User(browser, url).one(png(tmp_path/'a.png', old(240, 312))).until('document.body.dataset.graphics')
    assert json.loads(u.js('document.body.dataset.graphics'))['used'] == ('later' in card)
    u.choose(.7, .5); assert u.hints() == 1 and np.ptp(np.asarray(u.picture()).astype(int), axis=2).max() > 20
    assert not u.page.is_visible('#trouble') and not u.errors, u.errors
    u.ctx.close(); stop(s)

def resident(browser):
    "MB of the browser's processes that run pages"
    cdp = browser.new_browser_cdp_session()
    pids = [p['id'] for p in cdp.send('SystemInfo.getProcessInfo')['processInfo'] if p['type'] == 'renderer']
    return sum(int(Path(f'/proc/{i}/statm').read_text().split()[1]) for i in pids)*4096/1e6

@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='needs /proc')
def test_memory_after_ten_photos(visit, browser, tmp_path):
    u,seen = visit(),[]
    for i in range(10):
        Image.fromarray(old(2000, 1500)).save(tmp_path/f'{i}.jpg')
        u.drop(tmp_path/f'{i}.jpg').ready(i+1)
        if i: u.seen(lambda: u.page.click(f'#strip li:nth-child({i+1}) .pick')) # noqa: B023
        seen.append(resident(browser))
    assert seen[-1] < 1200 and seen[-1]-seen[4] < 150, seen # what each photo adds is small

if __name__ == '__main__': CASES.write_text('[\n'+',\n'.join(map(json.dumps, whole()))+'\n]\n')
