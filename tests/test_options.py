"Options stand once: the command line, Python, the page's table and the metadata note read what `Options` says."
import inspect, json, re
from dataclasses import fields
import numpy as np, pytest
from PIL import Image
from colorize_nb import Colorizer, cli
from colorize_nb.batch.options import OPTIONS, OptionError, Options, option_table
from colorize_nb.command import parser

NAMES = [f.name for f in fields(Options)]
RANGED = [o for o in OPTIONS.values() if o.low is not None]

def test_options_are_what_they_were():
    "Their names and defaults are public"
    assert {k: OPTIONS[k].default for k in NAMES} == dict(strength=1., vivid=None, render_size=None, hints=(), reach=None, colors_from=None, like=None, keep_tint=False, negative=False,
        keep_color=False, max_pixels=10**8, overwrite=False, compare=False, note=True, variants=0, shard=None,
        films=False, crf=18., lossless=False)
    assert OPTIONS.keys()-NAMES == {'jobs'} and Options() == Options(**{k: OPTIONS[k].default for k in NAMES})

@pytest.mark.parametrize('name', OPTIONS)
def test_every_option_is_in_the_help_with_its_range(name):
    o,text = OPTIONS[name],re.sub(r'\s+', ' ', parser(cli.colorize).format_help())
    assert f" --{o.flag.replace('_', '-')} " in text
    if o.low is not None: assert f'({o.low//o.per} to {o.high//o.per}' in text.split(f" --{o.flag.replace('_', '-')} ")[1][:250]
    words = o.help.split(' ', 1)[1]  # the first begins small after 'Do not'
    assert words in text or name == 'hints'  # the command has its own two ways to give these

@pytest.mark.parametrize('name', NAMES)
def test_every_option_is_in_the_signature(name):
    for f in (Colorizer.colorize_file, Colorizer.colorize_folder): assert inspect.signature(f).parameters[name].default == OPTIONS[name].default

@pytest.mark.parametrize('o', RANGED, ids=lambda o: o.name)
def test_ranges_are_the_same_everywhere(o, capsys):
    takes = o.check if o.name == 'jobs' else lambda v: Options(**{o.name: v})
    for v in (o.low, o.high): takes(v); o.check(v)
    for v in (o.low-1, o.high+1, float('nan'), 'x'):
        with pytest.raises(OptionError, match=f'^{o.name} must lie in {o.low} to {o.high}, not '): takes(v)
    flag = o.flag.replace('_', '-')
    assert cli.colorize(path=['none.png'], **{o.flag: o.high/o.per+1}) == 2
    assert capsys.readouterr().err.startswith(f'colorize: --{flag} must lie in {o.low//o.per} to {o.high//o.per}, not ')
    assert cli.colorize(path=['none.png'], **{o.flag: type(o.low)(o.high//o.per)}) == 1  # there is no such photo

def test_the_table_is_json():
    table = json.loads(json.dumps(option_table()))
    assert [*table] == [*OPTIONS] and all(table[k]['help'] and table[k]['of'] in ('photo', 'file', 'film', 'run') for k in table)
    s = table['strength']
    assert (s['kind'], s['default'], s['low'], s['high'], s['step'], s['unit']) == ('float', 1, 0, 3, .05, '')
    assert (table['reach']['default'], table['reach']['usual']) == (None, .5) and table['render_size']['unit'] == 'pixels'

def test_the_note_has_what_was_given():
    assert Options().noted() == dict(strength='1')
    assert Options(strength=0, keep_tint=True, negative=True, render_size=4096, vivid=0).noted() == dict(strength='0', vivid='0', render_size='4096', keep_tint='True', negative='True')
    assert Options(overwrite=True, compare=True, keep_color=True, max_pixels=1, variants=3, shard='1/2', reach=.3).noted() == dict(strength='1')

def test_options_of_films_are_not_for_a_photo():
    with pytest.raises(OptionError, match='^crf is for films: use `colorize_film`$'): Options(crf=20.).for_one_photo()

@pytest.mark.parametrize('kw', [dict(variants=2), dict(shard='1/3'), dict(films=True)])
def test_options_of_a_run_are_not_for_one_photo(kw):
    with pytest.raises(OptionError, match=f'^{[*kw][0]} is for folders and several photos: use `colorize_folder`$'): Options(**kw).for_one_photo()
    assert Options(compare=True).for_one_photo() == Options(compare=True)

def test_an_unknown_option_is_none():
    with pytest.raises(TypeError, match='colour'): cli.colorize(path=['a.png'], colour=1)
    with pytest.raises(TypeError, match='colour'): Options(colour=1)

@pytest.mark.parametrize('name', [o.name for o in RANGED if o.name in NAMES])
def test_none_is_no_number(name):
    "`None` stands for the default only where that is `None`"
    o = OPTIONS[name]
    if o.default is None: assert Options(**{name: None}) == Options()
    else:
        with pytest.raises(OptionError, match=f'{name} must be a number, not None'): Options(**{name: None})

COMPUTED = dict(strength=np.float32(.75), vivid=np.float64(.5), render_size=np.int64(240), reach=np.float16(.25), max_pixels=np.uint32(10**6), keep_tint=np.bool_(True), negative=np.bool_(False),
                keep_color=np.bool_(True), overwrite=np.bool_(True), compare=np.bool_(False), note=np.bool_(True), films=np.bool_(False), variants=np.int8(1), crf=np.float32(20), lossless=np.bool_(False))

def test_numbers_of_numpy_become_plain(tmp_path):
    "A report and the note of a film's segments are JSON, which takes no number of numpy's: all the work was lost before"
    assert {type(v) for v in COMPUTED.values()} == {np.float32, np.float64, np.int64, np.float16, np.uint32, np.bool_, np.int8}
    o = Options(**COMPUTED)
    assert {k: type(getattr(o, k)) for k in COMPUTED} == {k: OPTIONS[k].kind for k in COMPUTED}
    assert o == Options(strength=.75, vivid=.5, render_size=240, reach=.25, max_pixels=10**6, keep_tint=True, keep_color=True, overwrite=True, variants=1, crf=20.)
    (tmp_path/'in').mkdir(); Image.fromarray(np.arange(48*48, dtype=np.uint16).reshape(48,48).astype(np.uint8)).save(tmp_path/'in/a.png')
    report = Colorizer.from_pretrained().colorize_folder(tmp_path/'in', tmp_path/'out', **COMPUTED)
    report.save(tmp_path/'r.json')
    settings = json.loads((tmp_path/'r.json').read_text())['settings']
    assert not report.failed and {k: settings[k] for k in COMPUTED} == {k: getattr(o, k) for k in COMPUTED}

@pytest.mark.parametrize('kw,why', [(dict(strength=np.array([.7])), 'must lie in 0 to 3, not array([0.7])'), (dict(render_size=np.array(240)), 'must lie in 16 to 4096, not array(240)'),
                                    (dict(variants=np.array([1])), 'must lie in 0 to 16, not array([1])'), (dict(keep_color=np.array([True])), 'must be True or False, not array([ True])')])
def test_an_array_of_one_is_no_number(kw, why):
    with pytest.raises(OptionError, match='^'+re.escape(f'{[*kw][0]} {why}')+'$'): Options(**kw)
