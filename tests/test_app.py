"The server of the page: what it answers, what it refuses, what it keeps. What a user sees is tested in test_page.py."
import base64, http.client, io, json, os, re, resource, shutil, signal, socket, struct, subprocess, sys, threading, time, zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote
import pytest
pytest.importorskip('starlette', reason='needs the app extra')
import numpy as np
from PIL import Image, PngImagePlugin
from conftest import OLD_PHOTO, gray_level
from dataclasses import replace
import colorize_nb.files.photo as photos_of, colorize_nb.page.previews as previews, colorize_nb.page.results as results, colorize_nb.page.routes as routes, colorize_nb.page.scripts as scripts, colorize_nb.page.sessions as sessions, colorize_nb.page.server as web
from colorize_nb import Colorizer
from colorize_nb.files.photo import SUFFIXES
from colorize_nb.hint_text import Hint

pytestmark = pytest.mark.timeout(240)

class Server:
    "The command, with a temp folder and a home of its own"
    def __init__(self, folder, *args, files=None, **env):
        with socket.socket() as s: s.bind(('127.0.0.1', 0)); self.port = s.getsockname()[1]
        self.url = f'http://127.0.0.1:{self.port}/'
        self.temp,self.home = folder/'temp',folder/'home'
        self.temp.mkdir(exist_ok=True); self.home.mkdir(exist_ok=True)
        env = os.environ|dict(TMPDIR=str(self.temp), HOME=str(self.home), XDG_CACHE_HOME=str(self.home/'.cache'), OMP_WAIT_POLICY='passive')|env
        self.log,began = open(folder/'log', 'w+'),time.monotonic()
        self.p = subprocess.Popen([str(Path(sys.executable).parent/'colorize-app'), '--port', str(self.port), '--no-browser', *args],
                                  env=env, cwd=folder, stdout=self.log, stderr=self.log,
                                  preexec_fn=files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files,files))))
        while True:
            assert self.p.poll() is None and time.monotonic() < began+60, self.said()
            try:
                if self.get('/api/health')[0] == 200: break
            except OSError: time.sleep(.02)
        self.took = time.monotonic()-began
    def said(self): self.log.seek(0); return self.log.read()
    def stop(self, sig=signal.SIGTERM):
        if self.p.poll() is None: self.p.send_signal(sig)
        return self.p.wait(30)
    def files(self): return sorted(str(Path(d, f)) for d,_,files in os.walk(self.temp) for f in files) # folders may go meanwhile
    def memory(self, what='VmHWM'): return int(Path(f'/proc/{self.p.pid}/status').read_text().split(f'{what}:')[1].split()[0])/1024 # MB
    def get(self, path, method='GET', body=None, **headers):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=120)
        try:
            c.request(method, path, body, {k.replace('_', '-'): v for k,v in headers.items()})
            r = c.getresponse()
            return r.status,r.read(),r.headers
        finally: c.close()

class Client:
    "A visitor without a browser"
    def __init__(self, server):
        self.server = server
        status,body,headers = server.get('/session', 'POST')
        assert status == 200, body
        self.cookie,self.key = headers['set-cookie'].split(';')[0],json.loads(body)['key']
    def ask(self, path, method='GET', body=None, **headers):
        if isinstance(body, (dict, list)): body = json.dumps(body)
        return self.server.get(path, method, body, **dict(Cookie=self.cookie, colorize_key=self.key)|headers)
    def json(self, *a, **kw):
        status,body,_ = self.ask(*a, **kw)
        assert status == 200, (status, body)
        return json.loads(body)
    def add(self, data, name='photo.jpg'): return self.json(f'/session/photos?name={name}', 'POST', data)
    def ready(self):
        end = time.monotonic()+100
        while (s := self.json('/session'))['progress']: assert time.monotonic() < end; time.sleep(.05)
        return s
    def of(self, i, what, body=None, method=None):
        id = self.ready()['photos'][i]['id']
        return self.ask(f'/session/photos/{id}/{what}', method or ('GET' if body is None else 'POST'), body)
    def result(self, i=0, **ask):
        status,body,_ = self.of(i, 'finish', dict(ask=ask))
        assert status == 200, body
        return self.of(i, 'file')

@pytest.fixture(scope='module')
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp('server'))
    yield s
    s.stop()
    assert len(s.said().splitlines()) == 1, s.said() # after all that was sent to it

@pytest.fixture
def client(server): return Client(server)

@pytest.fixture
def inside(tmp_path):
    "A server in this process, to be changed"
    r = web.Running('127.0.0.1', None)
    r.get = lambda *a, **kw: Server.get(r, *a, **kw)
    yield r
    r.close()
    assert not r.root.exists()

@pytest.fixture
def photo(tmp_path):
    "A gray PNG with a text and a resolution"
    info = PngImagePlugin.PngInfo(); info.add_text('Title', 'Mother')
    Image.open(OLD_PHOTO).convert('L').resize((301,203)).save(tmp_path/'mother.png', pnginfo=info, dpi=(300,300))
    return tmp_path/'mother.png'

def as_file(im, fmt='JPEG', **kw): im.save(b := io.BytesIO(), fmt, **kw); return b.getvalue()
def opened(answer): assert answer[0] == 200, answer[:2]; return Image.open(io.BytesIO(answer[1]))
def error(answer, status):
    assert answer[0] == status, answer[:2]
    d = json.loads(answer[1])
    assert d.keys() == {'error'} and d['error'] and '\n' not in d['error'] and 'Traceback' not in d['error'] and '/tmp' not in d['error'], d
    return d['error']

# ---- the photo

def test_a_photo_goes_in_and_the_librarys_own_file_comes_out(client, photo, tmp_path):
    client.add(photo.read_bytes(), 'mother.png')
    first = client.result()
    got = client.result(strength=1.7)
    assert got[2]['content-disposition'] == 'attachment; filename="mother-color.png"' and got[1] != first[1]
    want = Colorizer.from_pretrained().colorize_file(photo, tmp_path/'want.png', strength=1.7)
    assert got[1] == want.read_bytes()
    a,b = Image.open(photo),opened(got)
    assert b.size == a.size == (301,203) and b.text['Title'] == 'Mother' and round(b.info['dpi'][0]) == 300
    assert 'compositeWithTrainedAlgorithmicMedia' in b.text['XML:com.adobe.xmp'] and 'strength="1.7"' in b.text['XML:com.adobe.xmp']
    assert np.abs(gray_level(b)-np.asarray(a, float)).max() <= 1.01
    both = opened(client.of(0, 'pair'))
    assert both.format == 'JPEG' and both.width > 2*301

def test_a_jpeg_keeps_size_and_lightness(client):
    client.add(OLD_PHOTO.read_bytes())
    a,b = Image.open(OLD_PHOTO).convert('RGB'),opened(client.result())
    d = np.abs(gray_level(a)-gray_level(b))
    assert b.size == a.size and np.percentile(d, 99) <= 5 and d.max() <= 12 # what docs/formats.md states

def test_hints_are_in_the_result_and_in_the_preview(client):
    client.add(OLD_PHOTO.read_bytes())
    plain,red = (opened(client.result(hints=p)) for p in ([], [dict(x=330, y=560, color='#b02020')]))
    def redness(im): r,g,b = (np.asarray(im.convert('RGB').crop((326,556,335,565)), float)[...,i].mean() for i in range(3)); return r-(g+b)/2
    assert redness(red) > redness(plain)+5
    seen = opened(client.of(0, 'preview', dict(ask=dict(hints=[dict(x=330, y=560, color='#b02020')]))))
    assert abs(redness(seen)-redness(red)) < 12
    assert json.loads(client.of(0, 'likely', dict(ask={}, x=330, y=560))[1])[0].keys() == {'color', 'p'}

@pytest.mark.slow
def test_a_part_at_full_size_is_a_part_of_the_result(client, tmp_path):
    big = Image.open(OLD_PHOTO).convert('L').resize((2400,1800), Image.BICUBIC)
    client.add(as_file(big, 'PNG'))
    ask = dict(strength=1.3)
    part = opened(client.of(0, 'crop', dict(ask=ask, side='after', box=[1000,800,300,200], width=300)))
    whole = opened(client.result(**ask))
    d = np.abs(np.asarray(part, int)-np.asarray(whole.crop((1000,800,1300,1000)), int))
    assert part.size == (300,200) and d.mean() < 2 and np.percentile(d, 99) < 12 # a JPEG of it
    before = opened(client.of(0, 'crop', dict(ask=ask, side='before', box=[0,0,2400,1800], width=600)))
    assert before.size == (600,450)

def test_a_session_survives_and_says_what_was_chosen(client, photo):
    client.add(photo.read_bytes(), 'mother.png')
    ask = dict(strength=.4, vivid=.5, variant=1, hints=[dict(x=10, y=20, color='#112233'), dict(x=30, y=20, color='#332211', reach=.25)])
    opened(client.of(0, 'preview', dict(ask=ask)))
    (p,) = client.json('/session', 'POST')['photos'] # the page was loaded again
    assert p['name'] == 'mother.png' and p['ask'] == ask|dict(model='default', picture='')

def test_suggestions_show_what_a_click_gives(client):
    client.add(OLD_PHOTO.read_bytes())
    def suggestions(**ask): return [Image.open(io.BytesIO(base64.b64decode(url.partition(',')[2]))) for url in json.loads(client.of(0, 'variants', dict(ask=ask))[1])]
    def apart(a, b): return np.abs(np.asarray(a, int)-np.asarray(b, int)).mean()
    ask = dict(vivid=1, strength=1.5, hints=[dict(x=250, y=560, color='#2040a0', reach=1)])
    shown = suggestions(**ask)
    assert len({im.tobytes() for im in shown}) == 5
    for k,im in enumerate(shown):
        click = opened(client.of(0, 'preview', dict(ask=ask|dict(variant=k)))).resize(im.size, Image.LANCZOS)
        assert apart(im, click) < 3, k
    assert all(apart(*pair) > 5 for pair in zip(shown, suggestions())) # not as without them

