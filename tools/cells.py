"""How the notebooks and their code read: python tools/cells.py [--check] [NOTEBOOK...]
For each notebook: lines of the exported cells (without blank ones), exported lines from one lesson to the next, the longest line, kB with outputs. A lesson is a code cell that runs and is shown.
For its exported code: tuple assignments (`a,b = x,y`) and lines over 120 characters per 100 lines, branches a line in functions of ten lines and more, local names of one letter.
--check: exit status 1, and a line for each, where a notebook is beyond LIMITS or all exported code together is beyond OVERALL."""
import ast, json, re, statistics, sys
from dataclasses import dataclass, field, fields
from pathlib import Path

LIMITS = dict(longest=60, stretch=80, line=140, kB=300)
OVERALL = dict(p90=30, tuples=1.5, wide=1., branches=.40)
WIDE,LONG_FUNCTION = 120,10
BRANCH = ast.If, ast.IfExp, ast.For, ast.While, ast.ExceptHandler, ast.BoolOp, ast.comprehension
FUNCTION = ast.FunctionDef, ast.AsyncFunctionDef
EXPORTED = {'export', 'exports', 'exporti'}

def code_cells(nb):
    "(its directives, its lines) of each code cell"
    for c in json.loads(Path(nb).read_text(encoding='utf-8'))['cells']:
        if c['cell_type'] != 'code': continue
        lines = [l for l in ''.join(c['source']).splitlines() if l.strip()]
        marks = {re.split(r'[\s:]', l[2:].strip())[0] for l in lines if l.startswith('#|')}
        yield marks,[l for l in lines if not l.startswith('#|')]

@dataclass
class Counts:
    "What is counted in exported code; counts of several notebooks can be added"
    cells:list = field(default_factory=list) # Lines of each exported cell
    tuples:int = 0 # Assignments of a tuple to a tuple
    wide:int = 0 # Lines over `WIDE` characters
    branches:int = 0 # In functions of `LONG_FUNCTION` lines and more
    branching:int = 0 # Lines of these functions
    letters:int = 0 # Local names of one letter
    names:int = 0 # Local names

    def __add__(self, other):
        return Counts(**{f.name: getattr(self, f.name)+getattr(other, f.name) for f in fields(self)})

    def count(self, lines):
        "Add one exported cell"
        self.cells.append(len(lines))
        self.wide += sum(len(l) > WIDE for l in lines)
        tree = ast.parse('\n'.join(lines))
        for n in ast.walk(tree):
            if isinstance(n, ast.Assign): self.tuples += isinstance(n.targets[0], ast.Tuple) and isinstance(n.value, ast.Tuple)
            if isinstance(n, FUNCTION): self.count_function(n)

    def count_function(self, f):
        stored = {n.id for n in ast.walk(f) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.names += len(stored)
        self.letters += sum(len(n) == 1 for n in stored)
        lines = f.end_lineno-f.lineno+1
        if lines < LONG_FUNCTION: return
        self.branching += lines
        self.branches += sum(isinstance(n, BRANCH) for n in ast.walk(f))

    def shares(self):
        "The counts as `OVERALL` bounds them, and the share of one-letter names in percent"
        lines = sum(self.cells) or 1
        return dict(p90=p90(self.cells), tuples=100*self.tuples/lines, wide=100*self.wide/lines,
                    branches=self.branches/(self.branching or 1), letters=100*self.letters/(self.names or 1))

def p90(xs): return sorted(xs)[int(.9*(len(xs)-1))] if xs else 0

def measure(nb):
    "A notebook's `Counts`, and its figures as `LIMITS` bounds them"
    counts = Counts()
    run = stretch = line = 0
    for marks,lines in code_cells(nb):
        line = max([line, *map(len, lines)])
        if marks & EXPORTED:
            counts.count(lines)
            run += len(lines)
            stretch = max(stretch, run)
        elif not marks & {'hide', 'default_exp'}: run = 0
    return counts,dict(longest=max(counts.cells, default=0), stretch=stretch, line=line, kB=-(-Path(nb).stat().st_size//1000))

def shown(shares):
    return '  '.join(f'{k} {v:.2f}' if k == 'branches' else f'{k} {v:.1f}' if k in ('tuples', 'wide') else f'{k} {v:.0f}' for k,v in shares.items())

def main(args):
    check = '--check' in args
    named = [Path(a) for a in args if a != '--check']
    files = named or [f for f in sorted(Path('nbs').rglob('*.ipynb')) if '.ipynb_checkpoints' not in f.parts]
    every = Counts()
    bad = []
    for f in files:
        counts,got = measure(f)
        every += counts
        bad += [f'{f}: {k} {got[k]}, at most {most}' for k,most in LIMITS.items() if got[k] > most]
        if not check: print(f'{f.name:28} cells {len(counts.cells):3}  median {statistics.median(counts.cells or [0]):4.3g}  {shown(got)}  {shown(counts.shares())}')
    overall = every.shares()
    if not named: bad += [f'all: {k} {overall[k]:.2f}, at most {most}' for k,most in OVERALL.items() if overall[k] > most]
    if not check: print(f'all: {sum(every.cells)} lines, median cell {statistics.median(every.cells):g}; {shown(overall)}')
    print(*bad, sep='\n', end='\n'*bool(bad), file=sys.stderr)
    return bool(check and bad)

if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
