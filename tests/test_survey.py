"The survey page in a real browser: a rater clicks through it, saves the answers, and they are read back."
import json, shutil
import pytest
pytest.importorskip('torch', reason='needs the train extra')
sync_api = pytest.importorskip('playwright.sync_api', reason='needs playwright')
from PIL import Image
from skimage import data

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
pytestmark = pytest.mark.skipif(not CHROMIUM, reason='needs chromium')

@pytest.fixture
def photos(tmp_path):
    (tmp_path/'in').mkdir()
    for n,p in dict(cat=data.chelsea(), cup=data.coffee(), face=data.astronaut(), rocket=data.rocket()).items(): Image.fromarray(p[...,:3]).resize((160,120)).save(tmp_path/f'in/{n}.png')
    return tmp_path/'in'

@pytest.fixture
def browser():
    with sync_api.sync_playwright() as p:
        b = p.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'])
        yield b
        b.close()

@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize('kind', ['rating', 'real-or-fake'])
def test_click_through(photos, tmp_path, browser, kind):
    from colorize_nb.train.survey import make_survey, read_survey, survey_report
    page_file,key = make_survey(photos, tmp_path/'survey.html', kind=kind)
    ctx = browser.new_context(viewport=dict(width=390, height=800), accept_downloads=True)
    page,asked,errors = ctx.new_page(),[],[]
    page.on('request', lambda r: asked.append(r.url)); page.on('pageerror', lambda e: errors.append(str(e)))
    page.on('console', lambda m: errors.append(m.text) if m.type == 'error' else None)
    page.goto(page_file.as_uri())
    page.click('#start')
    for i in range(4):
        assert page.get_attribute('img', 'alt') == f'Picture {i+1} of 4'
        page.wait_for_function('document.querySelector("img").naturalWidth == 160')
        assert page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'wider than a phone'
        if i % 2: page.keyboard.press('4' if kind == 'rating' else 'r')  # by key and by click
        else: page.click(f'[data-answer="{2 if kind == "rating" else "fake"}"]')
    with page.expect_download() as d: page.click('#save')
    d.value.save_as(tmp_path/'answers.json')
    res = read_survey(key, [tmp_path/'answers.json'])
    assert res['raters'] == 1 and res['real']['n'] + res['generated']['n'] == 4
    said = sorted(a['answer'] for a in json.loads((tmp_path/'answers.json').read_text())['answers'])
    assert said == ([2,2,4,4] if kind == 'rating' else ['fake','fake','real','real'])
    assert '1 rater\n' in survey_report(res)
    assert not errors and all(u.startswith(('file:', 'data:', 'blob:')) for u in asked)
