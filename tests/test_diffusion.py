"A flow in colour only: the way from noise to colours, sampling, hints, seeds, and the graph beside torch."
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from colorize_nb.train.diffusion import (N_KNOWN, ColourFlow, FlowColorizer, FlowCondition, FlowMatching, drawn_noise,
                                         export_flow, flow_learner, flow_point, flow_velocity, generator_ab, graph_velocity,
                                         hold_known, known_field, sample_flow, smoothed)

torch.set_num_threads(1)

def small_flow(n_features=4, seed=0, widths=(8,8,16,16)):
    "An untrained flow whose last layer is not zero, so that its velocity depends on all that it is given"
    torch.manual_seed(seed)
    flow = ColourFlow(n_features, widths, (1,)*len(widths), 16).eval()
    torch.nn.init.normal_(flow.leave[-1].weight, std=.2)
    return flow

def small_cond(n=1, n_features=4, size=(16,24), seed=1):
    cond = np.random.default_rng(seed).normal(size=(n,N_KNOWN+n_features,*size)).astype(np.float32)
    cond[:,1:4] = 0  # no hints
    return torch.from_numpy(cond)

# The way and its velocity

def test_the_target_is_that_of_hand():
    noise,field = torch.full((3,2,1,1), 2.), torch.full((3,2,1,1), -1.)
    t = torch.tensor([0.,.25,1.])
    assert flow_point(noise, field, t)[:,0,0,0].tolist() == [2., 1.25, -1.]
    assert (flow_velocity(noise, field) == -3).all()

class Batch:
    "As much of a learner as the callback asks for"
    def __init__(self, flow, x, y, training):
        self.model,self.x,self.y,self.training = flow,x,y,training

def told(training, drop, n=64):
    "What the callback makes of conditions and colours"
    flow = small_flow()
    flow.scale.copy_(torch.tensor([.5,2.]))
    cond = small_cond(n, size=(8,8))
    cb = FlowMatching(drop=drop)
    cb.learn = Batch(flow, cond, torch.rand(n, 2, 8, 8), training)
    cb.before_validate()
    cb.before_batch()
    return cond,cb.learn

def test_a_batch_holds_the_way_to_the_colours():
    "From where a sample is, the velocity leads to the true colours in the time that is left"
    cond,learn = told(True, 0., 2000)
    x,t,seen = learn.xb
    end = x+(1-t).view(-1, 1, 1, 1)*learn.yb[0]
    ab = generator_ab(cond)+end*torch.tensor([.5,2.]).view(1, 2, 1, 1)
    assert torch.allclose(ab, learn.y, atol=1e-5) and torch.equal(seen, cond)
    start = x-t.view(-1, 1, 1, 1)*learn.yb[0]
    assert abs(start.mean()) < .05 and abs(start.std()-1) < .05 and 0 <= t.min() and t.max() <= 1 and .2 < t.std() < .4

def test_noise_has_the_spectrum_of_colours():
    "Periodic waves keep their shape, the longest is the strongest, and noise keeps a variance of 1"
    y,x = np.mgrid[:48,:48]/48
    def gain(waves): return smoothed(np.cos(2*np.pi*waves*x)[None,None]).std()*2**.5
    expected = ((1/24)**2+1e-4)**-.625/((1/12)**2+1e-4)**-.625  # by hand: two and four waves in 48 cells
    assert gain(2)/gain(4) == pytest.approx(expected, rel=1e-6) and 2 < expected < 2.4
    white = np.random.default_rng(0).standard_normal((1000,2,48,48))
    noise = smoothed(white)
    assert noise.var() == pytest.approx(1, abs=.05) and .3 < noise.mean((2,3)).var() < .42
    assert np.allclose(smoothed(torch.from_numpy(white[:3])), noise[:3], atol=1e-9)
    assert np.allclose(np.roll(noise[:3], 5, -1), smoothed(np.roll(white[:3], 5, -1)))

def test_some_are_learned_without_a_condition():
    torch.manual_seed(0)
    cond,learn = told(True, .25, 400)
    gone = (learn.xb[2] == 0).flatten(1).all(1)
    assert 70 < gone.sum() < 130 and torch.equal(learn.xb[2][~gone], cond[~gone])
    assert torch.equal(told(False, .25)[1].xb[2], told(False, .25)[0])