# ---- a second picture

def edited(side=1.):
    "The old photo's gray, painted red on the left and blue on the right; negative: the other way round"
    gray = np.asarray(Image.open(OLD_PHOTO).convert('L'))
    x = side*np.linspace(-1, 1, gray.shape[1])[None]
    return Image.fromarray(np.stack([gray*(.75-.25*x), gray*.5+0*x, gray*(.75+.25*x)], -1).astype(np.uint8))

def test_the_colours_of_a_picture_are_those_of_the_library(client, tmp_path):
    (tmp_path/'a.png').write_bytes(as_file(Image.open(OLD_PHOTO).convert('L'), 'PNG'))
    client.add((tmp_path/'a.png').read_bytes(), 'a.png'); client.add((tmp_path/'a.png').read_bytes(), 'b.png')
    edits = [edited(), edited(-1)]
    red,blue = (json.loads(client.of(0, 'picture?name=../edit.png', as_file(e, 'PNG'))[1]) for e in edits)
    assert red['name'] == 'edit.png' and red['taken'] > .95 and not red['few'] and client.ready()['photos'][0]['pictures'] == [red, blue]
    c = Colorizer.from_pretrained()
    for p,e in zip((red, blue), edits):
        want = np.asarray(c.colorize(tmp_path/'a.png', 1.2, colors_from=e, hints=[(100,200,'#307030')]), int)
        ask = dict(strength=1.2, picture=p['id'], hints=[dict(x=100, y=200, color='#307030')])
        assert (np.asarray(opened(client.result(**ask)), int) == want).all()
        assert np.abs(np.asarray(opened(client.of(0, 'preview', dict(ask=ask))), int)-want).mean() < 1.5
        part = opened(client.of(0, 'crop', dict(ask=ask, box=[100,100,200,200], width=200, side='after')))
        assert np.abs(np.asarray(part, int)-want[100:300,100:300]).mean() < 1.5
    client.json('/session/all', 'POST', dict(strength=.8, picture=red['id']))
    a,b = client.ready()['photos']
    assert (a['ask']['picture'], b['ask']['picture'], b['ask']['strength']) == (blue['id'], '', .8)
    assert 'no such picture' in error(client.of(1, 'preview', dict(ask=dict(picture=red['id']))), 422) # it is another photo's
    assert len(json.loads(client.of(0, 'likely', dict(ask=ask, x=10, y=10))[1])) == 6

def test_a_picture_that_cannot_give_its_colours(inside, tmp_path):
    inside.server.settings = replace(previews.Settings(), pixels=400_000, pictures=1)
    c = Client(inside)
    c.add(OLD_PHOTO.read_bytes()); c.ready()
    (tmp_path/'z').mkdir(); (tmp_path/'z'/'a').write_text('a')
    two = as_file(edited(), 'TIFF', save_all=True, append_images=[edited()])
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (90,120,3), np.uint8))
    zipped = Path(shutil.make_archive(tmp_path/'a', 'zip', tmp_path/'z')).read_bytes()
    bad = {'gray.png': (as_file(Image.open(OLD_PHOTO).convert('L'), 'PNG'), 'is gray, so it has no colours to give'),
           'other.png': (as_file(noise, 'PNG'), 'shows another scene; only 0% of the photo is found in it'),
           'dot.png': (as_file(Image.new('RGB', (1,1), 'red'), 'PNG'), 'too small to find a photo in it (1x1)'),
           'large.png': (as_file(edited().resize((800,600)), 'PNG'), '800x600 is more than 0.4 megapixels'),
           'a.zip': (zipped, 'an archive: unpack it, and choose one picture'), 'two.tif': (two, '2 pages; give a single picture'),
           'a.mp4': (b'\0\0\0\x18ftypisom', 'a film (MP4), not a photo'), 'no.jpg': (b'no picture', 'not a picture, or damaged'), 'empty.png': (b'', 'the file is empty')}
    held = inside.server.sessions[c.key].bytes
    for name,(data,says) in bad.items():
        status,body,_ = c.of(0, f'picture?name={name}', data, 'POST')
        assert status == 422 and json.loads(body)['error'].startswith(says) and '/' not in json.loads(body)['error'].replace('film.mp4', ''), (name, body)
    assert inside.server.sessions[c.key].bytes == held and not c.json('/session')['photos'][0]['pictures'] # nothing of them is kept
    assert c.of(0, 'picture?name=corner.png', as_file(edited().crop((150,0,430,330)), 'PNG'))[0] == 200
    assert c.json('/session')['photos'][0]['pictures'][0]['few'] and inside.server.sessions[c.key].bytes > held
    assert 'more than 1 pictures' in error(c.of(0, 'picture', as_file(edited(), 'PNG')), 422)
    inside.server.settings = replace(inside.server.settings, space=10**5, pictures=9)
    error(c.of(0, 'picture', as_file(edited(), 'PNG')), 413)
    inside.server.settings = replace(previews.Settings(), photo=10**4)
    assert 'more than 0 MB' in error(c.of(0, 'picture', as_file(edited(), 'PNG')), 413)

def test_nearly_gray_and_tinted_are_said(client):
    sepia = np.asarray(Image.open(OLD_PHOTO).convert('L').resize((200,260)))[...,None]*np.array([1,.9,.7])
    client.add(OLD_PHOTO.read_bytes()); client.add(as_file(Image.fromarray(sepia.astype(np.uint8)), 'PNG'))
    def notes(i, **ask): return json.loads(client.of(i, 'preview', dict(ask=ask))[2]['colorize-notes'])
    assert notes(0) == [] and 'nearly gray' in notes(0, strength=.1)[0] and notes(0, strength=0) == []
    assert 'Sepia' in notes(1)[0]

def test_one_is_removed_and_all_are(client, server, photo):
    client.add(photo.read_bytes(), 'a.png'); client.add(photo.read_bytes(), 'b.png')
    a,b = client.ready()['photos']
    client.json(f"/session/photos/{a['id']}", 'DELETE')
    assert [p['id'] for p in client.json('/session')['photos']] == [b['id']]
    error(client.ask(f"/session/photos/{a['id']}/before"), 404)
    n = len(server.files())
    assert client.json('/session', 'DELETE')['photos'] == [] and len(server.files()) < n

def test_all_take_the_settings_and_come_in_one_zip(client, photo):
    for n in ('a', 'b', 'c'): client.add(photo.read_bytes(), f'{n}.png')
    client.ready()
    s = client.json('/session/all', 'POST', dict(strength=0))
    assert s['progress']['total'] == 3 and s['progress']['what'] == 'make'
    assert all(p['made'] for p in client.ready()['photos'])
    z = zipfile.ZipFile(io.BytesIO(client.ask('/session/zip')[1]))
    assert z.namelist() == ['a-color.png', 'b-color.png', 'c-color.png']
    for n in z.namelist(): assert (np.asarray(Image.open(io.BytesIO(z.read(n)))) == np.asarray(Image.open(photo))[...,None]).all() # 0 is the gray photo

def test_stop_leaves_what_waits(client):
    data = as_file(Image.open(OLD_PHOTO).resize((2500,2000)))
    for i in range(6): client.add(data, f'{i}.jpg')
    s = client.json('/session/stop', 'POST')
    assert s['progress'] is None and len(s['photos']) < 6
    assert client.json('/session/all', 'POST', dict(strength=2))['progress'] or not client.json('/session')['photos']
    assert client.json('/session/stop', 'POST')['progress'] is None

# ---- names, archives, what costs too much

@pytest.mark.slow
@pytest.mark.parametrize('name', ['before.jpg', 'small.npy', 'photo.jpg', 'upload', 'Natural.jpg', '../../../etc/passwd', 'C:%5Cx.jpg', 'a%00b.jpg', ''])
def test_a_name_is_only_a_name(client, server, name):
    big = as_file(Image.open(OLD_PHOTO).convert('L').resize((1300,1700)))
    client.add(big, name); client.add(OLD_PHOTO.read_bytes(), name)
    opened(client.of(0, 'preview', dict(ask={})))
    got = client.result()
    assert opened(got).size == (1300,1700) and opened(client.result(1)).size == (500,651)
    assert '..' not in got[2]['content-disposition'] and 'etc' not in str(server.files())
    z = zipfile.ZipFile(io.BytesIO(client.ask('/session/zip')[1])).namelist()
    assert len(set(z)) == 2 and not any(n.startswith('/') or '..' in n or ':' in n for n in z)

def make_zip(**entries):
    with zipfile.ZipFile(b := io.BytesIO(), 'w') as z:
        for n,d in entries.items(): z.writestr(n, d)
    return b.getvalue()

