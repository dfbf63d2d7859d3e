"The rooms of the house: who may import whom, and that every name means one thing."
import ast, re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT/'colorize_nb'
ALL = 'all', '__init__', '__main__', '_modidx'

def name(p): return '.'.join(p.relative_to(PACKAGE).with_suffix('').parts)

def modules():
    "Name, as files.tags -> (number of its notebook, syntax tree)"
    for p in sorted(PACKAGE.rglob('*.py')):
        if p.stem in ALL: continue
        src = p.read_text(encoding='utf-8')
        yield name(p),(re.search(r'File to edit: [./]+/nbs/(\w+?)_', src)[1],ast.parse(src))

def imported(tree, at=''):
    "(module of this package, name, line) for everything that is imported, in functions too; `at` is the module that imports"
    for n in ast.walk(tree):
        if isinstance(n, ast.Import):
            yield from ((a.name.removeprefix('colorize_nb.'), '', n.lineno) for a in n.names if a.name.startswith('colorize_nb.'))
        if not isinstance(n, ast.ImportFrom): continue
        m = (n.module or '').removeprefix('colorize_nb').lstrip('.')
        if n.level: m = '.'.join([*at.split('.')[:-n.level], *filter(None, [m])])
        elif (n.module or '').split('.')[0] != 'colorize_nb': continue
        for a in n.names: yield m,a.name,n.lineno

def at_the_top(tree): return ast.Module([n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))], [])

def test_a_module_imports_only_what_stands_above_it():
    "A function may also import from `train/`, which stands last because it needs torch"
    number = {k: v for k,(v,_) in modules()}
    def which(m, a): return m if m in number else f'{m}.{a}'.strip('.')
    bad = []
    for k,(n,tree) in modules():
        top = {(m, a) for m,a,_ in imported(at_the_top(tree), k)}
        for m,a,line in imported(tree, k):
            target = which(m, a)
            late = target.startswith('train.') and (m, a) not in top
            if target in number and number[target] >= n and not late: bad.append(f'{k}:{line} imports {target}')
    assert not bad, bad

TORCH = {'torch', 'torchvision', 'fastai', 'lpips'}

def test_only_train_imports_torch():
    "Elsewhere a function imports it when it is called"
    bad = []
    for k,(_,tree) in modules():
        for n in at_the_top(tree).body:
            named = [n.module or ''] if isinstance(n, ast.ImportFrom) and not n.level else [a.name for a in n.names] if isinstance(n, ast.Import) else []
            heavy = [m for m in named if m.split('.')[0] in TORCH] + [m for m,_,_ in imported(ast.Module([n], []), k) if m.startswith('train')]
            if heavy and not k.startswith('train.'): bad.append(f'{k} imports {heavy}')
    assert not bad, bad
    assert any(m.split('.')[0] == 'torch' for k,(_,t) in modules() if k.startswith('train.') for n in t.body if isinstance(n, ast.Import) for m in [n.names[0].name])

def test_no_private_name_is_imported():
    "A name with an underscore in front belongs to its module"
    bad = []
    for p in [f for d in ('colorize_nb', 'tools', 'experiments', 'benchmarks') for f in (ROOT/d).rglob('*.py')]:
        tree = ast.parse(p.read_text(encoding='utf-8'))
        bad += [f'{p.name}:{line} imports {m}.{a}' for m,a,line in imported(tree) if a.startswith('_') and not a.startswith('__')]
    assert not bad, bad

def test_a_public_name_means_one_thing():
    seen = defaultdict(list)
    for k,(_,tree) in modules():
        for n in tree.body:
            if isinstance(n, ast.Assign) and getattr(n.targets[0], 'id', '') == '__all__':
                for public in ast.literal_eval(n.value): seen[public].append(k)
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
    sizes = {name(p): sum(not l.startswith('# %% ') for l in p.read_text(encoding='utf-8').splitlines())  # without the marks of the cells
             for p in PACKAGE.rglob('*.py') if p.stem not in ALL}
    assert max(sizes.values()) <= 460, sizes

OPEN = {'xmp_note', 'save_config', 'save_pretrained', 'save_beside'}  # what is given is written, whatever it is
OPEN |= {'png16'}  # Pillow's own
OPEN |= {'create_generator', 'show'}  # each generator has its own options; fastai's `show` hands on to matplotlib

def test_signatures_show_what_they_take():
    "A public function with `**kwargs` says by `@delegates` what these are"
    bad = []
    for k,(_,tree) in modules():
        for scope in [tree, *(n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith('_'))]:
            for f in (n for n in scope.body if isinstance(n, ast.FunctionDef) and n.args.kwarg and not n.name.startswith('_')):
                if f.name not in OPEN and not any('delegates' in ast.unparse(d) for d in f.decorator_list): bad.append(f'{k}.{f.name}')
    assert not bad, bad
