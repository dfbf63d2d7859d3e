"The class `Colorizer` is made in four notebooks: each of them works without those below it."
import ast, subprocess, sys
from pathlib import Path
import pytest
import colorize_nb

ORDER = 'colorizer', 'hints', 'jobs', 'saving'

def parts(name):
    "The methods that a module adds to `Colorizer`, and the attributes of `self` that they use"
    tree = ast.parse((Path(colorize_nb.__file__).parent/f'{name}.py').read_text(encoding='utf-8'))
    functions = [f for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and f.args.args]
    mine = [f for f in functions if 'Colorizer' in ast.unparse(f.args.args[0].annotation or ast.Constant(''))]
    inside = [f for k in tree.body if isinstance(k, ast.ClassDef) and k.name == 'Colorizer' for f in k.body if isinstance(f, ast.FunctionDef)]
    used = {(f.name, n.attr) for f in mine+inside for n in ast.walk(f) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == 'self'}
    return {f.name for f in mine+inside},used

def test_nothing_calls_what_stands_below_it():
    made = {name: parts(name) for name in ORDER}
    assert all(len(methods) > 2 for methods,_ in made.values()) and 'variant_hints' in made['hints'][0]
    for i,name in enumerate(ORDER):
        below = set().union(*(made[later][0] for later in ORDER[i+1:]))
        assert not (bad := {u for u in made[name][1] if u[1] in below}), (name, bad)

@pytest.mark.parametrize('name', ORDER)
def test_each_module_works_in_a_fresh_process(name):
    "An array becomes a picture whichever module is imported"
    said = f"import numpy as np; from colorize_nb.{name} import Colorizer; print(Colorizer.from_pretrained().colorize(np.full((20,30), 99, np.uint8)).size)"
    assert subprocess.run([sys.executable, '-c', said], capture_output=True, text=True, check=True).stdout.strip() == '(30, 20)'

def test_the_name_in_the_package_has_all_methods():
    from colorize_nb import Colorizer
    assert not [m for name in ORDER for m in parts(name)[0] if not hasattr(Colorizer, m)]