def test_an_archive_and_what_is_wrong_in_it(client, photo, tmp_path, server):
    png = photo.read_bytes()
    client.add(OLD_PHOTO.read_bytes()[:3000], 'broken.jpg'); client.add(b'not a photo', '<b>x.txt'); client.add(b'', 'empty.png')
    client.add(make_zip(**{'1936/good.png':png, '../../climbed.png':png, '/absolute.png':png, 'C:\\windows.png':png, 'notes.txt':b'hello',
                           '__MACOSX/._good.png':b'\0\5\26\7', '._a.png':b'\0\5\26\7', '.hidden.png':png}), 'album.zip')
    s = client.ready()
    said = {r['name']: r['why'] for r in s['refused']}
    out = 'its path leads out of the archive'
    assert [p['name'] for p in s['photos']] == ['1936/good.png']
    assert said.pop('../../climbed.png') == said.pop('/absolute.png') == said.pop('C:/windows.png') == out
    assert said.pop('notes.txt') == 'not a photo' and said.pop('empty.png') == 'the file is empty'
    assert 'damaged' in said.pop('broken.jpg') and 'not a picture' in said.pop('<b>x.txt') and not said
    assert not [p for p in server.temp.parent.rglob('*climbed*')] and not Path('/absolute.png').exists()
    client.result()
    assert zipfile.ZipFile(io.BytesIO(client.ask('/session/zip')[1])).namelist() == ['1936/good-color.png']

@pytest.mark.slow
def test_a_document_is_no_archive_of_photos(client, photo):
    "It is told by its own name, in one line"
    def packed(**entries):
        with zipfile.ZipFile(b := io.BytesIO(), 'w') as z:
            for name,data in entries.items(): z.writestr(name, data)
        return b.getvalue()
    office = {'[Content_Types].xml': '<a/>', '_rels/.rels': '<a/>', 'word/document.xml': '<a/>'}
    client.add(packed(**office), 'letter.docx'); client.add(packed(**{'notes.txt': 'a', 'more.txt': 'b'}), 'notes.zip')
    said = [(r['name'], r['why']) for r in client.ready()['refused']]
    do = 'without photos: save each photo as a file of its own, and add those'
    assert said == [('letter.docx', f'a Word document {do}'), ('notes.zip', f'an archive {do}')]
    client.json('/session/refused', 'DELETE')
    client.add(packed(**office, **{'word/media/image1.png': photo.read_bytes()}), 'letter.docx') # its pictures are photos
    client.add(packed(**{'a.png': photo.read_bytes(), 'b.txt': 'b', 'c.mp4': 'c'}), 'a.zip')
    s = client.ready()
    assert [p['name'] for p in s['photos']] == ['word/media/image1.png', 'a.png']
    assert [r['name'] for r in s['refused']] == ['b.txt', 'c.mp4']

def test_too_many_megapixels_and_what_to_do(inside):
    inside.server.settings = replace(previews.Settings(), pixels=10_000)
    c = Client(inside); c.add(as_file(Image.new('L', (200,100)), 'PNG'), 'scan.png')
    assert c.ready()['refused'] == [dict(name='scan.png', why='200x100 is more than 0.01 megapixels: make it smaller, or give it to the command `colorize`, which takes 100 megapixels and more')]

def test_archive_bombs(client):
    with zipfile.ZipFile(bomb := io.BytesIO(), 'w', zipfile.ZIP_DEFLATED) as z:
        for i in range(4): z.writestr(f'{i}.png', bytes(30*2**20))
    client.add(bomb.getvalue(), 'bomb.zip'); client.add(make_zip(**{f'{i:060d}.png':b'' for i in range(9500)}), 'many.zip')
    s = client.ready()
    assert [r['why'] for r in s['refused']] == ['unpacks to more than 200 times its size: a bomb, not a photo']*4+['too many entries in the archive'] and not s['photos']

def scan_bomb(n=900, size=(6000,8000)):
    "A progressive JPEG with one of its scans repeated"
    raw = as_file(Image.new('L', size, 128), progressive=True)
    at = [i for i in range(len(raw)-1) if raw[i:i+2] == b'\xff\xda']
    return raw[:at[-1]]+raw[at[-1]:-2]*n+b'\xff\xd9'

def directory_bomb(n=60_000):
    "A TIFF of many directories, each of one entry"
    ifd = lambda i, last: struct.pack('<HHHIII', 1, 256, 3, 1, 1, 0 if last else 8+18*(i+1))
    return b'II*\0'+struct.pack('<I', 8)+b''.join(ifd(i, i == n-1) for i in range(n))

def test_what_is_small_and_takes_minutes_is_refused_at_once(server, photo):
    wide = as_file(Image.new('L', (20_000_000,1)), 'PNG')
    a,b = Client(server),Client(server)
    began = time.monotonic()
    a.add(scan_bomb(), 'scans.jpg'); a.add(directory_bomb(), 'pages.tif'); a.add(wide, 'wide.png')
    b.add(photo.read_bytes())
    assert b.ready()['photos']
    for r,word in zip(a.ready()['refused'], ('scans', 'pages', 'longer')): assert word in r['why'], r
    assert len(a.ready()['refused']) == 3
    assert time.monotonic()-began < 8

def test_ordinary_progressive_photos_are_taken(client):
    client.add(as_file(Image.open(OLD_PHOTO).convert('RGB').resize((3000,4000)), progressive=True))
    assert client.ready()['photos'][0]['size'] == [3000,4000]

def test_a_photo_of_a_phone(inside, photo):
    heif = pytest.importorskip('pillow_heif', reason='needs the extra heic')
    heif.from_pillow(Image.open(photo).convert('RGB')).save(b := io.BytesIO(), quality=90)
    c = Client(inside)
    assert 'HEIC' in routes.page_settings(inside.server)['kinds']
    c.add(b.getvalue(), 'IMG_1.HEIC')
    assert c.ready()['photos'][0]['size'] == [301,203] and opened(c.result()).format == 'JPEG'

def test_a_photo_of_a_phone_without_the_plugin(inside, monkeypatch, photo):
    monkeypatch.setattr(photos_of, 'has_heif', lambda: False)
    c = Client(inside)
    c.add(b'\0\0\0\x18ftypheic'.ljust(200, b' '), 'IMG_1.HEIC'); c.add(photo.read_bytes()); c.result()
    r, = c.json('/session')['refused']
    assert r['why'].startswith('a photo of a phone (HEIC), which cannot be opened here: send it as a JPEG. ') and 'extra' not in r['why'].split('.')[0]
    assert json.loads(c.of(0, 'picture', b'\0\0\0\x18ftypheic'.ljust(200, b' '))[1])['error'] == r['why']

# ---- who may

def test_two_visitors_do_not_see_each_other(server, photo):
    a,b = Client(server),Client(server)
    a.add(photo.read_bytes(), 'mother.png'); b.add(as_file(Image.open(photo).rotate(90, expand=True), 'PNG'), 'aunt.png')
    mine = a.ready()['photos'][0]['id']; b.ready()
    assert [p['name'] for p in b.json('/session')['photos']] == ['aunt.png']
    a.result()
    for what in ('thumb', 'before', 'file', 'pair'): error(b.ask(f'/session/photos/{mine}/{what}'), 404)
    for what in ('preview', 'variants', 'picture', 'finish', 'doubt', 'crop', 'likely'): error(b.ask(f'/session/photos/{mine}/{what}', 'POST', {}), 404)
    error(b.ask(f'/session/photos/{mine}', 'DELETE'), 404)
    error(server.get(f'/session/photos/{mine}/file'), 404); error(server.get('/session'), 404)
    for cookie,key in ((f'colorize-{server.port}=guessed', ''), (a.cookie, ''), (a.cookie, b.key), (b.cookie, a.key), ('', a.key), (a.cookie.split('=')[0]+'=', a.key)):
        error(server.get(f'/session/photos/{mine}/file', Cookie=cookie, colorize_key=key), 404)
        error(server.get(f'/session/photos/{mine}', 'DELETE', Cookie=cookie, colorize_key=key), 404)
    assert opened(server.get(f'/session/photos/{mine}/file?key={a.key}', Cookie=a.cookie)).size == (301,203) # the link of a download
    error(server.get(f'/session/photos/{mine}?key={a.key}', 'DELETE', Cookie=a.cookie), 404)
    assert opened(a.of(0, 'file')).size == (301,203)

def test_the_cookie_and_the_headers(server):
    cookie = server.get('/session', 'POST')[2]['set-cookie'].lower()
    assert 'httponly' in cookie and 'samesite=strict' in cookie and len(cookie.split('=')[1].split(';')[0]) > 40
    for path in ('/', '/app.js', '/session', '/nothing', '/api/health'):
        h = server.get(path)[2]
        assert "default-src 'none'" in h['content-security-policy'] and "frame-ancestors 'none'" in h['content-security-policy'], path
        assert 'unsafe' not in h['content-security-policy'] and h['x-content-type-options'] == 'nosniff' and h['referrer-policy'] == 'no-referrer'
    assert server.get('/session')[2]['cache-control'] == 'no-store'

def test_a_session_cannot_be_chosen_for_somebody(server, photo):
    "Cookies know no ports: a page of another port may set the cookie of its own visit, or any other"
    theirs = Client(server)
    status,body,head = server.get('/session', 'POST', Cookie=theirs.cookie)
    mine,key = head['set-cookie'].split(';')[0],json.loads(body)['key']
    assert status == 200 and mine != theirs.cookie and key != theirs.key
    for cookie in (f'{mine}; {theirs.cookie}', f'{theirs.cookie}; {mine}'):
        assert server.get('/session/photos?name=my-private.jpg', 'POST', photo.read_bytes(), Cookie=cookie, colorize_key=key)[0] == 200
    assert theirs.json('/session')['photos'] == []
    error(server.get('/session/photos?name=a.jpg', 'POST', photo.read_bytes(), Cookie=theirs.cookie, colorize_key=key), 404)
    again = Client(server)
    assert (again.json('/session', 'POST'))['key'] != again.key # empty: begins anew
    error(again.ask('/session'), 404)

