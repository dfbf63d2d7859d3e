"""The figures of docs/scale.md: python tools/scale.py [--check]
Cores, hours, cost and disks for ten million scans, from what benchmarks/colorizing.csv has measured. Medians count. A run of many small photos is benchmarks/many.csv, one row for each process."""
import csv, re, sys
from collections import defaultdict
from pathlib import Path
from statistics import median

ROOT,MARK,MANY = Path(__file__).resolve().parent.parent,'<!-- figures -->','<!-- many -->'
SCANS,PRICES,CORES = 10**7,(.01, .04, .1),(2, 16, 128, 1024)  # prices of a core for an hour
MB = 2.4,3.7  # of the benchmark's JPEG of 12 MP and of its result, `benchmarks.common.photos` with quality 90 and ours with 95
LINES = {'a hard disk':150, '1 Gbit/s':125, '10 Gbit/s':1250, 'an SSD of 3 GB/s':3000}  # MB/s

def measured():
    "Median seconds: table -> side -> value"
    times = defaultdict(lambda: defaultdict(list))
    with open(ROOT/'benchmarks'/'colorizing.csv', encoding='utf-8') as f:
        for r in csv.DictReader(l for l in f if not l.startswith('#')): times[r['table']][r['what']].append(float(r['ms'])/1000)
    return {t: {k: median(v) for k,v in sides.items()} for t,sides in times.items()}

def row(*cells): return f"| {' | '.join(map(str, cells))} |"

def scan(seconds):
    "What the seconds of a scan go into, at each size"
    yield row('a scan of', *seconds); yield '|---'*(len(seconds)+1)+'|'
    parts = [(s['Pillow alone: decode, encode'], s['network alone'], s['colorize, processor time on one core']) for s in seconds.values()]
    for i,k in enumerate(('decoding and encoding', 'the network')): yield row(f'{k}, s', *(f'{p[i]:.2f} ({p[i]/p[2]:.0%})' for p in parts))
    yield row('all else: reading lightness, painting, s', *(f'{p[2]-p[0]-p[1]:.2f} ({1-(p[0]+p[1])/p[2]:.0%})' for p in parts))
    yield row('**together, s on one core**', *(f'**{p[2]:.2f}**' for p in parts))
    yield row('with a network that takes no time, times as fast', *(f'{p[2]/(p[2]-p[1]):.2f}' for p in parts))

def figures():
    m = measured()
    s = m['12 MP']['colorize, processor time on one core']
    hours,both = SCANS*s/3600,sum(MB)
    yield from scan({k: v for k,v in m.items() if k.endswith(' MP') and len(k) < 9}); yield ''
    yield f'{SCANS:,} scans of 12 MP are {SCANS*s:,.0f} seconds of one core, **{hours:,.0f} core-hours**. With JPEGs as in the benchmark,'
    yield f'of {MB[0]} MB, and results of {MB[1]}, they read {SCANS*MB[0]/1e6:.0f} TB and write {SCANS*MB[1]/1e6:.0f}.\n'
    yield row('cores', *CORES); yield '|---'*(len(CORES)+1)+'|'
    yield row('hours', *(f'{hours/n:,.0f}' if hours/n > 9.5 else f'{hours/n:.1f}' for n in CORES))
    yield row('scans a second', *(f'{n/s:,.1f}' if n/s < 99 else f'{n/s:,.0f}' for n in CORES))
    yield row('MB a second, read and written', *(f'{n*both/s:,.0f}' for n in CORES)); yield ''
    yield row('a core costs, an hour', *(f'{p:.2f}' for p in PRICES)); yield '|---'*(len(PRICES)+1)+'|'
    yield row('all scans', *(f'{p*hours:,.0f}' for p in PRICES)); yield ''
    yield row('this feeds', *LINES); yield '|---'*(len(LINES)+1)+'|'
    yield row('cores', *(f'{v*s/both:,.0f}' for v in LINES.values()))

def many():
    "The processes of one run of many small photos"
    with open(ROOT/'benchmarks'/'many.csv', encoding='utf-8') as f: rows = [*csv.DictReader(l for l in f if not l.startswith('#'))]
    yield row('part', 'made', 'there already', 'minutes', 'processor time a photo, ms', 'peak MB', 'end'); yield '|---'*7+'|'
    for r in rows:
        made,cpu = int(r['made']),float(r['processor seconds'])
        yield row(r['part'], f'{made:,}', f"{int(r['there']):,}", f"{float(r['seconds'])/60:.1f}", f'{1000*cpu/made:.0f}' if cpu else '', r['peak MB'], r['end'])

def placed(md, mark, lines):
    "A page with other lines between two marks"
    return re.sub(f'({mark}\n).*?({mark})', lambda m: m[1]+'\n'.join(lines)+'\n'+m[2], md, flags=re.S)

def main(check):
    f = ROOT/'docs'/'scale.md'
    old = f.read_text(encoding='utf-8')
    new = placed(placed(old, MARK, figures()), MANY, many())
    if check and new != old: sys.exit('docs/scale.md: its figures are not those of benchmarks/colorizing.csv and many.csv; run python tools/scale.py')
    f.write_text(new, encoding='utf-8')

if __name__ == '__main__': main('--check' in sys.argv)
