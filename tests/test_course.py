"The course: each notebook opens with a question and a picture and ends with what to try; a right answer to an exercise is told from a wrong one"
import contextlib, io, json, re
from pathlib import Path
import pytest
torch = pytest.importorskip('torch', reason='needs the train extra')
import numpy as np
import torch.nn.functional as F
from torch import nn, tensor
from colorize_nb.color import AB_BINS

NBS = Path(__file__).parents[1]/'nbs'
if not NBS.is_dir(): pytest.skip('no notebooks here', allow_module_level=True)

def cells(name): return json.loads((NBS/f'{name}.ipynb').read_text(encoding='utf-8'))['cells']
def source(c): return ''.join(c['source'])
def shown(c): return not re.match(r'#\|\s*(hide|default_exp)\b', source(c)) and 'google.colab' not in source(c)

def path():
    "The course's notebooks, in the order of the table in the index"
    text = '\n'.join(map(source, cells('index')))
    table = text.split('## The course')[1].split('Then train')[0]
    return re.findall(r'^\| (\d+) \| \[\w+\]\(nbs/(\w+)\.ipynb\) \| (.*\?)', table, re.M)

def test_the_path_has_nine_steps():
    assert [int(n) for n,_,_ in path()] == list(range(1, 10))

@pytest.mark.parametrize('step', path(), ids=lambda s: s[1])
def test_each_opens_with_its_question_and_a_picture(step):
    _,name,question = step
    nb = cells(name)
    asked = re.findall(r'\*\*(.+?\?)\*\*', source(nb[0]))
    assert len(asked) == 1
    assert set(re.findall(r'\w+', question)) <= set(re.findall(r'\w+', asked[0])), 'the index asks something else'
    first = next(c for c in nb if c['cell_type'] == 'code' and shown(c))
    imports = [l for l in source(first).splitlines() if re.match(r'(import|from) ', l)]
    assert 1 <= len(imports) <= 5
    assert any('image/png' in o.get('data', {}) for o in first['outputs'])

@pytest.mark.parametrize('name', [s[1] for s in path()]+['tutorials/train_coco','tutorials/finetune_your_photos'])
def test_each_ends_with_what_to_try(name):
    last = [c for c in cells(name) if c['cell_type'] == 'markdown'][-1]
    assert source(last).startswith('## Try next\n') and source(last).count('\n- ') >= 2
    for link in re.findall(r'\]\(([^)]+\.ipynb)\)', source(last)): assert (NBS/f'{name}.ipynb').parent.joinpath(link).is_file(), link

@pytest.mark.parametrize('name,picture', [('train_coco', 'systems.jpg'), ('finetune_your_photos', 'finetune.jpg')])
def test_each_tutorial_opens_with_a_picture(name, picture):
    first = source(cells(f'tutorials/{name}')[0])
    assert re.search(r'\*\*.+?\?\*\*', first) and f'(../../results/{picture})' in first and (NBS.parent/'results'/picture).is_file()

def said(notebook, exercise, answer=None):
    "The check's verdict on an answer, or on the one that the notebook starts with"
    by = {source(c).splitlines()[0]: source(c) for c in cells(notebook) if c['cell_type'] == 'code' and source(c).strip()}
    start = next(s for k,s in by.items() if k.startswith(f'# exercise: {exercise}'))
    check = next(s for k,s in by.items() if k.startswith(f'# check: {exercise}'))
    names = dict(np=np, torch=torch, nn=nn, F=F, tensor=tensor, AB_BINS=AB_BINS)
    exec(answer or start, names)
    with contextlib.redirect_stdout(io.StringIO()) as out: exec(check, names)
    return out.getvalue().strip()

