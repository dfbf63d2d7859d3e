"The shelf of photos to train on: what it takes, leaves out, and how it grows."
import importlib.util, json, subprocess, sys
from pathlib import Path
import numpy as np, pytest
from PIL import Image

TOOL = Path(__file__).parents[1]/'experiments/shelf.py'

@pytest.fixture(scope='module')
def shelf():
    spec = importlib.util.spec_from_file_location('experiments_shelf', TOOL)
    spec.loader.exec_module(tool := importlib.util.module_from_spec(spec))
    sys.modules[spec.name] = tool  # its processes look for it there
    return tool

def photo(seed, width=300, height=240):
    "A patchwork of colours"
    patches = np.random.default_rng(seed).integers(0, 255, (6,8,3), np.uint8)
    return Image.fromarray(patches).resize((width,height), Image.NEAREST)

def repository(folder, pictures):
    folder.mkdir()
    for name,im in pictures.items(): im.save(folder/name, quality=95)
    git = ['git', '-C', str(folder), '-c', 'user.name=a', '-c', 'user.email=a@b']
    for args in (['init', '-q'], ['add', '.'], ['commit', '-qm', 'photos']): subprocess.run([*git, *args], check=True)
    return folder

def grown(shelf, monkeypatch, to, kept, *sources):
    monkeypatch.setattr(sys, 'argv', ['shelf.py', str(to), *sources, '--kept', str(kept), '--people', 'none'])
    shelf.main()
    index = json.loads((to/'index.json').read_text())
    assert (to/'rgb.bin').stat().st_size == len(index['names'])*3*288*288
    return index

def test_a_shelf_grows(shelf, tmp_path, monkeypatch):
    "Gray, small and long photos, repeats and photos that judge are left out; a second call adds, and a torn end goes"
    gray = photo(7).convert('L')
    first = repository(tmp_path/'first', {'a.png': photo(1), 'again.jpg': photo(1), 'gray.png': gray, 'judge.png': photo(2),
                                          'small.png': photo(3, 190, 190), 'long.png': photo(4, 900, 300)})
    kept = tmp_path/'kept.txt'
    kept.write_text(f'{shelf.dhash(photo(2)):016x}\n')
    to = tmp_path/'shelf'
    to.mkdir()
    (to/'rgb.bin').write_bytes(b'torn')  # as a run that was stopped leaves it
    one = grown(shelf, monkeypatch, to, kept, f'one={first}')
    assert one['names'] == ['one/a.png'] and one['aspect'] == [1.25] and one['faces'] == [[]]
    assert one['left_out'] == {'gray': 1, 'small': 1, 'long': 1, 'repeat': 1, 'kept apart': 1}
    with open(to/'rgb.bin', 'ab') as f: f.write(b'torn')
    second = repository(tmp_path/'second', {'b.png': photo(5), 'copy.png': photo(1)})
    two = grown(shelf, monkeypatch, to, kept, f'one={first}', f'two={second}')
    assert two['names'] == ['one/a.png', 'two/b.png']
    assert two['left_out'] == {'gray': 1, 'small': 1, 'long': 1, 'repeat': 2, 'kept apart': 1}
    squares = np.fromfile(to/'rgb.bin', np.uint8).reshape(2, 3, 288, 288)
    want = [np.asarray(photo(seed).resize((288,288), Image.BICUBIC, reducing_gap=3)).transpose(2,0,1) for seed in (1,5)]
    assert np.array_equal(squares, want)
