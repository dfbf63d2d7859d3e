"Every mistake gets one true line, and a run does not depend on anybody reading it."
import io, json, os, subprocess, sys
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO, counts
from colorize_nb.batch.report import Report, Row
from colorize_nb.batch.summary import tell_report
from colorize_nb.cli import colorize
from test_folder import COMMAND, files, saved

@pytest.fixture
def box(gray, tmp_path):
    "A folder with two photos, as working directory"
    for i,n in enumerate('ab'): Image.fromarray(np.roll(gray, 9*i)).save(tmp_path/f'{n}.png')
    old = os.getcwd(); os.chdir(tmp_path)
    yield tmp_path
    os.chdir(old)

def run(*args, env=None, code=COMMAND, **kw):
    "The command in a process of its own: status, standard output, standard error as bytes"
    r = subprocess.run([sys.executable, '-c', code, *map(str, args)], env=os.environ|(env or {}), timeout=60, **({} if 'stdout' in kw else dict(capture_output=True))|kw)
    return r.returncode,r.stdout,r.stderr

# Wrong use

@pytest.mark.parametrize('kw,status,said', [
    (dict(path=['']), 2, 'an empty argument is no photo'),
    (dict(path=['a.png',''], o='o'), 2, 'an empty argument is no photo'),
    (dict(path=['a.png'], o=''), 2, '-o is empty'),
    (dict(path=['a.png'], model=''), 2, 'an empty name is no model'),
    (dict(path=['a.png'], report=''), 2, '--report : its name must end in .json'),
    (dict(path=['a.png'], max_megapixels=float('nan')), 2, '--max-megapixels must lie in 0 to 100000, not nan'),
    (dict(path=['a.png'], max_megapixels=float('inf')), 2, '--max-megapixels must lie in 0 to 100000, not inf'),
    (dict(path=['a.png'], max_megapixels=-1.), 2, '--max-megapixels must lie in'),
    (dict(path=['a.png'], strength=float('nan')), 2, '--strength must lie in 0 to 3, not nan'),
    (dict(path=['a.png'], device='foo'), 2, '--device foo: no such device; there are cpu, cuda'),
    (dict(path=['a.png'], device=''), 2, '--device : no such device'),
    (dict(path=['a.png'], o='m.gif'), 2, '-o m.gif: cannot write .gif; use .jpg, .png, .tif or .webp'),
    (dict(path=['a.png','b.png'], o='m.mp4'), 2, '-o m.mp4: cannot write .mp4'),
    (dict(path=['a.png'], o='m.bmp'), 1, 'cannot write .bmp'),
    (dict(path=['x'*300]), 1, 'File name too long'),
    (dict(path=['a.png'], o='x'*300), 1, 'File name too long'),
    (dict(path=['a.png'], model='x'*300), 2, 'no such model'),
    (dict(path=['a.png'], report='x'*300+'.json'), 2, 'File name too long'),
    (dict(path=['a.png'], model='a\0b'), 2, 'no such model'),
    (dict(path=['a\0b']), 1, 'no file has such a name'),
    (dict(path=['/dev/zero']), 1, 'not a regular file'),
    (dict(path=['notes.txt']), 1, 'not a photo by its name; photos end in .jpg, .jpeg'),
    (dict(path=['none.png']), 1, 'No such file or directory'),
    (dict(path=['https://example.org/a.jpg']), 1, 'an address, not a file; nothing is fetched'),
    (dict(path=['empty']), 1, 'failed empty: no photos in it'),
    (dict(path=['a.png','b.png'], o='-'), 2, '-o - takes one photo'),
    (dict(path=['a.png'], o='-', compare=True), 2, '--compare needs a place for its sheet'),
    (dict(path=['a.png'], o='-', variants=2), 2, '--variants needs a place for them'),
    (dict(path=['notse.txt']), 1, 'No such file or directory; did you mean notes.txt?'),
    (dict(path=['a.png'], model='vivd'), 2, 'did you mean vivid?'),
    (dict(path=['a.png'], device='cdua'), 2, 'did you mean cuda?'),
    (dict(path=['a.png'], hint=['1,2']), 2, "'1,2' is no hint: write X,Y,COLOR"),
])
@pytest.mark.slow
def test_each_mistake_is_a_true_line(box, capsys, kw, status, said):
    (box/'notes.txt').write_text(''); (box/'empty').mkdir()
    before = files(box)
    assert colorize(**kw) == status
    out,err = capsys.readouterr()
    lines = [e for e in err.splitlines() if not e.startswith('0 colorized')]
    assert len(lines) == 1 and said in lines[0] and not out, err
    assert files(box) == before

