"""The script for darktable, in darktable-cli where that is installed: pixels beside the command's, bad input. Without it, Lua's own syntax check."""
import os, shutil, subprocess, sys
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO
from colorize_nb.cli import colorize as command
from colorize_nb.files.photo import open_photo

FOLDER = Path(__file__).resolve().parent.parent/'integrations'/'darktable'
CASES = Path(__file__).parent/'cases'
PHOTOS = 'a.png', 'b.png', 'c.png', "it's $(touch oops) old é.png"

def test_syntax():
    luac = next(filter(None, map(shutil.which, ('luac5.4', 'luac54', 'luac'))), None)
    if not luac: pytest.skip('luac is not installed')
    for f in (FOLDER/'colorize_nb.lua', CASES/'in_darktable.lua'): subprocess.run([luac, '-p', str(f)], check=True)

@pytest.fixture(scope='module')
def in_darktable(tmp_path_factory):
    "What darktable made of every case: the folder, what it told of each, and all it said"
    darktable = shutil.which('darktable-cli')
    if not darktable: pytest.skip('darktable-cli is not installed')
    folder = tmp_path_factory.mktemp('darktable')
    small = Image.open(OLD_PHOTO).convert('L').resize((123,161))
    for name in PHOTOS: small.save(folder/name)
    root = Path(command.__wrapped__.__globals__['__file__']).parent.parent
    program = folder/'colorize'
    program.write_text(f'#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\nfrom colorize_nb.cli import colorize\ncolorize()\n')
    program.chmod(0o755)
    env = dict(os.environ, COLORIZE_CASES=str(folder), COLORIZE_LUA=str(FOLDER), COLORIZE_COMMAND=str(program), HOME=str(folder))
    env.pop('OMP_NUM_THREADS', None)  # with one thread darktable 5.0.1 itself exports noise
    core = ['--library', ':memory:', '--configdir', str(folder/'config'), '--cachedir', str(folder/'cache'),
            '--luacmd', f'dofile({str(CASES/"in_darktable.lua")!r})', '-d', 'lua']
    args = [darktable, str(folder/'a.png'), str(folder/'unused.tif'), '--core', *core]
    done = subprocess.run(args, env=env, capture_output=True, text=True, timeout=560, cwd=folder, stdin=subprocess.DEVNULL)
    said = done.stdout+done.stderr
    lines = [line.split('\t') for line in (folder/'results.txt').read_text(encoding='utf-8').splitlines()]
    return folder,lines,said

def told(in_darktable, name): return next((rest for first,*rest in in_darktable[1] if first == name), in_darktable[2])

pytestmark = pytest.mark.timeout(600)

@pytest.mark.slow
def test_formats_that_the_command_reads(in_darktable):
    taken = {kind: yes for first,kind,yes in (l[:3] for l in in_darktable[1]) if first == 'format'}
    assert {k for k,yes in taken.items() if yes == 'true'} == {'tiff', 'png', 'jpeg', 'webp', 'j2k', 'avif'}

@pytest.mark.slow
@pytest.mark.parametrize('name,result,dtype,options', [
    ('tiff16', 'a-color.tif', 'u2', dict(vivid=.5)), ('again', 'a-color_1.tif', 'u1', {}), ('float', 'b-color.tif', 'u2', {}),
    ('png', "it's $(touch oops) old é-color.png", 'u2', {})])
def test_pixels_are_the_commands(in_darktable, name, result, dtype, options):
    folder = in_darktable[0]
    assert told(in_darktable, name) == ['1', '0', result, 'true', '']
    suffix = Path(result).suffix
    assert command([str(folder/f'kept-{name}{suffix}')], o=str(folder/f'want-{name}{suffix}'), quiet=True, **options) == 0
    exported = open_photo(folder/f'kept-{name}{suffix}').pixels
    photo = np.asarray(Image.open(folder/'a.png'))
    assert np.corrcoef(exported[...,:1].ravel() if exported.ndim == 3 else exported.ravel(), photo.ravel())[0,1] > .999
    got = open_photo(folder/result).pixels
    assert got.dtype == dtype and got.shape == (161,123,3) and np.array_equal(got, open_photo(folder/f'want-{name}{suffix}').pixels)
    assert not (folder/f'export-{name}{suffix}').exists()
    assert '1 colorized' in in_darktable[2]
    assert not (folder/'oops').exists()  # a name is a name to the shell

@pytest.mark.slow
def test_linear_floats(in_darktable):
    "32-bit floats in linear Rec. 2020 come out as 16 bits of sRGB do"
    folder = in_darktable[0]
    env = {k: v for k,v in os.environ.items() if k != 'OMP_NUM_THREADS'}
    core = ['--core', '--library', ':memory:', '--configdir', str(folder/'config'), '--cachedir', str(folder/'cache'), '--conf']
    results = []
    for bits,profile in ((32, 'LIN_REC2020'), (16, 'SRGB')):
        f = folder/f'linear-{bits}.tif'
        args = [str(folder/'a.png'), str(f), '--icc-type', profile, *core, f'plugins/imageio/format/tiff/bpp={bits}']
        subprocess.run(['darktable-cli', *args], env=env, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=200)
        assert command([str(f)], quiet=True) == 0
        results.append(open_photo(folder/f'linear-{bits}-color.tif').pixels.astype(int))
    off = np.abs(results[0]-results[1])  # of 65,535
    assert np.percentile(off, 99.9) <= 1 and off.max() < 128, (np.percentile(off, 99.9), off.max())

@pytest.mark.slow
@pytest.mark.parametrize('name,says', [('no_command', 'the command colorize is not found'), ('refused', '--vivid must lie in 0 to 1, not 7')])
def test_tells_what_is_wrong(in_darktable, name, says):
    folder = in_darktable[0]
    colored,failed,new,_,why = told(in_darktable, name)
    assert (colored,failed,new) == ('0','1','') and why.startswith('c.png: ') and says in why
    assert f'0 colorized, 1 failed: {why}' in in_darktable[2] and not [*folder.glob('c-color*')]
