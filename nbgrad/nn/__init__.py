"""Layers, and the modules they are. Losses are plain functions: `ng.cross_entropy`, `ng.mse_loss`, ..."""

from . import init as init
from .container import Flatten as Flatten
from .container import Sequential as Sequential
from .conv import Conv1d as Conv1d
from .conv import Conv2d as Conv2d
from .conv import Conv3d as Conv3d
from .conv import ConvTranspose1d as ConvTranspose1d
from .conv import ConvTranspose2d as ConvTranspose2d
from .conv import ConvTranspose3d as ConvTranspose3d
from .dropout import Dropout as Dropout
from .embedding import Embedding as Embedding
from .linear import Linear as Linear
from .module import Module as Module
from .norm import BatchNorm as BatchNorm
from .norm import GroupNorm as GroupNorm
from .norm import LayerNorm as LayerNorm
from .norm import RMSNorm as RMSNorm
from .pool import AvgPool1d as AvgPool1d
from .pool import AvgPool2d as AvgPool2d
from .pool import AvgPool3d as AvgPool3d
from .pool import GlobalAvgPool as GlobalAvgPool
from .pool import MaxPool1d as MaxPool1d
from .pool import MaxPool2d as MaxPool2d
from .pool import MaxPool3d as MaxPool3d