def test_cookies_of_sessions_that_are_over_go(server):
    old = '; '.join(f'colorize-{server.port}-{i:08x}=x' for i in range(50))
    head = server.get('/session', 'POST', Cookie=f'{old}; colorize-1-aaaaaaaa=x; other=y')[2].get_all('set-cookie')
    gone = [h.split('=')[0] for h in head if 'max-age=0' in h.lower()]
    assert len(gone) == 50 and len(head) == 51 and 'max-age' not in head[0].lower() and all(g.startswith(f'colorize-{server.port}-') for g in gone)

def test_who_has_nothing_here_makes_room(inside, photo):
    c = Client(inside)
    c.add(photo.read_bytes()); c.ready()
    inside.server.settings = replace(previews.Settings(), sessions=3)
    for _ in range(9): Client(inside)
    assert c.ready()['photos'] and len(inside.server.sessions) == 3
    assert opened(inside.get('/api/colorize', 'POST', photo.read_bytes())).size == (301,203)

def test_other_pages_and_names_are_refused(server):
    us = f'127.0.0.1:{server.port}'
    assert server.get('/', Host=f'localhost:{server.port}')[0] == 200
    for host in ('evil.example', f'evil.example:{server.port}', '127.0.0.1.evil.example', ''): error(server.get('/', Host=host), 403)
    for origin in ('http://evil.example', 'null', f'http://localhost:{server.port}', 'http://127.0.0.1:1', 'file://'):
        error(server.get('/session', 'POST', Host=us, Origin=origin), 403)
        error(server.get('/api/colorize', 'POST', OLD_PHOTO.read_bytes(), Host=us, Origin=origin), 403)
    error(server.get('/session', 'POST', Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='navigate'), 403) # a form
    error(server.get('/photos/broadway.jpg', Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='no-cors'), 403)
    assert server.get('/', Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='navigate')[0] == 200 # a link
    assert server.get('/session', 'POST', Host=us, Origin=f'http://{us}', Sec_Fetch_Site='same-origin')[0] == 200

@pytest.mark.parametrize('path', ['/../app.py', '/..%2fapp.py', '/%2e%2e/app.py', '/photos/../app.py', '/photos/%2e%2e%2fapp.py', '//etc/passwd', '/photos//etc/passwd',
                                  '/etc/passwd', '/..%5c..%5capp.py', '/C:/Windows/win.ini', '/http://example.com/', '/photos/', '/models/default.onnx'])
def test_files_elsewhere_are_not_there(server, path):
    status,body,_ = server.get(path)
    assert status in (403,404) and b'import' not in body and b'root:' not in body and len(json.loads(body)['error']) > 3

def test_a_token(tmp_path):
    s = Server(tmp_path, '--host', '0.0.0.0', COLORIZE_TOKEN='open sesame')
    try:
        right,wrong = ('Bearer open sesame', 'Bearer closed')
        assert s.get('/')[0] == 200 and s.get('/', Host='photos.lan')[0] == 200 # the page asks for the token
        assert 'token' in error(s.get('/session', 'POST'), 401) and 'token' in error(s.get('/session'), 401)
        error(s.get('/session', 'POST', json.dumps(dict(token='closed'))), 401)
        for kw in ({}, dict(Authorization=wrong), dict(Authorization='Basic x')): error(s.get('/api/colorize', 'POST', OLD_PHOTO.read_bytes(), **kw), 401)
        assert opened(s.get('/api/colorize', 'POST', OLD_PHOTO.read_bytes(), Authorization=right)).size == (500,651)
        _,body,head = s.get('/session', 'POST', json.dumps(dict(token='open sesame')))
        page = dict(Cookie=head['set-cookie'].split(';')[0], colorize_key=json.loads(body)['key'])
        assert s.get('/session', **page)[0] == 200 and s.get('/session', Authorization=right)[0] == 200
        error(s.get('/session', 'POST', **page, Origin='http://evil.example'), 403)
        name = page['Cookie'].split('=')[0]
        for k in ('token', name, 'colorize', f'colorize-{s.port}', ''): # nobody names the visit of who brings the token
            for c in (f'colorize-{s.port}=token', f'{name}={k}', page['Cookie']): error(s.get('/session', Cookie=c, colorize_key=k), 401)
        mine = json.loads(s.get('/session/photos?name=private.jpg', 'POST', OLD_PHOTO.read_bytes(), Authorization=right)[1])['photos']
        assert [p['name'] for p in mine] == ['private.jpg'] and json.loads(s.get('/session', **page)[1])['photos'] == []
        assert 'private.jpg' in s.get('/session', Authorization=right, Cookie=page['Cookie'])[1].decode() # a cookie leads them nowhere else
        assert s.get('/api/health')[0] == 200
    finally: s.stop()

def run(*args, **env):
    return subprocess.run([str(Path(sys.executable).parent/'colorize-app'), *args, '--no-browser'], capture_output=True, text=True, timeout=60, env=os.environ|env)

@pytest.mark.slow
def test_wrong_use_is_one_line(server):
    for args,status,word in ((('--host', '0.0.0.0'), 2, '--token'), (('--port', str(server.port)), 1, '--port'), (('--port', '70000'), 2, '65535'), (('--host', '192.0.2.1', '--token', 'x'), 1, '192.0.2.1')):
        r = run(*args)
        assert r.returncode == status and len(r.stderr.strip().splitlines()) == 1 and word in r.stderr, r

# ---- for scripts

def test_scripts(server, photo, tmp_path):
    png = photo.read_bytes()
    status,body,headers = server.get('/api/colorize?strength=1.7', 'POST', png)
    want = Colorizer.from_pretrained().colorize_file(photo, tmp_path/'want.png', strength=1.7).read_bytes()
    assert status == 200 and headers['content-type'] == 'image/png' and body == want
    hints = json.dumps([dict(x=5, y=6, color='red')])
    form = ('--x\r\nContent-Disposition: form-data; name="image"; filename="../m.png"\r\n\r\n'.encode()+png+
            f'\r\n--x\r\nContent-Disposition: form-data; name="hints"\r\n\r\n{hints}\r\n--x--\r\n'.encode())
    a = server.get('/api/colorize?strength=1.7', 'POST', form, Content_Type='multipart/form-data; boundary=x')
    b = server.get(f'/api/colorize?strength=1.7&hints={quote(hints)}', 'POST', png)
    assert opened(a).size == (301,203) and a[1] == b[1] != want
    odd = form.replace(b'name="hints"', b'name="strength"')
    assert 'unknown field strength' in error(server.get('/api/colorize', 'POST', odd, Content_Type='multipart/form-data; boundary=x'), 400)
    said = json.dumps([dict(x=5, y=6, color='red', reach=0)])
    near,same = (server.get(f'/api/colorize?strength=1.7&hints={quote(h)}{q}', 'POST', png)[1] for h,q in ((hints,'&reach=0'), (said,'')))
    assert near == same != b[1]
    end = time.monotonic()+10
    while [f for f in server.files() if '/result/' in f]: assert time.monotonic() < end; time.sleep(.05) # nothing stays

def test_bad_input_has_the_right_status(server, client, photo):
    png = photo.read_bytes()
    def api(query='', body=png, **kw): return server.get(f'/api/colorize{query}', 'POST', body, **kw)
    assert 'accepted' in error(api(body=b'no photo'), 422); error(api(body=b''), 422); error(api(body=OLD_PHOTO.read_bytes()[:3000]), 422)
    assert 'strength, vivid' in error(api('?steps=3'), 422)
    for q in ('?strength=4', '?strength=nan', '?strength=much', '?vivid=2', '?reach=2', '?render_size=1', '?render_size=16.5', '?keep_tint=maybe', '?keep_tint=0.3'): error(api(q), 422)
    error(api('?hints=x'), 400)
    for h in ('{}', '[1]', '[{"x":1}]', '[{"x":301,"y":0,"color":"red"}]', '[{"x":-1,"y":0,"color":"red"}]', '[{"x":1,"y":0,"color":"reddish"}]', '[{"x":1,"y":0,"color":"red","reach":-1}]', '[{"x":1,"y":0,"color":"red","far":1}]', '[{"x":1e99,"y":0,"color":"red"}]',
              '['+'{"x":1,"y":1,"color":"red"},'*200+'{"x":1,"y":1,"color":"red"}]'): error(api('?hints='+h.replace('"', '%22').replace(' ', '%20')), 422)
    error(api(Content_Type='multipart/form-data; boundary=x', body=b'--x--\r\n'), 400); error(api(Content_Type='multipart/form-data', body=b'x'), 400)
    error(server.get('/api/nothing'), 404)
    client.add(png)
    for body in ('x', '[1]', '"a"'): error(client.of(0, 'preview', body), 400)
    for body in (dict(ask=[]), dict(ask=dict(strength='a')), dict(ask=dict(speed=1)), dict(speed=1), dict(ask=dict(hints=[dict(x=301, y=1, color='red')])), dict(ask=dict(hints=5)), dict(ask=dict(hints=[dict(x=1, y=1, color='red', reach=1.5)]))):
        error(client.of(0, 'preview', body), 422)
    for body in ({}, dict(box=[0,0,1], side='after', width=1), dict(box=[0,0,400,1], side='after', width=1), dict(box=[0,0,1,1], side='left', width=1), dict(box=[0,0,1,1], side='after', width=10**9)):
        error(client.of(0, 'crop', body), 422)
    error(client.of(0, 'likely', dict(x=1)), 422); error(client.ask('/session/examples/nothing', 'POST'), 404); error(client.ask('/session/zip'), 404); error(client.of(0, 'file'), 404)

