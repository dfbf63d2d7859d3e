"""The page of colorize-app, as a visitor waits for it: python -m benchmarks.page [--rounds 5]  (needs the app extra, chromium and playwright)
Seconds from dropping the first photo to its colours; leafing through ten photos, each as soon as the one before is in
colour: until anything of a photo is seen, and until its colours are; leafing on every tenth of a second: until the last
one is in colour; a slider; a colour for a spot; the zip of thirty photos. Then memory over 300 photos, a hundred a
session: of the server, and of all processes of the browser."""
import argparse, os, statistics, sys, tempfile, time, zipfile
from pathlib import Path
from .common import kept, machine, photos, save, tell

sys.path.append(str(Path(__file__).parent.parent/'tests'))
from test_app import Server  # noqa: E402
from test_page import ARGS, CHROMIUM, User, sync_api  # noqa: E402

SEEN = "[...document.querySelectorAll('#stage .layer img.whole')].some(i => !i.hidden && i.naturalWidth)"
OPENED = "document.querySelectorAll('#strip .pick:not(:disabled)').length == {} && document.querySelector('#progress').hidden"
PATIENCE = 600  # seconds

class Visitor(User):
    "One who counts the seconds"
    def waits(self, code):
        "Seconds until something is so"
        began = time.monotonic()
        while not self.js(code): assert time.monotonic() < began+PATIENCE, code
        return time.monotonic()-began
    def pick(self, i): self.js(f"document.querySelectorAll('#strip .pick')[{i}].click()")
    def colored(self, act):
        n = self.previews()
        act()
        return self.waits(f"document.querySelector('#stage').dataset.previews > {n}")

def leaf(u, n):
    "Leaf through photos; the seconds until each is seen, and in colour"
    seen,colored = [],[]
    for i in range(1, n):
        before = u.previews()
        began = time.monotonic()
        u.pick(i)
        u.waits(SEEN)
        seen.append(time.monotonic()-began)
        u.waits(f"document.querySelector('#stage').dataset.previews > {before}")
        colored.append(time.monotonic()-began)
    return seen,colored

def leaf_on(u, n):
    "Leaf on without waiting; the seconds from the last step to the last photo's colours"
    for i in range(n-1):
        u.pick(i)
        time.sleep(.1)
    before = u.previews()
    began = time.monotonic()
    u.pick(n-1)
    name = u.js(f"document.querySelectorAll('#strip small')[{n-1}].textContent")
    u.waits(f"document.querySelector('#stage').dataset.previews > {before} && document.querySelector('#note').textContent.startsWith({name!r}) && {SEEN} && document.querySelector('#wait').hidden")
    return time.monotonic()-began

def visit(server, chromium, files, folder):
    "One visit; what for -> seconds"
    out = {}
    u = Visitor(chromium, server.url)
    out['first photo in colour'] = [u.colored(lambda: u.drop(files[0]))]
    u.waits("document.querySelectorAll('#ways button').length > 1")
    out['a slider'] = [u.colored(lambda v=v: u.set('#vivid', v)) for v in (.3, .6, .9)]
    u.drop(*files[1:10])
    u.waits(OPENED.format(10))
    out['leafing: seen'],out['leafing: in colour'] = leaf(u, 10)
    out['leafing on: the last one in colour'] = [leaf_on(u, 10)]
    began = time.monotonic()
    u.spot(.6, .4)
    out['likely colours of a spot'] = [time.monotonic()-began]
    out['its colour'] = [u.colored(lambda: u.page.click('#likely button:nth-child(2)'))]
    u.drop(*files[10:30])
    u.waits(OPENED.format(30))
    began = time.monotonic()
    got = u.get('#all', folder)
    out['zip of 30'] = [time.monotonic()-began]
    with zipfile.ZipFile(got) as z: assert len(z.namelist()) == 30, z.namelist()
    u.ctx.close()
    return out

def family(pid):
    "A process and all that it began"
    parents = {}
    for p in Path('/proc').iterdir():
        if not p.name.isdigit(): continue
        try: parents.setdefault(int((p/'stat').read_text().rsplit(')', 1)[1].split()[1]), []).append(int(p.name))
        except OSError: pass
    found = [pid]
    for p in found: found += parents.get(p, [])
    return found

def proportional(pids):
    "MB of memory of some processes, shared pages counted once"
    total = 0
    for pid in pids:
        try: text = Path(f'/proc/{pid}/smaps_rollup').read_text()
        except OSError: continue
        total += int(next(line.split()[1] for line in text.splitlines() if line.startswith('Pss:')))
    return total/1024

def memory(server, files):
    "MB of the server and of the browser after each hundred photos"
    rows = []
    with sync_api.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        u = Visitor(chromium, server.url)
        for _ in range(3):
            u.drop(*files)
            u.waits(OPENED.format(len(files)))
            browsers = [pid for pid in family(os.getpid()) if 'chrom' in Path(f'/proc/{pid}/cmdline').read_text()]
            rows.append((server.memory('VmRSS'),proportional(browsers)))
            u.page.click('#over')
            u.page.click('#sure button:has-text("Start over")')
            u.page.wait_for_selector('#start', state='visible')
        chromium.close()
    return rows

def main(rounds):
    print(machine())
    with tempfile.TemporaryDirectory() as d:
        files = photos(Path(d)/'in', 100, (1632,1224), gray=True)
        (Path(d)/'server').mkdir()
        server = Server(Path(d)/'server')
        found = {}
        with sync_api.sync_playwright() as p:
            chromium = p.chromium.launch(executable_path=CHROMIUM, args=ARGS)
            for _ in range(rounds):
                for k,v in visit(server, chromium, files, Path(d)).items(): found.setdefault(k, []).extend(v)
            chromium.close()
        tell('\n| one waits for | s, median | lowest to highest |\n|---|---|---|')
        for k,v in found.items(): tell(f'| {k} | {statistics.median(v):.2f} | {min(v):.2f} to {max(v):.2f} |')
        kept.extend(dict(table='page', what=k, round=i, ms=f'{1000*s:.0f}') for k,v in found.items() for i,s in enumerate(v))
        grown = memory(server, files)
        tell('\n| photos | server, MB | browser, MB |\n|---|---|---|')
        for i,(mine,theirs) in enumerate(grown): tell(f'| {100*(i+1)} | {mine:.0f} | {theirs:.0f} |')
        kept.extend(dict(table='page memory', what=k, round=i, ms=f'{v:.0f}') for i,pair in enumerate(grown) for k,v in zip(('server MB','browser MB'), pair))
        server.stop()
    save('page')

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--rounds', type=int, default=5)
    main(**vars(ap.parse_args()))
