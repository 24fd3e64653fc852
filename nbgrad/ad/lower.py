"""From the text of a function and the types of its arguments to statements: variables, branches, loops and calls."""

import ast

from .arrays import Arrays, Lazy
from .copying import written
from .expressions import OURS, Expressions, Known, Tup
from .fence import source_of
from .jumps import structured
from .routine import Recursive, Routine
from .statements import Array, Const, Do, Function, Group, Ref, Scalar, Set, Store, walk
from .variables import Variables, Wider

AUGMENTED = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.FloorDiv: "//", ast.Mod: "%"}


class Frame:
    """One call of a function: what its variables mean now."""

    def __init__(self, source, prefix, caller=None):
        self.source, self.prefix, self.caller, self.env, self.result = source, prefix, caller, {}, None


def lower(fn, types) -> Function:
    """Return the statements of a function of arguments of the given types; the functions that it calls stand in it.

    Parameters
    ----------
    fn : function
        With source text; a compiled one stands for the plain one in it.
    types : tuple of Scalar, Array, Group or Known

    Raises
    ------
    GradientError
        Where something is not supported: with file, line, column and advice.
    """
    return lowered(fn, types, set(), {})


def lowered(fn, types, recursive, routines) -> Function:
    """Return the statements of a function; of functions that call themselves (`recursive`) the calls stay, to `routines`."""
    cells: dict = {}
    for _ in range(20):
        try:
            return Lower(cells, recursive, routines).function(fn, types)
        except Wider:
            continue
        except Recursive as found:
            recursive.add(found.fn)
            cells = {}
    raise source_of(fn).refuse(source_of(fn).tree, "the types of its variables do not settle")


