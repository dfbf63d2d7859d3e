"""From nothing to the first photo in colour, each way in: python -m benchmarks.ways [--only uv pipx]
Every way starts with a fresh folder as its home and with empty caches, so that what pip and uv download is part of it,
and runs the commands that README.md, docs/ and integrations/ print, on a clone of this repository's last commit and a
wheel built from it. Seconds by the clock, seconds of the processor (of all processes that were begun), megabytes on the
disk. Git takes the repository from this disk, not from the network.
A way whose host is missing is left out, with a line, and keeps its rows in ways.csv. Hosts: uv, pipx, gimp-console-3,
darktable-cli and docker (or podman) on the PATH; COMFYUI names a folder of ComfyUI, COMFYUI_PYTHON a Python that has
its requirements; COLORIZE_BASE names the container's base image, which must be there; `static` needs npm, chromium and
playwright. A script named `docker`, first on the PATH, may add what an engine needs on a machine that is itself a
container."""
import argparse, csv, ctypes, http.client, json, os, re, resource
import shutil, socket, subprocess, sys, tempfile, time, traceback
from contextlib import contextmanager
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen
import numpy as np
from PIL import Image
from .common import HERE, machine, put

ROOT = HERE.parent
PHOTO = 'colorize_nb/photos/migrant_mother.jpg'
REPO = 'https://github.com/colorize-nb/colorize_nb'
CSV,PAGE = HERE/'ways.csv',ROOT/'docs'/'integrations.md'
HOST = 'the host alone'
OWN = ('PYTHON', 'VIRTUAL_ENV', 'XDG_', 'OMP_', 'PIP_FIND_LINKS', 'PIP_EXTRA', 'PIP_CACHE', 'UV_CACHE', 'UV_TOOL',
       'PIPX_')  # variables of the caller that a fresh home has not
PATIENCE = 600  # seconds

class Missing(Exception): "A way's host is not here"

# What is measured

def children():
    "Seconds of the processor that all ended processes took"
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime+used.ru_stime

def adopt():
    "Be the parent of processes that lost theirs, so that their time counts too (Linux)"
    if sys.platform == 'linux': ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)

def reap():
    "Wait for adopted processes that have ended"
    try:
        while os.waitpid(-1, os.WNOHANG)[0]: pass
    except ChildProcessError: pass

def megabytes(*places, but=()):
    "What folders hold, a file with several names once; without some folders in them"
    files = [p.lstat() for place in places for p in Path(place).rglob('*') if not {*but} & {*p.parents}]
    return sum({(s.st_dev, s.st_ino): s.st_size for s in files}.values())/1e6

def colored(file):
    "Check that a photo came out in colour"
    x = np.asarray(Image.open(file).convert('RGB')).astype(int)
    assert np.ptp(x, axis=2).mean() > 5, f'{file} is gray'

def found(*programs):
    "Return the first of some programs that is here"
    return next(filter(None, map(shutil.which, programs)), None) or missing(' or '.join(programs))

def missing(what): raise Missing(f'{what} is not here')

