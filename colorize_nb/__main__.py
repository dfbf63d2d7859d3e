"`python -m colorize_nb` is `colorize`"
from colorize_nb.cli import colorize

if __name__ == '__main__': colorize()
