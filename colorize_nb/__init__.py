__version__ = "0.3.0"

def __getattr__(name):
    "`Colorizer`, imported when it is asked for"
    if name == 'Colorizer':
        from colorize_nb import films, saving  # noqa: F401 (the modules that add its last methods)
        return saving.Colorizer
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