def version(name, program):
    "Return a name and the version that its program tells"
    told = subprocess.run([program, '--version'], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    return f"{name} {re.search(r'[0-9]+[.][0-9.]*[0-9]', told)[0]}"

def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def text_of(page): return (ROOT/page).read_text(encoding='utf-8')
def blocks(page): return re.findall(r'^```sh\n(.*?)^```', text_of(page), re.M|re.S)

def printed(beginning):
    "Return a command of README.md, by its beginning"
    return next(c for c in re.findall(r'`([^`\n]+)`', text_of('README.md')) if c.startswith(beginning))

class Clock:
    "Seconds by the clock, until `stop`"
    def __init__(self): self.began,self.took = time.monotonic(),None
    def stop(self): self.took = self.took or time.monotonic()-self.began

class Way:
    "One way in: a fresh folder and home, and rows of what was measured"
    def __init__(self, name, folder):
        self.name,self.folder,self.rows,self.by = name,Path(folder),[],f'Python {sys.version.split()[0]}'
        self.home,self.clone = self.folder/'home',self.folder/'colorize_nb'
        self.home.mkdir()
        env = {k: v for k,v in os.environ.items() if not k.startswith(OWN)}
        path = f"{self.home/'.local/bin'}{os.pathsep}{env['PATH']}"
        python = getattr(sys, '_base_executable', sys.executable)
        local = dict(GIT_CONFIG_COUNT='1', GIT_CONFIG_KEY_0=f'url.{ROOT.as_uri()}.insteadOf', GIT_CONFIG_VALUE_0=REPO)
        self.env = env|local|dict(HOME=str(self.home), PATH=path, UV_PYTHON=python, PIPX_DEFAULT_PYTHON=python)
    @contextmanager
    def step(self, what, size=None): # size: returns MB, asked after the step
        "Measure a step; only what is begun within it"
        reap()
        cpu,clock = children(),Clock()
        yield clock
        clock.stop()
        reap()
        cpu = children()-cpu
        size = f'{size():.0f}' if size else ''
        row = dict(way=self.name, step=what, wall_s=f'{clock.took:.1f}', cpu_s=f'{cpu:.1f}', mb=size, by=self.by)
        self.rows.append(row)
        print(*row.values(), sep='  ', flush=True)
    def sh(self, script, cwd=None):
        "Run what a page prints"
        r = subprocess.run(['sh', '-ec', script], cwd=cwd or self.clone, env=self.env, capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=3*PATIENCE)
        assert r.returncode == 0, f'{script}\n{r.stdout[-2000:]}\n{r.stderr[-2000:]}'
        return r.stdout
    def start(self, *command, cwd=None):
        "Begin a program that goes on"
        with open(self.folder/'log', 'a') as log:
            return subprocess.Popen(command, cwd=cwd or self.folder, env=self.env, stdout=log, stderr=log)
    def said(self):
        "What programs said that were begun"
        log = self.folder/'log'
        return log.read_text(errors='replace')[-2000:] if log.exists() else ''
    def get(self):
        "Clone the repository"
        with self.step('clone', lambda: megabytes(self.clone)): self.sh(f'git clone -q {REPO}', self.folder)
    def venv(self, python=sys.executable):
        "Create an environment, whose commands come first"
        self.sh(f'{python} -m venv {self.folder}/venv', self.folder)
        self.env['PATH'] = f"{self.folder}/venv/bin{os.pathsep}{self.env['PATH']}"
    def installed(self): return megabytes(self.folder/'venv', self.home, but=[self.home/'.cache'])

WAYS = {}
def way(f):
    WAYS[f.__name__] = f
    return f

def until(answer, process):
    "Wait until a program answers"
    end = time.monotonic()+PATIENCE
    while True:
        try: return answer()
        except (OSError, http.client.HTTPException): pass
        if process.poll() is not None or time.monotonic() > end: raise RuntimeError('it does not answer')
        time.sleep(.02)

def end(process):
    "Let a program end"
    process.terminate()
    process.wait(60)

# Commands

@way
def pip(w, wheel):
    "README's first command, in an environment of its own"
    w.get()
    install,photo = blocks('README.md')[0].strip().split(' && ')
    with w.step('install', w.installed):
        w.venv()
        w.sh(install)
    with w.step('first photo'): w.sh(photo)
    colored(w.clone/'mother.jpg')

def tool(w, wheel, program):
    "The command by a program that installs tools"
    w.by = version(program, found(program))
    command = printed(f"{program} {'tool ' if program == 'uv' else ''}install '.[app]'")
    with w.step('install', w.installed): w.sh(command.replace('.[', f'{wheel}['), w.folder)
    with w.step('first photo'): w.sh('colorize photo.jpg', w.folder)
    colored(w.folder/'photo-color.jpg')

@way
def uv(w, wheel): tool(w, wheel, 'uv')

@way
def pipx(w, wheel): tool(w, wheel, 'pipx')

@way
def uvx(w, wheel):
    "One command installs and colours; then the same once more"
    found('uvx')
    w.by = version('uv', found('uv'))
    command = printed('uvx --from .').replace('--from .', f'--from {wheel}')
    with w.step('install and first photo', lambda: megabytes(w.home)): w.sh(command, w.folder)
    colored(w.folder/'photo-color.jpg')
    with w.step('again'): w.sh(f'{command} --overwrite', w.folder)

# Programs that people have open

def in_comfyui(w, base, graph, clock):
    "Start ComfyUI, run a workflow, stop the clock; returns the picture's path"
    port = free_port()
    flags = '--cpu --disable-auto-launch --disable-api-nodes --database-url sqlite:///:memory:'.split()
    flags += ['--base-directory', str(base), '--port', str(port)]
    process = w.start(str(w.folder/'venv/bin/python'), 'main.py', *flags, cwd=os.environ['COMFYUI'])
    def ask(path, body=None):
        with urlopen(f'http://127.0.0.1:{port}{path}', body, timeout=60) as r: return json.load(r)
    try:
        until(lambda: ask('/system_stats'), process)
        at = '/history/'+ask('/prompt', json.dumps(dict(prompt=graph)).encode())['prompt_id']
        while not (entry := ask(at)): time.sleep(.02)
        clock.stop()
    finally: end(process)
    done, = entry.values()
    assert done['status']['status_str'] == 'success', done['status']
    image, = done['outputs']['3']['images']
    return base/'output'/image['filename']

@way
def comfyui(w, wheel):
    "The nodes in a ComfyUI that is here: nothing of it is changed, an environment on top of its own gets what is new"
    program = Path(os.environ.get('COMFYUI') or missing('a folder of ComfyUI, in the variable COMFYUI,'))
    python = os.environ.get('COMFYUI_PYTHON', sys.executable)
    code = 'import sysconfig, torch; print(sysconfig.get_path("purelib"), torch.__version__)'
    packages,torch = subprocess.check_output([python, '-c', code], text=True).split()
    w.by = f"ComfyUI {re.search('[0-9.]{3,}', (program/'comfyui_version.py').read_text())[0]}, torch {torch}"
    w.get()
    w.venv(python)
    site, = (w.folder/'venv').glob('lib/*/site-packages')
    (site/'host.pth').write_text(packages)
    base = w.clone/'ComfyUI'
    for d in ('input', 'output', 'custom_nodes'): (base/d).mkdir(parents=True)
    shutil.copy(w.folder/'photo.png', base/'input')
    graph = json.loads((w.clone/'integrations/comfyui/example_workflows/colorize.json').read_text(encoding='utf-8'))
    save = dict(graph['3'], inputs=graph['3']['inputs']|dict(images=['1', 0]))
    gray = {'1': graph['1'], '3': save}
    in_comfyui(w, base, gray, Clock())  # its first start of all
    with w.step(HOST, lambda: megabytes(program, packages)) as clock: in_comfyui(w, base, gray, clock)
    before = megabytes(site)
    with w.step('install', lambda: megabytes(site)-before): w.sh(blocks('integrations/comfyui/README.md')[0])
    with w.step('first photo') as clock: file = in_comfyui(w, base, graph, clock)
    colored(file)

IN_GIMP = """
from gi.repository import Gimp, Gio
def file(name): return Gio.File.new_for_path(name)
batch = Gimp.RunMode.NONINTERACTIVE
image = Gimp.file_load(batch, file('photo.png'))
plugin = Gimp.get_pdb().lookup_procedure('python-fu-colorize-nb')
if plugin:
    config = plugin.create_config()
    config.set_property('run-mode', batch)
    config.set_property('image', image)
    config.set_core_object_array('drawables', image.get_selected_layers())
    plugin.run(config)
Gimp.file_save(batch, image, file('color.png'), None)
"""

def debian(*packages):
    "MB of Debian's packages, without those that they need; nothing elsewhere"
    if not shutil.which('dpkg-query'): return None
    asked = ['dpkg-query', '-W', '-f', '${Installed-Size}\n', *packages]
    sizes = subprocess.run(asked, capture_output=True, text=True).stdout.split()
    return lambda: sum(map(int, sizes))*1024/1e6

def in_host(w, batch, size, readme):
    "Run a program without a window: alone, and once what its page says is installed"
    w.sh(batch, w.folder)  # its first start of all
    with w.step(HOST, size): w.sh(batch, w.folder)
    w.get()
    before = w.installed()
    with w.step('install', lambda: w.installed()-before): w.sh(blocks(readme)[0])
    with w.step('first photo'): w.sh(batch, w.folder)

@way
def gimp(w, wheel):
    "The plug-in, in GIMP without a window"
    program = found('gimp-console-3')
    found('pipx')
    w.by = version('GIMP', program)
    (w.folder/'in_gimp.py').write_text(IN_GIMP)
    run = "-b 'exec(open(\"in_gimp.py\").read())'"
    batch = f'{program} --no-interface --new-instance --batch-interpreter=python-fu-eval {run} --quit'
    in_host(w, batch, debian('gimp', 'gimp-data', 'libgimp-3.0-0'), 'integrations/gimp/README.md')
    colored(w.folder/'color.png')

IN_DARKTABLE = """
local dt = require 'darktable'
local installed, target = pcall(require, 'colorize_nb') -- darktable-cli reads no luarc
local begun
dt.register_event('first', 'intermediate-export-image', function()
  if begun then return end
  begun = true
  local image = dt.database.import(os.getenv 'PWD' .. '/photo.png')
  local format = dt.new_format 'tiff'
  format.bpp = 16
  format:write_image(image, image.path .. '/exported.tif')
  if installed then target.store(nil, image, format, image.path .. '/exported.tif', 1, 1, true, {}) end
end)
"""

@way
def darktable(w, wheel):
    "The target, in darktable without a window"
    program = found('darktable-cli')
    found('pipx')
    w.by = version('darktable', program)
    (w.folder/'in_darktable.lua').write_text(IN_DARKTABLE)
    run = "--luacmd 'dofile(\"in_darktable.lua\")'"
    batch = f'{program} photo.png unused.tif --core --library :memory: {run}; rm unused.tif'
    in_host(w, batch, debian('darktable'), 'integrations/darktable/README.md')
    colored(w.folder/'photo-color.tif')

# A container, and the page

@way
def container(w, wheel):
    "The image, built as docs/server.md says, and a folder of one photo"
    engine = Path(found('docker', 'podman')).name
    if subprocess.run([engine, 'info'], capture_output=True).returncode: missing(f'an engine behind {engine}')
    usual = re.search(r'^ARG BASE=(.+)$', text_of('Dockerfile'), re.M)[1]
    base = os.environ.get('COLORIZE_BASE', usual)
    def inspect(image): return [engine, 'image', 'inspect', '--format', '{{.Size}}', image]
    def size(image): return int(subprocess.check_output(inspect(image)))/1e6
    if subprocess.run(inspect(base), capture_output=True).returncode: missing(f'the base image {base}')
    told = subprocess.run([engine, '--version'], capture_output=True, text=True).stdout
    w.by = version('podman' if 'podman' in told else 'docker', engine)
    build,_,folder = (b for b in blocks('docs/server.md') if b.startswith('docker '))
    w.get()
    extra = f'--no-cache --build-arg BASE={base}'+' --format docker'*(engine == 'podman')
    with w.step(HOST, lambda: size(base)): pass
    with w.step('install', lambda: size('colorize')): w.sh(build.replace('docker build', f'{engine} build {extra}'))
    (w.folder/'scans').mkdir()
    (w.folder/'out').mkdir()
    shutil.copy(w.folder/'photo.jpg', w.folder/'scans')
    w.folder.chmod(0o755)
    with w.step('first photo'): w.sh(folder.replace('docker run', f'{engine} run'), w.folder)
    colored(w.folder/'out/photo.jpg')

@way
def page(w, wheel):
    "The page, and a script that asks it"
    found('curl')
    w.get()
    install,start = printed("pip install '.[app]'").split(' && ')
    with w.step('install', w.installed):
        w.venv()
        w.sh(install)
    ask = next(b for b in blocks('docs/page.md') if b.startswith('curl')).splitlines()[0]
    port = free_port()
    shutil.copy(w.folder/'photo.jpg', w.folder/'grandma.jpg')
    with w.step('first photo') as clock:
        process = w.start(str(w.folder/'venv/bin'/start), '--no-browser', '--port', str(port))
        try:
            until(lambda: socket.create_connection(('127.0.0.1', port)).close(), process)
            w.sh(ask.replace(':7860', f':{port}').replace('curl', 'curl -sf'), w.folder)
            clock.stop()
        finally: end(process)
    colored(w.folder/'grandma-color.jpg')

@way
def static(w, wheel):
    "The page without a server: a visitor whose browser has loaded nothing of it yet"
    if 'ORT_WEB' not in os.environ: found('npm')
    chromium = found('chromium', 'chromium-browser', 'google-chrome')
    sys.path.append(str(ROOT/'tests'))
    for package in ('pytest', 'playwright', 'starlette'):
        if not find_spec(package): missing(package)
    from test_page import ARGS, User, sync_api
    from test_site import load
    from test_web import serve, stop
    w.by = version('Chromium', chromium)
    site,place = load('site'),w.folder/'static'
    with w.step('build', lambda: megabytes(place)): site.try_page(ROOT, place/'try', site.runtime(ROOT, w.folder/'npm'))
    server,url = serve(place)
    with w.step(HOST), sync_api.sync_playwright() as p: p.chromium.launch(executable_path=chromium, args=ARGS).close()
    asked = set()
    def loaded(): return sum((place/a).stat().st_size for a in asked if (place/a).is_file())/1e6
    with w.step('first photo', loaded) as clock, sync_api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium, args=ARGS)
        u = User(browser, url)
        u.one(w.folder/'photo.jpg')
        clock.stop()
        asked |= {urlsplit(a).path[1:] for a in u.asked}
        browser.close()
    stop(server)

