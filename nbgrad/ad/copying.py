"""Copies of functions: a derivative changes the statements that it is written from, and may need them twice."""

from .statements import INT, Add, Array, Cell, Const, Do, Function, If, Loop, Put, Ref, Set, Store, While, walk
from .tidy import names


def copy_of(f: Function, rename=lambda name: name) -> Function:
    """Return a function of statements of its own, with other names inside where `rename` gives them; parameters keep theirs.

    >>> from .statements import FLOAT
    >>> x = Ref("x", FLOAT)
    >>> f = Function("f", (x,), [Set(Ref("y", FLOAT), "*", (x, x))], Ref("y", FLOAT))
    >>> copy_of(f, lambda n: n + "_2").results.name
    'y_2'
    """
    known = {p.name: p.name for p in f.params}
    new = lambda n: known[n] if n in known else known.setdefault(n, rename(n))
    roots = {new(n): new(r) for n, r in f.roots.items()}
    return f._replace(body=[_statement(s, new) for s in f.body], results=_operand(f.results, new), roots=roots)


def without(f: Function, words) -> Function:
    """Return the function with other names for values that are called like one of `words`, parameters too."""
    used, new = taken(f), {}
    for n in sorted(used & words):
        new[n] = f"{n}_"
        while new[n] in used or new[n] in words:
            new[n] += "_"
    name = lambda n: new.get(n, n)
    body, roots = [_statement(s, name) for s in f.body], {name(n): name(r) for n, r in f.roots.items()}
    return f._replace(params=_operand(f.params, name), body=body, results=_operand(f.results, name), roots=roots)


def copied(body, fresh):
    """Return a copy of a block in which every value that it defines has a new name, and the new names; cells keep theirs."""
    known = {v.name: Ref(fresh(v.name), v.type) for s in walk(body)
             for v in (getattr(s, "out", None), getattr(s, "index", None)) if isinstance(v, Ref)}  # fmt: skip
    new = lambda n: known[n].name if n in known else n
    return [_statement(s, new) for s in body], known


def _operand(v, new):
    if isinstance(v, Ref | Cell):
        return type(v)(new(v.name), v.type)
    if isinstance(v, Const) or v is None:
        return v
    if hasattr(v, "cls"):
        return type(v)([_operand(i, new) for i in v.items], v.cls)
    return tuple(_operand(i, new) for i in v)


def _statement(s, new):
    v, block = lambda x: _operand(x, new), lambda body: [_statement(t, new) for t in body]
    if isinstance(s, Set):
        return Set(v(s.out), s.op, v(s.args), s.extra, s.line)
    if isinstance(s, Put | Add):
        return type(s)(v(s.cell), v(s.value), s.line)
    if isinstance(s, Store):
        return Store(v(s.array), v(s.index), v(s.value), s.add, s.line)
    if isinstance(s, Loop):
        return Loop(v(s.index), v(s.start), v(s.stop), v(s.step), block(s.body), s.parallel, s.line, s.backward, s.checkpointed)
    if isinstance(s, While):
        return While(block(s.head), v(s.test), block(s.body), s.line)
    if isinstance(s, If):
        return If(v(s.test), block(s.then), block(s.other), s.line)
    return Do(s.op, v(s.args), s.extra, s.line)


def taken(f: Function) -> set:
    """Return every name that stands in a function."""
    found = {p.name for p in f.params}
    for s in walk(f.body):
        found |= set(names((getattr(s, "out", None), getattr(s, "cell", None), getattr(s, "index", None))))
    return found


def written(f: Function) -> set:
    """Return the names of the arrays whose memory a function writes into; arrays that it exchanges are one memory."""
    homes = {f.roots.get(s.array.name, s.array.name) for s in walk(f.body) if isinstance(s, Store)}
    return homes | {name for name, home in f.roots.items() if home in homes}


def leaves(value) -> list:
    """Return the operands in a nested result, None left out."""
    if value is None:
        return []
    if hasattr(value, "cls"):
        return [x for v in value.items for x in leaves(v)]
    return [value]


def size_of(builder, v):
    """Write the extents of an array, and how many numbers a value holds; return both."""


    if not isinstance(v.type, Array):
        return (), Const(1, INT)
    extents = tuple(builder.emit("size", (v,), INT, axis, "n") for axis in range(v.type.ndim))
    count = Const(1, INT)
    for n in extents:
        count = builder.times(count, n, "n")
    return extents, count
