"""The docs site: python tools/site.py  (needs the docs extra, and npm for the page in the browser, try/)
A page lies where its notebook or text lies in the repository, README first, so links between files hold; what pages link to is copied, and what is no page leads to the repository. Overviews and the reference are made here.
Names and addresses are those of settings.ini. Zensical makes _docs/site of it, then every link of what was built is followed. Exit status 1, and a line for each, if one leads nowhere or a page would load something from elsewhere."""
import hashlib, json, os, posixpath, re, shutil, subprocess, sys
from configparser import ConfigParser
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
PARTS = {'Start': ['README.md', 'docs/page.md', 'docs/formats.md', 'docs/film.md', 'docs/colors-from.md', 'docs/gallery.md', 'docs/models.md', 'docs/integrations.md',
                   'docs/server.md', 'docs/recipes.md'],
         'Tutorials': ['nbs/tutorials/old_photos.ipynb', 'nbs/tutorials/colors_from.ipynb', 'nbs/tutorials/*.ipynb'],
         'Notebooks': ['nbs/[0-9]*.ipynb'], 'Reference': [], 'About': ['MODEL_CARD.md', 'benchmarks/README.md', 'docs/scale.md', 'docs/inputs.md', 'CONTRIBUTING.md', 'docs/house.md', 'CHANGELOG.md', 'SECURITY.md']}
COPIED = 'colorize_nb/page/web/icon.svg', 'tools/site.css'

def files(root):
    "Each part's files, in order: name of the page -> file"
    seen,parts = set(),{}
    for part,patterns in PARTS.items():
        found = dict.fromkeys(f for p in patterns for f in sorted(root.glob(p)))
        parts[part] = {('index.md' if f == root/'README.md' else f.relative_to(root).with_suffix('.md').as_posix()): f for f in found if f not in seen}
        seen |= found.keys()
    return parts

def text(f):
    "A page's markdown, and the pictures that come with it"
    if f.suffix == '.md': md,pictures = f.read_text(encoding='utf-8'),{}
    else:
        import nbformat
        from nbconvert import MarkdownExporter
        from readme import shown
        nb = shown(nbformat.read(f, as_version=4))
        nb.metadata.language_info = {'name': 'python'}  # nbdev keeps it out of the files
        md,res = MarkdownExporter().from_notebook_node(nb, resources={'output_files_dir': f'{f.stem}_files'})
        pictures = res['outputs']
        md = re.sub(r'```python\s*```', '', md)
        md = re.sub(r'<style scoped>.*?</style>', '', md, flags=re.S).replace('<table border="1" class="dataframe">', '<table>')  # pandas' own look
    return re.sub(r'\[!\[([^]]*)\]\(https?:[^)]*\)\]\(', r'[\1](', md),pictures  # a badge is a picture from elsewhere: its text will do

def says(md):
    "A page's title, and the line below it that says what it is"
    m = re.search(r'^# +(.+)(?:\n+> +(.+))?', md, flags=re.M)
    return (m[1], m[2] or '') if m else ('', '')

def module(f):
    "The module that a notebook makes, or ''"
    return m[1] if f.suffix == '.ipynb' and (m := re.search(r'#\| *default_exp ([\w.]+)', f.read_text(encoding='utf-8'))) else ''

def overview(part, line, pages, at):
    "A page that names the pages of a part, with a line each; `pages`: name -> (title, line, module)"
    rows = (f"- [{title}]({posixpath.relpath(name, at)}){f' `{m}`' if m else ''}<br>{line}" for name,(title,line,m) in pages.items())
    return f'# {part}\n\n> {line}\n\n'+'\n'.join(rows)+'\n'

