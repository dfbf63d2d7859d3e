__version__ = "0.2.0"

def __getattr__(name):
    "`Colorizer`, imported when it is asked for"
    if name == 'Colorizer':
        from colorize_nb.saving import Colorizer  # the module that adds its last methods
        return Colorizer
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
