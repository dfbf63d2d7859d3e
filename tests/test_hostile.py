"Bad input gets one line and a status; nothing is lost, overwritten or half written."
import io, os, re, struct, zlib
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, counts
from colorize_nb.cli import colorize
from colorize_nb import Colorizer
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.photo import has_heif, open_photo
from colorize_nb.network.weights import ModelError

def saved(im, fmt, **kw):
    im.save(b := io.BytesIO(), fmt, **kw)
    return b.getvalue()

@pytest.mark.parametrize('fmt', ['JPEG','PNG','TIFF','WEBP','BMP'])
def test_every_prefix(gray, fmt):
    whole = saved(Image.fromarray(gray).resize((40,53)), fmt)
    want = open_photo(whole).pixels
    n = 0
    for cut in range(0, len(whole), max(1, len(whole)//150)):
        try: px = open_photo(whole[:cut]).pixels
        except PhotoError as e: assert '\n' not in str(e); n += 1
        else: assert px.shape == want.shape and (px == want).all()  # only bytes after the picture are missing
    assert n > 100 or fmt == 'BMP'

@pytest.mark.parametrize('fmt', ['JPEG','PNG','TIFF','WEBP','BMP'])
def test_flipped_bytes_never_crash(gray, fmt):
    whole,rng = bytearray(saved(Image.fromarray(gray).resize((40,53)), fmt)),np.random.default_rng(0)
    for _ in range(150):
        b = bytearray(whole)
        for i in rng.integers(0, min(len(b), 600), 3): b[i] = rng.integers(256)
        try: open_photo(bytes(b), max_pixels=10**6)
        except PhotoError as e: assert '\n' not in str(e)

@pytest.mark.parametrize('head,kind', [(b'%!PS-Adobe-3.0 EPSF-3.0','EPS'), (b'%PDF-1.7','PDF'), (b'<svg xmlns=""/>','SVG'), (b'GIF89a','GIF'),
                                       (b'\0\0\0\x18ftypheic','HEIC')])
def test_other_formats_are_refused_by_name(tmp_path, head, kind):
    f = tmp_path/'x.jpg'; f.write_bytes(head.ljust(200, b' '))
    if kind == 'HEIC' and has_heif(): kind = 'damaged' # what follows the head is none
    with pytest.raises(PhotoError, match=f'{kind}.*accepted: JPEG, PNG, TIFF, WebP, BMP'): open_photo(f)

def bomb(w, h):
    "A PNG of a few hundred bytes that promises w*h pixels"
    def chunk(t, d): return struct.pack('>I', len(d))+t+d+struct.pack('>I', zlib.crc32(t+d))
    return b'\x89PNG\r\n\x1a\n'+chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, 8, 0, 0, 0, 0))+chunk(b'IDAT', zlib.compress(bytes(1000)))+chunk(b'IEND', b'')

def test_bomb_is_refused_before_decoding():
    with pytest.raises(PhotoError, match='megapixels'): open_photo(bomb(100_000, 100_000))
    with pytest.raises(PhotoError, match='13x1000 is more than 0.012999 megapixels'): open_photo(bomb(13, 1000), max_pixels=12_999)
    with pytest.raises(PhotoError, match='damaged|truncated'): open_photo(bomb(20_000, 10_000), max_pixels=300_000_000)  # raised: it is tried, and is cut short
    assert Image.MAX_IMAGE_PIXELS and Image.MAX_IMAGE_PIXELS < 10**8  # Pillow's own limit is back

def test_png_named_jpg_is_read_by_content(colorizer, gray, tmp_path):
    (tmp_path/'a.jpg').write_bytes(saved(Image.fromarray(gray), 'PNG'))
    assert Image.open(colorizer.colorize_file(tmp_path/'a.jpg')).size == (90,120)

@pytest.mark.parametrize('bad', [np.full((4,4), np.nan), np.full((4,4), 2.), np.zeros((0,5)), np.zeros((4,4,5)), np.zeros(7), np.zeros((2,2), complex), np.zeros((2,2), np.int64)])
def test_bad_arrays(colorizer, bad):
    with pytest.raises(PhotoError): colorizer.colorize(bad)

def test_pages_are_refused(gray, tmp_path):
    pages = [Image.fromarray(gray)]*3
    pages[0].save(tmp_path/'p.tif', save_all=True, append_images=pages[1:])
    with pytest.raises(PhotoError, match='3 pages'): open_photo(tmp_path/'p.tif')

def test_folder_goes_on(tmp_path, gray, capsys):
    src = tmp_path/'scans'; (src/'deep'/'er').mkdir(parents=True)
    good = Image.fromarray(gray)
    for n in ('a.jpg','a.png','deep/er/ü ñ 写真.png','-dash.webp','b.bmp','b.png'): good.save(src/n)
    (src/'zero.jpg').write_bytes(b''); (src/'cut.jpg').write_bytes(OLD_PHOTO.read_bytes()[:3000]); (src/'doc.pdf').write_bytes(b'%PDF')
    outside = tmp_path/'outside.png'; good.save(outside)
    (src/'link.png').symlink_to(outside); (src/'loop').symlink_to(src)
    assert colorize(path=[src], o=tmp_path/'out') == 1
    err = capsys.readouterr().err.splitlines()
    assert counts(err[-1]) == '6 colorized, 3 not photos, skipped, 2 failed'
    made = sorted(p.relative_to(tmp_path/'out').as_posix() for p in (tmp_path/'out').rglob('*') if p.is_file())
    assert made == sorted(['a.jpg','a.png','deep/er/ü ñ 写真.png','-dash.webp','b.bmp.png','b.png'])
    assert any('zero.jpg: the file is empty' in e for e in err) and any('cut.jpg' in e for e in err) and any('doc.pdf' in e for e in err)
    before = {p: p.read_bytes() for p in (tmp_path/'out').rglob('*') if p.is_file()}
    assert colorize(path=[src], o=tmp_path/'out', strength=0.) == 1
    assert before == {p: p.read_bytes() for p in (tmp_path/'out').rglob('*') if p.is_file()}