def test_validation_draws_the_same_noise_again():
    assert torch.equal(told(False, .1)[1].xb[0], told(False, .1)[1].xb[0])

# Sampling a distribution whose velocity is known

def two_points(low=-1., high=2., share=.3):
    "The exact velocity towards `high` in a share of the samples and `low` in the others: E[end-x]/(1-t) given x"
    def velocity(x, t, cond):
        t = t.reshape(-1, 1, 1, 1)
        def log_p(end, p): return np.log(p)-np.square((x-t*end)/(1-t))/2
        p = 1/(1+np.exp(np.clip(log_p(low, 1-share)-log_p(high, share), -500, 500)))
        return (low+p*(high-low)-x)/(1-t)
    return velocity

def test_both_colours_come_in_their_shares():
    "Of two colours that a dress could have, neither is averaged away"
    noise = np.random.default_rng(0).standard_normal((4000,2,1,1))
    x = sample_flow(two_points(), noise, np.zeros((4000,1,1,1)), 40)
    assert (np.minimum(abs(x+1), abs(x-2)) < .05).mean() > .98
    assert abs((x > .5).mean()-.3) < .02  # three times the error of the mean of 8,000 draws

def test_one_step_gives_the_mean():
    "At time 0 nothing is decided: one step leads to the mean of all that could be, from anywhere"
    noise = np.random.default_rng(0).standard_normal((50,2,3,3))
    assert np.allclose(sample_flow(two_points(), noise, noise*0, 1), -1+.3*3, atol=1e-9)

@pytest.mark.parametrize('steps', [1, 4, 12])
def test_a_constant_field_is_reached(steps):
    "Where all photos have one colour, every sample ends there"
    def velocity(x, t, cond): return (.7-x)/(1-t).reshape(-1, 1, 1, 1)
    assert np.allclose(sample_flow(velocity, drawn_noise(0, 8, (4,4)), np.zeros((8,1,4,4)), steps), .7, atol=1e-5)

def test_guidance():
    "1 asks once; 2 goes twice as far from what is learned without a condition"
    asked = []
    def velocity(x, t, cond):
        asked.append(float(np.abs(cond).max()))
        return 0*x+3.*cond+1.
    cond = np.ones((1,2,2,2))
    noise = np.zeros((1,2,2,2))
    assert np.allclose(sample_flow(velocity, noise, cond, 2), 4.) and asked == [1.,1.]
    assert np.allclose(sample_flow(velocity, noise, cond, 2, guidance=1.), sample_flow(velocity, noise, cond, 2))
    assert np.allclose(sample_flow(velocity, noise, cond, 2, guidance=2.), 7.)

def test_known_cells_are_kept():
    known = np.zeros((1,3,4,4))
    known[:,:,1,2] = .5,-.25,1
    flow = small_flow()
    x = sample_flow(flow, torch.randn(1, 2, 8, 8), small_cond(size=(8,8)), 4, known=torch.zeros(1, 3, 8, 8)).detach()
    assert x.isfinite().all()
    x = sample_flow(two_points(), drawn_noise(3, 1, (4,4)), np.zeros((1,1,4,4)), 6, known=known)
    assert x[0,:,1,2].tolist() == [.5,-.25]
    half = hold_known(0*x, 0*x+1, known, .5)
    assert half[0,:,1,2].tolist() == [.75,.375] and half[0,0,0,0] == 0

# The network, and its graph

def test_an_untrained_flow_stands_still():
    "Its last layer is zero: before it has learned anything, a sample is its noise"
    noise = torch.from_numpy(drawn_noise(0, 2, (16,16)))
    with torch.no_grad(): x = sample_flow(ColourFlow(4, (8,8,16,16), (1,1,1,1), 16), noise, small_cond(2, size=(16,16)), 4)
    assert torch.equal(x, noise)

def test_parameters():
    assert 4e6 < sum(p.numel() for p in ColourFlow().parameters()) < 8e6

def test_seeds():
    "The same seed draws the same noise, however many samples are asked for"
    assert np.array_equal(drawn_noise(5, 1, (6,8)), drawn_noise(5, 3, (6,8))[:1])
    assert not np.array_equal(drawn_noise(5, 1, (6,8)), drawn_noise(6, 1, (6,8)))

