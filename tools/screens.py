"""Pictures of the page for the docs: python tools/screens.py [desk-light ...]  (needs the app extra, playwright and chromium; SOURCE=folder with photos, default those of the package)
Every state at three sizes, light and dark: docs/page/SIZE-SCHEME.webp. Look at them before a release: what no test says is whether a stranger would find the way."""
import os, shutil, subprocess, sys, tempfile, time
from pathlib import Path
from urllib.request import urlopen
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT/'docs'/'page'
PORT = 7891
SIZES = {'desk':dict(viewport=dict(width=1280, height=800)), 'large':dict(viewport=dict(width=1920, height=1080)),
         'phone':dict(viewport=dict(width=390, height=844), has_touch=True, is_mobile=True, device_scale_factor=2)}
ARGS = '--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split()

def until(page, js):
    end = time.monotonic()+120
    while not page.evaluate(js):
        if time.monotonic() > end: raise TimeoutError(js)
        time.sleep(.05)

def at(page, x, y):
    b = page.locator('#after').bounding_box()
    return b['x']+b['width']*x, b['y']+b['height']*y

def press(page, touch, x, y): (page.touchscreen.tap if touch else page.mouse.click)(*at(page, x, y))

def states(page, photos, touch):
    "Yield each state's name when the page shows it"
    yield 'start'
    page.set_input_files('#files', [str(p) for p in photos])
    until(page, "document.querySelectorAll('#strip .pick:not(:disabled)').length >= 2")
    yield 'opening'
    until(page, "document.querySelector('#progress').hidden && document.querySelectorAll('#ways button').length >= 4")
    time.sleep(1)
    yield 'photo'
    page.click('#trouble button')
    press(page, touch, .8, .55)
    until(page, "document.querySelectorAll('#likely button').length == 6")
    yield 'a colour'
    page.click('#likely button:nth-child(3)')
    time.sleep(1.2)
    page.click('#ways button:nth-child(3)'); time.sleep(1.2)
    yield 'colours set'
    page.click('#unsure'); until(page, "!document.querySelector('#after .doubt').hidden"); time.sleep(.4)
    yield 'unsure'
    page.click('#unsure')
    page.click('#fit'); time.sleep(2.5)
    yield 'its own pixels'
    page.click('#fit')
    page.click('#same'); page.evaluate('scrollTo(0, 0)'); until(page, "/left/.test(document.querySelector('#far').innerText)")
    yield 'all photos'
    page.evaluate("document.querySelector('#stop').click()"); until(page, "document.querySelector('#progress').hidden")
    page.click('#over'); time.sleep(.2)
    yield 'start over'
    page.click('#sure button[value=yes]')

def sheet(shots, columns, width):
    "Pictures side by side, as wide as that"
    w = (width-8*(columns-1))//columns
    ims = [im.resize((w, round(w*im.height/im.width)), Image.LANCZOS) for im in shots]
    h,rows = ims[0].height,-(-len(ims)//columns)
    out = Image.new('RGB', (width, rows*h+8*(rows-1)), '#888')
    for i,im in enumerate(ims): out.paste(im, ((i%columns)*(w+8), (i//columns)*(h+8)))
    return out

def main():
    photos = sorted(Path(os.environ.get('SOURCE', ROOT/'colorize_nb'/'photos')).glob('*.jpg'))
    OUT.mkdir(exist_ok=True)
    tmp = Path(tempfile.mkdtemp())
    (tmp/'torn.jpg').write_bytes(photos[0].read_bytes()[:2000])
    server = subprocess.Popen([sys.executable, '-c', f'from colorize_nb.page.server import colorize_app; colorize_app(port={PORT}, no_browser=True)'], cwd=ROOT)
    try:
        while True:
            try: urlopen(f'http://127.0.0.1:{PORT}/').close(); break
            except OSError: time.sleep(.1)
        with sync_playwright() as pw:
            browser = pw.chromium.launch(executable_path=shutil.which('chromium'), args=ARGS)
            for size,kw in SIZES.items():
                for scheme in ('light', 'dark'):
                    if sys.argv[1:] and f'{size}-{scheme}' not in sys.argv[1:]: continue
                    ctx = browser.new_context(color_scheme=scheme, **kw)
                    page,shots = ctx.new_page(),[]
                    page.goto(f'http://127.0.0.1:{PORT}/'); page.wait_for_selector('body[data-ready]')
                    for name in states(page, [*photos, tmp/'torn.jpg'], size == 'phone'):
                        page.screenshot(path=tmp/'shot.png'); shots.append(Image.open(tmp/'shot.png').convert('RGB'))
                        if (size,scheme,name) == ('desk', 'light', 'a colour'): shots[-1].save(OUT/'page.webp', quality=78)
                    sheet(shots, 3 if size != 'phone' else 5, 1340 if size != 'phone' else 1000).save(OUT/f'{size}-{scheme}.webp', quality=46, method=6)
                    ctx.close()
            browser.close()
    finally: server.terminate(); server.wait(20); shutil.rmtree(tmp)

if __name__ == '__main__': main()
