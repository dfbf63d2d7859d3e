"Two processes of accelerate, on this machine's loopback, against one process with twice the batch. This file is the script that they run, too."
import os, socket, subprocess, sys
from pathlib import Path
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
pytest.importorskip('accelerate', reason='needs accelerate')
from PIL import Image
import colorize_nb.train.compat  # before anything of fastai.vision
from torch import nn
from fastai.distributed import DistributedDL
from fastai.torch_core import rank_distrib, set_seed
from colorize_nb.train.data import ColorizeDataLoaders
from colorize_nb.train.gan import Frozen, gan_learner
from colorize_nb.train.learner import EMA, Checkpoint, Diary, colorize_learner

def tiny(): return nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 2, 3, 1, 1))
def critic(): return nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(.2), nn.Conv2d(8, 1, 4, 1, 1))

def train(photos, out, bs):
    "L1, then a GAN, with all that goes along; what the first process ends with is written"
    out = Path(out); torch.set_num_threads(1)
    set_seed(rank_distrib())  # the others must take the first one's networks
    dls = ColorizeDataLoaders.from_folder(photos, valid_pct=.34, size=32, bs=bs, num_workers=0, device='cpu', min_chroma=0, min_scale=1.)
    learn = colorize_learner(dls, generator=tiny(), lr=1e-2, path=out)
    gan = gan_learner(learn, critic=critic(), critic_first=1, lambda_l1=10., lr=1e-2, cbs=Frozen(lambda m: m[:1]))
    losses,first = [],[p.detach().clone() for p in learn.model.parameters()]
    for l,n,stage in ((learn,4,'l1'),(gan,4,'gan')):
        with l.distrib_ctx(sync_bn=False, cpu=True), l.no_bar(), l.no_logging():
            l.fit(n, cbs=[EMA(.5), Diary(out/'diary', stage), Checkpoint(stage)])
        losses += [list(v) for v in l.recorder.values]
    if rank_distrib(): return
    torch.save(dict(losses=losses, first=first, net=list(learn.model.state_dict().values()), critic=list(gan.gan.critic.state_dict().values())), out/'end.pth')

@pytest.mark.slow
@pytest.mark.timeout(240)
def test_two_processes_are_one_with_twice_the_batch(tmp_path):
    "No BatchNorm here: on CPUs torch does not share its statistics. The photos are mirror images of themselves and fill their square, so that flips and crops change nothing"
    y,x = np.mgrid[:32,:32]
    (tmp_path/'photos').mkdir()
    for i in range(6):
        Image.fromarray(np.stack([128+100*np.sin((abs(2*x-31)+y*j+i*17)/(9+j*4)) for j in range(3)], -1).astype(np.uint8)).save(tmp_path/'photos'/f'{i}.png')
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    env = os.environ|dict(OMP_NUM_THREADS='1', GLOO_SOCKET_IFNAME='lo', HF_HUB_OFFLINE='1', MASTER_ADDR='127.0.0.1')
    launch = [sys.executable, '-m', 'accelerate.commands.launch', '--multi_gpu', '--num_machines', '1', '--num_processes', '2', '--main_process_port', str(port),
              '--mixed_precision', 'no', '--dynamo_backend', 'no']  # with --cpu it starts one process; the script keeps to the CPU itself
    ends = {}
    for name,start,bs in (('two', launch, 2), ('one', [sys.executable], 4), ('half', [sys.executable], 2)):
        (tmp_path/name).mkdir()
        r = subprocess.run([*start, __file__, str(tmp_path/'photos'), str(tmp_path/name), str(bs)], capture_output=True, text=True, timeout=100, env=env)
        assert r.returncode == 0, r.stderr[-3000:]
        ends[name] = torch.load(tmp_path/name/'end.pth', weights_only=True)
    def apart(a, b, k): return max((x-y).abs().max().item() for x,y in zip(ends[a][k], ends[b][k]))
    def losses(k): return np.array([v[:2] for v in ends[k]['losses']])
    assert np.allclose(losses('two'), losses('one'), rtol=1e-3, atol=1e-5), (losses('two'), losses('one'))
    for k in ('net','critic'): assert apart('two', 'one', k) < 2e-4 < 1e-3 < apart('half', 'one', k), k
    assert torch.equal(ends['two']['first'][0], ends['one']['first'][0]) and max((a-b).abs().max() for a,b in zip(ends['two']['first'], ends['two']['net'])) > .01
    assert sorted(p.name for p in (tmp_path/'two'/'diary').iterdir()) == sorted(p.name for p in (tmp_path/'one'/'diary').iterdir())
    saved = torch.load(tmp_path/'two'/'models'/'gan.pth', weights_only=True)
    assert list(saved['model']) == list(tiny().state_dict())  # a run of one process could go on with it

if __name__ == '__main__':
    DistributedDL._broadcast = lambda self, t, rank: _shared(t, rank)
    def _shared(t, rank): t = torch.tensor(t); torch.distributed.broadcast(t, rank); return t.tolist()  # fastai's goes through CUDA
    train(sys.argv[1], sys.argv[2], int(sys.argv[3]))
