"""The list of modules in CONTRIBUTING.md: python tools/rooms.py [--check]
A line for each module in the order of the notebooks: its lines (without the marks of the cells), and what it imports of this package (in brackets, when it is needed only). A module imports what stands above it."""
import ast, re, sys
from pathlib import Path

ROOT,MARK = Path(__file__).resolve().parent.parent,'<!-- modules -->'

def imports(tree):
    "Modules of this package that are imported at the top, and those that functions import"
    def names(nodes):
        for n in nodes:
            if isinstance(n, ast.ImportFrom) and (n.level or (n.module or '').startswith('colorize_nb.')): yield (n.module or '').removeprefix('colorize_nb.')
            elif isinstance(n, ast.Import): yield from (a.name.removeprefix('colorize_nb.') for a in n.names if a.name.startswith('colorize_nb.'))
    top = set(names(tree.body))
    return top-{''},set(names(ast.walk(tree)))-top-{''}

def size(src): return sum(not l.startswith('# %% ') for l in src.splitlines())

def rooms():
    "(number, module, lines, imported at the top, imported when needed), in the order of the notebooks"
    for nb in sorted((ROOT/'nbs').glob('[0-9]*.ipynb')):
        for p in sorted((ROOT/'colorize_nb').glob('*.py')):
            src = p.read_text(encoding='utf-8')
            if f'File to edit: ../nbs/{nb.name}' in src: yield nb.stem.split('_')[0],p.stem,size(src),*imports(ast.parse(src))

def table():
    every = list(rooms())
    order = {m: i for i,(_,m,*_) in enumerate(every)}
    def named(ms): return ' '.join(sorted(ms-{'compat'}, key=order.get))
    lines = [f'{n:5}{m:12}{size:5}  {named(top)}{f" ({named(late)})" if late-{"compat"} else ""}'.rstrip() for n,m,size,top,late in every]
    return '```text\n'+'\n'.join(['no.  module     lines  imports', *lines])+'\n```\n'

def main(check):
    f = ROOT/'CONTRIBUTING.md'
    old = f.read_text(encoding='utf-8')
    new = re.sub(f'({MARK}\n).*?({MARK})', lambda m: m[1]+table()+m[2], old, flags=re.S)
    if check and new != old: sys.exit('CONTRIBUTING.md: the list of modules is stale; run python tools/rooms.py')
    f.write_text(new, encoding='utf-8')

if __name__ == '__main__': main('--check' in sys.argv)
