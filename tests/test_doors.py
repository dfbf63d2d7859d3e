"One decoder: a photo is the same photo through the command, in Python, in training and in comparing."
import io, zipfile
import numpy as np, pytest
from PIL import Image, ImageCms
from conftest import gray_level, counts
from colorize_nb.cli import colorize
from colorize_nb.files.photo import open_photo

def saved(im, fmt, **kw):
    im.save(b := io.BytesIO(), fmt, **kw)
    return b.getvalue()

def wide_profile():
    "An RGB profile that is not sRGB: its red and green are swapped, so that ignoring it cannot go unseen"
    b = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes())
    tags = {bytes(b[132+12*i:136+12*i]): 132+12*i for i in range(int.from_bytes(b[128:132], 'big'))}
    r,g = tags[b'rXYZ'],tags[b'gXYZ']
    b[r+4:r+12],b[g+4:g+12] = b[g+4:g+12],b[r+4:r+12]
    return bytes(b).replace(b'sRGB', b'xxxx').replace('sRGB'.encode('utf-16-be'), 'xxxx'.encode('utf-16-be'))

def deep(gray): return saved(Image.fromarray(gray.astype(np.uint16)*257), 'PNG')
def with_profile(gray): return saved(Image.fromarray(np.dstack([gray, 255-gray, gray//2])), 'PNG', icc_profile=wide_profile())
KINDS = dict(deep=deep, profile=with_profile)

def truth(kind, gray):
    "What the photo shows, without our decoder"
    if kind == 'deep': return np.dstack([gray]*3)
    im = Image.fromarray(np.dstack([gray, 255-gray, gray//2]))
    return np.asarray(ImageCms.profileToProfile(im, ImageCms.ImageCmsProfile(io.BytesIO(wide_profile())), ImageCms.createProfile('sRGB'), outputMode='RGB'))

@pytest.mark.parametrize('kind', KINDS)
def test_command_and_python(colorizer, gray, tmp_path, kind):
    f = tmp_path/'a.png'; f.write_bytes(KINDS[kind](gray))
    want = truth(kind, gray)
    assert np.abs(np.asarray(open_photo(f).picture()).astype(int)-want).max() == 0
    assert colorize(path=[f], o=tmp_path/'o.png', strength=0.) == 0
    by_command,in_python = np.asarray(open_photo(tmp_path/'o.png').picture()),np.asarray(colorizer.colorize(f, strength=0.))
    assert np.abs(by_command.astype(int)-in_python).max() <= (kind == 'deep')  # a file of 16 bits is rounded to 8 here
    assert np.abs(gray_level(in_python)-gray_level(want)).max() <= 1

@pytest.mark.parametrize('kind', KINDS)
def test_training_and_comparing(gray, tmp_path, kind):
    pytest.importorskip('torch', reason='needs the train extra')
    from colorize_nb.train.data import PhotoSet, check_photos, open_rgb, photo_tensor
    from colorize_nb.train.photo_store import make_store
    f = tmp_path/'photos'/'a.png'; f.parent.mkdir(); f.write_bytes(KINDS[kind](gray))
    want = truth(kind, gray)
    assert (np.asarray(open_rgb(f)) == want).all()
    assert (photo_tensor(f.read_bytes())[0].permute(1,2,0).numpy() == want).all()
    assert (PhotoSet(f.parent)['a.png'] == want).all()
    assert not check_photos([f])[2]
    side = make_store([f.parent], tmp_path/'store', side=90, min_chroma=0.).rgb[0].permute(1,2,0).numpy()
    assert (side == np.asarray(Image.fromarray(want).resize((90,90), Image.Resampling.BICUBIC))).all()

@pytest.mark.parametrize('kind', KINDS)
def test_predict(gray, tmp_path, kind):
    "What `learn.predict` hands to the network"
    pytest.importorskip('torch', reason='needs the train extra')
    from torch import nn
    from colorize_nb.color import lightness
    from colorize_nb.train.data import ColorizeDataLoaders
    from colorize_nb.train.learner import colorize_learner
    d = tmp_path/'photos'; d.mkdir()
    rng = np.random.default_rng(0)
    for i in range(4): Image.fromarray(rng.integers(0, 256, (90,90,3), dtype=np.uint8)).save(d/f'{i}.png')
    dls = ColorizeDataLoaders.from_folder(d, size=90, bs=2, num_workers=0, device='cpu')
    net = nn.Conv2d(1, 2, 1)
    learn = colorize_learner(dls, generator=net, path=tmp_path)
    square = gray[:90]
    f = tmp_path/'a.png'; f.write_bytes(KINDS[kind](square))
    seen = []
    net.register_forward_hook(lambda m, i, o: seen.append(i[0]))
    with learn.no_bar(): learn.predict(f)
    L = (seen[0][0,0].numpy()+1)*50
    assert np.abs(L-lightness(truth(kind, square))).max() < .5

def mac_zip(path, gray):
    "As a Mac's Finder makes it: beside each photo a hidden file of the same suffix that is none"
    with zipfile.ZipFile(path, 'w') as z:
        for i in range(3):
            z.writestr(f'trip/{i}.png', saved(Image.fromarray(np.dstack([np.roll(gray, i), gray, 255-gray])), 'PNG'))
            z.writestr(f'__MACOSX/trip/._{i}.png', b'\0\5\x16\7\0\2\0\0Mac OS X        ')
    return path

def test_mac_zip_by_command_and_in_python(colorizer, gray, tmp_path, capsys):
    z = mac_zip(tmp_path/'a.zip', gray)
    assert colorize(path=[z], o=tmp_path/'o', strength=0.) == 0
    assert counts(capsys.readouterr().err.splitlines()[-1]) == '3 colorized, 3 not photos, skipped'
    report = colorizer.colorize_folder(z, tmp_path/'p', strength=0.)
    assert len(report.of('done')) == 3 and not report.failed
    assert all((tmp_path/'o'/'trip'/f'{i}.png').read_bytes() == (tmp_path/'p'/'trip'/f'{i}.png').read_bytes() for i in range(3))

def test_mac_zip_in_training_and_comparing(gray, tmp_path, capsys):
    pytest.importorskip('torch', reason='needs the train extra')
    from colorize_nb.train.data import PhotoSet
    from colorize_nb.train.photo_store import make_store
    z = mac_zip(tmp_path/'a.zip', gray)
    ps = PhotoSet(z)
    assert list(ps) == ['trip/0.png', 'trip/1.png', 'trip/2.png'] and ps['trip/1.png'].shape == (*gray.shape,3)
    assert {r.reason for r in ps.others} == {'hidden'}
    assert make_store([z], tmp_path/'store', side=32).names == [f'a.zip/trip/{i}.png' for i in range(3)]
    assert '3 photos; 0 gray and 0 unreadable ones left out' in capsys.readouterr().out
