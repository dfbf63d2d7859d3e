"""The page in a real browser: what a user sees, does and gets; by mouse, by finger, by keyboard alone; and that it asks nobody but its server.
That is Chromium, or with PAGE_BROWSER=firefox in the environment the Firefox of this computer, which plays no phone."""
import base64, io, json, os, re, shutil, signal, time, zipfile
from pathlib import Path
import pytest
pytest.importorskip('starlette', reason='needs the app extra')
sync_api = pytest.importorskip('playwright.sync_api', reason='needs playwright')
import numpy as np
from PIL import Image
from colorize_nb.steer import REACH
from conftest import OLD_PHOTO
from test_app import Client, Server, as_file, photo # noqa: F401 (a fixture)

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
FIREFOX = shutil.which('firefox') or shutil.which('firefox-esr') if os.environ.get('PAGE_BROWSER') == 'firefox' else None
AXE = Path(os.environ.get('AXE', 'node_modules/axe-core/axe.min.js'))
WANTED = os.environ.get('PAGE_BROWSER', 'chromium')
pytestmark = [pytest.mark.skipif(not dict(chromium=CHROMIUM, firefox=FIREFOX)[WANTED], reason=f'needs {WANTED}'), pytest.mark.timeout(240)]
ARGS = '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()
PATIENCE = 60 # s; two cores may be busy
PLAYWRIGHTS = 'sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT+SmwNZWA=' # a style that it adds while it takes a picture, and that the page's policy refuses
PHONE = dict(has_touch=True, is_mobile=True, device_scale_factor=2)

@pytest.fixture(scope='module')
def server(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp('server'))
    yield s
    s.stop()
    assert len(s.said().splitlines()) == 1, s.said()

@pytest.fixture(scope='module')
def browser():
    with pytest.MonkeyPatch.context() as m:
        if FIREFOX: m.setenv('NODE_OPTIONS', f"--require {Path(__file__).with_name('firefox.cjs')}") # of Playwright's driver
        with sync_api.sync_playwright() as p:
            b = p.firefox.launch(channel='moz-firefox', executable_path=FIREFOX) if FIREFOX else p.chromium.launch(executable_path=CHROMIUM, args=ARGS)
            yield b
            b.close()

class User:
    "Somebody at a browser of their own"
    def __init__(self, browser, url, width=1280, height=800, **kw):
        if FIREFOX and kw.get('is_mobile'): pytest.skip('Firefox plays no phone')
        if FIREFOX and kw.get('color_scheme') == 'dark': pytest.skip('Firefox is light here')
        self.ctx = browser.new_context(viewport=dict(width=width, height=height), accept_downloads=True, **kw)
        self.page,self.asked,self.errors,self.url = self.ctx.new_page(),[],[],url
        self.page.set_default_timeout(PATIENCE*1000)
        self.page.on('request', lambda r: self.asked.append(r.url)); self.page.on('pageerror', lambda e: self.errors.append(str(e)))
        self.page.on('console', lambda m: self.errors.append(m.text) if m.type == 'error' and 'Content Security' in m.text else None)
        self.load()
    def load(self): self.page.goto(self.url, wait_until='domcontentloaded'); self.page.wait_for_selector('body[data-ready]', state='attached')
    def js(self, code): return self.page.evaluate(code)
    def until(self, code): # the page's policy forbids what Playwright's own waiting needs
        end = time.monotonic()+PATIENCE
        while not self.js(code): assert time.monotonic() < end, code; time.sleep(.02)
        return self
    def drop(self, *files): self.page.set_input_files('#files', [str(f) for f in files]); return self
    def ready(self, n): return self.until(f"document.querySelectorAll('#strip .pick:not(:disabled)').length == {n} && document.querySelector('#progress').hidden && document.querySelector('#stage').dataset.previews > 0")
    def one(self, file=OLD_PHOTO): return self.drop(file).ready(1)
    def previews(self): return int(self.js("document.querySelector('#stage').dataset.previews ?? 0"))
    def seen(self, act):
        "Do something, wait for another picture; returns the seconds"
        n,began = self.previews(),time.monotonic()
        act()
        self.until(f"document.querySelector('#stage').dataset.previews > {n}")
        return time.monotonic()-began
    def picture(self): return Image.open(io.BytesIO(self.page.locator('#stage').screenshot())).convert('RGB')
    def box(self, what='#stage'): return self.page.locator(what).bounding_box()
    def at(self, x, y): # shares of the stage -> the window
        b = self.box(); return b['x']+b['width']*x, b['y']+b['height']*y
    def spot(self, x, y): self.page.mouse.click(*self.at(x, y)); self.page.wait_for_selector('#likely button:nth-child(6)')
    def choose(self, x, y, n=2): self.spot(x, y); return self.seen(lambda: self.page.click(f'#likely button:nth-child({n})'))
    def hints(self): return self.page.locator('#hints button').count()
    def get(self, what, to):
        with self.page.expect_download() as d: self.page.click(what)
        name = d.value.suggested_filename
        if FIREFOX: name = re.sub(r'\(\d+\)(?=\.\w+$)', '', name) # it counts what it has already
        d.value.save_as(to/name)
        return to/name
    def wide(self): return self.js('document.documentElement.scrollWidth - innerWidth')
    def set(self, what, value): self.page.locator(what).evaluate("(e, v) => { e.value = v; for (const t of ['input', 'change']) e.dispatchEvent(new Event(t, {bubbles: true})) }", value)

@pytest.fixture
def user(server, browser):
    "Makes users; at the end, none of them asked anybody but the server"
    made = []
    def f(url=None, **kw): made.append(User(browser, url or server.url, **kw)); return made[-1]
    yield f
    for u in made:
        u.ctx.close()
        errors = [e for e in u.errors if not (FIREFOX and PLAYWRIGHTS in e)]
        assert not [a for a in u.asked if not a.startswith((u.url.split('#')[0], 'data:', 'blob:'))] and not errors, (u.asked, errors)

# ---- the photo is the page

def test_an_example_and_what_is_seen_first(user):
    u = user()
    assert 'Everything stays on this computer' in u.page.inner_text('#promise') and 'guess' in u.page.inner_text('#promise')
    assert u.page.locator('[data-example]').count() == 3 and u.box('#promise')['y'] < 800
    assert u.page.get_attribute('#strength', 'max') == '3' and {'.avif', '.jp2', '.jfif', '.zip'} < set(u.page.get_attribute('#files', 'accept').split(','))
    for b in u.page.locator('[data-example] img').all(): assert b.evaluate('e => e.naturalWidth') > 300
    u.page.click('[data-example=broadway]')
    u.ready(1)
    assert u.page.inner_text('#note').startswith('broadway.jpg') and not u.page.is_visible('#start')

@pytest.mark.slow
@pytest.mark.parametrize('width,height,kw', [(1280, 800, {}), (1920, 1080, {}), (390, 844, PHONE)])
def test_the_result_and_its_buttons_are_above_the_fold(user, width, height, kw):
    u = user(width=width, height=height, **kw).one()
    for what in ('#stage', '#download', '#pair', '#hold', '#unsure', '#undo'):
        b = u.box(what)
        assert b['y'] >= 0 and b['y']+b['height'] <= height and b['x']+b['width'] <= width, (what, b)
    s = u.box(); assert s['width']*s['height'] > .4*width*height # the photo fills what the window gives
    assert u.wide() <= 0

@pytest.mark.slow
def test_a_larger_window_shows_a_larger_photo(user):
    size = {}
    for w,h in ((1280,800), (1920,1080)): u = user(width=w, height=h).one(); size[w] = u.box('#after')['height']
    assert size[1920] > size[1280]*1.35

@pytest.mark.slow
def test_the_border_by_mouse_finger_and_keyboard(user):
    u = user().one()
    def cut(): return int(u.page.get_attribute('#border', 'aria-valuenow'))
    b = u.box('#border'); x = b['x']+b['width']/2
    u.page.mouse.move(x, b['y']+40); u.page.mouse.down(); u.page.mouse.move(x-100, b['y']+90, steps=4); u.page.mouse.up() # not at the knob
    dragged = cut(); assert 20 < dragged < 35 and u.hints() == 0
    u.page.focus('#border'); u.page.keyboard.press('ArrowRight'); assert cut() == dragged+5
    u.page.keyboard.press('End'); assert cut() == 100
    gray = np.asarray(u.picture(), int); assert np.ptp(gray[50:-50:9,400:550:9], axis=-1).max() < 3
    u.page.keyboard.press('Home'); assert cut() == 0
    assert np.ptp(np.asarray(u.picture(), int)[50:-50:9,400:550:9], axis=-1).max() > 20
    p = user(width=390, height=844, **PHONE).one()
    b = p.box('#border'); x,y = b['x']+b['width']/2,b['y']+60
    touch(p, [(x,y)], [(x+60,y+4)])
    assert int(p.page.get_attribute('#border', 'aria-valuenow')) > 55

def touch(u, start, end, steps=6):
    "Fingers that go from here to there"
    cdp = u.ctx.new_cdp_session(u.page)
    def at(k): return [dict(x=a+(c-a)*k, y=b+(d-b)*k, id=i) for i,((a,b),(c,d)) in enumerate(zip(start, end))]
    cdp.send('Input.dispatchTouchEvent', dict(type='touchStart', touchPoints=at(0)))
    for i in range(1, steps+1): cdp.send('Input.dispatchTouchEvent', dict(type='touchMove', touchPoints=at(i/steps)))
    cdp.send('Input.dispatchTouchEvent', dict(type='touchEnd', touchPoints=[]))
    time.sleep(.3)

