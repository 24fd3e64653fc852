"""What calls of Python's, NumPy's and Numba's functions mean: ranges, creation of arrays, reductions, products."""

import builtins
import math

import numpy as np

from ..ops.table import table
from .expressions import Head, Known, Tup, constant
from .fence import source_of
from .statements import FLOAT, INT, Array, Const, Ref, Scalar

REDUCTIONS = {"sum": ("+", 0), "prod": ("*", 1), "max": (table.get("maximum"), None), "min": (table.get("minimum"), None)}
PLAIN_RANGES = ("prange", "checkpointed")


class Functions:
    """The part of `Lower` that knows functions by name."""

    def handler(self, fn):
        """Return the method that writes a call of a function, or None."""
        try:
            return getattr(self, HANDLERS[fn]) if fn in HANDLERS else None
        except TypeError:
            return None

    def called(self, fn, args, kwargs):
        """Write the body of another function in place of its call."""
        source = source_of(fn)
        names = [a.arg for a in source.tree.args.args]
        defaults = dict(zip(names[::-1], (source.fn.__defaults__ or ())[::-1]))
        given = dict(zip(names, args))
        given.update(kwargs)
        values = []
        for n in names:
            if n not in given and n not in defaults:
                raise self.refuse(f"{source.name} needs an argument {n}")
            v = given[n] if n in given else self.meaning(defaults[n])
            values.append(self.materialised(v) if self.is_array(v) else v)
        return self.run(source, values)

    # for loops

    def head(self, fn, node):
        """Return what `for ... in fn(...)` runs over; None when the call is an array like any other."""
        name = getattr(fn, "__name__", "")
        if fn is builtins.range or name in PLAIN_RANGES:
            if name == "checkpointed" and getattr(node.args[0], "args", None) is not None:
                node = node.args[0]
            args = [self.value(a) for a in node.args]
            for a in args:
                if not isinstance(a, Ref | Const) or a.type.real:
                    raise self.refuse("range takes integers")
            start, stop, step = [Const(0, INT), args[0], Const(1, INT)] if len(args) == 1 else [*args, Const(1, INT)][:3]
            return Head(start, stop, step, lambda i: i, True, name == "prange")
        if fn is builtins.enumerate:
            inner = self.over(node.args[0])
            first = self.value(node.args[1]) if len(node.args) > 1 else Const(0, INT)
            count = lambda i: self.binary("+", i, first)
            if inner.plain:
                raise self.refuse("enumerate of a range is not supported", "range alone")
            return inner._replace(item=lambda i: Tup([count(i), inner.item(i)]), plain=False)
        if fn is builtins.zip:
            inner = [self.over(a) for a in node.args]
            if any(h.plain for h in inner):
                raise self.refuse("zip of a range is not supported", "one range, and the arrays by index")
            stop = inner[0].stop
            for h in inner[1:]:
                stop = stop if h.stop == stop else self.apply(table["minimum"], [stop, h.stop])
            return inner[0]._replace(stop=stop, item=lambda i: Tup([h.item(i) for h in inner]), plain=False)
        return None

    # Python

    def do_len(self, v):
        return constant(len(v.items)) if isinstance(v, Tup) else self.sizes(v)[0]

    def do_abs(self, v):
        return self.apply(table["abs"], [v])

    def _extreme(self, row, args):
        if len(args) == 1 and isinstance(args[0], Tup):
            args = args[0].items
        out = args[0]
        for a in args[1:]:
            out = self.apply(table[row], [out, a])
        return out

    def do_min(self, *args):
        return self._extreme("minimum", args)

    def do_max(self, *args):
        return self._extreme("maximum", args)

    def do_float(self, v):
        return self.cast(v, v.type if v.type.real else FLOAT)

    def do_int(self, v):
        return v if v.type == INT else self.emit("int", (v,), INT)

    def do_bool(self, v):
        return self.truth(v)

    def do_float32(self, v):
        return self.cast(v, Scalar("float32"))

    def do_float64(self, v):
        return self.cast(v, FLOAT)

    def do_round(self, v):
        return self.emit("int", (self.apply(table["round"], [v]),), INT)

    # creation

    def shape(self, v):
        """Return the extents that a shape argument gives."""
        return tuple(v.items) if isinstance(v, Tup) else (v,)

    def dtype(self, v, default="float64"):
        if v is None:
            return default
        return np.dtype(v.object).name if isinstance(v, Known) else default

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

    def do_array(self, v, dtype=None):
        if not isinstance(v, Tup):
            return self.do_copy(v)
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

    def do_arange(self, *args):
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

    def do_eye(self, n):
        out = self.new((n, n), "float64", "zeros")
        self.looped((n,), lambda i: self.write(out, (i, i), "=", Const(1.0, FLOAT)))
        return out

    # reductions

    def reduced(self, kind, v, axis=None):
        op, start = REDUCTIONS[kind]
        v = self.lazy(v)
        axes = range(len(v.extents)) if axis is None else [axis.value]
        return self.folded(v, op, start, axes, kind)

    def do_sum(self, v, axis=None):
        return self.reduced("sum", v, axis)

    def do_prod(self, v, axis=None):
        return self.reduced("prod", v, axis)

    def do_amax(self, v, axis=None):
        return self.reduced("max", v, axis)

    def do_amin(self, v, axis=None):
        return self.reduced("min", v, axis)

    def do_mean(self, v, axis=None):
        total = self.reduced("sum", v, axis)
        sizes = self.lazy(v).extents
        count = sizes[axis.value] if axis is not None else sizes[0]
        for n in sizes[1:] if axis is None else ():
            count = self.binary("*", count, n)
        return self.binary("/", total, count)

    def do_var(self, v):
        v = self.array_of(v)
        m = self.do_mean(v)
        return self.do_mean(self.mapped(lambda x: self.square(self.binary("-", x, m)), [v]))

    def do_std(self, v):
        return self.apply(table["sqrt"], [self.do_var(v)])

    def square(self, x):
        return self.binary("*", x, x)

    def do_cumsum(self, v):
        v = self.lazy(v)
        n = v.extents[0]
        out = self.new((n,), v.dtype, "empty")
        total = self.stored("running", constant(0.0), self.fresh("running"))

        def step(i):
            now = self.binary("+", self.fetched(total, "running"), v.at(i))
            self.stored("running", now, total.cell.name[:-1])
            self.write(out, (i,), "=", now)

        self.looped((n,), step)
        return out

    def do_where(self, test, a, b):
        def one(t, x, y):
            return self.chosen(self.truth(t), ([], x), ([], y))

        return self.mapped(one, [test, a, b])

    def do_outer(self, a, b):
        a, b = self.lazy(a), self.lazy(b)
        at = lambda i, j: self.binary("*", a.at(i), b.at(j))
        return self.mapped(lambda x: x, [type(a)("float64" if "float64" in (a.dtype, b.dtype) else a.dtype, (*a.extents, *b.extents), at, a.roots | b.roots)])

    def do_dot(self, a, b):
        return self.matmul(a, b)

    def matmul(self, a, b):
        """Write a product of vectors and matrices: rows times columns."""
        a, b = self.array_of(a), self.array_of(b)
        n = self.extents[a.name][-1]
        self.fitting(n, self.extents[b.name][0])
        if a.type.ndim == b.type.ndim == 1:
            return self.folded(self.mapped(lambda x, y: self.binary("*", x, y), [a, b]), "+", 0, [0], "dot")
        kind = a.type.dtype if a.type.dtype == b.type.dtype else "float64"
        extents = (*self.extents[a.name][:-1], *self.extents[b.name][1:])
        out = self.emit("matmul", (a, b), Array(kind, len(extents)), None, "product")
        self.roots[out.name], self.extents[out.name] = out.name, extents
        return out

    # attributes and methods of arrays

    def attribute(self, v, name):
        if name == "shape":
            return Tup(list(self.sizes(v)))
        if name == "ndim":
            return constant(len(self.sizes(v)))
        if name == "size":
            out = constant(1)
            for n in self.sizes(v):
                out = self.binary("*", n, out)
            return out
        if name == "dtype":
            return Known(np.dtype(v.dtype if hasattr(v, "extents") else v.type.dtype))
        if name == "T":
            v = self.array_of(v)
            kind = Array(v.type.dtype, v.type.ndim, {"C": "F", "F": "C"}.get(v.type.layout, "A") if v.type.ndim > 1 else v.type.layout)
            return self.as_view(v, (v,), "{0}.T", kind)
        raise self.refuse(f"`.{name}` of an array is not supported")

    def method(self, v, name, args, kwargs):
        """Write a call of a method of an array."""
        if name in ("sum", "prod", "max", "min"):
            return self.reduced(name, v, *args, **kwargs)
        if name in ("mean", "var", "std", "copy", "cumsum", "dot"):
            return getattr(self, f"do_{name}")(v, *args, **kwargs)
        if name == "astype":
            kind = Scalar(self.dtype(args[0]))
            return self.materialised(self.mapped(lambda x: self.cast(x, kind), [v]))
        if name == "fill":
            v = self.array_of(v)
            self.looped(self.extents[v.name], lambda *index: self.write(v, index, "=", args[0]))
            return Known(None)
        if name in ("ravel", "flatten", "reshape"):
            return self.reshaped(v, name, args)
        raise self.refuse(f"`.{name}()` of an array is not supported")

    def reshaped(self, v, name, args):
        v = self.array_of(v)
        if v.type.layout != "C" or name == "flatten":
            v = self.do_copy(v)
        if name != "reshape":
            return self.as_view(v, (v,), "{0}.ravel()", Array(v.type.dtype, 1))
        extents = self.shape(args[0]) if len(args) == 1 else tuple(args)
        text = ", ".join(f"{{{k + 1}}}" for k in range(len(extents)))
        return self.as_view(v, (v, *extents), f"{{0}}.reshape(({text},))", Array(v.type.dtype, len(extents)))


