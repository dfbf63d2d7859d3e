"Colours from another picture: found where they are, the photo's own lightness kept, one line for what cannot be used."
import json
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, gray_level
from colorize_nb import Colorizer
from colorize_nb.align import blurred, find_fit, find_places, how_sure, sampled
from colorize_nb.batch.options import OptionError
from colorize_nb.cli import colorize
from colorize_nb.color import lightness, rgb2lab
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.photo import open_photo
from colorize_nb.transfer import picture_for

@pytest.fixture(scope='module')
def gray(): return np.asarray(Image.open(OLD_PHOTO).convert('L').resize((150,190)))

@pytest.fixture(scope='module')
def colored(gray):
    "Left red, right blue, with the photo's gray"
    side = np.linspace(-1, 1, gray.shape[1])[None]
    rgb = np.stack([gray*(.75-.25*side), gray*.5+0*side, gray*(.75+.25*side)], -1)
    return rgb.clip(0, 255).astype(np.uint8)

def moved(x, turn=0., zoom=1., cut=(0,0,0,0)):
    "A picture turned about its middle, zoomed and cut, by Pillow"
    im = Image.fromarray(x).rotate(turn, Image.BICUBIC)
    w,h = im.size
    left,top,right,bottom = cut
    im = im.crop((left, top, w-right, h-bottom))
    return np.asarray(im.resize((round(im.width*zoom),round(im.height*zoom)), Image.BICUBIC))

def L_of(x): return lightness(np.asarray(x))

def test_sampling_is_bilinear_and_stops_at_the_edge():
    x = np.float32([[0,10],[20,30]])[None]
    at = np.float32([[[.25,.5,.75,9]],[[.25,.5,.25,9]]])
    assert np.allclose(sampled(x, at), [[[0,15,20,30]]])

def test_a_blur_keeps_the_mean_of_what_is_even():
    assert np.allclose(blurred(np.full((2,5,90), 7, np.float32), 4.), 7, atol=1e-5)

@pytest.mark.parametrize('turn, cut', [(0, (0,0,0,0)), (4, (0,0,0,0)), (-3, (12,5,0,8)), (0, (0,0,40,60)), (2, (30,10,0,0))])
def test_a_cut_and_turned_copy_is_found_where_pillow_put_it(gray, turn, cut):
    h,w = gray.shape
    copy = moved(gray, turn, 1.4, cut)
    fit = find_fit(L_of(gray), L_of(copy))
    left,top,right,bottom = cut
    size = np.array([h-top-bottom,w-left-right])
    angle = np.deg2rad(turn)
    for y,x in ((0,0), (-50,30), (40,-40)):  # pixels from the middle
        there = np.array([y*np.cos(angle)-x*np.sin(angle),y*np.sin(angle)+x*np.cos(angle)])+[h/2-top,w/2-left]
        at = fit.of(np.float32([[[.5+y/h]],[[.5+x/w]]])).ravel()
        assert np.abs(at*size-there).max() < 1.2, (y, x, at*size, there)

def test_contrast_grain_and_a_border_do_not_hinder(gray):
    rng = np.random.default_rng(0)
    other = np.pad(255*(gray/255.)**1.8+rng.normal(0, 6, gray.shape), 14, constant_values=250).clip(0, 255).astype(np.uint8)
    fit = find_fit(L_of(gray), L_of(other))
    assert np.abs(fit.middle-.5).max() < .01 and np.abs(np.diag(fit.matrix)-np.array(gray.shape)/other.shape).max() < .02

def test_coarse_grain_on_the_photo_costs_little(gray):
    noise = np.random.default_rng(0).normal(0, 14, gray.shape)
    grainy = (gray+noise).clip(0, 255).astype(np.uint8)
    other = gray.copy()
    other[60:110,40:90] = 240-other[60:110,40:90]//4  # something else, in one place
    sure = find_places(L_of(grainy), L_of(other)).sure
    assert sure[75:95,55:75].max() < .4 and min(sure[:50].mean(), sure[125:].mean()) > .9

def test_a_mirrored_copy_is_not_found(gray, colored, colorizer):
    with pytest.raises(PhotoError, match='shows another scene'): colorizer.colorize(gray, colors_from=np.ascontiguousarray(colored[:,::-1]))

def test_what_is_new_is_unsure_and_what_is_flat_is_not(gray):
    L = L_of(gray)
    other = L.copy()
    rng = np.random.default_rng(1)
    other[60:110,40:90] = np.kron(rng.uniform(10, 90, (10,10)), np.ones((5,5)))
    sure = how_sure(L, other, np.ones(L.shape, bool))
    assert sure[70:100,50:80].max() < .4 and sure[140:].min() > .9
    even = np.full((80,80), 60, np.float32)
    even[:,:20] = np.kron(rng.uniform(10, 90, (40,10)), np.ones((2,2)))
    assert how_sure(even, even*.9, np.ones((80,80), bool)).min() > .9