def test_a_wrong_method_is_told_the_right_ones(server):
    for path,allow in (('/api/colorize', 'POST'), ('/api/health', 'GET, HEAD'), ('/session', 'POST, GET, HEAD, DELETE'), ('/session/photos', 'POST'), ('/session/photos/x/thumb', 'GET, HEAD'),
                       ('/session/photos/x', 'DELETE'), ('/session/zip', 'GET, HEAD'), ('/', 'GET, HEAD'), ('/style.css', 'GET, HEAD')):
        answer = server.get(path, 'PUT')
        error(answer, 405); assert answer[2]['allow'] == allow, path
    for method,path in routes.ROUTES:
        if method != 'GET': assert server.get(path.replace('{id}', 'x').replace('{name}', 'x'))[0] == (405 if ('GET', path) not in routes.ROUTES else 404), path
    assert error(server.get('/api/colorize'), 405) == 'this address takes POST'

def test_a_photo_without_its_newlines(server, photo):
    "As `curl -d` sends it"
    form = dict(Content_Type='application/x-www-form-urlencoded')
    for data in (photo.read_bytes(), OLD_PHOTO.read_bytes()):
        stripped = data.replace(b'\n', b'').replace(b'\r', b'')
        assert '--data-binary @photo.jpg' in error(server.get('/api/colorize', 'POST', stripped, **form), 422)
        assert opened(server.get('/api/colorize', 'POST', data, **form)) # as `curl --data-binary` sends it
    assert '--data-binary' not in error(server.get('/api/colorize', 'POST', OLD_PHOTO.read_bytes()[:3000], **form), 422)

def test_too_large_and_too_slow(server, photo):
    def raw(head, body=b'', wait=10):
        with socket.create_connection(('127.0.0.1', server.port)) as s:
            s.settimeout(wait)
            s.sendall(head.encode().replace(b'\n', b'\r\n')+b'\r\n\r\n'+body)
            return s.recv(4096).decode()
    c = Client(server)
    top = f'Host: 127.0.0.1\nCookie: {c.cookie}\ncolorize-key: {c.key}'
    assert ' 413 ' in raw(f'POST /session/photos?name=a HTTP/1.1\n{top}\nContent-Length: 999999999999').splitlines()[0]
    assert ' 413 ' in raw(f'POST /session/all HTTP/1.1\n{top}\nContent-Length: 5000000').splitlines()[0]
    assert ' 413 ' in raw(f'POST /session/all HTTP/1.1\n{top}\nTransfer-Encoding: chunked', b'fffff\r\n'+b'{'*0xfffff+b'\r\n').splitlines()[0]
    slow = socket.create_connection(('127.0.0.1', server.port)) # an upload that does not go on keeps nobody waiting
    slow.sendall(f'POST /session/photos?name=slow.jpg HTTP/1.1\n{top}\nContent-Length: 99999\n\n'.replace('\n', '\r\n').encode()+bytes(500))
    c.add(photo.read_bytes(), 'quick.png')
    assert [p['name'] for p in c.ready()['photos']] == ['quick.png']
    slow.close() # and one that breaks off leaves nothing
    time.sleep(.3)
    assert len(c.json('/session')['photos']) == 1

def test_an_upload_that_stops_is_given_up(inside, monkeypatch):
    inside.server.settings = replace(previews.Settings(), patience=.5)
    with socket.create_connection(('127.0.0.1', inside.port)) as s:
        s.settimeout(10)
        s.sendall(b'POST /api/colorize HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999\r\n\r\n'+bytes(500))
        assert ' 408 ' in s.recv(4096).decode().splitlines()[0]
    time.sleep(.5)
    assert not inside.server.sessions and not inside.server.coming and not [p for p in inside.root.rglob('*') if p.is_file()]

def silent(port, n, data=b'', host='127.0.0.1'):
    "So many connections"
    made = [socket.create_connection((host, port), 30) for _ in range(n)]
    for s in made:
        try: s.sendall(data)
        except OSError: pass # it was closed already
    return made
def closed(s, wait=10):
    s.settimeout(wait)
    try:
        while s.recv(65536): pass
    except (ConnectionError, BrokenPipeError): pass
    except TimeoutError: return False
    return True

BEGUN = b'GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n'
BODY = b'POST /session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n{'
@pytest.mark.parametrize('data', [b'', BEGUN, BEGUN+b'\r\n', BEGUN+b'\r\n'+BEGUN[:9], BEGUN+b'Content-Length: 99\r\n\r\n', BODY,
                                  BEGUN+b'Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n'], ids='silent head idle second unread body socket'.split())
def test_who_says_nothing_more_is_closed(inside, monkeypatch, data):
    inside.server.settings = replace(previews.Settings(), patience=.3)
    s, = silent(inside.port, 1, data)
    began = time.monotonic()
    assert closed(s) and time.monotonic()-began < 6 and not inside.server.connections

def test_single_bytes_do_not_start_the_clock_again(inside, monkeypatch):
    inside.server.settings = replace(previews.Settings(), patience=.5)
    a,b = silent(inside.port, 1)+silent(inside.port, 1, BEGUN+b'\r\n')
    began = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() < began+5:
            for s in (a, b): s.sendall(b'G')
            time.sleep(.05)
    assert time.monotonic()-began < 4

def test_who_takes_no_answer_is_closed(inside, monkeypatch):
    inside.server.settings = replace(previews.Settings(), patience=.5)
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); s.connect(('127.0.0.1', inside.port))
    s.settimeout(.2)
    try:
        while True: s.sendall(b'GET /photos/broadway.jpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'*50) # asks on, one after the other
    except OSError: pass
    end = time.monotonic()+10
    while inside.server.connections: assert time.monotonic() < end; time.sleep(.05)

@pytest.mark.slow
@pytest.mark.parametrize('data', [b'', BEGUN, BODY], ids='silent head body'.split())
def test_many_that_say_nothing_keep_nobody_out(tmp_path, photo, data):
    s = Server(tmp_path, files=256)
    made = []
    try:
        c = Client(s)
        made = silent(s.port, 300, data)
        began = time.monotonic()
        assert s.get('/api/health')[0] == 200 and time.monotonic()-began < 5
        c.add(photo.read_bytes()); assert c.ready()['photos'] and opened(c.result()).size == (301,203)
        assert len(list(Path(f'/proc/{s.p.pid}/fd').iterdir())) < 150
    finally:
        for m in made: m.close()
        s.stop()
    assert len(s.said().splitlines()) == 1, s.said()

def test_one_address_leaves_room_for_others(inside):
    inside.server.settings = replace(previews.Settings(), connections=20)
    made = silent(inside.port, 30)
    time.sleep(.3)
    assert len([d for d in inside.server.connections if d.address == '127.0.0.1']) == 10
    with socket.socket() as s:
        s.bind(('127.0.0.2', 0)); s.connect(('127.0.0.1', inside.port)); time.sleep(.2)
        assert len(inside.server.connections) == 11
    for m in made: m.close()

def test_what_is_in_work_is_not_closed_for_others(inside, monkeypatch, photo):
    go = threading.Event()
    monkeypatch.setattr(scripts, 'open_upload', lambda *a: go.wait(20) and 1/0)
    inside.server.settings = replace(previews.Settings(), connections=8)
    with ThreadPoolExecutor(3) as ex:
        jobs = [ex.submit(inside.get, '/api/colorize', 'POST', photo.read_bytes()) for _ in range(3)]
        end = time.monotonic()+10
        while len(inside.server.queue.line) < 3: assert time.monotonic() < end; time.sleep(.02)
        made = silent(inside.port, 20)
        assert inside.get('/api/health')[0] == 200
        go.set()
        assert {j.result()[0] for j in jobs} == {500}
    for m in made: m.close()

# ---- who has gone on waits no more

def sent(client, path, body=None):
    "A connection that has sent a request, and waits for the answer"
    data = json.dumps(body).encode() if body is not None else b''
    head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {client.cookie}\r\ncolorize-key: {client.key}\r\nContent-Length: {len(data)}\r\n\r\n"
    s = socket.create_connection(('127.0.0.1', client.server.port)); s.sendall(head.encode()+data)
    return s
def wait_until(f):
    end = time.monotonic()+30
    while not f(): assert time.monotonic() < end; time.sleep(.01)

def test_leafing_on_drops_what_waits_and_before_waits_for_nothing(inside, monkeypatch, photo):
    c,go,ran = Client(inside),threading.Event(),[]
    c.add(photo.read_bytes()); path = f"/session/photos/{c.ready()['photos'][0]['id']}"
    v, = inside.server.sessions.values()
    def slow(models, upload, ask): ran.append(ask.strength); go.wait(60); return b'', []
    monkeypatch.setattr(routes, 'preview', slow)
    try:
        held = [sent(c, f'{path}/preview', dict(ask=dict(strength=n))) for n in (.1, .2)]
        wait_until(lambda: len(ran) == 2)
        gone = [sent(c, f'{path}/preview', dict(ask=dict(strength=n))) for n in (.3, .4)]
        wait_until(lambda: v.calls == 4)
        for s in gone: s.close()
        wait_until(lambda: v.calls == 2) # they wait no more
        assert opened(c.ask(f'{path}/before')).size == (301,203) and opened(c.ask(f'{path}/thumb')).width == 200 # though both places are taken
        assert c.json('/session')['photos'][0]['ask']['strength'] in (.3, .4) # what was chosen last is not forgotten
    finally: go.set()
    wait_until(lambda: v.calls == 0)
    assert sorted(ran) == [.1, .2]
    for s in held: s.close()

