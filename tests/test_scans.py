"""Scans as archives hold them: every depth, profile, orientation and caption is carried, or refused in a line that is true.
Right values come from exiftool, ImageMagick, libtiff's tools, tifffile, or are worked out by hand. tests/cases holds what cannot be made here."""
import io, json, shutil, struct, subprocess, zlib
from pathlib import Path
import numpy as np, pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin
from conftest import OLD_PHOTO, gray_level
from colorize_nb.color import lightness
from colorize_nb import Colorizer
from colorize_nb.files.depth import png16, tiff16
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.encode import encode
from colorize_nb.files.photo import Pages, open_photo
from colorize_nb.files.tags import read_exif, write_profile

CASES = Path(__file__).parent/'cases'

def saved(im, fmt, **kw):
    im.save(b := io.BytesIO(), fmt, **kw)
    return b.getvalue()

def tool(*args, **kw):
    "Return the output of a tool from Debian; skips where it is not installed"
    if not shutil.which(args[0]): pytest.skip(f'{args[0]} is missing: apt-get install libimage-exiftool-perl imagemagick libtiff-tools libopenjp2-tools libjpeg-turbo-progs')
    return subprocess.run([*map(str, args)], capture_output=True, check=True, **kw).stdout

def told(f, *args):
    "Return the tags that exiftool reads: group and name -> value"
    d = json.loads(tool('exiftool', '-j', '-G1', '-a', '-charset', 'utf8', *args, f))[0]
    return {k: v for k,v in d.items() if not k.startswith(('System', 'ExifTool', 'SourceFile', 'File:File', 'File:MIME', 'Composite'))}

def L(x): return lightness(np.asarray(x))
REFERENCE = L(Image.open(CASES/'00_reference.png').convert('L'))

@pytest.fixture(scope='module')
def paint(tmp_path_factory):
    "Colorize a file with the real model, small and fast; returns the path"
    c,d = Colorizer.from_pretrained(),tmp_path_factory.mktemp('out')
    def f(src, suffix=None, name=None):
        if isinstance(src, bytes): p = d/(name or 'in.bin'); p.write_bytes(src); src = p
        return c.colorize_file(src, d/f'{Path(src).stem}-out{suffix or Path(src).suffix}', overwrite=True, render_size=32)
    return f

@pytest.fixture
def deep16():
    "Return a smooth colour picture of 16 bits, in which the low bytes matter: (61,47,3)"
    y,x = np.mgrid[0:61,0:47]
    return np.stack([900*y+37*x, 40000-500*y+311*x, 20000+700*x+3*y], -1).astype(np.uint16)

# Pixels

def test_profile_in_full_depth():
    "16-bit gray with a dot gain of 20 %: the tone that lcms gives to its 8-bit copy"
    photo,control = open_photo(CASES/'03_gray16_dotgain20.tif'),open_photo(CASES/'03_gray8_dotgain20_control.tif')
    assert photo.pixels.dtype == np.uint16 and not photo.warnings
    d = np.abs(L(photo.pixels)-L(control.pixels))
    assert d.max() < .6 and d.mean() < .2 and 8 < (L(photo.pixels)-REFERENCE).mean() < 9  # half a level of 255

def test_profile_as_imagemagick_applies_it(tmp_path):
    from colorize_nb.files.icc import srgb_profile
    (tmp_path/'srgb.icc').write_bytes(srgb_profile())
    src = CASES/'03_gray16_dotgain20.tif'
    raw = tool('convert', src, '-profile', tmp_path/'srgb.icc', '-depth', '16', '-colorspace', 'sRGB', '-endian', 'LSB', 'rgb:-')
    want = np.frombuffer(raw, '<u2').reshape(160,123,3)[...,1]
    assert np.abs(open_photo(src).pixels.astype(int)-want).max() <= 80  # of 65535; lcms interpolates curves in its own way

