"Films: what comes out beside what went in, with clips that are made here."
import os, shutil, signal, struct, subprocess, sys, time
from fractions import Fraction
from pathlib import Path
import numpy as np, pytest
av = pytest.importorskip('av', reason='needs the film extra')
cv2 = pytest.importorskip('cv2', reason='needs the film extra')
from colorize_nb import Colorizer  # noqa: E402
from colorize_nb.color import rgb2lab  # noqa: E402
from colorize_nb.fields import EVERY, SELDOM, Steady, is_cut, reversed_step, small_frame, step_to  # noqa: E402
from colorize_nb.chroma import Storage, chroma_cells, chroma_lines, paint_chroma, storage_of  # noqa: E402
from colorize_nb.batch.names import beside  # noqa: E402
from colorize_nb.film_hints import FilmHint, as_film_hints  # noqa: E402
from colorize_nb.film_file import Coding, Film  # noqa: E402
from colorize_nb.segments import FilmError, Segments  # noqa: E402
from colorize_nb.hint_text import Hint, HintError  # noqa: E402

class Toy(Colorizer):
    "Skin tones, sky and green by lightness alone, and a little noise that is never the same: as a network flickers"
    def __init__(self, noise=0.):
        cfg = dict(name='toy', generator='toy', out_scale=4, multiple=8, render_size=128, hints=False)
        super().__init__(self._paint, cfg)
        self.noise,self.rng,self.seen = noise,np.random.default_rng(0),0
    def rng_of(self, L): return self.rng
    def _paint(self, L):
        self.seen += 1
        cells = L.reshape(len(L), 1, L.shape[2]//4, 4, L.shape[3]//4, 4).mean((3,5))
        ab = np.concatenate([.3*cells, -.3*cells], 1)
        return [(ab+self.noise*self.rng_of(L).standard_normal((len(L),2,1,1))).astype(np.float32)]

def scene(seed, size):
    "A textured picture: soft blobs of 8 pixels, some grain"
    rng = np.random.default_rng(seed)
    blobs = rng.uniform(-60, 315, (size[1]//8+2, size[0]//8+2)).astype(np.float32)
    large = cv2.resize(blobs, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)[:size[1],:size[0]]
    return (large+rng.normal(0, 3, large.shape)).clip(0, 255).astype(np.uint8)

def make_clip(path, n=20, size=(96,64), fmt='yuv420p', codec='libx264', pts=None, base=Fraction(1, 1000), cuts=(), scenes=None, sound=0,
              options=None, each=None, setup=None, color=(128,128)):
    "A clip that pans over one picture or several; what it is made of is given by name"
    suffix_options = dict(crf='8', **(options or {})) if codec == 'libx264' else options or {}
    with av.open(str(path), 'w') as out:
        video = out.add_stream(codec, rate=25, width=size[0], height=size[1], pix_fmt=fmt, options=suffix_options)
        video.codec_context.time_base = base
        if setup: setup(video, out)
        tones = [out.add_stream('aac', rate=16000, layout='mono') for _ in range(sound)]
        shot,began = 0,0
        for i in range(n):
            if i in cuts: shot,began = shot+1,i
            wide = scene((scenes or range(99))[shot], (size[0]+4*n, size[1]))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:,2*(i-began):2*(i-began)+size[0]]), 'gray').reformat(format=fmt)
            if fmt.startswith('yuv4') and color != (128,128):
                for p,v in zip(frame.planes[1:], color): p.update(bytes([v])*p.buffer_size)
            frame.pts,frame.time_base = (pts[i] if pts else round(Fraction(i, 25)/base)),base
            if each: frame = each(frame, i)
            for p in video.encode(frame): out.mux(p)
        for p in video.encode(): out.mux(p)
        for k,tone in enumerate(tones):
            wave = (np.sin(np.arange(640*n)/16000*2*np.pi*(440+220*k))*.3).astype(np.float32)[None]
            f = av.AudioFrame.from_ndarray(wave, 'fltp', 'mono')
            f.rate = 16000
            for p in [*tone.encode(f), *tone.encode()]: out.mux(p)
    return path

def frames(path):
    "All frames of a film: times and frames"
    with av.open(str(path)) as c: return [(f.pts*f.time_base, f) for f in c.decode(video=0)]

def lumas(path): return [plane_of(f, 0) for _,f in frames(path)]

