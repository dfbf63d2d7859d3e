"""TIFFs of many kinds, written byte by byte: each is read as its numbers say, in every layout, or refused in one line.
Directories that lie cost neither memory nor time."""
import io, shutil, struct, subprocess, sys, zlib
import numpy as np, pytest
from PIL import Image
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.photo import Pages, open_photo
from colorize_nb.files.tags import EXIF, GPS, INTEROP, MAKER, Tag, pack_exif, read_exif, shorten_exif, tag_of

H,W = 21,37
SIZE = {1:1, 2:1, 3:2, 4:4, 5:8, 7:1, 9:4, 11:4, 13:4, 16:8}
CODE = {1:'B', 3:'H', 4:'I', 9:'i', 11:'f', 13:'I', 16:'Q'}

def tagged(entries, order, big, at, after=0):
    "Return a directory that stands at `at`; `entries` are number -> (type, numbers or bytes)"
    word,size,start = (8,20,8) if big else (4,12,2)
    table,body,pos = b'',b'',at+start+size*len(entries)+word
    for num,(kind,v) in sorted(entries.items()):
        data = v if isinstance(v, bytes) else struct.pack(f'{order}{len(v)}{CODE[kind]}', *v)
        entry = struct.pack(order+('HHQ' if big else 'HHI'), num, kind, len(data)//SIZE[kind])
        if len(data) <= word: entry += data.ljust(word, b'\0')
        else:
            entry += struct.pack(order+('Q' if big else 'I'), pos+len(body))
            body += data+bytes(len(data)%2)
        table += entry
    return struct.pack(order+('Q' if big else 'H'), len(entries))+table+struct.pack(order+('Q' if big else 'I'), after)+body

def packed_rows(a, bits, order, predictor):
    "Return samples `(rows,w,n)` as bytes"
    if predictor == 2: a = np.diff(a.astype(np.int64), axis=1, prepend=np.zeros_like(a[:,:1], np.int64))%2**bits
    if a.dtype.kind == 'f': return a.astype(f'{order}f{bits//8}').tobytes()
    if bits in (8,16,32): return a.astype(f'{order}u{bits//8}').tobytes()
    flat = a.reshape(len(a), -1).astype(np.int64)
    each = (flat[...,None] >> np.arange(bits)[::-1] & 1).reshape(len(a), -1).astype(np.uint8)
    return np.packbits(each, axis=1).tobytes()

def tif(a, shows, bits=8, order='<', big=False, tile=0, planar=1, predictor=1, zipped=False, rows=8, extra=(), more=None, counts=True, at=0, after=0, head=True):
    "Return a TIFF of one page; `at` is its offset in a file of several pages, `after` that of the next directory"
    a = a if a.ndim == 3 else a[...,None]
    h,w,n = a.shape
    out,places = b'',[]
    start = (16 if big else 8) if head else at
    planes = [a] if planar == 1 else [a[...,i:i+1] for i in range(n)]
    for p in planes:
        if tile:
            p = np.pad(p, [(0, -h%tile), (0, -w%tile), (0,0)])
            parts = [p[y:y+tile, x:x+tile] for y in range(0, h, tile) for x in range(0, w, tile)]
        else: parts = [p[y:y+rows] for y in range(0, h, rows)]
        for part in parts:
            b = packed_rows(part, bits, order, predictor)
            if zipped: b = zlib.compress(b)
            places.append((start+len(out), len(b))); out += b+bytes(len(b)%2)
    where,sizes = zip(*places)
    e = {256:(4,[w]), 257:(4,[h]), 258:(3,[bits]*n), 259:(3,[8 if zipped else 1]), 262:(3,[shows]), 277:(3,[n]), 284:(3,[planar])}
    e |= {322:(3,[tile]), 323:(3,[tile]), 324:(4,where), 325:(4,sizes)} if tile else {273:(4,where), 278:(4,[rows]), 279:(4,sizes)}
    if predictor != 1: e[317] = (3,[predictor])
    if extra: e[338] = (3,extra)
    if a.dtype.kind == 'f': e[339] = (3,[3]*n)
    if not counts: del e[279]
    e |= more or {}
    ifd = tagged(e, order, big, start+len(out), after)
    if not head: return out+ifd,start+len(out)
    magic = {'<':b'II','>':b'MM'}[order]+struct.pack(order+'H', 43 if big else 42)
    first = struct.pack(order+'HHQ', 8, 0, start+len(out)) if big else struct.pack(order+'I', start+len(out))
    return magic+first+out+ifd

Y,X = np.mgrid[0:H,0:W]
def ramp(bits, i=0): return ((X*13+Y*(7+i)+i*31)*2654435761 >> 9)%2**bits if bits < 32 else (X*13+Y*(7+i))*40503977%2**32

LAYOUTS = [{}, dict(order='>'), dict(big=True), dict(big=True, order='>'), dict(tile=16), dict(planar=2), dict(zipped=True, predictor=2),
           dict(tile=16, planar=2, order='>', zipped=True), dict(big=True, order='>', tile=16, zipped=True, predictor=2), dict(rows=1), dict(rows=999, counts=False), dict(counts=False)]
layouts = pytest.mark.parametrize('kw', LAYOUTS, ids=str)
def full(x, bits): return np.rint(x/(2**bits-1)*(255 if bits <= 8 else 65535))

def same(got, want, slack=1):
    assert got.shape == want.shape and np.abs(got.astype(float)-want).max() <= slack

@layouts
@pytest.mark.parametrize('bits', [1, 4, 8, 12, 16])
@pytest.mark.parametrize('shows', [0, 1])
def test_gray_of_every_depth_and_layout(kw, bits, shows):
    if kw.get('predictor') and bits not in (8, 16): pytest.skip('differences are of whole bytes')
    a = ramp(bits)
    photo = open_photo(tif(a if shows else 2**bits-1-a, shows, bits, **kw))
    same(photo.pixels, full(a, bits)); assert not photo.warnings

@layouts
@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('shows', [0, 1])
@pytest.mark.parametrize('extra', [(2,), (0,), (), (2,0), (0,2), (0,0)], ids=str)
def test_gray_with_further_channels(kw, bits, shows, extra):
    n = max(1, len(extra))
    a = np.stack([ramp(bits, i) for i in range(1+n)], -1)
    stored = a.copy()
    if not shows: stored[...,0] = 2**bits-1-a[...,0]
    photo = open_photo(tif(stored, shows, bits, extra=extra, **kw))
    same(photo.pixels, full(a[...,0], bits))
    assert (photo.alpha is not None) == (2 in extra)
    if 2 in extra: same(np.asarray(photo.alpha if bits == 8 else photo.alpha16), full(a[...,1+extra.index(2)], bits))
    lost = n-(2 in extra)
    assert photo.warnings == ([] if not lost else [f"{lost} channel{'s'*(lost > 1)} left out: neither colour nor alpha"])

@layouts
@pytest.mark.parametrize('bits', [8, 12, 16, 32])
@pytest.mark.parametrize('extra', [None, (), (2,), (0,), (2,0), (0,0)], ids=str)
def test_colour_with_further_channels(kw, bits, extra):
    if kw.get('predictor') and bits == 12: pytest.skip('differences are of whole bytes')
    n = 0 if extra is None else max(1, len(extra))
    a = np.stack([ramp(bits, i) for i in range(3+n)], -1)
    photo = open_photo(tif(a, 2, bits, extra=extra or (), **kw))
    alpha = extra == () or bool(extra) and 2 in extra  # four samples and no word: alpha, as ImageMagick and Pillow have it
    if bits == 32: same(photo.pixels, np.floor(a[...,:3]/65536))
    else: same(photo.pixels, full(a[...,:3], bits))
    assert (photo.alpha is not None) == alpha
    if alpha and bits == 8: same(np.asarray(photo.alpha), a[...,3])
    assert len(photo.warnings) == (n > alpha)

def test_alpha_that_is_multiplied_in():
    a,alpha = ramp(16).astype(float),np.maximum(ramp(16, 3), 2000)
    for shows in (1, 2):
        stored = np.dstack([np.rint(a*alpha/65535).astype(int)]*(3 if shows == 2 else 1)+[alpha])
        got = open_photo(tif(stored, shows, 16, extra=(1,))).pixels
        same(got if got.ndim == 2 else got[...,0], a, 20)  # 65535/2000/2, and rounding

@layouts
@pytest.mark.parametrize('bits', [1, 2, 4, 8])
@pytest.mark.parametrize('extra', [(), (2,), (0,)], ids=str)
def test_palette_with_alpha(kw, bits, extra):
    if kw.get('predictor') and bits != 8: pytest.skip('differences are of whole bytes')
    colors = np.random.default_rng(0).integers(0, 256, (3, 2**bits))
    a = ramp(bits)[...,None] if not extra else np.dstack([ramp(bits), ramp(bits, 2)])
    photo = open_photo(tif(a, 3, bits, extra=extra, more={320:(3,(colors*257).ravel())}, **kw))
    px = photo.pixels if photo.pixels.ndim == 3 else np.repeat(photo.pixels[...,None], 3, 2)
    same(px, colors.T[a[...,0]], 0)
    if extra == (2,): same(np.asarray(photo.alpha), full(a[...,1], bits))
    assert len(photo.warnings) == (extra == (0,))

@layouts
@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('extra', [(), (2,), (0,), (0,2)], ids=str)
def test_cmyk_with_alpha(kw, bits, extra):
    "Without a profile Pillow converts by (1-C)(1-K)"
    a = np.stack([ramp(bits, i) for i in range(4+len(extra))], -1)
    photo = open_photo(tif(a, 5, bits, extra=extra, **kw))
    eight = full(a, bits)/(1 if bits == 8 else 257)
    want = (255-eight[...,:3])*(255-eight[...,3:4])/255
    same(photo.pixels, want, 2)
    if 2 in extra: same(np.asarray(photo.alpha), eight[...,4+extra.index(2)])
    assert ('depth left out: CMYK is read with 8 bits' in photo.warnings) == (bits == 16)
    assert any('neither colour nor alpha' in w for w in photo.warnings) == (0 in extra)

def test_other_inks_are_refused():
    with pytest.raises(PhotoError, match='not supported .*4 samples of 8 bits, CMYK'): open_photo(tif(np.zeros((H,W,4), int), 5, more={332:(3,[2])}))

def srgb_of(L):
    "Return a gray of L* in sRGB, in [0,1]"
    Yl = np.where(L > 8, ((L+16)/116)**3, L*27/24389)
    return np.where(Yl > .0031308, 1.055*Yl**(1/2.4)-.055, 12.92*Yl)

GRAY = {(8,8):(0,0,255), (8,16):(0,0,65535), (9,8):(128,128,255), (9,16):(32768,32768,65280), (10,8):(128,96,255), (10,16):(32768,24576,65535)}
@layouts
@pytest.mark.parametrize('kind', GRAY, ids=str)
def test_lab_that_is_gray(kw, kind):
    "L* comes out by its definition, and a* and b* of zero are gray, in all three kinds"
    (shows,bits),(a0,b0,top) = kind,GRAY[kind]
    L = np.minimum(ramp(bits), top)
    photo = open_photo(tif(np.dstack([L, np.full_like(L, a0), np.full_like(L, b0)]), shows, bits, **kw))
    assert photo.pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    same(photo.pixels, np.rint(srgb_of(L/top*100)*(255 if bits == 8 else 65535)), 1 if bits == 8 else 8)

@pytest.mark.parametrize('shows,bits', GRAY)
def test_lab_of_colours(shows, bits):
    "sRGB's primaries in D50's Lab, from Lindbloom's tables"
    lab = np.array([[54.29,80.81,69.89], [87.82,-79.27,80.99], [29.57,68.30,-112.03], [60.32,98.25,-60.84]])
    a0,b0,top = GRAY[shows,bits]
    steps = {8: (1,1), 9: (1,1), 10: (170/255,200/255)}[shows]
    unit = 1 if bits == 8 else 256 if shows < 10 else 65535/255
    x = np.stack([lab[:,0]/100*top, lab[:,1]/steps[0]*unit+a0, lab[:,2]/steps[1]*unit+b0], -1)
    x = np.rint(x).astype(int)%2**bits if shows == 8 else np.clip(np.rint(x), 0, 2**bits-1).astype(int)
    got = open_photo(tif(x[None], shows, bits)).pixels[0]/(255 if bits == 8 else 65535)
    want = np.array([[1,0,0],[0,1,0],[0,0,1],[1,0,1]])
    assert np.abs(got-want)[[0, 1]+[2, 3]*(shows != 10)].max() < (.12 if bits == 8 else .06)  # ITULab ends at b* of -75

def test_lab_of_one_channel_and_of_floats():
    same(open_photo(tif(ramp(16), 8, 16)).pixels, srgb_of(ramp(16)/65535*100)*65535, 8)
    L = (ramp(8)/255*100).astype(np.float32)
    px = open_photo(tif(np.dstack([L, 0*L, 0*L]), 8, 32)).pixels
    assert np.abs(px-srgb_of(L)).max() < 2e-4

@pytest.mark.parametrize('kind', ['gray 8', 'gray alpha', 'rgb', 'palette', 'lab', 'lab 16', 'white 16'])
def test_as_imagemagick_reads_them(tmp_path, kind):
    if not shutil.which('convert'): pytest.skip('convert is missing: apt-get install imagemagick')
    smooth = np.clip(20+3*X+4*Y, 0, 255)
    a,shows,bits,extra = {'gray 8':(smooth,1,8,()), 'gray alpha':(np.dstack([smooth, 255-smooth]),1,8,(2,)), 'rgb':(np.dstack([smooth,smooth//2,255-smooth]),2,8,()),
                          'palette':(smooth,3,8,()), 'lab':(np.dstack([smooth,smooth*0,smooth*0]),8,8,()), 'lab 16':(np.dstack([smooth*257,smooth*0,smooth*0]),8,16,()),
                          'white 16':(smooth*257,0,16,())}[kind]
    more = {320:(3,np.repeat([np.arange(256)[::-1]*257], 3, 0).ravel())} if shows == 3 else {}
    for kw in (dict(), dict(order='>', big=True), dict(tile=16), dict(planar=2)):
        f = tmp_path/'a.tif'; f.write_bytes(tif(a, shows, bits, extra=extra, more=more, **kw))
        if kw.get('planar') and kind in ('lab', 'gray alpha'):  # ImageMagick 6 takes planes of CIELab and of gray with alpha for something else, tiffcp joins them
            if not shutil.which('tiffcp'): continue
            subprocess.run(['tiffcp', '-p', 'contig', f, tmp_path/'b.tif'], check=True, capture_output=True); f = tmp_path/'b.tif'
        raw = subprocess.run(['convert', f, '-alpha', 'off', '-colorspace', 'sRGB', '-depth', '16', '-endian', 'LSB', 'rgb:-'], capture_output=True, check=True).stdout
        got = open_photo(tmp_path/'a.tif')
        px = got.pixels/np.iinfo(got.pixels.dtype).max
        want = np.frombuffer(raw, '<u2').reshape(H,W,3)/65535
        assert np.abs((px if px.ndim == 3 else px[...,None])-want).max() < (.004 if bits == 8 else .001), kw

# Which picture is the photo

def pages(*each, sub=None):
    "Return a TIFF of several pages, as (array, kind, more tags); `sub` are pages of SubIFDs of the first, each leading on to the next"
    out = b'II*\0    '
    places = []
    for a,shows,more in (sub or [])[::-1]:
        b,at = tif(a, shows, head=False, at=len(out), more=more|({330:(13,[places[-1]])} if places and more.get(254, (4,[0]))[1] == [1] else {}))
        out += b+bytes(len(b)%2); places.append(at)
    todo = []
    for a,shows,more in each[::-1]:
        if places and len(todo) == len(each)-1: more = more|{330:(4,[places[-1]])}
        b,at = tif(a, shows, head=False, at=len(out), more=more, after=todo[-1] if todo else 0)
        out += b+bytes(len(b)%2); todo.append(at)
    return out[:4]+struct.pack('<I', todo[-1])+out[8:]

PHOTO,SMALL = ramp(8),ramp(8)[::4,::4]
REDUCED,OLD_REDUCED,FULL,MASK = {254:(4,[1])},{255:(3,[2])},{254:(4,[0])},{254:(4,[4])}
bilevel = np.zeros((H,W), int)+255

@pytest.mark.parametrize('n,file', [
    (1, pages((SMALL,1,REDUCED), sub=[(PHOTO,1,FULL)])),
    (1, pages((SMALL,1,OLD_REDUCED), sub=[(PHOTO,1,{})])),
    (1, pages((SMALL,1,REDUCED), sub=[(SMALL[::2],1,REDUCED), (SMALL,1,REDUCED), (PHOTO,1,{})])),  # a copy of a copy of a copy
    (1, pages((SMALL,1,REDUCED), (PHOTO,1,{}))),
    (1, pages((PHOTO,1,{}), (SMALL,1,REDUCED))),
    (1, pages((PHOTO,1,{}), (SMALL,1,OLD_REDUCED), (bilevel,4,{}))),
    (1, pages((bilevel,4,{}), (PHOTO,1,{}), (bilevel,1,MASK))),
    (1, pages((PHOTO,1,{}), sub=[(SMALL,1,REDUCED)])),
    (2, pages((SMALL,1,REDUCED), (PHOTO,1,{}), sub=[(PHOTO,1,{})])),
    (2, pages((PHOTO,1,{}), (bilevel,4,{}), (PHOTO,1,{}), (bilevel,4,{}))),
])
def test_the_photo_and_no_copy_or_mask_of_it(n, file):
    found = Pages(file)
    assert len(found) == n
    for p in found: assert (p.pixels == PHOTO).all()
    masks = file.count(struct.pack('<HHIHH', 262, 3, 1, 4, 0))+file.count(struct.pack('<HHII', 254, 4, 1, 4))
    assert found[0].warnings == ([] if not masks else [f"{masks} transparency mask{'s'*(masks > 1)} left out"])

PACKET = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'

def test_what_the_copy_says_of_the_photo_is_kept():
    "Author, date and XMP of the first directory are carried, but not its resolution"
    about = {315:(2,b'Anna\0'), 700:(1,PACKET), 282:(5,struct.pack('<II', 10, 1)), 283:(5,struct.pack('<II', 10, 1)), 296:(3,[2])}
    photo = open_photo(pages((SMALL,1,REDUCED|about), sub=[(PHOTO,1,FULL)]))
    assert read_exif(photo.exif)[0][315].data == b'Anna\0' and photo.xmp == PACKET and photo.dpi is None

def test_circles_of_directories():
    "A copy that leads to itself, or two that lead to each other, are no photo: the first picture is read"
    raw = bytearray(pages((SMALL,1,REDUCED), sub=[(SMALL,1,REDUCED), (SMALL,1,REDUCED|{330:(13,[7])})]))
    at = raw.index(struct.pack('<HHII', 330, 13, 1, 7)); raw[at+8:at+12] = raw[4:8]
    assert (open_photo(bytes(raw)).pixels == SMALL).all()

def test_a_broken_way_to_the_photo():
    raw = pages((SMALL,1,REDUCED|{330:(4,[10**6])}))
    with pytest.raises(PhotoError, match='the photo behind its smaller copy: a broken directory'): open_photo(raw)

@pytest.mark.parametrize('kind', [32803, 34892])
def test_raw_data_is_refused_as_raw(kind):
    for file in (pages((SMALL,1,REDUCED), sub=[(PHOTO,kind,FULL)]), tif(PHOTO, kind), tif(np.dstack([PHOTO]*3), kind, 16)):
        with pytest.raises(PhotoError, match='^raw data of a camera'): open_photo(file)

def test_a_mask_alone():
    with pytest.raises(PhotoError, match='mask without a picture'): open_photo(tif(bilevel, 4))

# Sizes, and lines

@pytest.mark.parametrize('value,match', [((11,[float('nan')]), 'no whole number'), ((11,[float('inf')]), 'no whole number'), ((11,[37.]), 'no whole number'), ((9,[-4]), 'below zero'),
                                         ((5,struct.pack('<II', 37, 1)), 'no whole number'), ((2,b'37\0'), 'no whole number'), ((4,[0]), 'no pixels'), ((4,[2**32-1]), 'megapixels')])
@pytest.mark.parametrize('which', [256, 257])
def test_a_size_that_is_none(value, match, which):
    with pytest.raises(PhotoError, match=match) as e: Pages(tif(PHOTO, 1, more={which: value}))
    assert len(str(e.value)) < 120 and '\n' not in str(e.value)

@pytest.mark.parametrize('tag', [254, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 338, 339])
def test_other_numbers_that_are_none(tag):
    for value in ((11,[float('nan')]), (9,[-1]), (2,b'one\0'), (12,struct.pack('<d', 1e300))):
        SIZE[12] = 8
        try: assert open_photo(tif(PHOTO, 1, more={tag: value})).pixels.size
        except PhotoError as e: assert len(str(e)) < 200 and '\n' not in str(e)

@pytest.mark.parametrize('kw', [dict(shows=32844), dict(shows=1, more={277:(3,[65534])}), dict(shows=1, more={259:(3,[34713])}), dict(shows=6, bits=16), dict(shows=2)], ids=str)
def test_what_is_not_supported_is_described(kw, caplog):
    "The line names size, samples, bits, colours and compression, however many strips there are"
    with pytest.raises(PhotoError, match='^this kind of TIFF is not supported ') as e: open_photo(tif(np.zeros((600,9), int), rows=1, **kw))
    assert 'Layout' not in str(e.value) and len(str(e.value)) < 160 and '9x600' in str(e.value) and not caplog.records

@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('bits', [16, 32, 64])
@pytest.mark.parametrize('shows', [0, 1, 2])
@pytest.mark.parametrize('extra', [(), (1,)])
def test_floats_of_any_bytes_cause_no_warning(bits, shows, extra):
    "Any bytes give finite pixels or one line"
    n = (3 if shows == 2 else 1)+len(extra)
    for seed in range(6):
        raw = np.random.default_rng(seed).integers(0, 256, (5,7*n*bits//8)).astype(np.uint8)
        if seed > 2: raw[:,bits//8-1::bits//8] = 0x3c if bits == 16 else 0x3f if seed < 5 else 0x7f
        a = raw.view(f'f{bits//8}').reshape(5,7,n)
        file = tif(np.zeros((5,7,n)), shows, bits, extra=extra)
        with np.errstate(all='ignore'): whole = file.replace(bytes(5*7*n*bits//8), a.tobytes(), 1)
        try: assert np.isfinite(open_photo(whole).pixels).all()
        except PhotoError as e: assert '\n' not in str(e) and len(str(e)) < 200

# Directories that lie

def test_strips_that_say_they_are_longer_than_the_file(tmp_path):
    "Lengths beyond the file cost no memory"
    a = ramp(16)
    for kw in (dict(rows=999), dict(rows=4), dict(rows=4, zipped=True)):
        n = -(-H//kw['rows'])
        (tmp_path/'a.tif').write_bytes(tif(a, 1, 16, more={279:(4,[2**32-1]*n)}, **kw))
        same(open_photo(tmp_path/'a.tif').pixels, a, 0)

def test_tiles_larger_than_any_picture():
    for side in (30000, 65535):
        with pytest.raises(PhotoError, match='tiles that are larger'): open_photo(tif(PHOTO, 1, tile=16, more={322:(3,[side]), 323:(3,[side])}))

def test_more_samples_than_there_is_memory_for():
    "Ten kilobytes claim to be 12 GB"
    with pytest.raises(PhotoError, match='16 samples of 64 bits is more than 800 MB'):
        open_photo(tif(np.zeros((1,1,16)), 1, 64, more={256:(4,[10000]), 257:(4,[9000]), 278:(4,[9000])}))

def sharing(n, size, order='<'):
    "Return a directory of `n` entries that all point at the same bytes"
    at = 8+2+12*n+4
    return struct.pack(order+'H', n)+b''.join(struct.pack(order+'HHII', 40000+i, 7, size, at) for i in range(n))+bytes(4)+bytes(size)

def fat_tiff(n, size, pages=1, packed=True):
    "Return pages of 8x8 whose directories have `n` further entries, all at the same bytes"
    strip = zlib.compress(bytes(64)) if packed else bytes(64)
    start = 8+len(strip)+len(strip)%2
    where = start+size
    base = sorted({256:8, 257:8, 258:8, 259:8 if packed else 1, 262:1, 273:8, 277:1, 278:8, 279:len(strip)}.items())
    out,at = b'',where
    for i in range(pages):
        table = b''.join(struct.pack('<HHII', k, 4, 1, v) for k,v in base)+b''.join(struct.pack('<HHII', 40000+j, 7, size, start) for j in range(n))
        at += 2+len(table)+4
        out += struct.pack('<H', len(base)+n)+table+struct.pack('<I', at if i < pages-1 else 0)
    return b'II*\0'+struct.pack('<I', where)+strip.ljust(start-8, b'\0')+bytes(size)+out

BOMB = """
import resource, sys, time
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.encode import encode
from colorize_nb.files.photo import Pages
from colorize_nb.files.pixels import Photo
from PIL import Image
start,t = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,time.perf_counter()
try:
    for photo in Pages(sys.argv[1]):
        for fmt in ('JPEG', 'PNG', 'TIFF', 'WEBP'): encode(Image.new('RGB', (8,8)), fmt, photo)
    print('read', photo.warnings, file=sys.stderr)
except PhotoError as e: print('refused', e, file=sys.stderr)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss-start)//1024, time.perf_counter()-t)
"""
def cost(file, path):
    "Return the megabytes and seconds that it takes to read a file and to write it in every format, and the messages"
    path.write_bytes(file)
    p = subprocess.run([sys.executable, '-W', 'default', '-c', BOMB, path], capture_output=True, text=True, check=True, timeout=60)
    return *map(float, p.stdout.split()),p.stderr

@pytest.mark.parametrize('file', [fat_tiff(2000, 10**6), fat_tiff(2000, 10**6, packed=False), fat_tiff(4000, 10**5, 30), fat_tiff(30, 10**6, 900)],
                         ids=['2000 entries', 'not packed', '30 pages', '900 pages'])
def test_a_tiff_whose_entries_share_bytes(tmp_path, file):
    mb,seconds,said = cost(file, tmp_path/'a.tif')
    assert mb < 150 and seconds < 20, (mb, seconds)
    assert ('left out' in said or 'entries in its directories' in said) and len(said.splitlines()) == 1

def exif_bomb(n, size, order='<'): return b'Exif\0\0'+(b'II*\0' if order == '<' else b'MM\0*')+struct.pack(order+'I', 8)+sharing(n, size, order)
def exif_circles():
    "Return EXIF whose GPS and Interop lead back to its beginning"
    d = struct.pack('<H', 4)+b''.join(struct.pack('<HHII', k, 4, 1, 8) for k in (EXIF, GPS, INTEROP, 40000))+bytes(4)
    return b'Exif\0\0II*\0'+struct.pack('<I', 8)+d

def with_exif(exif, fmt):
    im,b = Image.new('L', (8,8), 99),io.BytesIO()
    if fmt != 'JPEG': im.save(b, fmt, exif=exif); return b.getvalue()
    im.save(b, fmt)
    raw = b.getvalue()
    start = raw.index(b'\xff\xe0'); end = start+2+int.from_bytes(raw[start+2:start+4], 'big')
    parts = [exif[6:][i:i+65000] for i in range(0, len(exif)-6, 65000)]
    return raw[:2]+b''.join(b'\xff\xe1'+(len(p)+8).to_bytes(2, 'big')+b'Exif\0\0'+p for p in parts)+raw[end:]  # no JFIF: Pillow asks EXIF for the resolution

@pytest.mark.parametrize('fmt', ['JPEG', 'PNG', 'WEBP'])
@pytest.mark.parametrize('exif', [exif_bomb(4000, 15000), exif_bomb(4000, 15000, '>'), exif_bomb(4000, 10**6), exif_circles()], ids=['64 kB', 'big-endian', '1 MB', 'circles'])
def test_exif_whose_entries_share_bytes(tmp_path, fmt, exif):
    mb,seconds,said = cost(with_exif(exif, fmt), tmp_path/'a.bin')
    assert mb < 100 and seconds < 20, (mb, seconds)
    assert 'left out' in said and len(said.splitlines()) == 1

def test_exif_of_a_jpeg_that_goes_on():
    "Two segments are one EXIF, which is read without Pillow and put upright"
    exif = pack_exif({274: tag_of(3, 6), 270: Tag(2, b'x'*80000), 315: Tag(2, b'Anna\0')}, '<')
    photo = open_photo(with_exif(exif, 'JPEG'))
    tree = read_exif(photo.exif)[0]
    assert set(tree) == {270, 315} and len(tree[270].data) == 80000 and not photo.warnings

def test_honest_exif_is_not_touched():
    "Much EXIF is carried whole, also values that two entries share, as some cameras write resolutions"
    tree = {40000+i: Tag(7, bytes([i%256])*(i+5)) for i in range(300)}|{EXIF: {MAKER: Tag(7, bytes(20000))}, GPS: {1: Tag(2, b'N\0')}}
    exif = bytearray(pack_exif(tree|{282: tag_of(5, 300, 1), 283: tag_of(5, 300, 1)}, '<'))
    a,b = (exif.index(struct.pack('<HHI', k, 5, 1))+8 for k in (282, 283))
    exif[b:b+4] = exif[a:a+4]
    notes = []
    got = read_exif(bytes(exif), notes)[0]
    assert not notes and got[282] == got[283] and {k for k in got} == set(tree)|{282, 283}

def test_shortened_exif_keeps_what_fits():
    "The largest values go, and no more of them than must"
    tree = {271: Tag(2, b'Leica\0'), EXIF: {40000+i: Tag(7, bytes(50*i)) for i in range(1, 300)}|{MAKER: Tag(7, bytes(30000))}}
    got = shorten_exif(pack_exif(tree, '>'), 65533)
    assert 65533-50*60 < len(got) <= 65533
    left = read_exif(got)[0]
    assert left[271].data == b'Leica\0' and max(len(t.data) for t in left[EXIF].values()) == 50*(max(left[EXIF])-40000)

def test_a_big_page_for_libtiff_is_read_from_the_file_itself(tmp_path):
    "An ordinary directory needs no copy of the strips, and a large private tag is not read"
    a = np.random.default_rng(0).integers(0, 256, (300,400,3), dtype=np.uint8)
    Image.fromarray(a).save(tmp_path/'a.tif', compression='tiff_lzw', tiffinfo={40000: b'x'*3_000_000})
    photo = open_photo(tmp_path/'a.tif')
    assert (photo.pixels == a).all() and photo.how['compression'] == 'tiff_lzw'

@pytest.mark.parametrize('kind', ['jpeg', 'group4', 'tiff_ccitt', 'packbits', 'tiff_lzw', 'zstd'])
def test_bigtiff_of_big_endian_in_every_compression(tmp_path, kind):
    if not shutil.which('tiffcp'): pytest.skip('tiffcp is missing: apt-get install libtiff-tools')
    smooth = np.clip(20+3*X+4*Y, 0, 255).astype(np.uint8)
    im = Image.fromarray(smooth) if kind not in ('group4', 'tiff_ccitt') else Image.fromarray(smooth > 128)
    if kind == 'jpeg': im = im.convert('RGB')
    try: im.save(tmp_path/'a.tif', compression=kind)
    except (OSError, KeyError): pytest.skip(f'this Pillow writes no {kind}')
    want = open_photo(tmp_path/'a.tif').pixels
    if subprocess.run(['tiffcp', '-8', '-B', tmp_path/'a.tif', tmp_path/'b.tif'], capture_output=True).returncode: pytest.skip(f'this tiffcp knows no {kind}')
    assert (tmp_path/'b.tif').read_bytes()[:4] == b'MM\0+'
    same(open_photo(tmp_path/'b.tif').pixels, want.astype(float), 2)
