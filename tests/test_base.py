"The base install: no torch anywhere near, quick to start, clear about what it lacks."
import os, re, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO

def python(code, *args, block=(), env=None):
    "Run `code` in a fresh interpreter in which the modules in `block` are not to be found"
    hide = f'import sys, importlib.util as u; f = u.find_spec; u.find_spec = lambda n, *a: None if n.split(".")[0] in {set(block) or "()"} else f(n, *a)\n' if block else ''
    hide += ''.join(f'sys.modules[{b!r}] = None\n' for b in block)
    return subprocess.run([sys.executable, '-c', hide+code, *map(str, args)], capture_output=True, text=True, timeout=60, env=env)

TRAIN = ['torch','torchvision','fastai','skimage','matplotlib','pandas','lpips','onnx']

def test_colorizing_imports_nothing_heavy(tmp_path):
    code = f'''import sys
from colorize_nb.cli import colorize
assert colorize(path=[{str(OLD_PHOTO)!r}], o={str(tmp_path/'o.jpg')!r}) == 0
print([m for m in {TRAIN!r}+['fastprogress','scipy','IPython'] if m in sys.modules])'''
    r = python(code)
    assert r.stdout.splitlines()[-1] == '[]', r.stdout+r.stderr

def test_colorizing_writes_nothing_but_the_result(tmp_path):
    "onnxruntime's telemetry would leave files in both folders"
    home,temp,out = (tmp_path/n for n in ('home','temp','out'))
    for d in (home, temp, out): d.mkdir()
    env = {k: v for k,v in os.environ.items() if k != 'ORT_DISABLE_TELEMETRY' and not k.startswith('XDG_')}|dict(HOME=str(home), TMPDIR=str(temp))
    r = python(f"from colorize_nb.cli import colorize; import sys; sys.exit(colorize(path=[{str(OLD_PHOTO)!r}], o={str(out/'o.png')!r}))", env=env)
    assert r.returncode == 0, r.stderr
    assert [p.relative_to(tmp_path).as_posix() for d in (home, temp, out) for p in d.rglob('*') if p.is_file()] == ['out/o.png']

def test_help_loads_neither_numpy_nor_pillow():
    r = python("import sys, colorize_nb.cli as c; c.parser(c.colorize).format_help(); print([m for m in ('numpy','PIL','onnxruntime') if m in sys.modules])")
    assert r.stdout.strip() == '[]', r.stdout+r.stderr

def test_colorizes_without_the_train_extra(tmp_path):
    r = python(f"from colorize_nb.cli import colorize; import sys; sys.exit(colorize(path=[{str(OLD_PHOTO)!r}], o={str(tmp_path/'o.png')!r}))", block=TRAIN)
    assert r.returncode == 0, r.stderr
    assert Image.open(tmp_path/'o.png').size == Image.open(OLD_PHOTO).size

@pytest.mark.parametrize('code', ['from colorize_nb.all import *', 'import colorize_nb.train.learner', 'from colorize_nb import Colorizer; Colorizer.from_pretrained(device="cuda")',
                                  'from colorize_nb.train.generator import create_generator'])
def test_what_needs_more_says_so_in_one_line(code):
    r = python(code, block=TRAIN)
    assert r.returncode == 1 and r.stderr.strip().splitlines()[-1].endswith("[train]'") and 'pip install' in r.stderr, r.stderr

