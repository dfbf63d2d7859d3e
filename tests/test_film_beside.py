"The measures of experiments/film_beside.py on films whose values are known by hand"
import importlib.util
from pathlib import Path
import numpy as np, pytest
pytest.importorskip('av', reason='needs the film extra')
cv2 = pytest.importorskip('cv2', reason='needs the film extra')
SCRIPT = Path(__file__).parents[1]/'experiments/film_beside.py'

@pytest.fixture(scope='module')
def beside():
    spec = importlib.util.spec_from_file_location('experiments_film_beside', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

@pytest.fixture(scope='module')
def gray():
    "A smooth random picture"
    noise = np.random.default_rng(0).integers(0, 256, (24,32)).astype(np.uint8)
    return cv2.resize(noise, (256,192), interpolation=cv2.INTER_CUBIC)

def test_a_film_that_stays_has_no_error(beside, gray):
    film = [np.repeat(gray[...,None], 3, 2)//2+np.array([60, 20, 0], np.uint8)]*6
    error,chroma = beside.warp_error(film, beside.flows([gray]*6))
    assert error < 1e-6 < 5 < chroma
    assert beside.cdc(film) == 0

def test_a_film_that_alternates(beside, gray):
    "Red and blue in turn: a*b* by the formulas of CIE 1976, and histograms that share one value of three"
    red = np.full((*gray.shape,3), (255,0,0), np.uint8)
    blue = np.full((*gray.shape,3), (0,0,255), np.uint8)
    film = [red, blue]*4
    error,chroma = beside.warp_error(film, beside.flows([gray]*8))
    far = np.hypot(80.09-79.19, 67.20+107.86)  # a*b* of red are 80.09, 67.20, those of blue 79.19, -107.86
    assert error == pytest.approx(far, abs=.2)
    assert chroma == pytest.approx((np.hypot(80.09, 67.20)+np.hypot(79.19, 107.86))/2, abs=.2)
    # one frame apart B and R share nothing (ln 2 each), G stays; two and four apart all stay
    assert beside.cdc(film) == pytest.approx(2/3*np.log(2)/3, abs=1e-9)

def test_divergence_is_that_of_scipy(beside):
    from scipy.spatial.distance import jensenshannon
    p,q = np.random.default_rng(1).dirichlet(np.ones(16), 2)
    assert beside.divergence(p, q) == pytest.approx(jensenshannon(p, q)**2, rel=1e-9)

def test_colours_that_move_with_their_thing_have_no_error(beside, gray):
    "A picture that moves three pixels a frame, its colours with it, and the same with colours that stand still"
    grays = [np.ascontiguousarray(gray[:,3*i:3*i+200]) for i in range(6)]
    paint = np.stack([gray, 255-gray, np.full_like(gray, 90)], -1)
    steps = beside.flows(grays)
    along,_ = beside.warp_error([paint[:,3*i:3*i+200] for i in range(6)], steps)
    still,_ = beside.warp_error([paint[:,:200]]*6, steps)
    assert np.median(steps[0][0][...,0]) == pytest.approx(3, abs=.2)
    assert steps[0][1].mean() > .8
    assert along < still/4

def test_nothing_is_measured_across_a_cut(beside, gray):
    other = np.ascontiguousarray(255-gray[::-1,::-1])
    steps = beside.flows([gray, gray, other])
    assert steps[0] is not None and steps[1] is None

def test_films_of_ours(beside, gray, tmp_path, monkeypatch):
    "Both are whole; frame by frame every one of five has colours of its own"
    from colorize_nb import Colorizer
    c = Colorizer.from_pretrained()
    looks = []
    def counted(*a, own=beside.fresh):
        looks.append(1)
        return own(*a)
    monkeypatch.setattr(beside, 'fresh', counted)
    films = beside.ours(c, [gray]*5, 5, tmp_path)
    assert len(looks) == 5
    for path in films.values():
        frames = [*beside.frames_of(path)]
        assert len(frames) == 5 and all(f.shape == (*gray.shape,3) and np.ptp(f, -1).max() > 5 for f in frames)