@pytest.mark.parametrize('dtype', [np.uint16, np.float32])
def test_profile_of_deep_gray_and_colour(deep16, dtype):
    "A linear profile gives the values of sRGB's definition"
    from test_photos import linear_profile
    icc = linear_profile()
    def srgb(lin): return np.where(lin > 0.0031308, 1.055*lin**(1/2.4)-0.055, 12.92*lin)
    from colorize_nb.files.icc import deep_to_srgb
    for x in (deep16, deep16[...,1].copy()):
        got = deep_to_srgb(x if dtype == np.uint16 else (x/65535).astype(dtype), icc)
        assert got.dtype == dtype and np.abs(got/(65535 if dtype == np.uint16 else 1)-srgb(x/65535)).max() < 3e-4

def test_a_profile_without_curves_is_applied_in_8_bits(deep16):
    "A profile of colour tables is applied by lcms, with a warning"
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes().replace(b'rTRC', b'xTRC')
    photo = open_photo(png16(deep16, icc_profile=lab))
    assert photo.warnings and 'profile' in photo.warnings[0]

def test_the_curve_decides_and_not_the_name():
    a,b = (open_photo(CASES/f'04_linear_{n}.png') for n in ('srgb','control'))
    assert (a.pixels == b.pixels).all() and np.abs(L(a.pixels)-REFERENCE).mean() < .5

