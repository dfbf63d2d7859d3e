"The command line as a stranger meets it: the terminal, the help, and the answers to mistakes."
import importlib.metadata, io, json, os, re, struct, subprocess, sys, unicodedata
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO
from colorize_nb.batch.summary import tell_report
from colorize_nb import __version__, cli
from colorize_nb.batch.report import Report, Row
from colorize_nb.messages import Bar, to_install
from colorize_nb.network.weights import model_names
from test_folder import COMMAND, files

ROOT = Path(__file__).parents[1]
COMMANDS = dict.fromkeys(('colorize', 'colorize_train', 'colorize_compare', 'colorize_survey', 'colorize_recipe'), 'cli')|dict(colorize_app='page.server')

def run(name, *args, block=(), env=None, **kw):
    "A command in a process of its own, in which the modules in `block` are not installed"
    hide = f'''class Hide:
    def __init__(self, finder): self.finder = finder
    def __getattr__(self, k): return getattr(self.finder, k)
    def find_spec(self, name, *args): return None if name.split('.')[0] in {set(block)} else self.finder.find_spec(name, *args)
sys.meta_path[:] = map(Hide, sys.meta_path)
''' if block else ''
    code = f'import sys\n{hide}from colorize_nb.{COMMANDS[name]} import {name}\n{name}()'
    return subprocess.run([sys.executable, '-c', code, *map(str, args)], capture_output=True, text=True, timeout=60, env=os.environ|(env or {}), **kw)

# On a terminal

def on_terminal(argv, columns, **kw):
    "Status, and all that was written to a terminal so wide"
    import fcntl, pty, termios
    ours,theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 50, columns, 0, 0))
    p = subprocess.Popen([sys.executable, '-c', COMMAND, *map(str, argv)], **dict(stdin=theirs, stdout=theirs, stderr=theirs)|kw)
    os.close(theirs); raw = b''
    while True:
        try: got = os.read(ours, 2**16)
        except OSError: break  # Linux says so at the end
        if not got: break
        raw += got
    os.close(ours)
    return p.wait(60),raw.decode()

def screen(raw, columns):
    "The lines that are on the screen then: only carriage return and line feed steer it"
    lines,x = [{}],0
    for c in raw:
        assert c in '\r\n' or c.isprintable(), c
        if c == '\r': x = 0
        elif c == '\n': lines.append({})
        else:
            w = 2 if unicodedata.east_asian_width(c) in 'WF' else 1
            if x+w > columns: lines.append({}); x = 0
            lines[-1][x] = c; x += w
    return [''.join(l.get(i, '') for i in range(columns)).rstrip() for l in lines]

def untimed(line):
    "A last line without the time; a busy machine takes minutes"
    return re.sub(r' in (\d+ min \d+|[\d.]+) s\b', '', line)

terminal = pytest.mark.skipif(sys.platform != 'linux', reason='needs a pseudo-terminal as Linux has it')

@terminal
@pytest.mark.parametrize('columns', [80, 120, 24])
@pytest.mark.parametrize('name', ['grandmother and grandfather at the seaside in the summer of nineteen hundred and thirty six, no {}.png',
                                  '祖母と祖父の夏休みの海辺の写真、昭和十一年八月、神奈川県鎌倉市由比ヶ浜にて、第{}枚.png'])
def test_bar_fits_the_terminal(gray, tmp_path, columns, name):
    (tmp_path/'in').mkdir()
    for i in range(6): Image.fromarray(gray).save(tmp_path/'in'/name.format(i))
    status,raw = on_terminal(['in', '-o', 'out'], columns, cwd=tmp_path)
    seen = screen(raw, columns)
    assert status == 0 and len(seen) == 2+(columns < 30) and seen[-1] == '', seen  # no dead line; the last one may be longer than 24
    assert re.fullmatch(r'6 colorized in [\d.]+ s, ?in ?out/', ''.join(seen))
    drawn = [d.rstrip() for d in raw.split('\r') if ' of 6' in d]
    assert len(drawn) == 6 and ('3 of 6, ' in drawn[3] and ' left' in drawn[3] or columns < 30), drawn
    if columns > 30: assert all(d.endswith('.png') and '...' in d and d.startswith('[') for d in drawn), drawn

