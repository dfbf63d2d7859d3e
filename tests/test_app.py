"The page in a real browser: photos go in, colours are chosen, files come out; what is hostile is refused; nothing leaves, nothing stays."
import http.client, io, json, os, shutil, signal, socket, subprocess, sys, time, urllib.error, urllib.request, zipfile
from pathlib import Path
import pytest
pytest.importorskip('gradio', reason='needs the app extra')
sync_api = pytest.importorskip('playwright.sync_api', reason='needs playwright')
import numpy as np
from PIL import Image, PngImagePlugin
from conftest import OLD_PHOTO, gray_level
import colorize_nb.app as web
from colorize_nb.colorizer import Colorizer

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
pytestmark = [pytest.mark.skipif(not CHROMIUM, reason='needs chromium'), pytest.mark.timeout(180)]
ARGS = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()
PATIENCE = 60_000 # ms; two cores may be busy

class Server:
    "The command, with a temp folder and a home of its own"
    def __init__(self, folder):
        with socket.socket() as s: s.bind(('127.0.0.1', 0)); self.port = s.getsockname()[1]
        self.url = f'http://127.0.0.1:{self.port}/'
        self.temp,self.home = folder/'temp',folder/'home'
        self.temp.mkdir(exist_ok=True); self.home.mkdir(exist_ok=True)
        env = os.environ|dict(TMPDIR=str(self.temp), HOME=str(self.home), XDG_CACHE_HOME=str(self.home/'.cache'), OMP_WAIT_POLICY='passive')
        self.log = open(folder/'log', 'w+')
        self.p = subprocess.Popen([str(Path(sys.executable).parent/'colorize-app'), '--port', str(self.port)], env=env, cwd=folder, stdout=self.log, stderr=self.log)
        end = time.monotonic()+120
        while 'Open http' not in self.said():
            assert self.p.poll() is None and time.monotonic() < end, self.said()
            time.sleep(.1)
    def said(self): self.log.seek(0); return self.log.read()
    def stop(self, sig=signal.SIGTERM):
        if self.p.poll() is None: self.p.send_signal(sig)
        return self.p.wait(30)
    def files(self, *suffixes): return sorted(p.name for p in self.temp.rglob('*') if p.is_file() and p.stat().st_size and p.suffix in suffixes)
    def get(self, path, host=None, method='GET', body=None, **headers):
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        c.request(method, path, body, dict(Host=host or f'127.0.0.1:{self.port}')|headers)
        r = c.getresponse()
        return r.status,r.read(),r.headers

@pytest.fixture(scope='module')
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp('server'))
    yield s
    s.stop()

@pytest.fixture(scope='module')
def chromium():
    with sync_api.sync_playwright() as p:
        b = p.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield b
        b.close()

class User:
    "Somebody at a browser of their own"
    def __init__(self, chromium, url, width=1280, **kw):
        self.ctx = chromium.new_context(viewport=dict(width=width, height=850), accept_downloads=True, **kw)
        self.page,self.asked,self.errors = self.ctx.new_page(),[],[]
        self.page.set_default_timeout(PATIENCE)
        self.page.on('request', lambda r: self.asked.append(r.url)); self.page.on('pageerror', lambda e: self.errors.append(str(e)))
        self.page.goto(url, wait_until='domcontentloaded')
        self.page.wait_for_selector('#drop input[type=file]', state='attached')
    def drop(self, *files):
        self.page.set_input_files('#drop input[type=file]', [str(f) for f in files])
        return self
    def wait(self, js): self.page.wait_for_function(js, timeout=PATIENCE); return self
    def done(self, n): return self.wait(f"document.querySelector('#said')?.innerText.includes('{n} photo{'s'*(n != 1)} in colour.')")
    def shown(self): return self.page.evaluate("[...document.querySelectorAll('#slider img')].map(i => i.src)")
    def new_result(self, act):
        "Do something, wait until another result is on view and loaded"
        old = self.shown()
        act()
        self.wait(f"(() => {{ const i = document.querySelectorAll('#slider img'); return i.length == 2 && i[1].src != {json.dumps(old[-1] if old else '')} && i[1].complete && i[1].naturalWidth }})()")
        return self
    def download(self, button, to):
        with self.page.expect_download(timeout=PATIENCE) as d: self.page.click(button)
        d.value.save_as(to/d.value.suggested_filename)
        return to/d.value.suggested_filename
    def wide(self): return self.page.evaluate('document.documentElement.scrollWidth - innerWidth')

