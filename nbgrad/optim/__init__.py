"""Optimizers, schedules of the learning rate, and clipping."""

from .adam import LAMB as LAMB
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .adaptive import Adagrad as Adagrad
from .adaptive import RMSProp as RMSProp
from .clip import clip_by_norm as clip_by_norm
from .clip import clip_by_value as clip_by_value
from .optimizer import Optimizer as Optimizer
from .schedule import constant as constant
from .schedule import cosine as cosine
from .schedule import exponential as exponential
from .schedule import linear_warmup as linear_warmup
from .schedule import one_cycle as one_cycle
from .schedule import piecewise as piecewise
from .schedule import step_decay as step_decay
from .sgd import SGD as SGD
