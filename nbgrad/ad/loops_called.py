"""NumPy's functions that are one of several loops, by what they are given."""

from . import numpy_loops
from .expressions import Known
from .statements import FLOAT, Const


class LoopsCalled:
    """The part of `Lower` that chooses among the loops of `numpy_loops`."""

    def do_interp(self, x, xp, fp):
        loop = numpy_loops.interp_all if self.is_array(x) else numpy_loops.interp
        return self.called(loop, [x, self.an_array(xp), self.an_array(fp)], {})

    def do_quantile(self, a, q):
        loop = numpy_loops.quantiles if self.is_array(q) else numpy_loops.quantile
        return self.called(loop, [self.flat(a), q], {})

    def do_percentile(self, a, q):
        return self.do_quantile(a, self.binary("/", q, Const(100.0, FLOAT)))

    def do_trapezoid(self, y, x=None, dx=None):
        if x is not None and not isinstance(x, Known):
            return self.called(numpy_loops.trapezoid_spaced, [y, x], {})
        total = self.called(numpy_loops.trapezoid, [y], {})
        return total if dx is None else self.binary("*", total, dx)

    def do_average(self, a, axis=None, weights=None):
        if weights is None or isinstance(weights, Known):
            return self.do_mean(a, axis)
        if axis is not None and not isinstance(axis, Known):
            raise self.refuse("np.average with axis and weights is not supported", "(a * weights).sum(axis=...) / weights.sum()")
        return self.called(numpy_loops.average, [self.flat(a), self.flat(weights)], {})

    def do_diff(self, a, n=None):
        count = 1 if n is None else n.value if isinstance(n, Const) else None
        axes = len(self.sizes(self.an_array(a)))
        if count is None or axes > 2:
            raise self.refuse("np.diff of this is not supported", "a constant n, and one or two axes")
        for _ in range(count):
            a = self.called(numpy_loops.diff if axes == 1 else numpy_loops.diff_rows, [a], {})
        return a

    def do_shape(self, v):
        return self.attribute(v, "shape")

    def do_size(self, v):
        return self.attribute(v, "size")

    def do_vdot(self, a, b):
        return self.matmul(self.flat(a), self.flat(b))
