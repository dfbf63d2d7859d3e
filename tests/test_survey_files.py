"Files of a survey that are none, or damaged, or would replace something: a line each that names the file."
import json
import pytest
pytest.importorskip('torch', reason='needs the train extra')
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
