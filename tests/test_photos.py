"Every kind of photo comes out at its size, upright, with its own lightness, alpha and metadata."
import io, warnings
import numpy as np, pytest
from PIL import ExifTags, Image, ImageCms
from conftest import OLD_PHOTO, gray_level
from colorize_nb.paint import paint_pixels, seen_lightness
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.photo import open_photo
from colorize_nb.files.xmp import xmp_note

def saved(im, fmt, **kw):
    im.save(b := io.BytesIO(), fmt, **kw)
    return b.getvalue()

def off(out, gray): return np.abs(gray_level(np.asarray(out.convert('RGB')))-gray).max()

def test_old_photo(colorizer):
    im = Image.open(OLD_PHOTO)
    out = colorizer.colorize(OLD_PHOTO)
    assert out.size == im.size and out.mode == 'RGB'
    lev = gray_level(np.asarray(im.convert('RGB')))
    assert np.abs(gray_level(np.asarray(out))-lev).max() <= 1
    assert np.ptp(np.asarray(out, int), axis=2).mean() > 5  # it did colorize

def test_a_jpeg_without_its_end_keeps_its_exif():
    "Pillow's second picture, of the bytes with an end, lies as the first"
    exif = Image.Exif(); exif[ExifTags.Base.Orientation] = 6; exif[ExifTags.Base.Artist] = 'Lange'
    b = saved(Image.open(OLD_PHOTO).convert('L').resize((60,40)), 'JPEG', exif=exif)
    whole,cut = open_photo(b),open_photo(b[:-2])
    assert cut.pixels.shape == (60,40) and (cut.pixels == whole.pixels).all()
    assert cut.exif == whole.exif and b'Lange' in cut.exif

@pytest.mark.slow
@pytest.mark.parametrize('w', range(1, 41, 2))
def test_odd_sizes(colorizer, w):
    rng = np.random.default_rng(w)
    for h in range(1, 41, 2):
        g = rng.integers(0, 256, (h,w), dtype=np.uint8)
        out = colorizer.colorize(g, render_size=32)
        assert out.size == (w,h) and off(out, g) <= 1

@pytest.mark.parametrize('size', [(1,4000), (4000,1), (15,4097)])
def test_long_sizes(colorizer, size):
    g = np.random.default_rng(0).integers(0, 256, size, dtype=np.uint8)
    out = colorizer.colorize(g)
    assert out.size == size[::-1] and off(out, g) <= 1

