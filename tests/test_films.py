"Films among photos: names, report, shards, options, and what is refused; clips of 16x16 pixels that are made here."
import json, os, shutil, subprocess, sys, threading, zipfile
from pathlib import Path
import numpy as np, pytest
av = pytest.importorskip('av', reason='needs the film extra')
pytest.importorskip('cv2', reason='needs the film extra')
from PIL import Image  # noqa: E402
from colorize_nb import cli, films  # noqa: E402
from colorize_nb.batch.names import FILM_RESULTS, FILM_SUFFIXES, noted  # noqa: E402
from colorize_nb.batch.options import OptionError, Options, in_shard  # noqa: E402
from colorize_nb.batch.plan import plan  # noqa: E402
from colorize_nb.batch.report import Report  # noqa: E402
from colorize_nb.batch.sources import SKIPPED_FILM  # noqa: E402
from colorize_nb.files.boxes import film_kind  # noqa: E402
from colorize_nb.files.photo import Pages  # noqa: E402
from colorize_nb.files.pixels import PhotoError  # noqa: E402
from colorize_nb.hint_text import HintError  # noqa: E402
from test_film import Toy  # noqa: E402

def clip(path, n=3, fmt=None, codec='libx264', light=0):
    "A film of a few gray frames"
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w', format=fmt) as out:
        video = out.add_stream(codec, rate=25, width=16, height=16, pix_fmt='yuv420p')
        for i in range(n):
            frame = np.full((24,16), 128, np.uint8)
            frame[:16] = np.arange(16)*10+i+light
            for p in video.encode(av.VideoFrame.from_ndarray(frame, 'yuv420p')): out.mux(p)
        for p in video.encode(): out.mux(p)
    return path

def photo(path, light=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.tile(np.arange(0, 160, 10, dtype=np.uint8)+light, (16,1))).save(path)
    return path

def chroma(path):
    "How far the colours of a film's first frame are from gray"
    with av.open(str(path)) as c: frame = next(c.decode(video=0))
    return max(np.abs(np.frombuffer(p, np.uint8).reshape(-1, p.line_size)[:p.height,:p.width].astype(int)-128).mean() for p in frame.planes[1:])

def tree(folder): return sorted(p.relative_to(folder).as_posix() for p in folder.rglob('*') if p.is_file())

@pytest.fixture
def toy(monkeypatch):
    "The command with a network that costs nothing"
    toy = Toy()
    monkeypatch.setattr(cli, '_loaded', lambda model, device: toy)
    return toy

@pytest.fixture
def said(capsys):
    "The lines that were said since the last call"
    return lambda: capsys.readouterr().err.splitlines()

@pytest.fixture
def box(tmp_path):
    box = tmp_path/'box'
    for name in ('a.jpg', '1936/b.png'): photo(box/name)
    for name in ('a.mp4', '1936/c.mkv'): clip(box/name)
    return box

def run(*paths, **options): return cli.colorize(path=[str(p) for p in paths], **{k: str(v) if isinstance(v, Path) else v for k,v in options.items()})

def test_a_folder_with_films(toy, box, tmp_path, said):
    "Skipped, with a line that tells how; with `films` the tree has both, and a second run keeps them"
    out = tmp_path/'out'
    assert run(box, o=out) == 0 and tree(out) == ['1936/b.png', 'a.jpg']
    lines = said()
    assert [line for line in lines if '.mp4' in line or '.mkv' in line] == [f'skipped {box/n}: {SKIPPED_FILM}' for n in ('a.mp4', '1936/c.mkv')]
    assert '--films' in SKIPPED_FILM and lines[-1].startswith('2 colorized in')
    assert run(box, o=out, films=True, report=tmp_path/'r.json') == 0 and tree(out) == ['1936/b.png', '1936/c.mkv', 'a.jpg', 'a.mp4']
    assert said()[-1].startswith('2 films colorized in') and min(chroma(out/n) for n in ('a.mp4', '1936/c.mkv')) > 2
    rows = json.loads((tmp_path/'r.json').read_text())['photos']
    assert [(Path(r['source']).name, r['status'], r['film'], r['frames']) for r in rows] == [
        ('a.jpg', 'exists', False, None), ('b.png', 'exists', False, None), ('a.mp4', 'done', True, 3), ('c.mkv', 'done', True, 3)]
    before = {p: p.read_bytes() for p in out.rglob('*.m*')}
    assert run(box, o=out, films=True) == 0 and said()[-1].startswith('0 colorized; 4 already there')
    assert before == {p: p.read_bytes() for p in out.rglob('*.m*')}
    (out/'a.mp4').write_bytes(b''); (out/'a.jpg').unlink()
    assert run(box, o=out, films=True) == 0 and said()[-1].startswith('1 photo and 1 film colorized in') and chroma(out/'a.mp4') > 2

