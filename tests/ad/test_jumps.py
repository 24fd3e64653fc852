"""Functions without break, continue and early return do the same as before."""

import ast
import inspect
import textwrap

import pytest

from nbgrad.ad.jumps import structured
from tests.ad.plain import copies
from tests.ad.zoo import CASES

NAMES = ("jumps", "early_return", "first_above", "leave_both", "while_true", "many_returns", "continue_in_while", "adaptive", "newton_inside")


def rewritten(f):
    """Return a function whose text is structured; loops that may be left early ask their flags."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(f))).body[0]
    tree.body, tree.decorator_list = structured(tree), []
    for node in ast.walk(tree):
        flags = getattr(node, "until", [])
        if flags and isinstance(node, ast.While):
            node.test = ast.parse(f"not ({' or '.join(flags)}) and ({ast.unparse(node.test)})", mode="eval").body
        elif flags:
            stop = ast.parse(f"if {' or '.join(flags)}:\n    break").body[0]
            node.body.insert(0, stop)
    scope = dict(f.__globals__)
    exec(compile(ast.fix_missing_locations(ast.Module([tree], [])), "<structured>", "exec"), scope)
    return scope[f.__name__], ast.unparse(tree)


@pytest.mark.parametrize("name", NAMES)
def test_values_stay(name):
    c = CASES[name]
    f, _ = rewritten(c.fn.py_func)
    for args in (c.args, *c.more):
        assert f(*copies(args)) == c.fn.py_func(*copies(args))


def test_nothing_but_a_last_return_is_left():
    for name in NAMES:
        tree = ast.parse(textwrap.dedent(inspect.getsource(CASES[name].fn.py_func))).body[0]
        made = structured(tree)
        left = [type(n) for s in made for n in ast.walk(s) if isinstance(n, ast.Return | ast.Break | ast.Continue)]
        assert left == [ast.Return] and isinstance(made[-1], ast.Return)


def test_loops_in_branches_may_be_left():
    tree = ast.parse("def f(n):\n    s = 0\n    if n > 1:\n        for i in range(n):\n            break\n    return s").body[0]
    assert "break" not in "\n".join(map(ast.unparse, structured(tree)))


def test_docstrings_are_dropped():
    tree = ast.parse('def f(x):\n    "doc"\n    return x').body[0]
    assert [ast.unparse(s) for s in structured(tree)] == ["return x"]
