"The U-Nets of the reports, alone and with a critic: one batch moves every parameter, and no figure is NaN."
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image
from skimage import data

@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    d = tmp_path_factory.mktemp('photos')
    for i,p in enumerate((data.chelsea(), data.coffee(), data.astronaut(), data.rocket())): Image.fromarray(p[...,:3]).resize((96,80)).save(d/f'{i}.png')
    return d

@pytest.mark.slow
@pytest.mark.parametrize('name,size', [('pix2pix_unet', 256), ('resnet18_unet', 32), ('cgan', 32), ('cgan_lsgan', 32)])
def test_system_learns(folder, name, size):
    from colorize_nb.train.baselines import learner_for, systems
    from colorize_nb.train.gan import PatchGAN
    from colorize_nb.train.data import ColorizeDataLoaders
    dls = ColorizeDataLoaders.from_folder(folder, valid_pct=.25, size=size, bs=2, num_workers=0)
    learn = learner_for(dls, name, pretrained=False, out_scale=4, critic=PatchGAN(receptive_field=16))
    was = [p.detach().clone() for p in learn.model.parameters()]
    with learn.no_bar(), learn.no_logging(): learn.fit(1)
    values = dict(zip(learn.recorder.metric_names[1:], learn.recorder.values[-1]))
    assert all(np.isfinite(v) for v in values.values()), values
    assert ('loss_D_fake' in values) == bool(systems[name].gan)
    assert not any(torch.equal(a, b) for a,b in zip(was, learn.model.parameters()))

def test_a_generator_of_one_size_is_not_saved(tmp_path):
    from colorize_nb.train.generator import create_generator
    from colorize_nb import Colorizer
    c = Colorizer.from_generator(create_generator('autoencoder', size=32, latent=8))
    with pytest.raises(ValueError, match='^autoencoder works at one size and cannot become a model folder$'): c.save_pretrained(tmp_path/'m')
    assert not (tmp_path/'m').exists()

@pytest.mark.parametrize('name', ['cnn', 'pix2pix_unet'])
def test_colorizes_any_size(name):
    "Photos are padded to the multiple that the network asks for, not to another's"
    from colorize_nb.train.generator import create_generator
    from colorize_nb import Colorizer
    c = Colorizer.from_generator(create_generator(name), render_size=96)
    assert c.colorize(data.chelsea()[:81,:70]).size == (70, 81)
