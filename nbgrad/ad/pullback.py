"""Reverse mode for functions of any results: gradients of all arguments from gradients of all results."""

from ..base.errors import ShapeError, problem
from .copying import leaves, size_of, written
from .expressions import Known, Tup
from .reverse import Reverse, finished
from .statements import Array, Do, Function, Group, Ref, Scalar, Store


def pullback(f: Function, kinds) -> Function:
    """Return the function of (arguments, g, g of the arguments) that gives (result, gradients of all arguments).

    `g` has the structure of the result; the gradients of arguments that follow it are those of what the arrays hold at
    the end, for arrays that the function writes into. None stands for zero.

    Parameters
    ----------
    f : Function
        Of `prepared`, with statements of its own.
    kinds : tuple
        Types of `g` and of the gradients of arguments.
    """
    made = Pullback(f, [p.name for p in f.params if getattr(p.type, "real", False)], [p.name for p in f.params])
    given = [Ref(made.fresh("g"), kinds[0]), *(Ref(made.fresh(f"g_{p.name}"), k) for p, k in zip(f.params, kinds[1:]))]
    changed = written(f)
    pairs = [(p, g) for p, g in zip(f.params, given[1:]) if p.name in changed]
    out = made.run([(f.results, given[0]), *pairs], list(f.params))
    results = Tup([f.results, Tup(out)])
    params = (*f.params, *given)
    return finished(Function(f.name, params, made.once(results), results, made.roots, f.where), made, [p.name for p in params])


def adjoint(f: Function, wrt, kinds) -> Function:
    """Return the function of (arguments, g) that gives a tuple of the gradients of the parameters at the positions `wrt`.

    `g` is the gradient of the only result that is a float, or a tuple with one for each of them, in the order of the results.
    """
    real, params = [v for v in leaves(f.results) if v.type.real], [f.params[i] for i in wrt]
    made = Pullback(f, [p.name for p in params], [p.name for p in f.params])
    g = Ref(made.fresh("g"), kinds[0])
    out = Tup(made.run([(real[0] if len(real) == 1 else Tup(real), g)], params))
    return finished(Function(f.name, (*f.params, g), made.once(out), out, made.roots, f.where), made, [p.name for p in f.params])


class Pullback(Reverse):
    """Reverse mode that begins with gradients of every result."""

    def seed(self, seeds):
        for v, g in seeds:
            self.seeded(v, g)

    def seeded(self, v, g):
        """Begin with the gradient `g` of a result, in the structure of the result."""
        if v is None or g is None or isinstance(getattr(g, "type", None), Known):
            return
        if hasattr(v, "cls"):
            for item, part in zip(v.items, self.items(g, len(v.items))):
                self.seeded(item, part)
        elif isinstance(v.type, Array):
            self.array_seeded(v, g)
        elif isinstance(v, Ref) and v.type.real:
            if not isinstance(g.type, Scalar):
                raise self.unlike("a number")
            if self.is_active(v):
                before = self.gradient.get(v.name)
                self.gradient[v.name] = self.cast(g, v.type) if before is None else self.plus(before, self.cast(g, v.type))

    def items(self, g, count):
        """Return the parts of a gradient."""
        if not isinstance(g.type, Group) or len(g.type.items) != count:
            raise self.unlike(f"a tuple of {count}")
        return [self.emit("part", (g,), t, i, g.name) for i, t in enumerate(g.type.items)]

    def unlike(self, wanted):
        return problem(ShapeError, f"vjp: the gradient of {wanted} that {self.f.name} returns has another structure",
                       "a gradient of the structure of the result", at=self.f.where)  # fmt: skip

    def array_seeded(self, v, g):
        """Add the gradient of an array to the array that holds it."""
        if not v.type.real or not self.is_active(v):
            return
        if not isinstance(g.type, Array) or g.type.ndim != v.type.ndim:
            raise self.unlike(f"an array of {v.type.ndim} axes")
        shadow = self.shadow(v)
        extents, _ = size_of(self, g)
        for a, b in zip(extents, size_of(self, shadow)[0]):
            self.block.append(Do("same", (a, b), None, self.line))
        kind, given = Scalar(v.type.dtype), Scalar(g.type.dtype)
        self.over(extents, lambda *i: self.block.append(
            Store(shadow, i, self.cast(self.emit("load", (g, *i), given), kind), True, self.line)))  # fmt: skip