# The table

TITLES = dict(pip='`pip install .` in a clone', uv='`uv tool install`', pipx='`pipx install`', uvx='`uvx --from`',
              comfyui="ComfyUI's nodes", gimp="GIMP's plug-in", darktable="darktable's target",
              container='the container', page='the page', static='the page without a server')

def seconds(steps):
    "By the clock, and in brackets by the processor"
    wall,cpu = (sum(float(r[k]) for r in steps) for k in ('wall_s', 'cpu_s'))
    return f'{wall:.1f} ({cpu:.1f})' if wall else ''

def line(title, steps): # one way's rows, by step
    "A line of the table"
    host = steps.get(HOST)
    first = steps.get('first photo') or steps['install and first photo']
    size = steps.get('install', first)['mb']
    photo = seconds([first])+(f"; again {seconds([steps['again']])}" if 'again' in steps else '')
    alone = []
    if host and (took := seconds([host])): alone.append(f'{took} s')
    if host and host['mb']: alone.append(f"{host['mb']} MB")
    before = seconds([steps[s] for s in ('clone', 'install') if s in steps])
    return f"| {title} | {first['by']} | {before} | {photo} | {size} | {', '.join(alone)} |"

def table(rows):
    "The table of docs/integrations.md, from the rows of ways.csv"
    ways = {name: {r['step']: r for r in rows if r['way'] == name} for name in TITLES}
    head = '| way | with | fetch and install, s | first photo, s | installed, MB | the host alone |'
    lines = [line(TITLES[k], steps) for k,steps in ways.items() if steps]
    return '\n'.join([head, '|---|---|---|---|---|---|', *lines])