def test_suggestions_stop_where_nobody_waits(inside, monkeypatch, photo):
    c,ran = Client(inside),[]
    c.add(photo.read_bytes()); path = f"/session/photos/{c.ready()['photos'][0]['id']}"
    v, = inside.server.sessions.values()
    def endless(upload, ask, left):
        ran.append('began')
        wait_until(left)
        ran.append('stopped')
        return []
    monkeypatch.setattr(routes, 'variants', endless)
    s = sent(c, f'{path}/variants', {}); wait_until(lambda: ran)
    assert opened(c.of(0, 'preview', dict(ask={}))).size == (301,203) # it has a place of its own
    s.close(); wait_until(lambda: v.calls == 0)
    assert ran == ['began', 'stopped']
    u, = v.uploads.values()
    assert previews.variants(u, u.ask, lambda: True) == [] and len(previews.variants(u, u.ask, iter([False, False, True]).__next__)) == 2

# ---- one photo does not hold up the others

def test_a_photo_that_takes_minutes_holds_up_nobody(inside, monkeypatch, photo):
    real,go = previews.open_upload,threading.Event()
    def slow(upload, *a):
        if upload.name == 'slow.png': go.wait(60)
        return real(upload, *a)
    monkeypatch.setattr(sessions, 'open_upload', slow); inside.server.queue.long = .3
    a,b,c = (Client(inside) for _ in range(3))
    try:
        for v in (a, b):
            for _ in range(2): v.add(photo.read_bytes(), 'slow.png') # one of each at a time
        c.add(photo.read_bytes(), 'quick.png')
        assert [p['name'] for p in c.ready()['photos']] == ['quick.png'] and opened(c.result()).size == (301,203)
        assert opened(inside.get('/api/colorize', 'POST', photo.read_bytes())).size == (301,203)
        assert a.json('/session')['progress']['done'] == 0 and inside.server.queue.aside == 2
    finally: go.set()
    assert len(a.ready()['photos']) == len(b.ready()['photos']) == 2 and inside.server.queue.aside == 0 and not inside.server.queue.line

@pytest.mark.slow
def test_one_visitor_does_not_take_it_all(inside, monkeypatch, photo):
    "Neither by requests that wait, nor by steps"
    c,d,go = Client(inside),Client(inside),threading.Event()
    c.add(photo.read_bytes()); c.ready()
    monkeypatch.setattr(sessions, 'finish', lambda *a: go.wait(30) and None)
    with ThreadPoolExecutor(30) as ex:
        id = c.json('/session')['photos'][0]['id']
        jobs = [ex.submit(c.ask, f'/session/photos/{id}/finish', 'POST', '{}') for _ in range(30)]
        end = time.monotonic()+10
        while sum(j.done() for j in jobs) < 10: assert time.monotonic() < end; time.sleep(.02)
        error(c.ask('/session'), 429); assert d.json('/session')['photos'] == []
        go.set()
        assert sorted({j.result()[0] for j in jobs}) == [422,429]
    go.clear()
    said = [c.ask('/session/make', 'POST')[0] for _ in range(450)]
    assert set(said) == {200,429} and len(next(v for v in inside.server.sessions.values() if v.uploads).steps) <= 400
    go.set(); c.json('/session/stop', 'POST')

def test_what_was_refused_has_an_end(client):
    "Each answer holds it, and the page asks again and again"
    z = make_zip(**{f"{'x'*200}\n{i}.mp4": b'' for i in range(1500)})
    for _ in range(2): client.add(z, 'films.zip')
    s = client.ready()
    assert len(s['refused']) == 101 and s['refused'][-1]['name'] == 'and 2,900 more' and len(json.dumps(s)) < 60_000
    assert all(len(r['name']) <= 120 and r['name'].isprintable() for r in s['refused'])
    assert client.json('/session/refused', 'DELETE')['refused'] == []

# ---- what was asked for, or an error

@pytest.mark.parametrize('where,fault', [('results.placed_hints', ValueError('no such colour')), ('results.placed_hints', KeyError('/a/secret')), ('previews.Models.__getitem__', OverflowError('x')), ('previews.Models.__getitem__', OSError(28, 'No space left on device'))])
def test_never_an_older_result(inside, monkeypatch, capfd, photo, where, fault):
    c = Client(inside)
    c.add(photo.read_bytes(), 'a.png'); c.add(photo.read_bytes(), 'b.png')
    for i in (0, 1): assert c.result(i, strength=0)[0] == 200
    def broken(*a, **kw): raise fault
    with monkeypatch.context() as m:
        m.setattr(f'colorize_nb.page.{where}', broken)
        said = error(c.of(0, 'finish', dict(ask=dict(strength=1))), 507 if isinstance(fault, OSError) else 422 if isinstance(fault, ValueError) else 500)
        error(c.of(0, 'file'), 404); error(c.of(0, 'pair'), 404)
    s = c.json('/session')
    assert 'secret' not in said+json.dumps(s) and s['photos'][0]['failed'] and not s['photos'][0]['made']
    assert zipfile.ZipFile(io.BytesIO(c.ask('/session/zip')[1])).namelist() == ['b-color.png']
    assert len(capfd.readouterr().err.splitlines()) == (not isinstance(fault, (ValueError, OSError)))
    assert opened(c.result(0, strength=1)).size == (301,203) and not c.json('/session')['photos'][0]['failed']

def test_the_zip_has_no_older_results(client, photo):
    client.add(photo.read_bytes(), 'a.png'); client.add(photo.read_bytes(), 'b.png')
    for i in (0, 1): client.result(i, strength=0)
    opened(client.of(0, 'preview', dict(ask=dict(strength=1))))
    assert zipfile.ZipFile(io.BytesIO(client.ask('/session/zip')[1])).namelist() == ['b-color.png']

def test_what_is_made_is_what_was_asked_for(inside, monkeypatch, photo):
    "Though the same photo is looked at in another way meanwhile"
    c = Client(inside)
    c.add(photo.read_bytes()); c.ready()
    real,(v,) = results.finish,inside.server.sessions.values()
    s, = v.uploads.values()
    def meanwhile(models, upload, ask, *a): upload.ask = previews.Ask(strength=2.); return real(models, upload, ask, *a)
    monkeypatch.setattr(sessions, 'finish', meanwhile)
    assert (np.asarray(opened(c.result(strength=0))) == np.asarray(Image.open(photo))[...,None]).all() and s.made_with.strength == 0

def test_all_says_where_it_failed(inside, monkeypatch, photo):
    c = Client(inside)
    c.add(photo.read_bytes()); c.result()
    def broken(*a, **kw): raise ValueError('no')
    monkeypatch.setattr(previews, 'paint_small', broken); monkeypatch.setattr(previews.Models, '__getitem__', broken)
    c.json('/session/all', 'POST', dict(strength=2))
    p, = c.ready()['photos']
    assert p['failed'] == 'no' and not p['made'] and p['ask']['strength'] == 2

def test_one_bad_photo_is_one_line(tmp_path):
    "Pillow warns of each bad entry of a directory, and logs others"
    entries = [(256,3,1,40), (257,3,1,30), (258,3,1,8), (259,3,1,1), (262,3,1,1), (273,4,1,8), (277,3,1,65534), (278,3,1,30), (279,4,1,1200)]+[(700+i,5,9,2**31) for i in range(300)]
    data = b'II*\0'+struct.pack('<I', 8)+struct.pack('<H', len(entries))+b''.join(struct.pack('<HHII', *e) for e in entries)+bytes(4)
    jpeg = as_file(Image.new('L', (40,30), 90), exif=b'Exif\0\0'+data)
    s = Server(tmp_path)
    try:
        c = Client(s)
        c.add(data, 'bad.tif'); c.add(jpeg, 'a.jpg')
        r = c.ready()
        assert [x['name'] for x in r['refused']] == ['bad.tif'] and [p['name'] for p in r['photos']] == ['a.jpg']
        c.result(); s.get('/api/colorize', 'POST', data); s.get('/api/colorize', 'POST', jpeg)
    finally: s.stop()
    assert len(s.said().splitlines()) == 1, s.said()[:2000]

@pytest.mark.parametrize('name', ['\u00b2-x', '-1-x', '0-x', '1'*60+'-x', '\u0661-x', '1.5-x', '-x'])
def test_a_strange_folder_in_the_temporary_one(tmp_path, monkeypatch, name):
    "Anybody may make it"
    monkeypatch.setattr(web.tempfile, 'tempdir', str(tmp_path))
    (tmp_path/f'colorize-app-{name}').mkdir(); (tmp_path/f'colorize-app-{name}y').touch()
    (tmp_path/'colorize-app-1-away').symlink_to(tmp_path); (tmp_path/'colorize-app-999999999-gone').symlink_to(tmp_path/'nowhere')
    p = web.server_folder()
    assert p.is_dir() and p.parent == tmp_path and p.name.startswith(f'colorize-app-{os.getpid()}-')