def test_beside_the_films(toy, box, said):
    "Results in the folder itself are known again, by their names and by their comments"
    assert run(box, films=True) == 0
    there = tree(box)
    assert there == ['1936/b-color.png', '1936/b.png', '1936/c-color.mkv', '1936/c.mkv', 'a-color.jpg', 'a-color.mp4', 'a.jpg', 'a.mp4']
    assert noted(box/'a-color.mp4') and noted(box/'1936/c-color.mkv') and not noted(box/'a.mp4') and not noted(box/'1936/c.mkv')
    made = (box/'a-color.mp4').stat().st_mtime_ns
    assert run(box, films=True, overwrite=True) == 0 and tree(box) == there and (box/'a-color.mp4').stat().st_mtime_ns > made
    shutil.move(box/'a-color.mp4', box/'z.mp4'); said()
    assert run(box/'z.mp4') == 0 and not (box/'z-color.mp4').exists() and said()[0] == f'skipped {box/"z.mp4"}: made by colorize, as its metadata say'

def test_films_named_beside_photos(toy, box, tmp_path, said):
    "One command for both, without `films`; the photos come first"
    assert run(box/'a.mp4', box/'a.jpg', o=tmp_path/'out', report=tmp_path/'r.json') == 0 and tree(tmp_path/'out') == ['a.jpg', 'a.mp4']
    assert said()[-1].startswith('1 photo and 1 film colorized')
    assert [Path(r['source']).name for r in json.loads((tmp_path/'r.json').read_text())['photos']] == ['a.jpg', 'a.mp4']
    assert run(box/'1936', box/'a.mp4', o=tmp_path/'both') == 0 and tree(tmp_path/'both') == ['1936/b.png', 'a.mp4']

def test_names_that_collide(toy, tmp_path):
    "Three films of one stem, and a photo: the names do not depend on who is there first"
    box = tmp_path/'box'
    for name in ('a.mov', 'a.mp4', 'A.avi'): clip(box/name, codec='mpeg4' if name == 'A.avi' else 'libx264')
    photo(box/'a.jpg')
    assert run(box, o=tmp_path/'out', films=True, compare=True) == 0
    assert tree(tmp_path/'out') == ['A.avi.mp4', 'a-compare.jpg', 'a.jpg', 'a.mov.mp4', 'a.mp4']
    assert run(box/'a.mov', o=tmp_path/'one') == 0 and tree(tmp_path/'one') == ['a.mov.mp4']
    other = clip(tmp_path/'other'/'a.mp4')
    assert run(box/'a.mp4', other, box/'../box/a.mp4', o=tmp_path/'two') == 0 and tree(tmp_path/'two') == ['a-2.mp4', 'a.mp4']

def test_shards(toy, tmp_path, said):
    "Each film is in one shard, that of its path within the folder; together they write what one run writes"
    box = tmp_path/'box'
    names = [f'{i}.{s}' for i in range(3) for s in ('mp4', 'mov')]
    for name in names: clip(box/name, n=2)
    shards = [plan([box], tmp_path/'out', Options(films=True, shard=f'{k}/3'))[0] for k in (1,2,3)]
    assert sorted(t.src.name for s in shards for t in s) == sorted(names) and min(map(len, shards)) < 6
    for k,tasks in enumerate(shards): assert all(in_shard(t.src.name, f'{k+1}/3') for t in tasks)
    for k in (1,2,3): assert run(box, o=tmp_path/'out', films=True, shard=f'{k}/3') in (0, 1)
    assert run(box, o=tmp_path/'one', films=True) == 0 and tree(tmp_path/'one') == tree(tmp_path/'out')

