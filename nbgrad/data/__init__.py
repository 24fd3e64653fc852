"""Data sets, batches, and readers of data files."""

from .dataset import ArrayDataset as ArrayDataset
from .digits import load_digits as load_digits
from .loader import Batches as Batches
from .loader import batches as batches
from .readers import read_idx as read_idx
from .readers import read_npz as read_npz
from .tables import Table as Table
from .tables import read_csv as read_csv