@pytest.mark.slow
def test_scrolling_is_never_taken_away(user):
    u = user(width=390, height=700).one()
    x,y = u.at(.3, .5)
    u.page.mouse.move(x, y)
    for _ in range(5): u.page.mouse.wheel(0, 60); time.sleep(.1)
    assert u.js('scrollY') > 150
    u.js('scrollTo(0, 0)')
    u.page.mouse.dblclick(*u.at(.3, .5)); u.until("document.querySelector('#stage').classList.contains('zoomed')")
    for _ in range(5): u.page.mouse.wheel(0, 60); time.sleep(.1)
    assert u.js('scrollY') > 150 # zoomed too
    p = user(width=390, height=700, **PHONE).one()
    x,y = p.at(.3, .8)
    touch(p, [(x,y)], [(x,y-250)])
    assert p.js('scrollY') > 100 and p.hints() == 0 and not p.page.is_visible('#picker')
    p.js('scrollTo(0, 0)')
    b = p.box('#border'); touch(p, [(b['x']+22,b['y']+250)], [(b['x']+22,b['y']+20)]) # on the border too
    assert p.js('scrollY') > 100

@pytest.mark.slow
def test_wheel_and_fingers_zoom_to_the_full_size(user, tmp_path):
    big = Image.open(OLD_PHOTO).convert('L').resize((3000,2400), Image.BICUBIC)
    rng = np.random.default_rng(0)
    noisy = Image.fromarray(np.clip(np.asarray(big, int)+rng.integers(-40, 40, (2400,3000)), 0, 255).astype(np.uint8)) # detail that no preview has
    noisy.save(tmp_path/'big.png')
    u = user().one(tmp_path/'big.png')
    fit = u.box('#after')['width']
    u.page.mouse.move(*u.at(.7, .5))
    for _ in range(3): u.page.mouse.wheel(0, -100)
    assert u.box('#after')['width'] > fit*1.5 # here the page has nothing to scroll
    u.page.keyboard.press('0'); u.page.mouse.dblclick(*u.at(.7, .5))
    u.until("document.querySelector('#stage').dataset.sharp && document.querySelector('#wait').hidden && !document.querySelector('#after .sharp').hidden")
    assert u.page.inner_text('#fit') == '100 %' and abs(u.box('#after')['width']-3000) < 1
    x,y,w,h = map(int, u.page.get_attribute('#stage', 'data-sharp').split(','))
    shown = u.picture()
    whole = Image.open(u.get('#download', tmp_path)).convert('RGB')
    a,b = u.box(),u.box('#after')
    left,top = round(a['x']-b['x']),round(a['y']-b['y'])
    ours = (int(shown.width*.72), 100, int(shown.width*.95), shown.height-120)
    same = whole.crop((left+ours[0], top+ours[1], left+ours[2], top+ours[3]))
    d = np.abs(np.asarray(shown.crop(ours), int)-np.asarray(same, int))
    assert d.mean() < 4, d.mean() # the pixels that are downloaded, not a preview that is blown up
    u.page.mouse.move(*u.at(.3, .5)); u.page.mouse.down(); u.page.mouse.move(*u.at(.4, .6), steps=3); u.page.mouse.up()
    assert abs(u.box('#after')['x']-b['x']-.1*a['width']) < 3 and u.hints() == 0 # it moves, and sets no colour
    u.page.mouse.dblclick(*u.at(.2, .5)); u.until("!document.querySelector('#stage').classList.contains('zoomed')")
    p = user(width=390, height=844, **PHONE).one()
    fit = p.box('#after')['width']; x,y = p.at(.5, .5)
    touch(p, [(x-30,y),(x+30,y)], [(x-90,y),(x+90,y)])
    assert p.box('#after')['width'] > fit*1.5 and p.js('visualViewport.scale') == 1

@pytest.mark.slow
def test_hold_to_see_the_gray(user):
    u = user().one()
    def gray(): return np.ptp(np.asarray(u.picture(), int)[50:-50:9,520:650:9], axis=-1).max() < 3
    assert not gray()
    u.page.keyboard.down('g'); assert gray()
    u.page.keyboard.up('g'); assert not gray()
    b = u.box('#hold'); u.page.mouse.move(b['x']+9, b['y']+9); u.page.mouse.down(); assert gray()
    u.page.mouse.up(); assert not gray()

@pytest.mark.slow
def test_unsure_shades(user):
    u = user().one()
    plain = np.asarray(u.picture(), int)
    u.page.click('#unsure'); u.until("!document.querySelector('#after .doubt').hidden")
    time.sleep(.2)
    assert u.page.get_attribute('#unsure', 'aria-pressed') == 'true' and np.abs(np.asarray(u.picture(), int)-plain).mean() > .5
    u.page.click('#unsure'); u.until("document.querySelector('#after .doubt').hidden")

# ---- steering

@pytest.mark.slow
def test_a_colour_by_click_and_the_way_back(user, tmp_path):
    u = user().one()
    u.page.focus('#border'); u.page.keyboard.press('Home')
    first = u.get('#download', tmp_path/'1')
    u.spot(.5, .8); assert u.page.is_visible('#aim') # which spot
    names = [b.get_attribute('aria-label') for b in u.page.locator('#likely button').all()]
    assert len(names) == 6 and all(re.fullmatch(r'[a-z ]+, \d+ %', n) for n in names)
    u.seen(lambda: u.page.click('#likely button:nth-child(2)'))
    assert u.hints() == 1 and u.page.locator('#list button').count() == 1 and not u.page.is_visible('#picker')
    second = u.get('#download', tmp_path/'2')
    assert first.name == second.name and first.read_bytes() != second.read_bytes() # the point is kept in the file
    color = u.page.locator('#hints button').first.get_attribute('aria-label')
    u.page.click('#list button'); u.page.wait_for_selector('#likely button:nth-child(6)')
    u.seen(lambda: u.page.locator('#own').evaluate("e => { e.value = '#2050c0'; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})) }"))
    assert '#2050c0' in u.page.locator('#hints button').first.get_attribute('aria-label') != color
    u.page.keyboard.press('Escape')
    b = u.page.locator('#hints button').first.bounding_box(); x,y = b['x']+22,b['y']+22
    u.page.mouse.move(x, y); u.page.mouse.down(); u.page.mouse.move(x-60, y-80, steps=4)
    u.seen(u.page.mouse.up)
    b = u.page.locator('#hints button').first.bounding_box(); assert abs(b['x']+22-x+60) < 3 and abs(b['y']+22-y+80) < 3 and not u.page.is_visible('#picker')
    u.seen(lambda: u.page.click('#undo')); b = u.page.locator('#hints button').first.bounding_box(); assert abs(b['x']+22-x) < 3
    u.seen(lambda: u.page.keyboard.press('Control+z')); assert color == u.page.locator('#hints button').first.get_attribute('aria-label')
    u.seen(lambda: u.page.click('#undo')); assert u.hints() == 0 and u.page.is_disabled('#undo')
    assert u.get('#download', tmp_path/'3').read_bytes() == first.read_bytes()
    for _ in range(3): u.seen(lambda: u.page.click('#redo'))
    assert u.hints() == 1 and u.page.is_disabled('#redo')
    u.page.locator('#hints button').first.click(); u.page.wait_for_selector('#likely button:nth-child(6)')
    u.seen(lambda: u.page.click('#unset')); assert u.hints() == 0
    u.spot(.5, .8); u.seen(lambda: u.page.click('#gray')); assert u.hints() == 1
    u.spot(.3, .5); u.seen(lambda: u.page.click('#asis')); assert u.hints() == 2
    u.seen(lambda: u.page.click('#none')); assert u.hints() == 0

@pytest.mark.slow
def test_a_colour_changes_the_picture_at_once(user):
    u = user().one()
    took = sorted(u.choose(.3+.05*i, .5+.05*i) for i in range(6))
    assert took[2] < 1.2, took # with a browser on the same two cores; `docs/walk.md` says what was measured
    assert u.hints() == 6

@pytest.mark.slow
def test_suggestions_and_sliders(user):
    u = user().one()
    u.until("document.querySelectorAll('#ways button').length >= 4")
    ways = u.page.locator('#ways button')
    assert ways.nth(0).get_attribute('aria-pressed') == 'true' and all(w.locator('img').evaluate('e => e.naturalWidth') > 50 for w in ways.all())
    plain = np.asarray(u.picture(), int)
    u.seen(ways.nth(2).click)
    assert [w.get_attribute('aria-pressed') for w in ways.all()].index('true') == 2 and np.abs(np.asarray(u.picture(), int)-plain).mean() > .3
    u.seen(lambda: u.set('#strength', '0.1'))
    assert 'nearly gray' in u.page.inner_text('#note') and u.page.inner_text('#much') == '10 %'
    u.page.focus('#strength'); u.seen(lambda: u.page.keyboard.press('ArrowRight')); assert u.page.inner_text('#much') == '15 %'
    def pictures(): return u.js("[...document.querySelectorAll('#ways img')].map(i => i.src)")
    u.until("document.querySelector('#much').innerText == '15 %'"); shown = pictures()
    u.seen(lambda: u.set('#vivid', '1'))
    while pictures() == shown: u.page.wait_for_timeout(50) # they are what a click on them gives
    assert u.page.get_attribute('#vivid', 'aria-valuetext') == '100 % vivid'
    for _ in range(4): u.seen(lambda: u.page.click('#undo'))
    assert u.page.inner_text('#much') == '100 %' and ways.nth(0).get_attribute('aria-pressed') == 'true'

