"More than one machine: shards that share a run out, colorizers that travel, and an engine whose workers may die. Together they write what one process writes."
import json, os, pickle, shutil, signal, subprocess, sys, time, zipfile
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from colorize_nb import Colorizer
from colorize_nb.batch.options import Options
from colorize_nb.cli import colorize
from colorize_nb.batch.plan import plan, plan_folder
from colorize_nb.network.weights import MODELS, ModelError
from test_folder import toy_colorizer
from test_plan import contents, photo

COLLIDING = 'a.bmp','a.BMP','a.png','b.jpg','b.png','b-color.jpg','1936/a.bmp','1936/é.png','c.png','c.bmp.png','c.bmp','d-compare.jpg','d.jpg','notes.txt','1936/x.gif'

def box(folder, gray, names=COLLIDING):
    for i,n in enumerate(names):
        if Path(n).suffix.lower() in ('.txt','.gif'): (folder/n).parent.mkdir(parents=True, exist_ok=True); (folder/n).write_bytes(b'no photo')
        else: photo(folder/n, np.roll(gray, 7*i))
    return folder

# Shards

@pytest.mark.parametrize('order', ['123','312'])
@pytest.mark.parametrize('kw', [{}, dict(compare=True, overwrite=True)])
def test_all_shards_write_what_one_process_writes(gray, tmp_path, order, kw):
    src,c = box(tmp_path/'in', gray),toy_colorizer()
    one = c.colorize_folder(src, tmp_path/'one', **kw)
    shards = [c.colorize_folder(src, tmp_path/'all', shard=f'{k}/3', **kw) for k in order]
    assert contents(tmp_path/'one') == contents(tmp_path/'all')
    rows = [(r.src, Path(r.dst).name, r.status) for s in shards for r in s.rows]
    assert sorted(rows) == sorted((r.src, Path(r.dst).name, r.status) for r in one.rows)  # nothing lost, nothing twice
    assert len({r.src for r in one.rows}) == len(COLLIDING)
    again = [c.colorize_folder(src, tmp_path/'all', shard=f'{k}/3', **kw|dict(overwrite=False)) for k in order]
    assert [{r.src for r in a.rows} for a in again] == [{r.src for r in s.rows} for s in shards] and not any(a.of('done') for a in again)

@pytest.mark.parametrize('order', ['123','321'])
def test_results_beside_the_photos_change_no_shard(gray, tmp_path, order):
    names = [f'{i}.png' for i in range(9)]
    for d in ('one','all'): box(tmp_path/d, gray, names)
    c = toy_colorizer(); c.colorize_folder(tmp_path/'one')
    for k in order:
        for _ in range(2): c.colorize_folder(tmp_path/'all', shard=f'{k}/3')
    assert contents(tmp_path/'one') == contents(tmp_path/'all') and len(contents(tmp_path/'all')) == 18

def test_a_folder_that_grows_between_shards_loses_nothing(gray, tmp_path):
    "Each photo that was there when the first shard began is done once, whatever comes later"
    names = [f'{i:02d}.png' for i in range(12)]
    src,done,c = box(tmp_path/'in', gray, names),[],toy_colorizer()
    for k in (1,2,3):
        r = c.colorize_folder(src, tmp_path/'o', shard=f'{k}/3')
        done += [Path(t.src).name for t in r.of('done')]
        box(src, gray, [f'{k:02d}-{i}.png' for i in range(4)])  # sorted among the others: positions would shift
    assert sorted(n for n in done if n in names) == names

def test_shards_are_even_and_the_same_everywhere(tmp_path):
    folders = [tmp_path/'here'/'scans', tmp_path/'there'/'mounted']
    for f in folders:
        f.mkdir(parents=True)
        for i in range(400): (f/f'{i}.jpg').write_bytes(b'')
    sizes = []
    for k in range(1, 5):
        here,there = ({t.src.name for t in plan_folder(f, tmp_path/'o', Options(shard=f'{k}/4'))[0]} for f in folders)
        assert here == there == {t.src.name for t in plan([str(folders[0])], str(tmp_path/'o'), Options(shard=f'{k}/4'))[0]}
        sizes.append(len(here))
    assert sum(sizes) == 400 and min(sizes) > 60 and max(sizes) < 140  # 100, give or take 8.7 by chance

