"All that is written is planned before the first pixel: nothing is lost or overwritten by accident, and every photo has its row."
import json, os, shutil, signal, subprocess, sys, zipfile
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import counts
from colorize_nb.batch.options import Options
from colorize_nb.batch.report import NEWER
from colorize_nb.cli import colorize
from colorize_nb.files.pixels import PhotoError
from colorize_nb.batch.plan import plan
from test_folder import COMMAND, files, saved, scans, start, toy_colorizer, wait_for

def photo(path, gray, **kw):
    path.parent.mkdir(parents=True, exist_ok=True)
    fmt = {'.jpg':'JPEG', '.jpeg':'JPEG', '.bmp':'BMP', '.webp':'WEBP'}.get(path.suffix.lower(), 'PNG')
    Image.fromarray(gray).save(path, fmt, **kw)
    return path

def contents(folder): return {n: (folder/n).read_bytes() for n in files(folder)}

# Nothing is overwritten

def test_a_sheet_is_never_written_over_its_photo(gray, tmp_path, capsys):
    raw = photo(tmp_path/'beach-compare.jpg', gray).read_bytes()
    for kw in ({}, dict(overwrite=True)):
        assert colorize(path=[tmp_path/'beach-compare.jpg'], o=tmp_path/'beach.jpg', compare=True, **kw) == 1
        assert 'the sheet would overwrite the photo itself' in capsys.readouterr().err
    assert contents(tmp_path) == {'beach-compare.jpg': raw}
    with pytest.raises(PhotoError, match='sheet would overwrite'): toy_colorizer().colorize_file(tmp_path/'beach-compare.jpg', tmp_path/'beach.jpg', compare=True)

def test_a_sheet_is_never_written_over_another_file(gray, tmp_path, capsys):
    photo(tmp_path/'a.png', gray); (tmp_path/'a-color-compare.jpg').write_bytes(b'mine')
    assert colorize(path=[tmp_path/'a.png'], compare=True) == 0
    assert (tmp_path/'a-color-compare.jpg').read_bytes() == b'mine' and 'a-color-compare.jpg is there already, and stays' in capsys.readouterr().err
    assert colorize(path=[tmp_path/'a.png'], compare=True, overwrite=True) == 0
    assert Image.open(tmp_path/'a-color-compare.jpg').format == 'JPEG'

@pytest.mark.slow
@pytest.mark.parametrize('one_by_one', [True, False])
def test_each_photo_has_a_sheet_of_its_own(gray, tmp_path, one_by_one):
    ps = [photo(tmp_path/'s'/n, np.roll(gray, 9*i)) for i,n in enumerate(('a.jpg','a.png','a.webp','b.jpg'))]
    for some in ([[p] for p in ps] if one_by_one else [ps]): assert colorize(path=some, o=tmp_path/'o', compare=True) == 0
    sheets = [n for n in files(tmp_path/'o') if 'compare' in n]
    assert sheets == ['a.jpg-compare.jpg','a.png-compare.jpg','a.webp-compare.jpg','b-compare.jpg']
    assert len({(tmp_path/'o'/n).read_bytes() for n in sheets}) == 4

def test_a_sheet_and_a_result_of_one_name(gray, tmp_path):
    photo(tmp_path/'s'/'b.jpg', gray); photo(tmp_path/'s'/'b-compare.jpg', np.roll(gray, 30))
    r = toy_colorizer().colorize_folder(tmp_path/'s', tmp_path/'o', compare=True)
    assert len(r.of('done')) == 2 and len(files(tmp_path/'o')) == 4
    assert Image.open(tmp_path/'o'/'b-compare.jpg').size == (90,120)  # the result, not the sheet

@pytest.mark.slow
@pytest.mark.parametrize('kw', [{}, dict(overwrite=True), dict(overwrite=True, compare=True)])
def test_a_result_is_never_written_over_another_input(gray, tmp_path, kw):
    a,b = photo(tmp_path/'a.png', gray),photo(tmp_path/'a-color.png', np.roll(gray, 40))
    raw = b.read_bytes()
    for paths in ([a, b], [b, a], [tmp_path]):
        status = colorize(path=paths, **kw)
        assert b.read_bytes() == raw and a.read_bytes() == photo(tmp_path/'x'/'a.png', gray).read_bytes()
        assert status == (1 if kw else 0), paths
        for p in [*tmp_path.glob('a-color-*'), tmp_path/'x'/'a.png']: p.unlink(missing_ok=True)
        shutil.rmtree(tmp_path/'x')

