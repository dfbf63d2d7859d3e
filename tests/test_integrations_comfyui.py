"""The nodes for ComfyUI: its contract, pixels beside the command's, bad input; and ComfyUI itself, headless, where COMFYUI names its folder
(and COMFYUI_PYTHON a Python that has its requirements)."""
import importlib.util, json, os, re, shutil, socket, subprocess, sys, time, urllib.error, urllib.request
from configparser import ConfigParser
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, gray_level
from colorize_nb.batch.options import OPTIONS
from colorize_nb.cli import colorize

torch = pytest.importorskip('torch', reason='ComfyUI has torch; the base install has none')
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT/'integrations'/'comfyui'

@pytest.fixture(scope='module')
def nodes():
    "The nodes as ComfyUI imports them: a folder, under a name of its own"
    spec = importlib.util.spec_from_file_location('nodes_of_colorize', FOLDER/'__init__.py', submodule_search_locations=[str(FOLDER)])
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in [n for n in sys.modules if n.startswith(spec.name)]: del sys.modules[name]

@pytest.fixture
def node(nodes): return nodes.NODE_CLASS_MAPPINGS['ColorizeKeepsLightness']()

@pytest.fixture
def colors_from(nodes): return nodes.NODE_CLASS_MAPPINGS['ColorizeColorsFrom']()

@pytest.fixture(scope='module')
def small():
    "A gray photo, (h,w) uint8"
    return np.asarray(Image.open(OLD_PHOTO).convert('L').resize((123,161)))

def image(*photos):
    "Photos as ComfyUI's LoadImage gives them: `(n,h,w,3)` float32"
    def one(x): return np.asarray(Image.fromarray(x).convert('RGB')).astype(np.float32)/255.
    return torch.from_numpy(np.stack([one(x) for x in photos]))

def as_saved(batch):
    "Pictures as ComfyUI's SaveImage writes them"
    return np.clip(255.*batch.numpy(), 0, 255).astype(np.uint8)

def of_command(tmp_path, x, *flags, **options):
    "What the command makes of a photo"
    Image.fromarray(x).save(tmp_path/'in.png')
    assert colorize([str(tmp_path/'in.png')], o=str(tmp_path/'out.png'), overwrite=True, quiet=True, **options) == 0
    return np.asarray(Image.open(tmp_path/'out.png'))

# the contract

def test_contract(nodes):
    assert nodes.NODE_DISPLAY_NAME_MAPPINGS.keys() == nodes.NODE_CLASS_MAPPINGS.keys()
    assert set(nodes.NODE_DISPLAY_NAME_MAPPINGS.values()) == {'Colorize (keeps lightness)', 'Colours from'}
    for cls in nodes.NODE_CLASS_MAPPINGS.values():
        inputs = cls.INPUT_TYPES()
        given = {**inputs['required'], **inputs['optional']}
        assert all(given[k][0] == 'IMAGE' for k in given if k in ('image', 'picture'))
        for k in ('vivid', 'strength'):
            kind,about = given[k]
            assert kind == 'FLOAT' and (about['min'],about['max']) == (OPTIONS[k].low,OPTIONS[k].high)
        assert given['hints'][0] == 'STRING' and cls.RETURN_TYPES == ('IMAGE',)
        assert callable(getattr(cls(), cls.FUNCTION))

def test_registry():
    "The registry's rules for a pyproject.toml: a short plain name, three numbers, a repository, a publisher; and one version for all"
    tomllib = pytest.importorskip('tomllib', reason='Python 3.11 reads TOML')
    about = tomllib.loads((FOLDER/'pyproject.toml').read_text(encoding='utf-8'))
    project = about['project']
    assert re.fullmatch('[a-z](?:[-_.]?[a-z0-9]){1,99}', project['name']) and 'comfy' not in project['name']
    assert project['license'].keys() <= {'text', 'file'} and project['urls']['Repository'].startswith('https://')
    assert about['tool']['comfy'].keys() >= {'PublisherId', 'DisplayName'}
    settings = ConfigParser(delimiters=['='])
    settings.read(ROOT/'settings.ini', encoding='utf-8')
    assert project['version'] == settings['DEFAULT']['version'] and re.fullmatch(r'\d+\.\d+\.\d+', project['version'])
    assert project['dependencies'] == (FOLDER/'requirements.txt').read_text(encoding='utf-8').split('\n')[:-1]

def test_example_names_the_nodes(nodes):
    graph = json.loads((FOLDER/'example_workflows'/'colorize.json').read_text(encoding='utf-8'))
    kinds = {n['class_type'] for n in graph.values()}
    assert kinds & nodes.NODE_CLASS_MAPPINGS.keys() and kinds <= {*nodes.NODE_CLASS_MAPPINGS, 'LoadImage', 'SaveImage'}

