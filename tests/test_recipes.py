"docs/recipes.md: each block of commands is run as it stands there, in a home of its own; only ports change. A program that is not on this machine is skipped with its name."
import os, re, shutil, signal, socket, subprocess, sys, time
from contextlib import contextmanager
from pathlib import Path
import numpy as np, pytest
from PIL import Image
from conftest import OLD_PHOTO

ROOT = Path(__file__).parent.parent
PAGE = (ROOT/'docs/recipes.md').read_text(encoding='utf-8')

def section(title):
    "The text below a heading, down to the next one of any level"
    return re.search(rf'^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)', PAGE, re.M|re.S)[1]

def blocks(title, kind): return re.findall(rf'^```{kind}\n(.*?)^```', section(title), re.M|re.S)

def needs(*programs):
    found = [shutil.which(p) or shutil.which(f'/usr/sbin/{p}') or pytest.skip(f'{p} is not there') for p in programs]
    return found[0] if len(found) == 1 else found

@pytest.fixture
def home(tmp_path):
    "A home whose ~/.local/bin has the command of this Python"
    bin = tmp_path/'.local'/'bin'
    bin.mkdir(parents=True)
    (bin/'colorize').write_text(f'#!/bin/sh\nexec {sys.executable} -m colorize_nb "$@"\n')
    (bin/'colorize').chmod(0o755)
    return tmp_path