@pytest.mark.parametrize('bits', [2, 4, 9, 10, 12, 14, 16])
@pytest.mark.parametrize('invert', [False, True])
def test_odd_depths(tmp_path, bits, invert):
    "Gray of every depth is read to the last bit, with black or white as zero"
    w,h = 37,23
    x = (np.arange(w*h).reshape(h,w)*2654435761 >> 7) % 2**bits
    x[0,:2] = 0,2**bits-1
    stored = 2**bits-1-x if invert else x
    rows = [int(''.join(f'{v:0{bits}b}' for v in r).ljust((w*bits+7)//8*8, '0'), 2).to_bytes((w*bits+7)//8, 'big') for r in stored.tolist()]
    raw = b''.join(rows)
    entries = [(256,4,w), (257,4,h), (258,3,bits), (259,3,1), (262,3,0 if invert else 1), (273,4,8), (277,3,1), (278,4,h), (279,4,len(raw))]
    ifd = struct.pack('>H', len(entries))+b''.join(struct.pack('>HHI', t, k, 1)+(struct.pack('>HH', v, 0) if k == 3 else struct.pack('>I', v)) for t,k,v in entries)+bytes(4)
    f = tmp_path/'x.tif'; f.write_bytes(b'MM\0*'+struct.pack('>I', 8+len(raw)+len(raw)%2)+raw+bytes(len(raw)%2)+ifd)
    px = open_photo(f).pixels
    assert np.abs(px/np.iinfo(px.dtype).max-x/(2**bits-1)).max() < 1e-5 if bits > 8 else (px == x*(255//(2**bits-1))).all()

def test_12_bits_as_ImageMagick_reads_them():
    photo = open_photo(CASES/'07_gray12.tif')
    want = np.frombuffer(tool('convert', CASES/'07_gray12.tif', '-depth', '16', '-endian', 'LSB', 'gray:-'), '<u2').reshape(photo.pixels.shape)
    assert np.abs(photo.pixels.astype(int)-want).max() <= 1 and np.abs(L(photo.pixels)-REFERENCE).max() < .05

@pytest.mark.parametrize('options', ['', '-c lzw', '-c lzw:2', '-c zip', '-c zip:2', '-c packbits', '-t -w 16 -l 16', '-t -w 32 -l 16 -c zip:2', '-r 7 -c lzw', '-B', '-B -c zip:2', '-L -c lzw', '-8', '-8 -c zip:2 -B'])
def test_16_bit_colour_in_every_layout(tmp_path, deep16, options):
    "Every layout that libtiff's tiffcp writes is read: compressions, differences, tiles, planes, byte orders, BigTIFF"
    (tmp_path/'a.tif').write_bytes(tiff16(deep16, packed=False))
    tool('tiffcp', *options.split(), tmp_path/'a.tif', tmp_path/'b.tif')
    photo = open_photo(tmp_path/'b.tif')
    assert photo.pixels.dtype == np.uint16 and (photo.pixels == deep16).all()

@pytest.mark.parametrize('options', ['none', 'lzw', 'zip'])
@pytest.mark.parametrize('order', ['LSB', 'MSB'])
def test_16_bit_planes(tmp_path, deep16, options, order):
    "Channels that ImageMagick writes one after the other are read"
    (tmp_path/'a.tif').write_bytes(tiff16(deep16, packed=False))
    tool('convert', tmp_path/'a.tif', '-interlace', 'plane', '-compress', options, '-define', f'tiff:endian={order}', tmp_path/'b.tif')
    assert b'separate' in tool('tiffinfo', tmp_path/'b.tif') and (open_photo(tmp_path/'b.tif').pixels == deep16).all()

@pytest.mark.parametrize('shape', ['half', 'single', 'double', 'half colour', 'colour', 'colour alpha', 'gray alpha 16'])
@pytest.mark.parametrize('kw', [{}, dict(compression='zlib'), dict(compression='zlib', predictor=True), dict(byteorder='>'), dict(tile=(16,16))], ids=str)
def test_floats_and_alpha_as_tifffile_writes_them(tmp_path, deep16, shape, kw):
    tifffile = pytest.importorskip('tifffile', reason='comes with scikit-image: the train extra')
    kind = {'half':np.float16, 'half colour':np.float16, 'double':np.float64, 'gray alpha 16':np.uint16}.get(shape, np.float32)
    if kw.get('predictor') and kind == np.float16: pytest.skip('tifffile has no such predictor')
    x = deep16 if kind == np.uint16 else (deep16/65535).astype(kind)
    full = 65535 if kind == np.uint16 else 1
    a = np.dstack([x, np.full(x.shape[:2], full//2 or .5, kind)]) if 'alpha' in shape else x
    a = a[...,[1,3]] if shape == 'gray alpha 16' else a if 'colour' in shape else a[...,1]
    kw = dict(kw, photometric='rgb' if 'colour' in shape else 'minisblack')|(dict(extrasamples=['unassalpha']) if 'alpha' in shape else {})
    if 'colour' in shape or 'alpha' in shape: kw['planarconfig'] = 'contig'
    try: tifffile.imwrite(tmp_path/'a.tif', a, **kw)
    except (KeyError, ValueError) as e:
        if 'imagecodecs' not in str(e): raise
        pytest.skip('tifffile needs imagecodecs for it')
    photo = open_photo(tmp_path/'a.tif')
    want = x if 'colour' in shape else x[...,1]
    assert photo.pixels.shape == want.shape and np.abs(photo.pixels.astype(float)-want).max() <= 1e-6*full
    if 'alpha' in shape: assert np.abs(np.asarray(photo.alpha).astype(int)-128).max() <= 1 and np.abs(photo.alpha16.astype(int)-32767).max() <= 1

def float_tiff(a, **kw): return saved(Image.fromarray(a.astype(np.float32)), 'TIFF', **kw)

def test_float_a_little_out_of_range():
    g = np.random.default_rng(0).uniform(0, 1, (90,110))
    for lo,hi,few in ((0, 1.02, 5), (-.001, 1, 9), (-3, 1, 2), (0, 7, 40), (0, 300, 3)):
        a = g.copy(); a.ravel()[:few] = hi; a.ravel()[few:2*few] = lo
        photo = open_photo(float_tiff(a))
        assert np.abs(photo.pixels-np.clip(a, 0, 1)).max() < 1e-6 and 'clipped to [0,1]' in photo.warnings[0]
    assert np.abs(open_photo(float_tiff(g*255)).pixels-g).max() < 1e-6
    for bad in (g*1e6, g-.5):
        with pytest.raises(PhotoError, match='float pixels must lie'): open_photo(float_tiff(bad))

def test_key_colours_of_16_bits(tmp_path):
    "A transparent level or colour of a deep PNG becomes the alpha that ImageMagick reads"
    g = np.arange(0, 60000, 1000, dtype=np.uint16).reshape(6,10)
    Image.fromarray(g).save(tmp_path/'g.png', transparency=5000)
    raw = bytearray(png16(np.dstack([g, g, g[::-1]])))
    at = raw.index(b'IDAT')-4; d = struct.pack('>HHH', *(int(c[2,3]) for c in (g, g, g[::-1])))
    raw[at:at] = struct.pack('>I', 6)+b'tRNS'+d+struct.pack('>I', zlib.crc32(b'tRNS'+d))
    (tmp_path/'c.png').write_bytes(raw)
    for n in 'gc':
        photo = open_photo(tmp_path/f'{n}.png')
        want = np.frombuffer(tool('convert', tmp_path/f'{n}.png', '-alpha', 'extract', '-depth', '8', 'gray:-'), np.uint8).reshape(6,10)
        assert photo.pixels.dtype == np.uint16 and (np.asarray(photo.alpha) == want).all() and (want == 0).sum() == 1

@pytest.mark.parametrize('kind', ['rgb', 'rgba', 'graya'])
@pytest.mark.parametrize('interlace', ['none', 'PNG'])
def test_16_bit_png_as_imagemagick_writes_it(tmp_path, deep16, kind, interlace):
    rgba = np.dstack([deep16, (deep16[...,0] >> 1)+77])
    px,alpha = ((deep16[...,1],rgba[...,3]) if kind == 'graya' else (deep16,rgba[...,3] if kind == 'rgba' else None))
    (tmp_path/'a.tif').write_bytes(tiff16(rgba if kind == 'rgba' else deep16) if kind != 'graya' else tiff16(np.dstack([px, px, px, alpha])))
    kw = ['-define', 'png:color-type=4'] if kind == 'graya' else []
    tool('convert', tmp_path/'a.tif', '-depth', '16', *kw, '-interlace', interlace, tmp_path/'a.png')
    photo = open_photo(tmp_path/'a.png')
    assert photo.pixels.dtype == np.uint16 and (photo.pixels == px).all()
    if alpha is not None: assert (photo.alpha16 == alpha).all() and np.abs(np.asarray(photo.alpha)-alpha/257).max() <= .5

@pytest.mark.parametrize('suffix', ['.png', '.tif'])
@pytest.mark.parametrize('compression', ['raw', 'tiff_lzw'])
def test_16_bits_in_16_bits_out(paint, tmp_path, suffix, compression):
    "ImageMagick reads every pixel of the result within one 8-bit level of the gray, and more tones than 8 bits have"
    g = np.asarray(Image.open(OLD_PHOTO).convert('L').resize((120,150)), np.uint16)*257+np.arange(120, dtype=np.uint16)
    src = tmp_path/'a.tif'; Image.fromarray(g).save(src, compression=compression)
    out = paint(src, suffix)
    px = np.frombuffer(tool('convert', out, '-depth', '16', '-endian', 'LSB', 'rgb:-'), '<u2').reshape(150,120,3)
    assert b'16' in tool('identify', '-format', '%z', out)
    assert np.abs(gray_level(px/257.)-g/257).max() < .35 and len(np.unique(px[...,1])) > 3000
    assert np.ptp(px.astype(int), axis=2).mean() > 5*257  # it did colorize
    if suffix == '.tif': assert Image.open(out).info['compression'] == ('raw' if compression == 'raw' else 'tiff_adobe_deflate')

def test_16_bits_without_colour_are_the_same_bits(colorizer, tmp_path, deep16):
    g = np.arange(65536, dtype=np.uint16).reshape(256,256)
    Image.fromarray(g).save(tmp_path/'a.png')
    px = open_photo(colorizer.colorize_file(tmp_path/'a.png', tmp_path/'b.png', strength=0.)).pixels
    assert np.abs(px.astype(int)-(g if px.ndim == 2 else g[...,None])).max() <= 1
    assert np.abs(open_photo(deep16).picture().getpixel((7,9))-deep16[9,7]/257).max() <= .5  # rounded, not cut

def test_alpha_of_16_bits_is_kept(paint, tmp_path, deep16):
    alpha = (deep16[...,0] >> 1)+77
    for suffix,write in (('.png', png16), ('.tif', tiff16)):
        src = tmp_path/f'a{suffix}'; src.write_bytes(write(np.dstack([deep16, alpha])))
        assert (open_photo(paint(src)).alpha16 == alpha).all()

def test_multiplied_alpha_is_divided(tmp_path):
    "Premultiplied colours of 16 bits are un-premultiplied"
    px = np.full((9,9,3), (50000,30000,10000), np.uint16); alpha = np.full((9,9), 16384, np.uint16)
    raw = bytearray(tiff16(np.dstack([(px.astype(np.int64)*16384//65535).astype(np.uint16), alpha]), packed=False))
    at = raw.index(struct.pack('<HHI', 338, 3, 1)); raw[at+8] = 1
    (tmp_path/'a.tif').write_bytes(raw)
    assert np.abs(open_photo(tmp_path/'a.tif').pixels.astype(int)-px).max() <= 4

def test_what_no_tiff_reader_here_knows_is_said(tmp_path, deep16):
    raw = bytearray(tiff16(deep16, packed=False))
    at = raw.index(struct.pack('<HHI', 262, 3, 1)); raw[at+8] = 7  # nothing
    with pytest.raises(PhotoError, match=r'^this kind of TIFF is not supported \(47x61, 3 samples of 16 bits, colours number 7, compression raw\)$'): open_photo(bytes(raw))

# JPEG

@pytest.mark.parametrize('kw', [{}, dict(progressive=True), dict(restart_marker_rows=1), dict(subsampling=0)], ids=str)
def test_a_jpeg_without_its_end(kw):
    im = Image.open(OLD_PHOTO).convert('RGB').resize((121,83)).quantize(64).convert('RGB')
    b = saved(im, 'JPEG', **kw); want = open_photo(b).pixels
    for cut in (1, 2):
        photo = open_photo(b[:-cut])
        assert (photo.pixels == want).all() and 'the picture is complete' in photo.warnings[0]
    n = 0
    for cut in (*range(4, 40), len(b)//3, len(b)//2):
        try: px = open_photo(b[:-cut]).pixels
        except PhotoError: n += 1
        else: assert (px == want).all()
    assert n > 30
    assert open_photo(CASES/'19_no_end_marker.jpg').pixels.shape == (160,123)

# Metadata

def test_exif_in_a_compressed_tiff(paint, capfd):
    src = CASES/'01_exif_in_lzw.tif'
    out = paint(src)
    a,b = told(src),told(out)
    exif = {k: v for k,v in a.items() if k.startswith(('ExifIFD','GPS','InteropIFD'))}
    assert exif and {k: v for k,v in b.items() if k in exif} == exif
    assert Image.open(out).info['compression'] == 'tiff_lzw' and not capfd.readouterr().err

def test_exif_of_a_jpeg_in_a_tiff(paint):
    a,b = told(CASES/'09_utf8_caption.jpg'),told(paint(CASES/'09_utf8_caption.jpg', '.tif'))
    for k in a:
        if k.startswith(('ExifIFD','GPS','InteropIFD')) or k in ('IFD0:ImageDescription','IFD0:Artist','IFD0:Copyright','IFD0:XPTitle'): assert b[k] == a[k], k

@pytest.mark.slow
@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.tif'])
def test_captions_keep_their_bytes(paint, suffix):
    src = CASES/'09_utf8_caption.jpg'
    out = paint(src, suffix)
    a,b = told(src),told(out)
    names = [k for k in a if k.startswith(('ExifIFD','GPS','InteropIFD')) or k.split(':')[1] in ('ImageDescription','Artist','Copyright','XPTitle')]
    assert len(names) > 8 and {k: b.get(k) for k in names} == {k: a[k] for k in names}
    said = [set(tool('exiftool', '-validate', '-warning', '-error', '-a', '-s3', f).decode().splitlines()) for f in (src, out)]
    new = {s for s in said[1]-said[0] if not s.startswith(('OK', 'Warnings')) and not s[0].isdigit()}
    assert suffix != '.jpg' or not new, new  # other formats have other rules

def test_orders_of_bytes(paint, tmp_path):
    "EXIF in Motorola's byte order is carried into a TIFF in Intel's"
    exif = Image.Exif(); exif.endian = '>'
    exif[ExifTags.Base.Artist] = 'Lange'; exif[282],exif[283],exif[296] = 300.5,150.25,2
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 1/60
    exif[ExifTags.IFD.Exif] = exif.get_ifd(ExifTags.IFD.Exif)
    b = exif.tobytes(); assert b[6:8] in (b'MM', b'II')
    Image.new('L', (40,30)).save(tmp_path/'m.jpg', exif=b)
    d = told(paint(tmp_path/'m.jpg', '.tif'), '-n')
    assert d['IFD0:Artist'] == 'Lange' and abs(d['ExifIFD:ExposureTime']-1/60) < 1e-6 and (d['IFD0:XResolution'],d['IFD0:YResolution']) == (300.5,150.25)

@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.webp', '.tif'])
def test_every_copy_of_the_orientation_is_reset(paint, suffix):
    src = CASES/'02_exif6_xmp6.jpg'
    assert {v for k,v in told(src, '-n').items() if k.endswith(':Orientation')} == {6}
    out = paint(src, suffix)
    assert {v for k,v in told(out, '-n').items() if k.endswith(':Orientation')} <= {1}
    assert Image.open(out).size == (123,160) and np.abs(L(open_photo(out).pixels)-REFERENCE).mean() < 2

@pytest.mark.slow
@pytest.mark.parametrize('kind', ['exif', 'APP1'])
@pytest.mark.parametrize('suffix', ['.jpg', '.png', '.tif'])
def test_orientation_in_a_raw_profile(paint, tmp_path, kind, suffix):
    exif = Image.Exif(); exif[ExifTags.Base.Orientation] = 6; exif[ExifTags.Base.Artist] = 'Lange'
    png = PngImagePlugin.PngInfo(); png.add_text(f'Raw profile type {kind}', write_profile(kind, exif.tobytes()), zip=True)
    src = tmp_path/'raw.png'; Image.new('L', (40,30)).save(src, pnginfo=png)
    assert 6 in told(src, '-n').values()
    out = paint(src, suffix)
    d = told(out, '-n')
    assert d['IFD0:Artist'] == 'Lange' and not [k for k,v in d.items() if k.endswith('Orientation') and v != 1] and b'Raw profile type e' not in out.read_bytes()
    assert Image.open(out).size == ((30,40) if kind == 'exif' else (40,30))  # Pillow turns by `exif` only

def test_iptc_and_comments(paint, tmp_path):
    src = tmp_path/'cap.jpg'; Image.new('RGB', (40,30), (90,80,70)).save(src)
    tool('exiftool', '-q', '-overwrite_original', '-IPTC:Caption-Abstract=Pea pickers, Nipomo', '-IPTC:Keywords=migrant', '-IPTC:Keywords=1936', '-Comment=scanned twice', src)
    for suffix in ('.jpg', '.png', '.tif'):
        d = told(paint(src, suffix))
        assert d['IPTC:Caption-Abstract'] == 'Pea pickers, Nipomo' and [str(k) for k in d['IPTC:Keywords']] == ['migrant','1936'], suffix
        assert suffix == '.tif' or 'scanned twice' in d.values()
    for suffix,lost in (('.webp', {'comment left out','IPTC captions left out'}), ('.tif', {'comment left out'}), ('.jpg', set())):
        photo = open_photo(src); encode(Image.new('RGB', (9,9)), {'.webp':'WEBP', '.tif':'TIFF', '.jpg':'JPEG'}[suffix], photo)
        assert set(photo.warnings) == lost
    t = tmp_path/'cap.tif'; Image.new('RGB', (40,30)).save(t)
    tool('exiftool', '-q', '-overwrite_original', '-IPTC:Caption-Abstract=Pea pickers', t)
    for suffix in ('.tif', '.jpg'): assert told(paint(t, suffix))['IPTC:Caption-Abstract'] == 'Pea pickers'

def test_metadata_that_is_too_large(paint, tmp_path):
    "The picture is written with the metadata that fit, and a warning"
    im = Image.new('RGB', (40,30), (90,80,70))
    png = PngImagePlugin.PngInfo(); png.add_itxt('XML:com.adobe.xmp', '<x:xmpmeta>'+'a'*1_300_000, zip=True); png.add_text('Title', 'Mother')
    im.save(tmp_path/'x.png', pnginfo=png)
    photo = open_photo(tmp_path/'x.png')
    assert 'left out' in photo.warnings[0] and photo.text == [('Title', 'Mother')] and photo.pixels.shape == (30,40,3)
    late = bytearray((tmp_path/'x.png').read_bytes()); d = b'Late\0\0'+zlib.compress(bytes(2**21)); at = late.rindex(b'IEND')-4
    late[at:at] = struct.pack('>I', len(d))+b'zTXt'+d+struct.pack('>I', zlib.crc32(b'zTXt'+d))
    assert '2 texts' in open_photo(bytes(late)).warnings[0]
    xmp = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
           b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="'+b'x'*65000+b'"/></rdf:RDF></x:xmpmeta>')
    im.save(tmp_path/'x.jpg', xmp=xmp)
    out = paint(tmp_path/'x.jpg')
    assert b'colorize_nb:model' in out.read_bytes() and Image.open(out).size == (40,30)
    padded = xmp.replace(b'x'*65000, b'kept')+b' '*65000
    im.save(tmp_path/'y.jpg', xmp=padded)
    assert b'dc:source="kept"' in (raw := paint(tmp_path/'y.jpg').read_bytes()) and b'colorize_nb:model' in raw
    exif = Image.Exif(); exif[ExifTags.Base.Artist] = 'Lange'; exif[700] = b''; exif.get_ifd(ExifTags.IFD.Exif)[37500] = bytes(70000)
    exif[ExifTags.IFD.Exif] = exif.get_ifd(ExifTags.IFD.Exif)
    im.save(tmp_path/'e.png', exif=exif)
    assert told(paint(tmp_path/'e.png', '.jpg'))['IFD0:Artist'] == 'Lange'

@pytest.mark.slow
def test_resolution_as_it_was(paint, tmp_path):
    im = Image.new('RGB', (40,30), (90,80,70))
    def dpi(f): d = told(f, '-n'); return [round(float(v)) for k,v in sorted(d.items()) if k.endswith(('XResolution','YResolution')) and not k.startswith(('PNG','Photo'))]
    for suffix in ('.jpg', '.tif'):
        im.save(tmp_path/f'none{suffix}'); src = tmp_path/f'none{suffix}'
        for out in ('.jpg', '.tif', '.png'):
            photo = open_photo(paint(src, out)); assert photo.dpi is None, (suffix, out)
    exif = Image.Exif(); exif[ExifTags.Base.Orientation] = 6; exif[282],exif[283],exif[296] = 300.,150.,2
    for src in ('t.jpg', 't.tif', 't.png'):
        im.save(tmp_path/src, exif=exif, dpi=(300,150))
        for out in ('.jpg', '.tif', '.png'):
            p = paint(tmp_path/src, out)
            assert [round(d) for d in open_photo(p).dpi] == [150,300], (src, out)
            assert [*zip(*[iter(dpi(p))]*2)] in ([(150,300)], [(150,300)]*2, []), (src, out, dpi(p))
    im.save(tmp_path/'cm.tif', resolution_unit=3, x_resolution=118.11, y_resolution=118.11)
    d = told(paint(tmp_path/'cm.tif'))
    assert d['IFD0:ResolutionUnit'] == 'cm' and abs(d['IFD0:XResolution']-118.11) < .01

# Pages and names

def test_a_thumbnail_is_no_page(paint, tmp_path):
    src = CASES/'24_with_thumbnail_page.tif'
    assert tool('tiffinfo', src).count(b'TIFF Directory') == 2
    assert len(Pages(src)) == 1 and np.abs(L(open_photo(src).pixels)-REFERENCE).max() < .01
    assert tool('tiffinfo', paint(src, '.png') and paint(src)).count(b'TIFF Directory') == 1
    pages = [Image.new('L', (40,30), n) for n in (10, 20, 30)]
    pages[0].save(tmp_path/'a.tif', save_all=True, append_images=pages[1:])
    raw = bytearray((tmp_path/'a.tif').read_bytes())
    assert [int(p.pixels[0,0]) for p in Pages(bytes(raw))] == [10,20,30]

def test_metadata_of_every_page(paint, tmp_path):
    "A later page keeps its EXIF"
    exif = Image.Exif(); exif[ExifTags.Base.Artist] = 'Lange'
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = '1936:02:01 12:00:00'
    exif[ExifTags.IFD.Exif] = exif.get_ifd(ExifTags.IFD.Exif)
    from colorize_nb.files.depth import join_pages
    src = tmp_path/'album.tif'
    src.write_bytes(join_pages(saved(Image.new('L', (40,30), n), 'TIFF', exif=exif) for n in (10, 20)))
    for f in (src, paint(src)):
        d = json.loads(tool('exiftool', '-j', '-G1', '-a', '-n', f))[0]
        assert [k for k in d if k.endswith(':Artist')] == ['IFD0:Artist','IFD1:Artist']
        assert [p.exif != b'' and read_exif(p.exif)[0][34665][36867].data for p in Pages(f)] == [b'1936:02:01 12:00:00\0']*2

@pytest.mark.parametrize('name', ['a.jfif', 'a.jp2', 'a.avif'])
def test_more_suffixes(colorizer, tmp_path, gray, name):
    from PIL import features
    fmt = {'a.jfif':'JPEG', 'a.jp2':'JPEG2000', 'a.avif':'AVIF'}[name]
    if fmt == 'AVIF' and not features.check('avif'): pytest.skip('this Pillow has no AVIF')
    (tmp_path/'s').mkdir(); Image.fromarray(gray).convert('RGB').save(tmp_path/'s'/name, fmt)
    report = colorizer.colorize_folder(tmp_path/'s', tmp_path/'o', render_size=32)
    assert not report.failed and [p.name for p in (tmp_path/'o').iterdir()] == [{'a.jfif':'a.jpg', 'a.jp2':'a.png', 'a.avif':'a.jpg'}[name]]
    out = Image.open(next((tmp_path/'o').iterdir()))
    assert out.format == {'a.jfif':'JPEG', 'a.jp2':'PNG', 'a.avif':'JPEG'}[name] and np.percentile(np.abs(gray_level(np.asarray(out))-np.asarray(open_photo(tmp_path/'s'/name).picture())[...,0]), 99) <= 12

def test_jpeg_2000():
    assert np.abs(L(open_photo(CASES/'17_photo.jp2').pixels)-REFERENCE).mean() < .5

def test_a_transparent_png_named_jpg(colorizer, tmp_path, gray):
    (tmp_path/'s').mkdir()
    alpha = np.where(np.arange(90)[None] < 45, 0, 255).astype(np.uint8)*np.ones((120,1), np.uint8)
    Image.fromarray(np.dstack([gray]*3+[alpha])).save(tmp_path/'s'/'a.jpg', 'PNG')
    report = colorizer.colorize_folder(tmp_path/'s', tmp_path/'o', render_size=32)
    assert not report.failed and 'laid on white' in report.rows[0].warnings[0]
    out = np.asarray(Image.open(tmp_path/'o'/'a.jpg'))
    assert out[:,:40].min() > 240 and np.percentile(np.abs(gray_level(out)[:,50:]-gray[:,50:]), 99) <= 12

def test_wide_pictures_to_jpeg(colorizer, tmp_path):
    Image.new('L', (66000,2), 99).save(tmp_path/'w.png')
    with pytest.raises(PhotoError, match='66000x2 does not fit into a JPEG, whose sides end at 65,500'): colorizer.colorize_file(tmp_path/'w.png', tmp_path/'w.jpg')
    with pytest.raises(PhotoError, match='does not fit into a WEBP'): colorizer.colorize_file(tmp_path/'w.png', tmp_path/'w.webp')
    assert Image.open(colorizer.colorize_file(tmp_path/'w.png', tmp_path/'v.png')).size == (66000,2)

def test_no_library_writes_to_the_terminal(capfd, gray):
    raw,rng = saved(Image.fromarray(gray), 'TIFF', compression='tiff_lzw'),np.random.default_rng(0)
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for _ in range(300):
            b = bytearray(raw)
            for i in rng.integers(8, len(b), 6): b[i] = rng.integers(256)
            try: open_photo(bytes(b), max_pixels=10**6)
            except PhotoError as e: assert '\n' not in str(e)
    got = capfd.readouterr()
    assert not got.err and not got.out
