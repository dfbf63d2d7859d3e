"What several tests share. Everything here works on the base install: no torch, no scikit-image."
import re
from pathlib import Path
import numpy as np, pytest
from PIL import Image
import colorize_nb
from colorize_nb import Colorizer

OLD_PHOTO = Path(colorize_nb.__file__).parent/'photos'/'migrant_mother.jpg'

def gray_level(rgb):
    "The 8-bit gray with the luminance of each colour, from the definition of sRGB"
    x = np.asarray(rgb, float)/255
    lin = np.where(x > 0.04045, ((x+0.055)/1.055)**2.4, x/12.92)
    Y = lin@[0.212671, 0.715160, 0.072169]
    return np.where(Y > 0.0031308, 1.055*Y**(1/2.4)-0.055, 12.92*Y)*255

def counts(line):
    "The last line of `colorize` without times and places: what they are is tested in test_command"
    line = re.sub(r'^(\d+ colorized)(?: in [\d.]+ (?:s|min \d+ s))?(?:, in [^;]*|: [^;]*|, to standard output)?(?:; |$)', r'\1, ', line)
    return re.sub(r'(already there)(?:, in [^,]*|: [^,]*)', r'\1', line).removesuffix(', ')

@pytest.fixture(scope='session')
def colorizer(): return Colorizer.from_pretrained()

@pytest.fixture(scope='session')
def gray():
    "A small gray photo with detail: (120,90) uint8"
    return np.asarray(Image.open(OLD_PHOTO).convert('L').resize((90,120)))
