"A few hundred damaged photos, archives and model folders, the same ones each time; tools/fuzz.py makes any number more."
import pytest
from test_site import load

@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind,n', [('photo', 250), ('archive', 150), ('model', 100)])
def test_fuzz(kind, n):
    total = load('fuzz').cases(kind, 0, 0, n)
    assert total['done'] > n/50 and total['failed']+total['refused'] > n/5, total  # neither all are refused nor all read
