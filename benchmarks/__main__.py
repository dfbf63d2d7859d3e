"All of them, one after the other, each in a process of its own: python -m benchmarks"
import subprocess, sys
for name in ('colorizing', 'training', 'growth', 'int8'): subprocess.run([sys.executable, '-m', f'benchmarks.{name}'], check=True)