def test_a_bad_film_stops_nothing(toy, box, said):
    "Its row fails, the others are done, and the status is 1"
    (box/'bad.mp4').write_bytes(b'\0\0\0\x18ftypisom'+bytes(100)); (box/'empty.mkv').touch()
    photo(box/'really.jpg'); (box/'really.jpg').rename(box/'really.mp4')
    clip(box/'film.mp4'); (box/'film.mp4').rename(box/'film.jpg')
    assert run(box, o=box.parent/'out', films=True) == 1
    lines = [line for line in said() if line.startswith('failed')]
    assert len(lines) == 4 and all(line.count(str(box)) >= 1 for line in lines)
    text = '\n'.join(lines)
    for why in ('bad.mp4', 'the file is empty', 'really.mp4: a photo, not a film', 'film.jpg: a film (MP4), not a photo'): assert why in text
    assert tree(box.parent/'out') == ['1936/b.png', '1936/c.mkv', 'a.jpg', 'a.mp4']

def test_without_the_extra(toy, box, tmp_path, said, monkeypatch):
    "One line says what to install; the photos are done, each film is a row that failed"
    def missing(): raise ImportError('films need the film extra: pip install colorize_nb[film]')
    monkeypatch.setattr(films, '_film_module', missing)
    assert run(box, o=tmp_path/'out', films=True, report=tmp_path/'r.json') == 1 and tree(tmp_path/'out') == ['1936/b.png', 'a.jpg']
    assert [line for line in said() if 'install' in line] == ['failed 2 films: films need the film extra: pip install colorize_nb[film]']
    assert [r['film'] for r in json.loads((tmp_path/'r.json').read_text())['photos'] if r['status'] == 'failed'] == [True, True]

def test_photos_never_import_what_films_need(tmp_path):
    "Neither the help, nor photos, nor a film that is there already"
    photo(tmp_path/'a.jpg'); clip(tmp_path/'b.mp4'); shutil.copy(tmp_path/'b.mp4', tmp_path/'b-color.mp4')
    code = ("import sys; from colorize_nb.cli import colorize\n"
            "status = colorize(path=[sys.argv[1]], films=True, quiet=True)\n"
            "sys.exit(status or sum(m in sys.modules for m in ('av', 'cv2', 'colorize_nb.film')))")
    assert subprocess.run([sys.executable, '-c', code, tmp_path]).returncode == 0 and (tmp_path/'a-color.jpg').exists()

def test_wrong_use(toy, box, tmp_path, said):
    "Status 2 and one line, before anything is loaded"
    for paths,out,why in (([box], 'o.mp4', 'o.mp4 is one file, but there is more than one photo: name a folder'),
                          ([box/'a.mp4', box/'1936/c.mkv'], 'o.mkv', 'more than one photo'), ([box/'a.mp4'], 'o.jpg', 'a film is written as .mp4, .m4v, .mov, .mkv'),
                          ([box/'a.mp4'], 'o.webm', 'a film is written as'), ([box/'a.jpg'], 'o.mp4', 'cannot write .mp4'), ([box/'a.mp4'], '-', 'a film needs a file')):
        out = out if out == '-' else str(tmp_path/out)
        assert run(*paths, o=out, films=True) == 2
        line, = said()
        assert why in line
    assert run(box/'a.mp4', box/'a.jpg', hint=['0:00@3,3,red']) == 2 and '--hint is for one photo' in said()[0]
    assert run(box/'a.mp4', o=box/'a.mp4', overwrite=True) == 1 and 'the result would overwrite the film itself' in said()[0]
    assert run(box/'none.mp4') == 1 and 'No such file' in said()[0]
    assert not list(tmp_path.glob('o.*')) and tree(box) == ['1936/b.png', '1936/c.mkv', 'a.jpg', 'a.mp4']

