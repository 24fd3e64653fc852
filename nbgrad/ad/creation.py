"""New arrays: zeros, copies, ranges, arrays of given numbers."""

import numpy as np

from ..ops.table import table
from . import typing
from .expressions import Tup, constant
from .statements import FLOAT, INT, Const, Ref, Scalar


class Creation:
    """The part of `Lower` that writes the creation of arrays."""

    def shape(self, v):
        """Return the extents that a shape argument gives."""
        extents = tuple(v.items) if isinstance(v, Tup) else (v,)
        if any(not isinstance(getattr(n, "type", None), Scalar) or n.type.real for n in extents):
            raise self.refuse("a shape is an integer or a tuple of integers")
        return extents

    def dtype(self, v, default="float64"):
        if v is None:
            return default
        try:
            found = np.dtype(v.object).name
        except (AttributeError, TypeError):
            found = ""
        if found not in typing.ORDER:
            raise self.refuse("this dtype is not supported", "np.float64, np.float32, integers or np.bool_")
        return found

    def do_zeros(self, shape, dtype=None):
        return self.new(self.shape(shape), self.dtype(dtype), "zeros")

    def do_empty(self, shape, dtype=None):
        return self.new(self.shape(shape), self.dtype(dtype), "empty")

    def do_ones(self, shape, dtype=None):
        return self.filled(self.shape(shape), Const(1.0, FLOAT), self.dtype(dtype))

    def do_full(self, shape, value, dtype=None):
        return self.filled(self.shape(shape), value, self.dtype(dtype, value.type.dtype))

    def filled(self, extents, value, dtype):
        out = self.new(extents, dtype, "empty")
        self.looped(extents, lambda *index: self.write(out, index, "=", value))
        return out

    def _like(self, v):
        v = self.lazy(v)
        return v.extents, v.dtype

    def do_zeros_like(self, v, dtype=None):
        extents, own = self._like(v)
        return self.new(extents, self.dtype(dtype, own), "zeros")

    def do_empty_like(self, v, dtype=None):
        extents, own = self._like(v)
        return self.new(extents, self.dtype(dtype, own), "empty")

    def do_ones_like(self, v, dtype=None):
        extents, own = self._like(v)
        return self.filled(extents, Const(1.0, FLOAT), self.dtype(dtype, own))

    def do_full_like(self, v, value, dtype=None):
        extents, own = self._like(v)
        return self.filled(extents, value, self.dtype(dtype, own))

    def do_copy(self, v):
        return self.materialised(self.lazy(v), "copy")

    def do_asarray(self, v, dtype=None):
        v = self.an_array(v)
        return v if dtype is None and not (isinstance(v, Ref) and v.type.layout == "A") else self.do_array(v, dtype)

    def do_array(self, v, dtype=None):
        if not isinstance(v, Tup):
            v = self.do_copy(v)
            return v if dtype is None else self.method(v, "astype", [dtype], {})
        if not v.items:
            raise self.refuse("an array of nothing has no dtype", "np.zeros(0)")
        rows = [x.items if isinstance(x, Tup) else x for x in v.items]
        flat = [x for r in rows for x in (r if isinstance(r, list) else [r])]
        kind = flat[0].type.dtype
        for x in flat[1:]:
            kind = kind if x.type.dtype == kind else Scalar("float64").dtype if x.type.real or kind.startswith("float") else "int64"
        kind = self.dtype(dtype, kind)
        nested = isinstance(rows[0], list)
        extents = (constant(len(rows)), constant(len(rows[0]))) if nested else (constant(len(rows)),)
        out = self.new(extents, kind)
        for i, r in enumerate(rows):
            for j, x in enumerate(r if nested else [r]):
                self.write(out, (constant(i), constant(j)) if nested else (constant(i),), "=", x)
        return out

    def do_arange(self, start, stop=None, step=None):
        args = [a for a in (start, stop, step) if a is not None]
        kind = "float64" if any(a.type.real for a in args) else "int64"
        start, stop, step = [Const(0, INT), args[0], Const(1, INT)] if len(args) == 1 else [*args, Const(1, INT)][:3]
        if kind == "int64":
            count = self.emit("turns", (start, stop, step), INT)
        else:
            count = self.emit("int", (self.apply(table["ceil"], [self.binary("/", self.binary("-", stop, start), step)]),), INT)
        out = self.new((count,), kind)
        self.looped((count,), lambda i: self.write(out, (i,), "=", self.binary("+", start, self.binary("*", i, step))))
        return out

    def do_linspace(self, start, stop, num=None):
        num = num if num is not None else constant(50)
        out = self.new((num,), "float64")
        step = self.binary("/", self.binary("-", stop, start), self.binary("-", num, constant(1)))
        self.looped((num,), lambda i: self.write(out, (i,), "=", self.binary("+", start, self.binary("*", i, step))))
        return out

    def do_eye(self, n, dtype=None):
        out = self.new((n, n), self.dtype(dtype), "zeros")
        self.looped((n,), lambda i: self.write(out, (i, i), "=", Const(1.0, FLOAT)))
        return out
