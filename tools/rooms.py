"""The list of modules in CONTRIBUTING.md: python tools/rooms.py [--check]
A line for each module in the order of the notebooks: its lines (without the marks of the cells), and what it imports of this package (in brackets, when it is needed only). A module imports what stands above it."""
import ast, re, sys
from pathlib import Path

ROOT,MARK = Path(__file__).resolve().parent.parent,'<!-- modules -->'
PACKAGE = ROOT/'colorize_nb'

def module(p):
    "A file's module without the package's name, such as files.tags"
    return '.'.join(p.relative_to(PACKAGE).with_suffix('').parts)

def absolute(n, at):
    "The module that an import statement names, without the package's name; None where it is of another package"
    if n.level:
        base = at.relative_to(PACKAGE).parent.parts
        return '.'.join([*base[:len(base)-(n.level-1)], *filter(None, [n.module])])
    name = n.module or ''
    return name.removeprefix('colorize_nb').lstrip('.') if name.split('.')[0] == 'colorize_nb' else None

def imports(tree, at):
    "Modules of this package that are imported at the top, and those that functions import"
    def names(nodes):
        for n in nodes:
            if isinstance(n, ast.ImportFrom) and absolute(n, at) is not None:
                m = absolute(n, at)
                one = [PACKAGE.joinpath(*m.split('.'), f'{a.name}.py').exists() if m else (PACKAGE/f'{a.name}.py').exists() for a in n.names]
                yield from (f'{m}.{a.name}'.lstrip('.') if is_module else m for a,is_module in zip(n.names, one))
            elif isinstance(n, ast.Import): yield from (a.name.removeprefix('colorize_nb.') for a in n.names if a.name.startswith('colorize_nb.'))
    top = set(names(tree.body))
    return top-{''},set(names(ast.walk(tree)))-top-{''}

def size(src): return sum(not l.startswith('# %% ') for l in src.splitlines())

def rooms():
    "(number, module, lines, imported at the top, imported when needed), in the order of the notebooks"
    sources = {p: p.read_text(encoding='utf-8') for p in sorted(PACKAGE.rglob('*.py'))}
    for nb in sorted((ROOT/'nbs').glob('[0-9]*.ipynb')):
        for p,src in sources.items():
            if re.search(rf'File to edit: [./]+/nbs/{nb.stem}\.', src): yield nb.stem.split('_')[0],module(p),size(src),*imports(ast.parse(src), p)

def table():
    every = list(rooms())
    order = {m: i for i,(_,m,*_) in enumerate(every)}
    def named(ms): return ' '.join(sorted(ms-{'train.compat'}, key=order.get))
    lines = [f'{n:4}{m:22}{size:5}  {named(top)}{f" ({named(late)})" if late-{"train.compat"} else ""}'.rstrip() for n,m,size,top,late in every]
    return '```text\n'+'\n'.join(['no. module               lines  imports', *lines])+'\n```\n'

def main(check):
    f = ROOT/'CONTRIBUTING.md'
    old = f.read_text(encoding='utf-8')
    new = re.sub(f'({MARK}\n).*?({MARK})', lambda m: m[1]+table()+m[2], old, flags=re.S)
    if check and new != old: sys.exit('CONTRIBUTING.md: the list of modules is stale; run python tools/rooms.py')
    f.write_text(new, encoding='utf-8')

if __name__ == '__main__': main('--check' in sys.argv)
