"""Change of dtype, and the identity."""

import numpy as np

from .table import elementwise


@elementwise(df=lambda: 1.0, accepts="any", ref=lambda x: np.asarray(x))
def astype(x):
    """The same numbers in another dtype; called through `Tensor.astype`."""
    return x


@elementwise(df=lambda: 1.0, accepts="any", ref=np.copy)
def copy(x):
    """The same numbers in memory of their own."""
    return x