def test_bar_follows_a_window_that_changes(monkeypatch):
    "Between two draws it became narrower, then wider"
    class Window(io.StringIO):
        def isatty(self): return True
        def fileno(self): return 2
    monkeypatch.setattr(sys, 'stderr', w := Window())
    bar,name = Bar(9),'grandmother and grandfather at the seaside in the summer of nineteen hundred and thirty six.jpg'
    for columns in (120, 50, 90):
        monkeypatch.setattr(os, 'get_terminal_size', lambda fd: os.terminal_size((columns, 24)))
        w.seek(0); w.truncate(); bar.step(name); line = w.getvalue()
        assert columns-3 <= len(line.rstrip()) <= columns and len(line)-1 < columns and line.endswith('.jpg'), line

@terminal
def test_a_single_photo_is_not_silent(gray, tmp_path):
    Image.fromarray(gray).resize((2000,1500)).save(tmp_path/'a.png')
    status,raw = on_terminal([tmp_path/'a.png', '-o', 'b.jpg'], 80, cwd=tmp_path)
    assert status == 0 and 'a.png, 3 MP ...' in raw and [re.sub(r'\d+\.\d', 'x', l) for l in screen(raw, 80)] == ['1 colorized in x s: b.jpg', '']
    status,raw = on_terminal(['a.png', '-o', 'b.jpg', '--overwrite', '--quiet'], 80, cwd=tmp_path)
    assert status == 0 and not raw

@terminal
def test_a_result_goes_to_a_script_and_the_rest_to_the_terminal(gray, tmp_path):
    Image.fromarray(gray).save(tmp_path/'a.png')
    with open(tmp_path/'said', 'wb') as f: status,raw = on_terminal(['a.png'], 80, cwd=tmp_path, stdout=f)
    assert (tmp_path/'said').read_text() == 'a-color.png\n' and screen(raw, 80)[-2].endswith('a-color.png')

def test_no_bar_where_no_terminal_is(gray, tmp_path):
    for i in range(3): Image.fromarray(gray).save(tmp_path/f'{i}.png')
    r = run('colorize', '.', cwd=tmp_path)
    assert re.fullmatch(r'3 colorized in [\d.]+ s, in \./\n', r.stderr) and not r.stdout and r.returncode == 0, r

def test_quiet_says_what_failed_and_nothing_else(gray, tmp_path):
    Image.fromarray(gray).save(tmp_path/'a.png'); (tmp_path/'b.png').write_bytes(b''); (tmp_path/'c.txt').write_bytes(b'')
    r = run('colorize', 'a.png', '--quiet', cwd=tmp_path)
    assert (r.returncode, r.stdout, r.stderr) == (0, '', '')
    r = run('colorize', '.', '-o', 'out', '--quiet', '--report', 'r.json', cwd=tmp_path)
    assert (r.returncode, r.stdout, r.stderr) == (1, '', 'failed b.png: the file is empty\n') and files(tmp_path/'out') == ['a.png']

@pytest.mark.parametrize('kw', [dict(vivid=1.), dict(vivid=0.), dict(hint=['1,2,red']), dict(strength=.5), dict(model='vivid'), dict(keep_tint=True), dict(compare=True)])
def test_settings_that_a_result_did_not_get_are_said(kw, gray, tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path); Image.fromarray(gray).save('m.png')
    def said(**kw): assert cli.colorize(path=['m.png'], **kw) == 0; return capfdbinary.readouterr().err.decode().splitlines()
    told = 'noticed m-color.png already exists and was kept: --overwrite makes it with these settings'
    said(compare=True); was = Path('m-color.png').read_bytes()
    assert told in said(**kw) and said(quiet=True, **kw) == [told] and Path('m-color.png').read_bytes() == was
    assert said(quiet=True) == [] and 'noticed results that exist are kept; --overwrite replaces them' in said()
    assert said(quiet=True, overwrite=True, **kw) == []

