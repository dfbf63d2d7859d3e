"Everything, for notebooks: `from colorize_nb.all import *`"
from colorize_nb import compat  # first: says what to install, lets torchvision import
from fastai.vision.all import *
from colorize_nb.icc import *
from colorize_nb.pixels import *
from colorize_nb.color import *
from colorize_nb.steer import *
from colorize_nb.photo import *
from colorize_nb.paint import *
from colorize_nb.weights import *
from colorize_nb.batch import *
from colorize_nb.plan import *
from colorize_nb.data import *
from colorize_nb.store import *
from colorize_nb.generator import *
from colorize_nb.graph import *
from colorize_nb.foreign import *
from colorize_nb.critic import *
from colorize_nb.losses import *
from colorize_nb.metrics import *
from colorize_nb.learner import *
from colorize_nb.gan import *
from colorize_nb.colorizer import *
from colorize_nb.hints import *
from colorize_nb.baselines import *
from colorize_nb.compare import *
from colorize_nb.survey import *
from colorize_nb.train import *
