"No run overwrites a file that it reads or that appears meanwhile, on any kind of disk; the same run again gives the same files."
import errno, json, os, struct, zipfile
import pytest
from PIL import Image
import colorize_nb.files.atomic as atomic
from colorize_nb.batch.options import Options
from colorize_nb.batch.sources import Entry
from colorize_nb.batch.run import run_many, write_result, write_sheet
from colorize_nb.batch.names import noted
from colorize_nb.cli import colorize
from colorize_nb.files.pixels import PhotoError
from colorize_nb.batch.plan import Task
from colorize_nb.hint_text import HintError, read_hints
from colorize_nb.files.atomic import sweep, write_file
from colorize_nb.files.xmp import xmp_note
from test_folder import files, toy_colorizer
from test_plan import contents, photo

def _fake(monkeypatch, *lacks):
    "Imitate a disk without inode numbers, link counts, fsync, locks, links, or a rename that replaces"
    def no(e):
        def fails(*a, **kw): raise OSError(e, os.strerror(e))
        return fails
    def stat_of(f):
        def faked(*a, **kw):
            r = f(*a, **kw); t,more = list(r.__reduce__()[1][0]),dict(r.__reduce__()[1][1])
            if 'ino' in lacks: t[1] = 0
            if 'nlink' in lacks: t[3] = 0
            return os.stat_result(t, more)
        return faked
    if {'ino', 'nlink'} & {*lacks}:
        for n in ('stat', 'fstat', 'lstat'): monkeypatch.setattr(os, n, stat_of(getattr(os, n)))
    if 'fsync' in lacks: monkeypatch.setattr(os, 'fsync', no(errno.EINVAL))
    if 'link' in lacks: monkeypatch.setattr(os, 'link', no(errno.EPERM))
    if 'noreplace' in lacks: monkeypatch.setattr(atomic, '_rename_new', no(errno.EINVAL))
    if 'flock' in lacks and atomic.fcntl: monkeypatch.setattr(atomic.fcntl, 'flock', no(errno.ENOTSUP))
    if 'replace' in lacks:
        def rename(a, b, real=os.replace):
            if os.path.lexists(b): raise FileExistsError(errno.EEXIST, 'File exists', b)
            real(a, b)
        monkeypatch.setattr(os, 'replace', rename)

ALL = 'ino', 'nlink', 'fsync', 'flock', 'link', 'noreplace', 'replace'

@pytest.mark.parametrize('lacks', [*((k,) for k in ALL), ALL[:6], ALL])
def test_disks_that_lack_something(gray, tmp_path, monkeypatch, lacks):
    for n in 'ab': photo(tmp_path/'s'/f'{n}.png', gray)
    _fake(monkeypatch, *lacks)
    for i,kw in enumerate(({}, {}, dict(overwrite=True))):
        r = toy_colorizer().colorize_folder(tmp_path/'s', tmp_path/'o', **kw)
        assert len(r.of('exists' if i == 1 else 'done')) == 2 and sorted(os.listdir(tmp_path/'o')) == ['a.png','b.png'], (i, r.rows)
    r = toy_colorizer().colorize_folder(tmp_path/'s', tmp_path/'s', overwrite=True)
    assert len(r.failed) == 2 and 'overwrite the photo itself' in r.failed[0].reason
    with pytest.raises(FileExistsError): write_file(tmp_path/'o'/'a.png', b'x', new=True)
    assert sorted(os.listdir(tmp_path/'o')) == ['a.png','b.png']

def test_a_folder_in_which_new_files_disappear(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, 'lexists', lambda p: False)
    with pytest.raises(OSError, match='disappear'): write_file(tmp_path/'a', b'x')

@pytest.mark.parametrize('lacks', [(), ('link',), ('link', 'noreplace')])
def test_what_appears_meanwhile_stays(gray, tmp_path, monkeypatch, lacks):
    "A file that appears after the new one is written, and before that has its name, stays"
    t = Task(photo(tmp_path/'a.png', gray), tmp_path/'o'/'a.png'); (tmp_path/'o').mkdir()
    _fake(monkeypatch, *lacks)
    def appears(fd): t.dst.write_bytes(b'theirs'); t.sheet.write_bytes(b'theirs')
    monkeypatch.setattr(os, 'fsync', appears)
    with pytest.raises(PhotoError, match='has appeared meanwhile, and stays'): write_result(t, b'mine', Options())
    assert not write_sheet(t, b'mine', Options())
    report = run_many(None, [])
    def report_appears(fd): (tmp_path/'r.json').write_bytes(b'theirs')
    monkeypatch.setattr(os, 'fsync', report_appears)
    with pytest.raises(FileExistsError, match='is no report'): report.save(tmp_path/'r.json')
    assert contents(tmp_path) == {'a.png': (tmp_path/'a.png').read_bytes(), 'o/a.png': b'theirs', 'o/a-compare.jpg': b'theirs', 'r.json': b'theirs'}

def test_an_empty_result_is_no_result(gray, tmp_path, capsys):
    a = photo(tmp_path/'a.png', gray); (tmp_path/'o').mkdir()
    for n in ('a.png', 'a-compare.jpg'): (tmp_path/'o'/n).write_bytes(b'')
    r = toy_colorizer().colorize_folder(tmp_path, tmp_path/'o', compare=True)
    assert len(r.of('done')) == 1 and Image.open(tmp_path/'o'/'a.png').size == (90,120) and Image.open(tmp_path/'o'/'a-compare.jpg').format == 'JPEG'
    (tmp_path/'o'/'a.png').write_bytes(b'junk'); (tmp_path/'o'/'a-compare.jpg').unlink()
    assert colorize(path=[a], o=tmp_path/'o', compare=True) == 1 and f"{tmp_path/'o'/'a.png'} is there already, and cannot be read" in capsys.readouterr().err

