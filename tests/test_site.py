"The docs: tutorials open in Colab, the gallery is of the weights that ship, notebooks become pages, and a link that leads nowhere is found."
import importlib.util, json, re, shutil, subprocess, sys
from configparser import ConfigParser
from pathlib import Path
import pytest
from PIL import Image
from colorize_nb.weights import load_config
from test_base import TRAIN, python

ROOT = Path(__file__).parent.parent
TUTORIALS = sorted((ROOT/'nbs/tutorials').glob('*.ipynb'))

def load(name):
    spec = importlib.util.spec_from_file_location(f'tools_{name}', ROOT/'tools'/f'{name}.py')
    spec.loader.exec_module(m := importlib.util.module_from_spec(spec))
    return m

def code(f): return [''.join(c['source']) for c in json.loads(f.read_text(encoding='utf-8'))['cells'] if c['cell_type'] == 'code']

@pytest.mark.parametrize('f', TUTORIALS, ids=lambda f: f.stem)
def test_tutorials_open_in_colab(f):
    ini = ConfigParser(delimiters=['=']); ini.read(ROOT/'settings.ini', encoding='utf-8'); ini = ini['DEFAULT']
    colab = 'https://colab.research.google.com'
    top = ''.join(json.loads(f.read_text(encoding='utf-8'))['cells'][0]['source'])
    assert f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({colab}/github/{ini['git_url'].removeprefix('https://github.com/')}/blob/{ini['branch']}/nbs/tutorials/{f.name})" in top
    first,*rest = code(f)
    extra = '[train]'*any('colorize_nb.all' in c for c in rest)
    assert first.splitlines()[1].startswith("if 'google.colab' in sys.modules:") and all(x.startswith('    ') for x in first.splitlines()[2:])
    assert f"git clone -q --depth 1 {ini['git_url']}\n" in first and f"%pip install -q './{ini['repo']}{extra}'\n" in first

@pytest.mark.slow
def test_old_photos_needs_the_base_install_only():
    show = "import os, types; m = types.ModuleType('IPython.display'); m.Image = lambda *a, **k: None; sys.modules |= {'IPython': types.ModuleType('IPython'), 'IPython.display': m}\n"
    r = python('\n'.join([show+f"os.chdir({str(ROOT/'nbs/tutorials')!r})", *code(ROOT/'nbs/tutorials/old_photos.ipynb')[1:]]), block=TRAIN)
    assert r.returncode == 0, r.stderr[-2000:]

def test_the_gallery_is_of_the_weights_that_ship():
    pics,page = sorted((ROOT/'docs/gallery').glob('*.jpg')),(ROOT/'docs/gallery.md').read_text(encoding='utf-8')
    assert {p.name for p in pics} == set(re.findall(r'\(gallery/(.*?)\)', page)) and len(pics) >= 12
    weights = f"default {load_config('default')['files']['default.safetensors'][:16]}"
    for p in pics: assert Image.open(p).info['comment'].decode() == weights and p.stat().st_size < 40_000, p.name

def test_what_leads_nowhere_is_found(tmp_path):
    (tmp_path/'a').mkdir()
    (tmp_path/'index.html').write_text('<h1 id="here">x</h1><a href="a/b.html#there">good</a><a href="#here">good</a><a href="/base/a/b.html">good</a><a href="a">no index there</a>'
                                       '<a href="https://example.com">good</a><img src="data:,x"><link rel="canonical" href="https://example.com/a">')
    (tmp_path/'a/b.html').write_text('<a name="there" href="../index.html#nowhere">x</a><img src="c.png"><a href="/other/">x</a><a href="../../x">x</a><script src="https://example.com/x.js"></script>')
    (tmp_path/'s.css').write_text('@import "//example.com/x.css"; a { background: url(data:image/svg+xml;,http://www.w3.org/2000/svg) } b { background: url(https://example.com/b.png) }')
    assert list(load('site').broken(tmp_path, '/base')) == [
        'a/b.html: ../index.html#nowhere has no such place', 'a/b.html: c.png leads nowhere', 'a/b.html: /other/ leads nowhere', 'a/b.html: ../../x leads nowhere',
        'a/b.html: https://example.com/x.js is loaded from elsewhere', 'index.html: a leads nowhere',
        's.css: //example.com/x.css is loaded from elsewhere', 's.css: https://example.com/b.png is loaded from elsewhere']

@pytest.mark.timeout(180)
def test_notebooks_become_pages(tmp_path):
    for m in ('material', 'nbconvert'): pytest.importorskip(m, reason='needs the docs extra')
    from nbformat import v4, write
    def put(name, text): (tmp_path/name).parent.mkdir(parents=True, exist_ok=True); (tmp_path/name).write_text(text)
    def run(): return subprocess.run([sys.executable, tmp_path/'tools/site.py'], capture_output=True, text=True, timeout=170)
    for f in ('settings.ini', 'mkdocs.yml', 'tools/site.py', 'tools/readme.py'): put(f, ''); shutil.copy(ROOT/f, tmp_path/f)
    put('README.md', '# first\n\n[one](nbs/01_one.ipynb#two-words)\n'); put('MODEL_CARD.md', '# card\n\n[figures](figures.csv)\n'); put('figures.csv', '1,2')
    pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII='
    cells = [v4.new_markdown_cell('# one\n\n## Two words\n\n[![Colab](https://example.com/b.svg)](https://example.com) [card](../MODEL_CARD.md)'), v4.new_code_cell('#| hide\nunseen = 1'),
             v4.new_code_cell('#| export\nseen = 1', outputs=[v4.new_output('display_data', {'image/png': pixel})])]
    (tmp_path/'nbs').mkdir(); write(v4.new_notebook(cells=cells), tmp_path/'nbs/01_one.ipynb')
    r = run(); assert r.returncode == 0, r.stderr
    site = tmp_path/'_docs/site'; html = (site/'nbs/01_one.html').read_text(encoding='utf-8')
    assert 'seen' in html and 'unseen' not in html and '#|' not in html and 'b.svg' not in html
    assert (site/'nbs'/re.search(r'src="(01_one_files/\S+)"', html)[1]).is_file() and (site/'figures.csv').read_text() == '1,2'
    for bad,why in (('nbs/02_two.ipynb', 'nbs/02_two.md'), ('nbs/01_one.ipynb#three-words', 'index.html: nbs/01_one.html#three-words has no such place')):
        put('README.md', f'# first\n\n[gone]({bad})\n')
        r = run(); assert r.returncode == 1 and why in r.stderr, r.stderr
