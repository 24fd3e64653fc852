"""The way back through operations on whole arrays: the text of their rules, in place."""

import inspect

from ..base.errors import GradientError, problem
from .activity import active
from .back_calls import derived_once
from .holding import Holding
from .inline import inlined
from .rule_text import rule_text
from .sizes import sized
from .statements import Array, Put, Set, Store, walk


class BackArrays:
    """The part of `Reverse` that knows arrays as wholes."""

    def hold(self, f, inputs, ends):
        """Put statements into a function that keep arrays which the way back reads."""
        derived_once(f)
        self.held, self.extents = {}, {}
        asks = lambda s: s.op in ("array", "ruled", "call") if isinstance(s, Set) else isinstance(s, Put) and isinstance(s.cell.type, Array)
        if any(map(asks, walk(f.body))):
            self.active = active(f.body, self.roots, inputs, ends)
            found = Holding(f.body, self.roots, self.fresh, self.is_active)
            known = sized(f.body)
            self.held, self.extents = found.held, {v: tuple(known.get(n.name, n) for n in e) for v, e in found.extents.items()}

    def sizes_of(self, v):
        """Return the extents of an array on the way back, None where nobody noted them."""
        return [self.need(n) for n in self.extents[v.name]] if v.name in self.extents else None

    def back_array(self, s):
        """Write the rules of an operation for its arguments that have gradients."""
        if isinstance(s.out.type, Array):
            g = self.shadows.get(s.out.name)
        else:
            g = self.gradient.pop(s.out.name, None)
            g = g if g is None else self.got(g, f"g_{s.out.name}")
        if g is None:
            return
        known = dict(zip(s.extra.params, s.args)) | {"out": s.out}
        for param, v in zip(s.extra.params, s.args):
            if not self.is_active(v):
                continue
            rule = s.extra.vjp.get(param)
            if rule is None:
                raise problem(GradientError, f"no derivative of {s.extra.name}", None, at=self.f.where)
            special = {"into": lambda v=v: self.shadow(v), "g": lambda: g}
            values = [special[n]() if n in special else self.then(s, known[n]) for n in inspect.signature(rule).parameters]
            inlined(self, rule_text(rule, tuple(v.type for v in values)), values)

    def then(self, s, v):
        """Return a value as it was when an operation read it."""
        return self.held.get((id(s), v.name)) or self.need(v)

    def back_hold(self, s):
        array, *index, value = s.args
        self.block.append(Store(array, tuple(map(self.need, index)), self.need(value), False, s.line))

    def back_held(self, s):
        array, *sizes = s.args
        self.block.append(Set(array, "new", tuple(map(self.need, sizes)), ("empty", array.type.dtype), s.line))