def test_results_beside_inputs_of_the_same_run(gray, tmp_path, capsys):
    "The name of one result is the other photo: that one is refused, and the other gets a name that is free"
    a,b = photo(tmp_path/'x'/'a.png', gray),photo(tmp_path/'a.png', np.roll(gray, 40))
    before = contents(tmp_path)
    assert colorize(path=[a, b], o=tmp_path, overwrite=True) == 1
    err = capsys.readouterr().err
    assert f'failed {a}: its result would overwrite {b}' in err and files(tmp_path) == ['a-2.png','a.png','x/a.png']
    assert all((tmp_path/n).read_bytes() == c for n,c in before.items())

def test_an_archive_whose_result_is_another_photo(gray, tmp_path, capsys):
    "A photo at the place of an entry's result is not taken for its result: the photo stays, and the entry fails"
    raw = photo(tmp_path/'d'/'in'/'a.png', gray).read_bytes()
    with zipfile.ZipFile(tmp_path/'in.zip', 'w') as z: z.write(tmp_path/'d'/'in'/'a.png', 'a.png')
    assert colorize(path=[tmp_path/'in.zip', tmp_path/'d'/'in'/'a.png'], o=tmp_path/'d') == 1
    err = capsys.readouterr().err
    assert f"failed {tmp_path/'in.zip'}/a.png: its result would overwrite {tmp_path/'d'/'in'/'a.png'}, which is to be colorized too" in err, err
    assert (tmp_path/'d'/'in'/'a.png').read_bytes() == raw and files(tmp_path/'d') == ['a.png','in/a.png']

def test_hard_and_symbolic_links(gray, tmp_path):
    a = photo(tmp_path/'a.png', gray); raw = a.read_bytes()
    os.link(a, tmp_path/'hard.png'); (tmp_path/'soft.png').symlink_to(a)
    for n in ('hard.png','soft.png'): assert colorize(path=[a], o=tmp_path/n, overwrite=True) == 1
    (tmp_path/'victim').write_bytes(b'mine'); (tmp_path/'out.png').symlink_to(tmp_path/'victim'); (tmp_path/'gone.png').symlink_to(tmp_path/'nowhere')
    for n,status in (('out.png',0), ('gone.png',1)): assert colorize(path=[a], o=tmp_path/n) == status and (tmp_path/n).is_symlink()  # the second leads to no result
    assert colorize(path=[a], o=tmp_path/'out.png', overwrite=True) == 0
    assert (tmp_path/'victim').read_bytes() == b'mine' and a.read_bytes() == raw and not (tmp_path/'out.png').is_symlink()

def test_standard_input_is_an_input(gray, tmp_path):
    "A photo that comes in from a file is not overwritten either"
    raw = photo(tmp_path/'a.png', gray).read_bytes()
    for kw in ([], ['--overwrite']):
        with open(tmp_path/'a.png', 'rb') as f:
            p = subprocess.run([sys.executable, '-c', COMMAND, '-', '-o', tmp_path/'a.png', *kw], stdin=f, capture_output=True, text=True)
        assert p.returncode == 1 and 'the result would overwrite the photo itself' in p.stderr, p.stderr
    assert contents(tmp_path) == {'a.png': raw}

def test_a_report_replaces_reports_only(gray, tmp_path, capsys):
    a = photo(tmp_path/'a.png', gray); (tmp_path/'package.json').write_text('{"name": "mine"}'); (tmp_path/'d.json').mkdir()
    assert colorize(path=[a], report=tmp_path/'package.json') == 2 and colorize(path=[a], report=tmp_path/'d.json') == 2
    assert (tmp_path/'package.json').read_text() == '{"name": "mine"}' and not (tmp_path/'a-color.png').exists()
    for _ in range(2): assert colorize(path=[a], report=tmp_path/'r.json') == 0
    assert colorize(path=[a], report=tmp_path/'package.json', overwrite=True) == 0 and json.loads((tmp_path/'package.json').read_text())['colorize_nb']
    assert [e for e in capsys.readouterr().err.splitlines() if '--report' in e][0].endswith('--overwrite replaces it')

# Names

@pytest.mark.parametrize('names,made', [(('a.bmp','a.BMP'), ['a.bmp.png','a.png']), (('a.bmp','a.png','a.bmp.png'), ['a.bmp-2.png','a.bmp.png','a.png']),
                                        (('x.jpg','X.jpg'), ['X.jpg','x-2.jpg']), (('e\u0301.png','\u00e9.png'), ['e\u0301.png','\u00e9-2.png'])])
