"""Three tiny photos as the weights that ship colorize them, kept in tests/golden. After new weights: python tests/test_golden.py
A picture may differ by one level here and there: runtimes differ in the last digits of a float."""
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO
from colorize_nb import Colorizer
from colorize_nb.network.weights import load_config

GOLDEN = Path(__file__).parent/'golden'
BOXES = dict(face=(180,60,300,220), hands=(40,300,200,420), whole=None)

def photo(name):
    im = Image.open(OLD_PHOTO).convert('L')
    return im.crop(BOXES[name] or (0,0,*im.size)).resize((48,64) if name != 'hands' else (64,48), Image.BOX)

def weights(): return next(h for f,h in load_config('default')['files'].items() if f.endswith('.safetensors'))[:16]

@pytest.mark.parametrize('name', BOXES)
def test_as_it_was(colorizer, name):
    f = GOLDEN/f'{name}.png'
    with Image.open(f) as want:
        assert want.text['weights'] == weights(), 'other weights: look at the pictures, then run python tests/test_golden.py'
        off = np.abs(np.asarray(colorizer.colorize(photo(name))).astype(int)-np.asarray(want))
    assert off.max() <= 1 and (off > 0).mean() < .02, (off.max(), (off > 0).mean())

def write():
    from PIL.PngImagePlugin import PngInfo
    GOLDEN.mkdir(exist_ok=True)
    for name in BOXES:
        about = PngInfo(); about.add_text('weights', weights())
        Image.fromarray(np.asarray(Colorizer.from_pretrained().colorize(photo(name)))).save(GOLDEN/f'{name}.png', pnginfo=about)

if __name__ == '__main__': write()