def test_options_without_effect(toy, box, tmp_path, said):
    "Those of photos where all are films, those of films where all are photos, none where there are both"
    def noticed(*paths, **kw):
        assert run(*paths, o=tmp_path/f'{len(list(tmp_path.iterdir()))}', **kw) == 0
        return [line for line in said() if 'changes nothing' in line]
    photos = dict(compare=True, variants=1, negative=True, keep_tint=True, max_megapixels=5., jobs=1)
    assert {line.split()[1] for line in noticed(box/'a.mp4', **photos)} == {f"--{k.replace('_', '-')}" for k in photos}
    assert noticed(box/'a.jpg', crf=20., lossless=True, films=True) == [
        'noticed --crf changes nothing for a photo', 'noticed --lossless changes nothing for a photo', 'noticed --films changes nothing without a folder']
    assert noticed(box, films=True, crf=20., **photos|dict(variants=0)) == []
    assert run(box, o=tmp_path/'out', films=True) == 0 and said()
    assert run(box, o=tmp_path/'out', films=True, crf=20.) == 0 and '2 results already exist and were kept' in '\n'.join(said())

def test_hints_of_films_and_photos(toy, box, tmp_path, said):
    "One file of hints for both; a name that nothing has is wrong use"
    def hints(d): (tmp_path/'h.json').write_text(json.dumps(d)); return tmp_path/'h.json'
    h = hints({'a.jpg': [[3, 3, 'red']], 'a.mp4': ['0:00@3,3,blue'], 'c.mkv': [[0, 3, 3, 'lime']]})
    assert run(box, o=tmp_path/'out', films=True, hints=h, report=tmp_path/'r.json') == 0
    assert [r['hints'] for r in json.loads((tmp_path/'r.json').read_text())['photos']] == [['3,3,#ff0000'], [], ['0:00@3,3,blue'], ["[0, 3, 3, 'lime']"]]
    said()
    assert run(box, o=tmp_path/'x', hints=h) == 2 and 'no film is called a.mp4, c.mkv' in said()[-1]
    assert run(box/'a.mp4', o=tmp_path/'y.mp4', hints=hints(['0:00@3,3,blue'])) == 0
    assert run(box/'a.mp4', o=tmp_path/'z.mp4', hint=['0:99@3,3,red']) == 1 and 'after the end of the film' in '\n'.join(said())
    assert run(box/'a.jpg', o=tmp_path/'z.jpg', hint=['0:01@3,3,red']) == 2 and 'is a hint for a film; for a photo write X,Y,COLOR' in said()[-1]
    said()
    assert run(box, films=True, hints=hints({'a.mp4': '0:00@3,3,blue'})) == 2 and 'a.mp4: a list of hints is expected' in said()[0]
    with pytest.raises(HintError, match='no film is called'): Options(hints={'b.mp4': []}).all_named(['a.mp4'])

def test_python(toy, box, tmp_path):
    "The same by name: folders, and what one photo does not take"
    report = toy.colorize_folder(box, tmp_path/'out', bar=False, films=True, crf=30)
    assert str(report) == '2 photos and 2 films colorized' and report.complete and len(report.films) == 2
    assert str(toy.colorize_folder(box, tmp_path/'more', bar=False)) == '2 colorized, 2 not photos, skipped'
    for kw in (dict(films=True), dict(lossless=True)):
        with pytest.raises(OptionError): toy.colorize_file(box/'a.jpg', **kw)
    with pytest.raises(PhotoError, match='a.mp4 is a film by its name'): toy.colorize_file(box/'a.mp4')

def test_archives(toy, tmp_path, said):
    "Films in them are not read, which a line says"
    photo(tmp_path/'a.jpg'); clip(tmp_path/'b.mp4')
    with zipfile.ZipFile(tmp_path/'z.zip', 'w') as z:
        for name in ('a.jpg', 'b.mp4'): z.write(tmp_path/name, name)
    assert run(tmp_path/'z.zip', o=tmp_path/'out', films=True) == 0 and tree(tmp_path/'out') == ['a.jpg']
    assert f'skipped {tmp_path/"z.zip"}/b.mp4: a film in an archive is not read: unpack it, then colorize b.mp4' in said()

def test_only_films(toy, tmp_path, said):
    "A folder without photos fails, and tells how it would not"
    clip(tmp_path/'box'/'a.mp4')
    assert run(tmp_path/'box', o=tmp_path/'out') == 1
    assert f'failed {tmp_path/"box"}: no photos in it, but 1 film: --films colorizes films, too' in said()
    (tmp_path/'none').mkdir()
    assert run(tmp_path/'none', films=True) == 1 and 'no photos or films in it' in said()[0]

