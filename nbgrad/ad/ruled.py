"""Functions with a gradient rule of the user's: `nbgrad.custom_vjp` on an `@njit` function.

In a derivative such a function is its forward, which gives (result, residuals). Behind it stands a `Do` that names results,
residuals and arguments: there the way back leaves out what the forward is made of, and is the user's backward instead.
"""

from typing import NamedTuple

from .expressions import Known, Tup
from .fence import source_of
from .statements import Array, Const, Do, Group, Ref, Store, walk
from .tidy import names


class CustomRule(NamedTuple):
    """The rule of a function: `forward` gives (result, residuals), `backward` of those and g one gradient per argument."""

    name: str
    forward: object
    backward: object


def rule_of(fn) -> CustomRule | None:
    """Return the rule that a function was given by `custom_vjp`, None for an ordinary one."""
    return getattr(fn, "__nbgrad_rule__", None)


def leaves(v):
    """Return the operands of a nested value, with None where it holds none."""
    return [x for i in v.items for x in leaves(i)] if isinstance(v, Tup) else [v]


def kind_of(v):
    """Return the type of a nested value."""
    if isinstance(v, Tup):
        return Group(tuple(kind_of(i) for i in v.items), v.cls)
    return Known(None) if v is None else v.type


class Ruled:
    """The part of `Lower` that writes calls of functions with a rule."""

    def ruled(self, fn, args, kwargs):
        rule = rule_of(fn)
        if rule.backward is None:
            raise self.refuse(f"{rule.name} has no rule yet", f"{rule.name}.defvjp(forward, backward)")
        if any(f.source.fn is getattr(rule.forward, "py_func", rule.forward) for f in self.frames):
            return self.called(fn, args, kwargs)  # the forward calls the function itself
        args = self.bound(source_of(fn), args, kwargs)
        outer = self.inner()
        pair = self.called(rule.forward, args, {})
        made = self.close(outer)
        self.unchanged(made, args, rule)
        self.block += made
        if not isinstance(pair, Tup) or len(pair.items) != 2:
            raise self.refuse(f"the forward of {rule.name} returns no pair", "return out, residuals")
        given = Tup([self.plain_value(a) for a in args])
        residuals = self.plain_value(self.returned_value(pair.items[1]))
        reals = [a for a in leaves(given) if isinstance(a, Ref) and a.type.real]
        out = self.cut(self.returned_value(pair.items[0]), reals)
        self.block.append(Do("ruled", (out, residuals, given), rule, self.line))
        return out

    def returned_value(self, v):
        return Tup([self.returned_value(i) for i in v.items], v.cls) if isinstance(v, Tup) else self.materialised(v)

    def plain_value(self, v):
        """Return a value with None for what is no number."""
        if isinstance(v, Tup):
            return Tup([self.plain_value(i) for i in v.items], v.cls)
        return None if isinstance(v, Known) else v

    def cut(self, v, reals):
        """Return results as values of their own, which depend on the arguments."""
        if isinstance(v, Tup):
            return Tup([self.cut(i, reals) for i in v.items], v.cls)
        if isinstance(v, Const):
            return self.emit("ruled", (v, *reals), v.type) if v.type.real else v
        out = self.emit("ruled", (v, *reals), v.type._replace(layout="C") if isinstance(v.type, Array) else v.type)
        if isinstance(v.type, Array):
            self.roots[out.name], self.extents[out.name] = out.name, self.extents[v.name]
        return out

    def unchanged(self, made, args, rule):
        """Refuse a forward that writes into its arguments."""
        homes = {self.roots[n] for n in names(args) if n in self.roots}
        if any(isinstance(s, Store) and self.roots.get(s.array.name) in homes for s in walk(made)):
            raise self.refuse(f"the forward of {rule.name} writes into its arguments", "a new array: out = x.copy()")