@pytest.mark.slow
def test_how_far_a_colour_reaches(user, tmp_path):
    u = user().one()
    def far(): return u.page.input_value('#reach')
    def choose(): u.page.locator('#list button').first.click(); u.page.wait_for_selector('#reach')
    u.spot(.7, .5); assert not u.page.is_visible('#reach') # it has no colour yet
    u.seen(lambda: u.page.click('#likely button:nth-child(2)'))
    usual = u.picture()
    choose(); assert far() == f'{REACH:g}' and u.page.inner_text('#reached') == '50 %'
    u.seen(lambda: u.set('#reach', 0)); assert u.page.inner_text('#reached') == '0 %' and u.page.is_visible('#picker')
    u.page.keyboard.press('Escape')
    near = u.picture(); assert np.abs(np.asarray(near, int)-np.asarray(usual)).max() > 8
    assert re.search(rb'#[0-9a-f]{6},0\b', Image.open(u.get('#download', tmp_path)).info['xmp'])
    u.page.reload(); u.page.wait_for_selector('#list button'); choose(); assert far() == '0' # the session has it
    u.page.keyboard.press('Escape')
    u.seen(lambda: u.set('#strength', .5)); u.seen(lambda: u.page.click('#undo'))
    choose(); u.seen(lambda: u.set('#reach', 1)); u.seen(lambda: u.page.click('#undo'))
    choose(); assert far() == '0' and u.hints() == 1

@pytest.mark.slow
def test_hints_go_to_the_next_photo(user, tmp_path):
    Image.open(OLD_PHOTO).resize((301,392)).save(tmp_path/'mother.png')
    u = user().drop(OLD_PHOTO, tmp_path/'mother.png').ready(2)
    u.choose(.5, .8); u.choose(.4, .3, 3)
    u.seen(lambda: u.page.click('#carry'))
    assert u.page.inner_text('#note').startswith('mother.png') and u.hints() == 2 and not u.page.is_visible('#carry')
    u.page.locator('#strip .pick').first.click(); u.until("document.querySelector('#note').innerText.startsWith('migrant')"); assert u.hints() == 2

@pytest.mark.slow
def test_hints_are_offered_to_an_alike_photo_only(user, tmp_path):
    mother = Image.open(OLD_PHOTO).convert('L')
    w,h = mother.size
    other = Image.open(OLD_PHOTO.parent/'broadway.jpg').convert('L').resize((w,h))
    later = mother.transform((w,h), Image.AFFINE, (1.04,0,-9,0,1.04,4)) # the camera moved
    wide = mother.resize((2*w,h))
    names = [tmp_path/f'{n}.jpg' for n in ('1_mother', '2_later', '3_broadway', '4_wide', '5_mother')]
    for f,im in zip(names, (mother, later, other, wide, mother)): im.save(f)
    u = user().drop(*names).ready(5)
    u.until("[...document.querySelectorAll('#strip img')].filter(i => i.naturalWidth).length == 5")
    for i,offered in enumerate((True, False, False, False, False)):
        u.page.locator('#strip .pick').nth(i).click(); u.until(f"document.querySelector('#note').innerText.startsWith('{names[i].name}')")
        u.choose(.6, .5)
        assert u.page.is_visible('#carry') == offered, names[i]
    u.page.locator('#strip .pick').first.click(); u.until("document.querySelector('#note').innerText.startsWith('1_')")
    assert u.box('#carry')['y'] > u.box('#same')['y'] and u.box('#carry')['y'] > u.box('#none')['y']

@pytest.mark.slow
def test_an_alike_photo_is_offered_though_its_thumbnail_comes_late(user, tmp_path):
    for n in '12': Image.open(OLD_PHOTO).save(tmp_path/f'{n}.jpg')
    u,held = user(),[]
    u.page.route('**/thumb', lambda r: held.append(r))
    u.drop(tmp_path/'1.jpg', tmp_path/'2.jpg').ready(2).choose(.6, .5)
    assert u.hints() == 1 and not u.page.is_visible('#carry') and held
    u.page.unroute('**/thumb') # lets them go
    u.page.wait_for_selector('#carry')

@pytest.mark.slow
@pytest.mark.parametrize('width,height,kw', [(1280, 800, {}), (360, 640, PHONE)])
def test_colours_of_things(user, width, height, kw):
    "They are named, lie beside the likely ones, and are shown as light as the place is"
    u = user(width=width, height=height, **kw).one()
    seen = []
    for place in ((.6, .62), (.55, .97), (.55, .12)): # sleeve, cloth, hair
        u.spot(*place)
        things = u.page.locator('#things button')
        assert things.count() == 16
        names = [b.inner_text() for b in things.all()]
        assert len(set(names)) == 16 and {'Sky', 'Leaves', 'Wood', 'Stone'} <= set(names)
        colors = [b.get_attribute('data-color') for b in things.all()]
        light = [to_lab(c)[0] for c in colors]; seen.append(np.mean(light))
        assert np.ptp(light) < 4, light
        chroma = [np.hypot(*to_lab(c)[1:]) for c in colors]; assert max(chroma) < 60
        b,stage = u.box('#picker'),u.box()
        assert b['x'] >= 0 and b['x']+b['width'] <= width and b['y'] >= 0 and b['y']+b['height'] <= height and u.wide() <= 0
        if kw: assert stage['y'] >= 0 and b['y'] >= stage['y']+stage['height']-2 # below the photo
        else: x,y = u.at(*place); assert not (b['x'] < x < b['x']+b['width'] and b['y'] < y < b['y']+b['height']) # beside the place
        u.page.keyboard.press('Escape')
    assert np.ptp(seen) > 15
    u.spot(.6, .62)
    leaves = u.page.locator('#things button', has_text='Leaves')
    u.seen(leaves.click); assert u.hints() == 1 and not u.page.is_visible('#picker')
    shot = np.asarray(u.picture()).astype(int); r,g,b = shot[int(.62*len(shot)),int(.66*shot.shape[1])]
    assert g > r and g > b, (r, g, b)

def to_lab(color):
    rgb = np.array([int(color[i:i+2], 16) for i in (1, 3, 5)])/255
    lin = np.where(rgb > .04045, ((rgb+.055)/1.055)**2.4, rgb/12.92)
    xyz = np.array([[.4124,.3576,.1805], [.2126,.7152,.0722], [.0193,.1192,.9505]])@lin/[.9505, 1, 1.089]
    f = np.where(xyz > .008856, np.cbrt(xyz), 7.787*xyz+16/116)
    return 116*f[1]-16, 500*(f[0]-f[1]), 200*(f[1]-f[2])

@pytest.mark.slow
def test_a_colour_from_elsewhere_in_the_photo(user):
    u = user().one()
    u.page.focus('#border'); u.page.keyboard.press('Home') # all of it in colour
    u.spot(.6, .5)
    u.page.click('#elsewhere')
    assert not u.page.is_visible('#picker') and 'whose colour you want' in u.page.inner_text('#help') and u.hints() == 0
    x,y = .53,.3 # her face
    there = np.asarray(u.picture()).astype(int)[int(y*u.box()['height']),int(x*u.box()['width'])]
    u.seen(lambda: u.page.mouse.click(*u.at(x, y)))
    assert u.hints() == 1 and not u.page.is_visible('#picker')
    hint = u.page.locator('#hints button').bounding_box(); assert abs(hint['x']+22-u.at(.6, .5)[0]) < 3 and abs(hint['y']+22-u.at(.6, .5)[1]) < 3
    color = re.search('#[0-9a-f]{6}', u.page.locator('#hints button').get_attribute('aria-label')).group()
    assert np.abs(np.array([int(color[i:i+2], 16) for i in (1, 3, 5)])-there).max() < 25
    u.spot(.5, .8); u.page.click('#elsewhere'); assert u.js("document.activeElement.id") == 'stage'
    for key in ('ArrowUp', 'ArrowUp'): u.page.keyboard.press(key)
    u.seen(lambda: u.page.keyboard.press('Enter')); assert u.hints() == 2 # by keyboard
    u.spot(.5, .7); u.page.click('#elsewhere'); u.page.keyboard.press('Escape'); assert 'change or remove' in u.page.inner_text('#help')
    u.spot(.5, .7); assert u.page.is_visible('#picker') and u.hints() == 2 # it was given up

# ---- what one sees of it

@pytest.mark.slow
def test_a_line_says_that_only_colour_is_added(user):
    for kw in ({}, dict(width=360, height=640, **PHONE)):
        u = user(**kw).one()
        line = u.page.locator('#note .only')
        assert {'grain', 'scratches', 'lightness'} <= set(re.findall('[a-z]+', line.inner_text()))
        b = line.bounding_box(); assert b['width'] > 200 and b['x']+b['width'] <= kw.get('width', 1280) and b['y']+b['height'] < kw.get('height', 800) and u.wide() <= 0
        if not kw: u.seen(lambda: u.set('#strength', '0.1')); assert not line.count() and 'nearly gray' in u.page.inner_text('#note') # what concerns this photo comes first

