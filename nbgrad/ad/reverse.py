"""Reverse mode: the statements of a function, and after them those of its gradient in the opposite order."""

from ..base.errors import GradientError, problem
from ..ops.table import MISSING
from .activity import active
from .back_arrays import BackArrays
from .back_calls import BackCalls
from .back_cells import BackCells
from .back_ruled import BackRuled, plainly
from .checkpointed import Checkpointed
from .copying import copy_of, taken
from .expressions import Tup
from .hoist import hoisted
from .holding import unheld
from .independent import joined
from .induction import accumulated, inducted
from .keeping import Keeping
from .orders import ordered
from .parallel import threaded
from .preaccumulated import Preaccumulated
from .rows import unrolled
from .rules import Builder
from .sizes import sized
from .statements import (
    FLOAT,
    INT,
    Add,
    Array,
    Cell,
    Const,
    Function,
    Group,
    If,
    Put,
    Ref,
    Scalar,
    Set,
    Store,
    blocks,
    walk,
)
from .tidy import Shared, dead, living, names, renamed
from .unread import unread


def prepared(f: Function) -> Function:
    """Return a function ready to be differentiated: without what its results do not need, nothing computed twice."""
    inputs = [p.name for p in f.params]
    unrolled(f.body)
    results = renamed(Shared(f.roots).run(f.body, f.results), sized(f.body))
    dead(f.body, (results,), f.roots, inputs)
    inducted(f.body, Builder(taken(f)).fresh)
    accumulated(f.body)
    hoisted(f)
    results = Shared(f.roots).run(f.body, results)
    dead(f.body, (results,), f.roots, inputs)
    return f._replace(results=results)


def reverse(f: Function, wrt, value=True, single=None) -> Function:
    """Return the function that computes gradients of a number with respect to some of its parameters.

    Parameters
    ----------
    f : Function
        Of `prepared`. Its result is one float.
    wrt : tuple of int
        Positions of parameters.
    value : bool
        Whether the result comes first.
    single : bool, optional
        Whether the gradient is that of the only parameter, not a tuple of one.
    """
    kind = getattr(f.results, "type", None)
    if not isinstance(kind, Scalar) or not kind.real:
        raise problem(GradientError, f"grad: {f.name} does not return a float, and a gradient is of a float",
                      "return one float, or use nbgrad.jacobian", at=f.where)  # fmt: skip
    active_names, seeds, params = [f.params[i].name for i in wrt], [(f.results, Const(1.0, f.results.type))], [f.params[i] for i in wrt]
    trial = Reverse(copy_of(f), active_names)
    gradients = trial.run(seeds, params)
    again_in = trial.worth()
    made = Reverse(f, active_names, again_in=again_in) if again_in else trial
    gradients = made.run(seeds, params) if again_in else gradients
    out = gradients[0] if (len(gradients) == 1 if single is None else single) else Tup(gradients)
    results = Tup([f.results, out]) if value else out
    g = Function(f.name, f.params, made.once(results), results, made.roots, f.where)
    return finished(g, made, [p.name for p in f.params])


def finished(g: Function, made, outside) -> Function:
    """Return a written gradient without what nobody needs, its loops in the order and on the threads they may have."""
    def tidied(g):
        results = Shared(g.roots).run(g.body, g.results)
        body = unread(g.body, results, g.roots, outside)
        return g._replace(body=dead(body, (results,), g.roots, outside), results=results)

    g = tidied(g)
    made.body = g.body
    ordered(g.body, g.results, g.roots, made.fresh)
    threaded(g.body, made)
    return tidied(g)


