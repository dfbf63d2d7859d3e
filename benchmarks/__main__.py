"All of them, one after the other, each in a process of its own: python -m benchmarks"
import subprocess, sys
for name in ('training', 'colorizing', 'int8', 'growth'): subprocess.run([sys.executable, '-m', f'benchmarks.{name}'], check=True)
