"Every generator that is registered, whoever registers it: a new one is tested by being in the list."
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
import colorize_nb.train.baselines, colorize_nb.train.zhang  # noqa: F401, E401 (register the reports' generators, and Zhang's)
from colorize_nb import Colorizer
from colorize_nb.train.generator import create_generator, generator_from, list_generators
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