@pytest.fixture
def user(server, chromium):
    "Makes users; at the end, none of them asked anybody but the server"
    made = []
    def f(url=None, **kw): made.append(User(chromium, url or server.url, **kw)); return made[-1]
    yield f
    for u in made:
        u.ctx.close()
        assert not [a for a in u.asked if not a.startswith((server.url, 'data:', 'blob:', 'http://127.0.0.1:'))] and not u.errors, (u.asked, u.errors)

@pytest.fixture
def photo(tmp_path):
    "A gray PNG with a text and a resolution"
    info = PngImagePlugin.PngInfo(); info.add_text('Title', 'Mother')
    Image.open(OLD_PHOTO).convert('L').resize((301,203)).save(tmp_path/'mother.png', pnginfo=info, dpi=(300,300))
    return tmp_path/'mother.png'

def make_zip(path, **entries):
    with zipfile.ZipFile(path, 'w') as z:
        for n,b in entries.items(): z.writestr(n, b)
    return path

def test_upload_slide_change_download(user, photo, tmp_path):
    u = user()
    u.new_result(lambda: u.drop(photo)).done(1)
    handle,cover = u.page.locator('#slider [data-testid=slider]'),u.page.locator('#slider img').nth(1)
    def cut(): return float(cover.get_attribute('style').split('clip-path: inset(0px 0px 0px ')[1].split('%')[0])
    before = cut(); box = handle.bounding_box(); x,y = box['x']+box['width']/2,box['y']+box['height']/2
    u.page.mouse.move(x, y); u.page.mouse.down(); u.page.mouse.move(x-100, y, steps=4); u.page.mouse.up()
    dragged = cut(); assert dragged < before-5
    handle.focus(); u.page.keyboard.press('ArrowRight')
    assert dragged < cut() < dragged+15
    u.page.keyboard.press('End'); assert cut() > 99
    first = u.download('#download', tmp_path/'first')
    u.new_result(lambda: (u.page.fill('#strength input[type=number]', '1.7'), u.page.press('#strength input[type=number]', 'Enter')))
    got = u.download('#download', tmp_path/'second')
    assert got.name == 'mother-color.png' and got.read_bytes() != first.read_bytes()
    a,b = Image.open(photo),Image.open(got)
    assert b.size == a.size == (301,203) and b.text['Title'] == 'Mother' and round(b.info['dpi'][0]) == 300
    assert 'compositeWithTrainedAlgorithmicMedia' in b.text['XML:com.adobe.xmp'] and 'strength="1.7"' in b.text['XML:com.adobe.xmp']
    assert np.abs(gray_level(b)-np.asarray(a, float)).max() <= 1.01
    want = Colorizer.from_pretrained().colorize_file(photo, tmp_path/'want.png', strength=1.7, render_size=160)
    assert got.read_bytes() == want.read_bytes()  # the library's own file, byte for byte
    both = Image.open(u.download('#compare', tmp_path))
    assert both.format == 'JPEG' and both.width > 2*301

def test_jpeg_keeps_size_and_lightness(user, tmp_path):
    u = user()
    u.new_result(lambda: u.drop(OLD_PHOTO))
    got = u.download('#download', tmp_path)
    a,b = Image.open(OLD_PHOTO).convert('RGB'),Image.open(got)
    d = np.abs(gray_level(a)-gray_level(b))
    assert b.size == a.size and np.percentile(d, 99) <= 5 and d.max() <= 12  # what README states

