"""Forward mode: beside every statement of a function the statement of its tangent."""

import inspect

from ..base.errors import GradientError, problem
from ..ops.table import MISSING
from .activity import active
from .back_calls import derived_once
from .copying import taken, written
from .expressions import Tup
from .inline import inlined
from .rule_text import rule_text
from .rules import Builder
from .statements import (
    FLOAT,
    INT,
    Add,
    Array,
    Cell,
    Const,
    Do,
    Function,
    Group,
    If,
    Loop,
    Put,
    Ref,
    Scalar,
    Set,
    Store,
    While,
)
from .tidy import Shared, dead, names

OWN = ("part", "load", "get", "view", "new", "constant", "tape", "select", "array", "ruled")  # operations with a method; others are sums


def tidied(g: Function, outside) -> Function:
    """Return a function without what nobody needs; the memory named in `outside` is seen by the caller."""
    results = Shared(g.roots).run(g.body, g.results)
    dead(g.body, (results,), g.roots, outside)
    return g._replace(results=results)


def forward(f: Function, kinds, value=True) -> Function:
    """Return the function of the arguments and their tangents that gives (result, its tangent).

    Tangents of arrays that the function writes into are written in place too, like the arrays.

    Parameters
    ----------
    f : Function
        Of `prepared`, with statements of its own.
    kinds : tuple
        Types of the tangents, one for each parameter; what belongs to integers is not read.
    value : bool
        Whether the result comes first.
    """
    made = Forward(f)
    tangents = [Ref(made.fresh(f"t_{p.name}"), kind) for p, kind in zip(f.params, kinds, strict=True)]
    made.begin({p.name: t for p, t in zip(f.params, tangents) if getattr(p.type, "real", False)})
    made.block = body = []
    made.statements(f.body)
    t = made.of_result(f.results)
    results = Tup([f.results, t]) if value else t
    params = (*f.params, *tangents)
    seen = [made.roots.get(p.name, p.name) for p in params]
    return tidied(Function(f.name, params, body, results, made.roots, f.where), seen)