def read():
    "The rows of ways.csv, and its first line"
    if not CSV.exists(): return [],''
    head,*lines = CSV.read_text(encoding='utf-8').splitlines()
    return [*csv.DictReader(lines)],head

def publish():
    "Write the table into docs/integrations.md"
    rows,head = read()
    put('ways', f'*{head[2:]}*\n\n{table(rows)}', PAGE)

def keep(new, load):
    "Put a way's rows into ways.csv in place of its older ones"
    old,_ = read()
    new = [r|dict(load=f'{load:.1f}', date=str(date.today())) for r in new]
    rows = [r for r in old if r['way'] != new[0]['way']]+new
    rows.sort(key=lambda r: [*TITLES].index(r['way']))
    cores = os.cpu_count()
    busy = '; busy machine: seconds by the clock are too many' if any(float(r['load']) > cores for r in rows) else ''
    with open(CSV, 'w', newline='', encoding='utf-8') as f:
        print(f'# {machine()}{busy}', file=f)
        out = csv.DictWriter(f, rows[0], lineterminator='\n')
        out.writeheader()
        out.writerows(rows)
    publish()

def main(only):
    adopt()
    failed,load = [],os.getloadavg()[0]
    print(machine(), f'load {load:.1f}', flush=True)
    with tempfile.TemporaryDirectory() as d:
        source = Path(d)/'source'
        subprocess.run(['git', 'clone', '-q', '--depth', '1', ROOT.as_uri(), source], check=True)
        subprocess.run([sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '-w', d, source], check=True)
        wheel, = Path(d).glob('*.whl')
        for name in only:
            folder = Path(d)/name
            folder.mkdir()
            shutil.copy(source/PHOTO, folder/'photo.jpg')
            Image.open(folder/'photo.jpg').save(folder/'photo.png')
            w = Way(name, folder)
            try: WAYS[name](w, wheel)
            except Missing as e: print(f'{name} is left out: {e}', flush=True)
            except Exception:
                failed.append(name)
                traceback.print_exc()
                print(f'{name} failed, and its older rows stay. {w.said()}', flush=True)
            else: keep(w.rows, load)
            shutil.rmtree(folder, ignore_errors=True)
    if failed: sys.exit(f"failed: {', '.join(failed)}")

if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--only', nargs='+', choices=[*WAYS], default=[*WAYS], metavar='WAY', help=' '.join(WAYS))
    main(**vars(ap.parse_args()))