@pytest.mark.parametrize('sizes', [((1,1), (50,50)), ((50,50), (7,90)), ((9,300), (60,60)), ((30,31), (31,30))])
def test_odd_sizes_are_finite(sizes):
    rng = np.random.default_rng(0)
    a,b = (rng.uniform(0, 100, s).astype(np.float32) for s in sizes)
    found = find_places(a, b)
    assert found.sure.shape == a.shape and np.isfinite(found.at).all() and 0 <= found.sure.min() <= found.sure.max() <= 1

def test_colours_lie_where_they_belong(gray, colored, colorizer):
    out = np.asarray(colorizer.colorize(gray, colors_from=moved(colored, 2, .9)))
    lab,true = rgb2lab(out),rgb2lab(colored)
    assert np.abs(gray_level(out)-gray).max() < 1
    middle = slice(20,-20),slice(20,-20)
    assert np.abs(lab[middle][...,1:]-true[middle][...,1:]).mean() < .2*np.abs(true[middle][...,1:]).mean()

@pytest.mark.parametrize('turn', [10, -13, 90, 180, 270])
def test_a_print_askew_or_lying_on_its_side_is_found(gray, colored, colorizer, turn):
    picture = np.asarray(Image.fromarray(colored).rotate(turn, Image.BICUBIC, expand=True, fillcolor='white'))
    im = colorizer.colorize(gray, colors_from=picture)
    middle = rgb2lab(np.asarray(im))[30:-30,20:-20,1:]
    assert im.info['colors_taken'] > .75
    assert np.abs(middle-rgb2lab(colored)[30:-30,20:-20,1:]).mean() < .3*np.abs(rgb2lab(colored)[30:-30,20:-20,1:]).mean()

def test_gray_parts_of_a_picture_stay_gray(gray, colored, colorizer):
    "As on a tinted postcard: painted above, not below"
    tinted = np.repeat(gray[...,None], 3, 2)
    tinted[:95] = colored[:95]
    chroma = np.hypot(*np.moveaxis(rgb2lab(np.asarray(colorizer.colorize(gray, colors_from=tinted))), -1, 0)[1:])
    wanted = np.hypot(*np.moveaxis(rgb2lab(tinted), -1, 0)[1:])
    assert chroma[105:].mean() < 1
    assert chroma[:85].mean() > .75*wanted[:85].mean()

def test_the_share_is_told(gray, colored, colorizer, tmp_path):
    half = np.ascontiguousarray(colored[:,:80])
    im = colorizer.colorize(gray, colors_from=half)
    assert .35 < im.info['colors_taken'] < .55
    with pytest.warns(UserWarning, match='% of the photo is found in the other picture: do they show the same scene'):
        few = colorizer.colorize(gray, colors_from=np.ascontiguousarray(colored[40:120,20:80]))
    assert .1 < few.info['colors_taken'] < .2
    assert 'colors_taken' not in colorizer.colorize(gray).info

def test_16_bits_alpha_and_the_note_are_kept(gray, colored, tmp_path, colorizer):
    deep = gray.astype(np.uint16)*257
    Image.fromarray(deep).save(tmp_path/'a.tif')
    Image.fromarray(colored).save(tmp_path/'edit.png')
    out = open_photo(colorizer.colorize_file(tmp_path/'a.tif', colors_from=tmp_path/'edit.png'))
    assert out.pixels.dtype == np.uint16 and out.pixels.shape == (*gray.shape,3)
    assert np.abs(lightness(out.pixels)-lightness(deep)).max() < .1
    assert b'colorize_nb:colors_from="edit.png"' in out.xmp and b'colors_taken="1.00"' in out.xmp and str(tmp_path).encode() not in out.xmp
    clear = Image.fromarray(gray).convert('LA')
    clear.putalpha(Image.fromarray(255-gray))
    assert (np.asarray(colorizer.colorize(clear, colors_from=colored))[...,3] == 255-gray).all()

def test_strength_0_is_the_gray(gray, colored, colorizer):
    assert (np.asarray(colorizer.colorize(gray, colors_from=colored, strength=0)) == gray[...,None]).all()

def test_a_hint_lies_on_top(gray, colored, colorizer):
    plain = rgb2lab(np.asarray(colorizer.colorize(gray, colors_from=colored)))
    out = rgb2lab(np.asarray(colorizer.colorize(gray, colors_from=colored, hints=[(20,30,'green',.2)])))
    assert out[30,20,1] < plain[30,20,1]-15
    assert np.abs(out-plain)[:,110:].max() < 6