@pytest.mark.slow
@pytest.mark.parametrize('scheme,ring', [('light', (11,101,92)), ('dark', (98,210,193))])
def test_the_ring_of_focus_lies_above_the_photo(user, scheme, ring):
    u = user(color_scheme=scheme).one()
    u.page.focus('#border'); u.page.keyboard.press('Shift+Tab')
    while u.js("document.activeElement.id") != 'stage': u.page.keyboard.press('Shift+Tab')
    time.sleep(.1)
    shot = np.asarray(u.picture()).astype(int)
    h,w = shot.shape[:2]; inside = u.box('#after')['x']+.8*u.box('#after')['width']-u.box()['x']
    for edge in (shot[:6,int(inside)], shot[h-6:,int(inside)], shot[h//3,:6], shot[h//3,w-6:]): # the photo is as high as the stage
        assert (np.abs(edge-ring).max(1) < 9).sum() >= 3, edge

@pytest.mark.slow
def test_a_hint_on_the_gray_half_is_seen_in_colour(user):
    u = user().one()
    def hint(): b = u.page.locator('#hints button').last.bounding_box(); return b['x']+b['width']/2
    def line(): b = u.box('#border'); return b['x']+b['width']/2
    shown = u.box('#after'); x,y = shown['x']+.3*shown['width'],shown['y']+.6*shown['height']
    assert x < line()
    u.page.mouse.click(x, y); u.page.wait_for_selector('#likely button:nth-child(6)')
    u.seen(lambda: u.page.click('#likely button:nth-child(2)')); time.sleep(.4)
    moved = line(); assert moved < hint()-20 and abs(hint()-x) < 2
    u.spot(.7, .5); u.seen(lambda: u.page.click('#likely button:nth-child(2)')); time.sleep(.4)
    assert line() == moved # there it was in colour already
    x,y = hint(),u.page.locator('#hints button').last.bounding_box()['y']+22
    u.page.mouse.move(x, y); u.page.mouse.down(); u.page.mouse.move(shown['x']+4, y, steps=4)
    u.seen(u.page.mouse.up); time.sleep(.4)
    assert int(u.page.get_attribute('#border', 'aria-valuenow')) == 0

@pytest.mark.slow
@pytest.mark.parametrize('width,height', [(390,844), (360,640), (844,390), (640,360)])
def test_the_photo_stays_in_sight_while_a_slider_moves(user, width, height):
    u = user(width=width, height=height, **PHONE).one()
    u.until("document.querySelectorAll('#ways button').length >= 4")
    u.page.touchscreen.tap(*u.at(.7, .5)); u.page.wait_for_selector('#likely button:nth-child(6)')
    u.seen(lambda: u.page.locator('#likely button').nth(1).tap())
    def in_sight(what):
        slider,shown = u.box(what),u.box('#after')
        below,beside = shown['y']+shown['height'] <= slider['y'],shown['x']+shown['width'] <= slider['x']
        assert shown['y'] >= 0 and shown['y']+shown['height'] <= height and (beside if width > height else below), (what, shown, slider)
        assert slider['y']+slider['height'] <= height and u.wide() <= 0, (what, slider)
    for what,key in (('#vivid','ArrowRight'), ('#strength','ArrowLeft'), ('#reach','ArrowRight')):
        if what == '#reach': u.page.locator('#list button').first.tap(); u.page.wait_for_selector('#likely button:nth-child(6)')
        u.js('scrollTo(0, 0)') if what != '#reach' else None
        u.page.focus(what); in_sight(what)
        u.seen(lambda: u.page.keyboard.press(key)); in_sight(what)
        x,y = u.box(what)['x']+40,u.box(what)['y']+u.box(what)['height']/2
        u.seen(lambda: touch(u, [(x,y)], [(x+90,y)])); in_sight(what)

@pytest.mark.slow
@pytest.mark.parametrize('width', [390, 360])
def test_buttons_say_what_they_do_and_one_line_what_comes_next(user, width):
    u = user(width=width, height=844, **PHONE).one()
    def word(what): return u.page.locator(f'{what} span').bounding_box()
    for what,text in (('#hold', 'Before'), ('#unsure', 'Unsure')):
        inner,outer = word(what),u.box(what)
        assert u.page.inner_text(what) == text and inner['width'] > 20 and outer['x'] <= inner['x'] and inner['x']+inner['width'] <= outer['x']+outer['width']
    assert len({u.box(what)['y']+u.box(what)['height']/2 for what in ('#undo', '#fit', '#hold', '#unsure')}) == 1 and u.wide() <= 0 # in one row
    def help():
        e = u.page.locator('#help')
        assert e.get_attribute('role') == 'status' and e.evaluate('e => e.clientHeight < 30 && e.scrollWidth <= e.clientWidth'), e.inner_text() # one line, and all of it
        return e.inner_text()
    assert help() == 'Tap the photo to give a place its colour.'
    u.page.touchscreen.tap(*u.at(.7, .5)); u.page.wait_for_selector('#likely button:nth-child(6)')
    assert help() == 'Choose a colour for this place.'
    u.seen(lambda: u.page.locator('#likely button').nth(1).tap())
    assert 'Drag' in help() and 'a second protects' in help()
    u.page.locator('#hints button').tap(); u.page.wait_for_selector('#likely button:nth-child(6)')
    assert 'how far it reaches' in help()
    u.page.locator('#shut').tap()
    u.page.touchscreen.tap(*u.at(.7, .2)); u.page.wait_for_selector('#likely button:nth-child(6)')
    u.seen(lambda: u.page.locator('#likely button').nth(1).tap())
    assert 'change or remove it' in help()
    u.page.locator('#unsure').tap(); assert 'Shaded' in help()
    u.page.locator('#unsure').tap()
    for _ in range(2): u.seen(lambda: u.page.locator('#undo').tap())
    assert help().startswith('Tap the photo')
    d = user().one(); assert d.page.inner_text('#help').startswith('Click the photo')

# ---- keeping

SHARE = """navigator.canShare = ({files}) => files.every(f => /^(image|video)/.test(f.type))
navigator.share = async ({files: [f]}) => { if (!navigator.userActivation.isActive) throw new DOMException('no', 'NotAllowedError')
  window.shared = {name: f.name, type: f.type, bytes: [...new Uint8Array(await f.arrayBuffer())], title: f.title} }"""

@pytest.mark.slow
@pytest.mark.parametrize('width,height', [(390,844), (360,640)])
def test_the_result_is_shared_on_a_phone(user, tmp_path, width, height):
    plain = user(width=width, height=height, **PHONE).one()
    assert not plain.page.is_visible('#give') # this browser cannot
    u = user(width=width, height=height, **PHONE)
    u.ctx.add_init_script(SHARE); u.load(); u.one()
    b = u.box('#give'); assert b['y'] == u.box('#download')['y'] == u.box('#pair')['y'] and b['y']+b['height'] < height and u.wide() <= 0
    u.seen(lambda: u.set('#strength', '0.5'))
    for what,button in (('#share-photo','#download'), ('#share-pair','#pair')):
        u.page.locator('#give').tap(); u.until(f"!document.querySelector('{what}').disabled")
        with_file = u.box('#sharing'); assert with_file['x'] >= 0 and with_file['x']+with_file['width'] <= width
        u.page.locator(what).tap(); u.until('window.shared && !document.querySelector("#sharing").open')
        shared = u.js('window.shared'); u.js('delete window.shared')
        kept = u.get(button, tmp_path)
        assert shared['name'] == kept.name and shared['type'] == 'image/jpeg' and bytes(shared['bytes']) == kept.read_bytes()
    assert plain.page.is_visible('#clip') and not u.page.is_visible('#clip') # there it is one of what is shared
    u.page.locator('#give').tap(); u.until("!document.querySelector('#share-clip').disabled")
    u.page.locator('#share-clip').tap(); u.until('window.shared && !document.querySelector("#sharing").open')
    shared = u.js('window.shared'); assert re.fullmatch(r'migrant_mother-clip\.(mp4|webm)', shared['name']) and shared['type'] == 'video/'+shared['name'][-4:].strip('.') and len(shared['bytes']) > 10_000
    u.page.locator('#give').tap(); u.page.wait_for_selector('#sharing[open]'); u.page.keyboard.press('Escape'); assert not u.page.is_visible('#sharing')

@pytest.mark.slow
def test_a_clip_from_gray_to_colour(user, tmp_path):
    av = pytest.importorskip('av', reason='needs the film extra')
    u = user().one()
    f = u.get('#clip', tmp_path)
    assert re.fullmatch(r'migrant_mother-clip\.(mp4|webm)', f.name) and not u.page.is_visible('#trouble') and u.page.is_enabled('#clip')
    with av.open(str(f)) as film: frames = [(float(x.time), x.to_ndarray(format='rgb24')) for x in film.decode(video=0)]
    begun,ended = frames[0][0],frames[-1][0]
    assert len(frames) > 20 and 2.3 < ended-begun < 3.6, (len(frames), begun, ended)
    def chroma(px): return np.ptp(px[20:-20,20:-20].astype(int), axis=-1).mean()
    first,last = frames[0][1],frames[-1][1]
    assert first.shape == last.shape and max(first.shape) <= 1080 and first.shape[0]%2 == first.shape[1]%2 == 0 and abs(first.shape[1]/first.shape[0]-500/651) < .01
    assert chroma(first) < 3 and chroma(last) > 8
    middle = min(frames, key=lambda x: abs(x[0]-begun-1.45))[1]
    w = middle.shape[1]
    assert chroma(middle[:,:w//4]) > 2*chroma(middle[:,-w//4:])
    whole = np.asarray(Image.fromarray(preview(u)).resize((w, middle.shape[0])))
    assert apart(last, whole) < 8 # the photo as it is on view

@pytest.mark.slow
def test_a_late_answer_leaves_the_name_of_a_button(user, tmp_path):
    "While a result is made, the page asks how many come first: an answer after the result says nothing any more"
    u,making,asking = user().one(),[],[]
    u.page.route('**/finish', lambda r: making.append(r))
    u.page.route('**/session', lambda r: r.continue_() if asking else asking.append(r))
    with u.page.expect_download():
        u.page.click('#download')
        while not asking: u.page.wait_for_timeout(20)
        u.page.select_option('#language', 'en') # draws the page again
        assert 'Making' in u.page.inner_text('#download') and u.page.is_disabled('#download')
        making[0].continue_()
    u.until("!document.querySelector('#download').disabled"); assert u.page.inner_text('#download').strip() == 'Download'
    with u.page.expect_response('**/session'): asking[0].continue_()
    u.page.wait_for_timeout(200)
    assert u.page.inner_text('#download').strip() == 'Download'

@pytest.mark.slow
def test_a_browser_that_records_nothing_has_no_clip(user):
    u = user()
    u.ctx.add_init_script('delete window.MediaRecorder'); u.load(); u.one()
    assert not u.page.is_visible('#clip') and u.page.is_visible('#pair')

@pytest.mark.slow
def test_a_removed_photo_can_be_brought_back(user, photo): # noqa: F811
    u = user().drop(OLD_PHOTO, photo).ready(2)
    deleted = []
    u.page.on('request', lambda r: deleted.append(r.url) if r.method == 'DELETE' else None)
    u.choose(.6, .5)
    u.page.locator('#strip .gone').first.click()
    u.until("document.querySelectorAll('#strip .pick').length == 1 && document.querySelector('#note').innerText.startsWith('mother')")
    assert u.page.inner_text('#removed').split('\n')[0].startswith('Removed migrant_mother.jpg.') and not deleted
    assert u.js("document.activeElement.id") == 'bring' # the strip is hidden with one photo
    u.page.keyboard.press('Enter')
    u.until("document.querySelectorAll('#strip .pick').length == 2 && document.querySelector('#note').innerText.startsWith('migrant')")
    assert u.hints() == 1 and not u.page.is_visible('#removed') and not deleted # hints and all
    u.page.locator('#strip .pick').first.focus(); u.page.keyboard.press('Delete'); u.until("document.querySelectorAll('#strip .pick').length == 1")
    u.page.click('#bring'); u.ready(2).drop(OLD_PHOTO.parent/'broadway.jpg').ready(3)
    u.page.locator('#strip .pick').nth(1).focus(); u.page.keyboard.press('Delete'); u.until("document.querySelectorAll('#strip .pick').length == 2")
    u.page.locator('#strip .pick').first.focus(); u.page.keyboard.press('Control+z'); u.ready(3)
    u.page.locator('#strip .gone').nth(2).click(); u.until("document.querySelectorAll('#strip .pick').length == 2")
    u.page.locator('#strip .gone').nth(1).click(); u.until("document.querySelectorAll('#strip .pick').length == 1")
    assert 'Removed 2 photos.' in u.page.inner_text('#removed')
    u.load(); u.ready(1) # who leaves means it
    assert u.page.inner_text('#note').startswith('migrant')

@pytest.mark.slow
def test_a_removal_is_sent_after_ten_seconds(user, photo): # noqa: F811
    u = user()
    u.page.clock.install(); u.load()
    u.drop(OLD_PHOTO, photo)
    end = time.monotonic()+PATIENCE
    while u.js("document.querySelectorAll('#strip .pick:not(:disabled)').length") < 2: u.page.clock.run_for(400); time.sleep(.1); assert time.monotonic() < end
    deleted = []
    u.page.on('request', lambda r: deleted.append(r.url) if r.method == 'DELETE' else None)
    u.page.locator('#strip .gone').first.click(); u.page.mouse.move(5, 400)
    u.page.clock.run_for(9000); time.sleep(.3); assert not deleted and u.page.is_visible('#removed')
    with u.page.expect_request(lambda r: r.method == 'DELETE'): u.page.clock.run_for(2000)
    assert not u.page.is_visible('#removed') and u.js("document.querySelectorAll('#strip .pick').length") == 1

@pytest.mark.slow
def test_settings_for_all_leave_a_removed_photo_alone(user, photo): # noqa: F811
    u = user().drop(OLD_PHOTO, photo, OLD_PHOTO.parent/'broadway.jpg').ready(3)
    u.page.locator('#strip .gone').nth(1).click(); u.until("document.querySelectorAll('#strip .pick').length == 2")
    u.page.hover('#removed') # it waits
    u.seen(lambda: u.set('#strength', '0.4'))
    u.js("document.querySelector('#same').click()")
    def strengths():
        photos = u.page.evaluate("async () => { const {engine} = await import(new URL('engine.js', location).href); return (await engine.state()).photos }")
        return {p['name']: p['ask']['strength'] for p in photos}
    end = time.monotonic()+30
    while strengths()['broadway.jpg'] != .4: assert time.monotonic() < end; time.sleep(.1)
    assert strengths() == {'migrant_mother.jpg':.4, 'mother.png':1, 'broadway.jpg':.4}
    u.page.click('#bring'); u.ready(3)
    assert u.page.inner_text('#much') == '100 %' and u.page.inner_text('#note').startswith('mother')

@pytest.mark.slow
def test_the_way_back_outlives_a_reload(user, photo): # noqa: F811
    u = user().drop(OLD_PHOTO, photo).ready(2)
    u.choose(.7, .5); u.seen(lambda: u.set('#strength', '0.6')); u.seen(lambda: u.set('#vivid', '0.5'))
    u.seen(lambda: u.page.click('#undo'))
    u.load(); u.ready(2)
    assert u.page.inner_text('#much') == '60 %' and u.page.is_enabled('#redo')
    u.seen(lambda: u.page.click('#redo')); assert u.page.input_value('#vivid') == '0.5'
    for _ in range(3): u.seen(lambda: u.page.click('#undo'))
    assert u.hints() == 0 and u.page.inner_text('#much') == '100 %' and u.page.is_disabled('#undo')
    u.js("document.querySelector('#strip .pick').focus()")
    kept = "Object.keys(sessionStorage).filter(k => k.startsWith('steps')).length"
    assert u.js(kept) == 1
    u.page.click('#over'); u.page.click('#sure button[value=yes]'); u.page.wait_for_selector('#drop')
    assert u.js(kept) == 0

@pytest.mark.slow
def test_a_reload_loses_nothing(user, photo): # noqa: F811
    u = user().drop(OLD_PHOTO, photo).ready(2)
    u.page.locator('#strip .pick').nth(1).click(); u.until("document.querySelector('#note').innerText.startsWith('mother')")
    u.choose(.7, .5); u.seen(lambda: u.set('#strength', '0.6'))
    u.load(); u.ready(2)
    assert u.page.inner_text('#note').startswith('mother.png') and u.hints() == 1 and u.page.inner_text('#much') == '60 %'

DROP = """([data, what, where, name]) => { const t = new DataTransfer(); t.items.add(new File([new Uint8Array(data)], name ?? 'dropped.png', {type: 'image/png'}))
          const e = what === 'paste' ? new ClipboardEvent('paste', {clipboardData: t, bubbles: true, cancelable: true}) : new DragEvent(what, {dataTransfer: t, bubbles: true, cancelable: true})
          document.querySelector(where).dispatchEvent(e); return e.defaultPrevented }"""

@pytest.mark.slow
def test_drop_and_paste_anywhere(user, photo): # noqa: F811
    u = user()
    data = list(photo.read_bytes())
    u.page.evaluate(DROP, [data, 'dragenter', 'header']); assert u.page.is_visible('#fall')
    assert u.page.evaluate(DROP, [data, 'dragover', 'header']) # a drop beside the box does not open the file
    assert u.page.evaluate(DROP, [data, 'drop', 'header'])
    u.ready(1); assert not u.page.is_visible('#fall')
    u.page.evaluate(DROP, [data, 'drop', '#panel']); u.ready(2)
    if not FIREFOX: u.page.evaluate(DROP, [data, 'paste', 'body']); u.ready(3) # there, what a script pastes has no files

@pytest.mark.slow
def test_leafing_shows_something_at_once(user, photo): # noqa: F811
    u = user().drop(OLD_PHOTO, photo).ready(2)
    held,dropped = [],[]
    u.page.route('**/preview', lambda r: held.append(r)); u.page.on('requestfailed', lambda r: dropped.append(r.url.split('/')[-1]))
    def leaf(i, n):
        u.page.locator('#strip .pick').nth(i).click()
        u.until("(i => Math.max(i.naturalWidth, i.naturalHeight) == 200)(document.querySelector('#after .whole')) && document.querySelector('#before .whole').naturalWidth > 200") # a thumbnail, and the photo before
        while len(held) < n: u.page.wait_for_timeout(20)
    leaf(1, 1)
    asked = len([a for a in u.asked if a.endswith('crop')])
    leaf(0, 2)
    held[0].continue_() # Firefox says only then that the page has dropped it
    end = time.monotonic()+PATIENCE
    while 'preview' not in dropped: assert time.monotonic() < end; u.page.wait_for_timeout(20)
    assert asked == 0 # a thumbnail is no reason to fetch the full size
    u.seen(held[-1].continue_); assert preview(u).shape == (651,500,3)

# ---- a second picture

@pytest.fixture
def edit(tmp_path):
    "Somebody's edit of the old photo: red on the left, blue on the right, turned a little"
    gray = np.asarray(Image.open(OLD_PHOTO).convert('L'))
    side = np.linspace(-1, 1, gray.shape[1])[None]
    rgb = np.stack([gray*(.75-.25*side), gray*.5+0*side, gray*(.75+.25*side)], -1)
    Image.fromarray(rgb.astype(np.uint8)).rotate(2, Image.BICUBIC).save(tmp_path/'edit.png')
    return tmp_path/'edit.png'

def share(u): u.until("/ from /.test(document.querySelector('#share').innerText)"); return u.page.inner_text('#share')

def preview(u):
    "The pixels of the photo in colour, as the page has them"
    url = u.js("(() => { const i = document.querySelector('#after .whole'), c = Object.assign(document.createElement('canvas'), {width: i.naturalWidth, height: i.naturalHeight}); c.getContext('2d').drawImage(i, 0, 0); return c.toDataURL() })()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(',')[2]))).convert('RGB'))
def apart(a, b): return np.abs(np.asarray(a, int)-np.asarray(b, int)).mean()

@pytest.mark.slow
def test_colours_of_a_picture(user, edit, colorizer, tmp_path):
    u = user().one()
    plain = preview(u)
    u.seen(lambda: u.page.set_input_files('#picture', str(edit)))
    taken = colorizer.colorize(OLD_PHOTO, colors_from=edit)
    assert share(u) == f"{round(100*taken.info['colors_taken'])} % of the photo’s colours are taken from edit.png, the rest is guessed."
    assert apart(preview(u), taken) < 1.5 and apart(plain, taken) > 5
    got = Image.open(u.get('#download', tmp_path)) # a JPEG
    assert apart(got, taken) < 1.5 and b'colors_taken' in got.info['xmp'] and not u.page.is_visible('#trouble')
    u.seen(lambda: u.page.click('#undo')); assert ' can give ' in u.page.inner_text('#share') and apart(preview(u), plain) == 0
    u.seen(lambda: u.page.click('#redo')); assert 'edit.png' in share(u) and apart(preview(u), taken) < 1.5
    u.choose(.6, .7); assert u.hints() == 1 and 'edit.png' in share(u) # on top of the picture
    assert .1 < apart(preview(u), taken) < apart(preview(u), plain) # most of it is still the picture's
    u.seen(lambda: u.page.click('#undo')); u.seen(lambda: u.page.click('#untake'))
    assert not u.page.is_visible('#untake') and apart(preview(u), plain) == 0
    u.seen(lambda: u.page.click('#undo')); u.load(); u.ready(1); assert 'edit.png' in share(u) # a reload loses nothing
    u.until("document.querySelectorAll('#ways button').length >= 4")
    assert not u.page.locator('#ways [aria-pressed=true]').count() # none of them is on view
    u.seen(lambda: u.page.click('#ways button:nth-child(1)')); assert not u.page.is_visible('#untake') and apart(preview(u), plain) == 0

@pytest.mark.slow
def test_a_picture_that_is_dropped_on_the_photo(user, edit, photo): # noqa: F811
    u = user()
    data = list(edit.read_bytes())
    u.page.evaluate(DROP, [data, 'drop', '#drop', 'edit.png']); u.ready(1) # on the empty page it is a photo
    assert not u.page.is_visible('#which')
    u.drop(OLD_PHOTO).ready(2); u.page.locator('#strip .pick').nth(1).click(); u.until("document.querySelector('#note').innerText.startsWith('migrant')")
    u.page.evaluate(DROP, [data, 'drop', '#stage', 'edit.png'])
    assert 'edit.png' in u.page.inner_text('#which') and u.js("document.activeElement.textContent") == 'Open as a new photo'
    u.page.keyboard.press('Escape'); assert not u.page.is_visible('#which') and u.page.locator('#strip .pick').count() == 2
    u.page.evaluate(DROP, [data, 'drop', '#stage', 'edit.png']); u.page.keyboard.press('Enter'); u.ready(3)
    u.page.evaluate(DROP, [data, 'drop', '#border', 'edit.png']); u.seen(lambda: u.page.click('#which [value=picture]'))
    assert 'edit.png' in share(u)
    u.page.click('#same'); u.until("document.querySelector('#progress').hidden") # the other photos keep theirs
    u.page.locator('#strip .pick').nth(0).click(); u.until("/ can give /.test(document.querySelector('#share').innerText)")

@pytest.mark.slow
def test_a_picture_that_cannot_be_taken(user, photo, edit, tmp_path): # noqa: F811
    u = user().one()
    Image.linear_gradient('L').rotate(90).convert('RGB').save(tmp_path/'gray.png')
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90,120,3), np.uint8)).save(tmp_path/'noise.png')
    Image.open(edit).crop((150,0,430,330)).save(tmp_path/'corner.png')
    before = preview(u)
    def lines(): return u.page.locator('#trouble li').all_inner_texts()
    for n,(name,says) in enumerate([('gray.png', 'is gray, so it has no colours to give'), ('noise.png', 'shows another scene; only 0% of the photo is found in it')]):
        u.page.set_input_files('#picture', str(tmp_path/name)); u.until(f"document.querySelectorAll('#trouble li').length == {n+1}")
        assert lines()[-1] == f'{name}: {says}'
    u.until("!document.querySelector('#take').disabled")
    assert not u.page.is_visible('#untake') and u.page.is_disabled('#undo')
    u.page.click('#trouble button'); assert apart(preview(u), before) == 0 # nothing is lost
    u.seen(lambda: u.page.set_input_files('#picture', str(tmp_path/'corner.png')))
    assert re.match(r'Only [12]\d % of the photo’s colours are taken from corner.png: do they show the same scene', share(u)), share(u)

@pytest.mark.slow
def test_thirty_photos_with_progress_and_stop(user, tmp_path):
    im = Image.open(OLD_PHOTO).resize((1400,1800))
    for i in range(30): im.rotate(i).save(tmp_path/f'{i:02d}.jpg')
    u = user().drop(*sorted(tmp_path.glob('*.jpg')))
    said = set()
    end = time.monotonic()+PATIENCE*2
    while u.js("document.querySelectorAll('#strip .pick:not(:disabled)').length") < 30:
        said.add(u.page.inner_text('#far')); assert time.monotonic() < end; time.sleep(.05)
    u.ready(30)
    assert any(re.fullmatch(r'\d+ of 30, (about \d+ s left|nearly done)', s) for s in said), said
    u.seen(lambda: u.set('#strength', '1.5'))
    u.page.click('#same')
    u.until("/^\\d+ of 30, about \\d+ s left/.test(document.querySelector('#far').innerText)")
    assert re.match(r'\d+ of 30', u.page.title()) and u.page.is_visible('#bar')
    u.page.click('#stop'); u.until("document.querySelector('#progress').hidden")
    time.sleep(1.5)
    made = u.page.locator('#strip [aria-label$="result is made"]').count()
    assert 0 < made < 30
    u.page.locator('#strip .pick').nth(29).click(); u.until("document.querySelector('#note').innerText.startsWith('29')"); assert u.page.inner_text('#much') == '150 %'

@pytest.mark.slow
def test_all_in_one_zip(user, photo, tmp_path): # noqa: F811
    shutil.copy(photo, tmp_path/'second.png')
    u = user().drop(photo, tmp_path/'second.png').ready(2)
    u.seen(lambda: u.set('#strength', '0')); u.page.click('#same'); u.until("document.querySelector('#progress').hidden && document.querySelectorAll('#strip [aria-label$=\"result is made\"]').length == 2")
    z = zipfile.ZipFile(u.get('#all', tmp_path))
    assert sorted(z.namelist()) == ['mother-color.png', 'second-color.png']
    for n in z.namelist(): assert (np.asarray(Image.open(io.BytesIO(z.read(n)))) == np.asarray(Image.open(photo))[...,None]).all()
    both = Image.open(u.get('#pair', tmp_path)); assert both.format == 'JPEG' and both.width > 2*301

@pytest.mark.slow
def test_the_zip_waits_for_photos_on_their_way(user, photo, tmp_path): # noqa: F811
    u = user()
    held,names = [],[f'{i}.png' for i in range(5)]
    for n in names: shutil.copy(photo, tmp_path/n)
    u.page.route('**/session/photos?name=2.png', lambda r: held.append(r)) # those behind it wait, too
    u.drop(*(tmp_path/n for n in names)).until("!document.querySelector('#many').hidden")
    while not held: u.page.wait_for_timeout(50)
    with u.page.expect_download() as d:
        u.page.click('#all')
        u.until("document.querySelector('#all').textContent.endsWith('of 5 are ready')")
        held.pop().continue_()
    d.value.save_as(tmp_path/'all.zip')
    assert zipfile.ZipFile(tmp_path/'all.zip').namelist() == [n.replace('.', '-color.') for n in names]
    assert not u.page.is_visible('#trouble') and u.page.inner_text('#all').startswith('Download all')

@pytest.mark.slow
def test_bad_files_are_named_where_one_looks(user, photo, tmp_path): # noqa: F811
    (tmp_path/'broken.jpg').write_bytes(OLD_PHOTO.read_bytes()[:3000]); (tmp_path/'<b>x.txt').write_text('not a photo'); (tmp_path/'empty.png').write_bytes(b'')
    u = user().drop(tmp_path/'broken.jpg', photo, tmp_path/'<b>x.txt', tmp_path/'empty.png').ready(1)
    u.until("document.querySelectorAll('#trouble li').length == 3")
    lines = u.page.locator('#trouble li').all_inner_texts()
    assert any(x.startswith('broken.jpg: damaged') for x in lines) and any(x.startswith('<b>x.txt: not a picture') for x in lines) and 'empty.png: the file is empty' in lines
    assert u.box('#trouble')['y'] < 100
    u.page.click('#trouble button'); u.until("document.querySelector('#trouble').hidden")
    u.load(); u.ready(1); assert not u.page.is_visible('#trouble')

@pytest.mark.slow
def test_a_film_is_not_sent(user, photo, tmp_path): # noqa: F811
    "It is told by its first bytes, whatever it is called; the page names the command, and the server hears nothing of it"
    (tmp_path/'film.mp4').write_bytes(b'\0\0\0\x18ftypisom'+bytes(1000)); (tmp_path/'odd.jpg').write_bytes(b'\x1aE\xdf\xa3'+bytes(1000))
    shutil.copy(photo, tmp_path/'photo.mov')
    u = user()
    sent = []
    u.page.on('request', lambda r: sent.append(r.url) if r.method == 'POST' and 'photos?name' in r.url else None)
    u.drop(tmp_path/'film.mp4', tmp_path/'photo.mov', tmp_path/'odd.jpg').ready(1)
    u.until("document.querySelectorAll('#trouble li').length == 2")
    lines = u.page.locator('#trouble li').all_inner_texts()
    assert [x.split(',')[0] for x in lines] == ['film.mp4: a film (MP4)', 'odd.jpg: a film (Matroska or WebM)'] and all(x.endswith('colorize film.mp4') for x in lines)
    assert len(sent) == 1 and 'photo.mov' in sent[0]

@pytest.mark.slow
def test_one_is_removed_and_start_over_asks(user, photo, server): # noqa: F811
    u = user().drop(OLD_PHOTO, photo).ready(2)
    u.page.locator('#strip .gone').first.click()
    u.until("document.querySelectorAll('#strip .pick').length == 1 && document.querySelector('#note').innerText.startsWith('mother')")
    u.page.click('#over'); assert u.page.is_visible('#sure')
    u.page.click('#sure button[value=no]'); assert not u.page.is_visible('#sure') and u.page.is_visible('#stage')
    u.page.click('#over'); u.page.click('#sure button[value=yes]'); u.page.wait_for_selector('#drop')
    u.load(); assert u.page.is_visible('#drop')

@pytest.mark.slow
def test_two_visitors(user, photo): # noqa: F811
    a,b = user(),user()
    a.drop(OLD_PHOTO); b.drop(photo)
    a.ready(1); b.ready(1)
    assert 'migrant' in a.page.inner_text('#note') and 'mother.png' in b.page.inner_text('#note') and 'migrant' not in b.page.inner_html('#work')

@pytest.mark.slow
@pytest.mark.parametrize('size', [(4500,1000), (500,2500), (3,2), (1,1)])
def test_odd_shapes(user, tmp_path, size):
    Image.open(OLD_PHOTO).convert('L').resize(size).save(tmp_path/'odd.png')
    u = user(width=390, height=844).one(tmp_path/'odd.png')
    assert u.wide() <= 0 and u.box('#download')['y'] < 844
    a,b = u.box('#after'),u.box()
    assert a['width'] <= b['width']+1 and a['height'] <= b['height']+1 and (abs(a['width']-b['width']) < 2 or abs(a['height']-b['height']) < 2 or max(size) < 9)
    assert Image.open(u.get('#download', tmp_path)).size == size

@pytest.mark.slow
@pytest.mark.parametrize('size', [(5000,4000), (9000,6600)])
def test_large(user, tmp_path, size):
    Image.open(OLD_PHOTO).convert('L').resize(size, Image.BILINEAR).save(tmp_path/'large.jpg', quality=80)
    u = user().one(tmp_path/'large.jpg')
    u.page.mouse.dblclick(*u.at(.7, .5))
    u.until("document.querySelector('#stage').dataset.sharp && !document.querySelector('#after .sharp').hidden")
    assert abs(u.box('#after')['width']-size[0]) < 1
    assert u.choose(.7, .3) < 5
    assert Image.open(u.get('#download', tmp_path)).size == size

# ---- for everybody

@pytest.mark.slow
def test_from_photo_to_download_by_keyboard_alone(user, tmp_path):
    u = user()
    k = u.page.keyboard
    def tab_to(js):
        for _ in range(60):
            k.press('Tab')
            assert u.js("(e => !!(e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText))(document.activeElement)"), u.js('document.activeElement.outerHTML')
            if u.js(f"document.activeElement.matches('{js}')"): return
        raise AssertionError(f'Tab does not lead to {js}')
    tab_to('#files'); tab_to('[data-example=migrant_mother]')
    k.press('Enter'); u.ready(1); u.until("document.querySelectorAll('#ways button').length >= 4")
    tab_to('#stage')
    for key in ('ArrowDown', 'ArrowDown', 'ArrowRight'): k.press(key)
    assert u.page.is_visible('#aim')
    k.press('Enter'); u.until("document.activeElement.matches('#likely button')")
    k.press('ArrowRight'); u.seen(lambda: k.press('Enter'))
    assert u.hints() == 1 and u.js("document.activeElement.id") == 'stage'
    tab_to('#hints button')
    u.seen(lambda: k.press('ArrowUp')); u.seen(lambda: k.press('Delete')); assert u.hints() == 0
    u.seen(lambda: k.press('Control+z')); assert u.hints() == 1
    tab_to('#border'); cut = int(u.page.get_attribute('#border', 'aria-valuenow')); k.press('ArrowLeft'); assert int(u.page.get_attribute('#border', 'aria-valuenow')) == cut-5
    tab_to('#hold'); k.down(' '); assert u.page.get_attribute('#hold', 'aria-pressed') == 'true'; k.up(' ')
    tab_to('#download')
    with u.page.expect_download() as d: k.press('Enter')
    assert d.value.suggested_filename == 'migrant_mother-color.jpg'
    if FIREFOX: return # its list of downloads has the focus now
    tab_to('#ways button[data-k="1"]'); u.seen(lambda: k.press('Enter'))
    tab_to('#vivid'); u.seen(lambda: k.press('ArrowRight'))

LANGUAGES = dict(en='en-GB', de='de-DE', fr='fr-FR', es='es-ES')
def speak(u, language): u.page.locator('#language').evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('change')) }", language) # works below a dialog

