"The package as an index and pip see it: one version everywhere, licences that say what the weights may be used for, floors that are kept."
import re
from configparser import ConfigParser
from importlib.metadata import distribution, requires
from pathlib import Path
import pytest
import colorize_nb
from colorize_nb.network.weights import load_config

ROOT = Path(__file__).parent.parent
MODELS = Path(colorize_nb.__file__).parent/'models'
TERMS = 'LicenseRef-colorize-nb-weights'

def ini():
    cp = ConfigParser(delimiters=['=']); cp.read(ROOT/'settings.ini', encoding='utf-8')
    return cp['DEFAULT']

def test_one_version():
    v = ini()['version']
    assert colorize_nb.__version__ == distribution('colorize_nb').version == v
    released = re.findall(r'^## (\S+)$', (ROOT/'CHANGELOG.md').read_text(encoding='utf-8'), re.M) # without what is not released yet
    assert f'\nversion: {v}\n' in (ROOT/'CITATION.cff').read_text() and released[0] == v

def test_the_licence_is_not_only_that_of_the_code():
    m = distribution('colorize_nb').metadata
    assert m['License-Expression'] == f'Apache-2.0 AND {TERMS}' and {'LICENSE', 'colorize_nb/models/LICENSE-weights.md'} <= set(m.get_all('License-File'))
    assert TERMS in (MODELS/'LICENSE-weights.md').read_text(encoding='utf-8') and 'research' in (MODELS/'LICENSE-weights.md').read_text(encoding='utf-8')
    assert all(load_config(n)['license'] == TERMS for n in ('default', 'vivid'))
    assert 'license_link: colorize_nb/models/LICENSE-weights.md\n' in (ROOT/'MODEL_CARD.md').read_text(encoding='utf-8')

def test_what_a_page_of_an_index_shows():
    m = distribution('colorize_nb').metadata
    assert {u.split(',')[0] for u in m.get_all('Project-URL')} >= {'Documentation', 'Source', 'Issues', 'Changelog'}
    assert 'Typing :: Typed' in m.get_all('Classifier') and (MODELS.parent/'py.typed').exists()
    assert not any(c.startswith('License ::') for c in m.get_all('Classifier'))  # refused beside an SPDX expression

@pytest.mark.parametrize('extra,name,least', [(None,'pillow',(12,3)), ('heic','pillow-heif',(1,5)), ('train','onnx',(1,22))])
def test_floors_by_advisories(extra, name, least):
    r, = {r.split(';')[0] for r in requires('colorize_nb') if re.match(rf'{name}[<>=]', r) and (f'extra == "{extra}"' in r if extra else 'extra' not in r)}
    assert tuple(map(int, re.search(r'>=(\d+)\.(\d+)', r).groups())) >= least and '<' in r

def test_the_page_opens_what_phones_make():
    "With the extra `app` alone"
    assert {*ini()['heic_requirements'].split()} < {*ini()['app_requirements'].split()}

def test_figures_are_the_measured_ones():
    "README's by hand from the two files, the card's word for word"
    readme,card = ((ROOT/n).read_text(encoding='utf-8') for n in ('README.md', 'MODEL_CARD.md'))
    rows = {r.split(',')[0]: r.split(',') for r in (ROOT/'results/figures.csv').read_text().splitlines()}
    share,psnr,colour,same = (float(rows['default'][i]) for i in (2,3,5,8))
    assert f"| **default** | {100*share:.0f}% | +{psnr-float(rows['gray'][3]):.1f} dB | {100*colour/float(rows['the photos themselves'][5]):.0f}% | {100*same:.0f}% |" in readme
    one, = (l.split(',') for l in (ROOT/'results/steering.csv').read_text().splitlines() if l.startswith('network,1,'))
    assert f'| one hint | {100*float(one[2]):.0f}% | +{float(one[4]):.1f} dB | {100*float(one[5]):.0f}% |' in readme
    assert (ROOT/'results/figures.md').read_text(encoding='utf-8').strip() in card