@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_graph_gives_what_torch_gives(tmp_path):
    "In other sizes and numbers than it was traced with, with guidance"
    pytest.importorskip('onnxscript')
    flow = small_flow(widths=(8,16))
    export_flow(flow, tmp_path/'flow.onnx')
    graph = graph_velocity(tmp_path/'flow.onnx')
    for n,size in ((1,(16,24)), (3,(8,32))):
        noise,cond = drawn_noise(2, n, size),small_cond(n, size=size)
        with torch.no_grad(): ours = sample_flow(flow, torch.from_numpy(noise), cond, 5, 1.5).numpy()
        theirs = sample_flow(graph, noise, cond.numpy(), 5, 1.5)
        assert np.abs(ours-noise).max() > .1 and np.abs(ours-theirs).max() < 1e-3

@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_model_folder_of_it(tmp_path, gray):
    "One graph with all steps paints what torch paints, as far as weights of 8 bits do"
    from colorize_nb import Colorizer
    from colorize_nb.train.generator import create_generator
    torch.manual_seed(0)
    net = create_generator('lite2_flow', steps=2, bins=True).eval()
    torch.nn.init.normal_(net.flow.leave[-1].weight, std=.1)
    c = Colorizer.from_generator(net, 'flow', 64)
    c.cfg['prior'] = [1/313]*313
    c.save_pretrained(tmp_path/'m')
    folder = Colorizer.from_pretrained(tmp_path/'m')
    ours,theirs = (np.asarray(o.colorize(gray)).astype(int) for o in (c, folder))
    assert np.abs(ours-np.stack([gray]*3, -1)).mean() > 2 and np.abs(ours-theirs).mean() < 1
    for size in ((64,96), (96,224)):  # a grid of its own, and one on which the noise repeats
        l = torch.rand(1, 1, *size)*2-1
        with torch.no_grad(): heads = net(l)
        assert [o.shape[1:] for o in heads] == [(k,size[0]//4,size[1]//4) for k in (2,313,2)]
        for a,b in zip(heads, folder.run(l.numpy(), np.zeros((1,3,size[0]//4,size[1]//4), np.float32))): assert np.abs(a.numpy()-b).mean() < .02*a.abs().max()

def test_a_sample_is_read_half_way():
    "By hand: the mean of what the network says and of its sample, a fifth stronger"
    from colorize_nb import Colorizer
    own,sample = np.float32([.1,.2]).reshape(1, 2, 1, 1),np.float32([.3,-.2]).reshape(1, 2, 1, 1)
    flat = np.zeros((1,313,1,1), np.float32)
    def run(L, hints): return [np.broadcast_to(o, (len(L), o.shape[1], L.shape[2]//4, L.shape[3]//4)) for o in (own, flat, sample)[:heads]]
    cfg = dict(name='toy', generator='toy', out_scale=4, multiple=32, render_size=64, hints=True, bins=True, prior=[1/313]*313)
    L = np.full((64,64), 128, np.uint8)
    heads = 2
    read = Colorizer(run, cfg).look(L).ab
    heads = 3
    assert np.allclose(Colorizer(run, cfg).look(L).ab, 1.2*(read+110*sample[0])/2, atol=1e-4)
    assert len(Colorizer(run, cfg).predict(np.zeros((1,1,32,32), np.float32))) == 2

# With the network that ships

@pytest.fixture(scope='module')
def painter():
    flow = small_flow(122)
    return FlowColorizer(FlowCondition(), flow, [.1,.1], render_size=64, steps=3)

def test_a_condition_is_what_the_network_says(colorizer):
    "Its ab are those that the package paints with, and nothing of it learns"
    l = torch.rand(1, 1, 64, 96)*2-1
    see = FlowCondition()
    cond = see(l)
    ab,_ = colorizer.predict(l.numpy())
    assert cond.shape[2:] == (16,24) and np.abs(generator_ab(cond).numpy()-ab).max() < 1e-3
    assert np.allclose(cond[0,0,3,5], l[0,0,12:16,20:24].mean(), atol=1e-6)
    assert not any(p.requires_grad for p in see.parameters()) and not see.train().net.training

def test_the_same_seed_the_same_picture(painter, gray):
    one,again,other = (np.asarray(painter.colorize(gray, seed=s)) for s in (0,0,1))
    assert one.shape == (*gray.shape,3) and np.array_equal(one, again) and np.abs(one.astype(int)-other).max() > 10

def test_the_mean_of_several(painter, gray):
    "The first of eight is the one that is drawn alone"
    ab,L,extent = painter.samples(gray, 8)
    assert ab.shape[0] == 8 and L.shape == ab.shape[2:]
    assert ab.std(0).mean() > 1 and np.asarray(painter.colorize(gray, 8)).shape == (*gray.shape,3)
    assert np.allclose(painter.samples(gray, 1)[0], ab[:1], atol=1e-2)

def test_hints_are_kept(painter, gray):
    "Cells that a hint covers have its colour in every sample"
    from colorize_nb.hint_text import as_hints
    from colorize_nb.steer import hint_cells
    hints = as_hints([(40, 60, '#7a1f1f')])
    ab,L,extent = painter.samples(gray, 4, hints=hints)
    planes = hint_cells(hints, gray.shape, extent, L.shape)
    on = planes[2] > 0
    assert on.sum() == 4 and np.abs(ab[:,:,on]-110*planes[:2,on]).max() < 1e-3
    free = painter.samples(gray, 4)[0]
    assert np.abs(free[:,:,on]-110*planes[:2,on]).max() > 5

def test_known_of_a_condition():
    cond = small_cond(size=(8,8))
    cond[:,1:4,2,3] = torch.tensor([.3,-.2,1.])
    known = known_field(cond, torch.tensor([.1,.2]))
    back = generator_ab(cond)[0,:,2,3]+known[0,:2,2,3]*torch.tensor([.1,.2])
    assert torch.allclose(back, torch.tensor([.3,-.2]), atol=1e-6) and known[:,2].sum() == 1 and not known[0,:,0,0].any()
    assert np.allclose(known_field(cond.numpy(), np.array([.1,.2], np.float32)), known.numpy(), atol=1e-5)

# Training

def test_a_learner_trains_it(tmp_path):
    "A usual learner on photos: the loss falls below that of a flow that stands still, which is 1 + the field's own square"
    from PIL import Image
    from skimage import data
    from colorize_nb.train.data import ColorizeDataLoaders
    for i in range(4): Image.fromarray(np.roll(data.astronaut()[::4,::4], 9*i, 1)).save(tmp_path/f'{i}.png')
    dls = ColorizeDataLoaders.from_folder(tmp_path, valid_pct=.25, size=64, bs=3, num_workers=0)
    torch.manual_seed(0)
    flow = ColourFlow(widths=(8,16,16,16), depths=(1,1,1,1), n_time=16)
    learn = flow_learner(dls, flow, FlowCondition(), lr=3e-3)
    with learn.no_bar(), learn.no_logging():
        before = learn.validate()[0]
        learn.fit(12)
        after = learn.validate()[0]
    assert before > 1 and after < .9*before

def test_the_flow_that_is_kept():
    "results/flow.safetensors: smooth noise becomes smoother colours, and what is kept is what was trained"
    from pathlib import Path
    from colorize_nb.train.diffusion import flow_of
    f = Path(__file__).parents[1]/'results/flow.safetensors'
    if not f.is_file(): pytest.skip('no results/ here')
    flow = flow_of(f)
    assert .05 < flow.scale.min() and flow.scale.max() < .2 and f.stat().st_size < 8e6
    with torch.no_grad(): v = flow(torch.from_numpy(drawn_noise(0, 2, (24,24))), torch.zeros(2), torch.zeros(2, 128, 24, 24))
    assert v.shape == (2,2,24,24) and v.isfinite().all() and v.std() > .3

@pytest.mark.timeout(120)
def test_a_model_with_a_flow(colorizer):
    "Its first two heads are those of the model; where the field is 0, its sample is what the network itself says"
    from colorize_nb.train.diffusion import with_flow
    flow = ColourFlow().eval()
    flow.scale.zero_()
    c = with_flow(flow)
    L = np.random.default_rng(0).uniform(-1, 1, (1,1,64,96)).astype(np.float32)
    ab,logits,sample = c.run(L, np.zeros((1,3,16,24), np.float32))
    for ours,theirs in zip((ab, logits), colorizer.predict(L)): assert np.abs(ours-theirs).max() < 1e-2
    assert np.array_equal(sample, ab) and c.cfg['render_size'] == colorizer.cfg['render_size'] and len(c.cfg['prior']) == 313