class Reverse(BackArrays, BackCalls, BackCells, BackRuled, Checkpointed, Keeping, Preaccumulated, Builder):
    """Writes the gradient of a function: forward with what is kept, then back."""

    def __init__(self, f: Function, inputs, ends=(), again_in=()):
        Builder.__init__(self, taken(f))
        self.again_in = again_in  # positions of loops over time whose turns are computed again
        self.f, self.roots = f, dict(f.roots)
        self.parts = {s.out.name: s for s in f.body if isinstance(s, Set) and s.op == "part"}
        inputs = {*inputs, *(n for n, s in self.parts.items() if self.origin(s) in inputs)}
        self.hold(f, inputs, [*names((f.results,)), *ends])
        self.survey(f)
        self.active = active(f.body, self.roots, inputs, [*names((f.results,)), *ends])
        self.levels = []  # the open blocks of the way back: (block, their gradients so far)
        self.gradient: dict = {}  # name of a value -> its gradient so far, an operand or a cell
        self.shadows: dict = {}
        self.twins: dict = {}  # name of a variable -> the variable of its gradient
        self.twice, self.ahead = [], {}

    def origin(self, s):
        while s.op == "part" and s.args[0].name in self.parts:
            s = self.parts[s.args[0].name]
        return s.args[0].name

    def is_active(self, v):
        return isinstance(v, Ref | Cell) and self.roots.get(v.name, v.name) in self.active

    def run(self, seeds, wrt):
        """Write everything; return the gradients of parameters, in the structure of the parameters."""
        self.cells = sorted({s.cell for s in walk(self.f.body) if isinstance(s, Put | Add) and self.is_active(s.cell)
                             and not isinstance(s.cell.type, Array)}, key=lambda c: c.name)  # fmt: skip
        outer, self.block = self.block, []
        self.start = self.block
        own = set().union(*[t.own for t in self.deferred.values()])
        for c in self.cells:
            if c.name not in own:
                self.block.append(Put(self.twin(c), Const(0.0, c.type)))
        self.begin_cells()
        self.seed(seeds)
        self.backward(self.f.body)
        out = self.gathered(wrt)
        back = self.block
        self.block = outer
        self.body = plainly(unheld([*self.forward(), *self.around(back)]))
        return out

    def once(self, results):
        """Return the statements with each independent loop run once where that is possible, forward and back together."""
        body, outside = self.body, [p.name for p in self.f.params]
        for s, back, sums in self.twice:
            first, extra = self.ahead[id(s)], _writers(back, sums, self.roots)
            before = [(b, list(b)) for b, _ in extra]
            for b, ours in extra:
                b[:] = [t for t in b if t not in ours]
            alive, seen = living(body, (results,), self.roots, outside)
            if first in body and back in body and not sums & (alive | seen):
                body = [t for t in body if t is not first]  # all else that it writes, each turn on the way back writes again
            elif first in body and back in body:
                for b, whole in before:
                    b[:] = whole
                together = joined(body, first, back, self.roots)
                if together is not None:
                    body = together
                    continue
                for b, ours in extra:
                    b[:] = [t for t in b if t not in ours]
        return body

    def seed(self, seeds):
        """Begin with the gradients of results: pairs of a result and its gradient, in the structure of the result."""
        for v, g in seeds:
            if self.is_active(v):
                self.gradient[v.name] = g

    def gathered(self, wrt):
        """Return the gradients of parameters at the end."""
        return [self.total(p) for p in wrt]

    def around(self, back):
        """Return the way back as it follows the way forward."""
        return back

    def total(self, p):
        """Return the gradient of a parameter."""
        if isinstance(p.type, Group):
            parts = {s.extra: s.out for s in self.parts.values() if s.args[0].name == p.name}
            whole = [parts.get(i) or self.emit("part", (p,), t, i, p.name) for i, t in enumerate(p.type.items)]
            return Tup([self.total(v) for v in whole], p.type.cls)
        if isinstance(p.type, Array):
            return self.shadow(p)
        found = self.gradient.get(p.name)
        return Const(0.0, p.type if getattr(p.type, "real", False) else FLOAT) if found is None else self.got(found)

    # gradients of numbers

    def twin(self, cell):
        """Return the variable that holds the gradient of a variable."""
        if cell.name not in self.twins:
            kind = Array(cell.type.dtype, cell.type.ndim) if isinstance(cell.type, Array) else cell.type
            self.twins[cell.name] = Cell(self.fresh(f"g_{cell.name}"), kind)
            if isinstance(kind, Array):
                self.roots[self.twins[cell.name].name] = self.shadow_root(cell.name)
        return self.twins[cell.name]

    def got(self, found, name="d"):
        return self.emit("get", (found,), found.type, None, name) if isinstance(found, Cell) else found

    def give(self, v, g):
        """Add to the gradient of a value."""
        if not self.is_active(v) or (isinstance(g, Const) and g.value == 0):
            return
        g = self.cast(g, v.type)
        home, before = self.home_level(v.name), self.gradient.get(v.name)
        if home is self.block:
            if isinstance(before, Cell):
                self.block.append(Add(before, g, self.line))
            else:
                self.gradient[v.name] = g if before is None else self.plus(before, g, f"g_{v.name}")
            return
        if not isinstance(before, Cell):
            cell = Cell(self.fresh(f"g_{v.name}"), v.type)
            home.append(Put(cell, Const(0.0, v.type) if before is None else before, self.line))
            self.gradient[v.name] = before = cell
        self.block.append(Add(before, g, self.line))

    def home_level(self, name):
        """Return the open block of the way back that stands for the block where a value is defined."""
        home = self.home.get(name)
        for body, out in reversed(self.levels):
            if body is home:
                return out if out is not None else self.block
        return self.start

    def shadow(self, v):
        """Return the array that holds the gradient of an array."""
        found = self.shadows.get(v.name)
        if found is not None:
            return found
        s = self.defined.get(v.name)
        home = self.home_level(v.name)
        before, self.block = self.block, home
        if s is not None and s.op == "view":
            base = self.shadow(s.args[0])
            found = self.emit("view", (base, *map(self.need, s.args[1:])), v.type, s.extra, f"g_{v.name}")
            self.roots[found.name] = self.roots.get(base.name, base.name)
        else:
            found = self.cell_shadow(v, s) if s is not None and s.op == "get" else None
            if found is None:
                found = self.emit("new", self.extents_of(v), Array(v.type.dtype, v.type.ndim), ("zeros", v.type.dtype), f"g_{v.name}")
        self.block = before
        self.roots.setdefault(found.name, self.shadow_root(v.name) or found.name)
        self.shadows[v.name] = found
        return found

    # statements

    def backward(self, body):
        """Write the way back through a block into the open block."""
        self.levels.append((body, self.block))
        self.hollow.append(set() if len(self.levels) > 1 else set(self.array_cells))
        self.now.append(None)
        for s in reversed(body):
            self.line, self.now[-1] = s.line, s
            getattr(self, f"back_{type(s).__name__}")(s)
            if blocks(s) and self.array_cells:
                self.hollow[-1] -= self.touched(s)
        for stack in (self.levels, self.hollow, self.now):
            stack.pop()

    def back_Set(self, s):
        if s.op in ("view", "new", "part", "ruled") or not self.is_active(s.out):
            return
        if s.op == "load":
            g = self.gradient.pop(s.out.name, None)
            if g is not None:
                index = tuple(map(self.need, s.args[1:]))
                self.block.append(Store(self.shadow(s.args[0]), index, self.got(g), True, s.line))
            return
        if s.op == "array" or isinstance(s.out.type, Array):
            found = {"array": self.back_array, "get": self.back_get}.get(s.op)
            if found is not None:
                found(s)
            return
        if s.op == "call":
            return self.back_call(s)
        found = self.gradient.pop(s.out.name, None)
        if found is None:
            return
        g = self.got(found, f"g_{s.out.name}")
        if s.op == "get":
            self.block.append(Add(self.twin(s.args[0]), g, s.line))
            return
        if s.op == "select":
            zero, test = Const(0.0, g.type), self.need(s.args[0])
            for v, ways in ((s.args[1], (g, zero)), (s.args[2], (zero, g))):
                if self.is_active(v):
                    self.give(v, self.emit("select", (test, *ways), g.type))
            return
        for i, part, steep in self.partials(s):
            if self.is_active(s.args[i]):
                self.give(s.args[i], self.product(s, g, part, steep))

    def product(self, s, g, part, steep):
        """Return the gradient times a partial."""
        if isinstance(part, MISSING):
            raise problem(GradientError, f"no derivative of {s.extra.name}: {part.reason}", None, at=self.f.where)
        if part is None:
            return g
        start = len(self.block)
        made = part() if callable(part) else part
        for t in self.block[start:]:
            t.args = tuple(self.need(a) for a in t.args)
        made = self.need(made)
        return self.guarded(g, made) if steep else self.times(g, made)

    def back_Put(self, s):
        if isinstance(s.cell.type, Array):
            if self.is_active(s.cell):
                self.back_given(s)
        elif self.is_active(s.cell):
            twin = self.twin(s.cell)
            g = self.got(twin)
            self.block.append(Put(twin, Const(0.0, twin.type), s.line))
            self.give(s.value, g)

    def back_Add(self, s):
        if self.is_active(s.cell) and self.is_active(s.value):
            self.give(s.value, self.got(self.twin(s.cell)))

    def back_Store(self, s):
        if not self.is_active(s.array):
            return
        shadow, index = self.shadow(s.array), tuple(map(self.need, s.index))
        if self.is_active(s.value):
            g = self.emit("load", (shadow, *index), s.value.type)
            if not s.add:
                self.block.append(Store(shadow, index, Const(0.0, g.type), False, s.line))
            self.give(s.value, g)
        elif not s.add:
            self.block.append(Store(shadow, index, Const(0.0, s.value.type), False, s.line))

    def back_Do(self, s):
        if s.op in ("hold", "held", "ruled"):
            getattr(self, f"back_{s.op}")(s)

    def back_If(self, s):
        made = []
        for b in (s.then, s.other):
            outer, self.block = self.block, []
            self.backward(b)
            made.append(self.refreshed(b, self.block))
            self.block = outer
        if made[0] or made[1]:
            self.block.append(If(self.need(s.test), made[0], made[1], s.line))

    def back_Loop(self, s):
        if id(s) in self.deferred:
            self.turn_by_turn(s)
            return
        if id(s) in self.around_it:
            self.back_checkpointed(s)
            return
        outer, self.block = self.block, []
        self.back_turn(s)
        made, self.block = self.block, outer
        back = Ref(self.fresh(s.index.name), INT)
        made = self.refreshed(s.body, made, s)
        if not made:
            return
        if s.checkpointed:
            raise self.not_kept(s, "it is in a loop that is not checkpointed", "checkpointed for the loop around it too, or range alone")
        start, stop, step = map(self.need, (s.start, s.stop, s.step))
        self.block += self.counted(s, back, made, start, stop, step)

    def back_While(self, s):
        outer, self.block = self.block, []
        self.back_turn(s)
        made = self.block
        self.block = outer
        made = self.refreshed(s.head, self.refreshed(s.body, made, s), s)
        if made:
            self.block += self.again(s, made)


def _writers(loop, sums, roots):
    """Return (block, statements of it that write what a loop is for) for the blocks of a loop."""
    out = []
    for b in [loop.body, *[b for t in walk(loop.body) for b in blocks(t)]]:
        ours = [t for t in b if (isinstance(t, Put | Add) and t.cell.name in sums)
                or (isinstance(t, Store) and roots.get(t.array.name, t.array.name) in sums)]  # fmt: skip
        if ours:
            out.append((b, ours))
    return out
