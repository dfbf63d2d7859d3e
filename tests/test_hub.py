"Models of the hub, against a stand-in of its file API on this computer."
import base64, hashlib, json, os, subprocess, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import numpy as np, pytest
from PIL import Image
from colorize_nb.network.weights import MODELS, load_config, model_bytes
pytest.importorskip('huggingface_hub', reason='needs the hub extra')

COMMIT = '0123456789abcdef0123456789abcdef01234567'

class Hub(BaseHTTPRequestHandler):
    "Repositories are dicts in the server: name -> file -> bytes"
    def log_message(self, *a): pass
    def answer(self, status=200, body=b'', **headers):
        if isinstance(body, dict): body = json.dumps(body).encode()
        self.send_response(status)
        for k,v in headers.items(): self.send_header(k.replace('_', '-'), str(v))
        if 'Content_Length' not in headers: self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD': self.wfile.write(body)
    def do_HEAD(self): self.do_GET()
    def do_GET(self):
        self.server.asked.append((self.command, self.path))
        owner,name,what,*rest = (self.path.split('?')[0].strip('/').split('/')+['']*3)[:20]
        repo = self.server.repos.get(f'{owner}/{name}')
        if repo is None: return self.answer(401, {'error': 'no'}, X_Error_Code='RepoNotFound')
        f = '/'.join(rest[1:]).strip('/')
        if rest[0] not in ('main', COMMIT): return self.answer(404, X_Error_Code='RevisionNotFound')
        if what != 'resolve' or f not in repo: return self.answer(404, X_Error_Code='EntryNotFound')
        self.answer(200, repo[f], ETag=f'"{hashlib.sha1(repo[f]).hexdigest()}"', X_Repo_Commit=COMMIT)
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        self.server.asked.append((self.command, self.path))
        if self.headers.get('Authorization') != 'Bearer hf_me': return self.answer(401, {'error': 'who are you?'})
        if self.path == '/api/repos/create':
            d = json.loads(body); name = f"{d.get('organization') or 'me'}/{d['name']}"; self.server.repos.setdefault(name, {})
            return self.answer(200, dict(url=f'http://127.0.0.1:{self.server.server_port}/{name}', name=name))
        if self.path == '/api/validate-yaml': return self.answer(200, dict(errors=[], warnings=[]))
        name = '/'.join(self.path.split('/')[3:5])
        if '/preupload/' in self.path:
            return self.answer(200, dict(files=[dict(path=f['path'], uploadMode='regular', shouldIgnore=False) for f in json.loads(body)['files']]))
        if '/commit/' in self.path:
            for o in map(json.loads, body.splitlines()):
                if o['key'] == 'file': self.server.repos[name][o['value']['path']] = base64.b64decode(o['value']['content'])
            return self.answer(200, dict(success=True, commitOid=COMMIT, commitUrl=f'http://127.0.0.1/{name}/commit/{COMMIT}', hookOutput=''))
        self.answer(404)

@pytest.fixture
def hub():
    s = ThreadingHTTPServer(('127.0.0.1', 0), Hub); s.repos,s.asked = {},[]
    t = threading.Thread(target=s.serve_forever, daemon=True); t.start()
    yield s
    s.shutdown(); s.server_close()

def files(name='vivid'): return {'config.json': json.dumps(load_config(name)).encode()}|model_bytes(name)

def run(hub, home, code, *args, token=None, **env):
    "Python in another process: the endpoint is read when huggingface_hub is imported"
    url = f'http://127.0.0.1:{hub.server_port}' if hub else 'http://127.0.0.1:9'
    env = {k: v for k,v in os.environ.items() if not k.startswith('HF_')}|dict(HF_ENDPOINT=url, HF_HOME=str(home), HF_HUB_DISABLE_XET='1')|({'HF_TOKEN': token} if token else {})|env
    r = subprocess.run([sys.executable, '-c', 'import sys\nfrom colorize_nb import Colorizer\n'+code, *map(str, args)], capture_output=True, text=True, env=env, timeout=100)
    return r.returncode,r.stdout.strip(),[l for l in r.stderr.splitlines() if l.strip()]

def cli(hub, home, model, src, dst, **env):
    return run(hub, home, "from colorize_nb.cli import colorize\nsys.exit(colorize(path=[sys.argv[2]], model=sys.argv[1], o=sys.argv[3], overwrite=True))", model, src, dst, **env)

@pytest.mark.slow
def test_pull_and_then_without_network(hub, tmp_path, gray):
    hub.repos['me/vivid'] = files()
    Image.fromarray(gray).save(tmp_path/'a.png')
    for n,server in (('1', hub), ('2', None)):  # the second time nobody answers: the cache does
        status,out,err = cli(server, tmp_path/'home', 'hf://me/vivid', tmp_path/'a.png', tmp_path/f'{n}.png')
        assert status == 0, err
    from colorize_nb import Colorizer
    want = np.asarray(Colorizer.from_pretrained('vivid').colorize(gray))
    for n in '12': assert (np.asarray(Image.open(tmp_path/f'{n}.png')) == want).all()
    assert {p.split('/')[-1] for _,p in hub.asked} == {'config.json', *load_config('vivid')['files']}  # nothing else is asked for

