"""Calls of functions: of those that have a meaning here, and of the user's own; ranges; Python's functions of numbers."""

import ast
import builtins

from ..ops.table import table
from .creation import Creation
from .expressions import Head, Known, Tup, constant
from .fence import source_of
from .inline import inlined
from .joining import Joining
from .known import FLAT, HANDLERS, LOOPS
from .linear import Linear
from .loops_called import LoopsCalled
from .members import Members
from .reductions import Reductions
from .ruled import Ruled
from .statements import FLOAT, INT, Const, Group, Ref, Scalar


class Functions(Creation, Reductions, Linear, Joining, LoopsCalled, Members, Ruled):
    """The part of `Lower` that knows functions by name."""

    def handler(self, fn):
        """Return the method that writes a call of a function, or None."""
        try:
            hash(fn)
        except TypeError:
            return None
        if fn in FLAT:
            return lambda v, *args, **kwargs: self.called(FLAT[fn], [self.flat(v), *args], kwargs)
        if fn in LOOPS:
            return lambda v, *args, **kwargs: self.by_axes(fn, self.an_array(v), args, kwargs)
        return getattr(self, HANDLERS[fn]) if fn in HANDLERS else None

    def by_axes(self, fn, v, args, kwargs):
        """Write the loops that a function is for arrays of as many axes."""
        found = LOOPS[fn].get(len(self.sizes(v)))
        if found is None:
            raise self.refuse(f"np.{fn.__name__} of an array of {len(self.sizes(v))} axes is not supported", "loops over its rows")
        return self.called(found, [v, *args], kwargs)

    def called(self, fn, args, kwargs):
        """Write the body of another function in place of its call."""
        source = source_of(fn)
        values = self.bound(source, args, kwargs)
        return self.called_itself(source, values) if source.fn in self.recursive else self.run(source, values)

    def bound(self, source, args, kwargs):
        """Return the values of the parameters of a function in a call."""
        names = [a.arg for a in source.tree.args.args]
        defaults = dict(zip(names[::-1], (source.fn.__defaults__ or ())[::-1]))
        given = dict(zip(names, args))
        if len(args) > len(names) or any(n not in names or n in given for n in kwargs):
            raise self.refuse(f"{source.name} takes {', '.join(names)} here", "these arguments only, or loops")
        given.update(kwargs)
        values = []
        for n in names:
            if n not in given and n not in defaults:
                raise self.refuse(f"{source.name} needs an argument {n}")
            v = given[n] if n in given else self.meaning(defaults[n])
            values.append(self.materialised(v) if self.is_array(v) else v)
        return values

    def derived(self, derivative, args):
        """Write a derivative in place of its call."""
        args = [self.materialised(a) for a in args]
        out = inlined(self, derivative.again(tuple(map(kind_of, args))), args)
        return self.entered(out)

    def entered(self, value):
        """Note the arrays among the results of statements that were written elsewhere."""
        if isinstance(value, Tup):
            return Tup([self.entered(v) for v in value.items], value.cls)
        return self.known_array(value, value.name) if self.is_array(value) else value

    # for loops

    def head(self, fn, node):
        """Return what `for ... in fn(...)` runs over; None when the call is an array like any other."""
        if getattr(fn, "__nbgrad_checkpointed__", False):
            inner = self.over(node.args[0]) if len(node.args) == 1 and isinstance(node.args[0], ast.Call) else None
            if inner is None or not inner.plain or inner.parallel:
                raise self.refuse("checkpointed takes a range", "for i in checkpointed(range(...))", node)
            return inner._replace(checkpointed=True)
        name = getattr(fn, "__name__", "")
        if fn is builtins.range or name == "prange":
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
        if not args:
            raise self.refuse("the extreme of nothing")
        out = args[0]
        for a in args[1:]:
            out = self.apply(table[row], [out, a])
        return out

    def do_min(self, *args):
        return self._extreme("minimum", args)

    def do_max(self, *args):
        return self._extreme("maximum", args)

    def do_float(self, v):
        return self.cast(self.a_number(v), v.type if v.type.real else FLOAT)

    def do_int(self, v):
        return v if self.a_number(v).type == INT else self.emit("int", (v,), INT)

    def do_bool(self, v):
        return self.truth(v)

    def do_float32(self, v):
        return self.cast(self.a_number(v), Scalar("float32"))

    def do_float64(self, v):
        return self.cast(self.a_number(v), FLOAT)

    def a_number(self, v):
        if not isinstance(v, Ref | Const) or not isinstance(v.type, Scalar):
            raise self.refuse("a number is expected here", "x.astype(...) for an array")
        return v

    def do_round(self, v):
        return self.emit("int", (self.apply(table["rint"], [v]),), INT)

def _whole(row):
    def method(self, v):
        return self.emit("int", (self.apply(table[row], [v]),), INT)

    return method


Functions.do_floor, Functions.do_ceil = _whole("floor"), _whole("ceil")


def kind_of(value):
    """Return the type of a value."""
    if isinstance(value, Tup):
        return Group(tuple(map(kind_of, value.items)), value.cls)
    return value if isinstance(value, Known) else value.type