def problems(u, source):
    u.page.evaluate(source)
    found = u.page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html.slice(0, 120)+' '+n.failureSummary)]))")
    return json.dumps(found, indent=1) if found else ''

@pytest.mark.slow
@pytest.mark.skipif(not AXE.is_file(), reason='needs axe-core: npm install axe-core, or AXE=/path/to/axe.min.js')
@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('width,height', [(1280,800), (390,844)])
def test_axe_finds_nothing(user, photo, tmp_path, scheme, width, height): # noqa: F811
    source = AXE.read_text()
    (tmp_path/'empty.png').write_bytes(b'')
    u = user(width=width, height=height, color_scheme=scheme)
    def check():
        for language in LANGUAGES: speak(u, language); assert not (found := problems(u, source)), (language, found)
    check()
    u.drop(tmp_path/'empty.png').until("!document.querySelector('#trouble').hidden"); check()
    u.drop(OLD_PHOTO, photo).ready(2); u.until("document.querySelectorAll('#ways button').length >= 4")
    u.choose(.5, .8)
    check() # an error is on view too
    u.spot(.4, .3); check()
    u.page.keyboard.press('Escape'); u.page.click('#over'); check()

@pytest.mark.slow
@pytest.mark.parametrize('width', [320, 390])
def test_a_phone(user, photo, tmp_path, width): # noqa: F811
    long = tmp_path/('a_rather_long_name_without_any_space_'*3+'.png'); shutil.copy(photo, long)
    (tmp_path/(long.stem+'.txt')).write_text('')
    u = user(width=width, height=700, **PHONE)
    assert u.wide() <= 0
    u.drop(photo, long, tmp_path/(long.stem+'.txt')).ready(2).until("document.querySelectorAll('#ways button').length >= 4")
    assert u.wide() <= 0, 'wider than a phone'
    u.page.touchscreen.tap(*u.at(.3, .5)); u.page.wait_for_selector('#likely button:nth-child(6)')
    b = u.box('#picker'); assert b['x'] >= 0 and b['x']+b['width'] <= width and b['y']+b['height'] <= 700
    small = u.js("[...document.querySelectorAll('button, input')].filter(b => b.offsetParent && !b.matches('.unseen, .gone, #own') && Math.min(b.getBoundingClientRect().height, b.getBoundingClientRect().width) < 30).map(b => b.outerHTML.slice(0, 60))")
    assert not small, f'too small for a thumb: {small}'
    u.seen(lambda: u.page.locator('#likely button').nth(1).tap()); assert u.hints() == 1

