"""Sums, products, extremes and moments over axes of arrays."""

from ..ops.arithmetic import maximum, minimum
from ..ops.table import table
from .expressions import Known, constant
from .statements import Const

REDUCTIONS = {"sum": ("+", 0), "prod": ("*", 1), "max": (maximum, None), "min": (minimum, None)}


class Reductions:
    """The part of `Lower` that writes reductions."""

    def reduced(self, kind, v, axis=None):
        op, start = REDUCTIONS[kind]
        v = self.lazy(self.an_array(v))
        return self.folded(v, op, start, self.axes(v, axis), kind)

    def axes(self, v, axis):
        """Return the axes that an argument `axis` names."""
        count = len(v.extents)
        if axis is None or (isinstance(axis, Known) and axis.object is None):
            return range(count)
        if not isinstance(axis, Const):
            raise self.refuse("axis is no constant", "a number: a.sum(axis=0)")
        if not -count <= axis.value < count:
            raise self.refuse(f"axis {axis.value} of an array of {count} axes")
        return [axis.value % count]

    def do_sum(self, v, axis=None):
        return self.reduced("sum", v, axis)

    def do_prod(self, v, axis=None):
        return self.reduced("prod", v, axis)

    def do_amax(self, v, axis=None):
        return self.reduced("max", v, axis)

    def do_amin(self, v, axis=None):
        return self.reduced("min", v, axis)

    def do_mean(self, v, axis=None):
        v = self.lazy(self.an_array(v))
        total = self.folded(v, "+", 0, self.axes(v, axis), "mean")
        count = constant(1)
        for k in self.axes(v, axis):
            count = self.binary("*", v.extents[k], count)
        return self.binary("/", total, count)

    def do_var(self, v):
        v = self.array_of(v)
        m = self.do_mean(v)
        return self.do_mean(self.mapped(lambda x: self.square(self.binary("-", x, m)), [v]))

    def do_std(self, v):
        return self.apply(table["sqrt"], [self.do_var(v)])

    def square(self, x):
        return self.binary("*", x, x)