def test_results_beside_and_inside(tmp_path, gray):
    src = tmp_path/'s'; src.mkdir(); Image.fromarray(gray).save(src/'a.png')
    assert colorize(path=[src]) == 0 and colorize(path=[src]) == 0
    assert sorted(p.name for p in src.iterdir()) == ['a-color.png','a.png']
    (src/'a-color.png').unlink()
    for _ in range(2): assert colorize(path=[src], o=src/'out') == 0
    assert sorted(p.relative_to(src).as_posix() for p in src.rglob('*.png')) == ['a.png','out/a.png']

def test_the_input_is_never_overwritten(colorizer, tmp_path, gray):
    f = tmp_path/'a.png'; Image.fromarray(gray).save(f)
    raw = f.read_bytes()
    with pytest.raises(PhotoError, match='overwrite'): colorizer.colorize_file(f, f, overwrite=True)
    assert colorize(path=[tmp_path], o=tmp_path, overwrite=True) == 1 and f.read_bytes() == raw

def test_overwrite(colorizer, tmp_path):
    dst = tmp_path/'o.png'; dst.write_bytes(b'mine')
    colorizer.colorize_file(OLD_PHOTO, dst); assert dst.read_bytes() == b'mine'
    colorizer.colorize_file(OLD_PHOTO, dst, overwrite=True); assert Image.open(dst).size == Image.open(OLD_PHOTO).size

def test_unwritable_and_full(colorizer, tmp_path, monkeypatch, capsys):
    (tmp_path/'file').write_text('')
    assert colorize(path=[OLD_PHOTO], o=tmp_path/'file'/'sub') == 1
    assert 'failed' in capsys.readouterr().err
    old = tmp_path/'o.png'; old.write_bytes(b'before')
    def full(fd): raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    assert colorize(path=[OLD_PHOTO], o=old, overwrite=True) == 1
    assert 'No space left on device' in capsys.readouterr().err
    assert old.read_bytes() == b'before' and sorted(p.name for p in tmp_path.iterdir()) == ['file','o.png']

@pytest.mark.skipif(not Path('/dev/full').exists(), reason='no /dev/full here')
def test_a_full_device(tmp_path):
    from colorize_nb.files.atomic import write_file
    with pytest.raises(OSError):
        with open('/dev/full', 'wb') as f: f.write(b'x'); f.flush()
    class Here(type(Path())): pass
    with pytest.raises(OSError): write_file(tmp_path/'nowhere'/'x', b'x')

def test_out_of_memory_fails_loudly(gray, tmp_path, capsys):
    def run(L, hints): raise MemoryError
    c = Colorizer(run, Colorizer.from_pretrained().cfg)
    Image.fromarray(gray).save(tmp_path/'a.png')
    r = c.colorize_folder(tmp_path, tmp_path/'out')
    assert r.failed[0].reason == 'out of memory' and not (tmp_path/'out').exists()

def test_wrong_use(tmp_path, capsys):
    assert colorize(path=[OLD_PHOTO, OLD_PHOTO], o='x.jpg') == 2
    assert colorize(path=[OLD_PHOTO], model=str(tmp_path)) == 2
    assert colorize(path=[OLD_PHOTO], render_size=3) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
    assert colorize(path=[tmp_path/'none.jpg'], o=tmp_path/'o.png') == 1

def test_models_that_are_not_what_they_say(tmp_path):
    import json, shutil
    from colorize_nb.network.weights import MODELS
    cfg = json.loads((MODELS/'default.json').read_text())
    for s in ('onnx','safetensors'): shutil.copy(MODELS/f'default.{s}', tmp_path)
    def load(**kw): (tmp_path/'config.json').write_text(json.dumps(cfg|kw)); return Colorizer.from_pretrained(tmp_path)
    load()
    for kw in (dict(format=2), dict(out_scale=8), dict(files={}), dict(files={f'../{f}': h for f,h in cfg['files'].items()}), dict(render_size='big')):
        with pytest.raises(ModelError, match='config.json'): load(**kw)
    b = bytearray((tmp_path/'default.safetensors').read_bytes()); b[len(b)//2] ^= 1; (tmp_path/'default.safetensors').write_bytes(b)
    with pytest.raises(ModelError, match='default.safetensors: damaged'): load()
    (tmp_path/'default.safetensors').unlink()
    with pytest.raises(ModelError, match='No such file'): load()

def test_nothing_is_unpickled():
    root = Path(__file__).parents[1]/'colorize_nb'
    for f in root.glob('*.py'):
        src = f.read_text(encoding='utf-8')
        assert not re.search(r'import.*\bpickle|pickle\.|\bloads?_learner', src), f
        for line in src.splitlines():
            if 'torch.load(' in line: assert 'weights_only=True' in line, (f, line)