def test_depth_that_is_lost_is_said(gray, tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path); Image.fromarray(gray.astype(np.uint16)*257).save('deep.tif'); Image.fromarray(gray).save('flat.tif')
    def said(name, o): assert cli.colorize(path=[name], o=o) == 0; return [e for e in capfdbinary.readouterr().err.decode().splitlines() if 'depth' in e]
    assert said('deep.tif', 'a.jpg') == ['noticed deep.tif: depth left out: a JPEG has 8 bits'] and said('deep.tif', 'a.webp') == ['noticed deep.tif: depth left out: a WebP has 8 bits']
    assert said('deep.tif', 'a.png') == said('deep.tif', 'a.tif') == said('flat.tif', 'b.jpg') == []
    tell_report(Report([Row(f'{i}.tif', f'{i}.jpg', 'done', warnings=['depth left out: a JPEG has 8 bits']) for i in range(5)]))
    assert capfdbinary.readouterr().err.decode().splitlines()[0] == 'noticed 5 times: depth left out; --report names the photos'

def test_many_earlier_results_are_one_line(gray, tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)
    for i in range(4): Image.fromarray(gray).save(f'{i}.png')
    assert cli.colorize(path=['.']) == cli.colorize(path=['0-color.png'], o='sub') == 0; capfdbinary.readouterr()
    assert cli.colorize(path=['.'], o='sub', report='r.json') == 0
    told = capfdbinary.readouterr().err.decode().splitlines()
    assert told[0] == 'skipped 4 results of earlier runs; --report names them' and len(told) == 2, told
    assert sum(r['status'] == 'own' for r in json.loads(Path('r.json').read_text())['photos']) == 4

def test_the_last_line(gray, tmp_path, monkeypatch, capfdbinary):
    def last(*path, o=None):
        cli.colorize(path=path, o=o)
        return re.sub(r' in [\d.]+ s', ' in x s', capfdbinary.readouterr().err.decode().splitlines()[-1])
    monkeypatch.chdir(tmp_path)
    (tmp_path/'in'/'sub').mkdir(parents=True)
    for n in ('a.png', 'in/b.png', 'in/sub/c.png'): Image.fromarray(gray).save(tmp_path/n)
    (tmp_path/'in'/'bad.png').write_bytes(b''); (tmp_path/'in'/'notes.txt').write_bytes(b'')
    assert last('a.png') == '1 colorized in x s: a-color.png'
    assert last('a.png', 'in/b.png', o='both') == '2 colorized in x s, in both/'
    assert last('in', o='out') == '2 colorized in x s, in out/; 1 not a photo, skipped, 1 failed'
    assert last('in', o='out') == '0 colorized; 2 already there, in out/, 1 not a photo, skipped, 1 failed'
    assert last('a.png', o='-') == '1 colorized in x s, to standard output'

def test_variants_are_no_photos(gray, tmp_path, monkeypatch, capfdbinary):
    "Each photo is told once and counted once"
    monkeypatch.chdir(tmp_path); (tmp_path/'in').mkdir()
    for n in ('a', 'b'): Image.fromarray(gray).save(f'in/{n}.png', exif=b'none')
    Path('in/bad.png').write_bytes(b'')
    pages = [Image.fromarray(gray)]*2; pages[0].save('in/two.tif', save_all=True, append_images=pages[1:])
    def said(status, **kw): assert cli.colorize(path=['in'], variants=2, o='out', **kw) == status; return capfdbinary.readouterr().err.decode().splitlines()
    *told,last = said(1, report='r.json')
    assert untimed(last) == '3 colorized and 4 variants, in out/; 2 failed' and len(files(tmp_path/'out')) == 7
    assert sum(t.startswith('failed ') for t in told) == 2 and sum('bad.png' in t for t in told) == sum('two.tif' in t for t in told) == 1, told
    assert sum('a.png' in t for t in told) <= 1, told
    d = json.loads(Path('r.json').read_text())
    assert [r['variant'] for r in d['photos'] if r['source'].endswith('a.png')] == [0,1,2] and d['counts']['done'] == 3 and d['complete']
    assert said(1)[-1] == '0 colorized; 3 already there, in out/, 2 failed'
    assert cli.colorize(path=['in/a.png', 'out'], variants=2, o='new') == 0
    last = capfdbinary.readouterr().err.decode().splitlines()[-1]
    assert untimed(last) == '1 colorized and 2 variants, in new/; 7 made by an earlier run, skipped'