@pytest.mark.slow
@pytest.mark.parametrize('as_zip', [False, True])
def test_every_photo_has_a_name_of_its_own(gray, tmp_path, names, made, as_zip):
    for i,n in enumerate(names): photo(tmp_path/'s'/n, np.roll(gray, 9*i))
    src = tmp_path/'s'
    if as_zip:
        with zipfile.ZipFile(src := tmp_path/'s.zip', 'w') as z:
            for n in names: z.write(tmp_path/'s'/n, n)
    for i in range(2):
        r = toy_colorizer().colorize_folder(src, tmp_path/'o')
        n = len(names)-len(r.failed)  # an archive's names that differ in capitals only are refused, one row each
        assert len(r.of('exists' if i else 'done')) == n and (as_zip or n == len(names))
    assert len(files(tmp_path/'o')) == n and (n < len(names) or sorted(files(tmp_path/'o')) == sorted(made))

def test_photos_of_one_name_from_two_folders(gray, tmp_path):
    ps = [photo(tmp_path/d/'a.jpg', np.roll(gray, 9*i)) for i,d in enumerate('xyz')]
    assert colorize(path=[*ps, ps[0], tmp_path/'x'/'..'/'x'/'a.jpg'], o=tmp_path/'o') == 0
    assert files(tmp_path/'o') == ['a-2.jpg','a-3.jpg','a.jpg']

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='other file systems count in other units')
@pytest.mark.parametrize('name', ['a'*251+'.jpg', '写'*83+'xy.jpg', 'b'*251+'.bmp'])
def test_names_of_255_bytes(gray, tmp_path, name):
    ps = [photo(tmp_path/'s'/n, gray) for n in (name, 'c'+name[1:] if name.isascii() else '真'+name[1:])]
    assert {len(os.fsencode(p.name)) for p in ps} == {255}
    assert colorize(path=ps, o=tmp_path/'o', compare=True) == 0 and colorize(path=ps, compare=True) == 0
    assert len(files(tmp_path/'o')) == 4 and len(files(tmp_path/'s')) == 6
    assert colorize(path=[tmp_path/'s']) == 0 and len(files(tmp_path/'s')) == 6

def test_an_archive_with_names_that_cannot_be(gray, tmp_path, capsys):
    one = saved(Image.fromarray(gray), 'PNG')
    with zipfile.ZipFile(tmp_path/'a.zip', 'w') as z:
        for n in ('d/'*1500+'a.png', 'd/'*2500+'a.png', 'e'*300+'/a.png', 'f'*250+'.png', 'g'*300+'.png', 'ok.png', 'd/b.png'): z.writestr(n, one)
    assert colorize(path=[tmp_path/'a.zip'], o=tmp_path/'o', compare=True, report=tmp_path/'r.json') == 1
    err = capsys.readouterr().err.splitlines()
    assert counts(err[-1]) == '5 colorized, 2 failed' and sum('File name too long' in e for e in err) == 2
    assert (tmp_path/'o'/'ok.png').exists() and len(json.loads((tmp_path/'r.json').read_text())['photos']) == 7
    subprocess.run(['rm', '-rf', tmp_path/'o'], check=False)  # pytest's own clean-up recurses

@pytest.mark.parametrize('encoding,names', [('cp932', ('写真/海の家.png','家族.png')), ('cp437', ('für Köln.png','Gruß.png')), ('cp1252', ('für Köln.png','à la mer.png'))])
def test_names_of_old_archives(gray, tmp_path, encoding, names, capsys):
    one,old = saved(Image.fromarray(gray), 'PNG'),{}
    with zipfile.ZipFile(tmp_path/'a.zip', 'w') as z:
        for i,n in enumerate(names): old[f'{i}'*len(n.encode(encoding))] = n; z.writestr(f'{i}'*len(n.encode(encoding)), one)
    raw = (tmp_path/'a.zip').read_bytes()
    for k,n in old.items(): raw = raw.replace(k.encode(), n.encode(encoding))
    (tmp_path/'a.zip').write_bytes(raw)
    assert colorize(path=[tmp_path/'a.zip'], o=tmp_path/'o', report=tmp_path/'r.json') == 0
    assert files(tmp_path/'o') == sorted(names)
    rows = json.loads((tmp_path/'r.json').read_text(encoding='utf-8'))['photos']
    assert {r['spelled'] for r in rows} == ({''} if encoding == 'cp437' else {n.encode(encoding).decode('cp437') for n in names}) and all(Path(r['result']).name in r['source'] for r in rows)

# Every failure is a row

def odd(e):
    def predict(L): raise e
    return toy_colorizer(predict)