def test_bad_files_are_named_and_the_others_go_on(user, server, photo, tmp_path):
    (tmp_path/'broken.jpg').write_bytes(OLD_PHOTO.read_bytes()[:3000]); (tmp_path/'<b>x.txt').write_text('not a photo')
    (tmp_path/'empty.png').write_bytes(b'')
    png = photo.read_bytes()
    make_zip(tmp_path/'album.zip', **{'1936/good.png':png, '../../climbed.png':png, '/absolute.png':png, 'C:\\windows.png':png, 'notes.txt':b'hello'})
    u = user()
    u.drop(tmp_path/'broken.jpg', photo, tmp_path/'<b>x.txt', tmp_path/'empty.png', tmp_path/'album.zip').done(2)
    u.wait("document.querySelectorAll('#said li').length >= 7")
    lines = dict(x.split(': ', 1) for x in u.page.locator('#said li').all_inner_texts())
    out = 'its path leads out of the archive'
    assert lines.pop('../../climbed.png') == lines.pop('/absolute.png') == lines.pop('C:/windows.png') == out
    assert lines.pop('notes.txt') == 'not a photo' and lines.pop('empty.png') == 'the file is empty'
    assert 'damaged' in lines.pop('broken.jpg') and len(lines) == 1 and 'not a picture' in lines.popitem()[1]
    assert not [p for p in server.temp.parent.rglob('*climbed*')] and not Path('/absolute.png').exists()
    z = zipfile.ZipFile(u.download('#all', tmp_path))
    assert sorted(z.namelist()) == ['1936/good-color.png', 'mother-color.png'] and Image.open(io.BytesIO(z.read('1936/good-color.png'))).size == (301,203)