def test_shards_of_a_zip_file_and_of_named_photos(gray, tmp_path):
    src = box(tmp_path/'in', gray)
    with zipfile.ZipFile(tmp_path/'in.zip', 'w') as z:
        for p in sorted(src.rglob('*.*')):
            if 'BMP' not in p.name: z.write(p, p.relative_to(src))  # an archive has one name for both
    for name,paths in dict(zip=[tmp_path/'in.zip'], named=sorted(src.glob('*.*g'))).items():
        one = {(str(t.src), t.dst.name) for t in plan([*map(str, paths)], str(tmp_path/'o'))[0]}
        some = [{(str(t.src), t.dst.name) for t in plan([*map(str, paths)], str(tmp_path/'o'), Options(shard=f'{k}/2'))[0]} for k in (1,2)]
        assert some[0]|some[1] == one and not some[0]&some[1], name
        assert name == 'named' or all(some)  # named photos go by their whole path, which differs from run to run: all may be in one shard

def test_what_no_shard_can_read_fails_in_each(tmp_path, capsys):
    for k in (1,2,3):
        assert colorize(path=[tmp_path/'scan'], o=tmp_path/'o', shard=f'{k}/3') == 1
        assert 'No such file' in capsys.readouterr().err

def test_hints_name_photos_of_other_shards(gray, tmp_path, capsys):
    src = box(tmp_path/'in', gray, [f'{i}.png' for i in range(6)])
    (tmp_path/'h.json').write_text(json.dumps({'0.png': [[9,9,'red']], '5.png': [[9,9,'blue']]}))
    colorize(path=[src], o=tmp_path/'one', hints=tmp_path/'h.json', render_size=64)
    for k in (1,2): assert colorize(path=[src], o=tmp_path/'two', hints=tmp_path/'h.json', render_size=64, shard=f'{k}/2', report=tmp_path/f'{k}.json') == 0
    assert contents(tmp_path/'one') == contents(tmp_path/'two')
    reports = [json.loads((tmp_path/f'{k}.json').read_text()) for k in (1,2)]
    assert [r['settings']['shard'] for r in reports] == ['1/2','2/2'] and all(r['complete'] for r in reports)
    assert sorted(p['source'] for r in reports for p in r['photos']) == sorted(map(str, src.iterdir()))
    (tmp_path/'h.json').write_text('{"7.png": [[9,9,"red"]]}')
    for k in (1,2): assert colorize(path=[src], o=tmp_path/'two', hints=tmp_path/'h.json', shard=f'{k}/2') == 2
    capsys.readouterr()
    assert colorize(path=[src], o=tmp_path/'two', hint=['9,9,red'], shard='1/2') == 2
    assert capsys.readouterr().err == 'colorize: --hint is for one photo, --shard for many: --hints FILE.json has the hints of many\n'

@pytest.mark.parametrize('bad', ['', '3', '0/4', '5/4', '1/0', '-1/4', 'a/b', '1/2/3', '1.5/2', '٣/٤'])
def test_a_shard_that_is_none(tmp_path, capsys, bad):
    assert colorize(path=[tmp_path], shard=bad) == 2
    assert capsys.readouterr().err.count('\n') == 1

# Pickles

def test_a_colorizer_travels_to_another_process(gray, tmp_path, colorizer):
    "Three pickles, one model: only names and hashes travel"
    data = pickle.dumps(colorizer)
    assert len(data) < 10_000
    (tmp_path/'c.pkl').write_bytes(data); Image.fromarray(gray).save(tmp_path/'a.png')
    code = f'''import pickle, threading, sys
from concurrent.futures import ThreadPoolExecutor
data = open({str(tmp_path/'c.pkl')!r}, 'rb').read()
with ThreadPoolExecutor(3) as ex: cs = list(ex.map(pickle.loads, [data]*3))
assert len({{id(c) for c in cs}}) == 3 and len({{id(c.run) for c in cs}}) == 1 and 'torch' not in sys.modules
cs[2].colorize_file({str(tmp_path/'a.png')!r}, {str(tmp_path/'there.png')!r})'''
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60, cwd=tmp_path)
    assert (tmp_path/'there.png').read_bytes() == colorizer.colorize_file(tmp_path/'a.png', tmp_path/'here.png').read_bytes()

