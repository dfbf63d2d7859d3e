"""How the notebooks are cut: python tools/cells.py [--check] [NOTEBOOK...]
Lines of the exported cells (without blank ones), definitions a cell, exported lines from one lesson to the next, longest line of code; kB of the file, with its outputs. A lesson is a code cell that runs and is shown.
--check: exit status 1, and a line for each, where a notebook is beyond LIMITS, or nine of ten exported cells of them all are not within P90."""
import json, re, statistics, sys
from pathlib import Path

LIMITS,P90 = dict(longest=45, stretch=45, line=140, kB=300),25

def code_cells(nb):
    "(its directives, its lines) of each code cell"
    for c in json.loads(Path(nb).read_text(encoding='utf-8'))['cells']:
        if c['cell_type'] != 'code': continue
        lines = [l for l in ''.join(c['source']).splitlines() if l.strip()]
        yield {re.split(r'[\s:]', l[2:].strip())[0] for l in lines if l.startswith('#|')},[l for l in lines if not l.startswith('#|')]

def measure(nb):
    "Lines of each exported cell, definitions of each that has some, longest stretch without a lesson, longest line"
    sizes,defs,run,stretch,line = [],[],0,0,0
    for marks,lines in code_cells(nb):
        line = max([line, *map(len, lines)])
        if marks & {'export', 'exports', 'exporti'}:
            sizes.append(len(lines)); run += len(lines); stretch = max(stretch, run)
            if n := sum(bool(re.match(r'(def|class) ', l)) for l in lines): defs.append(n)
        elif not marks & {'hide', 'default_exp'}: run = 0
    return sizes,defs,stretch,line

def p90(xs): return sorted(xs)[int(.9*(len(xs)-1))] if xs else 0

def main(args):
    check,named = '--check' in args,[Path(a) for a in args if a != '--check']
    files = named or [f for f in sorted(Path('nbs').rglob('*.ipynb')) if '.ipynb_checkpoints' not in f.parts]
    rows = {f: measure(f) for f in files}
    every = [n for r in rows.values() for n in r[0]],[n for r in rows.values() for n in r[1]]
    bad = []
    for f,(sizes,_,stretch,line) in rows.items():
        got = dict(longest=max(sizes, default=0), stretch=stretch, line=line, kB=-(-f.stat().st_size//1000))
        bad += [f'{f}: {k} {got[k]}, at most {v}' for k,v in LIMITS.items() if got[k] > v]
        if not check: print(f'{f.name:28} cells {len(sizes):3}  median {statistics.median(sizes or [0]):5}  p90 {p90(sizes):3}  '+'  '.join(f'{k} {v:3}' for k,v in got.items()))
    if not named and p90(every[0]) > P90: bad.append(f'all: p90 {p90(every[0])}, at most {P90}')
    if not check: print(f'all: median {statistics.median(every[0]):g}, p90 {p90(every[0])}, longest {max(every[0])}; {sum(every[1])/len(every[1]):.2f} definitions a cell; '
                        f'longest stretch {max(r[2] for r in rows.values())}; longest line {max(r[3] for r in rows.values())}')
    print(*bad, sep='\n', end='\n'*bool(bad), file=sys.stderr)
    return bool(check and bad)

if __name__ == '__main__': sys.exit(main(sys.argv[1:]))
