"A still in colour gives its colours to the film that it is from."
import numpy as np, pytest
av = pytest.importorskip('av', reason='needs the film extra')
pytest.importorskip('cv2', reason='needs the film extra')
from PIL import Image  # noqa: E402
from conftest import OLD_PHOTO  # noqa: E402
from colorize_nb.cli import colorize  # noqa: E402
from colorize_nb.color import rgb2lab  # noqa: E402
from colorize_nb.files.pixels import PhotoError  # noqa: E402

PHOTOS = [OLD_PHOTO, OLD_PHOTO.with_name('broadway.jpg')]

def frame(shot, t):
    "A pan over a photo, gray: (144,192) uint8"
    im = Image.open(PHOTOS[shot]).convert('L').resize((320,320))
    return np.asarray(im.crop((2*t, t+40, 2*t+192, t+184)))

def still(shot, t):
    "That frame in colour: left red, right blue"
    gray = frame(shot, t).astype(float)
    side = np.linspace(-1, 1, gray.shape[1])[None]
    return np.stack([gray*(.8-.2*side), gray*.6+0*side, gray*(.8+.2*side)], -1).clip(0, 255).astype(np.uint8)

@pytest.fixture(scope='module')
def film(tmp_path_factory):
    "Two shots of a second, each a pan over a photo"
    path = tmp_path_factory.mktemp('film')/'a.mp4'
    with av.open(str(path), 'w') as out:
        video = out.add_stream('libx264', rate=16, width=192, height=144, pix_fmt='yuv420p', options=dict(crf='12'))
        for shot in (0,1):
            for t in range(16):
                for p in video.encode(av.VideoFrame.from_ndarray(frame(shot, t), 'gray')): out.mux(p)
        for p in video.encode(): out.mux(p)
    return path

def frames(path):
    with av.open(str(path)) as film: return [f.to_ndarray(format='rgb24') for f in film.decode(video=0)]

def ab(rgb, rows, columns): return rgb2lab(rgb)[rows,columns,1:].mean((0,1))

def test_its_colours_go_to_its_shot_and_stay_there(colorizer, film, tmp_path):
    r = colorizer.colorize_film(film, tmp_path/'b.mp4', colors_from=still(1, 8), bar=False)
    assert r.taken > .9 and any('the still has colours for' in line for line in r.noticed)
    plain = colorizer.colorize_film(film, tmp_path/'c.mp4', bar=False)
    assert plain.taken is None
    told,own = frames(tmp_path/'b.mp4'),frames(tmp_path/'c.mp4')
    assert len(told) == len(own) == 32
    for t in (1, 8, 14):
        want = still(1, 8)  # the colours are on the things, which a pan moves by two pixels a frame
        for columns in (slice(30, 60), slice(130, 160)):
            rows = slice(50, 100)
            shifted = slice(columns.start-2*(t-8), columns.stop-2*(t-8))
            off = [np.hypot(*(ab(x[16+t], slice(rows.start-(t-8), rows.stop-(t-8)), shifted)-ab(want, rows, columns))) for x in (told, own)]
            assert off[0] < 8 and off[0] < .6*off[1], (t, columns, off)
    assert all(np.abs(a.astype(int)-b).mean() < 4 for a,b in zip(told[:16], own[:16]))  # the other shot stays as it was

def test_another_scene_is_refused_and_nothing_is_left(colorizer, film, tmp_path):
    with pytest.raises(PhotoError, match='no frame is like it'):
        colorizer.colorize_film(film, tmp_path/'b.mp4', colors_from=np.ascontiguousarray(still(1, 8)[:,::-1]), bar=False)
    assert not list(tmp_path.iterdir())

def test_the_command(film, tmp_path, capsys):
    Image.fromarray(still(0, 4)).save(tmp_path/'still.png')
    assert colorize(path=[str(film)], o=str(tmp_path/'b.mp4'), colors_from=str(tmp_path/'still.png')) == 0
    assert 'the still has colours for' in capsys.readouterr().err
    with av.open(str(tmp_path/'b.mp4')) as out: assert 'colors_taken' in out.metadata['comment']