HANDLERS = {
    builtins.len: "do_len", builtins.abs: "do_abs", builtins.min: "do_min", builtins.max: "do_max", builtins.float: "do_float",
    builtins.int: "do_int", builtins.bool: "do_bool", builtins.round: "do_round", np.float32: "do_float32", np.float64: "do_float64",
    np.int64: "do_int", np.zeros: "do_zeros", np.empty: "do_empty", np.ones: "do_ones", np.full: "do_full",
    np.zeros_like: "do_zeros_like", np.empty_like: "do_empty_like", np.ones_like: "do_ones_like", np.full_like: "do_full_like",
    np.copy: "do_copy", np.array: "do_array", np.asarray: "do_array", np.arange: "do_arange", np.linspace: "do_linspace", np.eye: "do_eye",
    np.sum: "do_sum", np.prod: "do_prod", np.max: "do_amax", np.min: "do_amin", np.mean: "do_mean", np.var: "do_var",
    np.std: "do_std", np.cumsum: "do_cumsum", np.where: "do_where", np.outer: "do_outer", np.dot: "do_dot", np.vdot: "do_dot",
    math.floor: "do_floor", math.ceil: "do_ceil", math.trunc: "do_int",
}  # fmt: skip


def _whole(row):
    def method(self, v):
        return self.emit("int", (self.apply(table[row], [v]),), INT)

    return method


Functions.do_floor, Functions.do_ceil = _whole("floor"), _whole("ceil")
