"""The docs site: python tools/site.py  (needs the docs extra)
A page lies where its notebook or text lies in the repository, README first, so links between files hold; what pages link to is copied. Names and addresses are those of settings.ini. mkdocs makes
_docs/site of it, then every link of what was built is followed. Exit status 1, and a line for each, if one leads nowhere or a page would load something from elsewhere."""
import json, re, shutil, subprocess, sys
from configparser import ConfigParser
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
PARTS = {'Start': ['README.md', 'docs/gallery.md'], 'Tutorials': ['nbs/tutorials/old_photos.ipynb', 'nbs/tutorials/*.ipynb'],
         'Notebooks': ['nbs/[0-9]*.ipynb'], 'About': ['MODEL_CARD.md', 'docs/*.md', 'benchmarks/README.md', 'CONTRIBUTING.md', 'SECURITY.md']}

def pages(root):
    "Each part's files, in order: name of the page -> file"
    seen,parts = set(),{}
    for part,patterns in PARTS.items():
        files = dict.fromkeys(f for p in patterns for f in sorted(root.glob(p)))
        parts[part] = {('index.md' if f == root/'README.md' else f.relative_to(root).with_suffix('.md').as_posix()): f for f in files if f not in seen}
        seen |= files.keys()
    return parts

def text(f):
    "A page's markdown, and the pictures that come with it"
    if f.suffix == '.md': md,files = f.read_text(encoding='utf-8'),{}
    else:
        import nbformat
        from nbconvert import MarkdownExporter
        from readme import shown
        nb = shown(nbformat.read(f, as_version=4))
        nb.metadata.language_info = {'name': 'python'}  # nbdev keeps it out of the files
        md,res = MarkdownExporter().from_notebook_node(nb, resources={'output_files_dir': f'{f.stem}_files'})
        files = res['outputs']
        md = re.sub(r'```python\s*```', '', md)
        md = re.sub(r'<style scoped>.*?</style>', '', md, flags=re.S).replace('<table border="1" class="dataframe">', '<table>')  # pandas' own look
    md = re.sub(r'\[!\[([^]]*)\]\(https?:[^)]*\)\]\(', r'[\1](', md)  # a badge is a picture from elsewhere: its text will do
    return re.sub(r'(\]\((?!https?:)[^)\s]*?)\.ipynb\b', r'\1.md', md),files

def write_pages(root, out):
    shutil.rmtree(out, ignore_errors=True)
    def put(name, data): (out/name).parent.mkdir(parents=True, exist_ok=True); (out/name).write_bytes(data)
    for name,f in (x for part in pages(root).values() for x in part.items()):
        md,files = text(f)
        put(name, md.encode())
        for n,data in files.items(): put(Path(name).parent/n, data)
        for n in re.findall(r'\]\(([^)\s#:]+)', md):
            linked = (f.parent/n).resolve()
            if linked.is_file() and linked.suffix != '.md' and linked.is_relative_to(root): put(linked.relative_to(root), linked.read_bytes())

def build(root, out):
    "Pages and a configuration into `out`, and the site; mkdocs' exit status, and the path that the site is served below"
    ini = ConfigParser(delimiters=['=']); ini.read(root/'settings.ini', encoding='utf-8'); ini = ini['DEFAULT']
    write_pages(root, out/'pages')
    def title(name): return {Path(name).stem.replace('_', ' ', 1): name} if Path(name).name[0].isdigit() else name
    nav = [{part: [title(n) for n in names]} for part,names in pages(root).items() if names]
    cfg = dict(INHERIT='../mkdocs.yml', site_name=ini['title'], site_url=f"{ini['doc_host']}{ini['doc_baseurl']}/", site_description=ini['description'], copyright=ini['copyright'],
               docs_dir='pages', site_dir='site', nav=nav, extra=dict(social=[dict(icon='fontawesome/brands/github', link=ini['git_url'], name='Source')]))
    (out/'mkdocs.yml').write_text(json.dumps(cfg, indent=1), encoding='utf-8')  # JSON is YAML
    return subprocess.run([sys.executable, '-m', 'mkdocs', 'build', '--strict', '-f', str(out/'mkdocs.yml')]).returncode,ini['doc_baseurl']

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

def main():
    if not all(map(find_spec, ('material', 'mkdocs', 'nbconvert'))): sys.exit("the docs need pip install '.[docs]'")
    status,base = build(ROOT, ROOT/'_docs')
    bad = list(broken(ROOT/'_docs'/'site', base))
    for line in bad: print(line, file=sys.stderr)
    return status or len(bad) > 0

if __name__ == '__main__': sys.exit(main())
