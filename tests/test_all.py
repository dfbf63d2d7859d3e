"The names in README, in README's order, on six small photos and the real network."
import subprocess, sys
import pytest
pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image

SNIPPET = '''
import sys, torch
torch.set_num_threads(1)
path,out = sys.argv[1:]
from colorize_nb.all import *
dls   = ColorizeDataLoaders.from_folder(path, valid_pct=0.34, size=64, bs=2, num_workers=0)
dls.show_batch()
learn = colorize_learner(dls, arch=resnet18, pretrained=False, out_scale=1, path=out)
with learn.no_bar():
    learn.fit_one_cycle(1, 1e-4); learn.show_results()
    gan = gan_learner(learn, critic=PatchGAN(), lambda_l1=100.)
    gan.fit(1, 2e-4)
assert {'loss_G_GAN', 'loss_G_L1', 'loss_D_real', 'loss_D_fake'} <= set(gan.recorder.metric_names), gan.recorder.metric_names
c = Colorizer.from_learner(gan); c.save_pretrained(f'{out}/my-model'); c = Colorizer.from_pretrained(f'{out}/my-model')
img = c.colorize(next(Path(path).glob('*.png')))
assert img.size == (80,72), img.size
print(c.colorize_folder(path, f'{out}/colour'))
'''

@pytest.mark.slow
@pytest.mark.timeout(400)
def test_readme_in_order(tmp_path):
    from skimage import data
    (tmp_path/'photos').mkdir()
    for i,p in enumerate((data.astronaut(), data.coffee(), data.chelsea())):
        for j in range(2): Image.fromarray(p[j*100:j*100+144,100:260]).resize((80,72)).save(tmp_path/'photos'/f'{i}{j}.png')
    r = subprocess.run([sys.executable, '-W', 'ignore', '-c', SNIPPET, tmp_path/'photos', tmp_path], capture_output=True, text=True, timeout=390,
                       env=__import__('os').environ|{'MPLBACKEND':'agg'})
    assert r.returncode == 0, r.stderr[-2000:]
    assert r.stdout.strip().splitlines()[-1] == '6 colorized'

@pytest.mark.slow
def test_both_kinds_of_names_are_there():
    code = 'from colorize_nb.all import *; import colorize_nb.color, colorize_nb.files.photo; assert open_photo is colorize_nb.files.photo.open_photo and Learner and rgb2lab is colorize_nb.color.rgb2lab'
    r = subprocess.run([sys.executable, '-W', 'ignore', '-c', code], capture_output=True, text=True, timeout=100)
    assert r.returncode == 0, r.stderr
