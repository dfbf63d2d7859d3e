"Files of a survey that are none, or damaged, or would replace something: a line each that names the file."
import json, os
import pytest
pytest.importorskip('torch', reason='needs the train extra')
from PIL import Image
from skimage import data
from colorize_nb import cli

KEY = dict(survey='s1', kind='real-or-fake', model='default', pictures=[dict(photo='a.png', real=True), dict(photo='b.png', real=False)])
ANSWERS = dict(survey='s1', kind='real-or-fake', rater='r1', answers=[dict(picture=0, answer='real'), dict(picture=1, answer='fake')])
NO_KEY = 's-key.json: not the key of a survey'

def put(folder, name, o):
    (folder/name).write_bytes(o if isinstance(o, bytes) else json.dumps(o).encode())
    return str(folder/name)

@pytest.fixture
def read(tmp_path, capsys):
    def f(key=KEY, *answers, names=('s-key.json', 'a.json'), **kw):
        files = [put(tmp_path, names[0], key)]+[put(tmp_path, f'{i or ""}{names[1]}', a) for i,a in enumerate(answers or [ANSWERS])]
        status = cli.survey_read(key=files[0], answers=files[1:], **kw)
        out,err = capsys.readouterr()
        return status,out,err.replace(f'{tmp_path}/', '')
    return f

def refused(said, why):
    status,out,err = said
    assert status == 2 and not out and err == f'colorize-survey read: {why}\n', said

def test_key_and_answers(read):
    status,out,err = read()
    assert status == 0 and not err and out.startswith('1 rater\n') and '| real | 1 | 1.00 |' in out

def test_swapped(read):
    refused(read(ANSWERS, KEY), f'{NO_KEY}: these are answers, and the key comes first')
    refused(read(KEY, KEY), 'a.json: holds no answers')

@pytest.mark.parametrize('change,why', [
    (dict(pictures=None), ': it lists no pictures'), (dict(pictures=[]), ': it lists no pictures'), (dict(pictures=2), ': it lists no pictures'), (dict(pictures={'0': {}}), ': it lists no pictures'),
    (dict(pictures=[1, 2]), ': picture 0 has no photo'), (dict(pictures=[*KEY['pictures'], dict(real=True)]), ': picture 2 has no photo'), (dict(pictures=[dict(photo=['a'], real=True)]), ': picture 0 has no photo'),
    (dict(pictures=[dict(photo='a.png')]), ': picture 0 is neither real nor generated'), (dict(pictures=[dict(photo='a.png', real='no')]), ': picture 0 is neither real nor generated'),
    (dict(kind='stars'), ': its kind is neither real-or-fake nor rating'), (dict(kind=['rating']), ': its kind is neither real-or-fake nor rating'), (dict(survey=None), ''), (dict(survey=['s1']), '')])
def test_damaged_keys(read, change, why): refused(read(KEY|change), NO_KEY+why)

@pytest.mark.parametrize('change,why', [
    (dict(rater=['me']), "['me'] is no name of a rater"), (dict(rater={}), '{} is no name of a rater'), (dict(rater=1.5), '1.5 is no name of a rater'), (dict(survey=['s1']), 'not a file of answers'),
    (dict(survey='s2'), 'answers to another survey (s2, not s1)'), (dict(answers=None), 'holds no answers'), (dict(answers='real'), 'holds no answers'), (dict(answers=[['x'*99]]), 'picture None is not in the survey'),
    (dict(answers=[dict(picture=['x'*99], answer='real')]), f"picture ['xxxxxxxxxx...{'x'*23}'] is not in the survey"), (dict(answers=[dict(picture=True, answer='real')]), 'picture True is not in the survey'),
    (dict(answers=[dict(picture=0, answer=['real'])]), "['real'] is neither 'real' nor 'fake'"), (dict(answers=[dict(picture=0)]), "None is neither 'real' nor 'fake'")])
def test_damaged_answers(read, change, why): refused(read(KEY, ANSWERS|change), f'a.json: {why}')

@pytest.mark.parametrize('rater', ['Anna', 7, None])
def test_raters(read, rater):
    "A rater without a name is called like the file"
    assert read(KEY, ANSWERS|dict(rater=rater))[0] == 0
    twice = read(KEY, ANSWERS|dict(rater=rater), ANSWERS|dict(rater=rater))
    if rater is None: assert twice[0] == 0
    else: refused(twice, f'1a.json: the answers of rater {rater} are there twice')

