"""Random orders that are the same on every machine and with every version of NumPy."""

import numpy as np

from ..base.errors import ArgumentError, problem

WORD = 2**64


def permutation(n, seed, epoch=0):
    """Return 0 ... n - 1 in a random order that depends on nothing but the arguments.

    The order is that of n words of Philox4x64-10 (Salmon et al. 2011, `numpy.random.Philox`) with the key (seed,
    epoch). `Generator.permutation` would do, but NumPy may change its algorithm between versions, and a resumed run
    needs the order it began with.

    Parameters
    ----------
    n : int
    seed, epoch : int, from 0 to 2**64 - 1

    Returns
    -------
    ndarray of intp, shape (n,)

    Raises
    ------
    ArgumentError
        When seed or epoch is out of range.

    Examples
    --------
    >>> permutation(5, seed=0), permutation(5, seed=0, epoch=1)
    (array([0, 2, 1, 4, 3]), array([3, 2, 4, 1, 0]))
    """
    for name, value in (("seed", seed), ("epoch", epoch)):
        if not isinstance(value, (int, np.integer)) or not 0 <= value < WORD:
            raise problem(ArgumentError, f"{name}={value!r} must be a whole number from 0 to 2**64 - 1", f"{name}=0")
    words = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64)).random_raw(n)
    return np.argsort(words, kind="stable")