def test_names_that_are_odd(toy, tmp_path, said):
    "Umlauts, a newline, a name as long as names may be"
    box = tmp_path/'box'
    for name in ('Größe 1.MP4', 'two\nlines.mp4', f"{'x'*250}.mp4"): clip(tmp_path/'a.mp4').rename(box/name) if box.exists() else (box.mkdir(), clip(tmp_path/'a.mp4').rename(box/name))
    assert run(box, o=tmp_path/'out', films=True) == 0
    assert all('\n' not in line for line in said())
    names = [n.name for n in (tmp_path/'out').iterdir()]
    assert len(names) == 3 and {'Größe 1.mp4', 'two\nlines.mp4'} < {n.replace('.MP4', '.mp4') for n in names} and max(map(len, names)) == 240

def test_links(toy, box, tmp_path, said):
    "A link to a film beside it is a film; one that leads out of the folder is not followed"
    outside = clip(tmp_path/'out.mp4')
    (box/'link.mp4').symlink_to(box/'a.mp4'); (box/'far.mp4').symlink_to(outside); (box/'lost.mp4').symlink_to(box/'none.mp4')
    assert run(box, o=tmp_path/'out', films=True) == 1 and tree(tmp_path/'out') == ['1936/b.png', '1936/c.mkv', 'a.jpg', 'a.mp4', 'link.mp4']
    lines = said()
    assert f'skipped {box/"far.mp4"}: a link out of the folder is not followed' in lines and any(line.startswith(f'failed {box/"lost.mp4"}') for line in lines)

@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='needs named pipes')
def test_pipes_hold_up_nobody(toy, box, tmp_path):
    os.mkfifo(box/'pipe.mp4'); os.mkfifo(box/'pipe.ts')
    worker = threading.Thread(target=run, args=(box,), kwargs=dict(o=tmp_path/'out', films=True), daemon=True)
    worker.start(); worker.join(60)
    assert not worker.is_alive() and 'a.mp4' in tree(tmp_path/'out')

def test_stopped_in_a_film(toy, box, tmp_path, said, monkeypatch):
    "Ctrl+C between two frames: the report has what was done, and the same command goes on"
    from colorize_nb import film
    real = film.Painter.paint
    def paint(self, chunk):
        if self.film.path.name == 'c.mkv': raise KeyboardInterrupt
        return real(self, chunk)
    monkeypatch.setattr(film.Painter, 'paint', paint)
    clip(box/'1936/c.mkv', n=40)
    assert run(box, o=tmp_path/'out', films=True, report=tmp_path/'r.json') == 130
    assert said()[-1] == 'stopped; the same command goes on where it was' and tree(tmp_path/'out')[-2:] == ['a.jpg', 'a.mp4']
    report = json.loads((tmp_path/'r.json').read_text())
    assert not report['complete'] and [Path(r['source']).name for r in report['photos']] == ['a.jpg', 'b.png', 'a.mp4']
    monkeypatch.setattr(film.Painter, 'paint', real)
    assert run(box, o=tmp_path/'out', films=True) == 0 and said()[-1].startswith('1 film colorized')
    assert tree(tmp_path/'out') == ['1936/b.png', '1936/c.mkv', 'a.jpg', 'a.mp4']

def test_segments_are_no_files_of_the_folder(toy, box, said):
    "What a run that was killed leaves beside the film gets no row"
    (box/'.a-color.mp4.parts').mkdir()
    for name in ('lock', 'settings', '000000.npz'): (box/'.a-color.mp4.parts'/name).touch()
    assert run(box) == 0 and '.parts' not in '\n'.join(said())

@pytest.mark.parametrize('suffix,fmt,codec,kind', [('.mp4', None, 'libx264', 'MP4'), ('.mov', None, 'libx264', 'QuickTime'), ('.mkv', None, 'libx264', 'Matroska or WebM'),
    ('.webm', None, 'libvpx-vp9', 'Matroska or WebM'), ('.avi', None, 'mpeg4', 'AVI'), ('.ts', 'mpegts', 'libx264', 'MPEG-TS'), ('.m2ts', 'mpegts', 'libx264', 'MPEG-TS'),
    ('.mpg', 'mpeg', 'mpeg2video', 'MPEG-PS'), ('.vob', 'vob', 'mpeg2video', 'MPEG-PS'), ('.flv', 'flv', 'flv', 'FLV'), ('.wmv', 'asf', 'wmv2', 'WMV'), ('.3gp', '3gp', 'mpeg4', 'MP4')])