# The help

@pytest.mark.parametrize('name', COMMANDS)
def test_help_and_version_need_no_extra(name):
    block = ('torch', 'torchvision', 'fastai', 'skimage', 'matplotlib', 'starlette', 'uvicorn')
    r = run(name, '--help', block=block)
    assert r.returncode == 0 and r.stdout.startswith(f"usage: {name.replace('_', '-')} ") and not r.stderr, r
    assert not re.search(r'\b(STR|INT|FLOAT|LIST)\b', r.stdout)
    r = run(name, '--version', block=block)
    assert (r.returncode, r.stdout, r.stderr) == (0, f'colorize_nb {__version__}\n', '')

@pytest.mark.parametrize('columns', [60, 80, 120])
def test_help_fits_the_terminal(columns):
    text = run('colorize', '--help', env=dict(COLUMNS=str(columns))).stdout
    assert max(map(len, text.splitlines())) <= columns-2 and text.count('\n') < 9000/columns
    assert all(n in text.split('models that ship: ')[1] for n in model_names()) and 'colorize grandma.jpg' in text

def test_python_m():
    r = subprocess.run([sys.executable, '-m', 'colorize_nb', '--version'], capture_output=True, text=True, cwd=ROOT)
    assert (r.returncode, r.stdout) == (0, f'colorize_nb {__version__}\n')
    r = subprocess.run([sys.executable, '-m', 'colorize_nb', '--stregth', '1', 'a.jpg'], capture_output=True, text=True, cwd=ROOT)
    assert (r.returncode, r.stderr) == (2, 'colorize: unknown option --stregth; did you mean --strength?\n')

# Mistakes

