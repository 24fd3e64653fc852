"""The way back through functions with a gradient rule of the user's."""

from ..base.errors import GradientError, problem
from .expressions import Known, Tup
from .inline import inlined
from .matrices import RULES
from .rule_text import rule_text
from .ruled import kind_of, leaves
from .statements import Array, Const, Do, Ref, Scalar, Set, Store, blocks, walk


class BackRuled:
    """The part of `Reverse` that writes the way back through a function with a rule."""

    def back_ruled(self, s):
        out, residuals, args = s.args
        if not any(isinstance(v, Ref) and (v.name in self.gradient or v.name in self.shadows) for v in leaves(out)):
            return
        g = self.flowed(out)
        known = self.as_it_was(s, residuals)
        backward = rule_text(s.extra.backward, (kind_of(known), kind_of(g)))
        found = inlined(self, backward, [known, g])
        found = found.items if isinstance(found, Tup) and (found.cls is None) else [found]
        if len(found) != len(args.items):
            raise problem(GradientError, f"the backward of {s.extra.name} returns {len(found)} gradients for {len(args.items)} arguments",
                          "a tuple with one gradient per argument, None where there is none", at=self.f.where)  # fmt: skip
        for v, g in zip(args.items, found):
            self.flows(s.extra.name, v, g)

    def flowed(self, v):
        """Return the gradient of results in their structure, zero where nothing flowed."""
        if isinstance(v, Tup):
            return Tup([self.flowed(i) for i in v.items], v.cls)
        if not isinstance(v, Ref) or not v.type.real:
            return Const(0.0, Scalar("float64")) if not isinstance(getattr(v, "type", None), Array) else None
        if isinstance(v.type, Array):
            return self.shadow(v)
        g = self.gradient.pop(v.name, None)
        return Const(0.0, v.type) if g is None else self.got(g, f"g_{v.name}")

    def as_it_was(self, s, v):
        if isinstance(v, Tup):
            return Tup([self.as_it_was(s, i) for i in v.items], v.cls)
        return self.then(s, v) if isinstance(v, Ref) else v

    def flows(self, name, v, g):
        """Add the gradient of an argument, in its structure."""
        if isinstance(v, Tup):
            if g is not None:
                for i, part in zip(v.items, g.items):
                    self.flows(name, i, part)
            return
        if g is None or isinstance(g, Known) or not isinstance(v, Ref) or not self.is_active(v):
            return
        if not isinstance(v.type, Array):
            if not isinstance(g.type, Scalar):
                raise self.misshaped(name)
            self.give(v, g)
            return
        if not isinstance(g.type, Array) or g.type.ndim != v.type.ndim:
            raise self.misshaped(name)
        into = self.shadow(v)
        for axis in range(v.type.ndim):
            sizes = [self.emit("size", (a,), Scalar("int64"), axis, "n") for a in (into, g)]
            self.block.append(Do("same", tuple(sizes), None, self.line))
        kind = Scalar(into.type.dtype)
        sizes = [self.emit("size", (into,), Scalar("int64"), axis, "n") for axis in range(v.type.ndim)]
        self.over(sizes, lambda *i: self.block.append(
            Store(into, i, self.cast(self.emit("load", (g, *i), Scalar(g.type.dtype)), kind), True, self.line)))  # fmt: skip

    def misshaped(self, name):
        return problem(GradientError, f"a gradient that the backward of {name} returns is not like its argument",
                       "a gradient of the shape of the argument", at=self.f.where)  # fmt: skip


def plainly(body):
    """Make results of functions with a rule what their forward computes: derivatives of a derivative go through it."""
    for b in [body, *[b for s in walk(body) for b in blocks(s)]]:
        b[:] = [s for s in b if not (isinstance(s, Do) and s.op == "ruled")]
        for s in b:
            if isinstance(s, Set) and s.op == "ruled":
                s.args = s.args[:1]
                s.op, s.extra = ("array", RULES["copy"]) if isinstance(s.out.type, Array) else ("copy", None)
    return body