def test_films_are_told_by_their_bytes(tmp_path, suffix, fmt, codec, kind):
    "Whatever FFmpeg writes; no photo is one"
    src = clip(tmp_path/f'a{suffix}', n=12, fmt=fmt, codec=codec)
    assert film_kind(src.read_bytes()[:400]) == kind and suffix in FILM_SUFFIXES
    with pytest.raises(PhotoError, match=r'^a film \(.*\), not a photo: .*colorize film.mp4$'): Pages(src)

def test_photos_are_no_films():
    "Every file of the photo cases"
    heads = {p.name: film_kind(p.read_bytes()[:400]) for p in (Path(__file__).parent/'cases').iterdir() if p.is_file()}
    assert len(heads) >= 20 and set(heads.values()) == {''}
    assert set(FILM_RESULTS) < set(FILM_SUFFIXES) and set(FILM_SUFFIXES.values()) == {'.mp4', '.mkv'}
    assert str(Report()) == '0 colorized'

NODE = shutil.which('node')

@pytest.mark.skipif(not NODE, reason='needs node')
def test_the_page_tells_films_as_python_does(tmp_path):
    "The script of the page and `film_kind` on real films, on photos and on heads made by hand"
    heads = [clip(tmp_path/f'a{s}', codec=c, fmt=f).read_bytes()[:400] for s,c,f in (('.mp4', 'libx264', None), ('.mov', 'libx264', None), ('.mkv', 'libx264', None),
             ('.avi', 'mpeg4', None), ('.ts', 'libx264', 'mpegts'), ('.mpg', 'mpeg2video', 'mpeg'), ('.wmv', 'wmv2', 'asf'), ('.flv', 'flv', 'flv'))]
    heads += [p.read_bytes()[:400] for p in sorted((Path(__file__).parent/'cases').iterdir()) if p.is_file()]
    heads += [b'\0\0\0\x18ftyp'+brand+b'\0\0\0\0'+more for brand in (b'heic', b'mif1', b'avif', b'avis', b'crx ', b'M4A ', b'isom', b'3gp5', b'dash') for more in (b'', b'mif1heic')]
    heads += [b'', b'G'*100, b'G'+bytes(600), b'RIFF\0\0\0\0WEBP', b'\0\0\0\x10moov', b'OggS\0']
    (tmp_path/'heads.json').write_text(json.dumps([list(h) for h in heads]))
    script = Path(__file__).parent.parent/'colorize_nb/page/web/films.js'
    code = (f"import {{readFileSync}} from 'node:fs'; import {{filmKind, refusal}} from '{script.as_uri()}'\n"
            f"const heads = JSON.parse(readFileSync({json.dumps(str(tmp_path/'heads.json'))})).map(h => Uint8Array.from(h))\n"
            "const s = {film: 'a film ({})', films: ['.mp4'], limits: {upload: 1e6}}, file = (name, h) => Object.assign(new Blob([h]), {name})\n"
            "const why = await Promise.all([['a.MP4', heads[0]], ['a.jpg', heads[0]], ['a.mp4', [0xff, 0xd8, 0xff]], ['a.mp4', [1, 2, 3]], ['a.mp4', []], ['a.jpg', Array(2e6).fill(7)]]"
            ".map(([n, h]) => refusal(file(n, Uint8Array.from(h)), s)))\n"
            "console.log(JSON.stringify([heads.map(filmKind), why]))\n")
    (tmp_path/'ask.mjs').write_text(code)
    kinds,why = json.loads(subprocess.run([NODE, tmp_path/'ask.mjs'], capture_output=True, text=True, check=True).stdout)
    assert kinds == [film_kind(h) for h in heads] and set(kinds) >= {'MP4', 'QuickTime', 'Matroska or WebM', 'AVI', 'MPEG-TS', 'MPEG-PS', 'WMV', 'FLV', ''}
    assert why == ['a film (MP4)', 'a film (MP4)', '', 'a film (by its name)', '', 'more than 1 MB']