@pytest.mark.parametrize('data', [b'', b'{', b'\xff\xfe', b'['*100_000, b'\x89PNG\r\n'])
def test_no_json(read, data):
    for said,name in ((read(data), 's-key.json'), (read(KEY, data), 'a.json')):
        assert said[0] == 2 and said[2].startswith(f'colorize-survey read: {name}: cannot be read as JSON (') and said[2].count('\n') == 1

def test_no_files(read, tmp_path, capsys):
    assert cli.survey_read(key=str(tmp_path), answers=[]) == 2 and capsys.readouterr().err == f'colorize-survey read: {tmp_path}: a folder, not a file\n'
    assert cli.survey_read(key=str(tmp_path/'no.json'), answers=[]) == 2 and capsys.readouterr().err == f'colorize-survey read: {tmp_path}/no.json: No such file or directory\n'
    for empty in (dict(key='', answers=['a.json']), dict(key=str(tmp_path/'no.json'), answers=[''])):
        assert cli.survey_read(**empty) == 2 and capsys.readouterr().err == 'colorize-survey read: an empty argument is no file\n'

def tree(d): return {p.relative_to(d).as_posix(): p.read_bytes() if p.is_file() else None for p in d.rglob('*')}

@pytest.fixture
def photos(tmp_path):
    (tmp_path/'in').mkdir()
    for name,p in dict(cat=data.chelsea(), cup=data.coffee()).items(): Image.fromarray(p).resize((40,30)).save(tmp_path/f'in/{name}.png')
    return tmp_path/'in'

@pytest.fixture
def make(photos, tmp_path, capsys):
    def f(out, **kw):
        status = cli.survey_make(photos=str(photos), o=str(tmp_path/out), **kw)
        return status,capsys.readouterr().err.replace(f'{tmp_path}/', '')
    return f

def test_a_page_and_its_key_stay(make, tmp_path):
    "The answers to a page that was sent out can be read with its own key only"
    assert make('s.html') == (0, 's-key.json says which pictures are real: keep it\n')
    before = tree(tmp_path)
    for kw in (dict(rating=True), dict(only_generated=True), {}): assert make('s.html', **kw) == (2, 'colorize-survey make: s.html is there already; choose another name\n')
    (tmp_path/'s.html').rename(tmp_path/'sent.html')
    assert make('s.html') == make('s.htm') == (2, 'colorize-survey make: s-key.json is there already; choose another name\n')
    assert tree(tmp_path) == {k.replace('s.html', 'sent.html'): v for k,v in before.items()}

@pytest.mark.parametrize('out,why', [('q.html', 'q.html is there already; choose another name'), ('k.html', 'k-key.json is there already; choose another name'), ('lost.html', 'lost.html is there already; choose another name'),
                                     ('file/new/s.html', 'file is a file, not a folder'), (f'{"x"*247}.html', f'{"x"*247}-key.json: File name too long')])
def test_checked_before_the_first_write(make, tmp_path, out, why):
    "Folders, links that lead nowhere, names that are too long; no half of a survey is left"
    (tmp_path/'q.html').mkdir(); (tmp_path/'k-key.json').mkdir(); (tmp_path/'file').write_bytes(b'x'); (tmp_path/'lost.html').symlink_to('nowhere')
    before = tree(tmp_path)
    assert make(out) == (2, f'colorize-survey make: {why}\n') and tree(tmp_path) == before

def test_no_key_without_its_page(make, tmp_path, monkeypatch):
    "A disk that is full after the key"
    from colorize_nb.train import survey
    real = survey.write_file
    def full(path, *args, **kw):
        if path.suffix == '.html': raise OSError(28, os.strerror(28), str(path))
        real(path, *args, **kw)
    monkeypatch.setattr(survey, 'write_file', full)
    assert make('s.html')[0] == 1 and {p.name for p in tmp_path.iterdir()} == {'in'}

def test_a_plot_replaces_nothing(read, photos, tmp_path):
    for name,why in (('in/cat.png', 'in/cat.png is there already; choose another name'), ('in/cat', 'in/cat.png is there already; choose another name'), ('a.json', 'a.json is there already; choose another name'),
                     ('none/b.png', 'none/b.png: no such folder')):
        before = tree(photos)
        refused(read(plot=str(tmp_path/name)), why)
        assert tree(photos) == before
    assert read(plot=str(tmp_path/'b.doc'))[0] == 2 and not (tmp_path/'b.doc').exists()
    assert read(plot=str(tmp_path/'b'))[0] == 0 and Image.open(tmp_path/'b.png').width > 300
    assert read(plot=str(tmp_path/'b.png'))[0] == 2