class Site:
    "The pages of a repository, as markdown, in their parts"
    def __init__(self, root, repo=''):
        from reference import Reference
        self.root,self.repo,self.parts,self.pages,self.pictures = root,repo,files(root),{},{}
        self.names = Reference(root)
        for name,f in (o for part in self.parts.values() for o in part.items()): self.add(name, f)
        self.nav = {part: [(says(self.pages[n])[0], n) for n in names] for part,names in self.parts.items()}
        self.overviews()
        self.reference()

    def add(self, name, f):
        md,pictures = text(f)
        at = Path(name).parent
        self.pictures |= {at/n: data for n,data in pictures.items()}
        if m := module(f):
            home = self.names.home(m)
            links = ' · '.join([f'`colorize_nb.{m}`', *[f'[Reference](../reference/{home}.md)']*bool(home), f'[The notebook itself]({self.repo}/nbs/{f.name})'])
            md = re.sub(r'^(> .+)$', lambda o: f'{o[0]}\n\n{links}\n{{ .module }}', md, count=1, flags=re.M)
        self.pages[name] = re.sub(r'(?<=\]\()([^)\s#:]+)(#[^)\s]*)?(?=\))', lambda o: self.target(f, o[1])+(o[2] or ''), md)

    def target(self, f, link):
        "Where a link of a file leads on the site: to a page, to a file that is copied, or to the repository"
        to = (f.parent/link).resolve()
        if not to.is_relative_to(self.root): return link
        if to in (known := {o for part in self.parts.values() for o in part.values()}): return re.sub(r'\.ipynb$', '.md', link)
        if to.is_file() and to.suffix not in ('.md', '.ipynb'): self.pictures[to.relative_to(self.root)] = to.read_bytes(); return link
        return f'{self.repo}/{to.relative_to(self.root).as_posix()}' if to.exists() and known else re.sub(r'\.ipynb$', '.md', link)

    def overviews(self):
        lines = {'Tutorials': ('nbs/tutorials', 'From a box of photos to weights of your own, step by step; each opens in Colab.'),
                 'Notebooks': ('nbs', 'The source, read from top to bottom: each is a module, and says why it is as it is. A module imports only what stands above it.')}
        for part,(at,line) in lines.items():
            if not self.parts[part]: continue
            rows = {n: (*says(self.pages[n]), module(f)) for n,f in self.parts[part].items()}
            self.pages[f'{at}/index.md'] = overview(part, line, rows, at)
            self.nav[part].insert(0, ('Overview', f'{at}/index.md'))

    def reference(self):
        made = self.names.pages()
        self.pages |= {n: re.sub(r'(\]\((?!https?:)[^)\s]*?)\.ipynb\b', r'\1.md', md) for n,md in made.items()}
        self.nav['Reference'] = [('Overview' if n.endswith('index.md') else says(md)[0], n) for n,md in made.items()]

    def write(self, out):
        def put(name, data): (out/name).parent.mkdir(parents=True, exist_ok=True); (out/name).write_bytes(data)
        for n,md in self.pages.items():
            title,line = (re.sub(r'[`*\\]|\[(.*?)\]\(.*?\)', r'\1', o) for o in says(md))
            head = dict(title=title)|(dict(description=line) if line else {})
            put(n, f"---\n{json.dumps(head, ensure_ascii=False)}\n---\n\n{md}".encode())  # JSON is YAML
        for n,data in self.pictures.items(): put(n, data)
        for n in COPIED: put(n, (self.root/n).read_bytes())

def toml(x):
    "Text, lists and tables as TOML"
    if isinstance(x, dict): return '{'+', '.join(f'{json.dumps(k)} = {toml(v)}' for k,v in x.items())+'}'
    return f"[{', '.join(map(toml, x))}]" if isinstance(x, (list, tuple)) else json.dumps(x, ensure_ascii=False)

def settings(root): ini = ConfigParser(delimiters=['=']); ini.read(root/'settings.ini', encoding='utf-8'); return ini['DEFAULT']

