"""The plug-in for GIMP 3: its exchange with the command everywhere, and GIMP itself, headless, where gimp-console-3 is installed."""
import io, json, os, shutil, subprocess, sys
from array import array
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, gray_level
from colorize_nb.cli import colorize as command

FOLDER = Path(__file__).resolve().parent.parent/'integrations'/'gimp'/'colorize-nb'

@pytest.fixture(scope='module')
def exchange():
    sys.path.insert(0, str(FOLDER))
    try:
        import exchange
        yield exchange
    finally:
        sys.path.remove(str(FOLDER))
        sys.modules.pop('exchange', None)

@pytest.fixture(scope='module')
def program(tmp_path_factory):
    "The command as a program of its own, by this Python"
    if os.name == 'nt': pytest.skip('a script of this kind is no program on Windows')
    f = tmp_path_factory.mktemp('bin')/'colorize'
    root = Path(command.__wrapped__.__globals__['__file__']).parent.parent
    f.write_text(f'#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\nfrom colorize_nb.cli import colorize\ncolorize()\n')
    f.chmod(0o755)
    return str(f)

@pytest.fixture(scope='module')
def small(): return np.asarray(Image.open(OLD_PHOTO).convert('L').resize((123,161)))

def rgb_of(gray): return np.repeat(gray[...,None], 3, 2)

def of_command(tmp_path, x, suffix='.png', **options):
    "What the command makes of a photo, from a file"
    from colorize_nb.files.photo import open_photo
    Image.fromarray(x).save(tmp_path/f'in{suffix}')
    assert command([str(tmp_path/f'in{suffix}')], o=str(tmp_path/f'out{suffix}'), overwrite=True, quiet=True, **options) == 0
    return open_photo(tmp_path/f'out{suffix}').pixels

# the exchange, which needs no GIMP

@pytest.mark.parametrize('kind', ['B', 'H'])
def test_file_and_back(exchange, kind):
    w,h = 7,5
    x = np.random.default_rng(0).integers(0, 256 if kind == 'B' else 65536, (h,w,3)).astype('u1' if kind == 'B' else 'u2')
    file = exchange.tiff(w, h, array(kind, x.tobytes()))
    from colorize_nb.files.photo import open_photo
    assert np.array_equal(open_photo(file).pixels, x)
    assert np.array_equal(np.array(exchange.pixels_of(file, w, h)).reshape(x.shape), x)

def test_what_is_no_result(exchange):
    def saved(im, **how):
        f = io.BytesIO()
        im.save(f, 'TIFF', **how)
        return f.getvalue()
    im = Image.new('RGB', (7,5))
    for file in (b'', b'II*\0', saved(im)[:60]):
        with pytest.raises(ValueError, match='returned no picture'): exchange.pixels_of(file, 7, 5)
    for file in (saved(im, compression='tiff_lzw'), saved(im.resize((5,7))), saved(im.convert('L'))):
        with pytest.raises(ValueError, match='another kind of picture'): exchange.pixels_of(file, 7, 5)

@pytest.mark.timeout(240)
@pytest.mark.parametrize('kind', ['B', 'H'])
def test_pixels_are_the_commands(exchange, program, small, tmp_path, kind):
    x = small if kind == 'B' else small.astype(np.uint16)*250+77
    got = exchange.colorize(program, 123, 161, array(kind, rgb_of(x).tobytes()), ['--vivid=0.5', '--hint=60,80,#7a1f1f'])
    want = of_command(tmp_path, x, '.png' if kind == 'B' else '.tif', vivid=.5, hint=['60,80,#7a1f1f'])
    assert got.typecode == kind and np.array_equal(np.array(got).reshape(161,123,3), want)

@pytest.mark.timeout(240)
def test_the_commands_own_line(exchange, program, small):
    data = array('B', rgb_of(small).tobytes())
    with pytest.raises(ValueError, match='lies outside the photo, which is 123 pixels wide and 161 high') as e:
        exchange.colorize(program, 123, 161, data, ['--hint=999,9,red'])
    assert '\n' not in str(e.value)