def env(home, **kw):
    paths = [str(home/'.local'/'bin'), str(Path(sys.executable).parent), os.environ['PATH']]
    return os.environ|{'HOME': str(home), 'PATH': os.pathsep.join(paths), 'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])}|kw

def sh(script, home, seconds=90, **kw):
    return subprocess.run(['sh', '-c', script], env=env(home, **kw), cwd=home, capture_output=True, text=True, timeout=seconds)

@contextmanager
def running(*cmd, home, **kw):
    "A process with all that it starts, until the end of the block"
    p = subprocess.Popen([*map(str, cmd)], env=env(home, **kw), cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try: yield p
    finally:
        os.killpg(p.pid, signal.SIGTERM)
        try: p.wait(10)
        except subprocess.TimeoutExpired: os.killpg(p.pid, signal.SIGKILL)

def wait_until(f, what, seconds=80):
    end = time.monotonic()+seconds
    while not f():
        assert time.monotonic() < end, f'no {what} after {seconds} s'
        time.sleep(.1)

def scans(folder, n, first=0):
    "Small gray photos, all different"
    folder.mkdir(parents=True, exist_ok=True)
    im = np.asarray(Image.open(OLD_PHOTO).convert('L').resize((90, 120)))
    for i in range(first, first+n): Image.fromarray(np.roll(im, 7*i)).save(folder/f'{i}.jpg')
    return folder

def contents(folder): return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob('*') if p.is_file()}

def test_every_recipe_is_run_here():
    "No block that a test does not know"
    known = {'With inotify': ['sh'], 'With systemd': ['systemd']*3, 'Photo servers': ['sh'], 'digiKam': ['sh'], 'Slurm': ['sh'], 'Dask': ['sh', 'python']}
    assert [k for v in known.values() for k in v] == re.findall(r'^```(\w+)$', PAGE, re.M)
    for title,kinds in known.items(): assert re.findall(r'^```(\w+)$', section(title), re.M) == kinds

@pytest.mark.timeout(200)
def test_inotify(home):
    needs('inotifywait')
    script, = blocks('With inotify', 'sh')
    scans(home/'Scans', 1)
    with running('sh', '-c', script, home=home) as p:
        wait_until((home/'Scans-color'/'0.jpg').exists, 'first result')
        watches = lambda: any(Path(f'/proc/{q}/comm').read_text() == 'inotifywait\n' for q in children(p.pid))  # noqa: E731
        wait_until(watches, 'watch')
        scans(home/'new', 1, first=5)
        (home/'Scans'/'1936').mkdir()
        os.replace(home/'new'/'5.jpg', home/'Scans'/'5.jpg')  # as a scanner's program, or a file manager, puts it there
        wait_until((home/'Scans-color'/'5.jpg').exists, 'second result')
        assert p.poll() is None
    assert sorted(contents(home/'Scans-color')) == ['0.jpg', '5.jpg'] and sorted(contents(home/'Scans')) == ['0.jpg', '5.jpg']

def children(pid):
    "Numbers of the processes that a process started"
    try: return Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
    except OSError: return []

@pytest.mark.timeout(120)
def test_systemd(home):
    "The units are in order, watch the folder that the service reads, and the service's command does the work"
    units = dict(zip(('service', 'path', 'timer'), blocks('With systemd', 'systemd')))
    d = home/'.config'/'systemd'/'user'; d.mkdir(parents=True)
    for k,text in units.items():
        assert f'colorize-scans.{k}' in section('With systemd')
        (d/f'colorize-scans.{k}').write_text(text)
    start, = re.findall(r'^ExecStart=(.+)$', units['service'], re.M)
    watched, = re.findall(r'^PathChanged=(.+)$', units['path'], re.M)
    assert start.split()[1] == watched
    scans(home/'Scans', 2); (home/'Scans'/'torn.jpg').write_bytes(b'\xff\xd8')
    r = sh(start.replace('%h', str(home)), home)
    assert r.returncode == int(re.search(r'^SuccessExitStatus=(\d)$', units['service'], re.M)[1]) and 'torn.jpg' in r.stderr
    assert sorted(contents(home/'Scans-color')) == ['0.jpg', '1.jpg']
    analyze = needs('systemd-analyze')
    r = subprocess.run([analyze, '--user', 'verify', *(d/f'colorize-scans.{k}' for k in units)], capture_output=True, text=True, timeout=60, env=env(home, XDG_RUNTIME_DIR=str(home)))
    said = [l for l in r.stderr.splitlines() if 'colorize-scans' in l]
    assert not said, said  # of other units of this machine it may have more to say

@pytest.mark.timeout(120)
def test_photo_servers(home):
    "Run twice, it does only what is new; results carry the date and the place by which servers sort"
    line, = blocks('Photo servers', 'sh')
    folder = scans(home/'Pictures'/'albums'/'1936', 2)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = '1936:03:09 12:00:00'
    exif.get_ifd(0x8825).update({1: 'N', 2: (35., 2., 0.), 3: 'W', 4: (120., 28., 0.)})
    Image.open(folder/'0.jpg').save(folder/'0.jpg', exif=exif)
    before = contents(home/'Pictures'/'albums')
    assert sh(line, home).returncode == 0
    first = {p: p.stat().st_mtime_ns for p in (home/'Pictures'/'albums-color').rglob('*.jpg')}
    scans(folder, 1, first=7)
    assert sh(line, home).returncode == 0 and contents(home/'Pictures'/'albums').items() >= before.items()
    results = home/'Pictures'/'albums-color'/'1936'
    assert sorted(contents(results)) == ['0.jpg', '1.jpg', '7.jpg'] and all(p.stat().st_mtime_ns == t for p,t in first.items())
    got = Image.open(results/'0.jpg').getexif()
    assert got.get_ifd(0x8769)[0x9003] == '1936:03:09 12:00:00' and [*map(float, got.get_ifd(0x8825)[2])] == [35., 2., 0.]

@pytest.mark.timeout(120)
@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_digikam(home, suffix):
    "As the Batch Queue Manager runs it: both names put into quotes, then /bin/sh -c, within 60 seconds"
    script, = blocks('digiKam', 'sh')
    scans(home/"Aunt's box", 1)
    src,dst = home/"Aunt's box"/'0.jpg',home/f'BQM 1{suffix}'
    dst.write_bytes(b'')  # its name may be taken by an empty file
    r = sh(script.replace('$INPUT', f'"{src}"').replace('$OUTPUT', f'"{dst}"'), home, seconds=60)
    assert r.returncode == 0, r.stderr
    with Image.open(dst) as im: assert im.size == Image.open(src).size and im.format == {'.jpg': 'JPEG', '.png': 'PNG'}[suffix] and len(set(im.convert('RGB').getpixel((40, 40)))) > 1

def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets: s.bind(('127.0.0.1', 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets: s.close()
    return ports

@contextmanager
def slurm(home):
    "A cluster of one machine, without passwords, on ports of its own; gives the variables that its commands need"
    ctld,slurmd,_ = needs('slurmctld', 'slurmd', 'sbatch')
    if os.getuid(): pytest.skip('slurmd wants root')
    name,ports = socket.gethostname().split('.')[0],free_ports(2)
    d = home/'slurm'
    for sub in ('state', 'spool'): (d/sub).mkdir(parents=True)
    (d/'slurm.conf').write_text(f'''ClusterName=test
SlurmctldHost={name}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SlurmdParameters=config_overrides
StateSaveLocation={d}/state
SlurmdSpoolDir={d}/spool
SlurmctldPidFile={d}/ctld.pid
SlurmdPidFile={d}/slurmd.pid
MpiDefault=none
ReturnToService=2
NodeName={name} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=all Nodes={name} Default=YES MaxTime=INFINITE State=UP
''')
    conf = dict(SLURM_CONF=str(d/'slurm.conf'))
    with running(ctld, '-D', home=home, **conf) as a, running(slurmd, '-D', '-N', name, home=home, **conf) as b:
        def up():
            assert a.poll() is None and b.poll() is None, (a.poll() is not None and a.stdout.read()) or b.stdout.read()
            return 'idle' in sh('sinfo -h -o %T', home, **conf).stdout
        wait_until(up, 'node', 60)
        yield conf

@pytest.mark.slow
@pytest.mark.timeout(500)
def test_slurm(home):
    line, = blocks('Slurm', 'sh')
    scans(home/'scans', 10)
    with slurm(home) as conf:
        r = sh(line, home, **conf)
        assert r.returncode == 0 and r.stdout.startswith('Submitted batch job'), r.stderr
        wait_until(lambda: not sh('squeue -h', home, **conf).stdout.strip(), 'end of the jobs', 400)
        said = ''.join(p.read_text() for p in home.glob('slurm-*.out'))
    assert len(contents(home/'out')) == 10, said
    assert sh('colorize scans -o one --quiet', home).returncode == 0 and contents(home/'one') == contents(home/'out')
    assert sorted(p.stem for p in home.glob('*.json')) == sorted(map(str, range(1, 17)))

@pytest.mark.slow
@pytest.mark.timeout(300)
def test_dask(home):
    pytest.importorskip('distributed', reason='needs the cluster extra')
    (start,),(client,) = blocks('Dask', 'sh'),blocks('Dask', 'python')
    port, = free_ports(1)
    assert ':8786' in start and '--port 8786' in start and ':8786' in client
    scans(home/'scans', 6)
    with running('sh', '-c', start.replace('8786', str(port))+'wait', home=home) as p:
        r = subprocess.run([sys.executable, '-c', client.replace('8786', str(port))], env=env(home), cwd=home, capture_output=True, text=True, timeout=200)
        assert r.returncode == 0 and '6 colorized' in r.stdout, (r.stdout, r.stderr[-2000:])
        assert p.poll() is None
    assert sh('colorize scans -o one --quiet', home).returncode == 0 and contents(home/'one') == contents(home/'out')
