"""Runs inside GIMP, for test_integrations_gimp: `FOLDER` has a.png, gray16.tif and the command's path; results.json and raw pixels come back."""
import json, os, traceback
from pathlib import Path
from gi.repository import Gegl, Gimp, Gio

FOLDER = Path(os.environ['COLORIZE_CASES'])
COMMAND = os.environ['COLORIZE_COMMAND']

def load(name): return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(FOLDER/name)))

def pixels(drawable, kind):
    whole = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(whole, 1., kind, Gegl.AbyssPolicy.NONE)

def fill(layer, x, y, w, h, rgba):
    layer.get_buffer().set(Gegl.Rectangle.new(x, y, w, h), "R'G'B'A u8", bytes(rgba)*(w*h))

def run(image, drawables, **options):
    "Call the plug-in as a script does; returns its status and its line"
    procedure = Gimp.get_pdb().lookup_procedure('python-fu-colorize-nb')
    config = procedure.create_config()
    given = {'run-mode': Gimp.RunMode.NONINTERACTIVE, 'image': image, 'command': COMMAND, **options}
    for k,v in given.items(): config.set_property(k, v)
    config.set_core_object_array('drawables', drawables)
    result = procedure.run(config)
    return result.index(0).value_nick, result.index(1) if result.length() > 1 else ''

def layers(image):
    return [dict(name=l.get_name(), mode=l.get_mode().value_nick, size=[l.get_width(), l.get_height()], at=list(l.get_offsets())[1:]) for l in image.get_layers()]

def case(name, image, status, kind="R'G'B'A u8"):
    "What is told of one case"
    top = image.get_layers()[0]
    (FOLDER/f'{name}.raw').write_bytes(pixels(top, kind))
    return dict(status=status[0], line=status[1], layers=layers(image), base=image.get_base_type().value_nick)

def whole8():
    im = load('a.png')
    return case('whole8', im, run(im, im.get_selected_layers(), result='whole', vivid=.5))

def color8():
    "The colour layer alone, and what one sees of the two together"
    im = load('a.png')
    told = case('color8', im, run(im, im.get_selected_layers(), result='color'))
    im.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
    case('merged8', im, ('', ''))
    return told

def gray16():
    im = load('gray16.tif')
    return case('gray16', im, run(im, im.get_selected_layers(), result='whole'), "R'G'B'A u16")

def linear32():
    "32-bit linear floats"
    im = load('gray16.tif')
    im.convert_precision(Gimp.Precision.FLOAT_LINEAR)
    return case('linear32', im, run(im, im.get_selected_layers(), result='whole'), "R'G'B'A u16")

def indexed():
    im = load('a.png')
    im.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 255, False, False, '')
    photo = im.get_layers()[0]
    (FOLDER/'indexed_photo.raw').write_bytes(pixels(photo, "R'G'B' u8"))
    return case('indexed', im, run(im, [photo], result='whole'))

def adobe():
    "An image whose profile is Adobe RGB"
    im = load('a.png')
    im.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
    (FOLDER/'adobe_photo.raw').write_bytes(pixels(im.get_layers()[0], "R'G'B' u8"))
    return case('adobe', im, run(im, im.get_selected_layers(), result='whole'))

def dots():
    "A photo that lies apart from the corner and is half transparent, and two dots on a layer that lies elsewhere"
    im = load('a.png')
    photo = im.get_layers()[0]
    photo.add_alpha()
    fill(photo, 0, 0, 20, 10, (90, 90, 90, 64))
    photo.set_offsets(5, 7)
    layer = Gimp.Layer.new(im, 'hints', 60, 60, Gimp.ImageType.RGBA_IMAGE, 100., Gimp.LayerMode.NORMAL)
    im.insert_layer(layer, None, 0)
    layer.set_offsets(15, 27)
    fill(layer, 10, 10, 3, 3, (122, 31, 31, 255))
    fill(layer, 40, 30, 1, 5, (60, 90, 200, 255))
    status = run(im, [photo], result='whole', dots=layer)
    im.remove_layer(layer)
    return case('dots', im, status)

def _fails(name, drawables=None, **options):
    im = load('a.png')
    chosen = im.get_selected_layers() if drawables is None else drawables(im)
    return case(name, im, run(im, chosen, **options))

def two_layers():
    def chosen(im):
        more = Gimp.Layer.new(im, 'more', 9, 9, Gimp.ImageType.RGBA_IMAGE, 100., Gimp.LayerMode.NORMAL)
        im.insert_layer(more, None, 0)
        return im.get_layers()
    return _fails('two_layers', chosen)

def mask():
    def chosen(im):
        m = im.get_layers()[0].create_mask(Gimp.AddMaskType.WHITE)
        im.get_layers()[0].add_mask(m)
        return [m]
    return _fails('mask', chosen)

def no_command(): return _fails('no_command', command='/nowhere/colorize')
def bad_hint(): return _fails('bad_hint', hints='red dress')
def hint_outside(): return _fails('hint_outside', hints='9999,5,red')
def no_dots():
    im = load('a.png')
    layer = Gimp.Layer.new(im, 'hints', 9, 9, Gimp.ImageType.RGBA_IMAGE, 100., Gimp.LayerMode.NORMAL)
    im.insert_layer(layer, None, 0)
    return case('no_dots', im, run(im, [im.get_layers()[1]], dots=layer))

results = {}
for f in (whole8, color8, gray16, linear32, indexed, adobe, dots, two_layers, mask, no_command, bad_hint, hint_outside, no_dots):
    try: results[f.__name__] = f()
    except Exception: results[f.__name__] = dict(status='python', line=traceback.format_exc())
(FOLDER/'results.json').write_text(json.dumps(results))