def test_needs_no_torch_to_import():
    "ComfyUI's own torch is asked for when a node runs; nothing of this package asks for it"
    code = ('import importlib.util, sys; from PIL import Image\n'
            f's = importlib.util.spec_from_file_location("n", {str(FOLDER/"__init__.py")!r}, submodule_search_locations=[{str(FOLDER)!r}])\n'
            'm = sys.modules["n"] = importlib.util.module_from_spec(s); s.loader.exec_module(m)\n'
            'from n.nodes import as_photo, colorizer; import numpy as np\n'
            'p = as_photo(np.full((9,9,3), .5, np.float32)); colorizer().paint_page(p)\n'
            'print([m for m in ("torch", "fastai") if m in sys.modules])')
    assert subprocess.check_output([sys.executable, '-c', code], text=True, cwd=FOLDER).strip() == '[]'

# pixels

@pytest.mark.parametrize('options', [{}, dict(vivid=.6, strength=1.4), dict(hints='60,80,#7a1f1f\n10,10,skyblue,0.3')], ids=['plain', 'vivid', 'hints'])
def test_pixels_are_the_commands(node, small, tmp_path, options):
    flags = {**options, **(dict(hints=None, hint=options['hints'].split('\n')) if 'hints' in options else {})}
    got, = node.run(image(small), **options)
    assert got.shape == (1,161,123,3) and got.dtype == torch.float32
    assert np.array_equal(as_saved(got)[0], of_command(tmp_path, small, **flags))

def test_batch_is_its_pictures(node, small):
    several = small, small[::-1].copy(), np.rot90(small, 2).copy()
    got, = node.run(image(*several))
    alone = [node.run(image(x))[0][0] for x in several]
    assert got.shape[0] == 3 and all(torch.equal(a, b) for a,b in zip(got, alone))

def test_keeps_lightness_of_more_than_8_bits(node, small):
    "Values between the levels of 8 bits come out between them"
    fine = torch.from_numpy(np.linspace(.2, .3, 64*64, dtype=np.float32).reshape(1,64,64,1)).repeat(1, 1, 1, 3)
    got, = node.run(fine)
    off = np.abs(gray_level(got[0].numpy()*255)-fine[0,...,0].numpy()*255)
    assert off.max() < .5 and len(np.unique(got[...,1].numpy())) > 1000

def test_alpha_and_one_channel(node, small):
    alpha = torch.linspace(0, 1, 161*123).reshape(1,161,123,1)
    plain, = node.run(image(small))
    with_alpha, = node.run(torch.cat([image(small), alpha], 3))
    one, = node.run(image(small)[...,:1])
    assert torch.equal(with_alpha[...,:3], plain) and torch.equal(with_alpha[...,3:], alpha) and torch.equal(one, plain)

@pytest.mark.parametrize('size', [(1,1), (1,7), (33,2)])
def test_any_size(node, size):
    h,w = size
    got, = node.run(torch.full((2,h,w,3), .4))
    assert got.shape == (2,h,w,3)

def test_beyond_white_is_white(node, small):
    "Nodes before it may go a little beyond the range"
    x = image(small)
    assert torch.equal(node.run(torch.where(x > .9, x+.3, x))[0], node.run(torch.where(x > .9, torch.tensor(1.), x))[0])

def test_colors_from_is_the_commands(colors_from, small, tmp_path):
    side = np.linspace(-1, 1, small.shape[1])[None]
    copy = np.stack([small*(.75-.25*side), small*.5+0*side, small*(.75+.25*side)], -1).clip(0, 255).astype(np.uint8)[::2,::2]
    Image.fromarray(copy).save(tmp_path/'copy.png')
    want = of_command(tmp_path, small, colors_from=str(tmp_path/'copy.png'))
    x = torch.from_numpy(copy.astype(np.float32)/255)[None]
    got, = colors_from.run(image(small), x)
    assert np.array_equal(as_saved(got)[0], want)
    both, = colors_from.run(image(small, small), torch.cat([x, x]))
    assert torch.equal(both[0], got[0]) and torch.equal(both[1], got[0])

# bad input: one line each

@pytest.mark.parametrize('bad,says', [
    (None, 'no picture is connected'),
    (torch.zeros(0,8,8,3), 'an empty batch'),
    (torch.zeros(8,8,3), 'one batch of pictures of the same size'),
    (torch.zeros(1,4,8,8), 'one batch of pictures'),
    ([torch.zeros(1,8,8,3), torch.zeros(1,9,9,3)], 'not a list'),
    (torch.full((1,8,8,3), float('nan')), 'NaN or infinity')], ids=['none', 'empty', 'three axes', 'latent', 'unequal sizes', 'nan'])
def test_what_is_no_image(node, bad, says):
    with pytest.raises(ValueError, match=says) as e: node.run(bad)
    assert '\n' not in str(e.value) and str(e.value).startswith('image: ')

def test_hints_that_cannot_be(node, small):
    assert node.VALIDATE_INPUTS(hints='412,310,#7a1f1f; 80,40,skyblue,0.3') is True and node.VALIDATE_INPUTS() is True
    assert 'write X,Y,COLOR' in node.VALIDATE_INPUTS(hints='red dress')
    with pytest.raises(ValueError, match='lies outside the photo, which is 123 pixels wide and 161 high'):
        node.run(image(small), hints='200,10,red')
    with pytest.raises(ValueError, match='the batch has 2'): node.run(image(small, small), hints='20,10,red')