@pytest.mark.parametrize('name,args,said', [
    ('colorize', 'a.jpg --stregth .5', 'unknown option --stregth; did you mean --strength?'),
    ('colorize', 'a.jpg --render_size=64', 'unknown option --render_size; did you mean --render-size?'),
    ('colorize', '--viv .5 a.jpg', 'unknown option --viv; did you mean --vivid?'),  # not taken for it: an option that comes later could mean more
    ('colorize', 'a.jpg -overwrite', 'unknown option -overwrite; did you mean --overwrite?'),  # not -o verwrite
    ('colorize', 'a.jpg --out z.jpg', 'unknown option --out; did you mean -o?'),
    ('colorize', 'a.jpg --ouput=z.jpg', 'unknown option --ouput; did you mean -o?'),
    ('colorize', 'a.jpg -output z.jpg', 'unknown option -output; did you mean -o?'),
    ('colorize', 'a.jpg --over', 'unknown option --over; did you mean --overwrite?'),
    ('colorize', 'a.jpg --hint 2,3,7a1f1f', "'7a1f1f' is no colour; did you mean #7a1f1f?"),
    ('colorize', 'a.jpg --hint 2, 3, skyblue', '--hint 2, ends at a space: write X,Y,COLOR without any'),
    ('colorize', '--hint 2,3, skyblue a.jpg', '--hint 2,3, ends at a space: write X,Y,COLOR without any'),
    ('colorize', 'a.jpg -x', 'unknown option -x; colorize --help shows all'),
    ('colorize', '-o out', 'PHOTO is missing (colorize --help shows how)'),
    ('colorize', 'a.jpg -o', '-o needs a value'),
    ('colorize', 'a.jpg -o b.jpg -o c.jpg', '-o is given twice'),
    ('colorize', 'a.jpg --quiet=yes', '--quiet takes no value'),
    ('colorize', 'a.jpg --strength much', "--strength must be a number, not 'much'"),
    ('colorize', 'a.jpg --jobs 2.5', "--jobs must be a whole number, not '2.5'"),
    ('colorize', 'a.jpg --variants -1', '--variants must lie in 0 to 16, not -1'),
    ('colorize', 'a.jpg --render-size 9', '--render-size must lie in 16 to 4096, not 9'),
    ('colorize', 'a.jpg --device gpu0', '--device gpu0: no such device; there are cpu, cuda, mps, xpu'),
    ('colorize', 'a.jpg --model vivd', 'vivd: no such model; there are default, vivid, and folders: colorize-import makes them of other models (docs/models.md); did you mean vivid?'),
    ('colorize', 'a.jpg --model siggraph17', 'siggraph17: no such model; there are default, vivid, and folders: colorize-import makes them of other models (docs/models.md)'),
    ('colorize', 'a.jpg --model ./mine', './mine: no model there (no config.json)'),
    ('colorize', 'a.jpg --model .', '.: no model there (no config.json)'),
    ('colorize_train', 'photos --epoch-l1 3', 'unknown option --epoch-l1; did you mean --epochs-l1?'),
    ('colorize_train', 'photos --epochs-l1 -1', '--epochs-l1 must lie in 0 to 1000000, not -1'),
    ('colorize_train', 'photos --out-scale 3', '--out-scale must be 1, 2 or 4, not 3'),
    ('colorize_train', 'photos --start imagnet', '--start imagnet: no such weights; there are default, vivid, imagenet, none, and paths; did you mean imagenet?'),
    ('colorize_compare', 'default', '--photos PHOTOS is needed: colour photos, a folder or a zip file'),
    ('colorize_recipe', 'photos --passes 0', '--passes must lie in 0.0001 to 1000, not 0'),
    ('colorize_recipe', 'photos --device cdua', '--device cdua: no such device; there are cpu, cuda, mps, xpu; did you mean cuda?'),
    ('colorize_app', '--prot 8000', 'unknown option --prot; did you mean --port?'),
])
def test_one_line_with_what_is_right(name, args, said, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path); monkeypatch.setattr(sys, 'argv', [name, *args.split()])
    module = cli
    if COMMANDS[name] != 'cli': module = pytest.importorskip('colorize_nb.page.server')
    Image.fromarray(np.full((9,9), 99, np.uint8)).save(tmp_path/'a.jpg')
    with pytest.raises(SystemExit) as e: getattr(module, name)()
    out,err = capsys.readouterr()
    assert e.value.code == 2 and err == f"{name.replace('_', '-')}: {said}\n" and not out and files(tmp_path) == ['a.jpg']