TITLES = dict(en='Colour for old photos', de='Farbe für alte Fotos', fr='Vieilles photos en couleur', es='Color para fotos antiguas')
TIGHT = """[...document.querySelectorAll('button, .button, label, h1, h2, p, li, select, output, small, strong')].filter(e => e.offsetParent && !e.closest('.unseen, #strip') && e.id !== 'note'
           && e.scrollWidth > e.clientWidth+1 && getComputedStyle(e).display !== 'inline').map(e => e.outerHTML.slice(0, 90))""" # the note ends in dots where it is long

@pytest.mark.slow
def test_the_browsers_language_and_another(user, photo, tmp_path): # noqa: F811
    (tmp_path/'film.mp4').write_bytes(b'\0\0\0\x18ftypisom'+bytes(1000))
    for language in ('de', 'fr', 'es'):
        u = user(locale=LANGUAGES[language])
        assert u.js('document.documentElement.lang') == language and u.page.inner_text('h1') == u.page.title() == TITLES[language]
        assert u.page.input_value('#language') == language
    u = user(locale='de-AT').drop(OLD_PHOTO, photo, tmp_path/'film.mp4').ready(2)
    u.until("document.querySelectorAll('#ways button').length >= 4")
    u.choose(.5, .8)
    u.seen(lambda: u.set('#strength', .1))
    u.spot(.4, .3)
    assert u.page.inner_text('#download') == 'Herunterladen' and 'fast grau' in u.page.inner_text('#note') and 'film.mp4: ein Film (MP4)' in u.page.inner_text('#trouble')
    def colours(): return [b.get_attribute('aria-label') for b in u.page.locator('#likely button').all()]
    assert all(re.search('(Rot|Braun|Gelb|Oliv|rün|Blau|Violett|Rosa|Grau|Schwarz|Weiß), ', c) for c in colours())
    before = u.previews()
    speak(u, 'fr')
    assert u.js('document.documentElement.lang') == 'fr' and u.page.is_visible('#picker') and u.previews() == before
    assert all(re.match('(rouge|brun|jaune|olive|vert|bleu|violet|rose|gris|noir|blanc)', c) for c in colours()) and u.page.inner_text('#asking').startswith('Probables ici')
    assert u.page.inner_text('#download') == 'Télécharger' and 'presque grise' in u.page.inner_text('#note') and 'film.mp4\xa0: un film (MP4)' in u.page.inner_text('#trouble')
    assert u.page.get_attribute('#ways button:nth-child(2)', 'aria-label') == 'Suggestion 1' and u.page.get_attribute('#undo', 'title') == 'Annuler (Ctrl+Z)'
    assert u.page.locator('#hints button').first.get_attribute('aria-label').startswith('Couleur 1, ') and u.page.title() == f'migrant_mother.jpg – {TITLES["fr"]}'
    assert u.hints() == 1 and u.page.input_value('#strength') == '0.1' and u.page.inner_text('#much') == '10 %' and u.page.locator('#strip .pick').count() == 2
    u.load(); u.ready(2)
    assert u.page.input_value('#language') == 'fr' and u.page.inner_text('#download') == 'Télécharger' and u.hints() == 1 # it is kept