def test_archive_bomb(user, tmp_path):
    with zipfile.ZipFile(tmp_path/'bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:
        for i in range(4): z.writestr(f'{i}.png', bytes(30*2**20))
    with zipfile.ZipFile(tmp_path/'many.zip', 'w') as z:
        for i in range(9500): z.writestr(f'{i:060d}.png', b'')
    u = user()
    u.drop(tmp_path/'bomb.zip', tmp_path/'many.zip').wait("document.querySelectorAll('#said li').length == 5")
    lines = u.page.locator('#said li').all_inner_texts()
    assert lines[:4] == [f'{i}.png: unpacks to more than 200 times its size: a bomb, not a photo' for i in range(4)] and lines[4] == 'many.zip: too many entries in the archive'

def test_two_users_do_not_see_each_other(user, server, photo, tmp_path):
    a,b = user(),user()
    other = tmp_path/'aunt.png'; Image.open(photo).rotate(90, expand=True).save(other)
    shutil.copy(photo, same := tmp_path/'same.png')
    a.drop(photo); b.drop(other, same)  # at once, and one photo is the same
    a.done(1); b.done(2)
    for u in (a,b): u.wait("document.querySelectorAll('#slider img')[1]?.naturalWidth")
    assert 'mother.png' in a.page.inner_text('#about') and 'aunt.png' in b.page.inner_text('#about')
    assert 'aunt.png' not in a.page.content() and 'mother' not in b.page.content()
    assert Image.open(a.download('#download', tmp_path/'a')).size == (301,203) and Image.open(b.download('#download', tmp_path/'b')).size == (203,301)
    c = user()
    assert not c.page.is_visible('#result') and not c.page.query_selector('#slider img')
    a.page.click('#over'); a.wait("!document.querySelector('#result') || document.querySelector('#result').offsetParent === null")
    assert Image.open(b.download('#download', tmp_path/'b2')).size == (203,301)  # the other's photos are still there

def test_variants_keyboard_and_nearly_gray(user, photo):
    u = user()
    u.new_result(lambda: u.drop(photo)).wait("document.querySelectorAll('.try img').length == 3")
    seen = []
    u.page.evaluate("document.activeElement.blur()")
    for _ in range(25):
        u.page.keyboard.press('Tab')
        seen.append(u.page.evaluate("(e => e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || '')(document.activeElement)").strip())
        if seen[-1] == 'Vivid': break
    assert {'Border between before and after', 'Download this photo', 'Natural', 'Stronger', 'Vivid'} <= set(seen) and '' not in seen, seen
    u.new_result(lambda: u.page.keyboard.press('Enter'))
    assert u.page.locator('#model input[value=vivid]').is_checked()
    u.new_result(lambda: u.page.locator('.try').nth(1).click())
    assert u.page.locator('#model input[value=default]').is_checked() and u.page.input_value('#strength input[type=number]') == '1.6'
    u.new_result(lambda: (u.page.fill('#strength input[type=number]', '0.1'), u.page.press('#strength input[type=number]', 'Enter')))
    assert 'stayed nearly gray' in u.page.inner_text('#about') and 'Vivid' in u.page.inner_text('#about')
    u.new_result(lambda: u.page.locator('#size input').first.click())
    assert 'The colours are a guess' in u.page.inner_text('#hello')

def test_all_photos_take_the_settings(user, photo, tmp_path):
    shutil.copy(photo, tmp_path/'second.png')
    u = user()
    u.drop(photo, tmp_path/'second.png').done(2)
    u.page.wait_for_selector('#same')
    u.new_result(lambda: (u.page.fill('#strength input[type=number]', '0'), u.page.press('#strength input[type=number]', 'Enter')))
    old = u.page.locator('#gallery img').nth(1).get_attribute('src')
    u.page.click('#same')
    u.wait(f"document.querySelectorAll('#gallery img')[1].src != {json.dumps(old)}")
    z = zipfile.ZipFile(u.download('#all', tmp_path))
    for n in ('mother-color.png', 'second-color.png'):
        px = np.asarray(Image.open(io.BytesIO(z.read(n)))); assert (px == np.asarray(Image.open(photo))[...,None]).all()  # strength 0 is the gray photo
    u.new_result(lambda: u.page.locator('#gallery button').nth(1).click())
    assert 'second.png' in u.page.inner_text('#about')

def test_phone(user, photo, tmp_path):
    long = tmp_path/('a_rather_long_name_without_any_space_'*3+'.png'); shutil.copy(photo, long)
    (tmp_path/(long.stem+'.txt')).write_text('')
    u = user(width=390, has_touch=True, is_mobile=True, device_scale_factor=2)
    assert u.wide() <= 0
    u.drop(photo, long, tmp_path/(long.stem+'.txt'))
    u.page.wait_for_selector('#said [data-testid=status-tracker]:not(.hide)')
    assert u.page.locator('#said').bounding_box()['height'] > 50  # the first photo shows that something happens
    u.done(2).wait("document.querySelectorAll('#said li').length == 1 && document.querySelectorAll('.try img').length == 3")
    assert u.wide() <= 0, 'wider than a phone'
    small = u.page.evaluate("[...document.querySelectorAll('#result button[id]')].filter(b => b.offsetParent && b.getBoundingClientRect().height < 40).map(b => b.id)")
    assert not small, f'too small for a thumb: {small}'

@pytest.mark.parametrize('path', ['/etc/passwd', '../../../../etc/passwd', '..%2f..%2f..%2fetc%2fpasswd', '%2e%2e/%2e%2e/etc/passwd', '//etc/passwd', '/proc/self/environ',
                                  'settings.ini', 'C:\\Windows\\win.ini', 'http://example.com/x', 'https:%2f%2fexample.com'])
def test_files_elsewhere_are_refused(server, path):
    for route in ('/gradio_api/file=', '/file=', '/gradio_api/file/', '/static/', '/assets/', '/gradio_api/proxy=http://'):
        status,body,_ = server.get(route+path)
        assert status in (400,403,404,405,307) and b'root:' not in body and b'PATH=' not in body, (route+path, status)

def test_our_own_files_are_refused(server, tmp_path):
    (server.temp/'secret.txt').write_text('secret')
    for f in (Path(web.__file__), server.temp/'secret.txt', server.temp.parent/'log', server.temp):
        status,body,_ = server.get(f'/gradio_api/file={f}')
        assert status in (403,404), (f, status)
    (server.temp/'secret.txt').unlink()

def test_other_hosts_and_addresses_are_refused(server):
    assert server.get('/')[0] == 200 and server.get('/', host=f'localhost:{server.port}')[0] == 200
    assert server.get('/', host='evil.example')[0] == 403
    assert server.get('/config', host=f'evil.example:{server.port}')[0] == 403
    assert "connect-src 'self'" in server.get('/')[2]['content-security-policy']
    for p in ('/gradio_api/component_server', '/gradio_api/process_recording', '/monitoring'): assert server.get(p)[0] == 403

def test_interrupted_and_oversized_uploads(server, user, photo):
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="half.png"\r\n\r\n'
    s = socket.create_connection(('127.0.0.1', server.port))
    s.sendall(b'POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 9999999\r\n\r\n'+head+bytes(50_000))
    s.close()
    u = user()
    u.new_result(lambda: u.drop(photo)).done(1)
    assert str(web.MAX_UPLOAD) in server.get('/config')[1].decode()

def test_nothing_stays(tmp_path, chromium, photo):
    s = Server(tmp_path)
    try:
        u = User(chromium, s.url)
        u.new_result(lambda: u.drop(photo)).done(1)
        assert 'mother-color.png' in s.files('.png')
        u.page.click('#over'); u.wait("!document.querySelector('#result') || document.querySelector('#result').offsetParent === null")
        assert not [p for p in s.temp.rglob('*') if p.is_file() and p.stat().st_size]  # the upload is gone too
        u.new_result(lambda: u.drop(photo)).done(1)
        assert s.stop() == 0
        u.ctx.close()
        assert sorted(p.name for p in s.temp.rglob('*')) == [] and sorted(p.name for p in s.home.rglob('*')) == []
        assert len(s.said().splitlines()) == 1, s.said()
    finally: s.stop()

def test_killed(tmp_path, chromium, photo):
    "What it could not delete, the next one deletes"
    s = Server(tmp_path)
    try:
        u = User(chromium, s.url)
        u.new_result(lambda: u.drop(photo)).done(1)
        s.stop(signal.SIGKILL); u.ctx.close()
        assert 'mother-color.png' in s.files('.png')
        s = Server(tmp_path)
        assert not s.files('.png') and len(list(s.temp.glob('colorize-app-*'))) == 1
    finally: s.stop()

def test_port_in_use(server, tmp_path):
    r = subprocess.run([str(Path(sys.executable).parent/'colorize-app'), '--port', str(server.port)], capture_output=True, text=True, timeout=90)
    assert r.returncode == 1 and len(r.stderr.strip().splitlines()) == 1 and str(server.port) in r.stderr

def test_in_a_notebook(chromium, photo, monkeypatch):
    "In this process: a posted address is not fetched, a full disk is one line, and a closed page is remembered"
    from gradio import processing_utils
    fetched = []
    async def fetch(url, **kw): fetched.append(url); raise RuntimeError
    monkeypatch.setattr(processing_utils, 'async_ssrf_protected_download', fetch)
    old = os.environ.get('GRADIO_TEMP_DIR')
    first = web.launch_app(); app = web.launch_app()
    try:
        assert not first.root.exists() and app.root.is_dir()
        u = User(chromium, app.url)
        with monkeypatch.context() as m:
            def full(*a, **kw): raise OSError(28, 'No space left on device')
            m.setattr(Colorizer, 'colorize_file', full)
            u.drop(photo).wait("document.querySelectorAll('#said li').length == 1")
            assert u.page.inner_text('#said li') == 'mother.png: No space left on device'
        u.new_result(lambda: u.drop(photo)).done(1)
        (visit,) = [v for v in app.visits.here.values() if v.shots]
        deps = json.loads(urllib.request.urlopen(app.url+'config').read())['dependencies']
        upload = next(d for d in deps if ['upload'] == [t[1] for t in d['targets']])
        at = dict(path='http://192.0.2.1/x.png', meta=dict(_type='gradio.FileData'))
        body = json.dumps(dict(data=[[at], 'default', 1, 160], fn_index=upload['id'], session_hash='s')).encode()
        urllib.request.urlopen(urllib.request.Request(app.url+'gradio_api/queue/join', body, {'Content-Type':'application/json'}))
        time.sleep(2); assert not fetched
        u.ctx.close()
        end = time.monotonic()+40
        while visit.closed is None: assert time.monotonic() < end; time.sleep(.2)
        app.visits.sweep(time.monotonic()+web.KEEP+1)
        assert not visit.folder.exists() and not list(app.root.rglob('*.png'))
    finally: app.close()
    assert not app.root.exists() and os.environ.get('GRADIO_TEMP_DIR') == old