def test_inputs_stay_with_overwrite(gray, tmp_path, capsys):
    a = photo(tmp_path/'a.jpg', gray); hints = tmp_path/'h.json'; hints.write_text('{"a.jpg": [[1, 2, "red"]]}')
    theirs = photo(tmp_path/'a-color.jpg', gray, comment=xmp_note(model='m')); before = contents(tmp_path)
    assert not noted(theirs)
    assert colorize(path=[a], hints=str(hints), report=str(hints), overwrite=True) == 2 and 'is read too' in capsys.readouterr().err
    assert colorize(path=[a, theirs], overwrite=True) == 1 and 'its result would overwrite' in capsys.readouterr().err
    os.link(hints, tmp_path/'x.jpg'); before['x.jpg'] = hints.read_bytes()
    assert colorize(path=[a], o=str(tmp_path/'x.jpg'), hints=str(hints), overwrite=True) == 1
    assert {k: v for k,v in contents(tmp_path).items() if k in before} == before

@pytest.mark.parametrize('names', [['a.bmp'], ['a.bmp','a.BMP'], ['a.bmp','b.bmp','b.jpg'], ['x.bmp','x-color.bmp','x-color.png'], ['x.bmp', 'x.jpg', 'x-color.jpeg']])
@pytest.mark.parametrize('into', [True, False])
def test_the_same_folder_again(gray, tmp_path, names, into):
    for i,n in enumerate(names): photo(tmp_path/n, gray+i)
    def run(): toy_colorizer().colorize_folder(tmp_path, tmp_path if into else None, compare=True); return contents(tmp_path)
    first = run()
    assert len(first) > len(names) and run() == first and run() == first

def test_hints_by_any_spelling(gray, tmp_path, capsys):
    for n in ('a.png', 'sub/e\u0301.png'): photo(tmp_path/'s'/n, gray)
    for name in ('sub\\\u00e9.png', './sub/e\u0301.png', 'sub//\u00e9.png', str(tmp_path/'s'/'sub'/'\u00e9.png')):
        (tmp_path/'h.json').write_text(json.dumps({name: [[1, 2, 'red']]}))
        r = toy_colorizer().colorize_folder(tmp_path/'s', tmp_path/'o', hints=read_hints(tmp_path/'h.json'), overwrite=True)
        assert sorted(len(x.hints) for x in r.rows) == [0, 1], name
    with pytest.raises(HintError, match='no photo is called sub/É.png'): Options(hints={'sub/É.png': []}).all_named([tmp_path/'s'/'sub'/'e\u0301.png'])

@pytest.mark.parametrize('x', ['1'*401, 'NaN', 'Infinity', '-Infinity', 'true', '"3"', 'null', '[1]', '1e400'])
def test_numbers_in_hints(tmp_path, x, capsys):
    (tmp_path/'h.json').write_text('{"a.png": [[%s, 1, "red"]]}' % x)
    with pytest.raises(HintError, match='must be a number of pixels') as e: read_hints(tmp_path/'h.json')
    assert len(str(e.value)) < 300
    (tmp_path/'h.json').write_text('{"a.png": [[1, 1, [%s, 0, 0]]]}' % x)
    with pytest.raises(HintError, match='is no colour'): read_hints(tmp_path/'h.json')

@pytest.mark.parametrize('method,flags,why', [(9,0,'packed with Deflate64'), (93,0,'packed with Zstandard'), (98,0,'packed with PPMd'), (55,0,'packed with method 55'), (99,1,'encrypted'), (0,0x40,'encrypted'), (8,32,'holds the changes of a file')])
def test_what_an_archive_is_packed_with(gray, tmp_path, method, flags, why):
    if method == 93 and hasattr(zipfile, 'ZIP_ZSTANDARD'): pytest.skip('this Python reads Zstandard')
    with zipfile.ZipFile(tmp_path/'z.zip', 'w') as z: z.write(photo(tmp_path/'a.png', gray), 'a.png'); z.write(tmp_path/'a.png', 'A: Turku.png')
    raw = bytearray((tmp_path/'z.zip').read_bytes()); at = raw.index(b'PK\1\2')
    raw[at+8:at+12] = struct.pack('<HH', flags, method); (tmp_path/'z.zip').write_bytes(raw)
    r = toy_colorizer().colorize_folder(tmp_path/'z.zip', tmp_path/'o')
    assert [x.reason.startswith(why) for x in r.failed] == [True], r.failed
    assert files(tmp_path/'o') == ['A: Turku.png']

def test_drives(tmp_path):
    with zipfile.ZipFile(tmp_path/'z.zip', 'w') as z:
        for n in ('C:/a.png', 'C:\\a.png', 'c:/../a.png'): z.writestr(n, b'')
    with zipfile.ZipFile(tmp_path/'z.zip') as z: assert {Entry(z, i).fault() for i in z.infolist()} == {'its path leads out of the archive'}

def test_a_folder_without_photos_is_not_done(tmp_path, capsys):
    (tmp_path/'d').mkdir(); (tmp_path/'t').mkdir(); (tmp_path/'t'/'a.cr2').write_bytes(b'x')
    for d in 'dt': assert colorize(path=[tmp_path/d], quiet=True) == 1 and capsys.readouterr().err == f'failed {tmp_path/d}: no photos in it\n'

def test_left_overs_go(tmp_path):
    (tmp_path/f".colorize-{'0'*16}.part").write_bytes(b''); sweep(tmp_path); assert files(tmp_path) == []