class Forward(Builder):
    """Writes the statements of a function with those of their tangents."""

    def __init__(self, f: Function):
        super().__init__(taken(derived_once(f)))
        self.f, self.roots, self.tangents = f, dict(f.roots), {}

    def begin(self, given):
        """Take the tangents of parameters by name (a tuple's is a tuple); find out what they reach."""
        self.tangents.update(given)
        parts, inputs = {s.out.name: s.args[0].name for s in self.f.body if isinstance(s, Set) and s.op == "part"}, set(given)
        for name, base in parts.items():
            if base in inputs:
                inputs.add(name)
        ends = [*names((self.f.results,)), *written(self.f), *(p.name for p in self.f.params)]
        self.active = active(self.f.body, self.roots, inputs, ends) | inputs
        for name, t in given.items():
            if isinstance(t, Ref) and isinstance(t.type, Array):
                self.roots[t.name] = self.root(name)

    def root(self, name):
        """Return the name of the memory of the tangents of an array."""
        return f"tangents of {self.roots.get(name, name)}"

    def is_active(self, v):
        return isinstance(v, Ref | Cell) and v.type.real and self.roots.get(v.name, v.name) in self.active

    # tangents of values

    def kind(self, kind):
        """Return the type of the tangent of a value."""
        return kind

    def tangent(self, v):
        """Return the tangent of a value: an operand, zero where none flows."""
        if isinstance(v.type, Array):
            return self.tangents[v.name] if v.name in self.tangents else self.fresh_tangent(v, "zeros")
        found = self.tangents.get(v.name) if self.is_active(v) else None
        return Const(0.0, self.kind(v.type)) if found is None else self.cast(found, self.kind(v.type))

    def fresh_tangent(self, v, fill):
        """Write a new array for the tangents of an array that has none."""
        sizes = [self.emit("size", (v,), INT, axis, "n") for axis in range(v.type.ndim)]
        return self.new_tangent(v, sizes, (fill, self.kind(Scalar(v.type.dtype)).dtype))

    def new_tangent(self, v, sizes, extra):
        kind = self.kind(Scalar(v.type.dtype))
        out = self.emit("new", sizes, Array(kind.dtype, v.type.ndim), extra, f"t_{v.name}")
        self.roots[out.name] = self.root(v.name)
        return out

    def twin(self, cell):
        """Return the variable that holds the tangent of a variable."""
        key = ("cell", cell.name)
        if key not in self.tangents:
            kind = cell.type._replace(dtype=self.kind(Scalar(cell.type.dtype)).dtype)
            self.tangents[key] = Cell(self.fresh(f"t_{cell.name}"), kind)
            if isinstance(kind, Array):
                self.roots[self.tangents[key].name] = self.root(cell.name)
        return self.tangents[key]

    def of_result(self, v):
        """Return the tangent of a result, in its structure; zero for integers."""
        if v is None:
            return None
        if hasattr(v, "cls"):
            return Tup([self.of_result(i) for i in v.items], v.cls)
        if not v.type.real and isinstance(v.type, Array):
            sizes = [self.emit("size", (v,), INT, axis, "n") for axis in range(v.type.ndim)]
            out = self.emit("new", sizes, Array("float64", v.type.ndim), ("zeros", "float64"), f"t_{v.name}")
            self.roots[out.name] = out.name
            return out
        return self.tangent(v) if v.type.real else Const(0.0, FLOAT)

    # statements

    def statements(self, body):
        for s in body:
            self.line = s.line
            getattr(self, f"do_{type(s).__name__}")(s)

    def inside(self, body):
        """Return a block with its tangents."""
        outer, self.block = self.block, []
        self.statements(body)
        made, self.block = self.block, outer
        return made

    def take(self, lane):
        """Go on with the tangents of one of several directions."""

    def each(self, write, s):
        """Write what belongs to a statement for every direction."""
        write(s)

    def do_Set(self, s):
        if s.op == "call" and self.is_active(s.out):
            self.called(s)
            return
        self.block.append(s)
        if self.is_active(s.out):
            self.each(self.tangent_of, s)

    def tangent_of(self, s):
        t = getattr(self, f"of_{s.op}")(s) if s.op in OWN else self.linear(s)
        self.tangents[s.out.name] = t
        if isinstance(t, Ref) and isinstance(t.type, Array):
            self.roots[t.name] = self.root(s.out.name)

    def called(self, s):
        """Write calls that give the result with its tangents."""
        active = tuple(i for i, v in enumerate(s.args) if self.is_active(v))
        dual = s.extra.derived("dual", active)
        if self.kind(s.out.type) != s.out.type:
            raise problem(GradientError, f"no sparsity pattern of {self.f.name}: {s.extra.name.removeprefix('call_')} calls itself",
                          "a loop with an explicit stack", at=self.f.where)  # fmt: skip
        known = []

        def lane(s):
            pair = self.emit("call", (*s.args, *(self.tangent(s.args[i]) for i in active)), dual.result, dual, s.out.name)
            if not known:
                known.append(self.block.append(Set(s.out, "part", (pair,), 0, s.line)))
            self.tangents[s.out.name] = self.emit("part", (pair,), s.out.type, 1, f"t_{s.out.name}")

        self.each(lane, s)

    def linear(self, s):
        """Return the sum of the tangents of the arguments times the partials."""
        if isinstance(s.out.type, Array):
            raise problem(GradientError, f"no forward derivative of `{s.op}` of arrays", "reverse mode", at=self.f.where)
        if not any(self.is_active(a) for a in s.args):
            return Const(0.0, s.out.type)
        total = Const(0.0, s.out.type)
        for i, part, steep in self.partials(s):
            if not self.is_active(s.args[i]):
                continue
            t = self.cast(self.tangent(s.args[i]), s.out.type)
            if isinstance(part, MISSING):
                raise problem(GradientError, f"no derivative of {s.extra.name}: {part.reason}", None, at=self.f.where)
            made = part() if callable(part) else part
            product = t if made is None else self.guarded(t, made) if steep else self.times(t, made)
            total = self.plus(total, product, f"t_{s.out.name}")
        return self.cast(total, s.out.type)

    def of_part(self, s):
        base = self.tangents[s.args[0].name]
        if isinstance(base, Tup):
            return base.items[s.extra]
        if not isinstance(base.type, Group) or len(base.type.items) <= s.extra:
            raise problem(GradientError, f"a tangent of {self.f.name} has another structure than its argument",
                          "tangents of the structure of the arguments", at=self.f.where)  # fmt: skip
        return self.emit("part", (base,), base.type.items[s.extra], s.extra, f"t_{s.out.name}")

    def of_load(self, s):
        base = self.tangent(s.args[0])
        return self.emit("load", (base, *s.args[1:]), self.kind(s.out.type), None, f"t_{s.out.name}")

    def of_get(self, s):
        twin = self.twin(s.args[0])
        return self.emit("get", (twin,), twin.type, None, f"t_{s.out.name}")

    def of_view(self, s):
        base = self.tangent(s.args[0])
        kind = s.out.type._replace(dtype=base.type.dtype)
        return self.emit("view", (base, *s.args[1:]), kind, s.extra, f"t_{s.out.name}")

    def of_new(self, s):
        return self.new_tangent(s.out, s.args, (s.extra[0], self.kind(Scalar(s.out.type.dtype)).dtype))

    def of_constant(self, s):
        return self.fresh_tangent(s.out, "zeros")

    def of_tape(self, s):
        kind = s.out.type._replace(dtype=self.kind(Scalar(s.out.type.dtype)).dtype)
        return self.emit("tape", s.args, kind, kind.dtype, f"t_{s.out.name}")

    def of_select(self, s):
        test, a, b = s.args
        ways = [self.tangent(v) for v in (a, b)]
        return self.emit("select", (test, *ways), self.kind(s.out.type), None, f"t_{s.out.name}")

    def of_ruled(self, s):
        raise problem(GradientError, "no forward derivative of a function with nbgrad.custom_vjp: its rule is for reverse mode",
                      "nbgrad.grad or nbgrad.vjp", at=self.f.where)  # fmt: skip

    def of_array(self, s):
        """Return the sum of what the rules of an operation on whole arrays give for its arguments."""
        rule, total = s.extra, None
        known = dict(zip(rule.params, s.args)) | {"out": s.out}
        for param, v in zip(rule.params, s.args):
            if not self.is_active(v):
                continue
            if param not in rule.jvp:
                raise problem(GradientError, f"no forward derivative of {rule.name}", "reverse mode", at=self.f.where)
            values = [{**known, "t": self.tangent(v)}[n] for n in inspect.signature(rule.jvp[param]).parameters]
            term = inlined(self, rule_text(rule.jvp[param], tuple(v.type for v in values)), values)
            if isinstance(term.type, Array):
                self.roots[term.name] = self.root(s.out.name)
            total = term if total is None else self.added(total, term) if isinstance(term.type, Array) else self.plus(total, term)
        return total

    def added(self, array, other):
        """Add the elements of an array to those of another; return that."""
        sizes = [self.emit("size", (array,), INT, axis, "n") for axis in range(array.type.ndim)]
        self.over(sizes, lambda *i: self.block.append(
            Store(array, i, self.emit("load", (other, *i), Scalar(other.type.dtype)), True, self.line)))  # fmt: skip
        return array

    def do_Put(self, s):
        if self.is_active(s.cell):
            self.each(self.put, s)
        self.block.append(s)

    def put(self, s):
        twin, t = self.twin(s.cell), self.tangent(s.value)
        self.block.append(Put(twin, t if isinstance(twin.type, Array) else self.cast(t, twin.type), s.line))

    def do_Add(self, s):
        if self.is_active(s.cell) and self.is_active(s.value):
            self.each(self.add, s)
        self.block.append(s)

    def add(self, s):
        twin = self.twin(s.cell)
        self.block.append(Add(twin, self.cast(self.tangent(s.value), twin.type), s.line))

    def do_Store(self, s):
        if self.is_active(s.array) and (self.is_active(s.value) or not s.add):
            self.each(self.store, s)
        self.block.append(s)

    def store(self, s):
        array = self.tangent(s.array)
        t = self.cast(self.tangent(s.value), Scalar(array.type.dtype))
        self.block.append(Store(array, s.index, t, s.add, s.line))

    def do_Loop(self, s):
        made = Loop(s.index, s.start, s.stop, s.step, self.inside(s.body), s.parallel, s.line, s.backward, s.checkpointed)
        self.block.append(made)

    def do_While(self, s):
        head = self.inside(s.head)
        self.block.append(While(head, s.test, self.inside(s.body), s.line))

    def do_If(self, s):
        then = self.inside(s.then)
        self.block.append(If(s.test, then, self.inside(s.other), s.line))

    def do_Do(self, s):
        self.block.append(s)
        if s.op == "grow" and self.is_active(s.args[0]):
            self.each(self.grow, s)

    def grow(self, s):
        self.block.append(Do("grow", (self.tangents[s.args[0].name], *s.args[1:]), s.extra, s.line))


class Several(Forward):
    """Forward mode in several directions at once: what does not depend on the direction is computed once."""

    def __init__(self, f: Function, width):
        super().__init__(f)
        self.lanes, self.lane = [self.tangents, *({} for _ in range(width - 1))], 0

    def take(self, lane):
        self.tangents, self.lane = self.lanes[lane], lane

    def each(self, write, s):
        for lane in range(len(self.lanes)):
            self.take(lane)
            write(s)

    def root(self, name):
        return f"{super().root(name)} in {self.lane}"


__all__ = ["Forward", "Several", "forward"]
