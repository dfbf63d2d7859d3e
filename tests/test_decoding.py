"""What Pillow decodes wrongly, or passes over: depths of JPEG 2000, transparency of PNGs, colours by numbers, lossless WebP, damage that libjpeg only warns of.
Right values come from OpenJPEG's, libjpeg's and ImageMagick's tools, or are worked out by hand. tests/cases holds what cannot be made here."""
import io, shutil, struct, subprocess, zlib
from pathlib import Path
import numpy as np, pytest
from PIL import Image, features
from colorize_nb.batch.names import out_name
from colorize_nb.files.boxes import webp_lossless
from colorize_nb.color import lightness
from colorize_nb.files.icc import primary_matrix, srgb_profile
from colorize_nb.files.jpeg import jpeg_damaged, _libtiff
from colorize_nb.files.depth import join_pages
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.encode import encode
from colorize_nb.files.photo import Pages, open_photo
from conftest import OLD_PHOTO
from test_scans import CASES, saved, tool

def chunk(kind, d): return struct.pack('>I', len(d))+kind+d+struct.pack('>I', zlib.crc32(kind+d))

def png(a, bits, color=0, *chunks):
    "A PNG of `(h,w)` or `(h,w,n)`, with more chunks behind its head"
    def packed(row):
        if bits >= 8: return row.astype('>u2' if bits == 16 else np.uint8).tobytes()
        return np.packbits((row[:,None] >> np.arange(bits)[::-1] & 1).astype(np.uint8).ravel()).tobytes()
    rows = b''.join(b'\0'+packed(r) for r in a.reshape(len(a), -1))
    head = struct.pack('>IIBBBBB', a.shape[1], len(a), bits, color, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n'+chunk(b'IHDR', head)+b''.join(chunks)+chunk(b'IDAT', zlib.compress(rows))+chunk(b'IEND', b'')

def levels(lin):
    "L* of linear light, on a scale of 255"
    return np.where(lin > 216/24389, 116*np.cbrt(lin)-16, 24389/27*lin)*2.55

def L(photo): return lightness(photo.pixels)*2.55

# PNG

@pytest.mark.parametrize('bits', [1, 2, 4, 8, 16])
def test_transparent_level_of_gray(bits):
    "Exactly the pixels of that level are transparent, in every depth"
    most = 2**bits-1
    a = np.random.default_rng(0).integers(0, most+1, (9,13))
    for key in {0, most, most//2, int(a[4,4])}:
        p = open_photo(png(a, bits, 0, chunk(b'tRNS', struct.pack('>H', key))))
        assert (np.asarray(p.alpha) == np.where(a == key, 0, 255)).all()
        assert np.abs(p.pixels/(65535 if bits == 16 else 255)-a/most).max() < 1e-6

@pytest.mark.parametrize('bits', [8, 16])
def test_transparent_colour(bits):
    a = np.random.default_rng(0).integers(0, 2**bits, (9,13,3))
    p = open_photo(png(a, bits, 2, chunk(b'tRNS', struct.pack('>3H', *a[4,4]))))
    assert (np.asarray(p.alpha) == np.where((a == a[4,4]).all(2), 0, 255)).all() and (p.pixels == a).all()

def test_linear_light_by_cicp():
    p,raw = open_photo(CASES/'second_20_cicp_linear.png'),np.asarray(Image.open(CASES/'second_20_cicp_linear.png'))/65535
    assert np.abs(L(p)-levels(raw)).max() < .1 and not p.warnings

RAMP = np.linspace(0, 65535, 900).round().astype(int).reshape(30,30)
def tagged(*chunks, a=RAMP, bits=16): return open_photo(png(a, bits, 0, *chunks))

@pytest.mark.parametrize('what,lin', [(chunk(b'cICP', b'\1\4\0\1'), lambda x: x**2.2), (chunk(b'cICP', b'\1\5\0\1'), lambda x: x**2.8), (chunk(b'cICP', b'\x09\x08\0\1'), lambda x: x),
    (chunk(b'cICP', b'\1\x11\0\1'), lambda x: np.minimum(x**2.6*52.37/48, 1)), (chunk(b'gAMA', struct.pack('>I', 100000)), lambda x: x), (chunk(b'gAMA', struct.pack('>I', 55556)), lambda x: x**1.8),
    (chunk(b'cICP', b'\1\x08\0\1')+chunk(b'gAMA', struct.pack('>I', 45455)), lambda x: x)])
def test_curves_by_numbers(what, lin):
    for bits,a in ((16, RAMP), (8, RAMP//257)):
        p = tagged(what, a=a, bits=bits)
        assert np.abs(L(p)-levels(lin(a/(2**bits-1)))).max() < (.2 if bits == 16 else 1.5) and not p.warnings

def test_numbers_that_change_nothing():
    "sRGB's own, the usual exponent, video's curves; a profile counts more than an exponent, sRGB's chunk as well"
    icc = b'x\0\0'+zlib.compress(srgb_profile())
    linear = chunk(b'gAMA', struct.pack('>I', 100000))
    for c in (chunk(b'cICP', b'\1\x0d\0\1'), chunk(b'cICP', b'\1\1\0\1'), chunk(b'gAMA', struct.pack('>I', 45455)), chunk(b'sRGB', b'\0')+linear, chunk(b'iCCP', icc)+linear):
        p = tagged(c)
        assert (p.pixels == RAMP).all() and not p.warnings
    p = tagged(chunk(b'cICP', b'\x63\x08\0\1'))
    assert (p.pixels == RAMP).all() and p.warnings == ['the colour numbers 99/8 are not known: read as sRGB']

def test_narrow_range():
    "With the range of video 16 is black and 235 white"
    p = tagged(chunk(b'cICP', b'\1\x0d\0\0'), a=np.arange(256)[None], bits=8)
    assert np.abs(p.pixels[0]-np.clip((np.arange(256)-16)/219*255, 0, 255)).max() < 1.1

def test_primaries():
    "Display P3's red is outside of sRGB, its white is white, and half of both is worked out by hand"
    a = np.array([[[255,255,255], [128,128,128], [255,0,0], [128,100,100]]])
    got = open_photo(png(a, 8, 2, chunk(b'cICP', b'\x0c\x0d\0\1'))).pixels[0]
    assert got[0].tolist() == [255]*3 and np.abs(got[1].astype(int)-128).max() <= 1 and got[2].tolist()[0] == 255
    lin = ((a[0,3]/255+.055)/1.055)**2.4
    want = np.array([[1.2249,-.2247,0], [-.0420,1.0419,0], [-.0197,-.0786,1.0979]])@lin  # of CSS Color 4
    assert np.abs(got[3]-(1.055*want**(1/2.4)-.055)*255).max() < 1.1

@pytest.mark.parametrize('number,name,white', [(16,'PQ',.5806), (18,'HLG',.75)])
def test_brighter_than_white(number, name, white):
    "203 nits come near to white; the tone rises all the way, and it is said"
    p = tagged(chunk(b'cICP', bytes([9,number,0,1])))
    v = p.pixels.ravel().astype(int)
    assert (np.diff(v) >= 0).all() and v[-1] > 65000 and .90 < v[int(white*899)]/65535 < .96 and p.warnings == [f'brighter than white ({name}): compressed into sRGB']

def test_primary_matrix_is_srgbs():
    assert np.abs(np.linalg.inv(primary_matrix((.64,.33, .3,.6, .15,.06, .3127,.329)))@(.9642,1,.8249)-1).max() < 1e-4

# AVIF and HEIF

needs_avif = pytest.mark.skipif(not features.check('avif'), reason='this Pillow has no AVIF')

@needs_avif
def test_linear_light_of_an_avif():
    "Of 12 bits Pillow gives 8, which is said; so the darkest are off by half a level of 255 in light, five in lightness"
    p,q = open_photo(CASES/'second_21_cicp_linear.avif'),open_photo(CASES/'second_20_cicp_linear.png')
    d = np.abs(L(p)-L(q))
    assert d.max() < 6 and d.mean() < .6 and p.warnings == ['depth left out: 8 of 12 bits are read']
    encode(p.picture(), 'PNG', p)
    assert len(p.warnings) == 1

@needs_avif
@pytest.mark.parametrize('mode', ['L', 'RGB', 'RGBA'])
@pytest.mark.parametrize('range', ['full', 'limited'])
def test_range_of_an_avif(mode, range):
    a = np.tile(np.arange(256, dtype=np.uint8), (64,1))
    p = open_photo(saved(Image.fromarray(a).convert(mode), 'AVIF', quality=100, range=range))
    assert np.abs(p.pixels.astype(int)-a).max() <= 1 and not p.warnings

def test_linear_light_of_a_heif():
    heif = pytest.importorskip('pillow_heif', reason='needs the extra heic')
    a = np.tile(np.arange(256, dtype=np.uint8), (64,1))
    kw = dict(quality=-1, chroma=444, save_nclx_profile=True, color_primaries=1, transfer_characteristics=8, matrix_coefficients=6, full_range_flag=1)
    heif.from_pillow(Image.fromarray(a).convert('RGB')).save(b := io.BytesIO(), **kw)
    assert np.abs(L(open_photo(b.getvalue()))-levels(a/255)).max() < 1.5

# JPEG 2000

@pytest.mark.parametrize('whole', [True, False], ids=['5/3', '9/7'])
@pytest.mark.parametrize('n', [1, 2, 3, 4])
def test_jpeg_2000_of_every_depth(tmp_path, n, whole):
    "1 to 16 bits in gray, with alpha, in colour: within a level of what OpenJPEG's tool gives; what is dropped is said"
    y,x = np.mgrid[0:40,0:56]
    for bits in (1, 2, 4, 7, 8, 9, 10, 12, 15, 16):
        most = 2**bits-1
        a = np.stack([np.rint((x*(i+1)+3*y)%56/55*most) for i in range(n)]).astype('>u2' if bits > 8 else np.uint8)
        (tmp_path/'a.raw').write_bytes(a.tobytes())
        tool('opj_compress', '-i', tmp_path/'a.raw', '-F', f'56,40,{n},{bits},u', '-o', tmp_path/'a.jp2', '-n', '3', *([] if whole else ['-I', '-q', '90']))
        tool('opj_decompress', '-i', tmp_path/'a.jp2', '-o', tmp_path/'b.rawl')
        want = np.frombuffer((tmp_path/'b.rawl').read_bytes(), a.dtype.newbyteorder('<')).reshape(a.shape)
        assert (want == a).all() or not whole
        p = open_photo(tmp_path/'a.jp2')
        channels = [*np.moveaxis(p.pixels, -1, 0)] if p.pixels.ndim == 3 else [p.pixels]
        if n in (2,4): channels.append(np.asarray(p.alpha))
        off = [np.abs(c/(65535. if c.dtype == np.uint16 else 255)-v/most)*255 for c,v in zip(channels, want, strict=True)]
        assert np.max(off) < 1.01, bits
        deep = bits > (8 if n > 1 else 9)
        assert p.warnings == ([f'depth left out: 8 of {bits} bits are read'] if deep and n > 1 or bits == 9 else [])

def decompressed(tmp_path, name):
    "Green, as OpenJPEG's own tool gives it"
    tool('opj_decompress', '-i', CASES/name, '-o', tmp_path/'a.ppm')
    return np.asarray(Image.open(tmp_path/'a.ppm'))[...,1]

def test_jpeg_2000_white_of_16_bits(tmp_path):
    p = open_photo(CASES/'second_03_rgb16_white.jp2')
    want = decompressed(tmp_path, 'second_03_rgb16_white.jp2').astype(float)
    want *= 255/want.max()
    assert np.abs(p.pixels-want).max() <= 1.5 and p.pixels.max() == 255 and p.warnings == ['depth left out: 8 of 16 bits are read']

def test_jpeg_2000_of_one_bit():
    p = open_photo(CASES/'second_04_gray1.jp2')
    assert np.unique(p.pixels).tolist() == [0,255] and not p.warnings

def test_jpeg_2000_in_cielab(tmp_path):
    "Neutral CIELab is gray, as OpenJPEG's tool has it"
    p = open_photo(CASES/'second_05_cielab.jp2')
    assert p.pixels.ndim == 2
    assert np.abs(p.pixels.astype(int)-decompressed(tmp_path, 'second_05_cielab.jp2')).max() <= 2

def test_jpeg_2000_through_its_profile(tmp_path):
    p = open_photo(CASES/'second_02_icc_gamma18.jp2')
    raw = np.asarray(Image.open(CASES/'second_02_icc_gamma18.jp2'))/255
    assert np.abs(L(p)-levels(raw**1.8)).max() < 1.5 and not p.warnings

def box(kind, b): return struct.pack('>I4s', 8+len(b), kind)+b

def jp2(im, colr=16, more=b'', stream=None):
    "A JP2 around a codestream, with any boxes in its head"
    stream = stream or saved(im, 'JPEG2000', no_jp2=True)
    head = box(b'ihdr', struct.pack('>IIHBBBB', im.height, im.width, len(im.getbands()), 7, 7, 0, 0))
    return b'\0\0\0\x0cjP  \r\n\x87\n'+box(b'ftyp', b'jp2 \0\0\0\0jp2 ')+box(b'jp2h', head+box(b'colr', struct.pack('>BBBI', 1, 0, 0, colr))+more)+box(b'jp2c', stream)

def pclr(table, bits=8):
    cmap = box(b'cmap', b''.join(struct.pack('>HBB', 0, 1, i) for i in range(3)))
    return box(b'pclr', struct.pack('>HB', len(table), 3)+bytes([bits-1]*3)+table.astype('>u2' if bits > 8 else np.uint8).tobytes())+cmap

@pytest.mark.parametrize('bits', [1, 2, 4, 8])
def test_jpeg_2000_palettes(tmp_path, bits):
    "Of few entries and of many, as OpenJPEG's tool has it"
    index = (np.arange(256)%2**bits).astype(np.uint8).reshape(16,16)
    table = np.random.default_rng(0).integers(0, 256, (2**bits,3))
    (tmp_path/'a.raw').write_bytes(index.tobytes())
    tool('opj_compress', '-i', tmp_path/'a.raw', '-F', f'16,16,1,{bits},u', '-o', tmp_path/'a.j2k', '-n', '3')
    b = jp2(Image.fromarray(index), more=pclr(table), stream=(tmp_path/'a.j2k').read_bytes())
    assert (open_photo(b).pixels == table[index]).all()
    (tmp_path/'a.jp2').write_bytes(b)
    tool('opj_decompress', '-i', tmp_path/'a.jp2', '-o', tmp_path/'a.ppm')
    assert (np.asarray(Image.open(tmp_path/'a.ppm')) == table[index]).all()

def test_jpeg_2000_with_a_deep_palette():
    b = jp2(Image.new('L', (8,8)), more=pclr(np.array([[1,2,3]]), 16))
    with pytest.raises(PhotoError, match='palette of more than 8 bits is not supported'): open_photo(b)

def test_jpeg_2000_channels_in_another_order():
    a = np.random.default_rng(0).integers(0, 256, (20,30,4), dtype=np.uint8)
    cdef = box(b'cdef', struct.pack('>H', 4)+b''.join(struct.pack('>3H', *r) for r in ((0,1,0), (1,0,3), (2,0,2), (3,0,1))))
    p = open_photo(jp2(Image.fromarray(a), more=cdef))
    assert (p.pixels == a[...,:0:-1]).all() and (np.asarray(p.alpha) == a[...,0]).all()

@pytest.mark.parametrize('number,name', [(13,'YCCK'), (20,'e-sRGB'), (21,'ROMM-RGB'), (24,'e-sYCC'), (1,'YCbCr\\(1\\)')])
def test_jpeg_2000_in_a_strange_space(number, name):
    im = Image.new('CMYK' if number == 13 else 'RGB', (8,8))
    with pytest.raises(PhotoError, match=f'in the colour space {name} is not supported'): open_photo(jp2(im.convert('RGBA') if number == 13 else im, number))

# WebP

@pytest.mark.parametrize('lossless', [True, False])
def test_lossless_webp_by_its_chunks(lossless):
    im = Image.open(OLD_PHOTO).convert('RGB').crop((0,0,64,64))
    icc = bytes(srgb_profile())+bytes(9000)
    for kw in ({}, dict(icc_profile=icc), dict(xmp=b'VP8L'*3000)):
        p = open_photo(saved(im, 'WEBP', lossless=lossless, **kw))
        assert p.how['lossless'] == lossless
        assert webp_lossless(io.BytesIO(encode(p.picture(), 'WEBP', p))) == lossless

# JPEG

def kinds():
    im = Image.open(OLD_PHOTO).convert('L').crop((180,60,300,220))
    rgb = Image.merge('RGB', [im, im.rotate(180), im])
    for kw in ({}, dict(progressive=True), dict(subsampling=0, optimize=True), dict(subsampling=1), dict(restart_marker_rows=1), dict(restart_marker_blocks=3, progressive=True), dict(keep_rgb=True)):
        yield saved(rgb, 'JPEG', **kw)
    yield from (saved(im, 'JPEG'), saved(rgb.convert('CMYK'), 'JPEG'), saved(rgb, 'MPO', save_all=True, append_images=[im]), saved(rgb, 'JPEG')+b'more\xff\xd8\xff', saved(rgb, 'JPEG')[:-2])

def test_healthy_jpegs_are_not_called_damaged():
    assert not [i for i,b in enumerate(kinds()) if any('damaged' in w for w in open_photo(b).warnings)]

def test_arithmetic_codes(tmp_path):
    b = next(kinds())
    for args in (['-arithmetic'], ['-arithmetic', '-progressive']):
        p = open_photo(tool('jpegtran', *args, input=b))
        assert (p.pixels == open_photo(b).pixels).all() and not p.warnings

def test_a_damaged_middle_is_noticed():
    p = open_photo(CASES/'second_23_damaged_middle.jpg')
    if _libtiff() is None: pytest.skip("this Pillow's libtiff cannot be asked")
    assert p.warnings == ['damaged: parts of the picture may be wrong']

def test_damage_is_noticed_as_djpeg_notices_it():
    if _libtiff() is None: pytest.skip("this Pillow's libtiff cannot be asked")
    rng,seen = np.random.default_rng(0),[]
    for b in [*kinds()][:9]:
        for n in rng.integers(len(b)//2, len(b)-60, 4):
            bad = b[:n]+rng.bytes(20)+b[n+20:]
            try: Image.open(io.BytesIO(bad)).load()
            except OSError: continue
            if not shutil.which('djpeg'): pytest.skip('djpeg is missing: apt-get install libjpeg-turbo-progs')
            want = bool(subprocess.run(['djpeg'], input=bad, capture_output=True).stderr)
            assert jpeg_damaged(io.BytesIO(bad)) == want
            seen.append(want)
    assert {*seen} == {True, False}

@pytest.mark.parametrize('packed', ['jpeg', 'group4', 'group3'])
def test_damage_in_a_tiff_is_noticed(packed):
    "On the second page only, of which Pillow says nothing either"
    if _libtiff() is None: pytest.skip("this Pillow's libtiff cannot be asked")
    im = Image.open(OLD_PHOTO).convert('L').crop((180,60,300,220)).convert('L' if packed == 'jpeg' else '1')
    b = join_pages([saved(im, 'TIFF', compression=packed)]*2)
    assert [p.warnings for p in Pages(b)] == [[], []]
    at,size = (Pages(b).pages[1][1][k].values('<')[0] for k in (273, 279))
    bad = b[:at+size-200]+bytes(20)+b[at+size-180:]
    assert [p.warnings for p in Pages(bad)] == [[], ['damaged: parts of the picture may be wrong']]

@pytest.mark.parametrize('head,why', [(b'\xff\x0a\xfa\x1f', 'JPEG XL is not'), (b'\0\0\0\x0cJXL \r\n\x87\n', 'JPEG XL is not'), (b'\0\0\0\x18ftypcrx ', 'camera raw .CR3. is not'),
    (b'II*\0\x10\0\0\0CR\2\0', 'camera raw .CR2. is not'), (b'FUJIFILMCCD-RAW 0201', 'camera raw .RAF. is not'), (b'IIRO\x08\0\0\0', 'camera raw .ORF. is not'), (b'IIU\0\x18\0\0\0', 'camera raw .RW2. is not'),
    (b'II\xbc\1\x20\0\0\0', 'JPEG XR is not'), (b'\xff\xd8\xff\xf7\0\x0b\x08\0\x30\0\x40\1\1\x11\0', 'JPEG-LS is not'), (b'\0\0\0\x18ftypavci', 'a HEIF that is not HEVC is not'), (b'\0\0\0\x18ftypisom', 'a film .MP4., not a photo')])
def test_formats_are_called_by_their_names(head, why):
    with pytest.raises(PhotoError, match=why): open_photo(head.ljust(300, b'\0'))

def test_jpegs_that_pillow_cannot_decode():
    with pytest.raises(PhotoError, match='a JPEG of 12 bits is not supported'): open_photo(CASES/'second_24_12bit.jpg')
    b = bytearray(next(kinds())); b[b.index(b'\xff\xc0')+1] = 0xC5
    with pytest.raises(PhotoError, match='a hierarchical JPEG is not supported'): open_photo(bytes(b))

def test_names_of_results():
    assert [out_name(Path(n), set()) for n in ('a.hif', 'a.mpo', 'a.j2c')] == ['a.jpg', 'a.jpg', 'a.png']