def painted(x, ab, side, s, multiple=32):
    "`x` with these a*, b* `(2,h,w)` on the grid of a network that sees `side` pixels"
    L,seen = seen_lightness(x, side, multiple)
    return paint_pixels(x, ab, L.reshape(L.shape[0]//s, s, -1, s).mean((1,3)), (seen[0]/s,seen[1]/s))

def test_luminance_of_every_gray_and_random_ab():
    g = np.tile(np.arange(256, dtype=np.uint8), (256,1))
    rng = np.random.default_rng(0)
    for scale in (.1, .4, 1., 1e6):  # ab/110; the last is a network gone wild
        ab = rng.uniform(-scale, scale, (2,256,256)).astype(np.float32)*110
        out = painted(g, ab, 256, 1)
        assert np.abs(gray_level(out)-g).max() <= 1

@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_nan_from_the_network_is_refused(gray, bad):
    with pytest.raises(ValueError, match='NaN or infinity'):
        painted(gray, np.full((2,*seen_lightness(gray, 64, 32)[0].shape), bad, np.float32), 64, 1)

def test_strength(colorizer, gray):
    assert (np.asarray(colorizer.colorize(gray, strength=0)) == gray[...,None]).all()
    chroma = [np.ptp(np.asarray(colorizer.colorize(gray, strength=s), int), axis=2).mean() for s in (0, .5, 1, 1.5)]
    assert chroma == sorted(chroma) and chroma[1] < chroma[2]
    for s in (-1, 4, float('nan')):
        with pytest.raises(ValueError, match='strength'): colorizer.colorize(gray, strength=s)

def test_colour_copy_gives_the_same(colorizer, gray):
    rgb = np.dstack([gray]*3)
    want = np.asarray(colorizer.colorize(gray))
    for src in (rgb, gray[...,None], Image.fromarray(rgb), saved(Image.fromarray(gray), 'PNG'), saved(Image.fromarray(rgb), 'BMP')):
        assert (np.asarray(colorizer.colorize(src)) == want).all()

def test_two_runs_are_the_same_bytes(colorizer, tmp_path):
    a,b = (colorizer.colorize_file(OLD_PHOTO, tmp_path/n).read_bytes() for n in ('a.png', 'b.png'))
    assert a == b

@pytest.mark.parametrize('mode', ['1','L','LA','P','RGB','RGBA','CMYK','I;16','I','F','YCbCr','HSV','LAB'])
def test_modes(colorizer, gray, mode):
    im = Image.fromarray(gray)
    if mode == 'I;16': im = Image.fromarray(gray.astype(np.uint16)*257)
    elif mode == 'I': im = Image.fromarray(gray.astype(np.int32)*257)
    elif mode == 'F': im = im.convert('F')
    elif mode == 'LAB': im = ImageCms.profileToProfile(im.convert('RGB'), ImageCms.createProfile('sRGB'), ImageCms.createProfile('LAB'), outputMode='LAB')
    else: im = im.convert('RGB').convert(mode) if mode in ('CMYK','YCbCr','HSV','P') else im.convert(mode)
    out = colorizer.colorize(im)
    want = np.asarray(im.convert('L')) if mode == '1' else gray_level(np.asarray(im.convert('RGB'))) if mode == 'P' else gray
    assert out.size == im.size and out.mode == ('RGBA' if mode in ('LA','RGBA') else 'RGB')
    assert off(out, want) <= (3 if mode in ('YCbCr','HSV','LAB') else 1)  # Pillow's own conversion rounds

def test_16_bit_is_read_in_full_depth(colorizer, tmp_path):
    ramp = np.linspace(0, 65535, 128*96).reshape(96,128).astype(np.uint16)
    for fmt in ('PNG','TIFF'):
        photo = open_photo(saved(Image.fromarray(ramp), fmt))
        assert (photo.pixels == ramp).all()
        assert np.abs(gray_level(np.asarray(colorizer.colorize(saved(Image.fromarray(ramp), fmt))))-ramp/257).max() <= 1
    dark = (ramp//256).astype(np.uint16)  # Pillow's convert('L') would clip everything above 255 to white
    assert np.abs(gray_level(np.asarray(colorizer.colorize(dark)))-dark/257).max() <= 1

@pytest.mark.parametrize('fmt', ['PNG','TIFF','WEBP'])
def test_alpha_is_kept_bit_for_bit(colorizer, gray, tmp_path, fmt):
    alpha = np.random.default_rng(0).integers(0, 256, gray.shape, dtype=np.uint8)
    im = Image.fromarray(np.dstack([gray]*3+[alpha]))
    src,dst = tmp_path/f'a.{fmt.lower()}',tmp_path/f'b.{fmt.lower()}'
    im.save(src, fmt, **(dict(lossless=True, exact=True) if fmt == 'WEBP' else {}))
    out = Image.open(colorizer.colorize_file(src, dst))
    assert out.mode == 'RGBA' and (np.asarray(out)[...,3] == alpha).all() and off(out, gray) <= 1
    with pytest.raises(PhotoError, match='transparency'): colorizer.colorize_file(src, tmp_path/'c.jpg')

def test_palette_and_key_transparency(colorizer, gray):
    p = Image.fromarray(gray).convert('P'); p.info['transparency'] = 0
    rgb = saved(Image.fromarray(np.dstack([gray]*3)), 'PNG', transparency=tuple([int(gray[0,0])]*3))
    for src in (saved(p, 'PNG', transparency=0), rgb):
        a = np.asarray(colorizer.colorize(src).getchannel('A'))
        assert set(np.unique(a)) <= {0,255} and (a == 0).any()
    assert (a == np.where(gray == gray[0,0], 0, 255)).all()

@pytest.mark.slow
@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif(colorizer, gray, tmp_path, orientation):
    from PIL import ImageOps
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = 'Dorothea Lange'
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = '1936:02:01 12:00:00'
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = 'N'
    exif[ExifTags.IFD.Exif],exif[ExifTags.IFD.GPSInfo] = exif.get_ifd(ExifTags.IFD.Exif),exif.get_ifd(ExifTags.IFD.GPSInfo)
    for fmt in ('PNG','JPEG','WEBP','TIFF'):
        src,dst = tmp_path/f'a.{fmt.lower()}',tmp_path/f'b.{fmt.lower()}'
        Image.fromarray(gray).convert('RGB').save(src, fmt, exif=exif, **(dict(lossless=True) if fmt == 'WEBP' else {}))
        out = Image.open(colorizer.colorize_file(src, dst))
        want = np.asarray(ImageOps.exif_transpose(Image.open(src)).convert('L'))
        assert out.size == want.shape[::-1]
        assert np.abs(gray_level(np.asarray(out))-want).max() <= (12 if fmt == 'JPEG' else 1.5)
        e = out.getexif()
        assert e.get(ExifTags.Base.Orientation, 1) == 1 and e[ExifTags.Base.Artist] == 'Dorothea Lange'
        assert e.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == '1936:02:01 12:00:00'
        assert e.get_ifd(ExifTags.IFD.GPSInfo)[1] == 'N'

def test_thumbnail_is_dropped(colorizer, gray, tmp_path):
    exif = Image.Exif(); exif[ExifTags.Base.Make] = 'Graflex'
    tiff = exif.tobytes()[6:]  # "Exif\0\0", then a TIFF whose first directory links to no second
    n = int.from_bytes(tiff[8:10], 'little' if tiff[:2] == b'II' else 'big')
    order = 'little' if tiff[:2] == b'II' else 'big'
    thumb = saved(Image.fromarray(gray[:32,:32]), 'JPEG')
    at = len(tiff)+(len(tiff)&1)
    ifd1 = (2).to_bytes(2, order)
    for tag,v in ((0x201, at+2+24+4), (0x202, len(thumb))): ifd1 += tag.to_bytes(2, order)+(4).to_bytes(2, order)+(1).to_bytes(4, order)+v.to_bytes(4, order)
    link = 10+12*n
    tiff = (tiff[:link]+at.to_bytes(4, order)+tiff[link+4:]).ljust(at, b'\0')+ifd1+bytes(4)+thumb
    src = tmp_path/'t.jpg'
    Image.fromarray(gray).save(src, exif=b'Exif\0\0'+tiff)
    assert Image.open(src).getexif().get_ifd(ExifTags.IFD.IFD1)  # the thumbnail is really in there
    out = Image.open(colorizer.colorize_file(src, tmp_path/'u.jpg'))
    assert not out.getexif().get_ifd(ExifTags.IFD.IFD1) and out.getexif()[ExifTags.Base.Make] == 'Graflex'

@pytest.mark.slow
def test_corrupt_exif_does_not_fail_the_photo(colorizer, gray, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(20):
        src = tmp_path/f'{i}.jpg'
        Image.fromarray(gray).save(src, exif=b'Exif\0\0'+(b'II*\0\x08\0\0\0' if i%2 else b'')+rng.bytes(60))
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            out = Image.open(colorizer.colorize_file(src, tmp_path/f'{i}-out.jpg'))
        assert out.size == (90,120)

def test_icc(colorizer, gray, tmp_path):
    rgb = Image.fromarray(np.dstack([gray]*3))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    same = colorizer.colorize(saved(rgb, 'PNG', icc_profile=srgb))
    assert (np.asarray(same) == np.asarray(colorizer.colorize(gray))).all()
    out = Image.open(colorizer.colorize_file(OLD_PHOTO, tmp_path/'o.png'))
    assert 'sRGB' in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(out.info['icc_profile'])))
    photo = open_photo(saved(rgb, 'PNG', icc_profile=b'not a profile'*20))
    assert (photo.pixels == gray).all() and 'profile ignored' in photo.warnings[0]

def linear_profile():
    "An sRGB profile whose curves are replaced by gamma 1.0"
    b = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes())
    n = int.from_bytes(b[128:132], 'big')
    for i in range(n):
        sig,offset,size = b[132+12*i:136+12*i],*(int.from_bytes(b[132+12*i+o:132+12*i+o+4], 'big') for o in (4,8))
        if sig == b'rTRC': b[offset:offset+size] = (b'curv'+bytes(8)).ljust(size, b'\0')  # no points: identity
        if sig == b'desc': b[offset:offset+size] = bytes(b[offset:offset+size]).replace('sRGB'.encode('utf-16-be'), 'lin1'.encode('utf-16-be'))
    return bytes(b)

def test_icc_profile_is_applied():
    g = np.tile(np.arange(256, dtype=np.uint8), (8,1))
    px = open_photo(saved(Image.fromarray(np.dstack([g]*3)), 'PNG', icc_profile=linear_profile())).pixels.astype(int)
    lin = np.arange(256)/255
    want = np.where(lin > 0.0031308, 1.055*lin**(1/2.4)-0.055, 12.92*lin)*255
    assert np.abs(px[0]-want).max() <= 2  # linear light, encoded by the definition of sRGB

def test_jpeg_tolerance(colorizer, tmp_path):
    "Quality 95, 4:4:4: 99 % of a photo's pixels within 6 gray levels, the worst within 12; as docs/formats.md says"
    rng = np.random.default_rng(0)
    photo = np.asarray(Image.open(OLD_PHOTO).convert('L'))
    for g in (photo, np.clip(photo+rng.normal(0, 8, photo.shape), 0, 255).astype(np.uint8)):  # and with grain
        Image.fromarray(g).save(tmp_path/'i.png')
        out = Image.open(colorizer.colorize_file(tmp_path/'i.png', tmp_path/'o.jpg', overwrite=True))
        d = np.abs(gray_level(np.asarray(out))-g)
        assert np.percentile(d, 99) <= 6 and d.max() <= 12
    from PIL import JpegImagePlugin
    assert JpegImagePlugin.get_sampling(out) == 0

def test_note_and_metadata(colorizer, gray, tmp_path):
    from PIL import PngImagePlugin
    png = PngImagePlugin.PngInfo(); png.add_text('Title', 'Pea picker')
    src = tmp_path/'a.png'
    Image.fromarray(gray).save(src, pnginfo=png, dpi=(300,300))
    for n in ('b.png','b.jpg','b.webp','b.tif'):
        raw = colorizer.colorize_file(src, tmp_path/n).read_bytes()
        assert b'compositeWithTrainedAlgorithmicMedia' in raw and b'colorize_nb:model="default"' in raw and b'colorize_nb:strength="1"' in raw
    out = Image.open(tmp_path/'b.png')
    assert out.text['Title'] == 'Pea picker' and round(out.info['dpi'][0]) == 300
    assert b'colorize_nb' not in colorizer.colorize_file(src, tmp_path/'c.jpg', note=False).read_bytes()

def test_existing_xmp_is_added_to():
    old = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
           b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="Mother"/></rdf:RDF></x:xmpmeta>')
    from xml.dom.minidom import parseString
    ds = parseString(xmp_note(old, model='m"<>')).getElementsByTagName('rdf:Description')
    assert [d.getAttribute('dc:title') for d in ds] == ['Mother',''] and ds[1].getAttribute('colorize_nb:model') == 'm"<>'

@pytest.mark.parametrize('kind', ['tiff_lzw','packbits','tiff_adobe_deflate','jpeg',None])
def test_tiff_stays_lossless(colorizer, gray, tmp_path, kind):
    Image.fromarray(np.dstack([gray]*3)).save(tmp_path/'a.tif', compression=kind)
    out = Image.open(colorizer.colorize_file(tmp_path/'a.tif', tmp_path/'b.tif'))
    assert out.info['compression'] == (kind if kind not in ('jpeg',None) else {'jpeg':'tiff_adobe_deflate',None:'raw'}[kind])
    if kind != 'jpeg': assert off(out, gray) <= 1

def test_strips_are_invisible(colorizer, monkeypatch):
    import colorize_nb.paint as m
    g = np.asarray(Image.open(OLD_PHOTO).convert('L'))
    whole = np.asarray(colorizer.colorize(g))
    monkeypatch.setattr(m, 'STRIP', 500*7)
    assert np.abs(np.asarray(colorizer.colorize(g)).astype(int)-whole).max() <= 1  # float rounding only

def test_gray_in_three_channels_is_read_as_one(gray):
    for fmt in ('PNG','JPEG','TIFF'): assert open_photo(saved(Image.fromarray(np.dstack([gray]*3)), fmt)).pixels.ndim == 2
    rgb = np.dstack([gray]*3); rgb[77,31,2] ^= 1
    assert (open_photo(saved(Image.fromarray(rgb), 'PNG')).pixels == rgb).all()

def test_painting_is_what_plain_interpolation_gives(gray):
    "In double precision, without strips, tables or products of matrices; where a colour does not exist its chroma is shared out as `fit_gamut` does"
    from colorize_nb.color import bound_chroma, edge_lines, fit_gamut, resize
    big = np.asarray(Image.fromarray(gray).resize((300,400)))
    ab = np.random.default_rng(0).uniform(-.3, .3, (1,2,48,40)).astype(np.float32)
    L8 = np.where(big/255 > 0.04045, ((big/255+0.055)/1.055)**2.4, big/255/12.92)
    L = 116*np.where(L8 > 0.008856, np.cbrt(L8), 7.787*L8+16/116)-16
    out = painted(big, ab[0]*110, 160, 4)
    small = seen_lightness(big, 160, 32)[0].reshape(48, 4, 40, 4).mean((1,3))
    up = [resize(p, L.shape, (0, 0, 185/4, 139/4)) for p in edge_lines(bound_chroma(ab[0]*110), small)]
    a,b = fit_gamut(L, up[0]*L+up[2], up[1]*L+up[3], steps=20)
    f = np.stack([(L+16)/116+a/500, (L+16)/116, (L+16)/116-b/200], -1)
    xyz = np.where(f > 0.2068966, f**3, (f-16/116)/7.787)*[0.95047, 1., 1.08883]
    lin = np.clip(xyz@np.linalg.inv([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]).T, 0, 1)
    want = np.round(np.where(lin > 0.0031308, 1.055*lin**(1/2.4)-0.055, 12.92*lin)*255)
    off = np.abs(out-want)
    assert (off > 1).mean() < .0005 and off.max() <= 4 and (off > 0).mean() < .015  # more than a level only where two faces of sRGB's cube meet

@pytest.mark.slow
def test_every_bundled_photo(colorizer):
    data = pytest.importorskip('skimage.data', reason='needs scikit-image: the train extra')
    from sklearn.datasets import load_sample_images
    photos = [getattr(data, n)() for n in 'astronaut brick camera cat cell chelsea clock coffee coins grass gravel hubble_deep_field immunohistochemistry moon page rocket text'.split() if _there(data, n)]
    assert len(photos) > 8
    for p in [*photos, *load_sample_images().images]:
        out = colorizer.colorize(p)
        assert out.size == p.shape[1::-1] and np.abs(gray_level(np.asarray(out))-(gray_level(p) if p.ndim == 3 else p)).max() <= 1

def _there(data, name):
    "Whether scikit-image has the photo on disk: some are fetched on first use"
    try: getattr(data, name)()
    except Exception: return False
    return True

def plain_rgb(f, steps=24):
    "Linear RGB of f in double precision, chroma halved in doubt until it exists"
    m = np.linalg.inv([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])*[0.95047, 1., 1.08883]
    def rgb(f): return np.tensordot(m, np.where(f > 0.2068966, f**3, (f-16/116)/7.787), 1)
    gray,way,share = f[1],f-f[1],np.zeros(f.shape[1:])
    for step in .5**np.arange(1, steps): share += step*((o := rgb(gray+(share+step)*way)).min(0) >= -1e-6)*(o.max(0) <= 1+1e-6)
    whole = rgb(f)
    return np.where((whole.min(0) >= -1e-6)&(whole.max(0) <= 1+1e-6), whole, rgb(gray+share*way))

@pytest.mark.parametrize('most', [20, 60, 150])
def test_the_table_of_the_gamut_is_what_a_search_finds(most):
    from colorize_nb.color import f2rgb8, f2rgb16
    rng = np.random.default_rng(most)
    g = rng.integers(0, 65536, (300,400)).astype(np.uint16); g[::2] = (g[::2]//257)*257  # finely spaced, and levels of 8 bits
    lin = np.where(g/65535 > 0.04045, ((g/65535+0.055)/1.055)**2.4, g/65535/12.92)
    fy,hue,c = np.where(lin > 0.008856, np.cbrt(lin), 7.787*lin+16/116),rng.uniform(0, 2*np.pi, g.shape),rng.uniform(0, most, g.shape)
    f = np.stack([fy+c*np.cos(hue)/500, fy, fy-c*np.sin(hue)/200]).astype(np.float32)
    lin = np.clip(plain_rgb(f.astype(float)), 0, 1)
    want = np.moveaxis(np.where(lin > 0.0031308, 1.055*lin**(1/2.4)-0.055, 12.92*lin), 0, -1)*255
    for got,allowed in ((f2rgb8(f.copy()), 1), (f2rgb16(f.copy())/257, 1)):
        assert (np.abs(got-np.round(want)).max(-1) > allowed).mean() < .005  # only where two faces of sRGB's cube meet
        assert np.abs(gray_level(got)-g/257).max() < 1