@pytest.mark.parametrize('answer,verdict', [
    (None, 'not yet: it sees 34 pixels'),
    ('my_layers = [(4,2), (4,2), (4,2), (4,1), (4,1)]', 'not yet: it sees 70 pixels'),
    ('my_layers = [(4,1)]*15', 'not yet: it gives a verdict for every 1x1 pixels'),
    ('my_layers = [(46,4)]', 'not yet: a kernel is larger than 4'),
    ('my_layers = [(4,2), (4,2), (4,1), (4,1), (4,1)]', 'yes: 46 pixels'),
    ('my_layers = [(1,5), (4,1), (4,1), (4,1)]', 'not yet: of the 2,116 pixels of its square it looks at 100'),
    ('my_layers = []', 'not yet: a critic needs a layer'),
    ('my_layers = [(4,2)]*8', 'not yet: it sees more than 320 pixels'),
    ('my_layers = [(4,2), (2,1), (4,2), (4,1), (4,1), (3,1), (2,1)]', 'not yet: it sees 48 pixels')])
def test_the_patch(answer, verdict): assert said('69_gan', 'the patch', answer).startswith(verdict)

def loss(body): return f'def my_loss(pred, targ):\n    d = (pred-targ).norm(dim=1)*110\n    return {body}'

@pytest.mark.parametrize('answer,verdict', [
    (None, 'not yet: the cheapest is a*=20, b*=40, the colour of no car'),
    (loss('d**2'), 'not yet: the cheapest is a*=10, b*=15, the colour of no car'),
    ('def my_loss(pred, targ): return (pred-tensor([60.,40.])/110).abs().sum(1)', 'not yet: for one car alone its own colour is not the cheapest'),
    ('def my_loss(pred, targ): return torch.cdist(pred, targ).amin(1)', 'not yet: what a car costs depends on the other cars'),
    (loss('d.mean()'), 'not yet: () are not the figures of 100 cars'),
    (loss('0*d'), 'not yet: every answer costs the same'),
    (loss('(d > 3).float()'), 'not yet: at gray it has no slope'),
    (loss('d.clamp(max=40)'), 'not yet: at gray it has no slope'),
    (loss('d.sqrt()'), 'not yet: where the answer is right its slope is no number'),
    (loss('1-torch.exp(-d**2/(2*33**2))'), 'yes: it takes a side, a*=60, b*=40'),
    (loss('(1+d**2/20**2).log()'), 'yes: it takes a side, a*=55, b*=40')])
def test_the_loss(answer, verdict): assert said('66_losses', 'the loss', answer).startswith(verdict)

def shares(k, sigma): return f'''def my_shares(ab):
    far,near = torch.cdist(ab, tensor(AB_BINS)).topk({k}, largest=False)
    return torch.zeros(len(ab), 313).scatter(1, near, (-far**2/(2*{sigma}**2)).softmax(1))'''

@pytest.mark.parametrize('answer,verdict', [
    (None, 'not yet: the means are 3.8 units off'),
    (shares(5, 3), 'not yet: the means are 1.9 units off'),
    (shares(9, 5), 'not yet: a colour has 9 bins'),
    (shares(5, 5).replace('.softmax(1)', '.exp()'), 'not yet: the shares of a colour must be 1 in all'),
    ('''def my_shares(ab):
    corners = torch.cdist(tensor([[-60.,80.], [80.,60.], [20.,-90.]]), tensor(AB_BINS)).argmin(1)
    ends = torch.cat([tensor(AB_BINS)[corners], torch.ones(3, 1)], 1)
    some = torch.linalg.solve(ends.T, torch.cat([ab/3, torch.ones(len(ab), 1)], 1).T).T.clamp(0, 1)
    some = some/some.sum(1, keepdim=True)
    return torch.zeros(len(ab), 313).index_add(1, corners, some)''', 'not yet: the bins lie '),
    ('def my_shares(ab): return torch.ones(len(ab), 3)', 'not yet: (500, 3) are not 313 shares'),
    (shares(5, 5), 'yes: 0.22 units off')])
def test_the_bins(answer, verdict): assert said('66_losses', 'the bins', answer).startswith(verdict)
