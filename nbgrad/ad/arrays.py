"""Arrays: elements and views, whole-array expressions as loops, creation; the part of `Lower` that writes loops."""

import ast
from typing import NamedTuple

from . import typing
from .expressions import Head, Known, Tup, constant
from .functions import Functions
from .statements import INT, Add, Array, Cell, Const, Do, Loop, Put, Ref, Scalar, Store


class Lazy(NamedTuple):
    """An array that is not written: what its elements are."""

    dtype: str
    extents: tuple
    at: object  # function of as many indices as there are extents
    roots: frozenset = frozenset()  # arrays that it reads


class Arrays(Functions):
    """The part of `Lower` that knows arrays."""

    def is_array(self, v):
        return isinstance(v, Lazy) or (isinstance(v, Ref) and isinstance(v.type, Array))

    def array_of(self, v):
        """Return an array that is in memory."""
        if isinstance(v, Lazy):
            return self.materialised(v)
        if not self.is_array(v):
            raise self.refuse("an array is expected here")
        return v

    def known_array(self, ref, root):
        """Note a new name of an array: whose memory it is; the extents come right after it."""
        self.roots[ref.name] = self.roots.get(root, root)
        sizes = [self.emit("size", (ref,), INT, axis, f"n_{ref.name}") for axis in range(ref.type.ndim)]
        self.extents[ref.name] = tuple(sizes)
        return ref

    def same_memory(self, a, value):
        """Two names may mean the same memory from here on."""
        one, other = self.roots.get(a, a), self.roots[value.name]
        if one != other:
            for n, r in list(self.roots.items()):
                if r == one:
                    self.roots[n] = other
            self.roots[a] = other

    def global_array(self, found):
        """An array that the function captures: a constant, as to Numba."""
        if found.dtype.name not in typing.ORDER:
            raise self.refuse(f"a captured array of {found.dtype} is not supported")
        if found.size > 4096:
            raise self.refuse(f"a captured array of {found.size} numbers is too large for a constant", "the array as an argument")
        key = ("global", found.ctypes.data)
        ref = self.emit("constant", (), Array(found.dtype.name, found.ndim), found, "captured")
        return self.known_array(ref, f"{key}")

    def sizes(self, v):
        if not self.is_array(v):
            raise self.refuse("an array is expected here")
        return v.extents if isinstance(v, Lazy) else self.extents[v.name]

    def lazy(self, v):
        """Return an array as its elements."""
        if isinstance(v, Lazy):
            return v
        at = lambda *index: self.load(v, index)
        return Lazy(v.type.dtype, self.extents[v.name], at, frozenset([self.roots[v.name]]))

    def load(self, v, index):
        return self.emit("load", (v, *index), Scalar(v.type.dtype), None, "t")

    def mapped(self, f, args):
        """Return f of the elements of arrays and of numbers, broadcast."""
        parts = [self.lazy(a) if self.is_array(a) else a for a in args]
        ndim = max(len(p.extents) for p in parts if isinstance(p, Lazy))
        extents = [None] * ndim
        for p in parts:
            if isinstance(p, Lazy):
                for k, n in enumerate(p.extents):
                    where = k + ndim - len(p.extents)
                    extents[where] = self.fitting(extents[where], n)

        def at(*index):
            values = []
            for p in parts:
                if isinstance(p, Lazy):
                    own = index[ndim - len(p.extents) :]
                    values.append(p.at(*[Const(0, INT) if _one(n) and not _one(e) else i
                                         for i, n, e in zip(own, p.extents, extents[ndim - len(p.extents) :])]))  # fmt: skip
                else:
                    values.append(p)
            return f(*values)

        outer = self.inner()  # one trial tells the dtype
        kind = at(*[Const(0, INT)] * ndim).type
        self.close(outer)
        roots = frozenset().union(*[p.roots for p in parts if isinstance(p, Lazy)])
        return Lazy(kind.dtype, tuple(extents), at, roots)

    def fitting(self, a, b):
        """Return the extent of two that are broadcast; both are checked to be equal when the function runs."""
        if a is None or a == b or _one(a):
            return b
        if not _one(b):
            self.block.append(Do("same", (a, b), None, self.line))
        return a

    def looped(self, extents, body):
        """Write loops over extents around what `body(*index)` writes."""
        index, outer = [], []
        for k, _ in enumerate(extents):
            index.append(Ref(self.fresh("ijklmn"[k] if k < 6 else "i"), INT))
            outer.append(self.inner())
        body(*index)
        for i, n in zip(index[::-1], extents[::-1]):
            made = self.close(outer.pop())
            self.block.append(Loop(i, Const(0, INT), n, Const(1, INT), made, False, self.line))

    def new(self, extents, dtype, fill="empty", name="t"):
        """Write the creation of an array."""
        ref = self.emit("new", extents, Array(dtype, len(extents)), (fill, dtype), name)
        self.roots[ref.name] = ref.name
        self.extents[ref.name] = tuple(extents)
        return ref

    def materialised(self, v, name="t"):
        """Return a value whose array, if it is one, is in memory."""
        if not isinstance(v, Lazy):
            return v
        out = self.new(v.extents, v.dtype, "empty", name)
        self.looped(v.extents, lambda *index: self.block.append(Store(out, index, v.at(*index), False, self.line)))
        return out

    def folded(self, v, op, start, axes, name="total"):
        """Return the fold of an array over some axes by op ("+", "*", or a row), from `start` (None: the first element)."""
        v = self.lazy(v)
        ndim = len(v.extents)
        axes = {a % ndim for a in axes}
        kind = Scalar(v.dtype if v.dtype in ("float32", "float64") else "int64")
        rest = [k for k in range(ndim) if k not in axes]

        def one(*outer):
            at = dict(zip(rest, outer))
            cell = Cell(self.fresh(f"{name}_"), kind)
            first = constant(start) if start is not None else v.at(*[at.get(k, Const(0, INT)) for k in range(ndim)])
            self.block.append(Put(cell, self.cast(first, kind), self.line))

            def step(*inner):
                full = {**at, **dict(zip(sorted(axes), inner))}
                x = self.cast(v.at(*[full[k] for k in range(ndim)]), kind)
                if op == "+":
                    self.block.append(Add(cell, x, self.line))
                else:
                    now = self.emit("get", (cell,), kind)
                    self.block.append(Put(cell, self.binary(op, now, x) if isinstance(op, str) else self.apply(op, [now, x]), self.line))

            self.looped([v.extents[k] for k in sorted(axes)], step)
            return self.emit("get", (cell,), kind, None, name)

        if not rest:
            return one()
        return self.materialised(Lazy(kind.dtype, tuple(v.extents[k] for k in rest), one, v.roots))

    # elements and views

    def of_Subscript(self, node):
        base = self.value(node.value)
        if isinstance(base, Tup):
            return self.item_of(base, node.slice)
        if not self.is_array(base):
            raise self.refuse(f"`{ast.unparse(node.value)}` has no elements")
        base = self.array_of(base)
        index = self.index(node.slice)
        if len(index) == base.type.ndim and all(isinstance(i, Ref | Const) and isinstance(i.type, Scalar) for i in index):
            return self.emit("load", (base, *index), Scalar(base.type.dtype))
        if any(self.is_array(i) for i in index):
            return self.gathered(base, index)
        return self.view(base, index)

    def item_of(self, base, node):
        if isinstance(node, ast.Slice):
            parts = [None if p is None else self.value(p) for p in (node.lower, node.upper, node.step)]
            if all(p is None or isinstance(p, Const) for p in parts):
                return Tup(base.items[slice(*[None if p is None else p.value for p in parts])])
        index = self.value(node)
        if not isinstance(index, Const):
            raise self.refuse("a tuple is indexed by a constant", "an array, where the index is computed")
        if not -len(base.items) <= index.value < len(base.items):
            raise self.refuse(f"index {index.value} of a tuple of {len(base.items)}")
        return base.items[index.value]

    def index(self, node):
        """Return the parts of an index: operands, arrays, `Known(None)`, or (start, stop, step) of a slice."""
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        out = []
        for p in parts:
            if isinstance(p, ast.Slice):
                out.append(tuple(None if q is None else self.value(q) for q in (p.lower, p.upper, p.step)))
            else:
                v = self.value(p)
                out += v.items if isinstance(v, Tup) and type(v) is Tup else [v]
        if any(isinstance(i, Ref | Const) and isinstance(i.type, Scalar) and (i.type.real or i.type.dtype == "bool") for i in out):
            raise self.refuse("an index is an integer, a slice, None or `...`", "int(...) around the index")
        return out

    def view(self, base, index, name="v"):
        """Return a view of an array; an axis for each slice, none for a number."""
        used = sum(1 for i in index if not (isinstance(i, Known) and i.object is None) and not _dots(i))
        if used > base.type.ndim:
            raise self.refuse(f"{used} indices for an array of {base.type.ndim} ax{'i' if base.type.ndim == 1 else 'e'}s")
        parts, args, single, axes, axis, flat = [], [base], [], 0, 0, True
        for i in index:
            if _dots(i):
                count = base.type.ndim - used
                parts, axes, axis = [*parts, *[":"] * count], axes + count, axis + count
            elif isinstance(i, Known) and i.object is None:
                single.append(axes)
                parts, axes = [*parts, "None"], axes + 1
            elif type(i) is tuple:
                text = []
                for q in i:
                    text.append("" if q is None or isinstance(q, Known) else f"{{{len(args)}}}")
                    args += [] if text[-1] == "" else [q]
                flat = flat and i == (None, None, None)
                if _single(i):
                    single.append(axes)
                parts, axes, axis = [*parts, ":".join(text[:2] if text[2] == "" else text)], axes + 1, axis + 1
            elif isinstance(i, Ref | Const) and isinstance(i.type, Scalar) and i.type.dtype not in ("float64", "float32", "bool"):
                flat, axis = flat and axes == 0, axis + 1
                parts.append(f"{{{len(args)}}}")
                args.append(i)
            else:
                raise self.refuse("an index is an integer, a slice, None or `...`")
        ndim = axes + base.type.ndim - axis
        layout = base.type.layout if flat and base.type.layout == "C" and "None" not in parts else "A"
        out = self.as_view(base, args, f"{{0}}[{', '.join(parts)}]", Array(base.type.dtype, ndim, layout), name)
        for k in single:  # known to be one, such an axis is broadcast
            self.block.append(Do("same", (self.extents[out.name][k], Const(1, INT)), None, self.line))
        sizes = enumerate(self.extents[out.name])
        self.extents[out.name] = tuple(Const(1, INT) if k in single else n for k, n in sizes)
        return out

    def as_view(self, base, args, text, kind, name="v"):
        """Write a view: `text` is how it is made of its arguments, of the array and of its gradient alike."""
        out = self.emit("view", args, kind, text, name)
        return self.known_array(out, base.name)

    def change(self, base, node, op, value):
        """Write `base[index] op= value`."""
        index = self.index(node) if not isinstance(node, list) else node
        plain = len(index) == base.type.ndim and all(isinstance(i, Ref | Const) and isinstance(i.type, Scalar) for i in index)
        if isinstance(value, Tup) or isinstance(value, Known):
            raise self.refuse("only a number or an array can be written into an array")
        if plain:
            if self.is_array(value):
                raise self.refuse("an array cannot be written into one element")
            self.write(base, tuple(index), op, value)
            return
        if any(self.is_array(i) for i in index):
            raise self.refuse("writing at an array of indices is not supported", "a for loop over the indices")
        target = self.view(base, index) if not (len(index) == 1 and _dots(index[0])) else base
        extents = self.extents[target.name]
        if self.is_array(value):
            value = self.apart(self.lazy(value), target)
            value = self.mapped(lambda x: x, [value])
            for a, b in zip(extents[::-1], value.extents[::-1]):
                if not _one(b):
                    self.fitting(a, b)
            ndim, extra = len(extents), len(value.extents)
            at = lambda index: value.at(*[Const(0, INT) if _one(n) else i for i, n in zip(index[ndim - extra :], value.extents)])
        else:
            at = lambda index: value
        self.looped(extents, lambda *index: self.write(target, index, op, at(index)))

    def apart(self, value, target):
        """Return a value that may be read while `target` is written: a copy where they share memory."""
        return self.lazy(self.materialised(value)) if self.roots[target.name] in value.roots else value

    def write(self, array, index, op, value):
        """Write one element."""
        kind = Scalar(array.type.dtype)
        if op == "+" and kind.real:
            self.block.append(Store(array, index, self.cast(value, kind), True, self.line))
            return
        if op == "-" and kind.real:
            self.block.append(Store(array, index, self.binary("*", Const(-1.0, kind), self.cast(value, kind)), True, self.line))
            return
        if op != "=":
            value = self.binary(op, self.load(array, index), value)
        if value.type.real and not kind.real and isinstance(value, Ref):
            self.block.append(Do("whole", (value,), self.frame.source.place(self.node), self.line))
        self.block.append(Store(array, index, self.cast(value, kind), False, self.line))

    def gathered(self, base, index):
        """An array at an array of indices: a copy."""
        if len(index) != 1 or isinstance(index[0], Lazy | Ref) is False:
            raise self.refuse("only one array of indices, of the first axis, is supported", "a for loop over the indices")
        picks = self.lazy(index[0])
        if picks.dtype in ("bool", "float32", "float64"):
            raise self.refuse(f"an index of {picks.dtype} is not supported", "np.where, or a for loop with an if")
        rest = self.extents[base.name][1:]
        count = len(picks.extents)
        at = lambda *i: self.load(base, (picks.at(*i[:count]), *i[count:]))
        return self.materialised(Lazy(base.type.dtype, (*picks.extents, *rest), at, frozenset([self.roots[base.name]])))

    # what for loops run over

    def over(self, node):
        """Return what a for loop runs over."""
        if isinstance(node, ast.Call):
            found = (
                self.value(node.func)
                if not isinstance(node.func, ast.Attribute) or isinstance(self.value(node.func.value), Known)
                else None
            )
            if isinstance(found, Known):
                head = self.head(found.object, node)
                if head is not None:
                    return head
        return self.along(self.value(node))

    def along(self, v):
        """Run over the first axis of an array, or over a tuple of numbers of one type."""
        if isinstance(v, Tup):
            raise self.refuse("a loop over a tuple is not supported", "a loop over an array, or its items one by one")
        v = self.array_of(v)
        item = (lambda i: self.load(v, (i,))) if v.type.ndim == 1 else lambda i: self.view(v, [i])
        return Head(Const(0, INT), self.extents[v.name][0], Const(1, INT), item, False)


def _one(n):
    return isinstance(n, Const) and n.value == 1


def _single(i):
    """Say whether a slice is of one: `a[:1]`, `a[2:3]`."""
    start, stop, step = i
    if not isinstance(stop, Const) or step is not None or not (start is None or isinstance(start, Const)):
        return False
    start = 0 if start is None else start.value
    return stop.value == start + 1 and stop.value != 0


def _dots(i):
    return isinstance(i, Known) and i.object is Ellipsis