@pytest.mark.slow
@pytest.mark.parametrize('width,height,kw', [(1366, 768, {}), (390, 844, PHONE), (320, 640, PHONE)])
def test_every_language_has_room(user, photo, width, height, kw): # noqa: F811
    u = user(width=width, height=height, **kw)
    def check(where):
        for language in LANGUAGES:
            speak(u, language)
            assert not (tight := u.js(TIGHT)) and u.wide() <= 0, (language, where, tight)
    check('start')
    u.drop(OLD_PHOTO, photo).ready(2).until("document.querySelectorAll('#ways button').length >= 4")
    u.choose(.5, .8)
    check('photo')
    for language in LANGUAGES:
        u.page.select_option('#language', language); u.page.evaluate('scrollTo(0, 0)')
        b = u.box('#download'); assert b['y']+b['height'] <= height and b['x']+b['width'] <= width, language
    u.spot(.4, .3); check('picker')
    u.page.keyboard.press('Escape'); u.page.click('#over'); check('start over')

@pytest.mark.slow
def test_a_lost_connection_is_said_and_found_again(browser, tmp_path, photo): # noqa: F811
    s = Server(tmp_path)
    u = User(browser, s.url).one(photo)
    try:
        os.kill(s.p.pid, signal.SIGSTOP) # nothing answers
        u.ctx.set_offline(True)
        u.set('#strength', '0.5'); u.until("document.querySelector('#trouble').innerText.includes('does not answer')")
        os.kill(s.p.pid, signal.SIGCONT); u.ctx.set_offline(False)
        u.page.click('#trouble button')
        u.seen(lambda: u.set('#strength', '0.7'))
        assert u.page.inner_text('#much') == '70 %' and not u.page.is_visible('#trouble')
        Client(s) # it still lets others in
        u.ctx.clear_cookies()
        u.page.click('#download')
        u.page.wait_for_selector('#drop'); assert 'session is over' in u.page.inner_text('#trouble')
    finally: u.ctx.close(); s.stop()

