"Loaders from real files: a served archive, hostile files, worker processes."
import functools, http.server, io, tarfile, threading
import numpy as np, pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image
from colorize_nb.train.data import ColorizeDataLoaders, TensorAB, TensorL, check_photos, open_rgb, photo_files
from fastai.vision.augment import aug_transforms

def picture(i, h=40, w=56):
    "A smooth colour picture, another one for each `i`"
    y,x = np.mgrid[:h,:w]
    return Image.fromarray(np.stack([128+100*np.sin((x+y*j+i*17)/(9+j*4)) for j in range(3)], -1).astype(np.uint8))

@pytest.fixture
def tree(tmp_path):
    d = tmp_path/'photos'; (d/'sub').mkdir(parents=True)
    for i in range(10): picture(i).save(d/('sub' if i%2 else '.')/f'{i}.{"jpg" if i < 6 else "png"}')
    return d

def loaders(d, **kw): return ColorizeDataLoaders.from_folder(d, **(dict(size=32, bs=4, num_workers=0, device='cpu') | kw))

def test_batch(tree):
    l,ab = loaders(tree).one_batch()
    assert (type(l),type(ab)) == (TensorL,TensorAB) and l.shape == (4,1,32,32) and ab.shape == (4,2,32,32)
    assert l.dtype == ab.dtype == torch.float32 and l.min() >= -1 and l.max() <= 1 and ab.abs().max() > .2

def test_from_url(tree, tmp_path):
    "fastai's real `untar_data`, on an archive that this machine serves"
    srv = tmp_path/'srv'; srv.mkdir()
    with tarfile.open(srv/'tiny_photos.tgz', 'w:gz') as t: t.add(tree, arcname='tiny_photos')
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=srv)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as s:
        threading.Thread(target=s.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{s.server_port}/tiny_photos.tgz'
        dls = ColorizeDataLoaders.from_url(url, base=str(tmp_path/'home'), size=32, bs=4, num_workers=0, device='cpu')
        s.shutdown()
    assert len(dls.train_ds)+len(dls.valid_ds) == 10 and (tmp_path/'home/data/tiny_photos/sub/1.jpg').is_file()
    again = ColorizeDataLoaders.from_url(url, base=str(tmp_path/'home'), size=32, bs=4, num_workers=0)  # the server is gone: cached
    assert len(again.train_ds) == 9

def test_workers_give_the_same_validation(tree):
    a,b = (list(loaders(tree, valid_pct=.4, num_workers=n).valid) for n in (0,1))
    assert len(a) == len(b) == 1 and all(torch.equal(x,y) for x,y in zip(a[0], b[0]))

def test_fastai_augmentations(tree):
    l,ab = loaders(tree, batch_tfms=aug_transforms(do_flip=False)).one_batch()
    assert l.shape == (4,1,32,32) and l.isfinite().all() and ab.isfinite().all()

def test_hostile_files(tree, capsys):
    jpg = (tree/'0.jpg').read_bytes()
    for name,b in dict(empty=b'', text=b'not a photo', cut=jpg[:len(jpg)*2//3], eps=b'%!PS-Adobe-3.0 EPSF-3.0').items():
        (tree/f'{name}.jpg').write_bytes(b)
    Image.new('L', (50,50), 99).save(tree/'gray.png')
    (tree/'png-inside.jpg').write_bytes((tree/'8.png').read_bytes())
    ok,gray,bad = check_photos(photo_files(tree))
    assert {f.stem for f in bad} == {'empty','text','cut','eps'} and all('\n' not in o and o for o in bad.values())
    assert [f.name for f in gray] == ['gray.png'] and 'png-inside' in {f.stem for f in ok}
    dls = loaders(tree, valid_pct=1/12, seed=1)
    assert len(dls.train_ds)+len(dls.valid_ds)+len([f for f in dls.gray if f not in dls.valid_ds.items]) == 12
    assert "4 can't be read" in capsys.readouterr().out

@pytest.mark.parametrize('o', range(1,9))
def test_orientation(o):
    "All eight EXIF orientations come out upright"
    im = picture(3); ops = Image.Transpose
    stored = {1:None, 2:ops.FLIP_LEFT_RIGHT, 3:ops.ROTATE_180, 4:ops.FLIP_TOP_BOTTOM, 5:ops.TRANSPOSE, 6:ops.ROTATE_90, 7:ops.TRANSVERSE,
              8:ops.ROTATE_270}[o]
    exif = Image.Exif(); exif[0x0112] = o
    (im if stored is None else im.transpose(stored)).save(b := io.BytesIO(), 'PNG', exif=exif)
    assert np.array_equal(open_rgb(b.getvalue()), im)

def test_corrupt_exif_does_not_fail():
    picture(0).save(b := io.BytesIO(), 'JPEG', exif=b'Exif\0\0MM\0*\0\0\0\xff\xff\xff\xff\0')
    assert open_rgb(b.getvalue()).size == (56,40)

@pytest.mark.parametrize('mode', ['1','L','LA','P','RGB','RGBA','CMYK'])
def test_modes(mode):
    picture(0).convert('RGB').convert(mode).save(b := io.BytesIO(), 'TIFF')
    assert open_rgb(b.getvalue(), 16).mode == 'RGB'

def test_too_few(tree, tmp_path):
    with pytest.raises(ValueError, match='fewer than a batch of 10'): loaders(tree, bs=10)
    (tmp_path/'no').mkdir()
    with pytest.raises(ValueError, match='no photos in this folder'): loaders(tmp_path/'no')
