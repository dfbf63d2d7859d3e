"Figures of faces and hues, worked out by hand, and what keeps their table; tools/people.py finds the faces with OpenCV, which no test needs."
import importlib.util, sys
from pathlib import Path
import numpy as np
import pytest
pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image

TOOL = Path(__file__).parents[1]/'tools/people.py'
RED,BLUE,GREEN,GRAY = (255,0,0),(0,0,255),(0,255,0),(119,119,119)

@pytest.fixture(scope='module')
def people():
    spec = importlib.util.spec_from_file_location('tools_people', TOOL)
    spec.loader.exec_module(tool := importlib.util.module_from_spec(spec))
    return tool

def stripes(*colors): return np.repeat(np.array(colors, np.uint8)[:,None], 8, 1)

def test_hues_in_use(people):
    "Half, a quarter, a quarter: the entropy is 1.5 bits; gray pixels have no hue"
    assert people.hues_in_use(stripes(RED, RED, GREEN, BLUE)) == pytest.approx((2**1.5, 1))
    assert people.hues_in_use(stripes(RED, RED, BLUE, GRAY)) == pytest.approx((3/2**(2/3), .75))
    assert people.hues_in_use(stripes(GRAY, GRAY)) == (1, 0)

def test_figures_of_a_face(people):
    "Pure red has a* 80.09 and b* 67.20; what lies beside the mask does not count"
    truth,painted = np.full((6,6,3), RED, np.uint8),np.full((6,6,3), GRAY, np.uint8)
    mask = np.zeros((6,6), bool); mask[2:4,1:5] = True
    truth[~mask] = BLUE; painted[~mask] = GREEN
    assert people.face_figures(painted, truth, mask) == pytest.approx((0, 104.55, 104.55), abs=.05)
    painted[2] = RED  # one of two rows
    assert people.face_figures(painted, truth, mask) == pytest.approx((52.28, 104.55, 52.28), abs=.05)

def test_rows_by_width(people):
    figures = [(4, 20, 16), (9, 20, 11), (20, 24, 5), (30, 28, 6)]
    every,small,large = people.face_rows(figures, [20, 31, 32, 60])
    assert every == dict(width='all', n_faces=4, gray=.25, half=.5, off=9.5, chroma=15.75, true_chroma=23)
    assert small == dict(width='under 32 px', n_faces=2, gray=.5, half=1, off=13.5, chroma=6.5, true_chroma=20)
    assert large['n_faces'] == 1 and large['gray'] == 0 and large['off'] == 6
    assert list(people.face_rows([], []))[0] == dict(width='all', n_faces=0)

def test_skin_of_a_face(people):
    "A face is where the middle of its box is skin, of any lightness; a leaf is none"
    for color in ((224,172,145), (120,75,55)):
        rgb = np.zeros((48,48,3), np.uint8); rgb[:,:24] = color
        mask = people.face_mask(rgb, (0, 8, 24, 24))
        assert mask[11:29,4:20].all() and mask.sum() == 18*16
    assert people.face_mask(rgb, (20, 8, 24, 24)) is None
    assert people.face_mask(np.full((48,48,3), (60,140,60), np.uint8), (0, 8, 24, 24)) is None

def test_ageing_is_the_seeds(people):
    gray = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64,1))
    aged = people.age(gray, 3)
    assert aged.shape == gray.shape and aged.dtype == np.uint8
    assert (aged == people.age(gray, 3)).all() and (aged != people.age(gray, 4)).any()
    assert gray[0,-1] == 252 and aged[:,:8].mean() < 60 < 150 < aged[:,-8:].mean()  # still the same picture
    assert 3 < np.diff(aged[:,32].astype(float)).std()  # with grain

def test_blur_keeps_the_sum_and_spreads_by_sigma(people):
    point = np.zeros((41,41)); point[20,20] = 1
    spread = people.blur(point, 1.5)
    away = np.arange(41)-20
    assert spread.sum() == pytest.approx(1) and (spread.sum(0)*away**2).sum() == pytest.approx(1.5**2, rel=.01)
    assert people.blur(np.full((5,9), 7.), 1.5) == pytest.approx(7)

def test_halves_of_deoldifys_pictures(people):
    left,right = Image.new('RGB', (508,40), GRAY),Image.new('RGB', (508,40), RED)
    both = Image.new('RGB', (1100,40), 'white'); both.paste(left, (0,0)); both.paste(right, (1100-508,0))
    gray,theirs = people.halves(both)
    assert gray.mode == 'L' and gray.size == (508,40) and theirs.shape == (40,508,3) and (theirs == RED).all()
    both.paste(right, (0,0))
    assert people.halves(both) is None and people.halves(left) is None

def test_boxes_that_show_no_face(people):
    "A skirt that the cascade takes for a face counts among all boxes, not among those looked at"
    picture = np.full((600,508,3), RED, np.uint8)
    picture[440:550,240:340] = GRAY
    pair = people.Pair('Flowers1910', Image.fromarray(picture), picture, [[10,10,50,50], [245,450,90,90]])
    every,faces = people.old_rows(lambda p: p.theirs, [pair])
    assert (every['width'], every['n_faces'], every['gray']) == ('all', 2, .5)
    assert (faces['width'], faces['n_faces'], faces['gray']) == ('by eye', 1, 0) and faces['chroma'] == pytest.approx(104.55, abs=.05)
    assert faces['coloured'] == every['coloured'] == pytest.approx(1-110*100/(600*508))
    none = list(people.old_rows(lambda p: p.theirs, [people.Pair('x', pair.gray, picture, [])]))
    assert [r['n_faces'] for r in none] == [0, 0] and 'gray' not in none[0]

def test_rows_of_the_same_weights_and_reading_are_replaced(people):
    def row(weights, reading, gray, width='all'): return dict(model='m, 2', weights=weights, reading=reading, photos='old', width=width, gray=gray)
    text = people.merge('', [row('a1', 'vivid 0', .5), row('a1', 'vivid 1', np.float32(.25))])
    lines = people.merge(text, [row('b2', 'vivid 0', .125), row('a1', 'vivid 0', 0.)]).splitlines()
    assert lines[0].startswith('# python tools/people.py') and lines[1].startswith('model,weights,reading,')
    assert [line.split(',')[2:8] for line in lines[2:]] == [
        ['a1','vivid 0','old','all','',''], ['a1','vivid 1','old','all','',''], ['b2','vivid 0','old','all','','']]
    assert [line.split(',')[8] for line in lines[2:]] == ['0.0000', '0.2500', '0.1250'] and lines[2].startswith('"m, 2",')

def test_without_opencv_a_line_says_what_to_install(people, monkeypatch):
    people.haar.cache_clear()
    monkeypatch.setitem(sys.modules, 'cv2', None)
    with pytest.raises(ImportError, match=r"pip install 'opencv-python-headless<5'"): people.haar()