def test_no_command(exchange, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('USERPROFILE', str(tmp_path))
    with pytest.raises(OSError, match='the command colorize is not found: install'): exchange.find_command()
    with pytest.raises(OSError, match='/nowhere/colorize: no such command'): exchange.find_command('/nowhere/colorize')

def test_found_where_pipx_puts_it(exchange, program, monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path/'.local'/'bin').mkdir(parents=True)
    shutil.copy2(program, tmp_path/'.local'/'bin'/'colorize')
    assert exchange.find_command() == str(tmp_path/'.local'/'bin'/'colorize')

def drawn(rows):
    "A layer of letters: each is a colour, a dot is nothing"
    colors = {'r': (255,0,0,255), 'b': (0,0,255,255), 'g': (0,128,0,200), '-': (9,9,9,100), '.': (0,0,0,0)}
    data = [v for row in rows for letter in row for v in colors[letter]]
    return len(rows[0]),len(rows),array('B', data)

def test_each_dot_is_a_hint(exchange):
    layer = drawn(['rr.....b',
                   'rr......',
                   '.....g..',
                   'b...g.g.',   # joined at corners, open below
                   'b..g...g',
                   'b.......',
                   '--......'])  # half transparent: a brush's soft edge is none
    assert exchange.dots(*layer) == [(0,1,'#ff0000'), (7,0,'#0000ff'), (6,3,'#008000'), (0,4,'#0000ff')]

def test_arms_that_meet_are_one_dot(exchange):
    layer = drawn(['r.r.r',
                   'r.r.r',
                   'rrrrr',
                   'r...r'])
    (x,y,color), = exchange.dots(*layer)
    assert layer[2][4*(y*5+x)] == 255 and color == '#ff0000'
    comb = drawn(['r.r.r.r', 'rrr.rrr', '..rrr..'])
    assert len(exchange.dots(*comb)) == 1

def test_dots_as_scikit_image_counts_them(exchange):
    measure = pytest.importorskip('skimage.measure', reason='needs scikit-image')
    on = np.random.default_rng(1).random((60,70)) < .2
    rgba = np.zeros((60,70,4), np.uint8)
    rgba[on] = 10,20,30,255
    spots = measure.label(on, connectivity=2)
    found = exchange.dots(70, 60, array('B', rgba.tobytes()))
    assert {spots[y,x] for x,y,_ in found} == set(range(1, spots.max()+1)) and len(found) == spots.max()

def test_none_and_too_many_dots(exchange):
    with pytest.raises(ValueError, match='no dots are painted'): exchange.dots(*drawn(['...', '.-.']))
    with pytest.raises(ValueError, match='1225 dots on the layer of hints, more than 1000'): exchange.dots(*drawn([('r.'*35), '.'*70]*35))

# GIMP itself

@pytest.fixture(scope='module')
def in_gimp(tmp_path_factory, program, small):
    "What GIMP made of every case: the folder, and what it told"
    gimp = shutil.which('gimp-console-3')
    if not gimp: pytest.skip('gimp-console-3 is not installed')
    folder = tmp_path_factory.mktemp('gimp')
    shutil.copytree(FOLDER, folder/'home'/'plug-ins'/'colorize-nb', ignore=shutil.ignore_patterns('__pycache__'))
    Image.fromarray(rgb_of(small)).save(folder/'a.png')
    Image.fromarray(small.astype(np.uint16)*250+77).save(folder/'gray16.tif')
    env = dict(os.environ, GIMP3_DIRECTORY=str(folder/'home'), COLORIZE_CASES=str(folder), COLORIZE_COMMAND=program)
    script = Path(__file__).parent/'cases'/'in_gimp.py'
    args = ['--no-interface', '--new-instance', '--batch-interpreter=python-fu-eval', '-b', f'exec(open({str(script)!r}).read())', '--quit']
    done = subprocess.run([gimp, *args], env=env, capture_output=True, text=True, timeout=560)
    assert (folder/'results.json').exists(), done.stdout+done.stderr
    return folder,json.loads((folder/'results.json').read_text())

def result(in_gimp, name, kind=np.uint8, size=(161,123)):
    folder,told = in_gimp
    assert told.get(name, dict(status='success'))['status'] == 'success', told[name]
    return np.frombuffer((folder/f'{name}.raw').read_bytes(), kind).reshape(*size, 4)

slow = pytest.mark.slow
minutes = pytest.mark.timeout(600)

@slow
@minutes
def test_gimp_whole(in_gimp, small, tmp_path):
    got = result(in_gimp, 'whole8')
    assert np.array_equal(got[...,:3], of_command(tmp_path, small, vivid=.5)) and (got[...,3] == 255).all()
    layers = in_gimp[1]['whole8']['layers']
    assert [l['mode'] for l in layers] == ['normal', 'normal'] and layers[0]['name'].endswith('in colour')

@slow
@minutes
def test_gimp_color_alone_keeps_lightness(in_gimp, small, tmp_path):
    assert in_gimp[1]['color8']['layers'][0]['mode'] == 'lch-color'
    want = of_command(tmp_path, small)
    assert np.array_equal(result(in_gimp, 'color8')[...,:3], want)
    seen = result(in_gimp, 'merged8')[...,:3]
    assert np.abs(gray_level(seen)-small).max() < 1.5
    assert np.abs(seen.astype(int)-want).max() <= 2

@slow
@minutes
@pytest.mark.parametrize('name,most', [('gray16', 0), ('linear32', 1)])
def test_gimp_deep(in_gimp, small, tmp_path, name, most):
    "16-bit gray becomes 16-bit RGB; 32-bit linear floats pass through 16 bits"
    got = result(in_gimp, name, np.uint16)[...,:3].astype(int)
    want = of_command(tmp_path, small.astype(np.uint16)*250+77, '.tif')
    assert want.dtype == np.uint16 and np.abs(got-want).max() <= most and in_gimp[1][name]['base'] == 'rgb'

@slow
@minutes
def test_gimp_indexed(in_gimp, tmp_path):
    got = result(in_gimp, 'indexed')
    photo = np.frombuffer((in_gimp[0]/'indexed_photo.raw').read_bytes(), np.uint8).reshape(161,123,3)
    assert in_gimp[1]['indexed']['base'] == 'rgb' and np.array_equal(got[...,:3], of_command(tmp_path, photo))

@slow
@minutes
def test_gimp_profile(in_gimp, small, tmp_path):
    "The command gets sRGB, and its result is shown as it was meant; 8 bits of another space round it once more"
    photo = np.frombuffer((in_gimp[0]/'adobe_photo.raw').read_bytes(), np.uint8).reshape(161,123,3)
    assert not np.array_equal(photo[...,0], small)  # the same numbers mean other grays in that space
    off = np.abs(result(in_gimp, 'adobe')[...,:3].astype(int)-of_command(tmp_path, photo))
    assert off.max() <= 3 and off.mean() < .5, (off.max(), off.mean())

@slow
@minutes
def test_gimp_painted_hints_and_alpha(in_gimp, small, tmp_path):
    "The dots' places are told in pixels of the photo, wherever the two layers lie"
    x = rgb_of(small)
    x[:10,:20] = 90
    got = result(in_gimp, 'dots')
    want = of_command(tmp_path, x, hint=['21,31,#7a1f1f', '50,52,#3c5ac8'])
    assert np.array_equal(got[...,:3], want)
    assert (got[:10,:20,3] == 64).all() and (got[10:,...,3] == 255).all()
    assert in_gimp[1]['dots']['layers'][0]['at'] == [5, 7]

@slow
@minutes
@pytest.mark.parametrize('name,says', [
    ('two_layers', 'select one layer'), ('mask', 'select one layer'), ('no_command', '/nowhere/colorize: no such command'),
    ('bad_hint', 'write X,Y,COLOR'), ('hint_outside', 'lies outside the photo'), ('no_dots', 'no dots are painted')])
def test_gimp_tells_what_is_wrong(in_gimp, name, says):
    told = in_gimp[1][name]
    assert told['status'] == 'execution-error' and says in told['line'] and '\n' not in told['line'], told
    assert not any(l['name'].endswith('in colour') for l in told['layers'])