def test_pictures_that_do_not_go_together(colors_from, small):
    with pytest.raises(ValueError, match='2 pictures for 3 images'): colors_from.run(image(small, small, small), image(small, small))
    noise = np.random.default_rng(0).integers(0, 256, (90,90,3), np.uint8)
    with pytest.raises(ValueError, match='shows another scene'): colors_from.run(image(small), torch.from_numpy(noise/np.float32(255))[None])

def test_says_how_to_install(nodes, node, small, monkeypatch):
    nodes.nodes.colorizer.cache_clear()
    monkeypatch.setitem(sys.modules, 'colorize_nb', None)
    with pytest.raises(ImportError, match='-m pip install -r requirements.txt') as e: node.run(image(small))
    assert '\n' not in str(e.value)

# ComfyUI itself

class Host:
    "A ComfyUI that listens on this computer"
    def __init__(self, folder, python, base):
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            self.at = f'http://127.0.0.1:{s.getsockname()[1]}'
        self.base = base
        self.log = base/'log'
        for name in ('input', 'output', 'custom_nodes'): (base/name).mkdir(parents=True)
        shutil.copytree(FOLDER, base/'custom_nodes'/'colorize_nb', ignore=shutil.ignore_patterns('__pycache__'))
        args = ['--cpu', '--disable-auto-launch', '--disable-api-nodes', '--base-directory', str(base), '--port', self.at.split(':')[-1],
                '--database-url', 'sqlite:///:memory:']
        with open(self.log, 'w') as log: self.process = subprocess.Popen([python, 'main.py', *args], cwd=folder, stdout=log, stderr=log)
    def ask(self, path, **body):
        request = urllib.request.Request(self.at+path, json.dumps(body).encode() if body else None)
        try:
            with urllib.request.urlopen(request, timeout=60) as r: return json.load(r)
        except urllib.error.HTTPError as e: return json.load(e)
    def wait(self):
        for _ in range(900):
            if self.process.poll() is not None: pytest.skip(f'ComfyUI does not start here: {self.log.read_text()[-300:]}')
            try: return self.ask('/system_stats')
            except (OSError, urllib.error.URLError): time.sleep(.2)
        raise TimeoutError(self.log.read_text()[-2000:])
    def run(self, graph):
        "Run a workflow; returns its entry in the history, or the refusal"
        given = self.ask('/prompt', prompt=graph)
        if 'prompt_id' not in given: return given
        for _ in range(600):
            done = self.ask(f"/history/{given['prompt_id']}")
            if done: return done[given['prompt_id']]
            time.sleep(.2)
        raise TimeoutError(self.log.read_text()[-2000:])

@pytest.fixture(scope='module')
def host(tmp_path_factory):
    folder = os.environ.get('COMFYUI')
    if not folder: pytest.skip('COMFYUI names no folder of ComfyUI')
    host = Host(folder, os.environ.get('COMFYUI_PYTHON', sys.executable), tmp_path_factory.mktemp('comfy'))
    try:
        host.wait()
        yield host
    finally:
        host.process.terminate()
        host.process.wait(30)

def graph_of(**inputs):
    graph = json.loads((FOLDER/'example_workflows'/'colorize.json').read_text(encoding='utf-8'))
    graph['2']['inputs'] |= inputs
    return graph

@pytest.mark.slow
@pytest.mark.timeout(300)
def test_in_comfyui(host, small, tmp_path):
    about = host.ask('/object_info/ColorizeKeepsLightness')['ColorizeKeepsLightness']
    assert about['display_name'] == 'Colorize (keeps lightness)' and about['output'] == ['IMAGE']
    assert 'ColorizeColorsFrom' in host.ask('/object_info/ColorizeColorsFrom')
    Image.fromarray(small).save(host.base/'input'/'photo.png')
    done = host.run(graph_of(vivid=.5, hints='60,80,#7a1f1f'))
    assert done['status']['status_str'] == 'success', done['status']
    name = done['outputs']['3']['images'][0]['filename']
    got = np.asarray(Image.open(host.base/'output'/name))
    assert np.array_equal(got, of_command(tmp_path, small, vivid=.5, hint=['60,80,#7a1f1f']))

@pytest.mark.slow
@pytest.mark.timeout(300)
def test_comfyui_tells_what_is_wrong(host, small):
    Image.fromarray(small).save(host.base/'input'/'photo.png')
    refused = host.run(graph_of(hints='red dress'))
    assert 'write X,Y,COLOR' in json.dumps(refused['node_errors'])
    failed = host.run(graph_of(hints='999,9,red'))['status']
    errors = [m['exception_message'] for kind,m in failed['messages'] if kind == 'execution_error']
    assert failed['status_str'] == 'error' and 'lies outside the photo' in errors[0] and '\n' not in errors[0].strip()
    graph = graph_of()
    del graph['2']['inputs']['image']
    assert 'Required input is missing' in json.dumps(host.run(graph)['node_errors'])
