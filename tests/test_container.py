"The image, and docs/server.md: the commands of that page build it and run it, where podman, docker or buildah's base image is at hand; its proxy, its limits and its health check hold."
import ast, json, os, re, shutil, signal, socket, subprocess, sys, time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen
import pytest
from conftest import OLD_PHOTO

ROOT = Path(__file__).parent.parent
PAGE = (ROOT/'docs/server.md').read_text(encoding='utf-8')
DOCKERFILE = (ROOT/'Dockerfile').read_text(encoding='utf-8') if (ROOT/'Dockerfile').exists() else pytest.skip('no Dockerfile: it is not in the sdist', allow_module_level=True)
MOST = 300  # MB of the image

def blocks(page, kind): return re.findall(rf'^```{kind}\n(.*?)^```', page, re.M|re.S)
def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]

def answer(url, **kw):
    "Status and body of a request"
    try:
        with urlopen(Request(url, **kw), timeout=60) as r: return r.status, r.read()
    except HTTPError as e: return e.code, e.read()

def wait_for(url, seconds=60):
    "Wait until a page answers"
    end = time.monotonic()+seconds
    while True:
        try: return answer(url)
        except OSError:
            if time.monotonic() > end: raise
            time.sleep(.2)

# Without a container

@pytest.fixture
def page():
    "A page with a token, as a container serves it"
    pytest.importorskip('uvicorn', reason='needs the app extra')
    from colorize_nb.page.server import Running
    p = Running('127.0.0.1', free_port(), 'plums')
    yield p
    p.close()

def test_a_linter_has_nothing_to_say():
    hadolint = shutil.which('hadolint') or pytest.skip('hadolint is not there')
    r = subprocess.run([hadolint, ROOT/'Dockerfile'], capture_output=True, text=True, timeout=60)
    assert (r.returncode, r.stdout) == (0, '')

def test_the_build_gets_what_it_needs_and_no_more():
    kept = re.findall(r'^!(.+)$', (ROOT/'.dockerignore').read_text(), re.M)
    assert sorted(kept) == sorted(['colorize_nb', 'LICENSE', 'README.md', 'pyproject.toml', 'settings.ini', 'setup.py']) and all((ROOT/k).exists() for k in kept)

def test_nobody_is_root():
    user, = re.findall(r'^USER (\d+):(\d+)$', DOCKERFILE, re.M)
    assert min(map(int, user)) > 1000

@pytest.mark.timeout(60)
def test_the_health_check_tells_a_page_from_none(page):
    line, = re.findall(r'^HEALTHCHECK .*\n +CMD (.+)$', DOCKERFILE, re.M)
    _,flag,code = ast.literal_eval(line)
    code = code.replace(':7860/', f':{page.port}/')
    def status(): return subprocess.run([sys.executable, flag, code], capture_output=True, timeout=30).returncode
    assert str(page.port) in code and status() == 0
    page.close()
    assert status() == 1

def test_the_limits_are_the_servers():
    pytest.importorskip('uvicorn', reason='needs the app extra')
    from colorize_nb.page.previews import MB, Settings
    s = Settings()
    for line in (f'{s.pixels//MB} megapixels, {s.photo//MB} MB |', f'archive | {s.upload//MB} MB |', f'{s.photos} photos, {s.space//(1000*MB)} GB with results, {s.each} requests',
                 f'{s.sessions} at a time, {s.total//(1000*MB)} GB, {s.requests} requests at a time, {s.connections} connections, {s.connections//2} of one',
                 f'{s.spare//MB} MB stay free', f'more than {s.long} s', f'| {s.patience} s, then'): assert line in PAGE, line

