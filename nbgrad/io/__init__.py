"""Arrays in files, and checkpoints that survive whatever happens to the program."""

from .checkpoint import Checkpoint as Checkpoint
from .checkpoint import latest_checkpoint as latest_checkpoint
from .checkpoint import load_checkpoint as load_checkpoint
from .checkpoint import save_checkpoint as save_checkpoint
from .tensors import load_tensors as load_tensors
from .tensors import save_tensors as save_tensors
from .tensors import tensor_info as tensor_info