# The console

@pytest.mark.slow
@pytest.mark.skipif(sys.platform != 'linux', reason='needs such names')
@pytest.mark.parametrize('encoding', ['cp1252','ascii','cp932'])
def test_a_console_that_cannot_show_a_name(gray, tmp_path, encoding):
    Image.fromarray(gray).save(tmp_path/'写真 ü.png')
    status,out,err = run(tmp_path/'写真 ü.png', '--report', tmp_path/'r.json', env=dict(PYTHONIOENCODING=encoding))
    assert status == 0 and files(tmp_path) == ['r.json','写真 ü-color.png','写真 ü.png'] and b'Traceback' not in err
    assert '写真 ü'.encode(encoding, 'backslashreplace') in out
    assert Path(json.loads((tmp_path/'r.json').read_text(encoding='utf-8'))['photos'][0]['source']).name == '写真 ü.png'

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs a shell')
@pytest.mark.parametrize('how', ['>&-', '2>&-', '<&- >&- 2>&-', '>/dev/full', '2>/dev/full', '| true', '2>&1 | true'])
def test_nobody_reads(box, how):
    "Closed streams, full disks, broken pipes: the photos are made, the report is written, and no photo gets a line of text in it"
    (box/'notes.txt').write_text('')
    cmd = f'"{sys.executable}" -c "{COMMAND}" a.png b.png notes.txt -o out --report r.json {how}'
    r = subprocess.run(['bash', '-c', f'set -o pipefail; {cmd}'], capture_output=True, timeout=60)
    assert r.returncode == 1 and b'Traceback' not in r.stderr and b'Exception' not in r.stderr, r.stderr  # 1: notes.txt
    d = json.loads((box/'r.json').read_text())
    assert d['complete'] and d['counts']['done'] == 2 and files(box/'out') == ['a.png','b.png']
    for n in ('a.png','b.png'): Image.open(box/'out'/n).load()

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs a shell')
def test_a_closed_stream_is_no_photo(box):
    "The first file that is opened would be standard output"
    want = run('a.png', '-o', 'want.png')
    subprocess.run(['bash', '-c', f'"{sys.executable}" -c "{COMMAND}" a.png -o got.png <&- >&- 2>&-'], timeout=60)
    assert want[0] == 0 and (box/'got.png').read_bytes() == (box/'want.png').read_bytes()

# Warnings about files

def test_what_was_ignored_is_told(capsys):
    rows = [Row(f'{i}.jpg', f'{i}-color.jpg', 'done', warnings=[f'EXIF ignored (bad {i})']+['colour profile ignored (x)']*(i < 2)) for i in range(9)]
    tell_report(Report(rows))
    *said,last = capsys.readouterr().err.splitlines()
    assert [*said, counts(last)] == ['noticed 9 times: EXIF ignored; --report names the photos', 'noticed 0.jpg: colour profile ignored (x)',
                                                    'noticed 1.jpg: colour profile ignored (x)', '9 colorized']

