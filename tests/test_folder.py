"Folders and archives: nothing lost, nothing twice, nothing half; and what a person should know of each photo is said."
import io, json, os, signal, stat, subprocess, sys, threading, time, tracemalloc, zipfile
from pathlib import Path
import numpy as np, pytest
from PIL import Image, ImageSequence
from conftest import OLD_PHOTO, gray_level, counts
import colorize_nb.batch.run as run, colorize_nb.batch.sources as sources, colorize_nb.files.atomic as atomic, colorize_nb.files.photo as photo_module
from colorize_nb.batch.sources import archive_photos
from colorize_nb.cli import colorize
from colorize_nb import Colorizer
from colorize_nb.paint import tone
from colorize_nb.files.depth import join_pages
from colorize_nb.files.pixels import PhotoError
from colorize_nb.files.photo import Pages, has_heif, open_photo
from colorize_nb.network.weights import config_path
from test_hostile import bomb

def saved(im, fmt, **kw):
    im.save(b := io.BytesIO(), fmt, **kw)
    return b.getvalue()

def files(folder): return sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob('*') if p.is_file())
def toy_colorizer(predict=None):
    "Instant: one colour everywhere"
    def orange(L): return np.tile(np.float32([[[[.2]],[[.4]]]]), (len(L),1,L.shape[2]//4,L.shape[3]//4))
    return Colorizer(lambda L, hints: [(predict or orange)(L)], Colorizer.from_pretrained().cfg)

def sepia(gray): return Image.fromarray(np.clip(np.asarray(gray)[...,None]*[1.351,1.203,.937], 0, 255).astype(np.uint8))
def colour(shape, seed=0):
    "Large patches of many colours"
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (4,5,3), dtype=np.uint8)).resize(shape[::-1], Image.BICUBIC)

# Archives

def test_zip_as_a_source(gray, tmp_path, capsys):
    one = saved(Image.fromarray(gray), 'PNG')
    with zipfile.ZipFile(tmp_path/'scans.zip', 'w', zipfile.ZIP_DEFLATED) as z:
        for n in ('a.png','1936/märz/b.png','win\\c.png','1936/b.bmp','1936/b.png'): z.writestr(n, saved(Image.fromarray(gray), 'BMP') if n.endswith('bmp') else one)
        for n in ('../up.png','/abs.png','C:/drive.png','x/../../y.png'): z.writestr(n, one)
        z.writestr('notes.txt', 'x'); z.writestr('.hidden.png', one); z.writestr('empty/', ''); z.writestr('bad.jpg', b'no photo'); z.writestr('none.jpg', b'')
        z.writestr('pixels.png', bomb(100_000, 100_000)); z.writestr('bytes.bmp', bytes(2**22))
        link = zipfile.ZipInfo('link.png'); link.external_attr = (stat.S_IFLNK|0o777) << 16; z.writestr(link, '/etc/passwd')
    assert colorize(path=[tmp_path/'scans.zip'], o=tmp_path/'out') == 1
    err = capsys.readouterr().err.replace(f'{tmp_path}/', '').splitlines()
    assert files(tmp_path) == sorted([f'out/{n}' for n in ('a.png','1936/märz/b.png','win/c.png','1936/b.bmp.png','1936/b.png')]+['scans.zip'])
    assert counts(err[-1]) == '5 colorized, 3 not photos, skipped, 8 failed' and len(err) == 12
    for n,why in {'../up.png':'leads out', '/abs.png':'leads out', 'C:/drive.png':'leads out', 'x/../../y.png':'leads out', 'bad.jpg':'not a picture',
                  'none.jpg':'empty', 'pixels.png':'megapixels', 'bytes.bmp':'bomb'}.items():
        assert sum(e.startswith(f'failed scans.zip/{n}: ') and why in e for e in err) == 1, (n, err)
    assert open_photo(tmp_path/'out'/'a.png').pixels.shape == (120,90,3)
    assert colorize(path=[tmp_path/'scans.zip'], o=tmp_path/'out') == 1
    assert counts(capsys.readouterr().err.splitlines()[-1]).startswith('0 colorized, 5 already there')

def test_zip_without_o_and_beside_folders(gray, tmp_path):
    (tmp_path/'f').mkdir()
    for d in ('f/x.png','g.png'): Image.fromarray(gray).save(tmp_path/d)
    with zipfile.ZipFile(tmp_path/'box.zip', 'w') as z: z.write(tmp_path/'g.png', 'in/g.png')
    assert colorize(path=[tmp_path/'box.zip']) == 0 and files(tmp_path/'box-color') == ['in/g.png']
    assert colorize(path=[tmp_path/n for n in ('box.zip','f','g.png')], o=tmp_path/'o') == 0
    assert files(tmp_path/'o') == ['box/in/g.png','f/x.png','g.png']
    assert colorize(path=[tmp_path/'box.zip'], o=tmp_path/'x.png') == 2

