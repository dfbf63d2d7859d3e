"A few hundred damaged photos, archives and model folders, the same ones each time; tools/fuzz.py makes any number more."
import pytest
from test_site import load

@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('kind,n', [('photo', 250), ('archive', 150), ('model', 100)])
def test_fuzz(kind, n, capfd):
    total = load('fuzz').cases(kind, 0, 0, n)
    assert not capfd.readouterr().out  # onnxruntime once printed that it would try again
    assert total['done'] > n/50 and total['failed']+total['refused'] > n/5, total  # neither all are refused nor all read

@pytest.mark.parametrize('kind,seed,i', [('archive', 1, 1716), ('archive', 1, 1812)])  # an entry without a name
def test_what_a_long_run_has_found(kind, seed, i): assert load('fuzz').cases(kind, seed, i, i+1)