def test_numbers_do_not_make_kinds(capsys):
    "Warnings that differ in their numbers are one kind, which is named; a name with a number in it stays whole"
    tell_report(Report([Row(f'{i}.jpg', f'{i}-color.jpg', 'done', warnings=[f'{i+1} channels without a meaning left out']) for i in range(4)]))
    assert capsys.readouterr().err.splitlines()[0] == 'noticed 4 times: N channels without a meaning left out; --report names the photos'
    tell_report(Report([Row(f'{i}.jpg', f'{i}-color.jpg', 'done', warnings=['the model eccv16 takes no hints: spread over its colours']) for i in range(4)]))
    assert capsys.readouterr().err.splitlines()[0] == 'noticed 4 times: the model eccv16 takes no hints; --report names the photos'
    tell_report(Report([Row(f'{i}.jpg', f'{i}-color.jpg', 'done', warnings=[f'{i} texts left out']) for i in range(3)]))
    assert capsys.readouterr().err.splitlines()[:3] == [f'noticed {i}.jpg: {i} texts left out' for i in range(3)]

def test_a_damaged_profile_is_told(gray, tmp_path, capsys):
    Image.fromarray(gray).save(tmp_path/'a.png', icc_profile=b'no profile')
    assert colorize(path=[tmp_path/'a.png']) == 0
    assert [e for e in capsys.readouterr().err.splitlines() if e.startswith(f"noticed {tmp_path/'a.png'}: ") and 'profile' in e]

# Standard input and output

@pytest.mark.slow
@pytest.mark.parametrize('fmt', ['JPEG','PNG','TIFF','WEBP','BMP'])
def test_a_photo_through_a_pipe(gray, tmp_path, fmt):
    raw = saved(Image.fromarray(gray), fmt)
    status,out,err = run('-', input=raw)
    assert status == 0 and [counts(e.decode()) for e in err.splitlines()] == ['1 colorized'], err
    im = Image.open(io.BytesIO(out))
    assert im.format == ('PNG' if fmt == 'BMP' else fmt) and im.size == (90,120) and im.convert('RGB').getextrema() != im.convert('L').getextrema()
    name = f'a.{fmt.lower()}'; (tmp_path/name).write_bytes(raw)
    assert run(tmp_path/name, '-o', '-')[1] == out and files(tmp_path) == [name]
    assert run('-', '-o', tmp_path/'x.png', input=raw)[0] == 0 and Image.open(tmp_path/'x.png').size == (90,120)
    assert run('-', '-o', tmp_path/'d', '--report', tmp_path/'r.json', input=raw)[0] == 0
    (made,) = files(tmp_path/'d'); assert made.startswith('stdin.') and json.loads((tmp_path/'r.json').read_text())['photos'][0]['source'] == '-'

@pytest.mark.slow
def test_a_pipe_without_a_photo(tmp_path):
    for raw,why in ((b'', b'the file is empty'), (b'no photo', b'not a picture')):
        status,out,err = run('-', input=raw)
        assert status == 1 and not out and err.splitlines()[0].startswith(b'failed -: ') and why in err, err
    status,out,err = run(OLD_PHOTO, '-o', '-', stdout=open('/dev/full', 'wb'), stderr=subprocess.PIPE)
    assert status == 1 and b'failed' in err and b'No space left' in err and b'Traceback' not in err, err

def test_wildcards_where_no_shell_expands_them(box, capsys, monkeypatch):
    import colorize_nb.cli as cli
    from colorize_nb.command import expand
    monkeypatch.setattr(cli, 'expand', lambda p: expand(p, shell=False))
    assert colorize(path=['*.png'], o='out') == 0 and files(box/'out') == ['a.png','b.png']
    assert colorize(path=['*.gif'], o='out') == 1 and 'failed *.gif: No such file or directory' in capsys.readouterr().err

@pytest.mark.parametrize('deep', [False, True])
def test_negatives_are_turned(gray, tmp_path, deep):
    "As if the positive had been colorized"
    for n,g in (('n',255-gray), ('p',gray)): Image.fromarray(g.astype(np.uint16)*257 if deep else g).save(tmp_path/f'{n}.png')
    assert colorize(path=[tmp_path/'n.png'], o=tmp_path/'no.png', negative=True, no_note=True) == 0 and colorize(path=[tmp_path/'p.png'], o=tmp_path/'po.png', no_note=True) == 0
    assert (np.asarray(Image.open(tmp_path/'no.png')) == np.asarray(Image.open(tmp_path/'po.png'))).all()
