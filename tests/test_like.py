"Colours like another photo's: pairs of places that the encoder finds alike become hints; one line for what cannot be used."
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, gray_level
from colorize_nb import Colorizer
from colorize_nb.batch.options import OptionError
from colorize_nb.cli import colorize
from colorize_nb.color import rgb2lab
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.photo import open_photo
from colorize_nb.like import BESIDE, MOST_PAIRS, matches
from colorize_nb.hint_text import Hint

@pytest.fixture(scope='module')
def gray(): return np.asarray(Image.open(OLD_PHOTO).convert('L').resize((200,255)))

@pytest.fixture(scope='module')
def other(gray):
    "Another part of the scene, larger and green: `(h,w,3)`"
    part = np.asarray(Image.fromarray(gray[30:,40:]).resize((240,336)))
    return np.stack([part*.6, part*.95, part*.6], -1).clip(0, 255).astype(np.uint8)

def unit(x): return (x/np.sqrt(np.square(x).sum(0))).astype(np.float32)

def test_pairs_have_found_each_other_and_lie_apart():
    "A plane of random descriptions, and the same shifted by three columns"
    x = unit(np.random.default_rng(0).normal(size=(40,12,15)))
    pairs = matches((x,(12.,15.)), (x[:,:,3:],(12.,12.)))
    assert 20 < len(pairs) <= MOST_PAIRS and all(c > .999 for c,*_ in pairs)
    for _,p,q in pairs: assert np.allclose((p*(12,15)-.5).round(), (q*(12,12)-.5).round()+(0,3))
    places = [p for _,p,_ in pairs]
    assert all(np.abs(a-b).max() > BESIDE for i,a in enumerate(places) for b in places[:i])

def test_strangers_have_no_pairs():
    rng = np.random.default_rng(1)
    one,two = (unit(rng.normal(size=(300,12,12))) for _ in range(2))
    assert matches((one,(12.,12.)), (two,(12.,12.))) == []

@pytest.mark.filterwarnings('ignore:nothing in it looks like')
@pytest.mark.parametrize('shape', [(1,1), (3,500), (700,2)])
def test_tiny_and_narrow_photos(colorizer, other, shape):
    assert colorizer.colorize(np.full(shape, 128, np.uint8), like=other).size == shape[::-1]

def test_what_looks_alike_gets_the_other_photos_colours(colorizer, gray, other):
    hints = colorizer.hints_like(open_photo(gray), other)
    green = [h.ab[0] for h in hints]
    assert len(hints) > 10 and max(green) <= 0 and np.mean(green) < -10  # black has no colour
    alone,told = (rgb2lab(np.asarray(colorizer.colorize(gray, **kw))) for kw in ({}, dict(like=other)))
    part = np.s_[60:200,70:160]
    assert told[part][...,1].mean() < alone[part][...,1].mean()-8
    assert np.abs(gray_level(np.asarray(colorizer.colorize(gray, like=other)))-gray).max() <= 1.01

def test_a_persons_hint_speaks_for_what_looks_like_its_place(colorizer, gray, other):
    photo = open_photo(gray)
    every = colorizer.hints_like(photo, other)
    there = every[0]
    left = colorizer.hints_like(photo, other, [Hint(there.x, there.y, 'red')])
    assert 0 < len(left) < len(every) and there not in left
    out = rgb2lab(np.asarray(colorizer.colorize(gray, like=other, hints=[(there.x, there.y, '#c02020')])))
    assert out[there.y,there.x,1] > 15

def test_one_file_for_a_folder_is_read_once(gray, other, tmp_path, monkeypatch):
    from colorize_nb import like
    for name in ('a.png', 'b.png'): Image.fromarray(gray).save(tmp_path/name)
    Image.fromarray(other).save(tmp_path/'other.webp', lossless=True)
    opened = []
    monkeypatch.setattr(like, 'open_picture', lambda *args, real=like.open_picture: opened.append(args) or real(*args))
    c = Colorizer.from_pretrained()
    report = c.colorize_folder(tmp_path, tmp_path/'out', like=tmp_path/'other.webp', jobs=1, bar=False)
    assert {r.status for r in report.rows} == {'done'} and len(opened) == 1
    assert report.settings['like'] == str(tmp_path/'other.webp')
    Image.fromarray(other[:,::-1]).save(tmp_path/'other.webp', lossless=True)  # changed meanwhile
    c.colorize_file(tmp_path/'a.png', tmp_path/'again.png', like=tmp_path/'other.webp')
    assert len(opened) == 2

def test_the_command_and_the_note(gray, other, tmp_path, capsys):
    Image.fromarray(gray).save(tmp_path/'a.png')
    Image.fromarray(other).save(tmp_path/'other.png')
    assert colorize(path=[str(tmp_path/'a.png')], like=str(tmp_path/'other.png')) == 0
    made = Image.open(tmp_path/'a-color.png')
    assert b'other.png' in (tmp_path/'a-color.png').read_bytes() and str(tmp_path).encode() not in (tmp_path/'a-color.png').read_bytes()
    assert np.array_equal(np.asarray(made), np.asarray(Colorizer.from_pretrained().colorize(gray, like=other)))
    assert colorize(path=[str(tmp_path/'a.png')], like=str(tmp_path/'none.png')) == 2
    assert f"--like {tmp_path/'none.png'}: no such file" in capsys.readouterr().err

@pytest.mark.parametrize('bad, why', [('gray', 'is gray, so it has no colours to give'), ('small', 'too small'), ('text', 'not a picture, or damaged')])
def test_a_picture_that_cannot_be_used_gets_one_line(colorizer, gray, tmp_path, bad, why):
    path = tmp_path/f'{bad}.png'
    if bad == 'text': path.write_text('hello')
    else: Image.fromarray(gray if bad == 'gray' else np.dstack([gray[:1,:1]]*3)).save(path)
    with pytest.raises(PhotoError, match=why) as e: colorizer.colorize(gray, like=path)
    assert path.name in str(e.value) and '\n' not in str(e.value)

def test_a_model_whose_encoder_cannot_be_asked(gray, other):
    toy = Colorizer(lambda L, *_: [np.zeros((len(L),2,*L.shape[2:]), np.float32)], dict(name='toy', generator='toy', out_scale=1, multiple=8, render_size=64))
    with pytest.raises(OptionError, match='^like is not for the model toy: its encoder cannot be asked$'): toy.colorize(gray, like=other)

def test_the_album_whose_first_photo_was_coloured(tmp_path, gray, other):
    "The picture that tells is the result of a photo of the album: that one is there already, the others follow"
    album = tmp_path/'album'
    album.mkdir()
    for n in ('one','two'): Image.fromarray(gray).save(album/f'{n}.png')
    Image.fromarray(np.stack([gray*.6, gray*.95, gray*.6], -1).astype(np.uint8)).save(album/'one-color.png')
    before = (album/'one-color.png').read_bytes()
    report = Colorizer.from_pretrained().colorize_folder(album, like=album/'one-color.png', bar=False)
    assert {row.src[-7:]: row.status for row in report.rows} == {'one.png': 'exists', 'two.png': 'done'}
    assert (album/'one-color.png').read_bytes() == before
    report = Colorizer.from_pretrained().colorize_folder(album, like=album/'one-color.png', bar=False, overwrite=True)
    assert 'would overwrite' in report.failed[0].reason and (album/'one-color.png').read_bytes() == before
