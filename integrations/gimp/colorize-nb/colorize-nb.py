#!/usr/bin/env python3
"""A plug-in for GIMP 3: Colors > Colorize (keeps lightness). It sends the selected layer through the command `colorize` and puts the
result above it as a layer of its own. The colours are made by that command; nothing of it is repeated here."""
import os, sys
from array import array
import gi
gi.require_version('Gimp', '3.0')
gi.require_version('GimpUi', '3.0')
gi.require_version('Gegl', '0.4')
from gi.repository import Gegl, Gimp, GimpUi, GLib, GObject
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from exchange import colorize, dots, find_command, with_alpha

NAME = 'python-fu-colorize-nb'
MODES = {'color': Gimp.LayerMode.LCH_COLOR, 'whole': Gimp.LayerMode.NORMAL}

def get(drawable, model, deep): # "R'G'B'" or "R'G'B'A"
    "Return a drawable's pixels in sRGB, whatever its image's profile, depth or mode is"
    whole = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    data = drawable.get_buffer().get(whole, 1., f"{model} {'u16' if deep else 'u8'}", Gegl.AbyssPolicy.NONE)
    return array('H' if deep else 'B', data)

def put(layer, pixels):
    "Set a layer's pixels, red, green, blue and alpha in sRGB"
    whole = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    buffer = layer.get_buffer()
    buffer.set(whole, f"R'G'B'A {'u16' if pixels.itemsize == 2 else 'u8'}", pixels.tobytes())
    buffer.flush()
    layer.update(0, 0, layer.get_width(), layer.get_height())

def place(drawable):
    "Return the (x, y) of a drawable's corner in its image"
    _,x,y = drawable.get_offsets()
    return x,y

def painted_hints(layer, photo): # The layer with dots; the photo's
    "Return the dots of a layer as hints of the command, in pixels of the photo's layer"
    left,top = (a-b for a,b in zip(place(layer), place(photo)))
    spots = dots(layer.get_width(), layer.get_height(), get(layer, "R'G'B'A", False))
    return [f'{x+left},{y+top},{color}' for x,y,color in spots]

def flags_of(config, photo):
    "Return what was chosen, as options of the command"
    hints = [h.strip() for h in (config.get_property('hints') or '').split(';') if h.strip()]
    layer = config.get_property('dots')
    if layer is not None and layer.get_id() == photo.get_id():
        raise ValueError('the layer of hints is the photo itself: paint dots on a transparent layer of their own')
    if layer is not None: hints += painted_hints(layer, photo)
    chosen = dict(vivid=config.get_property('vivid'), strength=config.get_property('strength'))
    return [f'--{k}={v:g}' for k,v in chosen.items()]+[f'--hint={h}' for h in hints]

def add_layer(image, photo, config):
    "Colour a layer, and put the result above it; one step to undo"
    deep = image.get_precision() not in (Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U8_PERCEPTUAL)
    pixels = get(photo, "R'G'B'", deep)
    command = find_command(config.get_property('command') or '')
    rgb = colorize(command, photo.get_width(), photo.get_height(), pixels, flags_of(config, photo))
    rgba = with_alpha(rgb, get(photo, "R'G'B'A", deep))
    image.undo_group_start()
    try:
        if image.get_base_type() != Gimp.ImageBaseType.RGB: image.convert_rgb()
        layer = Gimp.Layer.new(image, f'{photo.get_name()} in colour', photo.get_width(), photo.get_height(),
                               Gimp.ImageType.RGBA_IMAGE, 100., MODES[config.get_property('result')])
        image.insert_layer(layer, photo.get_parent(), image.get_item_position(photo))
        layer.set_offsets(*place(photo))
        put(layer, rgba)
    finally: image.undo_group_end()
    Gimp.displays_flush()

def asked(procedure, config):
    "Show the dialog; returns whether to go on"
    GimpUi.init(NAME)
    dialog = GimpUi.ProcedureDialog(procedure=procedure, config=config)
    dialog.fill(None)
    try: return dialog.run()
    finally: dialog.destroy()

def run(procedure, run_mode, image, drawables, config, data):
    "What GIMP calls"
    def failed(line): return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(line))
    if len(drawables) != 1 or not isinstance(drawables[0], Gimp.Layer): return failed('select one layer: the photo')
    if run_mode == Gimp.RunMode.INTERACTIVE and not asked(procedure, config):
        return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error())
    Gimp.progress_init('Colorizing')
    try: add_layer(image, drawables[0], config)
    except (OSError, ValueError) as e: return failed(str(e))
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())

class ColorizeNb(Gimp.PlugIn):
    "What GIMP asks a plug-in for"
    def do_set_i18n(self, name): return False
    def do_query_procedures(self): return [NAME]
    def do_create_procedure(self, name):
        p = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        p.set_image_types('*')
        p.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        p.set_menu_label('Colorize (_keeps lightness)...')
        p.add_menu_path('<Image>/Colors')
        p.set_documentation('Colour a gray photo, and keep its lightness',
                            'Adds a layer with colours above the photo. The colours are a guess; hints say better.', name)
        p.set_attribution('The colorize_nb developers', 'The colorize_nb developers', '2026')
        both = GObject.ParamFlags.READWRITE
        result = Gimp.Choice.new()
        result.add('color', 0, 'Colour alone, over the photo (mode LCh Color)', '')
        result.add('whole', 1, 'The whole picture', '')
        p.add_choice_argument('result', '_Layer', 'What the new layer is', result, 'color', both)
        p.add_double_argument('vivid', '_Vivid', 'From natural, 0, to vivid, 1: more colour, more mistakes', 0., 1., 0., both)
        p.add_double_argument('strength', '_Strength', "Amount of colour; 1 is the network's own", 0., 3., 1., both)
        p.add_layer_argument('dots', '_Painted hints', 'A layer with dots in the colours that these places have', True, both)
        p.add_string_argument('hints', '_Hints', 'X,Y,COLOR in pixels of the layer, with semicolons between: 412,310,#7a1f1f; 80,40,skyblue',
                              '', both)
        p.add_string_argument('command', '_Command', 'Where the command colorize lies; empty: search for it', '', both)
        return p

Gimp.main(ColorizeNb.__gtype__, sys.argv)