def test_films_are_for_the_command(inside):
    "By their bytes, by their name where no bytes tell, in an archive, too large, in a form; photos by that name are photos"
    c,film = Client(inside),b'\0\0\0\x18ftypisom'+bytes(40_000)
    def limits(**kw): inside.server.settings = replace(previews.Settings(), **kw)
    def command(text): return text.startswith('a film (') and text.endswith('colorize film.mp4')
    c.add(film, 'a.jpg'); c.add(b'nobody knows', 'b.MKV'); c.add(OLD_PHOTO.read_bytes(), 'c.mp4'); c.add(make_zip(**{'d.mov':film}), 'album.zip')
    s = c.ready()
    why = {r['name']: r['why'] for r in s['refused']}
    assert [p['name'] for p in s['photos']] == ['c.mp4'] and command(why.pop('a.jpg')) and command(why.pop('b.MKV'))
    assert why == {'d.mov':'a film in an archive is not read: unpack it, then colorize d.mov'}
    assert command(error(inside.get('/api/colorize', 'POST', film), 422))
    form = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.mp4"\r\n\r\n'+film+b'\r\n--x--\r\n'
    assert command(error(inside.get('/api/colorize', 'POST', form, content_type='multipart/form-data; boundary=x'), 422))
    limits(photo=30_000); assert command(error(c.ask('/session/photos?name=a', 'POST', film), 413))
    limits(space=30_000); assert command(error(c.ask('/session/photos?name=a', 'POST', film), 413))
    limits()
    large = http.client.HTTPConnection('127.0.0.1', inside.port, timeout=60)
    large.putrequest('POST', '/api/colorize'); large.putheader('content-length', str(10**9)); large.endheaders()
    r = large.getresponse(); assert 'if it is a film: colorize film.mp4' in error((r.status, r.read()), 413)

def test_the_disk_has_an_end(inside, monkeypatch):
    c = Client(inside)
    def limits(**kw): inside.server.settings = replace(previews.Settings(), **kw)
    limits(total=30_000); assert 'no room' in error(c.ask('/session/photos?name=a', 'POST', OLD_PHOTO.read_bytes()), 507)
    limits(spare=10**15); assert 'no room' in error(inside.get('/api/colorize', 'POST', OLD_PHOTO.read_bytes()), 507)
    limits(space=30_000); assert 'in all' in error(c.ask('/session/photos?name=a', 'POST', OLD_PHOTO.read_bytes()), 413)
    limits(photo=30_000); error(c.ask('/session/photos?name=a', 'POST', OLD_PHOTO.read_bytes()), 413)
    limits(photos=0); assert 'more than 0 photos' in error(c.ask('/session/photos?name=a', 'POST', OLD_PHOTO.read_bytes()), 422)
    limits(requests=-1); error(inside.get('/'), 429)
    limits()
    def full(*a, **kw): raise OSError(28, 'No space left on device', '/a/path')
    with monkeypatch.context() as m:
        m.setattr(Colorizer, 'colorize_file', full)
        assert error(inside.get('/api/colorize', 'POST', OLD_PHOTO.read_bytes()), 507) == 'No space left on device'
        c.add(OLD_PHOTO.read_bytes())
        assert 'No space left' in error(c.of(0, 'finish', {}), 507)
    limits(sessions=1); error(inside.get('/session', 'POST'), 429); limits()
    assert c.result()[0] == 200 # and it goes on
    assert len(inside.server.sessions) == 1

def test_what_nobody_expected_is_one_line(inside, monkeypatch, capfd):
    c = Client(inside)
    c.add(OLD_PHOTO.read_bytes()); c.ready()
    def broken(*a, **kw): raise KeyError('/a/secret')
    monkeypatch.setattr(routes, 'preview', broken)
    said = error(c.of(0, 'preview', {}), 500)
    err = capfd.readouterr().err
    assert 'secret' not in said+err and len(err.splitlines()) == 1 and 'KeyError' in err

# ---- many, much, for long

@pytest.mark.slow
def test_a_hundred_at_once(server, photo):
    png = photo.read_bytes()
    with ThreadPoolExecutor(100) as ex: got = list(ex.map(lambda _: server.get('/api/colorize', 'POST', png), range(100)))
    assert {g[0] for g in got} == {200} and len({g[1] for g in got}) == 1
    v = Client(server)
    v.add(png); assert v.ready()['photos']

@pytest.mark.slow
def test_whoever_waits_is_told(server):
    a,b = Client(server),Client(server)
    big = as_file(Image.open(OLD_PHOTO).resize((6000,5000)))
    a.add(big); a.ready()
    with ThreadPoolExecutor(1) as ex:
        job = ex.submit(a.result)
        while not a.json('/session')['before'] == 0 or not job.running(): time.sleep(.01)
        time.sleep(.2)
        b.add(OLD_PHOTO.read_bytes())
        seen = [b.json('/session')['before'] for _ in range(3)]
        assert opened(job.result()).size == (6000,5000)
    assert 1 in seen and b.ready()['before'] == 0

@pytest.mark.slow
@pytest.mark.timeout(600)
def test_large_photos_and_many_of_them_in_bounded_memory(tmp_path, photo):
    s = Server(tmp_path)
    try:
        small = s.memory()
        for size in ((5000,4000), (10_000,6000), (9000,2000), (1500,9000)):
            c = Client(s)
            c.add(as_file(Image.open(OLD_PHOTO).convert('L').resize(size, Image.BILINEAR)))
            opened(c.of(0, 'preview', {}))
            part = opened(c.of(0, 'crop', dict(ask={}, side='after', box=[0,0,1000,1000], width=1000)))
            assert part.size == (1000,1000) and opened(c.result()).size == size
            c.json('/session', 'DELETE')
        assert opened(s.get('/api/colorize', 'POST', as_file(Image.new('L', (6000,6000), 90)))).size == (6000,6000)
        assert 'more than 60 megapixels' in error(s.get('/api/colorize', 'POST', as_file(Image.new('L', (9000,8000)), 'PNG')), 422)
        assert s.memory() < 1200, (small, s.memory())
        png,after = photo.read_bytes(),[]
        for i in range(200):
            assert s.get('/api/colorize', 'POST', png)[0] == 200
            if i%50 == 49: after.append(s.memory('VmRSS'))
        assert after[-1] < after[0]+60, after
    finally: s.stop()

# ---- nothing stays

@pytest.mark.slow
@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_stays(tmp_path, photo, sig):
    s = Server(tmp_path)
    try:
        c = Client(s)
        c.add(photo.read_bytes()); c.result()
        assert s.files()
        assert s.stop(sig) == 0
        assert sorted(p.name for p in s.temp.rglob('*')) == [] and sorted(p.name for p in s.home.rglob('*')) == []
        assert len(s.said().splitlines()) == 1, s.said()
    finally: s.stop()

@pytest.mark.slow
def test_what_a_killed_server_left_goes_with_the_next(tmp_path, photo):
    s = Server(tmp_path)
    c = Client(s); c.add(photo.read_bytes()); c.ready()
    s.stop(signal.SIGKILL)
    assert s.files()
    s = Server(tmp_path)
    try: assert not s.files() and len(list(s.temp.glob('colorize-app-*'))) == 1
    finally: s.stop()

def test_a_closed_page_is_kept_for_ten_minutes(inside, photo):
    c = Client(inside)
    c.add(photo.read_bytes()); c.ready()
    (v,) = inside.server.sessions.values()
    now = time.monotonic()
    inside.server.end_old(now+500); assert v.folder.exists() and c.json('/session')['photos']
    inside.server.end_old(time.monotonic()+700); assert not v.folder.exists()
    error(c.ask('/session'), 404)

@pytest.mark.slow
def test_it_answers_within_two_seconds(tmp_path):
    took = []
    for i in range(3):
        (d := tmp_path/str(i)).mkdir()
        s = Server(d); took.append(s.took); s.stop()
    assert min(took) < 2*max(1, os.getloadavg()[0]/os.cpu_count()), took

def test_it_opens_the_browser(tmp_path):
    (tmp_path/'browser').write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n'); (tmp_path/'browser').chmod(0o700)
    p = subprocess.Popen([str(Path(sys.executable).parent/'colorize-app')], env=os.environ|dict(BROWSER=f'{tmp_path}/browser %s', TMPDIR=str(tmp_path)), stderr=subprocess.PIPE, text=True)
    try:
        line,end = p.stderr.readline(),time.monotonic()+20
        while not (tmp_path/'opened').exists(): assert time.monotonic() < end; time.sleep(.05)
        assert re.search(r'http://127.0.0.1:78\d\d/', line)[0] == (tmp_path/'opened').read_text().strip() # 7860, or the next that is free
    finally: p.terminate(); p.wait(20)

def test_in_a_notebook(monkeypatch):
    shown = []
    monkeypatch.setitem(sys.modules, 'IPython', True)
    display = type(sys)('IPython.display')
    display.IFrame,display.display = lambda src, **kw: src,shown.append
    monkeypatch.setitem(sys.modules, 'IPython.display', display)
    first = web.launch_app(); app = web.launch_app()
    try:
        assert not first.root.exists() and app.root.is_dir()
        token = shown[-1].split('#token=')[1]
        def get(*a, **kw): return Server.get(app, *a, **kw)
        policy = get('/')[2]['content-security-policy']
        assert 'frame-ancestors http://localhost:*' in policy and "frame-ancestors 'none'" not in policy
        error(get('/session', 'POST'), 401) # another page of this computer cannot use it
        assert json.loads(get('/session', 'POST', Authorization=f'Bearer {token}')[1])['photos'] == []
    finally: app.close()
    assert not app.root.exists() and not [t for t in threading.enumerate() if 'uvicorn' in t.name]

@pytest.mark.slow
@pytest.mark.parametrize('begun', [0, .1])
def test_stopped_while_it_works(tmp_path, photo, begun): # noqa: F811
    "Python tears the threads that still run out of onnxruntime, which aborted the process"
    s = Server(tmp_path)
    try:
        c = Client(s)
        for _ in range(4): c.add(photo.read_bytes(), photo.name)
        time.sleep(begun)
    finally: status = s.stop()
    assert status == 0 and len(s.said().splitlines()) == 1 and not s.files(), (status, s.said())

