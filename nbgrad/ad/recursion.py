"""The statements of functions that call themselves, and of their gradients and tangents, which call themselves too.

A gradient runs its function forward at each level anew: below d calls inside of each other that is up to d times more.
"""

from .copying import copy_of
from .expressions import Tup
from .forward import Forward, tidied
from .reverse import Reverse, finished, prepared
from .routine import Routine
from .statements import Array, Const, Function, Ref, Set, walk


def statements_of(routine: Routine) -> Function:
    """Return the statements of a routine."""
    f = prepared(copy_of(routine.source.statements))
    write = {"call": lambda f, _: f, "pull": _pulled, "dual": _dual}[routine.kind]
    return write(f, routine.active)._replace(name=routine.name)


def called(f: Function) -> dict:
    """Return the routines that a function calls, and those that they call: name -> statements."""
    found, todo = {}, [f]
    while todo:
        for s in walk(todo.pop().body):
            if isinstance(s, Set) and s.op == "call" and s.extra.name not in found:
                found[s.extra.name] = statements_of(s.extra)
                todo.append(found[s.extra.name])
    return found


class Pulled(Reverse):
    """Reverse mode whose gradients of arrays are arguments."""

    def __init__(self, f, active):
        super().__init__(f, [f.params[i].name for i in active])
        self.g = Ref(self.fresh("g"), f.results.type)
        self.given = {p.name: Ref(self.fresh(f"g_{p.name}"), p.type._replace(layout="A"))
                      for p in (f.params[i] for i in active) if isinstance(p.type, Array)}  # fmt: skip

    def seed(self, seeds):
        for n, g in self.given.items():
            self.shadows[n] = g
            self.roots[g.name] = self.shadow_root(n) or g.name
        super().seed(seeds)


def _pulled(f, active):
    made = Pulled(f, active)
    numbers = [f.params[i] for i in active if not isinstance(f.params[i].type, Array)]
    out = made.run([(f.results, made.g)], numbers)
    results = Tup(out or [Const(0.0, f.results.type)])
    params = (*f.params, made.g, *made.given.values())
    g = Function(f.name, params, made.once(results), results, made.roots, f.where)
    return finished(g, made, [made.roots.get(p.name, p.name) for p in params])


def _dual(f, active):
    made = Forward(f)
    tangents = {f.params[i].name: Ref(made.fresh(f"t_{f.params[i].name}"), f.params[i].type) for i in active}
    made.begin(tangents)
    made.block = body = []
    made.statements(f.body)
    results = Tup([f.results, made.of_result(f.results)])
    params = (*f.params, *tangents.values())
    return tidied(Function(f.name, params, body, results, made.roots, f.where), [made.roots.get(p.name, p.name) for p in params])
