"""nbgrad: the derivative of the plain function."""

import numpy as np
from scipy.sparse import csr_array

import nbgrad as ng

from . import bundle, workload


def gradient(name, wrt, given, known):
    """Return the call that gives the gradients of a workload."""
    given, slopes = (*given, *known.values()), ng.grad(workload(name).primal, wrt)
    return lambda: slopes(*given)


def jacobian(cameras, points, weights, views, seen):
    """Return the call that gives the numbers of the sparse Jacobian, whose pattern is known, as to the others."""
    p = weights.size
    first = cameras.size + points.size
    columns = np.concatenate((11 * views[:, :1] + np.arange(11), cameras.size + 3 * views[:, 1:] + np.arange(3),
                              first + np.arange(p)[:, None]), 1)  # fmt: skip
    indices = np.concatenate((np.repeat(columns, 2, 0).ravel(), first + np.arange(p)))
    starts = np.concatenate((bundle.COLUMNS * np.arange(2 * p), 2 * bundle.COLUMNS * p + np.arange(p + 1)))
    pattern = csr_array((np.ones(indices.size, bool), indices, starts), shape=(3 * p, first + p))
    slopes = ng.sparse_jacobian(bundle.primal, (0, 1, 2), pattern)

    def call():
        data = slopes(cameras, points, weights, views, seen).data
        return data[: -p].reshape(p, 2, bundle.COLUMNS), data[-p:]

    return call
