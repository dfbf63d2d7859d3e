"Hints: kept where they are put, without effect where they are not, the same through every door."
import json, os, subprocess, sys
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, gray_level
from colorize_nb import Colorizer
from colorize_nb.batch.options import OptionError, Options
from colorize_nb.color import lightness, rgb2lab
from colorize_nb.files.photo import open_photo
from colorize_nb.hint_text import Hint, HintError
from colorize_nb.steer import shown_at
from colorize_nb.network.weights import ModelError

@pytest.fixture(scope='module')
def c(): return Colorizer.from_pretrained()

def lab(im, x, y): return rgb2lab(np.asarray(im)[y,x])

@pytest.mark.slow
@pytest.mark.parametrize('size', [(120,160), (700,500), (33,900)])
@pytest.mark.parametrize('color', ['#7a1f1f', 'skyblue', 'gray', '#2a6f3a'])
def test_a_spot_keeps_its_hint(c, size, color):
    h,w = size
    even = np.tile(np.linspace(110, 140, w).astype(np.uint8), (h,1))
    for x,y in ((w//2,h//2), (w//5,h//4), (w-9,h-9)):
        hint = Hint(x, y, color)
        got = lab(c.colorize(even, hints=[hint]), x, y)
        want = rgb2lab(np.uint8(shown_at(got[0], hint.ab)))
        assert np.hypot(*(got-want)[1:]) < 6, (x, y, got, want)

def test_no_hints_are_zeros_and_order_does_not_matter(c, gray):
    plain = np.asarray(c.colorize(gray))
    assert (np.asarray(c.colorize(gray, hints=())) == plain).all()
    hints = [Hint(10,10,'red'), Hint(80,60,'#1f3f7a'), Hint(40,90,'green')]
    out = np.asarray(c.colorize(gray, hints=hints))
    assert (out != plain).any() and (np.asarray(c.colorize(gray, hints=hints[::-1])) == out).all()
    assert np.abs(gray_level(out)-gray).max() < 1

def test_the_later_of_two_on_one_spot_counts(c, gray):
    a,b = Hint(30,30,'red'), Hint(30,30,'blue')
    assert (np.asarray(c.colorize(gray, hints=[a,b])) == np.asarray(c.colorize(gray, hints=[b]))).all()

def test_strength_works_on_hinted_photos_as_on_others(c, gray):
    assert (np.asarray(c.colorize(gray, hints=[Hint(9,9,'red')], strength=0)) == gray[...,None]).all()

def test_little_changes_far_away_across_an_edge(c):
    two = np.full((200,300), 90, np.uint8); two[:,150:] = 190
    plain,told = (rgb2lab(np.asarray(c.colorize(two, hints=h))) for h in ((), [Hint(40,100,'#c02020')]))
    moved = np.hypot(*np.moveaxis(told-plain, -1, 0)[1:])
    assert np.median(moved[80:120,20:60]) > 30 and np.median(moved[:,220:]) < 15

@pytest.mark.parametrize('hints,said', [
    ([(500,0,'red')], 'the hint 500,0,#ff0000 lies outside the photo, which is 100 pixels wide and 80 high'),
    ([(-1,0,'red')], 'lies outside the photo'), ([(0,0,'rde')], "'rde' is no colour: write #7a1f1f or a CSS name, such as red"),
    ([(float('nan'),0,'red')], 'x of a hint must be a number of pixels, not nan'), ([(1,2)], 'x, y and a colour are'), (7, 'is no list of hints'),
    ([(0,0,'red')]*1001, '1001 hints, more than 1000'), ([(0,0,(1,2,300))], '(r,g,b) from 0 to 255')])
def test_bad_hints(c, hints, said):
    with pytest.raises(HintError) as e: c.colorize(np.zeros((80,100), np.uint8), hints=hints)
    assert said in str(e.value) and '\n' not in str(e.value)

def test_a_model_without_hints_says_so(c, gray):
    plain = Colorizer(lambda L: [np.zeros((1,2,L.shape[2]//4,L.shape[3]//4), np.float32)], {k: v for k,v in c.cfg.items() if k not in ('hints','bins','prior')}|dict(name='plain'))
    assert plain.colorize(gray).size == gray.shape[::-1]
    with pytest.raises(HintError, match='the model plain takes no hints'): plain.predict(np.zeros((1,1,32,32), np.float32), np.zeros((1,3,8,8), np.float32))
    with pytest.raises(OptionError, match='vivid must be 0 with the model plain'): plain.colorize(gray, vivid=.5)
    for f in (plain.doubt, plain.variants, lambda g: plain.likely(g, 1, 1)):
        with pytest.raises(ModelError, match='no second head'): f(gray)

@pytest.mark.slow
def test_a_folder_with_hints(c, tmp_path, gray):
    for n in ('a','b','c'): Image.fromarray(np.roll(gray, ord(n))).save(tmp_path/f'{n}.png')
    hints = {'a.png': [(20,30,'#7a1f1f')], 'c.png': [(5,5,'gray'), (50,40,'navy')]}
    outs = []
    for jobs in (1, 3):
        r = c.colorize_folder(tmp_path, tmp_path.parent/f'{tmp_path.name}-{jobs}', jobs=jobs, hints=hints)
        assert [x.hints for x in r.rows] == [['20,30,#7a1f1f'], [], ['5,5,#808080','50,40,#000080']]
        outs.append([(tmp_path.parent/f'{tmp_path.name}-{jobs}/{n}.png').read_bytes() for n in 'abc'])
    assert outs[0] == outs[1]
    assert b'colorize_nb:hints="5,5,#808080; 50,40,#000080"' in open_photo(tmp_path.parent/f'{tmp_path.name}-1/c.png').xmp
    r.save(tmp_path/'r.json'); assert json.loads((tmp_path/'r.json').read_text())['photos'][0]['hints'] == ['20,30,#7a1f1f']
    with pytest.raises(HintError, match='no photo is called d.png'): c.colorize_folder(tmp_path, tmp_path/'out', hints={'d.png': []})

def test_hints_for_many_pages_are_refused(c, tmp_path, gray):
    a,b = Image.fromarray(gray),Image.fromarray(gray[:40])
    a.save(tmp_path/'m.tif', save_all=True, append_images=[b])
    r = c.colorize_folder(tmp_path, tmp_path/'out', hints=[(1,1,'red')])
    assert r.failed[0].reason == '2 pages: hints and variants are for a single picture'

def test_likely_doubt_and_variants(c):
    photo = open_photo(OLD_PHOTO)
    h,w = photo.pixels.shape[:2]
    six = c.likely(photo, w//2, h//3)
    assert len(six) == 6 and all(a.p >= b.p for a,b in zip(six, six[1:])) and 0 < sum(o.p for o in six) <= 1
    spot = lightness(np.uint8([[o.rgb for o in six]]))[0]
    assert np.ptp(spot) < 2  # all at the spot's own lightness
    d = c.doubt(photo)
    assert d.shape == (h,w) and d.min() >= 0 and np.isfinite(d).all()
    two = c.variants(photo, 2)
    assert all((np.asarray(c.colorize(photo, hints=v.hints)) == np.asarray(v.image)).all() for v in two)
    assert [*map(str, two[0].hints)] == [*map(str, c.variants(OLD_PHOTO, 2)[0].hints)]  # the same each time

def test_variants_of_a_negative_are_those_of_its_positive(c, tmp_path, gray):
    Image.fromarray(gray).save(tmp_path/'a.png'); Image.fromarray(255-gray).save(tmp_path/'n.png')
    rows = {}
    for name,negative in (('a', False), ('n', True)):
        (d := tmp_path/name).mkdir(); (tmp_path/f'{name}.png').rename(d/'p.png')
        rows[name] = c.colorize_folder(d, tmp_path/f'{name}-out', variants=2, negative=negative, note=False).rows
    assert [r.hints for r in rows['a']] == [r.hints for r in rows['n']] and len(rows['a'][1].hints) == 3
    for n in ('p.png', 'p-variant1.png', 'p-variant2.png'): assert (tmp_path/f'a-out/{n}').read_bytes() == (tmp_path/f'n-out/{n}').read_bytes()
    assert (np.asarray(c.colorize(255-gray, negative=True)) == np.asarray(c.colorize(gray))).all()

@pytest.mark.parametrize('kw', [dict(variants=2), dict(shard='1/3')])
def test_one_file_has_no_options_of_a_run(c, tmp_path, gray, kw):
    Image.fromarray(gray).save(tmp_path/'a.png')
    with pytest.raises(OptionError, match=f'^{[*kw][0]} is for folders') as e: c.colorize_file(tmp_path/'a.png', **kw)
    assert '\n' not in str(e.value) and [p.name for p in tmp_path.iterdir()] == ['a.png']

def test_the_note_tells_all_that_changes_the_picture(c, tmp_path, gray):
    Image.fromarray(gray).save(tmp_path/'a.png')
    made = c.colorize_file(tmp_path/'a.png', negative=True, keep_tint=True, render_size=128, vivid=.5, strength=1.5, hints=['20,30,#7a1f1f'])
    xmp = open_photo(made).xmp
    for said in (b'negative="True"', b'keep_tint="True"', b'render_size="128"', b'vivid="0.5"', b'strength="1.5"', b'hints="20,30,#7a1f1f"'): assert b'colorize_nb:'+said in xmp, said

def test_options():
    assert Options(hints=['1,2,red']).hints == (Hint(1,2,'red'),)
    with pytest.raises(OptionError, match='vivid must lie in 0 to 1'): Options(vivid=1.5)

def test_the_command(tmp_path, gray, capsys):
    from colorize_nb.cli import colorize
    Image.fromarray(gray).save(tmp_path/'a.png'); Image.fromarray(gray[::-1]).save(tmp_path/'b.png')
    a = [str(tmp_path/'a.png')]
    assert colorize(path=a, o=str(tmp_path/'o.png'), hint=['20,30,#7a1f1f'], variants=2, report=str(tmp_path/'r.json')) == 0
    assert sorted(p.name for p in tmp_path.glob('o*')) == ['o-variant1.png', 'o-variant2.png', 'o.png']
    rows = json.loads((tmp_path/'r.json').read_text())['photos']
    assert [len(r['hints']) for r in rows] == [1, 4, 4] and all(r['hints'][0] == '20,30,#7a1f1f' for r in rows)
    again = Colorizer.from_pretrained().colorize(gray, hints=rows[1]['hints'])
    assert (np.asarray(Image.open(tmp_path/'o-variant1.png')) == np.asarray(again)).all()  # a result can be made again from its report
    (tmp_path/'h.json').write_text('{"a.png": [[1, 1, "red"]], "c.png": []}')
    for kw,said in ((dict(path=[str(tmp_path)], hint=['1,1,red']), '--hint is for one photo'), (dict(path=a, hints=str(tmp_path/'h.json')), 'no photo is called c.png'),
                    (dict(path=a, hint=['1,1,red'], hints='h.json'), 'give one of them'), (dict(path=a, hint=['1;1']), "'1;1' is no hint"), (dict(path=a, vivid=2.), '--vivid must lie in 0 to 1'),
                    (dict(path=a, hints=str(tmp_path/'none.json')), 'none.json: No such file')):
        capsys.readouterr()
        assert colorize(**kw) == 2
        err = capsys.readouterr().err
        assert said in err and err.count('\n') == 1, err

def test_reach_is_written_where_it_was_said(c, gray, tmp_path):
    spots = ['20,30,#7a1f1f', '50,40,#000080,0.9']
    near,far = (c.colorize_folder(_folder(tmp_path/f'in{r}', gray), tmp_path/f'out{r}', hints=spots, reach=r) for r in (0., None))
    assert near.rows[0].hints == ['20,30,#7a1f1f,0', '50,40,#000080,0.9'] and far.rows[0].hints == spots
    assert near.settings['reach'] == 0 and b'20,30,#7a1f1f,0; 50' in open_photo(tmp_path/'out0.0/a.png').xmp
    again = c.colorize(gray, hints=near.rows[0].hints)
    assert (np.asarray(again) == np.asarray(Image.open(tmp_path/'out0.0/a.png'))).all()  # a result can be made again from its note

def _folder(d, gray): d.mkdir(); Image.fromarray(gray).save(d/'a.png'); return d

@pytest.mark.parametrize('learned', [True, False])
def test_a_near_hint_changes_less(c, learned):
    even = np.tile(np.linspace(110, 140, 200).astype(np.uint8), (150,1))
    ab = np.zeros((1,2,99,99), np.float32)
    who = c if learned else Colorizer(lambda L: [ab[...,:L.shape[2]//4,:L.shape[3]//4]], {k: v for k,v in c.cfg.items() if k not in ('hints','bins','prior')})
    plain = rgb2lab(np.asarray(who.colorize(even)))
    def moved(r): return np.hypot(*np.moveaxis(rgb2lab(np.asarray(who.colorize(even, hints=[Hint(40, 75, '#a03030', r)])))-plain, -1, 0)[1:])
    near,usual,far = map(moved, (0, None, 1))
    assert near.mean() < .6*usual.mean() and usual.mean() < far.mean() and near[73:78,38:43].min() > .8*far[73:78,38:43].min()
    assert (moved(.5) == usual).all()
    protected = rgb2lab(np.asarray(who.colorize(even, hints=[Hint(40, 75, '#a03030', 1), Hint(150, 75, 'gray', 0)])))
    assert np.hypot(*(protected[75,150]-protected[75,150]*[1,0,0])[1:]) < 3

@pytest.mark.slow
def test_threads_that_multiply_matrices_are_not_seen():
    "One machine's worker may have one thread, another's two; shards together write what one process writes"
    said = "import hashlib, numpy as np; from colorize_nb import Colorizer; from colorize_nb.files.photo import open_photo; import colorize_nb, pathlib; " \
           "c = Colorizer.from_pretrained(); f = pathlib.Path(colorize_nb.__file__).parent/'photos/buffalo_bank.jpg'; print(hashlib.sha256(np.asarray(c.colorize(f, vivid=1.)).tobytes()).hexdigest())"
    each = [subprocess.run([sys.executable, '-c', said], env=os.environ|dict(OPENBLAS_NUM_THREADS=n, OMP_NUM_THREADS=n), capture_output=True, text=True, check=True).stdout for n in '12']
    assert each[0] == each[1] and len(each[0]) > 60

def test_hints_by_name_for_one_photo(c, gray, tmp_path):
    "They count for the photo of that name, and are refused for another one, in every function"
    f = tmp_path/'a.png'
    Image.fromarray(gray).save(f)
    named = c.colorize(f, hints={'a.png': [(30, 40, 'red')]})
    assert np.array_equal(named, c.colorize(f, hints=[(30, 40, 'red')])) and not np.array_equal(named, c.colorize(f))
    with pytest.raises(HintError, match='no photo is called b.png'): c.colorize(f, hints={'b.png': [(30, 40, 'red')]})
    with pytest.raises(HintError, match='no photo is called b.png'): c.colorize_file(f, hints={'b.png': [(30, 40, 'red')]})
    with pytest.raises(HintError, match='no photo is called a.png'): c.colorize(gray, hints={'a.png': [(30, 40, 'red')]})
    with pytest.raises(HintError, match='is a hint for a film'): c.colorize(f, hints=['0:1@1,2,red'])
    assert not (tmp_path/'a-color.png').exists()

@pytest.mark.parametrize('name', ['like', 'colors_from'])
def test_a_picture_in_memory_for_a_file(c, tmp_path, name):
    "As `colorize` and `colorize_folder` take it"
    f = tmp_path/'a.png'
    gray = np.asarray(Image.open(OLD_PHOTO).convert('L').resize((200,260)))
    Image.fromarray(gray).save(f)
    picture = np.stack([gray, gray*.8, gray*.6], -1).astype(np.uint8)
    assert c.colorize_file(f, tmp_path/'b.png', **{name: picture}).is_file()

def test_a_hint_that_another_covers_is_named(c, tmp_path, capsys):
    "The later one counts where both cover the same cells; the same colour twice, or far apart, is nothing to say"
    f = tmp_path/'a.png'
    Image.open(OLD_PHOTO).convert('L').save(f)
    for i,(x,color,said) in enumerate(((254,'blue',True), (250,'blue',True), (254,'red',False), (290,'blue',False))):
        r = c.colorize_folder(tmp_path, tmp_path/f'out{i}', hints={'a.png': [(250,300,'red'), (x,300,color)]}, bar=False)
        row, = (row for row in r.rows if row.src.endswith('a.png') and 'out' not in row.src)
        assert row.status == 'done' and any('the hint 250,300,#ff0000 does not count' in w for w in row.warnings) == said, (i, row)

@pytest.mark.parametrize('hints,why', [('10,10,red', 'is no list of hints'), ({'x': 1, 'y': 2}, 'is no list of hints'), (5, 'is no list of hints'),
                                       ([(1, 2, '#11223344')], "'#11223344' is no colour of a hint: it is transparent"), ([(1, 2, 'rgba(1,2,3,0)')], 'is transparent')])
def test_what_is_no_hint(hints, why):
    from colorize_nb.hint_text import as_hints
    with pytest.raises(HintError, match=why): as_hints(hints)
    assert as_hints([(1, 2, '#112233ff')])[0].color == (17,34,51)