def test_names_of_files_have_neighbours_too(gray, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(gray).save('grandma.jpg'); Path('h.json').write_text('{"gradnma.jpg": [[1, 2, "red"]]}'); Path('none.json').write_text('{}')
    assert cli.colorize(path=['granma.jpg']) == 1 and 'No such file or directory; did you mean grandma.jpg?' in capsys.readouterr().err
    assert cli.colorize(path=['*.jpeg']) == 1 and 'failed *.jpeg: No such file or directory; nothing matches it\n' in capsys.readouterr().err
    assert cli.colorize(path=['help']) == 1 and 'failed help: No such file or directory; colorize --help shows how\n' in capsys.readouterr().err
    assert cli.colorize(path=['grandma.jpg'], hints='h.json') == 2 and capsys.readouterr().err.endswith('hints for it; did you mean grandma.jpg?\n')
    assert cli.colorize(path=['grandma.jpg'], hints='none.json') == 2 and capsys.readouterr().err == 'colorize: --hints none.json: no hints in it\n'

@pytest.mark.parametrize('name,kw', [('colorize', dict(path=[''])), ('colorize', dict(path=['a.png', ''])), ('colorize_train', dict(folder='')), ('colorize_recipe', dict(photos=[''])),
                                     ('colorize_recipe', dict(photos=['a', ''])), ('survey_make', dict(photos=''))])
def test_an_empty_argument_is_not_the_folder_one_is_in(name, kw, gray, tmp_path, capsys, monkeypatch):
    "As a shell gives it for a variable that is not set; nothing is read, nothing is made"
    monkeypatch.chdir(tmp_path)
    Image.fromarray(gray).save('a.png')
    assert getattr(cli, name)(**kw) == 2
    assert capsys.readouterr().err.endswith(': an empty argument is no photo\n') and files(tmp_path) == ['a.png']

@pytest.mark.parametrize('name,kw', [('colorize', dict(path=['a.png'])), ('colorize_train', dict(folder='.')), ('colorize_recipe', dict(photos=['.'])), ('survey_make', dict(photos='.')),
                                     ('colorize_compare', dict(models=['default'], photos='.'))])
def test_an_empty_o_is_none(name, kw, gray, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(gray).save('a.png')
    assert getattr(cli, name)(o='', **kw) == 2
    assert capsys.readouterr().err.endswith(': -o is empty\n') and files(tmp_path) == ['a.png']

@pytest.mark.parametrize('kw,said', [
    (dict(jobs=4), '--jobs 4 changes nothing for one photo'), (dict(o='-', overwrite=True), '--overwrite changes nothing on standard output'),
    (dict(strength=0., vivid=.5), '--vivid changes nothing with --strength 0'), (dict(strength=0., variants=1), '--variants changes nothing with --strength 0'),
    (dict(model='vivid', vivid=.5), '--vivid 0.5 counts, not the 1 of --model vivid')])
@pytest.mark.slow
def test_nothing_is_ignored_in_silence(kw, said, gray, tmp_path, capfdbinary):
    Image.fromarray(gray).save(tmp_path/'a.png')
    assert cli.colorize(path=[tmp_path/'a.png'], **kw) == 0
    assert f'noticed {said}' in capfdbinary.readouterr().err.decode().splitlines()
    assert cli.colorize(path=[tmp_path/'a.png'], quiet=True, **kw|dict(overwrite=True)) == 0 and not capfdbinary.readouterr().err

def test_too_many_megapixels(tmp_path, capsys):
    "The number of the README; whoever needs more is told how"
    Image.new('1', (12_000, 9_000)).save(tmp_path/'a.png')
    assert cli.colorize(path=[tmp_path/'a.png']) == 1
    assert '12000x9000 is more than 100 megapixels; --max-megapixels N allows more' in capsys.readouterr().err
    assert cli.colorize(path=[tmp_path/'a.png'], max_megapixels=.1) == 1 and '12000x9000 is more than 0.1 megapixels; ' in capsys.readouterr().err
    assert '**Same size**, from 1 pixel to 100 megapixels' in (ROOT/'README.md').read_text(encoding='utf-8')

# Extras that are not installed

class Installed:
    def __init__(self, **d): self.d = d
    def read_text(self, name): return json.dumps(self.d) if self.d and name == 'direct_url.json' else None

def test_what_to_install_works_where_it_is_typed(tmp_path, monkeypatch):
    def line(url=None, **kw):
        monkeypatch.setattr(importlib.metadata, 'distribution', lambda name: Installed(url=url, **kw) if url else Installed())
        return to_install('train').replace('"', "'")
    clone = tmp_path/'my clone'; (clone/'colorize_nb').mkdir(parents=True); (clone/'setup.py').write_text('')
    monkeypatch.chdir(clone); monkeypatch.setattr('colorize_nb.__file__', str(clone/'colorize_nb'/'__init__.py'))
    assert line() == "pip install '.[train]'"
    monkeypatch.chdir(tmp_path); assert line() == f"pip install '{clone}[train]'"
    monkeypatch.setattr('colorize_nb.__file__', str(tmp_path/'site-packages'/'colorize_nb'/'__init__.py'))
    assert line(clone.as_uri(), dir_info={}) == f"pip install '{clone}[train]'"
    assert line((tmp_path/'gone').as_uri(), dir_info={}) == "pip install '.[train]' in a clone"
    assert line('https://x.org/c.git', vcs_info=dict(vcs='git', commit_id='0')) == "pip install 'colorize_nb[train] @ git+https://x.org/c.git'"
    assert line() == "pip install 'colorize_nb[train]'"

@pytest.mark.parametrize('name,args', [('colorize_recipe', [OLD_PHOTO.parent]), ('colorize_train', [OLD_PHOTO.parent]), ('colorize', [OLD_PHOTO, '--device', 'cuda', '-o', 'x.jpg'])])
def test_without_the_train_extra_one_line_says_what_to_install(name, args, tmp_path):
    r = run(name, *args, block=('torch', 'torchvision', 'fastai', 'skimage', 'matplotlib'), cwd=tmp_path)
    assert r.returncode == 2 and re.fullmatch(r'colorize\S*: .*: pip install .*\[train\].*\n', r.stderr) and not files(tmp_path), r

# Names that look like options, and standard output

def test_files_on_both_sides_of_options(tmp_path, gray):
    "Behind -- all are files, whatever they look like; a hint may begin with a minus"
    for n in ('a.png', 'b.png', '--overwrite', '-x.png'): Image.fromarray(gray).save(tmp_path/n, 'PNG')
    assert run('colorize', 'a.png', '-o', 'out', 'b.png', cwd=tmp_path).returncode == 0
    assert sorted(f.name for f in (tmp_path/'out').iterdir()) == ['a.png','b.png']
    before = (tmp_path/'out/a.png').stat().st_mtime_ns
    p = run('colorize', '-o', 'out', '--strength', '0.5', '--', 'a.png', '--overwrite', '-x.png', cwd=tmp_path)
    assert p.returncode == 1 and (tmp_path/'out/-x.png').is_file() and 'failed --overwrite: not a photo by its name' in p.stderr, p.stderr
    assert (tmp_path/'out/a.png').stat().st_mtime_ns == before
    p = run('colorize', 'a.png', '--hint', '-1,4,red', cwd=tmp_path)
    assert p.returncode == 1 and 'the hint -1,4,#ff0000 lies outside the photo' in p.stderr

@pytest.mark.parametrize('photo', ['in colour', 'made here'])
def test_what_is_left_alone_goes_through_to_standard_output(tmp_path, gray, photo):
    "Whoever reads a pipe must not get an empty file"
    f = tmp_path/'p.png'
    if photo == 'in colour': Image.fromarray(np.dstack([gray, gray//2, 255-gray])).save(f)
    else:
        Image.fromarray(gray).save(tmp_path/'gray.png')
        assert run('colorize', tmp_path/'gray.png', '-o', f).returncode == 0
    for argv,stdin in (([f, '-o', '-'], None), (['-', '-o', '-'], f)):
        with open(stdin or os.devnull, 'rb') as given:
            p = subprocess.run([sys.executable, '-c', COMMAND, *map(str, argv), '--keep-color'], stdin=given, capture_output=True, timeout=60)
        assert p.returncode == 0 and p.stdout == f.read_bytes(), p.stderr

def test_a_file_where_a_folder_should_be(tmp_path, gray):
    Image.fromarray(gray).save(tmp_path/'a.png')
    (tmp_path/'file').write_text('mine')
    p = run('colorize', 'a.png', '-o', 'file/sub/x.png', cwd=tmp_path)
    assert p.returncode == 1 and 'failed a.png: file: not a folder' in p.stderr and (tmp_path/'file').read_text() == 'mine'

def test_a_link_that_leads_nowhere(tmp_path, gray):
    "It is neither a result that is there, nor a photo with a similar name"
    Image.fromarray(gray).save(tmp_path/'a.png')
    (tmp_path/'link.png').symlink_to(tmp_path/'nowhere')
    p = run('colorize', 'a.png', '-o', 'link.png', cwd=tmp_path)
    assert p.returncode == 1 and 'link.png is a link that leads nowhere' in p.stderr and not (tmp_path/'nowhere').exists()
    p = run('colorize', 'link.png', cwd=tmp_path)
    assert p.returncode == 1 and 'failed link.png: No such file or directory\n' in p.stderr
