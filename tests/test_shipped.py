"The two models inside the package: one folder, shared encoder and middle, and what makes `vivid` vivid."
import numpy as np
from conftest import OLD_PHOTO, gray_level
from colorize_nb.colorizer import Colorizer
from colorize_nb.weights import MODELS, load_config, load_weights, model_names

def test_files():
    assert model_names() == ['default', 'vivid']
    files = {f for m in model_names() for f in load_config(m)['files']}
    assert files == {f'{m}.{s}' for m in ('default','vivid') for s in ('safetensors','onnx')}
    assert sum((MODELS/f).stat().st_size for f in files) <= 42e6

def test_vivid_keeps_encoder_and_middle():
    d,v = load_weights('default'),load_weights('vivid')
    assert {k: a.shape for k,a in d.items()} == {k: a.shape for k,a in v.items()}
    block = lambda k: int(k.split('.')[1])
    differ = {block(k) for k in d if not np.array_equal(d[k], v[k])}
    assert differ and min(differ) >= 4, differ

def test_vivid_is_more_colourful_and_keeps_the_gray():
    res = {m: np.asarray(Colorizer.from_pretrained(m).colorize(OLD_PHOTO)) for m in ('default','vivid')}
    chroma = {m: np.ptp(a.astype(int), 2).mean() for m,a in res.items()}
    assert 3 < chroma['default'] < chroma['vivid']
    assert np.abs(gray_level(res['vivid'])-gray_level(res['default'])).max() <= 1.1
