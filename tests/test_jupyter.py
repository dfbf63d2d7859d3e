"A tutorial as a reader runs it: in a real Jupyter kernel, cell by cell, with what the train extra installed."
import re, sys
from pathlib import Path
import pytest
pytest.importorskip('torch', reason='needs the train extra')
nbformat = pytest.importorskip('nbformat', reason='needs the dev extra')
nbclient = pytest.importorskip('nbclient', reason='needs the dev extra')
pytest.importorskip('ipykernel', reason='needs the dev extra')

tutorials = Path(__file__).parent.parent/'nbs/tutorials'
skip = re.compile(r'^#\|\s*(eval:\s*false|gpu|slow|network)', re.M)

@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize('name', ['finetune_your_photos'])
def test_runs_in_jupyter(name, tmp_path, monkeypatch):
    spec = tmp_path/'kernels/here'; spec.mkdir(parents=True)  # the kernel of this very environment, whatever else is installed
    (spec/'kernel.json').write_text(f'{{"argv": ["{Path(sys.executable).as_posix()}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"], "display_name": "here", "language": "python"}}')
    monkeypatch.delenv('MPLBACKEND', raising=False)  # the kernel would inherit it and draw nothing
    monkeypatch.setenv('JUPYTER_PATH', str(tmp_path))
    monkeypatch.setenv('JUPYTER_RUNTIME_DIR', str(tmp_path))
    nb = nbformat.read(tutorials/f'{name}.ipynb', as_version=4)
    nb.cells = [c for c in nb.cells if c.cell_type == 'code' and not skip.search(c.source)]
    for c in nb.cells: c.outputs = []
    nbclient.NotebookClient(nb, timeout=240, kernel_name='here', resources={'metadata': {'path': str(tutorials)}}).execute()
    assert all(c.execution_count for c in nb.cells if c.source.strip())
    assert sum('image/png' in o.get('data', {}) for c in nb.cells for o in c.outputs) >= 3  # batch, losses, results
    assert any('text/html' in o.get('data', {}) for c in nb.cells for o in c.outputs)        # the table
