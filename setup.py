"Packaging for colorize_nb: every value is read from settings.ini, which nbdev reads too."
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

_here = Path(__file__).parent
_cp = ConfigParser(delimiters=['='])
_cp.read(_here/'settings.ini', encoding='utf-8')
cfg = _cp['DEFAULT']

def reqs(name): return cfg.get(f'{name}_requirements', '').split()
extras = {o: reqs(o) for o in ['train', 'recipe', 'app', 'heic', 'fid', 'docs']}
extras['dev'] = extras['train']+extras['recipe']+extras['fid']+extras['app']+reqs('dev')  # pip takes the narrower of two ranges of one package

setup(name=cfg['lib_name'], version=cfg['version'], description=cfg['description'],
      author=cfg['author'], author_email=cfg['author_email'], license='Apache-2.0', url=cfg['git_url'],
      keywords=cfg['keywords'], python_requires='>='+cfg['min_python'],
      long_description=(_here/'README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
      packages=find_packages(include=[cfg['lib_path'], cfg['lib_path']+'.*']), include_package_data=True, zip_safe=False,
      package_data={cfg['lib_path']: ['models/*', 'photos/*', 'web/*']},
      install_requires=cfg['requirements'].split(), extras_require=extras,
      entry_points={'console_scripts': ['colorize=colorize_nb.cli:colorize', 'colorize-train=colorize_nb.cli:colorize_train',
                                        'colorize-compare=colorize_nb.cli:colorize_compare', 'colorize-survey=colorize_nb.cli:colorize_survey',
                                        'colorize-app=colorize_nb.app:colorize_app', 'colorize-recipe=colorize_nb.cli:colorize_recipe'],
                    'nbdev': [f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]})
