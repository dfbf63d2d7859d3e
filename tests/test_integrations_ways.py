"The ways in: the table of docs/integrations.md is that of the measured rows, and every printed command that benchmarks/ways.py runs is still printed."
import sys
from pathlib import Path
import pytest
pytest.importorskip('resource', reason='counts the processor time of processes as POSIX systems do')

ROOT = Path(__file__).resolve().parent.parent
if not (ROOT/'benchmarks'/'ways.py').exists(): pytest.skip('no benchmarks: they are not in the sdist', allow_module_level=True)
sys.path.append(str(ROOT))
from benchmarks import ways  # noqa: E402

def test_the_table_is_that_of_the_rows():
    rows,head = ways.read()
    assert head.startswith('# ') and {r['way'] for r in rows} <= {*ways.WAYS} == {*ways.TITLES}
    assert f'<!-- ways -->\n*{head[2:]}*\n\n{ways.table(rows)}\n<!-- /ways -->' in ways.PAGE.read_text(encoding='utf-8')

def test_the_table_adds_up():
    def row(step, wall, cpu, mb=''): return dict(way='comfyui', step=step, wall_s=wall, cpu_s=cpu, mb=mb, by='X 1')
    rows = [row(ways.HOST, '9.5', '7.0', '1500'), row('clone', '1.5', '0.5', '170'), row('install', '20.0', '4.0', '60'), row('first photo', '6.0', '5.5')]
    assert ways.table(rows).splitlines()[-1] == "| ComfyUI's nodes | X 1 | 21.5 (4.5) | 6.0 (5.5) | 60 | 9.5 (7.0) s, 1500 MB |"

def test_megabytes_count_a_file_once(tmp_path):
    import os
    for d in ('a', 'b/.cache'): (tmp_path/d).mkdir(parents=True)
    before = ways.megabytes(tmp_path)
    (tmp_path/'a/f').write_bytes(bytes(3_000_000))
    os.link(tmp_path/'a/f', tmp_path/'a/g')
    (tmp_path/'b/.cache/h').write_bytes(bytes(5_000_000))
    assert ways.megabytes(tmp_path)-before == pytest.approx(8, abs=.01)
    assert ways.megabytes(tmp_path, but=[tmp_path/'b/.cache'])-before == pytest.approx(3, abs=.01)

@pytest.mark.parametrize('page,first', [('README.md', 'pip install . && colorize '), ('integrations/comfyui/README.md', 'cp -r integrations/comfyui '),
    ('integrations/gimp/README.md', 'pipx install .\n'), ('integrations/darktable/README.md', 'pipx install .\n')])
def test_the_first_command_of_a_page(page, first): assert ways.blocks(page)[0].startswith(first)

@pytest.mark.parametrize('beginning', ["uv tool install '.[app]'", "pipx install '.[app]'", 'uvx --from .', "pip install '.[app]' && colorize-app"])
def test_a_command_of_the_readme(beginning): assert ways.printed(beginning)