def test_a_model_of_ones_own_travels_if_it_is_the_same_there(tmp_path, monkeypatch):
    (tmp_path/'model').mkdir()
    cfg = json.loads((MODELS/'default.json').read_text())
    for f in cfg['files']: shutil.copy(MODELS/f, tmp_path/'model')
    (tmp_path/'model'/'config.json').write_text(json.dumps(cfg))
    monkeypatch.chdir(tmp_path)
    c = Colorizer.from_pretrained('model'); c.cfg['vivid'] = .3
    data = pickle.dumps(c)
    monkeypatch.chdir('/')
    x = np.zeros((1,1,32,32), np.float32)
    assert pickle.loads(data).cfg == c.cfg and np.array_equal(pickle.loads(data).predict(x)[0], c.predict(x)[0])
    assert pickle.loads(pickle.dumps(pickle.loads(data))).cfg == c.cfg
    data = pickle.dumps(Colorizer.from_pretrained(tmp_path/'model'/'config.json')).replace(cfg['files']['default.onnx'].encode(), b'0'*64)
    with pytest.raises(ModelError, match='not the model that was pickled'): pickle.loads(data)
    shutil.rmtree(tmp_path/'model')
    data = pickle.dumps(c).replace(str(tmp_path).encode(), str(tmp_path)[:-1].encode()+b'_')
    with pytest.raises(ModelError, match='no model there'): pickle.loads(data)

def test_what_has_no_files_does_not_travel():
    with pytest.raises(TypeError, match='was not loaded from files and cannot be sent: save_pretrained'): pickle.dumps(toy_colorizer())

# An engine

@pytest.mark.parametrize('compare', [False, True])
def test_what_has_appeared_since_the_plan_stays(gray, tmp_path, compare):
    "As when a worker died after it had written a result, and before it could say so"
    src,c = box(tmp_path/'in', gray, ['a.png','b.png']),toy_colorizer()
    tasks,_ = plan_folder(src, tmp_path/'o', Options(compare=compare))
    c.colorize_many(tasks[:1], Options(compare=compare)); before = contents(tmp_path/'o')
    assert [r.status for r in c.colorize_many(tasks, Options(compare=compare)).rows] == ['exists','done']
    assert len(before) == 1+compare and before.items() <= contents(tmp_path/'o').items() and len(contents(tmp_path/'o')) == 2*(1+compare)

@pytest.fixture
def client(tmp_path):
    distributed = pytest.importorskip('distributed', reason='needs the cluster extra')
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, host='127.0.0.1', dashboard_address=None, local_directory=tmp_path/'dask') as cluster:
        with distributed.Client(cluster) as c: yield c

def work(c, tasks): return c.colorize_many(tasks, bar=False, jobs=1).rows

@pytest.mark.slow
@pytest.mark.parametrize('kill', [False, True])
def test_two_workers_write_what_one_process_writes(gray, tmp_path, colorizer, client, kill):
    "Also if one is killed half way: the engine gives its photos to others, and what it had written stays"
    src = box(tmp_path/'in', gray, [*COLLIDING, *(f'many/{i}.png' for i in range(20))])
    one = colorizer.colorize_folder(src, tmp_path/'one')
    tasks,rows = plan_folder(src, tmp_path/'all')
    parts = [client.submit(work, colorizer, tasks[i:i+4], pure=False) for i in range(0, len(tasks), 4)]
    pids,before = set(client.run(os.getpid).values()),{}
    if kill:
        end = time.monotonic()+60
        while len(before) < 5:
            before = {p: (p.stat().st_ino, p.stat().st_mtime_ns) for p in (tmp_path/'all').rglob('*') if p.is_file() and p.suffix != '.part'}
            assert time.monotonic() < end, 'too slow'
            time.sleep(.01)
        assert any(client.processing().values()) and not all(f.done() for f in parts)
        os.kill(min(pids), signal.SIGKILL)
    done = [r for part in client.gather(parts) for r in part]
    assert contents(tmp_path/'all') == contents(tmp_path/'one')
    assert sorted(r.src for r in [*done, *rows]) == sorted(r.src for r in one.rows)  # nothing lost, nothing twice
    assert all((p.stat().st_ino, p.stat().st_mtime_ns) == was for p,was in before.items())
    assert {r.status for r in done} <= {'done','exists'} and sum(r.status == 'exists' for r in done) <= 4*kill
    if kill: assert min(pids) not in client.run(os.getpid).values()

