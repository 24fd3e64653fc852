"""The batch and the first weights that the scripts share."""

from itertools import pairwise

import numpy as np

WIDTHS = (64, 256, 128, 10)


def batch():
    """Return images and labels."""
    rng = np.random.default_rng(5)
    return rng.random((64, WIDTHS[0]), dtype=np.float32), rng.integers(0, WIDTHS[-1], 64)


def weights():
    """Return (weight, bias) of each layer."""
    rng = np.random.default_rng(6)
    return [
        (rng.standard_normal((n, m), dtype=np.float32) * np.float32(m**-0.5), np.zeros(n, dtype=np.float32))
        for m, n in pairwise(WIDTHS)
    ]