def test_damaged_archives(gray, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path/'a.zip', 'w', zipfile.ZIP_DEFLATED) as z:
        for n in 'ab': z.writestr(f'{n}.png', saved(Image.fromarray(gray).resize((20,30)), 'PNG'))
    whole,c = (tmp_path/'a.zip').read_bytes(),toy_colorizer()
    for cut in range(0, len(whole), 97):
        (tmp_path/'cut.zip').write_bytes(whole[:cut])
        with pytest.raises(PhotoError, match='cannot be read as a zip file') as e: archive_photos(tmp_path/'cut.zip')
        assert '\n' not in str(e.value)
    rng = np.random.default_rng(0)
    for i in range(60):
        b = bytearray(whole)
        for j in rng.integers(0, len(b), 4): b[j] = rng.integers(256)
        (tmp_path/'flip.zip').write_bytes(b)
        try: r = c.colorize_folder(tmp_path/'flip.zip', tmp_path/f'o{i}')
        except PhotoError: continue
        assert all(x.reason and '\n' not in x.reason for x in r.failed) and len(files(tmp_path/f'o{i}') if (tmp_path/f'o{i}').exists() else []) == len(r.of('done'))
    b = bytearray(whole)  # the bit that says encrypted, in both directories of the first entry
    b[6] |= 1; b[whole.index(b'PK\1\2')+8] |= 1
    (tmp_path/'secret.zip').write_bytes(b)
    r = c.colorize_folder(tmp_path/'secret.zip', tmp_path/'s')
    assert [x.reason for x in r.failed] == ['encrypted'] and files(tmp_path/'s') == ['b.png']
    Image.fromarray(gray).save(tmp_path/'good.png')
    (tmp_path/'no.zip').write_bytes(b'no zip')
    assert colorize(path=[tmp_path/'no.zip', tmp_path/'good.png'], o=tmp_path/'out') == 1
    err = capsys.readouterr().err
    assert 'no.zip: cannot be read as a zip file' in err and counts(err.splitlines()[-1]) == '1 colorized, 1 failed'

def test_entries_are_bounded(gray, tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (300,300), dtype=np.uint8)
    with zipfile.ZipFile(tmp_path/'a.zip', 'w') as z:
        for n,x in (('large.bmp',noise),('small.bmp',noise[:50,:50]),('Small.BMP',noise[:50,:50])): z.writestr(n, saved(Image.fromarray(x), 'BMP'))
    monkeypatch.setattr(sources, 'MAX_ENTRY', 50_000)
    r = toy_colorizer().colorize_folder(tmp_path/'a.zip', tmp_path/'o')
    assert ['unpacks to more' in x.reason or 'two of this name' in x.reason for x in r.failed] == [True, True] and len(r.of('done')) == 1