@pytest.mark.slow
def test_the_token_is_asked_for(browser, tmp_path, photo): # noqa: F811
    s = Server(tmp_path, '--token', 'open sesame')
    u = User.__new__(User)
    u.ctx = browser.new_context(); u.page = u.ctx.new_page(); u.page.set_default_timeout(PATIENCE*1000); u.url,u.asked,u.errors = s.url,[],[]
    try:
        u.page.goto(s.url); u.page.wait_for_selector('#door[open]')
        u.page.fill('#token', 'closed'); u.page.keyboard.press('Enter'); u.page.wait_for_selector('#trouble li'); u.page.wait_for_selector('#door[open]')
        u.page.fill('#token', 'open sesame'); u.page.keyboard.press('Enter'); u.page.wait_for_selector('body[data-ready]')
        u.one(photo)
        assert 'computer that runs this page' in u.js("document.querySelector('#promise').textContent")
    finally: u.ctx.close(); s.stop()

@pytest.mark.slow
def test_a_session_that_another_port_chose(server, browser, photo): # noqa: F811
    "Another user of the computer serves a page, and sets the cookie of his own visit: the photos go elsewhere"
    import http.server, threading
    theirs = Client(server)
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self): self.send_response(200); self.send_header('set-cookie', f'{theirs.cookie}; path=/'); self.end_headers(); self.wfile.write(b'hello')
        def log_message(self, *a): pass
    other = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    ctx = browser.new_context()
    try:
        page = ctx.new_page(); page.set_default_timeout(PATIENCE*1000)
        page.goto(f'http://127.0.0.1:{other.server_port}/')
        assert theirs.cookie in page.context.cookies()[0]['name']+'='+page.context.cookies()[0]['value']
        page.goto(server.url); page.wait_for_selector('body[data-ready]', state='attached')
        page.set_input_files('#files', str(photo)); page.wait_for_selector('#stage[data-previews]')
        assert theirs.json('/session')['photos'] == [] and len(page.context.cookies()) == 2
    finally: ctx.close(); other.shutdown()

@pytest.mark.slow
def test_two_tabs_of_one_browser(user, photo): # noqa: F811
    u = user().one()
    second = u.ctx.new_page(); second.set_default_timeout(PATIENCE*1000)
    second.goto(u.url); second.wait_for_selector('#drop')
    second.set_input_files('#files', str(photo)); second.wait_for_selector('#stage[data-previews]')
    u.load(); u.ready(1)
    assert 'migrant' in u.page.inner_text('#note') and 'mother.png' in second.inner_text('#note')

@pytest.mark.slow
def test_in_a_frame_of_a_notebook(browser, photo, tmp_path, monkeypatch): # noqa: F811
    "A notebook on localhost shows the page from 127.0.0.1: to the browser these are two sites, and no cookie comes through"
    import http.server, threading
    import colorize_nb.page.server as web
    app = web.launch_app()
    page = f'<iframe src="{app.url}#token={app.server.token}" width=1000 height=700></iframe>'.encode()
    class Notebook(http.server.BaseHTTPRequestHandler):
        def do_GET(self): self.send_response(200); self.send_header('content-type', 'text/html'); self.end_headers(); self.wfile.write(page)
        def log_message(self, *a): pass
    host = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Notebook)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    ctx = browser.new_context(accept_downloads=True)
    try:
        p = ctx.new_page(); p.set_default_timeout(PATIENCE*1000)
        p.goto(f'http://localhost:{host.server_port}/')
        f = p.frames[1]
        f.wait_for_selector('body[data-ready]'); f.set_input_files('#files', str(photo)); f.wait_for_selector('#stage[data-previews]')
        if FIREFOX: f.dispatch_event('#download', 'click') # the driver's mouse does not get into a frame of another site
        else:
            with p.expect_download() as d: f.click('#download')
            assert d.value.suggested_filename == 'mother-color.png'
        end = time.monotonic()+PATIENCE
        while 'mother-color.png' not in f.inner_text('#live'): assert time.monotonic() < end; time.sleep(.05) # the page has fetched it
        evil = ctx.new_page(); evil.goto(f'http://localhost:{host.server_port}/')
    finally: ctx.close(); host.shutdown(); app.close()

@pytest.mark.slow
def test_who_paints(browser, tmp_path):
    from test_app import theirs
    s = Server(tmp_path, '--model', str(theirs(tmp_path)))
    try:
        u = User(browser, s.url).one()
        u.until("document.querySelectorAll('#ways img').length == 5")
        assert u.page.locator('#model option').all_inner_texts() == ['default', 'theirs'] and u.page.is_visible('#bold') and u.page.is_visible('#unsure')
        u.page.click('#unsure'); u.until("!document.querySelector('.doubt').hidden")
        u.seen(lambda: u.page.select_option('#model', 'theirs'))
        for what in ('#bold', '#unsure', '#suggested', '.doubt'): assert not u.page.is_visible(what), what
        px = np.asarray(u.picture()).astype(int); assert (px[...,2]-px[...,1]).max() > 8 # its b* is -10
        u.choose(.7, .5); assert u.hints() == 1; u.until("document.querySelector('#note').textContent.includes('spread over what looks alike')")
        u.page.click('#undo'); u.seen(lambda: u.page.click('#undo'))
        assert u.page.input_value('#model') == 'default' and u.page.is_visible('#suggested')
        u.ctx.close()
    finally: s.stop()

@pytest.mark.slow
def test_who_paints_by_keyboard_and_with_an_odd_name(browser, tmp_path):
    from test_app import theirs
    s = Server(tmp_path, '--model', str(theirs(tmp_path).rename(tmp_path/'u  g0')))
    try:
        u = User(browser, s.url).one()
        u.page.focus('#model'); u.seen(lambda: u.page.keyboard.press('u')) # looks for a name
        assert u.page.input_value('#model') == 'u  g0' and not u.page.is_visible('#trouble')
        u.page.keyboard.down('g'); assert u.page.get_attribute('#hold', 'aria-pressed') == 'false'; u.page.keyboard.up('g')
        u.seen(lambda: u.page.keyboard.press('Control+z')); assert u.page.input_value('#model') == 'default'
        u.ctx.close()
    finally: s.stop()