def plane_of(f, i):
    kind = 'u1' if f.format.components[i].bits == 8 else '<u2'
    p = f.planes[i]
    return np.frombuffer(p, kind).reshape(-1, p.line_size//np.dtype(kind).itemsize)[:p.height,:p.width].astype(int)

def copied(path):
    "Packets of sound and subtitles: number of the stream among its kind, time, bytes"
    with av.open(str(path)) as c:
        streams = [s for s in c.streams if s.type in ('audio', 'subtitle')]
        return sorted((s.stream.type, streams.index(s.stream), s.pts*s.time_base, bytes(s)) for s in (c.demux(*streams) if streams else ()) if s.size)

@pytest.fixture
def toy(): return Toy()

def test_what_is_carried(toy, tmp_path):
    "Times, sound, size and luma of an ordinary clip; colours where there were none"
    src = make_clip(tmp_path/'a.mp4', sound=2)
    r = toy.colorize_film(src, lossless=True, bar=False)
    assert r.dst == tmp_path/'a-color.mp4' and r.made and r.frames == 20 and r.shots == 1 and not r.noticed
    a,b = frames(src),frames(r.dst)
    assert [t for t,_ in a] == [t for t,_ in b]
    assert copied(src) == copied(r.dst) and {i for _,i,_,_ in copied(src)} == {0, 1}
    assert all(np.array_equal(x, y) for x,y in zip(lumas(src), lumas(r.dst)))
    chroma = np.stack([plane_of(f, 1) for _,f in b])
    assert np.abs(chroma-128).mean() > 3
    assert not list(tmp_path.glob('.*'))
    with av.open(str(r.dst)) as c: assert 'compositeWithTrainedAlgorithmicMedia' in c.metadata['comment']
    again = toy.colorize_film(src, bar=False)
    assert not again.made and again.dst == r.dst

@pytest.mark.parametrize('fmt,size', [('yuv420p',(96,64)), ('yuv422p',(96,64)), ('yuv444p',(96,64)), ('yuv444p',(97,63)), ('yuv420p10le',(96,64)),
                                      ('yuv422p10le',(98,64)), ('gray',(96,64))])
def test_formats(toy, tmp_path, fmt, size):
    "Depth and size of the chroma stay; odd sizes work; without loss luma is the same, in 10 bits too"
    src = make_clip(tmp_path/'a.mp4', n=6, fmt=fmt, size=size)
    r = toy.colorize_film(src, tmp_path/'b.mp4', lossless=True, bar=False)
    f = frames(r.dst)[0][1]
    assert (f.width, f.height) == size and f.format.name == ('yuv420p' if fmt == 'gray' else fmt)
    assert all(np.array_equal(x, y) for x,y in zip(lumas(src), lumas(r.dst)))

@pytest.mark.parametrize('codec,fmt,suffix', [('mpeg4', 'yuv420p', '.avi'), ('mjpeg', 'yuvj420p', '.mov'), ('ffv1', 'yuv411p', '.mkv'), ('ffv1', 'bgr0', '.mkv'),
                                              ('ffv1', 'yuv420p12le', '.mkv'), ('libvpx-vp9', 'yuv420p', '.webm')])
def test_other_codecs(toy, tmp_path, codec, fmt, suffix):
    src = make_clip(tmp_path/f'a{suffix}', n=5, fmt=fmt, codec=codec, base=Fraction(1, 25))
    r = toy.colorize_film(src, bar=False)
    assert r.dst.suffix == ('.mkv' if suffix in ('.mkv', '.webm') else '.mp4')
    assert [t for t,_ in frames(src)] == [t for t,_ in frames(r.dst)]
    assert np.abs(plane_of(frames(r.dst)[2][1], 2)-128).mean() > 3*(1 if '12' not in fmt else 0)

def test_times(toy, tmp_path):
    "Rates that vary and a start that is not 0"
    pts = [7000+t for t in (0, 40, 90, 91, 200, 210, 500, 501, 620, 700, 710, 1800)]
    for suffix in ('.mp4', '.mkv'):
        src = make_clip(tmp_path/f'a{suffix}', n=12, pts=pts)
        r = toy.colorize_film(src, tmp_path/f'b{suffix}', bar=False)
        assert [t for t,_ in frames(src)] == [t for t,_ in frames(r.dst)]
        assert [t for t,_ in frames(r.dst)][-1]-[t for t,_ in frames(r.dst)][0] == Fraction(1800, 1000)

def test_shape(toy, tmp_path):
    "Pixels that are not square, a turned picture, range and matrix"
    def setup(video, out):
        c = video.codec_context
        c.sample_aspect_ratio,c.color_range,c.colorspace,c.color_primaries,c.color_trc = Fraction(16, 11),2,5,5,6
        video.set_display_rotation(90)
    src = make_clip(tmp_path/'a.mp4', n=4, setup=setup)
    r = toy.colorize_film(src, tmp_path/'b.mp4', bar=False)
    (_,a),*_ = frames(src)
    (_,b),*_ = frames(r.dst)
    for k in ('rotation', 'color_range', 'colorspace', 'color_primaries', 'color_trc'): assert getattr(a, k) == getattr(b, k), k
    assert a.rotation and int(b.color_range) == 2 and int(b.colorspace) == 5
    with av.open(str(r.dst)) as c: assert c.streams.video[0].sample_aspect_ratio == Fraction(16, 11)
    with Film(src) as film: assert film.upright == (64,96)

def test_chapters_and_metadata(toy, tmp_path):
    def setup(video, out):
        out.metadata.update(title='Grandmother', comment='of 1931')
        video.metadata['language'] = 'nob'
        out.set_chapters([dict(id=1, start=0, end=300, time_base=Fraction(1, 1000), metadata=dict(title='One')),
                          dict(id=2, start=300, end=800, time_base=Fraction(1, 1000), metadata=dict(title='Two'))])
    src = make_clip(tmp_path/'a.mkv', setup=setup, sound=1)
    for name in ('b.mkv', 'c.mp4'):
        r = toy.colorize_film(src, tmp_path/name, bar=False)
        with av.open(str(r.dst)) as c:
            assert [(x['start']*x['time_base'], x['metadata']['title']) for x in c.chapters()] == [(0, 'One'), (Fraction(3, 10), 'Two')]
            tags = {k.lower(): v for k,v in c.metadata.items()}
            assert tags['title'] == 'Grandmother' and tags['comment'].startswith('of 1931; ')
            assert c.streams.video[0].metadata['language'] == 'nob'
    bare = toy.colorize_film(src, tmp_path/'d.mkv', note=False, bar=False)
    with av.open(str(bare.dst)) as c: assert {k.lower(): v for k,v in c.metadata.items()}['comment'] == 'of 1931'

def test_subtitles(toy, tmp_path):
    "mov_text goes into MP4, not into MKV, which is said"
    (tmp_path/'a.srt').write_text('1\n00:00:00,000 --> 00:00:00,400\nHello\n\n2\n00:00:00,500 --> 00:00:00,700\nGoodbye\n')
    clip = make_clip(tmp_path/'v.mp4', sound=1)
    src = tmp_path/'a.mkv'
    with av.open(str(clip)) as v, av.open(str(tmp_path/'a.srt')) as t, av.open(str(src), 'w') as out:
        new = {s: out.add_stream_from_template(s) for s in [*v.streams, *t.streams]}
        for c in (v, t):
            for p in c.demux():
                if p.size: p.stream = new[p.stream]; out.mux(p)
    r = toy.colorize_film(src, tmp_path/'b.mkv', bar=False)
    assert copied(src) == copied(r.dst) and any(k == 'subtitle' for k,*_ in copied(src)) and not r.noticed
    r = toy.colorize_film(src, tmp_path/'c.mp4', bar=False)
    assert any('subtitles of the kind' in n for n in r.noticed)
    assert [p for p in copied(src) if p[0] == 'audio'] == [p for p in copied(r.dst) if p[0] == 'audio']

def test_interlaced(toy, tmp_path):
    "Rows that comb are gone, which is said"
    def comb(frame, i):
        x = np.full((64,96), 60, np.uint8)
        x[::2,10+4*i:30+4*i] = 220
        x[1::2,12+4*i:32+4*i] = 220
        new = av.VideoFrame.from_ndarray(x, 'gray').reformat(format='yuv420p')
        new.pts,new.time_base = frame.pts,frame.time_base
        return new
    src = make_clip(tmp_path/'a.mp4', n=8, each=comb, options={'x264-params':'tff=1'})
    if not frames(src)[0][1].interlaced_frame: pytest.skip('this x264 makes no interlaced film')
    r = toy.colorize_film(src, tmp_path/'b.mp4', bar=False)
    assert any('deinterlaced' in n for n in r.noticed) and len(frames(r.dst)) == 8
    combing = [np.abs(np.diff(x[:,:], axis=0))[10:50].mean() for x in (lumas(src)[4], lumas(r.dst)[4])]
    assert combing[1] < .7*combing[0]

# ---- what a container does not take, and what is damaged

def with_sound(path, codec, rate=8000, seconds=.8, format=None):
    "A clip with a tone of 440 Hz in a codec of old cameras and phones"
    clip = make_clip(path.with_name('silent.mp4'))
    with av.open(str(clip)) as c, av.open(str(path), 'w', format=format) as out:
        video = out.add_stream('mpeg4', rate=25, width=96, height=64, pix_fmt='yuv420p')
        tone = out.add_stream(codec, rate=rate, layout='mono')
        tone.codec_context.open()  # the header needs what the encoder knows
        for i,f in enumerate(c.decode(video=0)):
            f.pts,f.time_base = i,Fraction(1, 25)
            for p in video.encode(f): out.mux(p)
        for p in video.encode(): out.mux(p)
        wave = (np.sin(np.arange(int(rate*seconds))/rate*2*np.pi*440)*.3).astype(np.float32)[None]
        f = av.AudioFrame.from_ndarray(wave, 'fltp', 'mono')
        f.rate,f.pts,f.time_base = rate,0,Fraction(1, rate)
        for p in [*tone.encode(f), *tone.encode()]: out.mux(p)
    return path

def pitch(path):
    "The strongest tone of a film, in Hz, and its sound's codec and seconds"
    with av.open(str(path)) as c:
        s = c.streams.audio[0]
        wave = np.concatenate([f.to_ndarray().astype(float)[0] for f in c.decode(s)])
        rate = s.codec_context.sample_rate
        return np.abs(np.fft.rfft(wave-wave.mean())).argmax()*rate/len(wave),s.codec_context.name,len(wave)/rate

@pytest.mark.parametrize('name,codec,result,becomes', [
    ('a.avi', 'pcm_u8', 'b.mp4', 'aac'), ('a.avi', 'pcm_u8', 'b.mov', 'pcm_u8'), ('a.mov', 'adpcm_ima_qt', 'b.mp4', 'aac'),
    ('a.avi', 'adpcm_ms', 'b.mkv', 'aac'), ('a.mkv', 'flac', 'b.mov', 'aac'), ('a.mkv', 'flac', 'b.mp4', 'flac')])
def test_sound_that_the_container_does_not_take(toy, tmp_path, name, codec, result, becomes):
    "It is encoded anew, which is said; what fits is copied"
    src = with_sound(tmp_path/name, codec)
    r = toy.colorize_film(src, tmp_path/result, bar=False)
    hertz,kind,seconds = pitch(r.dst)
    assert kind == becomes and abs(hertz-440) < 6 and abs(seconds-.8) < .25
    assert any('encoded as AAC' in n for n in r.noticed) == (becomes != codec)
    if becomes == codec: assert b''.join(p[3] for p in copied(src)) == b''.join(p[3] for p in copied(r.dst))

def test_sound_that_is_listed_and_not_there(toy, tmp_path):
    "An MPEG stream whose packets of sound are gone: it is left out, which is said"
    whole = with_sound(tmp_path/'a.ts', 'aac', format='mpegts').read_bytes()
    packets = [whole[i:i+188] for i in range(0, len(whole), 188)]
    (tmp_path/'b.ts').write_bytes(b''.join(p for p in packets if (p[1] & 31) << 8 | p[2] != 0x101))
    r = toy.colorize_film(tmp_path/'b.ts', bar=False)
    assert r.frames == 20 and any('no sound can be read from it' in n for n in r.noticed)

def test_a_damaged_packet_of_sound(toy, tmp_path):
    data = bytearray(with_sound(tmp_path/'a.ts', 'aac', format='mpegts').read_bytes())
    at = [i+data[i:i+188].index(b'\xff\xf1') for i in range(0, len(data), 188)
          if (data[i+1] & 31) << 8 | data[i+2] == 0x101 and b'\xff\xf1' in data[i:i+188]]
    data[at[-1]:at[-1]+2] = bytes(2)
    (tmp_path/'b.ts').write_bytes(data)
    r = toy.colorize_film(tmp_path/'b.ts', bar=False)
    assert r.frames == 20 and 'aac' == pitch(r.dst)[1]

def test_a_film_that_ends_early(toy, tmp_path):
    clip = make_clip(tmp_path/'a.mp4', n=40, options=dict(g='10'))
    whole = toy.colorize_film(clip, tmp_path/'b.mp4', bar=False)
    with av.open(str(clip), 'r') as c, av.open(str(tmp_path/'c.mp4'), 'w', container_options=dict(movflags='faststart')) as out:
        s = out.add_stream_from_template(c.streams.video[0])
        for p in c.demux(video=0):
            if p.size: p.stream = s; out.mux(p)
    data = (tmp_path/'c.mp4').read_bytes()
    (tmp_path/'c.mp4').write_bytes(data[:len(data)//2])
    half = toy.colorize_film(tmp_path/'c.mp4', tmp_path/'d.mp4', bar=False)
    assert not any('ends after' in n for n in whole.noticed) and 5 < half.frames < 36
    assert any(n.startswith(f'ends after {half.frames} of 40 frames') for n in half.noticed)

def test_times_that_cannot_be():
    from colorize_nb.film_streams import Clock
    clock = Clock(40)
    assert [clock.time(t) for t in (0, 40, 1543507455, 120)] == [0, 40, 80, 120] and clock.moved == 1

# ---- luma of films that are stored otherwise

def ramp(frame, i):
    "All levels, side by side"
    f = av.VideoFrame.from_ndarray(np.tile(np.arange(256, dtype=np.uint8), (64,1)), 'gray')
    f.pts,f.time_base = frame.pts,frame.time_base
    return f

def shown(path):
    "A row of gray as FFmpeg shows it, of the last frame"
    return frames(path)[-1][1].to_ndarray(format='rgb24')[30,:,1].astype(int)

@pytest.mark.parametrize('name,codec,fmt,full', [('a.mov','png','rgb24',True), ('a.mkv','libx264rgb','rgb24',True), ('a.mkv','ffv1','bgr0',False),
                                                 ('a.mkv','ffv1','gray',False), ('a.mkv','ffv1','gray16le',False), ('a.avi','rawvideo','gray',False)])
def test_gray_and_rgb_keep_their_levels(toy, tmp_path, name, codec, fmt, full):
    "Nobody tells the range of gray films: FFmpeg shows them as full"
    def each(frame, i):
        f = ramp(frame, i)
        made = f.reformat(format=fmt) if fmt != 'gray' else f
        made.pts,made.time_base = frame.pts,frame.time_base
        if full: made.color_range = 2
        return made
    def setup(video, out):
        if full: video.codec_context.color_range = 2
    src = make_clip(tmp_path/name, n=3, size=(256,64), fmt=fmt, codec=codec, each=each, setup=setup, options=dict(qp='0') if 'x264' in codec else None)
    r = toy.colorize_film(src, tmp_path/'b.mkv', strength=0, lossless=True, bar=False)
    assert np.abs(shown(src)-shown(r.dst)).max() <= 1

@pytest.mark.parametrize('first,then', [('yuv420p','yuv420p10le'), ('yuv420p10le','yuv420p'), ('yuv420p','yuvj420p')])
def test_recordings_of_two_depths_and_ranges(toy, tmp_path, first, then):
    parts = [make_clip(tmp_path/f'{k}.ts', n=4, size=(256,64), fmt=fmt, each=lambda f, i, fmt=fmt: retimed(ramp(f, i).reformat(format=fmt), f),
                       options=dict(qp='0')) for k,fmt in enumerate((first, then))]
    (tmp_path/'a.ts').write_bytes(b''.join(p.read_bytes() for p in parts))
    r = toy.colorize_film(tmp_path/'a.ts', tmp_path/'b.mkv', strength=0, lossless=True, bar=False)
    assert r.frames == 8 and np.abs(shown(parts[1])-shown(r.dst)).max() <= 2

def retimed(new, old):
    new.pts,new.time_base = old.pts,old.time_base
    return new

def test_interlaced_of_two_sizes(toy, tmp_path):
    sizes = (96,64),(160,96)
    parts = [make_clip(tmp_path/f'{k}.ts', n=6, size=size, codec='mpeg2video', base=Fraction(1, 25), options={'flags':'+ildct+ilme'}) for k,size in enumerate(sizes)]
    (tmp_path/'a.ts').write_bytes(b''.join(p.read_bytes() for p in parts))
    r = toy.colorize_film(tmp_path/'a.ts', bar=False)
    assert any('deinterlaced' in n for n in r.noticed) and any('brought to 96x64' in n for n in r.noticed) and r.frames >= 11

# ---- how a film is turned, and what it is called

def with_matrix(src, dst, matrix):
    "A copy of an MP4 that is shown through another matrix"
    data = bytearray(src.read_bytes())
    at = data.index(b'tkhd')+4+4+20+8+8  # version and times, reserved, layer and volume
    data[at:at+36] = struct.pack('>9i', *matrix)
    dst.write_bytes(data)
    return dst

def matrix_of(path):
    found = [bytes(d) for d in frames(path)[0][1].side_data if d.type.name == 'DISPLAYMATRIX']
    return struct.unpack('<9i', found[0]) if found else None

@pytest.mark.parametrize('a,b,c,d,said', [(-1,0,0,1,True), (1,0,0,-1,True), (0,1,1,0,True), (0,1,-1,0,False), (2,0,0,1,False)])
def test_mirrored_and_turned(toy, tmp_path, a, b, c, d, said):
    src = with_matrix(make_clip(tmp_path/'a.mp4', n=3), tmp_path/'t.mp4', (a<<16, b<<16, 0, c<<16, d<<16, 0, 0, 0, 1<<30))
    r = toy.colorize_film(src, tmp_path/'b.mp4', bar=False)
    assert matrix_of(r.dst) == matrix_of(src) and any('mirrored' in n for n in r.noticed) == said

def test_a_matrix_that_shows_nothing_is_none(toy, tmp_path):
    src = with_matrix(make_clip(tmp_path/'a.mp4', n=3), tmp_path/'t.mp4', (0,)*8+(1<<30,))
    with Film(src) as film: assert film.rotation == 0 and film.upright == (96,64)
    assert matrix_of(toy.colorize_film(src, tmp_path/'b.mp4', bar=False).dst) is None

@pytest.mark.skipif(os.name == 'nt', reason='no colons in names')
def test_a_name_like_an_address(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('12:30.mp4', 'file:x.mp4', 'http:x.mp4'):
        make_clip(tmp_path/'a.mp4', n=3).rename(name)
        assert toy.colorize_film(name, bar=False).dst == Path(name[:-4]+'-color.mp4')
    Path('list.mp4').write_text('ffconcat version 1.0\nfile file:x.mp4')
    assert refused('list.mp4', 'b.mp4').endswith('cannot be read as a film (Operation not permitted)')
    Path('list.mp4').write_text('ffconcat version 1.0\nfile a.mp4')
    make_clip(tmp_path/'a.mp4', n=3)
    assert refused('list.mp4', 'b.mp4') == 'list.mp4: a list of other files, not a film'
    Path('c.mp4').mkdir()
    assert refused('a.mp4', 'c.mp4', overwrite=True) == 'c.mp4: a folder has this name'
    assert "'0:00@1,1,red' is no list of hints" in refused('a.mp4', 'b.mp4', hints='0:00@1,1,red')
    assert 'is no hint for a film' in refused('a.mp4', 'b.mp4', hints=['9'*400+'@1,1,red'])

def test_matroska_is_the_same_each_time_and_known(toy, tmp_path):
    "No random numbers; and a result with a large attachment is known as one"
    from colorize_nb.batch.names import noted
    clip = make_clip(tmp_path/'v.mp4', n=4, sound=1)
    with av.open(str(clip)) as v, av.open(str(tmp_path/'a.mkv'), 'w') as out:
        new = {s: out.add_stream_from_template(s) for s in v.streams}
        out.add_attachment('font.ttf', 'application/x-truetype-font', bytes(range(256))*400)
        for p in v.demux():
            if p.size: p.stream = new[p.stream]; out.mux(p)
    one,two = (toy.colorize_film(tmp_path/'a.mkv', tmp_path/n, bar=False).dst for n in ('b.mkv', 'c.mkv'))
    assert one.read_bytes() == two.read_bytes() and bytes(range(256))*400 in one.read_bytes()
    assert noted(one) and not noted(tmp_path/'a.mkv')

def test_cuts_and_returning_shots(tmp_path):
    "A B A B: nothing crosses a cut, and a shot that returns keeps its colours although the network says something else"
    src = make_clip(tmp_path/'a.mp4', n=48, cuts=(12, 24, 36), scenes=(1, 2, 1, 2))
    r = Toy(noise=.2).colorize_film(src, tmp_path/'b.mp4', bar=False)
    assert r.shots == 4
    mean = np.array([[plane_of(f, i).mean() for i in (1,2)] for _,f in frames(r.dst)])
    steps = np.abs(np.diff(mean, axis=0)).max(1)
    inside = np.delete(steps, (11, 23, 35))
    assert inside.max() < 2.5 < steps[11]
    first,second = np.abs(mean[0]-mean[26]).max(),np.abs(mean[0]-mean[14]).max()
    assert first < .5*second

def test_flicker_and_how_often_the_network_runs(tmp_path):
    toy = Toy(noise=.1)
    r = toy.colorize_film(make_clip(tmp_path/'a.mp4', n=64), tmp_path/'b.mp4', bar=False)
    assert toy.seen <= 64/EVERY+2
    mean = np.array([plane_of(f, 1).mean() for _,f in frames(r.dst)])
    assert np.abs(np.diff(mean)).max() < 1.5

def looks(films, **kw):
    "The numbers of the frames that the network colours"
    asked = []
    def colors(i, small):
        asked.append(i)
        return np.zeros((*small.L.shape,2), np.float32)
    steady = Steady(colors, **kw)
    for i,gray in enumerate(films): steady.add(i, small_frame(gray))
    return asked

def test_still_shots_need_few_looks():
    "Nothing moves: seldom; a pan: every eighth frame; all changes although it is no cut: at once"
    wide = cv2.GaussianBlur(scene(3, (480,96)), (0,0), 3)
    still = [np.ascontiguousarray(wide[:,:128])]*60
    assert looks(still) == [0, SELDOM, 2*SELDOM] and looks(still, every=1, seldom=1) == list(range(60))
    pan = [np.ascontiguousarray(wide[:,2*i:2*i+128]) for i in range(50)]
    assert looks(pan) == list(range(0, 50, EVERY))
    rng = np.random.default_rng(0)
    grainy = [(g+rng.normal(0, 60, g.shape)).clip(0, 255).astype(np.uint8) for g in still[:12]]
    assert max(np.diff(looks(grainy))) < EVERY

def test_a_dissolve_keeps_its_sides():
    "Twelve frames mix two pictures, each of which the network colours in its own way: neither side takes the other's colours"
    a,b = (cv2.GaussianBlur(scene(s, (128,96)), (0,0), 4).astype(np.float32) for s in (3, 4))
    shares = [0.]*30+[(i+1)/13 for i in range(12)]+[1.]*30
    steady = Steady(lambda i, small: np.full((*small.L.shape,2), 60*shares[i]-30, np.float32))
    chunks = [steady.add(i, small_frame((a+s*(b-a)).round().astype(np.uint8))) for i,s in enumerate(shares)]
    tone = [f[...,0].mean() for c in [*chunks, steady.end()] if c for f in c.fields]
    assert len(tone) == 72 and tone[24] < -18 and tone[-25] > 18
    assert np.abs(np.diff(tone)).max() < 8  # colours change over, no cut

def test_the_way_back_needs_no_second_flow():
    wide = scene(3, (400,160))
    a,b = (small_frame(np.ascontiguousarray(wide[:,x:x+240])) for x in (40, 46))
    back = step_to(b, a)
    ahead = reversed_step(back, b, a)
    inner = (slice(3, -3), slice(3, -3))
    there = ahead.at[inner]-np.dstack(np.meshgrid(np.arange(60), np.arange(40)))[inner]
    assert np.abs(there-(-1.5, 0)).max() < .25  # six pixels to the left are one and a half cells
    computed = step_to(a, b)
    assert np.abs(ahead.at-computed.at)[inner].mean() < .05 and abs(ahead.like.mean()-computed.like.mean()) < .02

def test_no_colour_is_black_and_white(toy, tmp_path):
    "With strength 0 chroma is neutral everywhere"
    r = toy.colorize_film(make_clip(tmp_path/'a.mp4', n=4), tmp_path/'b.mp4', strength=0, lossless=True, bar=False)
    assert all((plane_of(f, i) == 128).all() for _,f in frames(r.dst) for i in (1,2))

def test_keep_color(toy, tmp_path):
    "A documentary partly in colour"
    def each(frame, i):
        if i >= 10:
            for p,v in zip(frame.planes[1:], (90,170)): p.update(bytes([v])*p.buffer_size)
        return frame
    src = make_clip(tmp_path/'a.mp4', n=20, cuts=(10,), each=each)
    r = toy.colorize_film(src, tmp_path/'b.mp4', keep_color=True, lossless=True, bar=False)
    assert r.noticed == ('1 of 2 shots have colours of their own: left alone',)
    a,b = frames(src),frames(r.dst)
    for i in (1,2):
        assert np.array_equal(plane_of(a[15][1], i), plane_of(b[15][1], i))
        assert np.abs(plane_of(a[5][1], i)-plane_of(b[5][1], i)).max() > 3
    r = toy.colorize_film(src, tmp_path/'c.mp4', bar=False)
    assert r.noticed[0].startswith('1 of 2 shots have colours of their own, replaced by guesses')

def test_chroma_gives_way():
    "No pixel of any matrix, range, depth or size of chroma leaves RGB by more than rounding"
    rng = np.random.default_rng(0)
    for bits,across,down,full,matrix in ((8,2,2,False,1), (8,1,1,True,6), (10,2,1,False,9), (10,2,2,True,5)):
        store = Storage(64, 48, bits, across, down, full, matrix)
        ab = rng.normal(0, 60, (2,6,8)).astype(np.float32)
        L = rng.uniform(5, 95, (6,8)).astype(np.float32)
        black,span,chroma = store.scale
        luma = (black+span*rng.uniform(0, 1, (48,64))).round().astype(store.dtype)
        planes = paint_chroma(luma, chroma_lines(chroma_cells(ab, L, store), L/100), store)
        y = (luma-black)/span
        cb,cr = (np.kron((p-128.*2**(bits-8))/chroma, np.ones((down,across))) for p in planes)
        red,blue = store.weights
        r,b = y+(2-2*red)*cr,y+(2-2*blue)*cb
        g = (y-red*r-blue*b)/(1-red-blue)
        assert min(x.min() for x in (r,g,b)) > -.012 and max(x.max() for x in (r,g,b)) < 1.012, (bits, matrix)

def plainly_painted(luma, lines, store):
    "Chroma as it is stored, whole planes at once, by numpy and one enlargement"
    black,span,chroma = store.scale
    y = ((luma-black)/span).clip(0, 1)
    blocks = np.stack([luma[i::store.down,j::store.across] for i in range(store.down) for j in range(store.across)])
    mean = (np.floor(blocks.mean(0)+.5)-black)/span  # stored as whole numbers
    shares = np.stack([y[i::store.down,j::store.across] for i in range(store.down) for j in range(store.across)])
    w,h = mean.shape[::-1]
    slopes,offsets = (np.stack([cv2.resize(x, (w,h), interpolation=cv2.INTER_CUBIC) for x in part]) for part in (lines[:2], lines[2:]))
    cb,cr = slopes*mean.clip(0, 1)+offsets
    red,blue = store.weights
    r,b = (2-2*red)*cr,(2-2*blue)*cb
    rgb = np.stack([r, -(red*r+blue*b)/(1-red-blue), b])
    up = (1-shares.max(0))/np.maximum(rgb.max(0), 1e-6)
    down = shares.min(0)/np.maximum((-rgb).max(0), 1e-6)
    share = np.minimum(np.minimum(up, down), 1)
    return np.stack([cb, cr])*share*chroma+128*2**(store.bits-8)

@pytest.mark.parametrize('store', [Storage(130, 94, 8, 2, 2, False, 1), Storage(131, 95, 8, 1, 1, True, 6), Storage(130, 95, 8, 2, 1, True, 5),
                                   Storage(5000, 36, 8, 2, 2, False, 1), Storage(130, 94, 10, 2, 2, False, 9)], ids=lambda s: f'{s.width}x{s.height}-{s.pix_fmt}')
def test_strips_are_one_picture(store):
    "Painting strip by strip gives the picture that painting at once gives"
    rng = np.random.default_rng(0)
    cells = rng.normal(0, .2, (2,9,13)).astype(np.float32)
    lines = chroma_lines(cells, rng.uniform(.1, .9, (9,13)).astype(np.float32))
    luma = cv2.resize(rng.uniform(0, 2**store.bits-1, (12,17)), (store.width,store.height)).astype(store.dtype)
    off = np.abs(paint_chroma(luma, lines, store)-plainly_painted(luma, lines, store))
    assert off.max() < 1.2 and (off > .51).mean() < .05, (off.max(), (off > .51).mean())

def test_colours_are_those_of_the_field():
    "A cell of one colour comes out as that colour, by the definition of the matrix"
    store = Storage(64, 48, 8, 2, 2, False, 1)
    ab = np.zeros((2,6,8), np.float32)
    ab[0],ab[1] = 20,30
    L = np.full((6,8), 60, np.float32)
    gray = np.float32(np.interp(60, [0, 53.585, 100], [0, .5, 1]))  # only near: looked up below
    from colorize_nb.color import gray_to_L
    levels = gray_to_L(np.arange(256)/255)
    gray = np.float32(np.abs(levels-60).argmin()/255)
    luma = np.full((48,64), round(16+219*gray), np.uint8)
    cb,cr = paint_chroma(luma, chroma_lines(chroma_cells(ab, L, store), np.full((6,8), gray)), store)
    f = av.VideoFrame(64, 48, 'yuv420p')
    for p,x in zip(f.planes, (luma, cb, cr)):
        rows = np.zeros((p.height, p.line_size), np.uint8)
        rows[:,:p.width] = x
        p.update(rows.tobytes())
    f.colorspace,f.color_range = 1,1
    lab = rgb2lab(f.to_ndarray(format='rgb24', src_colorspace='ITU709', dst_colorspace='ITU709'))[20:30,20:40].mean((0,1))
    assert abs(lab[1]-20) < 3 and abs(lab[2]-30) < 3 and abs(lab[0]-60) < 3

def test_hints_as_text():
    assert as_film_hints(['0:12.5@412,310,#7a1f1f']) == (FilmHint(12.5, Hint(412, 310, '#7a1f1f')),)
    assert as_film_hints(['1:00:02@1,2,red,0.3'])[0] == FilmHint(3602., Hint(1, 2, 'red', .3))
    assert as_film_hints([[12, 1, 2, 'red']], reach=.2)[0].hint.reach == .2
    for bad in ('412,310,#7a1f1f', 'x@1,2,red', '-3@1,2,red', '1@1,2', 7):
        with pytest.raises(HintError): as_film_hints([bad])

def disc(frame, i):
    "A light disc that goes to the right over a dark ground"
    yy,xx = np.mgrid[:96,:160]
    ground = 60+8*np.sin(xx/9)+8*np.sin(yy/7)
    x = np.where((yy-48)**2+(xx-30-i)**2 < 18**2, 190+6*np.sin((xx-i)/3), ground).astype(np.uint8)
    new = av.VideoFrame.from_ndarray(x, 'gray').reformat(format='yuv420p')
    new.pts,new.time_base = frame.pts,frame.time_base
    return new

def colour_at(path, i, x, y):
    f = frames(path)[i][1]
    return np.array([plane_of(f, k)[y//2-2:y//2+2,x//2-2:x//2+2].mean() for k in (1,2)])

def test_a_hint_travels(tmp_path):
    "Given in the middle, it holds on the same thing before and after, and not elsewhere"
    src = make_clip(tmp_path/'a.mp4', n=80, size=(160,96), each=disc)
    plain = Toy().colorize_film(src, tmp_path/'b.mp4', bar=False).dst
    told = Toy().colorize_film(src, tmp_path/'c.mp4', hints=[f'{20/25}@{50},{48},#7a1f1f'], bar=False).dst
    here = colour_at(told, 20, 50, 48)
    assert np.abs(here-colour_at(plain, 20, 50, 48)).max() > 8
    for i in (0, 40, 79): assert np.abs(colour_at(told, i, 30+i, 48)-here).max() < 3, i
    assert np.abs(colour_at(told, 40, 140, 10)-colour_at(plain, 40, 140, 10)).max() < 3
    for bad,why in (('0@500,3,red', 'outside'), ('1:00@5,5,red', 'after the end')):
        with pytest.raises(HintError, match=why): Toy().colorize_film(src, tmp_path/'d.mp4', hints=[bad], bar=False)

def test_a_turned_film_takes_hints_upright(tmp_path):
    src = make_clip(tmp_path/'a.mp4', n=10, size=(160,96), each=disc, setup=lambda v,_: v.set_display_rotation(90))
    turns = frames(src)[0][1].rotation//90
    upright = np.argwhere(np.rot90(np.arange(96*160).reshape(96,160), turns) == 48*160+30)[0]
    plain = Toy().colorize_film(src, tmp_path/'b.mp4', bar=False).dst
    told = Toy().colorize_film(src, tmp_path/'c.mp4', hints=[(0, int(upright[1]), int(upright[0]), '#7a1f1f')], bar=False).dst
    moved = np.abs(colour_at(told, 0, 30, 48)-colour_at(plain, 0, 30, 48)).max()
    assert moved > 8 > np.abs(colour_at(told, 0, 140, 80)-colour_at(plain, 0, 140, 80)).max()

def refused(src, dst, **kw):
    with pytest.raises((FilmError, HintError)) as e: Toy().colorize_film(src, dst, bar=False, **kw)
    assert '\n' not in str(e.value)
    return str(e.value)

def test_what_cannot_be_done_is_one_line(tmp_path):
    clip = make_clip(tmp_path/'a.mp4', n=4, sound=1)
    assert 'no such file' in refused(tmp_path/'no.mp4', tmp_path/'b.mp4')
    (tmp_path/'text.mp4').write_text('no film at all')
    assert 'cannot be read as a film' in refused(tmp_path/'text.mp4', tmp_path/'b.mp4')
    assert '.mkv' in refused(clip, tmp_path/'b.webm')
    assert 'itself' in refused(clip, clip, overwrite=True)
    with av.open(str(tmp_path/'sound.mp4'), 'w') as out, av.open(str(clip)) as c:
        s = out.add_stream_from_template(c.streams.audio[0])
        for p in c.demux(c.streams.audio[0]):
            if p.size: p.stream = s; out.mux(p)
    assert 'no video' in refused(tmp_path/'sound.mp4', tmp_path/'b.mp4')
    data = clip.read_bytes()
    (tmp_path/'enc.mp4').write_bytes(data.replace(b'avc1', b'encv'))
    assert 'encrypted' in refused(tmp_path/'enc.mp4', tmp_path/'b.mp4')
    def hdr(video, out):
        c = video.codec_context
        c.colorspace,c.color_primaries,c.color_trc = 9,9,16
    assert 'HDR' in refused(make_clip(tmp_path/'hdr.mp4', n=2, fmt='yuv420p10le', setup=hdr), tmp_path/'b.mp4')
    assert not (tmp_path/'b.mp4').exists() and not list(tmp_path.glob('.*'))

def test_corrupt_packets_are_counted(toy, tmp_path):
    clip = make_clip(tmp_path/'a.mp4', n=30, options=dict(bf='0', g='10'))
    with av.open(str(clip)) as c: at = [(p.pos, p.size) for p in c.demux(video=0) if p.size]
    data = bytearray(clip.read_bytes())
    pos,size = at[15]
    data[pos:pos+size] = b'\xff'*size
    (tmp_path/'bad.mp4').write_bytes(data)
    r = toy.colorize_film(tmp_path/'bad.mp4', tmp_path/'b.mp4', bar=False)
    assert any(n.startswith('1 corrupt packets') for n in r.noticed) and 25 <= r.frames < 30

def test_the_largest_video(toy, tmp_path):
    src = tmp_path/'a.mkv'
    small,large = (make_clip(tmp_path/f'{w}.mp4', n=6, size=(w,64), sound=1) for w in (64, 128))
    with av.open(str(small)) as a, av.open(str(large)) as b, av.open(str(src), 'w') as out:
        new = {s: out.add_stream_from_template(s) for s in [*a.streams, b.streams.video[0]]}
        for c in (a, b):
            for p in c.demux():
                if p.size and p.stream in new: p.stream = new[p.stream]; out.mux(p)
    r = toy.colorize_film(src, tmp_path/'b.mp4', bar=False)
    assert any('the largest' in n for n in r.noticed) and frames(r.dst)[0][1].width == 128
    assert [p[3] for p in copied(src)] == [p[3] for p in copied(r.dst)]

def test_a_full_disk_is_one_line(toy, tmp_path, monkeypatch):
    import errno
    def full(*_, **__): raise OSError(errno.ENOSPC, 'No space left on device', 'x')
    monkeypatch.setattr('colorize_nb.segments.write_file', full)
    assert 'No space left' in refused(make_clip(tmp_path/'a.mp4', n=4), tmp_path/'b.mp4')

def test_two_runs_do_not_meet(tmp_path):
    clip = make_clip(tmp_path/'a.mp4', n=4)
    parts = Segments(tmp_path/'b.mp4', 'x')
    try: assert 'another run' in refused(clip, tmp_path/'b.mp4')
    finally: parts.clear()

def test_times_that_do_not_increase():
    "One that repeats moves a little, so that nothing adds up; where they begin anew, the rest follows without a gap"
    from colorize_nb.film_streams import Clock
    def times(*ticks):
        clock = Clock(40)
        return [clock.time(t) for t in ticks]
    assert times(7, 47, 47, 87, 127) == [7, 47, 57, 87, 127]
    assert times(None, None, 80) == [0, 40, 80]
    assert times(1000, 1040, 1080, 0, 40, 41) == [1000, 1040, 1080, 1120, 1160, 1161]

def test_recordings_that_were_joined(toy, tmp_path):
    "Two MPEG streams one after the other: their times, and those of the sound, begin anew half-way"
    one = make_clip(tmp_path/'1.ts', sound=1).read_bytes()
    (tmp_path/'a.ts').write_bytes(one+one)
    r = toy.colorize_film(tmp_path/'a.ts', bar=False)
    times = [float(t) for t,_ in frames(r.dst)]
    assert len(times) == 40 and np.allclose(np.diff(times), .04) and any('anew' in n for n in r.noticed)
    sounds = [float(t) for _,_,t,_ in copied(r.dst)]
    assert len(sounds) == len(copied(tmp_path/'a.ts')) and np.all(np.diff(sounds) > 0) and sounds[-1] > 1.5

def test_an_avi_has_times_of_decoding_only(toy, tmp_path):
    src = make_clip(tmp_path/'a.avi', options=dict(bf='2'), base=Fraction(1, 25))
    assert np.diff([float(t) for t,_ in frames(src)]).min() < 0  # as PyAV reads them
    r = toy.colorize_film(src, bar=False)
    assert np.allclose(np.diff([float(t) for t,_ in frames(r.dst)]), .04) and not r.noticed

def test_a_rate_that_is_the_clock(tmp_path):
    "Some MKVs claim a thousand frames a second: a segment would be minutes long"
    src = make_clip(tmp_path/'a.mkv', n=10)
    class Stream: guessed_rate,base_rate = Fraction(1000),Fraction(1000)
    from colorize_nb.film_file import _rate
    assert _rate(Stream) == 25
    with Film(src) as film: assert film.rate == 25

@pytest.mark.parametrize('size', [(9000,64), (64,9000), (4,400), (16,16)])
def test_strange_shapes(toy, tmp_path, size):
    "The flow dies of pictures that are lower than 32 pixels"
    src = make_clip(tmp_path/'a.mkv', n=3, size=size, codec='ffv1', base=Fraction(1, 25))
    r = toy.colorize_film(src, tmp_path/'b.mkv', lossless=True, bar=False)
    assert all(np.array_equal(x, y) for x,y in zip(lumas(src), lumas(r.dst)))

@pytest.mark.parametrize('size', [(2,2), (20000,64)])
def test_shapes_that_cannot_be(tmp_path, size):
    src = make_clip(tmp_path/'a.mkv', n=2, size=size, codec='ffv1', base=Fraction(1, 25))
    assert f'{size[0]}x{size[1]} pixels' in refused(src, tmp_path/'b.mkv')

def test_the_same_pictures_give_the_same_bytes(tmp_path):
    "Whatever lay in memory before: x264's macroblock tree reads some of it in narrow pictures"
    from colorize_nb.film_file import Encoder
    src = make_clip(tmp_path/'a.mp4', n=120, size=(64,48), cuts=(50, 70), scenes=(1, 2, 1))
    rng = np.random.default_rng(0)
    with Film(src) as film:
        pictures = [(p, rng.integers(120, 136, (2,24,32)).astype(np.uint8)) for p in film.pictures()]
        def encoded():
            junk = [np.full(rng.integers(10, 300000), rng.integers(256), np.uint8) for _ in range(60)]
            del junk
            encoder = Encoder(film, Coding())
            for p,chroma in pictures: encoder.add(p, *chroma)
            return encoder.finish()['data'].tobytes()
        assert len({encoded() for _ in range(60)}) == 1

@pytest.mark.parametrize('curve,said', [(16,'HDR (PQ) is not supported: convert it to SDR first'), (18,'HDR (HLG) is not supported: convert it to SDR first'), (14,'')])
def test_hdr_is_refused(toy, tmp_path, curve, said):
    "In one sentence; BT.2020 with an ordinary curve is no HDR"
    def setup(video, out):
        c = video.codec_context
        c.colorspace,c.color_primaries,c.color_trc = 9,9,curve
    src = make_clip(tmp_path/'a.mp4', n=2, fmt='yuv420p10le', setup=setup)
    if said:
        assert refused(src, tmp_path/'b.mp4') == said
        assert not (tmp_path/'b.mp4').exists() and not list(tmp_path.glob('.*'))
    else:
        f = frames(toy.colorize_film(src, tmp_path/'b.mp4', bar=False).dst)[0][1]
        assert (int(f.colorspace), int(f.color_primaries), int(f.color_trc)) == (9, 9, 14)

class Killed(BaseException): pass

@pytest.mark.parametrize('at', [3, 40, 90, 131, 170])
def test_goes_on_where_it_was(tmp_path, monkeypatch, at):
    "Stopped at any frame, the same call gives the same bytes, and paints no segment twice"
    from colorize_nb import film as module
    monkeypatch.setattr(module, 'SEGMENT', 1)
    src = make_clip(tmp_path/'a.mp4', n=180, size=(64,48), cuts=(50, 70), scenes=(1, 2, 1), sound=1)
    class Fixed(Toy):
        def rng_of(self, L): return np.random.default_rng(int(1e4*abs(float(L.mean()))))  # looks run beside each other
    whole = Fixed(.1).colorize_film(src, tmp_path/'whole.mp4', bar=False)
    paint,painted = module.Painter._chroma,[]
    def stops(self, waiting, field):
        painted.append(waiting.picture.number)
        if len(painted) == at: raise Killed
        return paint(self, waiting, field)
    monkeypatch.setattr(module.Painter, '_chroma', stops)
    with pytest.raises(Killed): Fixed(.1).colorize_film(src, tmp_path/'b.mp4', bar=False)
    assert not (tmp_path/'b.mp4').exists()
    kept = len(list((tmp_path/'.b.mp4.parts').glob('0*.npz')))
    assert kept if at > 60 else not kept  # the first shot, of 50 frames, is handed back whole
    before = len(painted)
    r = Fixed(.1).colorize_film(src, tmp_path/'b.mp4', bar=False)
    assert r.frames == whole.frames and r.shots == whole.shots
    assert (tmp_path/'b.mp4').read_bytes() == (tmp_path/'whole.mp4').read_bytes()
    if kept: assert len(painted)-before < 180
    other = Fixed(.1).colorize_film(src, tmp_path/'c.mp4', strength=.5, bar=False)
    assert other.dst.read_bytes() != whole.dst.read_bytes()

def test_memory_does_not_grow_with_length(tmp_path):
    "What waits is bounded, whatever the length of a shot"
    seen = []
    steady = Steady(lambda i, s: np.zeros((*s.L.shape,2), np.float32))
    base = scene(3, (1200,64))
    for i in range(300):
        chunk = steady.add(i, small_frame(np.ascontiguousarray(base[:,2*i:2*i+96])))
        seen.append(len(steady.pending))
        if chunk: assert len(chunk.items) == 32
    assert max(seen) <= 80

def test_flicker_of_old_film_is_no_cut():
    a = small_frame(scene(5, (96,64)))
    for gain,shift in ((.8,20), (1.15,-20), (1.,30)):
        b = small_frame(np.clip(gain*a.gray+shift, 0, 255).astype(np.uint8))
        assert not is_cut(step_to(b, a))
    assert is_cut(step_to(small_frame(scene(6, (96,64))), a))
    black = small_frame(np.zeros((64,96), np.uint8))
    assert not is_cut(step_to(black, black))

def test_names():
    assert beside(Path('x/a.mkv')).name == 'a-color.mkv' and beside(Path('a.MOV')).name == 'a-color.mp4'
    assert storage_of(av.VideoFrame(65, 63, 'yuv420p')).pix_fmt == 'yuv444p'
    assert Coding().crf == 18

@pytest.mark.slow
def test_the_shipped_model_and_kills(tmp_path):
    "The command's own process, killed at random moments, ends with the same file"
    src = make_clip(tmp_path/'a.mp4', n=120, cuts=(40,), sound=1)
    code = f"import sys; from colorize_nb import film as f; f.SEGMENT = 1; f.Colorizer.from_pretrained().colorize_film({str(src)!r}, sys.argv[1], bar=False)"
    def start(name): return subprocess.Popen([sys.executable, '-c', code, str(tmp_path/name)], env=os.environ)
    began = time.monotonic()
    assert start('whole.mp4').wait() == 0
    takes = time.monotonic()-began
    for k in range(6):
        p = start('b.mp4')
        time.sleep(takes*np.random.default_rng(k).uniform(.2, .9))
        p.send_signal(signal.SIGKILL); p.wait()
        if (tmp_path/'b.mp4').exists(): break
    assert start('b.mp4').wait() == 0
    assert (tmp_path/'b.mp4').read_bytes() == (tmp_path/'whole.mp4').read_bytes()
    shutil.rmtree(tmp_path)

@pytest.mark.slow
@pytest.mark.skipif(os.name == 'nt', reason='signals and limits of POSIX')
def test_the_command_stopped_or_without_space(tmp_path):
    "Ctrl+C, SIGTERM and a full disk: a line, no result; afterwards the same command goes on to the same file"
    import resource
    src = make_clip(tmp_path/'a.mp4', n=90, cuts=(40,), sound=1)
    (tmp_path/'run.py').write_text('import sys\nfrom colorize_nb import film\nfrom colorize_nb.cli import colorize\nfilm.SEGMENT = 1\ncolorize()\n')
    def start(name, before=None):
        command = [sys.executable, str(tmp_path/'run.py'), str(src), '-o', str(tmp_path/name), '--render-size', '64']
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=before, text=True)
    def ends(process, status, said):
        told = process.communicate()[0]
        assert process.returncode == status and said in told and 'Traceback' not in told, told
    ends(start('whole.mp4'), 0, '1 film colorized')
    size = (tmp_path/'whole.mp4').stat().st_size
    for how,status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        name = f'{how.name}.mp4'
        process = start(name, lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
        while not (tmp_path/f'.{name}.parts'/'000000.npz').exists(): time.sleep(.01)
        process.send_signal(how)
        ends(process, status, 'goes on where it was')
        assert not (tmp_path/name).exists()
        ends(start(name), 0, '1 film colorized')
    def little():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size*2//3, size*2//3))
    ends(start('full.mp4', little), 1, 'File too large')
    assert not (tmp_path/'full.mp4').exists()
    ends(start('full.mp4'), 0, '1 film colorized')
    for name in ('SIGINT', 'SIGTERM', 'full'): assert (tmp_path/f'{name}.mp4').read_bytes() == (tmp_path/'whole.mp4').read_bytes()

def test_the_command(tmp_path, capsys):
    "A film on the command line: its name, its report, what is there already, wrong use"
    import json
    from colorize_nb.cli import colorize
    src = make_clip(tmp_path/'a.mp4', n=6, sound=1)
    out = tmp_path/'out'
    assert colorize(path=[str(src)], o=str(out), render_size=64, report=str(tmp_path/'r.json'), compare=True) == 0
    assert copied(out/'a.mp4') == copied(src)
    said = capsys.readouterr().err
    assert '--compare changes nothing for a film' in said and '1 film colorized' in said
    assert json.loads((tmp_path/'r.json').read_text())['photos'][0]['status'] == 'done'
    assert colorize(path=[str(src)], o=str(out), render_size=64) == 0 and '1 already there' in capsys.readouterr().err
    assert colorize(path=[str(tmp_path/'no.mp4')]) == 1 and 'No such file' in capsys.readouterr().err
    assert colorize(path=[str(src)], o=str(tmp_path/'h.mp4'), hint=['3,3,red']) == 1 and 'TIME@X,Y,COLOR' in capsys.readouterr().err
    assert not (tmp_path/'h.mp4').exists() and not list(tmp_path.glob('.*'))

def test_numbers_of_numpy_are_numbers(tmp_path):
    "Those of `Options`, and those of a film alone: its segments are noted in JSON"
    src = make_clip(tmp_path/'a.mp4', n=6)
    result = Toy().colorize_film(src, tmp_path/'b.mp4', strength=np.float32(.7), vivid=None, render_size=np.int64(128), crf=np.float32(20), keep_color=np.bool_(True), lossless=np.bool_(False), bar=False)
    assert result.made and result.frames == 6