def test_commands_that_need_more_say_so(tmp_path):
    r = python(f"from colorize_nb.cli import colorize; import sys; sys.exit(colorize(path=[{str(OLD_PHOTO)!r}], device='cuda'))", block=TRAIN)
    assert r.returncode == 2 and r.stderr.strip().endswith("[train]'") and ': pip install ' in r.stderr and len(r.stderr.strip().splitlines()) == 1, r.stderr
    (tmp_path/'w.pth').write_bytes(b'x')
    r = python(f"from colorize_nb.cli import colorize_import; import sys; sys.exit(colorize_import({str(tmp_path/'w.pth')!r}, o={str(tmp_path/'m')!r}))", block=TRAIN)
    assert r.returncode == 2 and "[train]'" in r.stderr and ': pip install ' in r.stderr and len(r.stderr.strip().splitlines()) == 1 and not (tmp_path/'m').exists(), r.stderr
    for call in (f'colorize_train(folder={str(tmp_path)!r})', f'colorize_compare(models=["default"], photos={str(tmp_path)!r})', f'survey_make(photos={str(tmp_path)!r})'):
        r = python(f"from colorize_nb.cli import *; import sys; sys.exit({call})", block=TRAIN)
        assert r.returncode == 2 and ': pip install ' in r.stderr and "[train]'" in r.stderr and len(r.stderr.strip().splitlines()) == 1, r.stderr

def test_two_threads_give_what_one_gives(colorizer, gray):
    grays = [np.rot90(gray, k).copy() for k in range(4)]*3
    want = [np.asarray(colorizer.colorize(g, render_size=64)) for g in grays]
    with ThreadPoolExecutor(2) as ex: got = list(ex.map(lambda g: np.asarray(colorizer.colorize(g, render_size=64)), grays))
    assert all((a == b).all() for a,b in zip(want, got))

@pytest.mark.slow
def test_large_photo_in_little_memory(tmp_path):
    "A strip at a time: 100 megapixels need under 1.5 GB beyond the decoded input and output"
    pytest.importorskip('resource', reason='no resource module here')
    code = '''import resource, numpy as np
from colorize_nb import Colorizer
c = Colorizer.from_pretrained()
x = np.tile(np.arange(256, dtype=np.uint8), (10000, 40))[:, :10000]
c.colorize(x[:512,:512])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
out = c.colorize(x)
assert out.size == (10000,10000)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss-before)/2**20)'''
    r = python(code)
    assert r.returncode == 0, r.stderr
    assert float(r.stdout) < 1.5+.3  # GiB, of which 0.3 are the picture itself

@pytest.mark.slow
def test_before_and_after_of_a_large_photo_in_little_memory(tmp_path):
    "The sheet is made of small pictures: it adds under 0.25 GB to what 12 megapixels need, at full size 0.5"
    pytest.importorskip('resource', reason='no resource module here')
    Image.open(OLD_PHOTO).convert('L').resize((3000,4000)).save(tmp_path/'large.jpg')
    code = '''import resource, sys
from colorize_nb import Colorizer
c = Colorizer.from_pretrained()
peaks = []
for compare in (False, True):
    c.colorize_file(sys.argv[1], sys.argv[2], compare=compare, overwrite=True)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print((peaks[1]-peaks[0])/2**20)'''
    r = python(code, tmp_path/'large.jpg', tmp_path/'o.jpg')
    assert r.returncode == 0, r.stderr
    assert float(r.stdout) < .25
    sheet,half = Image.open(tmp_path/'o-compare.jpg').convert('RGB'),796  # a gap of 8 between them
    assert sheet.size == (1600,1061)
    for box,full in (((0,0), Image.open(tmp_path/'large.jpg')), ((sheet.width-half,0), Image.open(tmp_path/'o.jpg'))):
        part = np.asarray(sheet.crop((*box, box[0]+half, sheet.height)), float)
        assert np.abs(part-np.asarray(full.convert('RGB').resize(part.shape[1::-1], Image.LANCZOS), float)).mean() < 2

def test_without_the_app_extra_the_page_says_what_to_install():
    r = python('from colorize_nb.page.server import colorize_app; sys.exit(colorize_app(no_browser=True))', block=('starlette', 'uvicorn'))
    assert r.returncode == 2 and re.fullmatch(r"colorize-app: the page needs the app extra: pip install \S*\[app\]\S*( in a clone)?\n", r.stderr), r