@pytest.mark.slow
@pytest.mark.timeout(300)
def test_films_on_two_workers_of_which_one_is_killed(gray, tmp_path, colorizer, client):
    "The film that the dead worker had begun goes on with another one, and all are what one process writes"
    pytest.importorskip('av', reason='needs the film extra')
    pytest.importorskip('cv2', reason='needs the film extra')
    from test_film import make_clip
    src = box(tmp_path/'in', gray, ['a.png', '1936/b.png'])
    for i in range(2): make_clip(src/f'{i}.mp4', n=75, cuts=(30,), scenes=range(2*i, 2*i+2), sound=1)
    options = Options(films=True)
    def part(c, tasks):
        from colorize_nb import film
        film.SEGMENT = 1  # seconds: short films have several pieces too
        return c.colorize_many(tasks, options, bar=False, jobs=1).rows
    def all_of(out):
        tasks,rows = plan_folder(src, out, options)
        return tasks, rows
    tasks,rows = all_of(tmp_path/'one')
    one = client.gather(client.submit(part, colorizer, tasks, pure=False))
    tasks,rows = all_of(tmp_path/'two')
    parts = [client.submit(part, colorizer, [t], pure=False) for t in tasks]
    def begun(): return {p.parent for p in (tmp_path/'two').rglob('.*.parts/*.npz')}
    end = time.monotonic()+120
    while not begun() and not all(f.done() for f in parts):
        assert time.monotonic() < end, 'too slow'
        time.sleep(.005)
    assert begun(), 'no film was caught half way'
    workers = {address: pid for address,pid in client.run(os.getpid).items()}
    busy = [a for a,keys in client.processing().items() if keys]
    for p in begun(): held = p
    victim = _holder(held/'lock', workers.values()) or workers[busy[0]]
    os.kill(victim, signal.SIGKILL)
    done = [r for p in client.gather(parts) for r in p]
    assert sorted(Path(r.src).name for r in done) == sorted(Path(r.src).name for r in one) and {r.status for r in done} <= {'done', 'exists'}
    assert contents(tmp_path/'two') == contents(tmp_path/'one') and len(done) == 4
    assert not [*(tmp_path/'two').rglob('.*')] and victim not in client.run(os.getpid).values()

def _holder(file, pids):
    "Return the process among some that has a file open, or `None`"
    for pid in pids:
        if any(os.path.realpath(f) == str(file) for f in Path(f'/proc/{pid}/fd').glob('*')): return pid

@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_shard_with_films_that_was_killed_goes_on(gray, tmp_path):
    "By the command: two shards, the first one killed half way through a film and started again; together they write what one run writes"
    pytest.importorskip('av', reason='needs the film extra')
    pytest.importorskip('cv2', reason='needs the film extra')
    from test_film import make_clip
    src = box(tmp_path/'in', gray, ['a.png', '1936/b.png'])
    for i in range(3): make_clip(src/f'{i}.mp4', n=60, cuts=(30,), scenes=range(2*i, 2*i+2))
    (tmp_path/'run.py').write_text('import sys\nfrom colorize_nb import film\nfrom colorize_nb.cli import colorize\nfilm.SEGMENT = 1\ncolorize()\n')
    def start(out, *more): return subprocess.Popen([sys.executable, tmp_path/'run.py', src, '-o', tmp_path/out, '--films', '--quiet', *more], stderr=subprocess.PIPE, text=True)
    def ends(p):
        said = p.communicate(timeout=200)[1]
        assert p.returncode == 0, said
    ends(start('one'))
    films = [{t.src.name for t in plan([str(src)], str(tmp_path/'all'), Options(films=True, shard=f'{k}/2'))[0] if t.film} for k in (1,2)]
    k = max((1,2), key=lambda k: len(films[k-1]))
    first = start('all', '--shard', f'{k}/2')
    while not [*(tmp_path/'all').rglob('.*.parts/*.npz')]: assert first.poll() is None; time.sleep(.005)
    first.kill(); first.communicate()
    assert contents(tmp_path/'all') != contents(tmp_path/'one')
    for k in (1,2): ends(start('all', '--shard', f'{k}/2'))
    assert contents(tmp_path/'all') == contents(tmp_path/'one') and not [*(tmp_path/'all').rglob('.*')]