def build(root, out):
    "Pages and a configuration into `out`, and the site; Zensical's exit status, and the path that the site is served below"
    ini = settings(root)
    site = Site(root, f"{ini['git_url']}/blob/{ini['branch']}")
    shutil.rmtree(out, ignore_errors=True)
    site.write(out/'pages')
    cfg = dict(site_name=ini['title'], site_url=f"{ini['doc_host']}{ini['doc_baseurl']}/", site_description=ini['description'], copyright=ini['copyright'], docs_dir='pages', site_dir='site',
               use_directory_urls=False, extra_css=['tools/site.css'], nav=[{part: [{title: n} for title,n in names]} for part,names in site.nav.items() if names],  # pages open from a folder too
               extra=dict(generator=False, social=[dict(icon='fontawesome/brands/github', link=ini['git_url'], name='Source')]))
    (out/'zensical.toml').write_text('[project]\n'+''.join(f'{k} = {toml(v)}\n' for k,v in cfg.items())+(root/'zensical.toml').read_text(encoding='utf-8'), encoding='utf-8')
    return subprocess.run([sys.executable, '-m', 'zensical', 'build', '--clean', '-f', str(out/'zensical.toml')]).returncode,ini['doc_baseurl']

class _Page(HTMLParser):
    "A built page: its anchors, and what it links to and loads"
    def __init__(self, text): super().__init__(); self.ids,self.links = {'', 'top'},[]; self.feed(text)
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.ids |= {a[k] for k in ('id', 'name') if a.get(k)}
        loads = tag != 'a' and a.get('rel') not in ('canonical', 'prev', 'next')
        self.links += [(a[k], loads) for k in ('href', 'src') if a.get(k)]

def broken(site, base=''):
    "A line for each link of the pages in `site`, served below `base`, that leads nowhere, and for each thing loaded from elsewhere"
    site = Path(site).resolve()
    built = {p: _Page(p.read_text(encoding='utf-8')) for p in sorted(site.rglob('*.html'))}
    for p,page in built.items():
        for url,loads in page.links:
            u,name = urlsplit(url),p.relative_to(site).as_posix()
            if u.scheme or u.netloc:
                if loads and u.scheme != 'data': yield f'{name}: {url} is loaded from elsewhere'
                continue
            path = unquote(u.path)
            to = site/path.removeprefix(f'{base}/') if path.startswith(f'{base}/') else p.parent/path if path else p
            to = (to/'index.html' if to.is_dir() else to).resolve()
            if not to.is_file() or not to.is_relative_to(site): yield f'{name}: {url} leads nowhere'
            elif to in built and unquote(u.fragment) not in built[to].ids: yield f'{name}: {url} has no such place'
    for p in sorted(site.rglob('*.css')):
        for url in re.findall(r'(?:url\(|@import )\s*["\']?((?:https?:)?//[^)"\']+)', p.read_text(encoding='utf-8')): yield f'{p.relative_to(site).as_posix()}: {url} is loaded from elsewhere'

CORE = 'ort-wasm-simd-threaded'
RUNTIME = 'ort.wasm.min.mjs', f'{CORE}.mjs', f'{CORE}.wasm', 'ort.jspi.min.mjs', f'{CORE}.jspi.mjs', f'{CORE}.jspi.wasm' # of onnxruntime-web; those of `jspi` where there is WebGPU
LARGE = f'ort/{CORE}.wasm', f'ort/{CORE}.jspi.wasm', 'model/default.onnx', 'model/default.safetensors'
POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; form-action 'none'; base-uri 'none'"

def runtime(root, out):
    "The folder of onnxruntime-web: that of $ORT_WEB, or installed into `out` as browser/package-lock.json says; `None` without npm"
    if given := os.environ.get('ORT_WEB'): return Path(given)/'dist'
    npm = shutil.which('npm')
    if not npm: return None
    out.mkdir(parents=True, exist_ok=True)
    for f in ('package.json', 'package-lock.json'): shutil.copy(root/'browser'/f, out)
    r = subprocess.run([npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], cwd=out)
    return out/'node_modules/onnxruntime-web/dist' if r.returncode == 0 else None

NO_BROWSER = 'TIFF', 'JPEG 2000'