def test_one_look_where_nothing_is_left_to_guess(gray, colored):
    "A model that takes no hints spreads them"
    asked = []
    def run(L):
        asked.append(L.shape)
        return [np.zeros((len(L),2,L.shape[2]//4,L.shape[3]//4), np.float32)]
    toy = Colorizer(run, dict(name='toy', generator='toy', out_scale=4, multiple=8, render_size=64, hints=False))
    toy.colorize(gray, colors_from=colored)
    assert not asked
    out = rgb2lab(np.asarray(toy.colorize(gray, colors_from=np.ascontiguousarray(colored[:,:80]))))
    assert len(asked) == 1 and np.hypot(*out[:,85:100,1:].mean((0,1))) > 2  # its gray took the colours of the half that is known

@pytest.mark.parametrize('name, said', [('gray.png', 'is gray, so it has no colours to give'), ('one.png', r'too small to find a photo in it \(1x1\)'), ('noise.png', 'shows another scene; only'),
    ('anim.webp', '2 pages or frames'), ('bad.png', 'not a picture'), ('none.png', 'No such file')])
def test_bad_pictures_get_a_line(gray, colored, colorizer, tmp_path, name, said):
    rng = np.random.default_rng(0)
    Image.fromarray(gray).save(tmp_path/'gray.png')
    Image.fromarray(colored[:1,:1]).save(tmp_path/'one.png')
    Image.fromarray(rng.integers(0, 255, (90,90,3), dtype=np.uint8)).save(tmp_path/'noise.png')
    Image.fromarray(colored).save(tmp_path/'anim.webp', save_all=True, append_images=[Image.fromarray(255-colored)])
    (tmp_path/'bad.png').write_bytes(b'x'*99)
    with pytest.raises(PhotoError, match=f'{name}: .*{said}') as e: colorizer.colorize(gray, colors_from=tmp_path/name)
    assert '\n' not in str(e.value)

def test_a_folder_beside_a_folder(gray, colored, colorizer, tmp_path, capsys):
    for d in ('scans/mill', 'edits'): (tmp_path/d).mkdir(parents=True)
    for name in ('a.png', 'mill/b.jpg', 'c.png'): Image.fromarray(gray).save(tmp_path/'scans'/name)
    for name in ('a.jpg', 'B.png'): Image.fromarray(colored).save(tmp_path/'edits'/name)
    report = colorizer.colorize_folder(tmp_path/'scans', tmp_path/'out', bar=False, colors_from=tmp_path/'edits')
    said = {r.src[len(str(tmp_path))+7:]: (r.status, r.taken and round(r.taken, 1), r.reason) for r in report.rows}
    assert said == {'a.png': ('done', 1, ''), 'mill/b.jpg': ('done', 1, ''), 'c.png': ('failed', None, f'no picture called c in {tmp_path}/edits')}
    report.save(tmp_path/'r.json')
    assert json.loads((tmp_path/'r.json').read_text())['settings']['colors_from'] == str(tmp_path/'edits')
    assert sorted(p.name for p in (tmp_path/'edits').iterdir()) == ['B.png', 'a.jpg']

def test_one_picture_is_for_one_photo(gray, colored, colorizer, tmp_path, capsys):
    for name in 'ab': Image.fromarray(gray).save(tmp_path/f'{name}.png')
    Image.fromarray(colored).save(tmp_path/'edit.jpg')
    assert colorize(path=[str(tmp_path/'a.png'), str(tmp_path/'b.png')], colors_from=str(tmp_path/'edit.jpg'), o=str(tmp_path/'out')) == 2
    assert 'is one picture, and there are 2 photos: name a folder' in capsys.readouterr().err
    with pytest.raises(OptionError, match='colors_from'): colorizer.colorize_folder(tmp_path, bar=False, colors_from=colored)
    assert not (tmp_path/'out').exists()

def test_the_picture_is_never_written_over(gray, colored, colorizer, tmp_path):
    Image.fromarray(gray).save(tmp_path/'a.png')
    Image.fromarray(colored).save(tmp_path/'edit.png')
    before = (tmp_path/'edit.png').read_bytes()
    with pytest.raises(PhotoError, match='would overwrite .*edit.png, which is read too'):
        colorizer.colorize_file(tmp_path/'a.png', tmp_path/'edit.png', colors_from=tmp_path/'edit.png', overwrite=True)
    assert (tmp_path/'edit.png').read_bytes() == before

def test_a_photo_is_not_its_own_picture(gray, tmp_path):
    Image.fromarray(gray).save(tmp_path/'a.png')
    with pytest.raises(PhotoError, match='no picture called a'): picture_for(tmp_path/'a.png', tmp_path)

@pytest.mark.parametrize('option', ['colors_from', 'like'])
def test_transparent_parts_give_no_colours(tmp_path, option):
    "What lies under them is seen by nobody; a picture that is opaque but for a few pixels is taken"
    gray = np.asarray(Image.open(OLD_PHOTO).convert('L').resize((200,260)))
    rgba = np.stack([gray, gray*.8, gray*.6, gray*0+255], -1).astype(np.uint8)
    photo = Colorizer.from_pretrained()
    rgba[:3,:3,3] = 0
    assert photo.colorize(gray, **{option: Image.fromarray(rgba)}).size == (200,260)
    rgba[:30,:,3] = 100
    with pytest.raises(PhotoError, match='has transparent parts; lay it on the photo first'): photo.colorize(gray, **{option: Image.fromarray(rgba)})