@pytest.mark.parametrize('e,why', [(IndexError('list index out of range'), 'IndexError: list index'), (RecursionError('too deep'), 'too deep'), (AssertionError(), 'AssertionError'),
                                   (type('Fail', (Exception,), {})('[ONNXRuntimeError] : 6 : std::bad_alloc'), 'out of memory'), (MemoryError(), 'out of memory')])
def test_any_error_is_a_row(gray, tmp_path, e, why):
    for n in 'ab': photo(tmp_path/'s'/f'{n}.png', gray)
    r = odd(e).colorize_folder(tmp_path/'s', tmp_path/'o')
    assert len(r.failed) == 2 and all(why in x.reason for x in r.failed) and r.complete and not (tmp_path/'o').exists()

def test_links_folders_and_pipes(gray, tmp_path, capsys):
    src = tmp_path/'s'; photo(src/'good.png', gray); photo(src/'taken.png', gray)
    (src/'self.png').symlink_to(src/'self.png'); (src/'loop').symlink_to(src/'loop'); (src/'gone.png').symlink_to(src/'none.png')
    os.mkfifo(src/'pipe.jpg'); (src/'folder.png').mkdir(); (tmp_path/'o'/'taken.png').mkdir(parents=True)
    assert colorize(path=[src], o=tmp_path/'o', report=tmp_path/'r.json') == 1
    err = capsys.readouterr().err
    assert '1 colorized' in err and '4 failed' in err.splitlines()[-1], err
    for n,why in {'self.png':'Too many levels', 'gone.png':'No such file', 'pipe.jpg':'not a regular file', 'taken.png':'is a folder'}.items():
        assert sum(e.startswith(f'failed {src/n}: ') and why in e for e in err.splitlines()) == 1, (n, err)
    for n in ('self.png','pipe.jpg'): assert colorize(path=[src/n]) == 1

@pytest.mark.slow
def test_many_levels_of_folders(gray, tmp_path, capsys):
    d = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(1600):
            os.mkdir('d', dir_fd=d); e = os.open('d', os.O_RDONLY, dir_fd=d); os.close(d); d = e
        with os.fdopen(os.open('deep.png', os.O_WRONLY|os.O_CREAT, dir_fd=d), 'wb') as f: f.write(saved(Image.fromarray(gray), 'PNG'))
    finally: os.close(d)
    try:
        assert colorize(path=[tmp_path/'d'], o=tmp_path/'o') == 0
        assert counts(capsys.readouterr().err.splitlines()[-1]) == '1 colorized'
        assert subprocess.run(['find', tmp_path/'o', '-name', 'deep.png', '-size', '+0'], capture_output=True).stdout.count(b'/d/') > 700
    finally: subprocess.run(['rm', '-rf', tmp_path/'d', tmp_path/'o'], check=False)

# Whatever happens, the report

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs signals')
@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_as_ctrl_c_does(gray, tmp_path, sig):
    src,out = scans(tmp_path/'s', gray, 40),tmp_path/'out'
    p = start(src, '-o', out, '--jobs', 2, '--report', tmp_path/'r.json')
    wait_for(out, 2, p)
    p.send_signal(sig)
    err = p.communicate(timeout=60)[1].splitlines()
    d = json.loads((tmp_path/'r.json').read_text())
    assert p.returncode == 128+sig and err[-1] == 'stopped; the same command goes on where it was'
    assert not d['complete'] and 2 <= d['counts']['done'] == len(files(out)) < 40

@pytest.mark.skipif(os.name != 'posix', reason='needs signals')
def test_nohup_is_respected(gray, tmp_path):
    src = scans(tmp_path/'s', gray, 4)
    p = start(src, '-o', tmp_path/'out', code='import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); '+COMMAND)
    wait_for(tmp_path/'out', 1, p); p.send_signal(signal.SIGHUP); p.communicate(timeout=60)
    assert p.returncode == 1 and len(files(tmp_path/'out')) == 4  # 1: there is a bad photo

# Results of earlier runs

@pytest.mark.slow
@pytest.mark.parametrize('note', [True, False])
def test_own_results_are_no_photos(gray, tmp_path, capsys, note):
    for n in 'ab': photo(tmp_path/f'{n}.png', gray)
    kw = dict(compare=True, no_note=not note)
    assert colorize(path=sorted(tmp_path.glob('*.png')), **kw) == 0
    want = contents(tmp_path)
    assert len(want) == 6
    for _ in range(2):
        capsys.readouterr()
        assert colorize(path=sorted(tmp_path.glob('*')), **kw) == 0
        assert contents(tmp_path) == want
        assert counts(capsys.readouterr().err.splitlines()[-1]) == '0 colorized, 2 already there, 4 made by an earlier run, skipped'
        assert colorize(path=[tmp_path], **kw) == 0 and contents(tmp_path) == want

