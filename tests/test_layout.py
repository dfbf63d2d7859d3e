"The rooms of the house: who may import whom, and that every name means one thing."
import ast, re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT/'colorize_nb'
ALL = 'all', '__init__', '__main__', '_modidx'

def modules():
    "Name -> (number of its notebook, syntax tree)"
    for p in sorted(PACKAGE.glob('*.py')):
        if p.stem in ALL: continue
        src = p.read_text(encoding='utf-8')
        yield p.stem,(re.search(r'File to edit: \.\./nbs/(\w+?)_', src)[1],ast.parse(src))

def imported(tree):
    "(module of this package, name, line) for everything that is imported, in functions too"
    for n in ast.walk(tree):
        if not isinstance(n, ast.ImportFrom): continue
        m = (n.module or '').removeprefix('colorize_nb').lstrip('.')
        if n.level or (n.module or '').split('.')[0] == 'colorize_nb':
            for a in n.names: yield m or a.name,a.name,n.lineno

def test_a_module_imports_only_what_stands_above_it():
    number = {k: v for k,(v,_) in modules()}
    bad = [f'{k}.py:{line} imports {m}' for k,(n,tree) in modules() for m,_,line in imported(tree) if m in number and number[m] >= n]
    assert not bad, bad

def test_no_private_name_is_imported():
    "A name with an underscore in front belongs to its module"
    bad = []
    for p in [f for d in ('colorize_nb', 'tools', 'benchmarks') for f in (ROOT/d).glob('*.py')]:
        tree = ast.parse(p.read_text(encoding='utf-8'))
        bad += [f'{p.name}:{line} imports {m}.{name}' for m,name,line in imported(tree) if name.startswith('_') and not name.startswith('__')]
    assert not bad, bad

def test_a_public_name_means_one_thing():
    seen = defaultdict(list)
    for k,(_,tree) in modules():
        for n in tree.body:
            if isinstance(n, ast.Assign) and getattr(n.targets[0], 'id', '') == '__all__':
                for name in ast.literal_eval(n.value): seen[name].append(k)
    assert len(seen) > 150
    assert not (twice := {n: ks for n,ks in seen.items() if len(ks) > 1}), twice

def test_the_scale_of_networks_is_written_once():
    "`L*/50-1` and `ab/110`: nobody but `color` knows the numbers"
    bad = []
    for k,(_,tree) in modules():
        if k == 'color': continue
        bad += [k for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in ('L_SCALE', 'AB_SCALE')]
    assert not bad, bad

def test_no_room_is_too_large():
    sizes = {p.stem: sum(not l.startswith('# %% ') for l in p.read_text(encoding='utf-8').splitlines())  # without the marks of the cells
             for p in PACKAGE.glob('*.py') if p.stem not in (*ALL, 'app')}
    assert max(sizes.values()) <= 460, sizes

OPEN = {'xmp_note', 'save_config', 'save_pretrained', 'save_beside'}  # what is given is written, whatever it is
OPEN |= {'png16'}  # Pillow's own
OPEN |= {'create_generator', 'show'}  # each generator has its own options; fastai's `show` hands on to matplotlib

def test_signatures_show_what_they_take():
    "A public function with `**kwargs` says by `@delegates` what these are"
    bad = []
    for k,(_,tree) in modules():
        for scope in [tree, *(n for n in tree.body if isinstance(n, ast.ClassDef))]:
            for f in (n for n in scope.body if isinstance(n, ast.FunctionDef) and n.args.kwarg and not n.name.startswith('_')):
                if f.name not in OPEN and not any('delegates' in ast.unparse(d) for d in f.decorator_list): bad.append(f'{k}.{f.name}')
    assert not bad, bad