@pytest.mark.parametrize('name,said', [('hf://me/none', 'hf auth login'), ('hf://me/other', 'colorize-import makes one'), ('hf://me/vivid@v9', 'no such revision'), ('hf://me', 'write hf://owner/name'), ('hf://me/x.git', 'write hf://owner/name'),
                                       ('hf://me/bad', 'damaged or changed'), ('hf://me/out', 'plain names')])
@pytest.mark.slow
def test_what_is_not_there_is_one_line(hub, tmp_path, gray, name, said):
    hub.repos['me/vivid'],hub.repos['me/other'],hub.repos['me/bad'] = files(),{'README.md': b'hello'},files()|{'default.onnx': b'x'}
    hub.repos['me/out'] = {'config.json': json.dumps(load_config('vivid')|dict(files={'../../x.onnx': ''})).encode()}
    Image.fromarray(gray).save(tmp_path/'a.png')
    status,out,err = cli(hub, tmp_path/'home', name, tmp_path/'a.png', tmp_path/'o.png')
    assert status == 2 and said in err[-1] and err[-1].startswith('colorize: ') and not (tmp_path/'o.png').exists(), err
    assert not [l for l in err if 'Traceback' in l]

@pytest.mark.slow
@pytest.mark.timeout(25)  # no half a minute of tries
def test_offline(tmp_path, gray):
    Image.fromarray(gray).save(tmp_path/'a.png')
    for env in ({}, dict(HF_HUB_OFFLINE='1')):
        status,out,err = cli(None, tmp_path/'home', 'hf://me/vivid', tmp_path/'a.png', tmp_path/'o.png', **env)
        assert status == 2 and err == ['colorize: hf://me/vivid: the hub cannot be reached, and it is not in the cache; fetch the files elsewhere and give their folder'], err

@pytest.mark.timeout(25)
def test_a_part_is_in_the_cache(hub, tmp_path):
    hub.repos['me/vivid'],pulls = files(),"from colorize_nb.network.hub import pull\ntry: pull('hf://me/vivid')\nexcept ValueError as e: print(e)"
    assert run(hub, tmp_path/'home', pulls)[:2] == (0,'')
    for f in (tmp_path/'home').rglob('default.onnx'): f.unlink() # the connection was lost before it came
    assert run(None, tmp_path/'home', pulls) == (0, 'hf://me/vivid: the hub cannot be reached, and it is not in the cache; fetch the files elsewhere and give their folder', [])

def test_no_place_for_the_cache(hub, tmp_path):
    hub.repos['me/vivid'] = files(); (tmp_path/'file').write_text('')
    status,out,err = run(hub, tmp_path/'file', "from colorize_nb.network.hub import pull\ntry: pull('hf://me/vivid')\nexcept ValueError as e: print(e)")
    assert out == 'hf://me/vivid: the cache of the hub: Not a directory', (out, err)

def test_a_file_that_is_too_large(hub, tmp_path):
    hub.repos['me/vivid'] = files()
    out = run(hub, tmp_path/'home', "import colorize_nb.network.hub as h\nh.MOST_HUB = 9999\ntry: h.pull('hf://me/vivid')\nexcept ValueError as e: print(e)")[1]
    assert 'is larger than 0 MB' in out and not [p for m,p in hub.asked if m == 'GET' and 'config' not in p]

PUSH = "print(Colorizer.from_pretrained(sys.argv[1]).push_to_hub(sys.argv[2], license='apache-2.0'))"

@pytest.mark.slow
def test_push_and_pull_again(hub, tmp_path, gray):
    status,out,err = run(hub, tmp_path/'home', PUSH, 'vivid', 'me/mine', token='hf_me')
    assert status == 0 and out.endswith('hf://me/mine'), err
    up = hub.repos['me/mine']
    assert {*up} == {'config.json', 'README.md', 'default.safetensors', 'default.onnx'} and up['default.onnx'] == (MODELS/'default.onnx').read_bytes()
    head = up['README.md'].decode().split('---')[1]
    for line in ('license: apache-2.0', 'library_name: colorize_nb', 'pipeline_tag: image-to-image'): assert line in head
    up['README.md'] = b'my own words'
    assert run(hub, tmp_path/'home', PUSH, 'vivid', 'me/mine', token='hf_me')[0] == 0 and up['README.md'] == b'my own words'
    status,out,err = run(hub, tmp_path/'home2', "print(Colorizer.from_pretrained('hf://me/mine'))")
    assert status == 0 and out == "Colorizer('vivid': lite2_unet at 1/4, sees 240 px, on onnxruntime)", err

def test_push_needs_a_token(hub, tmp_path):
    status,out,err = run(hub, tmp_path/'home', PUSH, 'vivid', 'me/mine')
    assert status == 1 and 'hf auth login' in err[-1] and not hub.repos

def test_nothing_is_imported_before_it_is_asked_for(tmp_path):
    status,out,err = run(None, tmp_path, "Colorizer.from_pretrained(); print('huggingface_hub' in sys.modules)")
    assert (status,out) == (0,'False'), err

def test_without_the_extra(tmp_path):
    status,out,err = run(None, tmp_path, "sys.modules['huggingface_hub'] = None\ntry: Colorizer.from_pretrained('hf://a/b')\nexcept ImportError as e: print(e)")
    assert out.startswith('models of the hub need huggingface_hub: pip install ') and '[hub]' in out, out