def test_results_are_no_photos_for_variants_either(gray, tmp_path):
    "Without a note their names tell what they are"
    photo(tmp_path/'a.png', gray)
    for _ in range(2): assert colorize(path=[tmp_path], variants=1, no_note=True) == 0 and len(files(tmp_path)) == 3, files(tmp_path)

def test_older_results_in_another_folder(gray, tmp_path, capsys):
    for n in ('a.png','b.jpg'): photo(tmp_path/n, gray)
    assert colorize(path=[tmp_path], o=tmp_path/'first', compare=True) == 0
    shutil.make_archive(tmp_path/'results', 'zip', tmp_path/'first')
    assert colorize(path=[tmp_path], o=tmp_path/'second') == 0
    assert counts(capsys.readouterr().err.splitlines()[-1]) == '2 colorized, 4 made by an earlier run, skipped, 1 not a photo, skipped'
    assert files(tmp_path/'second') == ['a.png','b.jpg']
    assert colorize(path=[tmp_path/'results.zip'], o=tmp_path/'third') == 0 and not (tmp_path/'third').exists()
    assert colorize(path=sorted((tmp_path/'first').iterdir()), overwrite=True) == 0 and len(files(tmp_path/'first')) == 4
    assert Image.open(toy_colorizer().colorize_file(tmp_path/'first'/'a.png', tmp_path/'again.png')).size == (90,120)  # asked for one by one, in Python

@pytest.mark.slow
def test_a_newer_photo_is_told(gray, tmp_path, capsys):
    for n in 'ab': photo(tmp_path/f'{n}.png', gray)
    with zipfile.ZipFile(tmp_path/'z.zip', 'w') as z: z.write(tmp_path/'a.png', 'a.png')
    for p in (tmp_path/'a.png', tmp_path/'z.zip'): assert colorize(path=[p]) == 0
    os.utime(tmp_path/'a-color.png', (1,1)); os.utime(tmp_path/'z-color'/'a.png', (1e9,1e9)); capsys.readouterr()
    assert colorize(path=[tmp_path/'a.png']) == 0 and NEWER in capsys.readouterr().err
    assert colorize(path=[tmp_path/'z.zip']) == 0 and NEWER in capsys.readouterr().err
    assert colorize(path=[tmp_path/'a.png'], overwrite=True) == 0 and colorize(path=[tmp_path/'a.png'], report=tmp_path/'r.json') == 0
    assert json.loads((tmp_path/'r.json').read_text())['photos'][0]['reason'] == ''
    colorize(path=[tmp_path/'b.png'])
    for n in 'ab': os.utime(tmp_path/f'{n}-color.png', (1,1))
    capsys.readouterr(); colorize(path=[tmp_path/'a.png', tmp_path/'b.png'])
    assert capsys.readouterr().err.splitlines()[0] == 'noticed 2 files are newer than their results; --overwrite makes them again'

def test_a_missing_sheet_is_made_of_the_result(gray, tmp_path):
    a = photo(tmp_path/'a.png', gray)
    assert colorize(path=[a]) == 0
    raw = (tmp_path/'a-color.png').read_bytes()
    for _ in range(2): assert colorize(path=[a], compare=True, report=tmp_path/'r.json') == 0
    assert (tmp_path/'a-color.png').read_bytes() == raw and Image.open(tmp_path/'a-color-compare.jpg').format == 'JPEG'
    assert colorize(path=[a], o=tmp_path/'o.png', compare=True) == 0
    x,y = (np.asarray(Image.open(tmp_path/n), float) for n in ('a-color-compare.jpg','o-compare.jpg'))
    assert x.shape == y.shape and np.abs(x-y).max() <= 1  # as if it had been made at once
    photo(tmp_path/'b.png', gray); Image.new('RGB', (5,5)).save(tmp_path/'b-color.png')
    assert colorize(path=[tmp_path/'b.png'], compare=True) == 1 and not (tmp_path/'b-color-compare.jpg').exists()

def test_what_is_left_of_a_plan(gray, tmp_path):
    "Decided before anything is read: even of photos that nobody could decode"
    for n in ('a.png','a.bmp'): (tmp_path/n).write_bytes(b'')
    tasks,rows = plan([tmp_path/'a.png', tmp_path/'a.bmp', tmp_path/'none.png'], tmp_path/'o', Options(compare=True))
    assert [t.dst.name for t in tasks] == ['a.png','a.bmp.png'] and [r.reason for r in rows] == ['No such file or directory'] and not (tmp_path/'o').exists()
