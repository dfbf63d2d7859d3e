"Packaging for colorize_nb: every value is read from settings.ini, which nbdev reads too."
import re
from configparser import ConfigParser
from pathlib import Path
from setuptools import find_packages, setup

_here = Path(__file__).parent
_cp = ConfigParser(delimiters=['='])
_cp.read(_here/'settings.ini', encoding='utf-8')
cfg = _cp['DEFAULT']

def reqs(name): return cfg.get(f'{name}_requirements', '').split()

def absolute(md):
    "README for a package index, where relative links and pictures would lead nowhere"
    def to(m): return f"{m[1]}({cfg['git_url']}/{'raw' if m[1][0] == '!' else 'blob'}/{cfg['branch']}/{m[2]})"
    return re.sub(r'(!\[[^]]*\]|\])\((?![a-z]+:|#)([^)\s]+)\)', to, md)

extras = {o: reqs(o) for o in ['train', 'recipe', 'app', 'heic', 'film', 'fid', 'hub', 'cluster', 'docs']}
extras['dev'] = extras['train']+extras['recipe']+extras['fid']+extras['film']+extras['app']+extras['hub']+extras['cluster']+reqs('dev')  # pip takes the narrower of two ranges of one package

data = [f"{cfg['lib_path']}.{d}" for d in ('models', 'photos', 'page.web')]
docs = f"{cfg['doc_host']}{cfg['doc_baseurl']}/"
urls = dict(Documentation=docs, Source=cfg['git_url'], Issues=cfg['git_url']+'/issues', Changelog=f"{cfg['git_url']}/blob/{cfg['branch']}/CHANGELOG.md")
status = {'3':'3 - Alpha', '4':'4 - Beta', '5':'5 - Production/Stable'}[cfg['status']]
classifiers = [f'Development Status :: {status}', 'Environment :: Console', 'Environment :: Web Environment', 'Framework :: Jupyter',
    'Intended Audience :: Developers', 'Intended Audience :: End Users/Desktop', 'Intended Audience :: Science/Research', 'Natural Language :: English',
    'Operating System :: OS Independent', *(f'Programming Language :: Python :: {v}' for v in cfg['python_versions'].split()),
    'Topic :: Multimedia :: Graphics', 'Topic :: Scientific/Engineering :: Artificial Intelligence', 'Topic :: Scientific/Engineering :: Image Processing', 'Typing :: Typed']

setup(name=cfg['lib_name'], version=cfg['version'], description=cfg['description'],
      author=cfg['author'], author_email=cfg['author_email'], url=docs, project_urls=urls,
      license_expression='Apache-2.0 AND LicenseRef-colorize-nb-weights', license_files=['LICENSE', 'colorize_nb/models/LICENSE-weights.md'],
      keywords=cfg['keywords'].split(), classifiers=classifiers, python_requires='>='+cfg['min_python'],
      long_description=absolute((_here/'README.md').read_text(encoding='utf-8')), long_description_content_type='text/markdown',
      packages=[*find_packages(include=[cfg['lib_path'], cfg['lib_path']+'.*']), *data],
      package_data={cfg['lib_path']: ['py.typed'], cfg['lib_path']+'.train': ['*.html'], **dict.fromkeys(data, ['*'])}, include_package_data=False, zip_safe=False,
      install_requires=cfg['requirements'].split(), extras_require=extras,
      entry_points={'console_scripts': ['colorize=colorize_nb.cli:colorize', 'colorize-train=colorize_nb.cli:colorize_train',
                                        'colorize-compare=colorize_nb.cli:colorize_compare', 'colorize-survey=colorize_nb.cli:colorize_survey',
                                        'colorize-import=colorize_nb.cli:colorize_import',
                                        'colorize-app=colorize_nb.page.server:colorize_app', 'colorize-recipe=colorize_nb.cli:colorize_recipe'],
                    'nbdev': [f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]})