class Lower(Arrays, Expressions, Variables):
    """Writes statements while it reads a tree."""

    def __init__(self, cells, recursive, routines):
        self.recursive, self.routines = recursive, routines
        self.cells, self.block, self.taken, self.roots, self.extents = cells, [], {}, {}, {}
        self.frames, self.line, self.node = [], 0, None

    # what everything is written with

    def fresh(self, base):
        """Return a name that is not taken."""
        base = base.rstrip("_") if base.startswith("_") is False else base
        count = self.taken.get(base, 0)
        self.taken[base] = count + 1
        return base if count == 0 else self.fresh(f"{base}_{count}")

    def emit(self, op, args, kind, extra=None, name="t"):
        """Append `name = op(args)` and return the value."""
        out = Ref(self.fresh(name), kind)
        self.block.append(Set(out, op, tuple(args), extra, self.line))
        return out

    def inner(self):
        """Begin a block; returns what `close` takes."""
        outer, self.block = self.block, []
        return outer

    def close(self, outer):
        """End a block: return its statements."""
        made, self.block = self.block, outer
        return made

    @property
    def frame(self):
        return self.frames[-1]

    def refuse(self, what, fix=None, node=None):
        """Return the error that something is not supported, with the line of the user's function."""
        frames = list(self.frames)
        while len(frames) > 1 and frames[-1].source.fn.__module__ in OURS:
            node = frames.pop().caller
        return frames[-1].source.refuse(node or self.node, what, fix)

    # functions

    def function(self, fn, types):
        source = source_of(fn)
        params = []
        for name, kind in zip([a.arg for a in source.tree.args.args], types, strict=True):
            params.append(Ref(self.fresh(name), kind))
        values = [p.type if isinstance(p.type, Known) else self.opened(p) for p in params]
        result = self.run(source, values)
        results = self.returned(result)
        body = self.block
        return Function(source.name, tuple(params), body, results, self.roots, source.place(source.tree), self.extents)

    def opened(self, ref):
        """Return an argument as values: a tuple in its parts, an array with its extents."""
        if isinstance(ref.type, Group):
            parts = [
                t if isinstance(t, Known) else self.opened(self.emit("part", (ref,), t, i, ref.name))
                for i, t in enumerate(ref.type.items)
            ]
            return Tup(parts, ref.type.cls)
        return self.known_array(ref, ref.name) if isinstance(ref.type, Array) else ref

    def returned(self, value):
        """Return a result whose arrays are arrays."""
        if isinstance(value, Tup):
            return Tup([self.returned(v) for v in value.items], value.cls)
        if isinstance(value, Lazy):
            return self.materialised(value)
        if isinstance(value, Known) and value.object is not None:
            raise self.refuse(f"it returns {value.object!r}", "numbers, arrays or tuples of them")
        return None if isinstance(value, Known) else value

    def run(self, source, values):
        """Lower the body of a function and return what it returns."""
        if any(f.source.fn is source.fn for f in self.frames):
            raise Recursive(source.fn)
        if len(self.frames) > 60:
            raise self.refuse("more than 60 functions call each other", "fewer of them")
        names = [a.arg for a in source.tree.args.args]
        frame = Frame(source, "" if not self.frames else self.fresh(source.name) + "_", self.node)
        frame.env = dict(zip(names, values, strict=True))
        line, node = self.line, self.node
        self.frames.append(frame)
        self.node = source.tree
        self.statements(structured(source.tree))
        self.frames.pop()
        self.line, self.node = line, node
        return frame.result if frame.result is not None else Known(None)

    def called_itself(self, source, values):
        """Write a call of a function that calls itself."""
        for v in values:
            if not isinstance(v, Ref | Const):
                raise self.refuse(f"{source.name} calls itself, and takes more than numbers and arrays", "its parts as arguments")
        if any(isinstance(n, ast.Return) and isinstance(n.value, ast.Tuple) for n in ast.walk(source.tree)):
            raise self.refuse(f"{source.name} calls itself, and returns more than a number", "one number, or a loop with a stack")
        kinds = tuple(v.type for v in values)
        routine = self.routines.get((source.fn, kinds)) or self.routine(source, kinds)
        return self.emit("call", values, routine.result, routine, source.name)

    def routine(self, source, kinds):
        """Return the function for argument types; its result is of the type that it has when its own calls are of that type."""
        count = sum(fn is source.fn for fn, _ in self.routines)
        routine, before = Routine(f"call_{source.name}" + (f"_{count}" if count else ""), kinds), set(self.routines)
        for _ in range(5):
            self.routines[source.fn, kinds] = routine
            f = lowered(source.fn, kinds, self.recursive, self.routines)
            result = getattr(f.results, "type", None)
            if not isinstance(result, Scalar):
                raise self.refuse(f"{source.name} calls itself, and returns no number", "one number, or a loop with an explicit stack")
            if written(f) & {p.name for p in f.params}:
                raise self.refuse(f"{source.name} calls itself, and writes into its arguments", "a loop with an explicit stack")
            if result == routine.result:
                routine.statements = f
                return routine
            routine.result = result
            for key in set(self.routines) - before:
                del self.routines[key]
        raise self.refuse(f"the type of the result of {source.name} does not settle", "float(...) around what it returns")

    # statements

    def statements(self, body):
        for s in body:
            self.line, self.node = s.lineno, s
            getattr(self, f"do_{type(s).__name__}", self.do_other)(s)

    def do_other(self, s):
        raise self.refuse(f"`{type(s).__name__.lower()}` is not supported", node=s)

    def do_Pass(self, s):
        pass

    def do_Return(self, s):
        self.frame.result = Known(None) if s.value is None else self.value(s.value)

    def do_Expr(self, s):
        if not isinstance(s.value, ast.Constant):
            self.value(s.value)

    def do_Assign(self, s):
        value = self.named(s.value, s.targets[0])
        for target in s.targets:
            self.assign(target, value)

    def do_AnnAssign(self, s):
        if s.value is not None:
            self.assign(s.target, self.named(s.value, s.target))

    def do_Assert(self, s):
        self.block.append(Do("check", (self.truth(self.value(s.test)),), f"assertion failed: {ast.unparse(s.test)}", self.line))

    def do_Raise(self, s):
        self.block.append(Do("raise", (), ast.unparse(s.exc) if s.exc else "RuntimeError()", self.line))

    def do_AugAssign(self, s):
        op = AUGMENTED.get(type(s.op))
        if op is None:
            now = ast.copy_location(ast.BinOp(_load(s.target), s.op, s.value), s)
            self.assign(s.target, self.value(now))
            return
        if isinstance(s.target, ast.Subscript):
            base = self.array_of(self.value(s.target.value))
            start = len(self.block)
            value = self.value(s.value)
            if any(isinstance(t, Store) and self.roots.get(t.array.name) == self.roots[base.name] for t in walk(self.block[start:])):
                raise self.refuse(
                    f"the value on the right changes `{ast.unparse(s.target.value)}`", "the value by a name, in a line before"
                )
            self.change(base, s.target.slice, op, value)
            return
        before = self.value(_load(s.target))
        if isinstance(before, Ref) and isinstance(before.type, Array):
            self.change(before, ast.copy_location(ast.Constant(Ellipsis), s), op, self.value(s.value))
            return
        self.assign(s.target, self.named(s.value, s.target, lambda v: self.binary(op, before, v)))

    def name_hint(self, target):
        return target.id if isinstance(target, ast.Name) else "t"

    def named(self, node, target, then=lambda v: v):
        """Return the value of an expression; what is computed for it gets the name of the variable that it is given to."""
        start = len(self.block)
        value = then(self.value(node))
        last = self.block[-1] if len(self.block) > start else None
        if (
            isinstance(target, ast.Name)
            and isinstance(last, Set)
            and last.out is value
            and value.name.split("_")[0] == "t"
            and last.op != "view"
        ):
            last.out = Ref(self.fresh(target.id), value.type)
            if isinstance(value.type, Array):
                self.renamed(value.name, last.out.name)
            return last.out
        return value

    def renamed(self, before, name):
        """Note a new name of an array that has none yet."""
        self.extents[name], root = self.extents.pop(before), self.roots.pop(before)
        self.roots[name] = name if root == before else root

    def assign(self, target, value):
        """Give a name, the names of a tuple, or an element of an array its value."""
        if isinstance(target, ast.Name):
            self.frame.env[target.id] = self.materialised(value, target.id) if isinstance(value, Lazy) else value
        elif isinstance(target, ast.Tuple | ast.List):
            items = self.items(value)
            if len(items) != len(target.elts):
                raise self.refuse(f"{len(items)} values for {len(target.elts)} names", "as many names as values", target)
            items = [self.materialised(v) if isinstance(v, Lazy) else v for v in items]
            for t, v in zip(target.elts, items):
                self.assign(t, v)
        elif isinstance(target, ast.Subscript):
            self.change(self.array_of(self.value(target.value)), target.slice, "=", value)
        else:
            raise self.refuse(f"assignment to `{ast.unparse(target)}`", "a name or an element of an array", target)

def _load(target):
    """Return a target as an expression."""
    return ast.copy_location(ast.parse(ast.unparse(target), mode="eval").body, target) if not isinstance(target, ast.Name) else (
        ast.copy_location(ast.Name(target.id, ast.Load()), target))  # fmt: skip