def page_values(install):
    "What the page and its worker take from Python: limits, sizes, sentences and sliders"
    from colorize_nb.paint import NEARLY_GRAY
    from colorize_nb.page import previews as p
    from colorize_nb.batch.names import FILM_SUFFIXES
    from colorize_nb.files.photo import NOT_FILMS
    limits = {k: getattr(p.Settings(), k) for k in ('photos', 'pixels')}
    formats = ', '.join(f for f in p.FORMAT_WORDS.split(', ') if f not in NO_BROWSER)
    films = install.split(' && ')[0].replace('[app]', '[film]')
    settings = dict(local=True, pictures=True, models=p.Models().describe(), sliders=p.sliders(), limits=limits|dict(upload=p.Settings().photo),
                    accept=p.accepted(), kinds=f'{formats}, or a folder of them',
                    film=f'{NOT_FILMS}; first {films}', films=[*FILM_SUFFIXES],
                    more=f'Only the program keeps metadata and 16 bits, opens TIFF and archives, colours films and takes other models: {install}')
    notes = {k: p.NOTES[k] for k in ('tinted', 'color', 'nearly gray')}
    page = dict(limits=limits, notes=notes, nearlyGray=NEARLY_GRAY, variants=p.VARIANTS, previewPixels=p.PREVIEW_PIXELS,
                variantPixels=p.VARIANT_PIXELS, doubtPixels=p.DOUBT_PIXELS, doubt=p.DOUBT, veil=p.VEIL, opacity=p.OPACITY)
    return dict(settings=settings, page=page)

def try_page(root, out, dist):
    "The page with an engine of its own: files for any static server into `out`. `dist`: see `runtime`"
    ini,code = settings(root),root/'colorize_nb'
    made = {f.name: f.read_bytes() for f in (code/'page'/'web').iterdir() if f.suffix in ('.js', '.css', '.svg') or f.name == 'index.html'}
    made |= {f.name: f.read_bytes() for f in (root/'browser').glob('*.js')}  # one of them is engine.js
    made |= {f'photos/{f.name}': f.read_bytes() for f in (code/'photos').glob('*.jpg')}
    made |= {f'ort/{f}': (dist/f).read_bytes() for f in RUNTIME}|{f'model/{Path(f).name}': (code/f'models/{Path(f).name}').read_bytes() for f in LARGE[2:]}
    cfg = json.loads((code/'models/default.json').read_text(encoding='utf-8'))
    model = {k: cfg[k] for k in ('name', 'render_size', 'multiple', 'out_scale', 'prior')}|dict(weights=cfg['files']['default.safetensors'][:16])
    sums = {f: dict(size=len(made[f]), hash=hashlib.sha256(made[f]).hexdigest()[:16]) for f in LARGE}
    install = f"pip install 'colorize_nb[app] @ git+{ini['git_url']}' && colorize-app"
    built = dict(version=ini['version'], ns=f"{ini['doc_host']}{ini['doc_baseurl']}/ns/", install=install, model=model, files=sums, **page_values(install))
    made['built.js'] = f'export const BUILT = {json.dumps(built)}\n'.encode()
    head = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    made['index.html'] = made['index.html'].replace(b'<meta charset="utf-8">', head.encode()).replace(b'<meta name="robots" content="noindex">\n', b'')
    small = sorted(made.keys()-{*LARGE, 'sw.js'})
    version = hashlib.sha256(b''.join(made[f] for f in small)).hexdigest()[:16]
    files = dict(small=small, large=[f"{f}?{s['hash']}" for f,s in sums.items()])
    made['sw.js'] = f'const VERSION = {json.dumps(version)}, FILES = {json.dumps(files)}\n'.encode()+made['sw.js']
    for n,data in made.items(): (out/n).parent.mkdir(parents=True, exist_ok=True); (out/n).write_bytes(data)

def main():
    if not all(map(find_spec, ('zensical', 'nbconvert'))): sys.exit("the docs need pip install '.[docs]'")
    status,base = build(ROOT, ROOT/'_docs')
    if (ROOT/'browser').is_dir():
        if dist := runtime(ROOT, ROOT/'_docs/npm'): try_page(ROOT, ROOT/'_docs/site/try', dist)
        else: print('no npm, or it could not install onnxruntime-web: the site is built without try/', file=sys.stderr)
    bad = list(broken(ROOT/'_docs'/'site', base))
    for line in bad: print(line, file=sys.stderr)
    return status or len(bad) > 0

if __name__ == '__main__': sys.exit(main())
