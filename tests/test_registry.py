"Every generator that is registered, whoever registers it: a new one is tested by being in the list."
import subprocess, sys
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from colorize_nb import Colorizer
from colorize_nb.network.weights import save_config, save_weights
from colorize_nb.train.generator import create_generator, generator_from, generator_modules, list_generators
from colorize_nb.train.losses import ABLoss, ClassificationLoss

torch.set_num_threads(1)

@pytest.fixture(scope='module', params=list_generators())
def name(request): return request.param

@pytest.fixture(scope='module')
def net(name):
    torch.manual_seed(0)
    return create_generator(name)

def side(net): return net.spec.get('size') or max(64, getattr(net, 'multiple', 32))

@pytest.mark.slow
def test_it_says_what_it_is(name, net):
    "`spec` makes the same network again, and is plain data for a config"
    import json
    assert net.spec['generator'] == name and net.spec['out_scale'] == net.out_scale and net.out_scale in (1,2,4)
    again = generator_from(json.loads(json.dumps(net.spec)))
    assert {k: v.shape for k,v in again.state_dict().items()} == {k: v.shape for k,v in net.state_dict().items()}

@pytest.mark.slow
def test_shapes(net):
    "L in, ab out, at the scale that it promises; a batch of two gives what two batches give"
    n,s = side(net),net.out_scale
    x = torch.randn(2,1,n,n)
    with torch.no_grad(): y,one = net.eval()(x),net(x[:1])
    assert y.shape == (2,2,n//s,n//s) and y.isfinite().all()
    assert (y[:1]-one).abs().max() < 1e-4

@pytest.mark.slow
def test_every_parameter_learns(net):
    n = side(net)
    targ = torch.rand(2,2,n,n)*.2
    pred = net.train()(torch.randn(2,1,n,n))
    (ABLoss() if pred.shape[1] == 2 else ClassificationLoss())(pred, targ).backward()
    still = [k for k,p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    net.zero_grad(set_to_none=True)
    assert not still, still

def test_it_colorizes(net, gray):
    "Any size, unless the network has one only; the photo's lightness stays"
    from conftest import gray_level
    n = net.spec.get('size')
    c = Colorizer.from_generator(net.eval(), render_size=n or 64)
    g = np.resize(gray, (n,n)) if n else gray[:81,:70]
    out = c.colorize(g)
    assert out.size == g.shape[::-1] and np.abs(gray_level(np.asarray(out))-g).max() <= 1
    assert repr(net.spec['generator']) not in repr(c) and net.spec['generator'] in repr(c)

# Who loads a model need not have imported the module of its generator

def fresh(code, *args):
    "Run `code` in a process that has imported nothing yet"
    p = subprocess.run([sys.executable, '-c', code, *map(str, args)], capture_output=True, text=True, timeout=170)
    assert p.returncode == 0, p.stderr[-2000:]
    return p.stdout.split()

def test_every_registered_generator_has_its_row():
    code = """import importlib, pkgutil, colorize_nb.train as t
for m in pkgutil.iter_modules(t.__path__): importlib.import_module(f'colorize_nb.train.{m.name}')
from colorize_nb.train.generator import generators
for k,f in generators.items(): print(k, f.__module__.removeprefix('colorize_nb.train.'))"""
    said = fresh(code)
    assert dict(zip(said[::2], said[1::2])) == generator_modules

LOAD = """import sys
from colorize_nb import Colorizer
c = Colorizer.from_pretrained(sys.argv[1], device='cpu:0')
print(c.cfg['generator'], sum(p.numel() for p in c.net.parameters()))"""

@pytest.mark.parametrize('saved', [k if k == 'cnn' else pytest.param(k, marks=pytest.mark.slow) for k in generator_modules])
def test_a_fresh_process_finds_the_generator(tmp_path, saved):
    "Weights and a config, without a graph: torch reads no graph, and to export one takes long"
    net = create_generator(saved, **(dict(size=32) if saved == 'autoencoder' else {}))
    save_weights(tmp_path/'model.safetensors', {k: v.numpy() for k,v in net.state_dict().items()})
    about = net.spec|dict(name='saved', multiple=getattr(net, 'multiple', 32), render_size=64)
    save_config(tmp_path/'config.json', ['model.safetensors'], **about)
    name,n = fresh(LOAD, tmp_path)
    assert name == saved and int(n) == sum(p.numel() for p in net.parameters())