@pytest.mark.parametrize('depth', ['L', 'I;16', 'RGB'])
def test_a_tiff_as_any_other(client, tmp_path, depth):
    a = (np.arange(60*80).reshape(60,80)*(13 if depth == 'I;16' else 1)%(65535 if depth == 'I;16' else 256)).astype(np.uint16 if depth == 'I;16' else np.uint8)
    im = Image.fromarray(np.stack([a]*3, -1) if depth == 'RGB' else a)
    client.add(as_file(im, 'TIFF'), 'scan.tif'); client.add(OLD_PHOTO.read_bytes())
    s = client.ready()
    assert [p['size'] for p in s['photos']] == [[80,60], [500,651]] and not s['refused']
    got = opened(client.result(0))
    assert got.format == 'TIFF' and got.size == (80,60) and opened(client.ask('/api/colorize', 'POST', as_file(im, 'TIFF'))).size == (80,60)

def test_what_nobody_thought_of_stops_one_photo_only(inside, monkeypatch, capsys):
    real = previews.open_upload
    def odd(upload, settings):
        if upload.name == 'odd.png': raise AttributeError('odd')
        return real(upload, settings)
    monkeypatch.setattr(sessions, 'open_upload', odd)
    c = Client(inside)
    c.add(as_file(Image.new('L', (40,30)), 'PNG'), 'odd.png'); c.add(as_file(Image.new('L', (50,30), 90), 'PNG'), 'next.png')
    s = c.ready()
    assert [p['name'] for p in s['photos']] == ['next.png'] and s['refused'] == [dict(name='odd.png', why='something went wrong here; it is not your photo')]
    assert capsys.readouterr().err.strip() == 'colorize-app: AttributeError at opening a photo'

# ---- models of others

def theirs(folder):
    "A model that paints a* = L*/5, b* = -10, and takes no hints"
    from test_import import conv_graph, folder as model_folder
    return model_folder(folder/'theirs', conv_graph([[.2],[0]], [0,-10]), dict(of='L'), dict(of='ab'))

@pytest.mark.slow
def test_a_model_of_somebody_else(tmp_path, photo, colorizer):
    where = theirs(tmp_path)
    s = Server(tmp_path, '--model', str(where)); c = Client(s)
    try:
        c.add(photo.read_bytes(), 'mother.png'); c.ready()
        assert c.json('/session', 'POST')['settings']['models'] == [dict(name='default', vivid=True), dict(name='theirs', vivid=False)]
        point = dict(x=150, y=100, color='#7a1f1f'); ask = dict(model='theirs', hints=[point])
        want = Colorizer.from_pretrained(where).colorize(photo, hints=[Hint(**point)])
        assert (np.asarray(opened(c.result(**ask)).convert('RGB')) == np.asarray(want)).all()
        assert previews.NOTES['spread'] in c.of(0, 'preview', dict(ask=ask))[2]['colorize-notes'] and previews.NOTES['spread'] not in c.of(0, 'preview', dict(ask=dict(model='theirs')))[2]['colorize-notes']
        spot = dict(ask=dict(model='theirs'), x=40, y=50)
        assert c.of(0, 'likely', spot)[1] == c.of(0, 'likely', spot|dict(ask={}))[1] # ours knows what is likely
        assert 'only the shipped model' in error(c.of(0, 'doubt', dict(ask=dict(model='theirs'))), 422)
        assert 'vivid' in error(c.of(0, 'preview', dict(ask=dict(model='theirs', vivid=.5))), 422)
        for m in ('/etc', str(where), '../theirs', 7, [], None): assert 'no such model here; there are default, theirs' in error(c.of(0, 'preview', dict(ask=dict(model=m))), 422)
        a = opened(s.get('/api/colorize?model=theirs', 'POST', photo.read_bytes())); assert (np.asarray(a.convert('RGB')) == np.asarray(Colorizer.from_pretrained(where).colorize(photo))).all()
        assert 'no such model' in error(s.get('/api/colorize?model=vivid', 'POST', photo.read_bytes()), 422)
        c.json('/session/all', 'POST', dict(model='theirs', strength=.5)); assert c.ready()['photos'][0]['ask']['model'] == 'theirs'
    finally: s.stop()

@pytest.mark.parametrize('args,says', [(['none'], 'none'), (['theirs', 'other/theirs'], 'another model is called theirs too'), (['other/default'], 'another model is called default too')])
def test_a_model_that_cannot_be_offered(tmp_path, monkeypatch, capsys, args, says):
    monkeypatch.chdir(tmp_path); (tmp_path/'other').mkdir()
    theirs(tmp_path); theirs(tmp_path/'other').rename(tmp_path/'other/default'); theirs(tmp_path/'other')
    assert web.colorize_app(model=args, no_browser=True) in (1, 2)
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1 and says in err[0], err

@pytest.mark.parametrize('args,names', [(['theirs', 'theirs/', './theirs/.'], ['theirs']), (['default'], []), (['.'], ['odd  name']), ([b'a\xff'], ['a']), (['\t'], ['theirs']), (['m\u00f6we v1.2'], ['m\u00f6we v1.2'])])
def test_what_a_model_is_called(tmp_path, monkeypatch, args, names):
    "As its folder is, however that is written; what cannot be shown or sent is left out"
    (d := theirs(tmp_path)); args = [os.fsdecode(a) for a in args]
    for a in (*args, 'odd  name'): (tmp_path/a).exists() or shutil.copytree(d, tmp_path/a)
    monkeypatch.chdir(tmp_path/'odd  name' if args == ['.'] else tmp_path)
    assert [*web.load_models(args)] == names

def test_a_model_was_changed_between_two_pages(tmp_path, photo):
    "A page that is opened again, as in a notebook after more training, paints with what lies there now"
    from test_import import conv_graph, folder as model_folder
    for a in (20, -20):
        model_folder(tmp_path/'mine', conv_graph([[0],[0]], [a,0]), dict(of='L'), dict(of='ab'))
        r = web.Running('127.0.0.1', None, models=[tmp_path/'mine'])
        try: px = np.asarray(r.server.models['mine'].colorize(photo)).astype(int)
        finally: r.close()
        assert np.sign((px[...,0]-px[...,1]).mean()) == np.sign(a)

def test_two_servers_have_models_of_their_own(tmp_path, photo):
    "Closing one takes nothing away from the other, and neither knows the other's"
    from test_import import conv_graph, folder as model_folder
    for name,a in ('red', 20), ('green', -20): model_folder(tmp_path/name, conv_graph([[0],[0]], [a,0]), dict(of='L'), dict(of='ab'))
    pages = [web.Running('127.0.0.1', None, models=[tmp_path/name]) for name in ('red', 'green')]
    def colored(page, model): return Server.get(page, f'/api/colorize?model={model}', 'POST', photo.read_bytes())
    def redness(answer): px = np.asarray(opened(answer).convert('RGB')).astype(int); return (px[...,0]-px[...,1]).mean()
    try:
        for page,name,other in (pages[0], 'red', 'green'), (pages[1], 'green', 'red'):
            assert [m['name'] for m in json.loads(Server.get(page, '/session', 'POST')[1])['settings']['models']] == ['default', name]
            assert 'no such model' in error(colored(page, other), 422)
        pages[0].close()
        assert redness(colored(pages[1], 'green')) < -5
    finally:
        for page in pages: page.close()

def test_the_page_is_told_ranges_and_formats(client):
    "Its sliders end where `/api/colorize` does, and its file input accepts what can be read"
    settings = client.json('/session', 'POST')['settings']
    for name,s in settings['sliders'].items():
        def said(v): return error(client.ask(f'/api/colorize?{name}={v}', 'POST', b'no photo'), 422) # noqa: B023
        assert 'must be' in said(s['high']+s['step']) and 'must be' in said(s['low']-s['step'])
        for v in (s['low'], s['high']): assert 'accepted' in said(v) # the number is good, the photo is not
    assert settings['sliders'].keys() == {'strength', 'vivid', 'reach'}
    assert {*SUFFIXES} < {*settings['accept']} and {'.zip', '.avif', '.jp2', '.jfif'} < {*settings['accept']} and 'AVIF' in settings['kinds']
    assert settings['limits'] == dict(photos=100, pixels=60*10**6, upload=500*10**6) and settings['local']

def test_the_shipped_model_is_loaded_once(tmp_path, photo, monkeypatch):
    loaded = []
    class Counted(Colorizer):
        @classmethod
        def from_pretrained(cls, *a): loaded.append(a); return Colorizer.from_pretrained(*a)
    monkeypatch.setattr(previews, 'Colorizer', Counted); previews.shipped_model.cache_clear()
    try: s = previews.open_upload(previews.Upload('a', photo)); previews.preview(previews.Models(), s, previews.Ask()); previews.likely(s, previews.Ask(), 1, 1)
    finally: previews.shipped_model.cache_clear()
    assert len(loaded) == 1

def test_what_is_said_of_another_model_suits_it(tmp_path, photo):
    from test_import import conv_graph, folder as model_folder
    models = previews.Models(web.load_models([model_folder(tmp_path/'dull', conv_graph([[0],[0]]), dict(of='L'), dict(of='ab')), 'vivid']))
    s = previews.open_upload(previews.Upload('a', photo))
    (note,) = [previews.NOTES[n] for n in previews.preview(models, s, previews.Ask(model='dull'))[1]]
    assert note.startswith('It stayed nearly gray') and 'Vivid' not in note and 'suggestion' not in note # the page hides both
    assert models.describe()[-1] == dict(name='vivid', vivid=False) # it has its own