@pytest.mark.slow
@pytest.mark.parametrize('how', [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_sizes_that_lie(tmp_path, how):
    "64 MB that say they are 5 KB are never unpacked as a whole; LZMA itself takes 8 MB"
    real,said = (n.to_bytes(4, 'little') for n in (2**26, 5000))
    with zipfile.ZipFile(tmp_path/'a.zip', 'w', how) as z: z.writestr('a.png', np.random.default_rng(0).bytes(2**19)+bytes(2**26-2**19))
    (tmp_path/'a.zip').write_bytes((tmp_path/'a.zip').read_bytes().replace(real, said))
    (entry,),_ = archive_photos(tmp_path/'a.zip')
    tracemalloc.start()
    try:
        with pytest.raises(PhotoError, match='damaged in the archive'): entry.read_bytes()
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally: tracemalloc.stop()

def test_narrower_limits(gray, tmp_path):
    one = saved(Image.fromarray(gray), 'PNG')
    with zipfile.ZipFile(tmp_path/'a.zip', 'w') as z:
        for n in ('a.png','b.png','c.txt'): z.writestr(n, one)
    def n(**kw): return len(archive_photos(tmp_path/'a.zip', **kw)[0])
    assert n(max_photos=2, max_total=2*len(one), max_entry=len(one), max_directory=1000) == 2 and n(max_entry=len(one)-1) == 0
    for kw,why in ((dict(max_photos=1), 'holds 2 photos; there is room for 1'), (dict(max_total=2*len(one)-1), 'unpacks to'), (dict(max_directory=100), 'too many entries')):
        with pytest.raises(PhotoError, match=why): n(**kw)

def test_a_directory_with_long_sizes(gray, tmp_path, monkeypatch):
    "zip64, as of archives beyond 4 GB: read, and its size counts as well"
    monkeypatch.setattr(zipfile, 'ZIP_FILECOUNT_LIMIT', 2)
    with zipfile.ZipFile(tmp_path/'a.zip', 'w') as z:
        for i in range(9): z.writestr(f'{i}.png', b'x')
    assert b'PK\6\7' in (tmp_path/'a.zip').read_bytes() and len(archive_photos(tmp_path/'a.zip')[0]) == 9
    with pytest.raises(PhotoError, match='too many entries'): archive_photos(tmp_path/'a.zip', max_directory=400)

def test_an_archive_in_a_folder_is_named(gray, tmp_path, capsys):
    Image.fromarray(gray).save(tmp_path/'a.png'); (tmp_path/'box.zip').write_bytes(b'')
    assert colorize(path=[tmp_path], o=tmp_path/'out') == 0
    assert 'box.zip: an archive: name it' in capsys.readouterr().err

# Many at a time

def scans(folder, gray, n=8):
    for i in range(n):
        p = folder/f'box{i%2}'/f'{i}.{"png" if i%3 else "jpg"}'
        p.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(gray, 7*i)).resize((240,320)).save(p)
    (folder/'bad.jpg').write_bytes(b'no photo')
    return folder

@pytest.mark.slow
def test_jobs_change_nothing(gray, tmp_path):
    src = scans(tmp_path/'s', gray)
    for jobs in (1,4,None): assert colorize(path=[src], o=tmp_path/f'o{jobs}', jobs=jobs, report=tmp_path/f'r{jobs}.json', compare=True, render_size=64) == 1
    assert len(files(tmp_path/'o1')) == 16
    for jobs in (4,None):
        assert files(tmp_path/'o1') == files(tmp_path/f'o{jobs}')
        assert all((tmp_path/'o1'/n).read_bytes() == (tmp_path/f'o{jobs}'/n).read_bytes() for n in files(tmp_path/'o1'))
        assert (tmp_path/'r1.json').read_text().replace('/o1/', f'/o{jobs}/') == (tmp_path/f'r{jobs}.json').read_text()

@pytest.mark.slow
def test_a_folder_has_the_pixels_of_single_photos(colorizer, gray, tmp_path):
    sizes = [(240,320)]*3+[(320,240)]*3+[(901,700),(1,50),(64,64)]  # some share a shape, one has many strips
    (tmp_path/'s').mkdir()
    for i,s in enumerate(sizes): Image.fromarray(np.roll(gray, 7*i)).resize(s).convert('RGB' if i%2 else 'L').save(tmp_path/'s'/f'{i}.png')
    assert len(colorizer.colorize_folder(tmp_path/'s', tmp_path/'o').of('done')) == len(sizes)
    for i in range(len(sizes)): assert (np.asarray(Image.open(tmp_path/'o'/f'{i}.png')) == np.asarray(colorizer.colorize(tmp_path/'s'/f'{i}.png'))).all()

@pytest.mark.slow
def test_jobs_on_torch_wait_for_the_lock(gray, tmp_path):
    pytest.importorskip('torch', reason='needs the train extra')
    src,c = scans(tmp_path/'s', gray, 5),Colorizer.from_pretrained(device='cpu:0')
    for jobs in (1,3): c.colorize_folder(src, tmp_path/f'o{jobs}', jobs=jobs, render_size=64)
    assert all((tmp_path/'o1'/n).read_bytes() == (tmp_path/'o3'/n).read_bytes() for n in files(tmp_path/'o1')) and len(files(tmp_path/'o3')) == 5

@pytest.mark.slow
@pytest.mark.parametrize('pixels,most', [(320*240, 1), (2*320*240, 2), (10*320*240, 3)])
def test_large_photos_wait_for_each_other(gray, tmp_path, monkeypatch, pixels, most):
    now,peak,lock = 0,0,threading.Lock()
    def predict(L):
        nonlocal now,peak
        with lock: now += 1; peak = max(peak, now)
        time.sleep(.1)
        with lock: now -= 1
        return np.zeros((1,2,L.shape[2]//4,L.shape[3]//4), np.float32)
    monkeypatch.setattr(run, 'MAX_IN_WORK', pixels)
    r = toy_colorizer(predict).colorize_folder(scans(tmp_path/'s', gray), tmp_path/'o', jobs=3)
    assert len(r.of('done')) == 8 and peak == most

def test_wrong_jobs(tmp_path, capsys):
    for jobs in (0,-1,65): assert colorize(path=[OLD_PHOTO], jobs=jobs) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
    with pytest.raises(ValueError, match='jobs'): toy_colorizer().colorize_folder(tmp_path, jobs=0)

# Killed, stopped, full

COMMAND = 'from colorize_nb.cli import colorize; colorize()'
def start(*args, code=COMMAND): return subprocess.Popen([sys.executable, '-c', code, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
def wait_for(folder, n, p):
    end = time.monotonic()+60
    while len([f for f in files(folder) if not f.endswith('.part')]) < n if folder.exists() else True:
        assert p.poll() is None and time.monotonic() < end, p.stderr.read() if p.poll() is not None else 'too slow'
        time.sleep(.005)

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs SIGKILL')
@pytest.mark.parametrize('jobs', [1,3])
def test_killed_and_started_again(gray, tmp_path, jobs):
    src,out,want = scans(tmp_path/'s', gray, 14),tmp_path/'out',tmp_path/'want'
    Colorizer.from_pretrained().colorize_folder(src, want, compare=True)
    before = {}
    for n in (3,14):  # of the 28 files
        p = start(src, '-o', out, '--jobs', jobs, '--compare')
        wait_for(out, n, p)
        p.kill(); p.communicate()
        assert p.returncode == -signal.SIGKILL
        there = {f: ((out/f).stat().st_mtime_ns, (out/f).read_bytes()) for f in files(out) if not f.endswith('.part')}
        assert all(there[f] == before[f] for f in before if not f.endswith('-compare.jpg')), 'done twice'
        assert all(b == (want/f).read_bytes() for f,(_,b) in there.items()), 'half a file'
        before = there
    p = start(src, '-o', out, '--jobs', jobs, '--compare')
    err = p.communicate(timeout=60)[1].splitlines()
    done = len([f for f in before if not f.endswith('-compare.jpg')])
    assert p.returncode == 1 and counts(err[-1]) == f'{14-done} colorized, {done} already there, 1 failed'
    assert files(out) == files(want) and all((out/f).read_bytes() == (want/f).read_bytes() for f in files(want))
    assert all((out/f).stat().st_mtime_ns == t for f,(t,_) in before.items() if not f.endswith('-compare.jpg'))

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs SIGKILL')
def test_killed_while_writing(gray, tmp_path):
    "At the third flush of a file: its bytes are on the disk, its name is not yet"
    src = scans(tmp_path/'s', gray, 4)
    code = '''import os, signal
n = 0
def fsync(fd):
    global n; n += 1
    if n == 3: os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
'''+COMMAND
    p = start(src, '--jobs', 1, code=code); p.communicate(timeout=60)  # results beside the photos: the walk meets what is left
    left = [f for f in files(src) if f.endswith('.part')]
    assert p.returncode == -signal.SIGKILL and len(left) == 1 and len([f for f in files(src) if '-color' in f and f not in left]) == 2
    mine = src/'box0'/'.other.png.1.part'; mine.write_bytes(b'of another program')
    own,fd = atomic._open_part(src/'box0', 0o600)  # of a process that lives
    p = start(src); err = p.communicate(timeout=60)[1].splitlines()
    assert counts(err[-1]) == '2 colorized, 2 already there, 1 failed' and not any('.part' in e for e in err)
    assert [f for f in files(src) if f.endswith('.part')] == sorted(p.relative_to(src).as_posix() for p in (mine, own))
    os.close(fd)
    assert len([f for f in files(src) if '-color' in f and not f.endswith('.part')]) == 4

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs SIGINT')
@pytest.mark.parametrize('jobs', [1,3])
def test_ctrl_c(gray, tmp_path, jobs):
    src,out = scans(tmp_path/'s', gray, 40),tmp_path/'out'
    heard = 'import signal; signal.signal(signal.SIGINT, signal.default_int_handler); '  # a shell starts what runs in the background deaf to it
    p = start(src, '-o', out, '--jobs', jobs, '--report', tmp_path/'r.json', code=heard+COMMAND)
    wait_for(out, 2, p)
    p.send_signal(signal.SIGINT)
    err = p.communicate(timeout=60)[1].splitlines()
    assert p.returncode == 130 and err[-1].startswith('stopped') and not any('Traceback' in e for e in err), err
    r = json.loads((tmp_path/'r.json').read_text())
    assert not r['complete'] and 2 <= r['counts']['done'] < 40 and [Path(x['result']).is_file() for x in r['photos'] if x['status'] == 'done'] == [True]*r['counts']['done']
    assert len(files(out)) == r['counts']['done'] and not any(f.endswith('.part') for f in files(out))

@pytest.mark.slow
@pytest.mark.skipif(os.name != 'posix', reason='needs SIGINT')
@pytest.mark.parametrize('pause', [0, .01, .03])
@pytest.mark.parametrize('jobs', [1,3])
def test_ctrl_c_twice_is_ctrl_c(gray, tmp_path, jobs, pause):
    src,out = scans(tmp_path/'s', gray, 40),tmp_path/'out'
    heard = 'import signal; signal.signal(signal.SIGINT, signal.default_int_handler); '
    p = start(src, '-o', out, '--jobs', jobs, '--report', tmp_path/'r.json', code=heard+COMMAND)
    wait_for(out, 2, p)
    for _ in range(3): p.send_signal(signal.SIGINT); time.sleep(pause)
    err = p.communicate(timeout=60)[1].splitlines()
    assert p.returncode == 130 and err[-1] == 'stopped; the same command goes on where it was', (p.returncode, err)
    assert json.loads((tmp_path/'r.json').read_text())['counts']['done'] == len(files(out)) < 40

def test_a_disk_that_fills_up(gray, tmp_path):
    "A limit on the size of files is as real as a full disk, and leaves the others alone"
    pytest.importorskip('resource', reason='no resource module here')
    src = scans(tmp_path/'s', gray, 3)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (900,900), dtype=np.uint8)).save(src/'box0'/'noise.png')
    p = start(src, '-o', tmp_path/'out', '--jobs', 2, code='import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000,400_000)); '+COMMAND)
    err = p.communicate(timeout=60)[1].splitlines()
    assert p.returncode == 1 and counts(err[-1]) == '3 colorized, 2 failed', err
    assert [e for e in err if 'noise.png' in e] == [f"failed {src/'box0'/'noise.png'}: {tmp_path/'out'/'box0'/'noise.png'}: File too large"]
    assert files(tmp_path/'out') == ['box0/0.jpg','box0/2.png','box1/1.png']

def test_nowhere_to_write(gray, tmp_path, capsys):
    src = scans(tmp_path/'s', gray, 4)
    (tmp_path/'out').mkdir(); (tmp_path/'out'/'box1').write_bytes(b'a file where a folder should be')
    assert colorize(path=[src], o=tmp_path/'out') == 1
    err = capsys.readouterr().err.splitlines()
    assert counts(err[-1]) == '2 colorized, 3 failed' and len(err) == 4 and files(tmp_path/'out') == ['box0/0.jpg','box0/2.png','box1']
    assert sum(e.startswith(f"failed {src/'box1'}") and 'box1' in e.split(': ')[1] for e in err) == 2

# The report

def test_report(gray, tmp_path, capsys):
    src = tmp_path/'s'; src.mkdir()
    Image.fromarray(gray).save(src/'a.png'); sepia(gray).save(src/'b.png'); colour((90,120)).save(src/'c.png'); (src/'d.txt').write_text(''); (src/'e.jpg').write_bytes(b'')
    Image.new('L', (64,64), 255).save(src/'f.png')
    assert colorize(path=[src], o=tmp_path/'o', report=tmp_path/'r.json', keep_color=True, strength=.9) == 1
    err = capsys.readouterr().err.replace(f'{tmp_path}/', '').splitlines()
    d = json.loads((tmp_path/'r.json').read_text(encoding='utf-8'))
    cfg = json.loads(config_path('default').read_text())
    assert d['model'] == dict(name='default', weights={k: v for k,v in cfg['files'].items() if k.endswith('.safetensors')}) and len(d['model']['weights']) == 1
    assert d['settings']['strength'] == .9 and d['settings']['keep_color'] and d['complete'] and d['counts'] == dict(done=3, exists=0, own=0, kept=1, other=1, failed=1)
    got = {Path(r['source']).name: r for r in d['photos']}
    assert {n: r['status'] for n,r in got.items()} == {'a.png':'done', 'b.png':'done', 'c.png':'kept', 'd.txt':'other', 'e.jpg':'failed', 'f.png':'done'}
    assert got['a.png']['size'] == [90,120] and got['a.png']['noticed'] == [] and got['e.jpg']['reason'] == 'the file is empty'
    assert got['b.png']['noticed'] == ['tinted'] and got['c.png']['result'] == '' and got['f.png']['noticed'] == ['nearly gray']
    assert got['f.png']['advice'] == ['--vivid 1 --overwrite has more colour', '--strength 1.35 --overwrite makes the colours stronger']
    assert [*err[:-1], counts(err[-1])] == ['skipped s/d.txt: not a photo', 'kept s/c.png: a colour photo',
                   'noticed s/f.png: stayed nearly gray; --vivid 1 --overwrite has more colour; --strength 1.35 --overwrite makes the colours stronger',
                   'noticed 1 sepia or yellowed: the tone is taken out; --keep-tint keeps it', 'failed s/e.jpg: the file is empty',
                   '3 colorized, 1 in colour, left alone, 1 not a photo, skipped, 1 failed']
    assert files(tmp_path/'o') == ['a.png','b.png','f.png']

def test_report_that_cannot_be_written(gray, tmp_path, monkeypatch, capsys):
    photo = tmp_path/'a.png'; Image.fromarray(gray).save(photo)
    for bad in (photo, tmp_path/'none'/'r.json'): assert colorize(path=[photo], report=bad) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2 and files(tmp_path) == ['a.png'] and Image.open(photo).size == (90,120)
    (tmp_path/'r.json').write_text(old := '{"colorize_nb": "of an earlier run"}')
    assert colorize(path=[photo]) == 0
    def full(fd): raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    assert colorize(path=[photo], report=tmp_path/'r.json') == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith('r.json: No space left on device')
    assert (tmp_path/'r.json').read_text() == old and files(tmp_path) == ['a-color.png','a.png','r.json']

@pytest.mark.skipif(sys.platform != 'linux', reason='needs names of any bytes')
def test_names_of_any_bytes(gray, tmp_path, capsys):
    os.makedirs(src := os.fsencode(tmp_path)+b'/s')
    raw = saved(Image.fromarray(gray), 'PNG')
    for n in (b'ok.png', b'\xff\xfe.png', b'two\nlines.png', b'\x1b[31mred.png', 'ü.png'.encode()): Path(os.fsdecode(src+b'/'+n)).write_bytes(raw)
    Path(os.fsdecode(src+b'/\x1b[2Jbad\n.png')).write_bytes(b'')
    assert colorize(path=[tmp_path/'s'], o=tmp_path/'o', report=tmp_path/'r.json') == 1
    err = capsys.readouterr().err
    assert '\x1b' not in err and len(err.splitlines()) == 2 and counts(err.splitlines()[-1]) == '5 colorized, 1 failed'
    d = json.loads((tmp_path/'r.json').read_bytes().decode('utf-8'))
    assert sorted(os.fsencode(Path(r['source']).name) for r in d['photos']) == sorted(os.listdir(src)) and len(os.listdir(os.fsencode(tmp_path/'o'))) == 5

# Pages

def album(gray): return [Image.fromarray(gray), Image.fromarray(np.dstack([np.rot90(gray)]*3)), Image.fromarray(gray[:31,:17].astype(np.uint16)*257)]

@pytest.mark.parametrize('compression', ['raw','tiff_lzw','tiff_adobe_deflate','packbits'])
def test_every_page_is_colorized(colorizer, gray, tmp_path, compression):
    pages = album(gray)
    pages[0].save(tmp_path/'a.tif', save_all=True, append_images=pages[1:], compression=compression, dpi=(300,300))
    out = colorizer.colorize_file(tmp_path/'a.tif', tmp_path/'b.tif')
    want = [gray, np.rot90(gray), gray[:31,:17]]
    with Image.open(out) as im:
        assert im.n_frames == 3
        for i,(page,g) in enumerate(zip(ImageSequence.Iterator(im), want)):
            px = np.asarray(Pages(out)[i].picture())  # Pillow cuts the 16 bits of the last page
            assert page.size == g.shape[::-1] and page.mode == 'RGB' and np.abs(gray_level(px)-g).max() <= 1 and page.tag_v2[258] == ((16,16,16) if i == 2 else (8,8,8))
            assert b'compositeWithTrainedAlgorithmicMedia' in page.tag_v2[700] and round(float(page.info['dpi'][0])) == 300
            assert np.abs(px.astype(int)-np.asarray(colorizer.colorize(g.copy()))).max() <= (i == 2)  # as the page alone

def test_pages_turn_keep_alpha_and_metadata(gray, tmp_path):
    from PIL import ExifTags
    exif = Image.Exif(); exif[ExifTags.Base.Orientation] = 6; exif[ExifTags.Base.Artist] = 'Lange'
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = '1936:02:01 12:00:00'
    exif[ExifTags.IFD.Exif] = exif.get_ifd(ExifTags.IFD.Exif)
    alpha = np.random.default_rng(0).integers(0, 256, gray.shape, dtype=np.uint8)
    one = Image.fromarray(np.dstack([gray]*3+[alpha]))
    (tmp_path/'a.tif').write_bytes(join_pages(saved(p, 'TIFF', **kw) for p,kw in ((Image.fromarray(gray), dict(exif=exif)), (one, {}), (Image.fromarray(gray), dict(exif=exif)))))
    out = toy_colorizer().colorize_file(tmp_path/'a.tif', tmp_path/'b.tif')
    pages = [p.copy() for p in ImageSequence.Iterator(Image.open(out))]
    assert [p.size for p in pages] == [(120,90),(90,120),(120,90)] and (np.asarray(pages[1])[...,3] == alpha).all()
    first = Image.open(out).getexif()
    assert first[ExifTags.Base.Artist] == 'Lange' and first.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == '1936:02:01 12:00:00'

def test_pages_that_cannot_be(gray, tmp_path, monkeypatch, capsys):
    pages = [Image.fromarray(gray)]*3
    pages[0].save(tmp_path/'a.tif', save_all=True, append_images=pages[1:])
    c = toy_colorizer()
    with pytest.raises(PhotoError, match='3 pages fit into a .tif only'): c.colorize_file(tmp_path/'a.tif', tmp_path/'o.png')
    with pytest.raises(PhotoError, match='3 pages, not one photo'): c.colorize(tmp_path/'a.tif')
    whole = (tmp_path/'a.tif').read_bytes()
    n = 0
    for cut in range(0, len(whole), 401):
        try: got = [p.pixels for p in Pages(whole[:cut])]
        except PhotoError as e: assert '\n' not in str(e); n += 1
        else: assert all((g == gray).all() for g in got)
    assert n > 50
    pages[0].save(tmp_path/'b.tif', save_all=True, append_images=[Image.new('L', (2000,2000))])
    assert colorize(path=[tmp_path/'b.tif'], o=tmp_path/'o.tif', max_megapixels=1.) == 1
    assert '2000x2000 is more than 1 megapixels' in capsys.readouterr().err and not (tmp_path/'o.tif').exists()
    monkeypatch.setattr(photo_module, 'MAX_PAGES', 2)
    with pytest.raises(PhotoError, match='3 pages, more than 2'): Pages(whole)

def test_damage_is_one_line_each(gray, tmp_path):
    "Pillow's own warnings about the same damage are not shown beside it"
    whole = bytearray(saved(Image.fromarray(gray), 'TIFF', dpi=(300,300), compression='raw')); rng = np.random.default_rng(0)
    for i in range(40):
        b = bytearray(whole)
        for j in rng.integers(8, 180, 4): b[j] = rng.integers(256)  # the directory
        (tmp_path/f'{i}.tif').write_bytes(b)
    p = start(tmp_path, '-o', tmp_path/'out', '--render-size', '32')
    err = p.communicate(timeout=60)[1].splitlines()
    mine = [e for e in err[:-1] if e.startswith(('failed ','noticed '))]
    assert p.returncode == 1 and not any('Warning' in e for e in err) and len(err)-1 == len(mine), err  # nor libtiff's

def test_animations_are_refused(gray, tmp_path):
    for fmt in ('PNG','WEBP'):
        b = saved(Image.fromarray(gray), fmt, save_all=True, append_images=[Image.fromarray(gray.T.copy().reshape(gray.shape))])
        with pytest.raises(PhotoError, match='2 pages or frames'): Pages(b)

# HEIC

def test_heic_without_its_plugin(gray, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(photo_module, 'has_heif', lambda: False)
    src = tmp_path/'s'; src.mkdir()
    Image.fromarray(gray).save(src/'a.png'); (src/'b.heic').write_bytes(b'\0\0\0\x18ftypheic'.ljust(200, b' ')); (src/'c.jpg').write_bytes(b'\0\0\0\x18ftypavif'.ljust(200, b' '))
    assert colorize(path=[src], o=tmp_path/'o') == 1
    err = capsys.readouterr().err
    assert "b.heic: HEIC needs the heic extra: pip install" in err and 'c.jpg: not a picture, or damaged' in err and files(tmp_path/'o') == ['a.png']

def test_heic(colorizer, gray, tmp_path, capsys):
    heif = pytest.importorskip('pillow_heif', reason='needs the extra heic')
    assert has_heif()
    src = tmp_path/'s'; src.mkdir()
    heif.from_pillow(Image.fromarray(np.dstack([gray]*3))).save(src/'a.heic', quality=95)
    heif.from_pillow(Image.fromarray(np.dstack([gray]*3))).save(src/'b.HEIF', quality=95); Image.fromarray(gray).save(src/'b.jpg')
    (src/'cut.heic').write_bytes((src/'a.heic').read_bytes()[:900])
    assert colorize(path=[src], o=tmp_path/'o') == 1
    assert files(tmp_path/'o') == ['a.jpg','b.HEIF.jpg','b.jpg'] and 'cut.heic: ' in capsys.readouterr().err
    out = Image.open(tmp_path/'o'/'a.jpg')
    assert out.format == 'JPEG' and out.size == (90,120) and np.percentile(np.abs(gray_level(np.asarray(out))-gray), 99) <= 12  # two lossy codings
    with pytest.raises(PhotoError, match='megapixels'): open_photo(src/'a.heic', max_pixels=1000)
    with pytest.raises(PhotoError, match='cannot write .heic'): colorizer.colorize_file(src/'b.jpg', tmp_path/'o.heic')

# Toned, in colour, nearly gray

def test_three_kinds(gray):
    old = np.asarray(Image.open(OLD_PHOTO).convert('L'))
    rng = np.random.default_rng(0)
    def noisy(x): return np.clip(np.asarray(x)+rng.normal(0, 5, np.asarray(x).shape), 0, 255).astype(np.uint8)
    def jpeg(x): return np.asarray(Image.open(io.BytesIO(saved(Image.fromarray(np.asarray(x)), 'JPEG', quality=75))))
    for g in (gray, old):
        rgb = np.dstack([g]*3)
        assert [tone(x)[0] for x in (g, g.astype(np.uint16)*257, rgb, jpeg(rgb), rgb/np.float32(255))] == ['gray']*5
        assert [tone(np.asarray(x))[0] for x in (sepia(g), jpeg(sepia(g)), np.asarray(sepia(g))/np.float32(255))] == ['tinted']*3
    assert [tone(f(sepia(old)))[0] for f in (noisy, lambda x: jpeg(noisy(x)))] == ['tinted']*2
    assert [tone(f(np.dstack([old]*3)))[0] for f in (noisy, lambda x: jpeg(noisy(x)))] == ['gray']*2  # of a scan's size: it averages out
    assert [tone(np.asarray(colour((90,120), s)))[0] for s in range(8)] == ['color']*8
    for shape in ((1,1,3), (1,500,3), (3,2,3)): assert tone(np.zeros(shape, np.uint8))[0] == 'gray' and tone(np.full(shape, [255,0,0], np.uint8))[0] in ('color','tinted')

def test_a_tone_is_taken_out_or_kept(gray, tmp_path):
    "Taken out, the colours are those of the gray photo with the same lightness"
    c,print_ = toy_colorizer(),np.asarray(sepia(gray))
    level = np.rint(gray_level(print_)).astype(np.uint8)
    assert np.abs(np.asarray(c.colorize(print_)).astype(int)-np.asarray(c.colorize(level))).max() <= 5
    for s in (0., 1.):
        kept = np.asarray(c.colorize(print_, strength=s, keep_tint=True))
        assert np.abs(gray_level(kept)-gray_level(print_)).max() <= 1
    assert np.abs(np.asarray(c.colorize(print_, strength=0., keep_tint=True)).astype(int)-print_).mean() < 2  # the print again
    assert (np.asarray(c.colorize(gray, keep_tint=True)) == np.asarray(c.colorize(gray))).all()
    sepia(gray).save(tmp_path/'a.png')
    r = c.colorize_folder(tmp_path, tmp_path/'o', keep_tint=True)
    assert r.rows[0].noticed == ['tint kept'] and (np.asarray(Image.open(tmp_path/'o'/'a.png')) == np.asarray(c.colorize(print_, keep_tint=True))).all()

def test_colour_photos_are_left_alone(gray, tmp_path):
    c,photo = toy_colorizer(),colour((90,120))
    photo.copy().save(tmp_path/'a.png')
    assert c.colorize_file(tmp_path/'a.png', keep_color=True) == tmp_path/'a.png' and files(tmp_path) == ['a.png']
    pages = [Image.fromarray(np.dstack([gray]*3)), photo]
    pages[0].save(tmp_path/'b.tif', save_all=True, append_images=pages[1:])
    out = [np.asarray(p.convert('RGB')) for p in ImageSequence.Iterator(Image.open(c.colorize_file(tmp_path/'b.tif', tmp_path/'o.tif', keep_color=True)))]
    assert (out[1] == np.asarray(photo)).all() and (out[0] == np.asarray(c.colorize(gray))).all()

def test_nearly_gray_is_said(gray, tmp_path, capsys):
    Image.fromarray(gray).save(tmp_path/'a.png')
    def said(name, **kw): colorize(path=[tmp_path/'a.png'], o=tmp_path/name, **kw); return [e for e in capsys.readouterr().err.splitlines() if 'nearly gray' in e]
    assert said('1.png') == [] and said('2.png', strength=0.) == []  # with no colour asked for, none is missed
    assert said('3.png', strength=.1)[0].endswith('--vivid 1 --overwrite has more colour; --strength 0.15 --overwrite makes the colours stronger')
    assert 'vivid' not in said('4.png', strength=.05, model='vivid')[0]
    for n in 'bcd': Image.fromarray(gray).save(tmp_path/f'{n}.png')
    assert colorize(path=[tmp_path/f'{n}.png' for n in 'abcd'], o=tmp_path/'o', strength=.1, vivid=1.) == 0
    assert [e for e in capsys.readouterr().err.splitlines() if 'stayed' in e] == [
        'noticed 4 photos stayed nearly gray; --strength 0.15 --overwrite makes the colours stronger; --report names them']
