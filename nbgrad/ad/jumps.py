"""break, continue and early return written as branches: afterwards each block is left at its end only."""

import ast

RESULT, LEFT = "result_", "left_"


def structured(tree: ast.FunctionDef) -> list:
    """Return the statements of a function without break, continue and early return.

    A loop that may be left early has the names of the flags that end it as the attribute `until` of its node; the last
    statement is the only return.

    >>> text = "def f(x):\\n    if x < 0.0:\\n        return 0.0\\n    return x"
    >>> print(ast.unparse(ast.Module(structured(ast.parse(text).body[0]), [])))
    if x < 0.0:
        result_ = 0.0
    else:
        result_ = x
    return result_
    """
    body = tree.body[1:] if ast.get_docstring(tree) is not None else list(tree.body)
    returns = [n for s in body for n in ast.walk(s) if isinstance(n, ast.Return)]
    if not returns:
        return Jumps().block(body)
    if len(returns) == 1 and body[-1] is returns[0]:
        return [*Jumps().block(body[:-1]), body[-1]]
    last = _at(ast.Return(ast.Name(RESULT, ast.Load())), body[-1])
    made = Jumps().block(body)
    flagged = any(isinstance(n, ast.Name) and n.id == LEFT for s in made for n in ast.walk(s))
    first = [_assign(LEFT, ast.Constant(False), body[0])] if flagged else []
    return [*first, *made, last]


def _at(node, like):
    return ast.fix_missing_locations(ast.copy_location(node, like))


def _assign(name, value, like):
    return _at(ast.Assign([ast.Name(name, ast.Store())], value), like)


def _leaving(statements):
    """Return the kinds of jumps out of a block; a loop inside of it keeps its own."""
    found = set()
    for s in statements:
        if isinstance(s, ast.Return | ast.Break | ast.Continue):
            found.add(type(s))
        elif isinstance(s, ast.If):
            found |= _leaving(s.body) | _leaving(s.orelse)
        elif isinstance(s, ast.For | ast.While):
            found |= _leaving(s.body) & {ast.Return}
    return found


def _always(statements):
    """Say whether control never comes to the end of a block."""
    last = statements[-1] if statements else None
    if isinstance(last, ast.If):
        return _always(last.body) and _always(last.orelse)
    return isinstance(last, ast.Return | ast.Break | ast.Continue | ast.Raise)


class Jumps:
    """Rewrites the blocks of one loop, or of the function (`loop` is None)."""

    def __init__(self, loop=None, nested=False):
        self.loop, self.nested, self.used = loop, nested, set()

    def flag(self, kind):
        """Return the name of the flag that says that control left by a jump of this kind."""
        if kind is ast.Return:
            return LEFT
        name = f"{'stopped' if kind is ast.Break else 'skipped'}{self.loop}_"
        self.used.add((kind, name))
        return name

    def block(self, statements, flags=False):
        """Return a block rewritten; with `flags`, what follows it asks them."""
        out = []
        for number, s in enumerate(statements):
            rest = statements[number + 1 :]
            if isinstance(s, ast.Return):
                out.append(_assign(RESULT, s.value if s.value is not None else ast.Constant(None), s))
                return [*out, _assign(LEFT, ast.Constant(True), s)] if flags or self.nested else out
            if isinstance(s, ast.Break | ast.Continue):
                return [*out, _assign(self.flag(type(s)), ast.Constant(True), s)]
            if isinstance(s, ast.If) and _leaving([s]):
                return out + self.branch(s, rest, flags)
            if isinstance(s, ast.For | ast.While):
                out += self.inner(s)
                if ast.Return in _leaving([s]):
                    return out + unless([LEFT], self.block(rest, flags), s)
                continue
            out.append(self.plain(s))
        return out

    def plain(self, s):
        """A statement that control does not jump out of; loops in the branches of an `if` may still be left."""
        if not isinstance(s, ast.If):
            return s
        return _at(ast.If(s.test, self.block(s.body) or [_at(ast.Pass(), s)], self.block(s.orelse)), s)

    def branch(self, s, rest, flags):
        """An `if` that control may jump out of: what follows goes into the branch that does not."""
        make = lambda then, other, f=flags: _at(
            ast.If(s.test, self.block(then, f) or [_at(ast.Pass(), s)], self.block(other, f)), s)  # fmt: skip
        if _always(s.body):
            return [make(s.body, [*s.orelse, *rest])]
        if _always(s.orelse):
            return [make([*s.body, *rest], s.orelse)]
        if not rest:
            return [make(s.body, s.orelse)]
        names = [self.flag(kind) for kind in (ast.Break, ast.Continue, ast.Return) if kind in _leaving([s])]
        return [make(s.body, s.orelse, True), *unless(names, self.block(rest, flags), s)]

    def inner(self, s):
        """A loop: its own jumps become flags, set anew before it (break) or at each turn (continue)."""
        own = Jumps(f"{s.lineno}_{s.col_offset}", True)
        body = own.block(s.body)
        skipped = [_assign(name, ast.Constant(False), s) for kind, name in sorted(own.used, key=str) if kind is ast.Continue]
        stopped = [name for kind, name in own.used if kind is ast.Break]
        head = {"target": s.target, "iter": s.iter} if isinstance(s, ast.For) else {"test": s.test}
        made = _at(type(s)(body=[*skipped, *body], orelse=[], **head), s)
        made.until = [*stopped, *([LEFT] if ast.Return in _leaving(s.body) else [])]
        after = self.block(s.orelse)
        before = [_assign(name, ast.Constant(False), s) for name in stopped]
        return [*before, made, *(unless(made.until, after, s) if made.until else after)]


def unless(flags, rest, like):
    """Return statements that run where none of some flags is set."""
    if not rest:
        return []
    tests = [ast.Name(f, ast.Load()) for f in flags]
    test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
    return [_at(ast.If(ast.UnaryOp(ast.Not(), test), rest, []), like)]