@pytest.mark.timeout(90)
def test_behind_the_proxy(page, tmp_path):
    "nginx as the page configures it, but for ports and places: TLS, the cookie, the way back, who comes from elsewhere"
    nginx = shutil.which('nginx') or shutil.which('/usr/sbin/nginx') or pytest.skip('nginx is not there')
    openssl = shutil.which('openssl') or pytest.skip('openssl is not there')
    port = free_port()
    subprocess.run([openssl, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', tmp_path/'photos.key', '-out', tmp_path/'photos.pem', '-days', '2', '-subj', '/CN=photos.example.org',
                    '-addext', 'subjectAltName=DNS:localhost'], check=True, capture_output=True, timeout=30)
    conf, = blocks(PAGE, 'nginx')
    for old,new in {'listen 443': f'listen 127.0.0.1:{port}', '/etc/ssl/': f'{tmp_path}/', '127.0.0.1:7860': f'127.0.0.1:{page.port}'}.items():
        assert old in conf
        conf = conf.replace(old, new)
    places = ''.join(f'{k}_temp_path {tmp_path}/{k};' for k in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    (tmp_path/'nginx.conf').write_text(f'pid {tmp_path}/pid; error_log {tmp_path}/log; daemon off; events {{}} http {{ {places} {conf} }}')
    p = subprocess.Popen([nginx, '-p', tmp_path, '-c', tmp_path/'nginx.conf', '-e', tmp_path/'log'], stderr=subprocess.PIPE, text=True)
    try:
        import ssl
        trusts,at = ssl.create_default_context(cafile=tmp_path/'photos.pem'),f'https://localhost:{port}/'
        end = time.monotonic()+20
        def ask(path, status=200, **kw):
            try:
                with urlopen(Request(at+path, **kw), context=trusts, timeout=60) as r: return r.headers, r.read()
            except HTTPError as e:
                assert e.code == status, e.read()
                return e.headers, e.read()
        while True:
            try: ask('api/health'); break
            except OSError: assert time.monotonic() < end and p.poll() is None, (tmp_path/'log').read_text()
            time.sleep(.1)
        body,own = json.dumps(dict(token='plums')).encode(),{'origin': at[:-1], 'content-type': 'application/json'}
        headers,got = ask('session', data=body, headers=own)
        assert json.loads(got)['key'] and '; Secure' in headers['set-cookie'].replace('secure', 'Secure') and 'HttpOnly' in headers['set-cookie']
        assert b'another page' in ask('session', 403, data=body, headers=own|{'origin': 'https://elsewhere.example'})[1]
        assert b'token' in ask('api/colorize', 401, data=OLD_PHOTO.read_bytes())[1]
        assert ask('api/colorize', data=OLD_PHOTO.read_bytes(), headers={'authorization': 'Bearer plums'})[1][:2] == b'\xff\xd8'
    finally:
        p.send_signal(signal.SIGTERM)
        p.wait(20)

# In a container

def call(*cmd, **kw): return subprocess.run([*map(str, cmd)], capture_output=True, text=True, **kw)

@pytest.fixture(scope='module')
def docker(tmp_path_factory):
    """A folder with a `docker` that is podman or docker, on the base image of this machine, with wheels instead of an index.
    COLORIZE_BASE names the base image; without it, one that is here already. CONTRIBUTING.md says how to make one."""
    engine = next(filter(None, map(shutil.which, ('podman', 'docker'))), None) or pytest.skip('neither podman nor docker is there')
    base = os.environ.get('COLORIZE_BASE') or re.search(r'^ARG BASE=(.+)$', DOCKERFILE, re.M)[1]
    if call(engine, 'image', 'inspect', base, timeout=60).returncode: pytest.skip(f'no image {base} in {Path(engine).name}; COLORIZE_BASE names one with Python')
    outer,inner = [],[]  # what a machine that is itself a container needs
    tries = ([], []), (['--runtime', 'runc'], ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1000:1000'])
    for outer,inner in tries[:1+engine.endswith('podman')]:
        r = call(engine, *outer, 'run', '--rm', *inner, base, 'python3', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])', timeout=120)
        if not r.returncode: break
    else: pytest.skip(f'{engine} starts no container here: {r.stderr.splitlines()[-1:]}')
    d = tmp_path_factory.mktemp('docker')
    needs = call(sys.executable, '-c', 'import configparser as c; p = c.ConfigParser(delimiters=["="]); p.read("settings.ini"); print(p["DEFAULT"]["requirements"], p["DEFAULT"]["app_requirements"])', cwd=ROOT, timeout=30).stdout.split()
    platforms = [o for n in (28, 27, 24, 17) for o in ('--platform', f'manylinux_2_{n}_{os.uname().machine}')]
    r = call(sys.executable, '-m', 'pip', 'download', '-q', '-d', d/'wheels', '--python-version', r.stdout.strip(), '--only-binary', ':all:', *platforms, '--platform', f'manylinux2014_{os.uname().machine}', 'setuptools>=77', *needs, timeout=600)
    if r.returncode: pytest.skip(f'no packages to be had: {r.stderr.splitlines()[-1:]}')
    (d/'pip.conf').write_text('[global]\nno-index = true\nfind-links = /wheels\n')
    build = [*inner, '--network', 'none', '--build-arg', f'BASE={base}', '--volume', f'{d}/wheels:/wheels:ro', '--volume', f'{d}/pip.conf:/etc/pip.conf:ro', *['--format', 'docker']*engine.endswith('podman')]
    (d/'docker').write_text(f'''#!/bin/sh
case $1 in
    build) shift; exec {engine} {' '.join(outer)} build {' '.join(build)} "$@" ;;
    run) shift; exec {engine} {' '.join(outer)} run {' '.join(inner)} "$@" ;;
    *) exec {engine} {' '.join(outer)} "$@" ;;
esac
''')
    (d/'docker').chmod(0o755)
    return d

@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_image_as_the_page_builds_and_runs_it(docker, tmp_path):
    env = os.environ|{'PATH': f"{docker}:{os.environ['PATH']}"}
    def sh(script, **kw): return subprocess.run(['sh', '-c', script], env=env, capture_output=True, text=True, **kw)
    build,page,folder = (b for b in blocks(PAGE, 'sh') if b.startswith('docker '))
    r = sh(build, cwd=ROOT, timeout=1200)
    assert r.returncode == 0, r.stderr[-2000:]
    size = int(sh('docker image inspect --format "{{.Size}}" colorize', timeout=60).stdout)/1e6
    assert size < MOST, f'{size:.0f} MB'

    (tmp_path/'scans').mkdir(); (tmp_path/'out').mkdir()
    shutil.copy(OLD_PHOTO, tmp_path/'scans'/'mother 1936.jpg'); (tmp_path/'scans'/'bad.jpg').write_bytes(b'\xff\xd8')
    tmp_path.chmod(0o755)
    r = sh(folder, cwd=tmp_path, timeout=120)
    assert r.returncode == 1 and 'bad.jpg' in r.stderr  # one line, and the other photo all the same
    assert [p.name for p in (tmp_path/'out').iterdir()] == ['mother 1936.jpg'] and (tmp_path/'out'/'mother 1936.jpg').stat().st_uid == os.getuid()
    here = subprocess.run([sys.executable, '-m', 'colorize_nb', OLD_PHOTO, '-o', tmp_path/'here.jpg'], timeout=60)
    from PIL import Image, ImageChops
    a,b = Image.open(tmp_path/'here.jpg'),Image.open(tmp_path/'out'/'mother 1936.jpg')
    assert here.returncode == 0 and a.size == b.size and max(hi for _,hi in ImageChops.difference(a, b).getextrema()) <= 2  # another numpy, perhaps

    r = sh('docker run --rm --network none --read-only colorize', timeout=60)
    assert r.returncode == 2 and 'COLORIZE_TOKEN' in r.stderr
    port = free_port()
    assert '-p 127.0.0.1:7860:7860' in page and '--read-only --tmpfs /tmp' in page
    r = sh(page.replace('127.0.0.1:7860:', f'127.0.0.1:{port}:').replace('docker run', 'docker run --cap-drop ALL').replace('--name colorize', f'--name colorize-{port}'), timeout=60)
    assert r.returncode == 0, r.stderr
    name = r.stdout.split()[-1]
    try:
        assert json.loads(wait_for(f'http://127.0.0.1:{port}/api/health')[1]) == {'ok': True}
        assert answer(f'http://127.0.0.1:{port}/api/colorize', data=OLD_PHOTO.read_bytes())[0] == 401
        assert answer(f'http://127.0.0.1:{port}/api/colorize', data=OLD_PHOTO.read_bytes(), headers={'authorization': 'Bearer plums'})[0] == 200
        assert sh(f'docker exec {name} id -u', timeout=60).stdout.strip() == '65532'
        assert 'Read-only' in sh(f'docker exec {name} touch /opt/colorize/x', timeout=60).stderr
        check = re.search(r'^HEALTHCHECK .*\n +CMD (.+)$', DOCKERFILE, re.M)[1]
        image = json.loads(sh('docker image inspect colorize', timeout=60).stdout)[0]
        kept = image['Config'].get('Healthcheck') or image['Healthcheck']  # docker's place, and podman's
        assert kept['Test'][1:] == json.loads(check)
        began = time.monotonic()
        assert sh(f'docker stop {name}', timeout=60).returncode == 0 and time.monotonic()-began < 9  # SIGTERM is heard; after ten seconds it would be killed
    finally: sh(f'docker rm -f {name}', timeout=60)
