"""The page in the browser: python -m benchmarks.browser [--rounds 3]  (needs chromium, playwright, and onnxruntime-web as tools/site.py installs it)
What a first visit loads, as it is and gzipped; and for photos of 0.3, 2 and 12 megapixels how long one waits: until a dropped photo is shown in colour, for a slider, for another colour of a spot, for the file; on one thread, and on several."""
import argparse, gzip, statistics, sys, tempfile
from pathlib import Path
from .common import kept, machine, photos, save, tell

sys.path.append(str(Path(__file__).parent.parent/'tests'))
from test_page import ARGS, CHROMIUM, sync_api  # noqa: E402
from test_site import load  # noqa: E402
from test_web import ORT, ROOT, Files, Isolated, serve, stop  # noqa: E402

CARD = 'ort-wasm-simd-threaded.jspi.wasm'
TIMED = """async ([file, ask, what]) => {
  const {engine} = await import(new URL('engine.js', location).href), at = () => engine.state().then(s => s.photos.at(-1)), began = performance.now()
  if (what === 'open') { await engine.add(new File([await (await fetch(file)).blob()], 'a.jpg')); while (!(await at()).size) await new Promise(ok => setTimeout(ok, 5)) }
  else await engine[what]((await at()).id, ask)
  return (performance.now()-began)/1000
}"""

def waits(url, browser, files, rounds):
    "Seconds that one waits, by photo and by what for"
    page = browser.new_context().new_page()
    page.goto(url)
    page.wait_for_selector('body[data-threads]', state='attached')
    ask,out = dict(strength=1, vivid=0, variant=0, hints=[]),{}
    for name,file in files.items():
        for i in range(rounds+1):
            spot = dict(hints=[dict(x=100, y=100+i, color='#7a1f1f')])
            steps = {'shown in colour': ('open', ask), 'a slider': ('preview', ask|dict(vivid=.5)), 'another colour': ('preview', ask|spot), 'the file': ('finish', ask|spot)}
            took = {k: page.evaluate(TIMED, [file, a, what]) for k,(what,a) in steps.items()}
            if i: [out.setdefault(name, {}).setdefault(k, []).append(s) for k,s in took.items()]
    return page.evaluate('+document.body.dataset.threads'),out

def main(rounds):
    print(machine())
    with tempfile.TemporaryDirectory() as d, sync_api.sync_playwright() as p:
        load('site').try_page(ROOT, (page := Path(d)/'try'), ORT/'dist')
        files = {f'{n} MP': photos(Path(d)/f'try/{n}', 1, size, gray=True)[0] for n,size in (('0.3', (640,480)), ('2', (1632,1224)), ('12', (4000,3000)))}
        made = {f.name: f.read_bytes() for f in page.rglob('*') if f.is_file() and 'MP' not in f.parent.name and f not in files.values()}
        for what,names in (('A first visit loads', made.keys()-{CARD}), ('Looking for a graphics card loads, later,', {CARD})):
            first = [made[n] for n in names]
            tell(f"\n{what} {sum(map(len, first))/1e6:.1f} MB, {sum(len(gzip.compress(b)) for b in first)/1e6:.1f} MB gzipped.")
        browser,rows = p.chromium.launch(executable_path=CHROMIUM, args=ARGS),[]
        for handler in (Files, Isolated):
            s,url = serve(Path(d), handler)
            threads,out = waits(url, browser, {k: f.relative_to(page).as_posix() for k,f in files.items()}, rounds)
            rows += [(f"{name}, {threads} thread{'s'*(threads > 1)}", times) for name,times in out.items()]
            stop(s)
        browser.close()
    tell('\n| s, median (lowest) | '+' | '.join(rows[0][1])+' |\n|---'+'|---'*len(rows[0][1])+'|')
    for name,times in rows:
        tell(f'| {name} | '+' | '.join(f'{statistics.median(t):.1f} ({min(t):.1f})' for t in times.values())+' |')
        kept.extend(dict(table=name, what=k, round=i, ms=f'{1000*s:.0f}') for k,t in times.items() for i,s in enumerate(t))
    save('browser')

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--rounds', type=int, default=3)
    main(**vars(ap.parse_args()))
