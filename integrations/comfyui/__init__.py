"Two nodes for ComfyUI that colour gray pictures with colorize_nb and keep their lightness."
from .nodes import Colorize, ColorsFrom

NODE_CLASS_MAPPINGS = {'ColorizeKeepsLightness': Colorize, 'ColorizeColorsFrom': ColorsFrom}
NODE_DISPLAY_NAME_MAPPINGS = {'ColorizeKeepsLightness': 'Colorize (keeps lightness)', 'ColorizeColorsFrom': 'Colours from'}
__all__ = ['NODE_CLASS_MAPPINGS', 'NODE_DISPLAY_NAME_MAPPINGS']
