"""The way back through variables that hold arrays: `x = x_new`, `u, v = v, u`.

Beside such a variable there is one that holds the array of its gradient. On the way back it follows: where the variable was
given an array, that array takes over the gradient, and the variable holds none (an empty array stands for it) until
something adds to the gradient of what it held before. Where one array is known by two names whose gradients meet, they are
added; that is wrong where the array is written to in between, so it is refused there.
"""

import itertools

from ..base.errors import GradientError, problem
from .statements import BOOL, INT, Array, Const, If, Put, Ref, Scalar, Set, Store, walk


class BackCells:
    """The part of `Reverse` that knows variables that hold arrays."""

    def begin_cells(self):
        """Put empty arrays into the gradients of variables that hold arrays."""
        self.pointed, self.hollow, self.now, self.empty_arrays, self.shadow_roots = set(), [], [], {}, {}
        self.array_cells = {s.cell.name: s.cell for s in walk(self.f.body)
                            if isinstance(s, Put) and isinstance(s.cell.type, Array) and self.is_active(s.cell)}  # fmt: skip
        for cell in sorted(self.array_cells.values(), key=lambda c: c.name):
            self.block.append(Put(self.twin(cell), self.empty_array(cell)))

    def shadow_root(self, name):
        """Return the name of the memory of the gradients of an array: one for all that a variable may hold."""
        root = self.roots.get(name, name)
        if root not in self.shadow_roots and any(self.roots.get(c, c) == root for c in self.array_cells):
            known = set(self.roots.values())
            self.shadow_roots[root] = next(n for k in itertools.count() if (n := f"gradients of {root}{k * '*'}") not in known)
        return self.shadow_roots.get(root)

    def rooted(self, ref, cell):
        self.roots[ref.name] = self.shadow_root(cell.name)
        return ref

    def empty_array(self, cell):
        key = (cell.type.dtype, cell.type.ndim)
        if key not in self.empty_arrays:
            outer, self.block = self.block, self.start
            made = self.emit("new", [Const(0, INT)] * key[1], Array(*key), ("empty", key[0]), "nothing")
            self.block = outer
            self.empty_arrays[key] = self.rooted(made, cell)
        return self.empty_arrays[key]

    def held_now(self, cell):
        """Return (the array that holds the gradient of a variable, whether there is none)."""
        found = self.rooted(self.emit("get", (self.twin(cell),), self.twin(cell).type, None, f"g_{cell.name}"), cell)
        count = self.emit("size", (found,), INT, 0, "n")
        return found, self.emit("==", (count, Const(0, INT)), BOOL)

    def sure(self, cell, sizes):
        """Return the gradient of a variable: zeros of given extents where there was none."""
        _, none = self.held_now(cell)
        outer, self.block = self.block, []
        zeros = self.rooted(self.emit("new", sizes, self.twin(cell).type, ("zeros", cell.type.dtype), "zeros"), cell)
        self.block.append(Put(self.twin(cell), zeros, self.line))
        made, self.block = self.block, outer
        self.block.append(If(none, made, [], self.line))
        return self.rooted(self.emit("get", (self.twin(cell),), self.twin(cell).type, None, f"g_{cell.name}"), cell)

    def level(self, name):
        """Return the number of the open block in which a value is defined, None for none."""
        home = self.home.get(name)
        return next((k for k, (body, _) in enumerate(self.levels) if body is home), None)

    def cell_shadow(self, v, s):
        """Return the gradient of what a variable held when it was read, None where it has to be an array of its own."""
        cell, k = s.args[0], self.level(v.name)
        if k is None or cell.name in self.hollow[k] or self.given_since(cell, s, k):
            return None
        self.pointed.add(v.name)
        return self.sure(cell, self.sizes_of(v))

    def given_since(self, cell, s, k):
        """Say whether a variable may be given another array between where it was read and where the way back is now."""
        body, now = self.levels[k][0], self.now[k]
        first = next(i for i, t in enumerate(body) if t is s)
        last = next((i for i, t in enumerate(body) if t is now), None)
        between = body[first + 1 :] if last is None else body[first + 1 : last + 1]
        return any(isinstance(t, Put) and t.cell == cell for t in walk([*between, *([now] if last is None else [])]))

    def touched(self, s):
        """Return the variables that a block reads or gives arrays to."""
        given = {t.cell.name for t in walk([s]) if isinstance(t, Put)}
        return given | {t.args[0].name for t in walk([s]) if isinstance(t, Set) and t.op == "get"}

    def back_get(self, s):
        """The gradient of what was read is that of what the variable holds."""
        g, cell = self.shadows.get(s.out.name), s.args[0]
        if g is None or s.out.name in self.pointed:
            return
        if cell.name in self.hollow[-1]:
            self.block.append(Put(self.twin(cell), g, s.line))
            self.hollow[-1].discard(cell.name)
            return
        self.unwritten(cell)
        found, none = self.held_now(cell)
        outer, self.block = self.block, []
        self.added(found, g)
        made, self.block = self.block, outer
        self.block.append(If(none, [Put(self.twin(cell), g, s.line)], made, s.line))

    def back_given(self, s):
        """An array was given to a variable: it takes over the gradient of the variable."""
        cell, v = s.cell, s.value
        if cell.name in self.hollow[-1]:
            return
        made = self.defined.get(v.name)
        if (made is None or made.op != "view") and v.name not in self.shadows and self.home_level(v.name) is self.block:
            self.shadows[v.name] = self.sure(cell, self.extents_of(v))
        else:
            self.unwritten(cell)
            g = self.shadow(v)
            found, none = self.held_now(cell)
            outer, self.block = self.block, []
            self.added(g, found)
            adding, self.block = self.block, outer
            self.block.append(If(none, [], adding, s.line))
        self.block.append(Put(self.twin(cell), self.empty_array(cell), s.line))
        self.hollow[-1].add(cell.name)

    def added(self, array, other):
        """Add the elements of an array to those of another."""
        sizes = [self.emit("size", (array,), INT, axis, "n") for axis in range(array.type.ndim)]
        self.over(sizes, lambda *i: self.block.append(
            Store(array, i, self.emit("load", (other, *i), Scalar(other.type.dtype)), True, self.line)))  # fmt: skip

    def extents_of(self, v):
        s = self.defined.get(v.name)
        if s is not None and s.op == "new":
            return [self.need(a) for a in s.args]
        return self.sizes_of(v) or [self.emit("size", (self.need(v),), INT, axis, "n") for axis in range(v.type.ndim)]

    # arrays known by several names

    def unwritten(self, cell):
        """Refuse where two names of one array have gradients of their own, and the array is written to."""
        root = self.roots.get(cell.name, cell.name)
        stores = [s for s in walk(self.f.body) if isinstance(s, Store) and self.roots.get(s.array.name, s.array.name) == root]
        given = [s for s in walk(self.f.body) if isinstance(s, Put) and self.roots.get(s.cell.name, s.cell.name) == root]
        for s in stores:
            base = self.base(s.array)
            made = self.defined.get(base.name)
            late = any(self.base(p.value).name == base.name and not self.filled_first(s, p) for p in given)
            if late or (isinstance(made, Set) and made.op == "get"):
                name = cell.name.rstrip("_")
                what = f"{name} and another name mean the same array, which is written to"
                raise problem(GradientError, f"no derivative of {self.f.name}: {what}",
                              f"{name} = {name}.copy() where they become the same", at=self.f.where)  # fmt: skip

    def base(self, v):
        """Return the array that a view is of."""
        while isinstance(v, Ref) and v.name in self.defined and self.defined[v.name].op == "view":
            v = self.defined[v.name].args[0]
        return v

    def filled_first(self, store, put):
        """Say whether an array is only written to before it is given to a variable."""
        name = self.base(put.value).name
        return self.order[id(store)] < self.order[id(put)] and self.path.get(name, ()) == self.paths.get(id(put), ())
