"""Variables that branches and loops write: what they hold lies in cells; the branches and the loops themselves."""

import ast
from typing import NamedTuple

from .arrays import Lazy
from .expressions import Known, Tup
from .jumps import unless
from .statements import (
    BOOL,
    INT,
    Array,
    Cell,
    Const,
    If,
    Loop,
    Put,
    Ref,
    While,
)
from .typing import promoted, said


class Pending(NamedTuple):
    """What a variable holds is in its cell."""

    cell: Cell


class Wider(Exception):  # noqa: N818 - no error: lowering begins again
    """A cell must hold a wider type than was thought."""


class Variables:
    """The part of `Lower` that follows variables through branches and loops."""

    def read(self, name):
        """Return what a variable holds."""
        frame = self.frame
        if name in frame.env:
            value = self.fetched(frame.env[name], name)
            frame.env[name] = value
            return value
        source, own = frame.source, name in frame.source.fn.__code__.co_varnames
        found = source.meaning(name, Known)
        if found is Known:
            what = f"{name} has no value here on every way" if own else f"{name} is not defined"
            raise self.refuse(
                what,
                f"a value for {name} before the branch or the loop" if own else f"a value for {name}, or the name as it is spelt there",
            )
        if name in source.scope and name in source.changing:
            raise self.refuse(f"the global {name} is changed by {source.changing[name]}", "an argument")
        return self.meaning(found)

    def fetched(self, value, name):
        if isinstance(value, Pending):
            if value.cell.type is None:
                raise self.refuse(f"{name} has no value here on every way", f"a value for {name} before the branch or the loop")
            got = self.emit("get", (value.cell,), value.cell.type, None, name)
            return self.known_array(got, value.cell.name) if isinstance(got.type, Array) else got
        if isinstance(value, Tup):
            return Tup([self.fetched(v, name) for v in value.items], value.cls)
        return value

    def cell(self, path, kind):
        """Return the cell of a variable, wide enough for a type."""
        before = self.cells.get(path)
        both = kind if before is None else promoted(before, kind)
        if both is None:
            raise self.refuse(
                f"{path.split('.')[-1]} is {said(before)} on one way and {said(kind)} on another", "one type for each variable"
            )
        if before is not None and both != before:
            self.cells[path] = both
            raise Wider
        self.cells[path] = both
        return Cell(f"{path}_", both)

    def stored(self, name, value, path=None):
        """Put the value of a variable into its cell; return what the variable is then."""
        path = path or self.frame.prefix + name
        if isinstance(value, Pending):
            return value
        if isinstance(value, Tup):
            return Tup([self.stored(name, v, f"{path}_{i}") for i, v in enumerate(value.items)], value.cls)
        if isinstance(value, Lazy):
            value = self.materialised(value, name)
        if isinstance(value, Known):
            return value
        cell = self.cell(path, value.type)
        if isinstance(value.type, Array):
            self.same_memory(cell.name, value)
        self.block.append(Put(cell, self.cast(value, cell.type), self.line))
        return Pending(cell)

    def rebound(self, body):
        """Return the names that statements give values to; an array that is only changed in place stays the same array."""
        inplace = _assigned(body) - _assigned(body, False)
        return sorted(n for n in _assigned(body) if n not in inplace or not self.is_array(self.frame.env.get(n)))

    def spilled(self, names):
        """Put what the named variables hold into their cells, before a branch or a loop that writes them."""
        env = self.frame.env
        for n in names:
            if n in env:
                env[n] = self.stored(n, env[n])

    def looked_up(self, body, rebound):
        """Read the variables that hold arrays, and that a loop reads but does not change, before it."""
        loaded = {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name)}
        for n, v in list(self.frame.env.items()):
            if n in loaded and n not in rebound and isinstance(v, Pending) and isinstance(v.cell.type, Array):
                self.read(n)

    def joined(self, names, before):
        """At the end of a block: put what it gave the variables into their cells; return what they are then."""
        env = self.frame.env
        return {n: self.stored(n, env[n]) for n in names if n in env}

    def do_If(self, s):
        test = self.value(s.test)
        if isinstance(test, Const | Known):
            self.statements(s.body if (test.value if isinstance(test, Const) else test.object) else s.orelse)
            return
        test = self.truth(test)
        names = self.rebound([*s.body, *s.orelse])
        self.spilled(names)
        before = dict(self.frame.env)
        made, after = [], []
        for branch in (s.body, s.orelse):
            self.frame.env = dict(before)
            outer = self.inner()
            self.statements(branch)
            after.append(self.joined(names, before))
            made.append(self.close(outer))
        self.block.append(If(test, made[0], made[1], s.lineno))
        self.frame.env = {**before, **self.merged(after[0], after[1], s)}

    def merged(self, a, b, s):
        """Return what variables are after a branch: what both ways agree on."""
        out = {}
        for n in {**a, **b}:
            one, other = a.get(n), b.get(n)
            if one is not None and other is not None and one != other:
                raise self.refuse(f"{n} is of another kind after each way", "one kind of value for each variable", s)
            out[n] = one if one is not None else other
        return out

    # loops

    def carried(self, before, after, s):
        """Return what variables are after a loop that gives them values."""
        return self.merged({n: before[n] for n in after if n in before}, after, s)

    def do_While(self, s):
        names = self.rebound(s.body)
        self.looked_up([s], names)
        self.spilled(names)
        before = dict(self.frame.env)
        outer = self.inner()
        test = self.until(s)
        inside = self.truth(self.value(s.test)) if test is None else self.both(test, lambda: self.value(s.test))
        head = self.close(outer)
        outer = self.inner()
        self.frame.env.update({n: v for n, v in before.items() if isinstance(v, Pending) and isinstance(v.cell.type, Array)})
        self.statements(s.body)
        after = self.joined(names, before)
        self.block, body = outer, self.block
        self.block.append(While(head, inside, body, s.lineno))
        self.frame.env = {**before, **self.carried(before, after, s)}

    def until(self, s):
        """Return the test that no flag of a loop is set; None where there are no flags."""
        flags = [self.read(f) for f in getattr(s, "until", ())]
        if not flags:
            return None
        any_set = flags[0]
        for f in flags[1:]:
            any_set = self.emit("or", (any_set, f), BOOL)
        return self.emit("not", (any_set,), BOOL)

    def do_For(self, s):
        head = self.over(s.iter)
        if head.checkpointed and getattr(s, "until", ()):
            s = self.waiting(s)
        elif getattr(s, "until", ()):
            self.leaving(s, head)
            return
        names = self.rebound([s])
        self.looked_up([s], names)
        self.spilled(names)
        before = dict(self.frame.env)
        outer = self.inner()
        hint = self.name_hint(s.target)
        index = Ref(self.fresh("i" if hint == "t" else hint if head.plain else f"i_{hint}"), INT)
        self.assign(s.target, head.item(index))
        self.statements(s.body)
        after = self.joined(names, before)
        body = self.close(outer)
        place = self.frame.source.place(s) if head.checkpointed else ""
        self.block.append(Loop(index, head.start, head.stop, head.step, body, head.parallel, s.lineno, checkpointed=place))
        self.frame.env = {**before, **self.carried(before, after, s)}

    def waiting(self, s):
        """Return a loop whose turns do nothing once it was left: as many turns as the range has, whose states can be kept."""
        if isinstance(s.target, ast.Name):
            self.frame.env.setdefault(s.target.id, Const(0, INT))
        turn = ast.Name("turn_", ast.Load())
        body = unless(s.until, [ast.copy_location(ast.Assign([s.target], turn), s), *s.body], s)
        return ast.fix_missing_locations(ast.copy_location(ast.For(ast.Name("turn_", ast.Store()), s.iter, body, []), s))

    def leaving(self, s, head):
        """A for loop that may be left early: a while loop with a counter."""
        names = sorted({*self.rebound([s]), "turn_"})
        count = self.turns(head)
        self.frame.env["turn_"] = Const(0, INT)
        self.looked_up([s], names)
        self.spilled(names)
        before = dict(self.frame.env)
        outer = self.inner()
        free = self.until(s)
        turn = self.read("turn_")
        test = self.emit("and", (free, self.emit("<", (turn, count), BOOL)), BOOL)
        top = self.close(outer)
        outer = self.inner()
        index = self.binary("+", head.start, self.binary("*", turn, head.step))
        self.assign(s.target, head.item(index))
        self.statements(s.body)
        self.frame.env["turn_"] = self.binary("+", turn, Const(1, INT))
        after = self.joined(names, before)
        self.block, body = outer, self.block
        self.block.append(While(top, test, body, s.lineno))
        self.frame.env = {**before, **self.carried(before, after, s)}

    def turns(self, head):
        """Return how many turns a range makes."""
        return self.emit("turns", (head.start, head.stop, head.step), INT, None, "n")


def _assigned(body, augmented=True):
    """Return the names that statements give values to; an element of an array is no name."""
    nodes = [n for s in body for n in ast.walk(s)]
    left = set() if augmented else {id(n.target) for n in nodes if isinstance(n, ast.AugAssign)}
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and id(n) not in left}
