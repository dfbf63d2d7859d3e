"""ComfyUI's pictures in and out of colorize_nb. The colours are made by that package, on the CPU, with onnxruntime."""
import logging, re, sys
from functools import lru_cache
import numpy as np
from PIL import Image

@lru_cache(maxsize=None)
def colorizer():
    "Load the weights of the package, once; raises `ImportError` with the command that installs it"
    try: from colorize_nb import Colorizer
    except ImportError as e:
        how = f'{sys.executable} -m pip install -r requirements.txt, in the folder of these nodes'
        raise ImportError(f'colorize_nb cannot be imported ({e}): {how}') from None
    return Colorizer.from_pretrained()

def hint_lines(text): # One hint a line, or between semicolons
    "Return the hints that a text holds; raises `ValueError` (a `HintError`)"
    from colorize_nb.hint_text import as_hints
    return as_hints([line.strip() for line in re.split('[\n;]', text or '') if line.strip()])

def as_batch(image, name): # An IMAGE; the input's name
    "Return a batch of pictures as `(n,h,w,c)` float32; raises `ValueError` for anything else"
    if image is None: raise ValueError(f'{name}: no picture is connected')
    shape = tuple(getattr(image, 'shape', ()))
    if len(shape) != 4 or shape[3] not in (1, 3, 4):
        found = f'of shape {shape}' if shape else f'a {type(image).__name__}'
        raise ValueError(f'{name}: one batch of pictures of the same size is expected, (n,h,w,3), not {found}')
    if not all(shape): raise ValueError(f'{name}: an empty batch, of shape {shape}')
    pixels = image.detach().float().cpu().numpy()
    if not np.isfinite(pixels).all(): raise ValueError(f'{name}: its pixels hold NaN or infinity')
    return np.clip(pixels, 0, 1)  # as ComfyUI does where it saves a picture

def as_photo(pixels): # `(h,w,c)` float32 in [0,1]
    "Return a picture as a `Photo`, without alpha: of 8 bits where its values are such levels, as those of files are, else of 16"
    from colorize_nb.files.photo import open_photo
    rgb = pixels[...,0] if pixels.shape[2] == 1 else pixels[...,:3]
    levels = np.rint(rgb*255)
    if np.abs(rgb*255-levels).max() < 1e-3: return open_photo(Image.fromarray(levels.astype(np.uint8)))
    return open_photo(np.rint(rgb*65535).astype(np.uint16))

def painted(pixels, options): # `(h,w,c)`; `Options`
    "Return one picture in colour, `(h,w,3)`, or `(h,w,4)` with its own alpha"
    photo = as_photo(pixels)
    deep = photo.pixels.dtype != np.uint8
    rgb = colorizer().paint_page(photo, options, options.hints, deep=deep).pixels
    for line in photo.warnings: logging.warning('Colorize: %s', line)
    rgb = rgb.astype(np.float32)/(65535 if deep else 255)
    return np.concatenate([rgb, pixels[...,3:]], 2) if pixels.shape[2] == 4 else rgb

def one_by_one(n):
    "Yield the numbers of a batch's pictures; ComfyUI shows how far it is, and can stop between two of them"
    try:
        from comfy.model_management import throw_exception_if_processing_interrupted as stop
        from comfy.utils import ProgressBar
    except ImportError:  # called from a script, without ComfyUI
        yield from range(n)
        return
    bar = ProgressBar(n)
    for i in range(n):
        stop()
        yield i
        bar.update(1)

def colored(image, options_of): # An IMAGE; the number of a picture -> its `Options`
    "Return a batch in colour"
    import torch
    batch = as_batch(image, 'image')
    return torch.from_numpy(np.stack([painted(batch[i], options_of(i)) for i in one_by_one(len(batch))]))

def checked_hints(text, batch):
    "Return hints for a batch; raises `ValueError` where they are for one picture, and there are more"
    hints = hint_lines(text)
    if hints and len(batch) > 1:
        raise ValueError(f'hints are for one picture, and the batch has {len(batch)}: take one with ImageFromBatch')
    return hints

def number(default, most, tooltip): return 'FLOAT', dict(default=default, min=0., max=most, step=.05, tooltip=tooltip)

class Node:
    "What both nodes have"
    CATEGORY = 'image/colorize'
    RETURN_TYPES = 'IMAGE',
    FUNCTION = 'run'
    OPTIONS = dict(vivid=number(0., 1., 'From natural, 0, to vivid, 1: more colour, more mistakes'),
                   strength=number(1., 3., "Amount of colour; 0 gives the gray, 1 is the network's own amount"))
    HINTS = 'STRING', dict(default='', multiline=True, tooltip='Colours of pixels, one a line: X,Y,COLOR or X,Y,COLOR,REACH, '
                           'as in 412,310,#7a1f1f or 80,40,skyblue,0.3')
    @classmethod
    def VALIDATE_INPUTS(cls, hints=None):
        "Refuse hints that cannot be read before anything runs; `None` where another node gives them"
        try: hint_lines(hints)
        except (ImportError, ValueError) as e: return str(e)
        return True

class Colorize(Node):
    DESCRIPTION = ('Colours gray pictures. Each keeps its size and the lightness of every pixel; the colours are a guess, and a hint '
                   'says better. Runs on the CPU.')
    @classmethod
    def INPUT_TYPES(cls):
        return dict(required=dict(image=('IMAGE', dict(tooltip='Gray pictures; colours they have are replaced')), **cls.OPTIONS),
                    optional=dict(hints=cls.HINTS))
    def run(self, image, vivid=0., strength=1., hints=''):
        colorizer()  # first: it says how to install what is missing
        from colorize_nb.batch.options import Options
        options = Options(vivid=vivid, strength=strength, hints=checked_hints(hints, as_batch(image, 'image')))
        return colored(image, lambda i: options),

class ColorsFrom(Node):
    DESCRIPTION = ('Gives pictures the colours of another picture of the same scene: of an edited, bent, cropped or smaller copy. '
                   'They keep their own size and lightness. What the other does not show is guessed to go with it.')
    @classmethod
    def INPUT_TYPES(cls):
        return dict(required=dict(image=('IMAGE', dict(tooltip='The pictures to colour')),
                                  picture=('IMAGE', dict(tooltip='The same scene in colour, of any size: one for all, or one for each')),
                                  **cls.OPTIONS),
                    optional=dict(hints=cls.HINTS))
    def run(self, image, picture, vivid=0., strength=1., hints=''):
        colorizer()
        from colorize_nb.batch.options import Options
        images = as_batch(image, 'image')
        others = as_batch(picture, 'picture')
        if len(others) not in (1, len(images)):
            raise ValueError(f'picture: {len(others)} pictures for {len(images)} images: give one for all, or one for each')
        told = checked_hints(hints, images)
        def options(i): return Options(vivid=vivid, strength=strength, hints=told, colors_from=as_photo(others[i%len(others)]))
        return colored(image, options),
