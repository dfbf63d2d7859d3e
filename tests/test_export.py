"The real network: one weights file, two runtimes, one picture."
from concurrent.futures import ThreadPoolExecutor
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from conftest import OLD_PHOTO
from colorize_nb import Colorizer

@pytest.fixture(scope='module')
def on_torch(): return Colorizer.from_pretrained(device='cpu:0')  # any device but 'cpu' is torch's

def L_of(*shape): return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)

@pytest.mark.parametrize('shape', [(1,1,160,160), (1,1,32,224), (2,1,96,64)])
def test_runtimes_agree(colorizer, on_torch, shape):
    hints = np.random.default_rng(1).uniform(0, 1, (shape[0],3,shape[2]//4,shape[3]//4)).astype(np.float32).round(1)
    for h in (None, hints):
        (ab,logits),(tab,tlogits) = (c.predict(L_of(*shape), h) for c in (colorizer, on_torch))
        assert ab.shape == tab.shape == (shape[0],2,shape[2]//4,shape[3]//4) and np.abs(ab-tab).max() < 1e-3
        assert logits.shape == tlogits.shape == (shape[0],313,*ab.shape[2:]) and np.abs(logits-tlogits).max() < .01

def test_runtimes_give_one_picture(colorizer, on_torch):
    a,b = (np.asarray(c.colorize(OLD_PHOTO)).astype(int) for c in (colorizer, on_torch))
    assert np.abs(a-b).max() <= 1

def test_threads_share_one_torch_network(on_torch):
    "`DynamicUnet` keeps skips on its hooks: without the lock two threads would mix their photos up"
    xs = [L_of(1,1,64,32*i) for i in (1,2,3)]*4
    def predict(x): return on_torch.predict(x)[0]
    want = [predict(x) for x in xs]
    with ThreadPoolExecutor(2) as ex: got = list(ex.map(predict, xs))
    assert all(np.array_equal(a, b) for a,b in zip(want, got))

@pytest.mark.slow
@pytest.mark.timeout(400)  # the exporter takes its time on a busy machine
def test_save_and_load_the_real_network(on_torch, colorizer, tmp_path):
    on_torch.save_pretrained(tmp_path/'m', note='again')
    again = Colorizer.from_pretrained(tmp_path/'m')
    L = L_of(1,1,96,96)
    assert np.abs(again.predict(L)[0]-colorizer.predict(L)[0]).max() < 1e-3  # weights on an 8-bit grid stay on it
    assert (tmp_path/'m'/'model.onnx').stat().st_size < 200_000 and again.cfg['note'] == 'again'

@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_models_share_a_file(tmp_path):
    "A model that differs in a few blocks is a second, small file beside the first; the runtimes agree, and both files are checked"
    from colorize_nb.train.generator import resnet18_unet
    torch.manual_seed(0)
    Colorizer.from_generator(resnet18_unet(out_scale=4, size=64).eval(), 'base', 64).save_pretrained(tmp_path/'m')  # the exporter takes a third of the time that the real one needs
    other = Colorizer.from_pretrained(tmp_path/'m', device='cpu:0')
    with torch.no_grad(): other.net.layers[-1][-1].weight.mul_(-1)
    other.cfg['name'] = 'vivid'
    with pytest.raises(ValueError, match='would replace'): other.save_beside(tmp_path/'m', 'model')
    p = other.save_beside(tmp_path/'m', 'vivid')
    assert (tmp_path/'m/vivid.safetensors').stat().st_size < 2000
    L = L_of(1,1,64,96)
    first,one,two = (Colorizer.from_pretrained(w, device=d).predict(L)[0] for w,d in ((tmp_path/'m','cpu'), (p,'cpu'), (p,'cpu:0')))
    assert np.abs(one-two).max() < 1e-3 and np.abs(one-first).max() > .01
    b = bytearray((f := tmp_path/'m/model.safetensors').read_bytes()); b[-5] ^= 1; f.write_bytes(b)
    with pytest.raises(ValueError, match='model.safetensors: damaged'): Colorizer.from_pretrained(p)

@pytest.mark.slow
def test_eight_bits_keep_the_picture():
    "A network with fresh weights: 8 bits move ab by far less than one unit of the range it uses"
    from colorize_nb.train.generator import resnet18_unet, load_arrays
    from colorize_nb.network.weights import pack, unpack
    torch.manual_seed(0)
    net = resnet18_unet(out_scale=4, size=64)
    with torch.no_grad():
        for _ in range(3): net(torch.randn(4,1,64,64))
    L = torch.from_numpy(L_of(1,1,64,64))
    with torch.no_grad():
        a = net.eval()(L)
        b = load_arrays(net, unpack(pack({k: v.numpy() for k,v in net.state_dict().items()})))(L)
    assert 0 < (a-b).abs().mean()/a.abs().mean() < .05
