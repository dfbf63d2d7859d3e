"The two models inside the package: one set of weights, read in two ways."
import numpy as np
from conftest import OLD_PHOTO, gray_level
from colorize_nb import Colorizer
from colorize_nb.network.weights import MODELS, load_config, model_names

def test_files():
    assert model_names() == ['default', 'vivid']
    files = {f for m in model_names() for f in load_config(m)['files']}
    assert files == {'default.safetensors', 'default.onnx'}
    assert sum((MODELS/f).stat().st_size for f in files) <= 14e6

def test_vivid_is_a_reading_of_the_same_weights():
    d,v = (load_config(n) for n in model_names())
    assert v.pop('vivid') == 1 and v.pop('name') == 'vivid' and v == {k: o for k,o in d.items() if k != 'name'}
    pictures = [Colorizer.from_pretrained(n).colorize(OLD_PHOTO, **kw) for n,kw in (('vivid',{}), ('default',dict(vivid=1.)))]
    assert np.array_equal(*map(np.asarray, pictures))

def steepness(x): return np.where(x > .04045, 2.4/1.055*((x+.055)/1.055)**1.4, 1/12.92)

def rounded_away(rgb):
    "How far a gray level can be off because each channel was rounded by up to half a level: more in strong colours"
    return .5*(steepness(rgb/255)@[.212671,.715160,.072169])/steepness(gray_level(rgb)/255)

def test_vivid_is_more_colourful_and_keeps_the_gray():
    res = {m: np.asarray(Colorizer.from_pretrained(m).colorize(OLD_PHOTO)) for m in ('default','vivid')}
    chroma = {m: np.ptp(a.astype(int), 2).mean() for m,a in res.items()}
    assert 3 < chroma['default'] < chroma['vivid']
    off = np.abs(gray_level(res['vivid'])-gray_level(res['default']))
    assert (off <= rounded_away(res['vivid'])+rounded_away(res['default'])).all()
