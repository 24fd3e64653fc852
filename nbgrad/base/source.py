"""From a function to its syntax tree and back: formulas that can be read, differentiated and emitted."""

import ast
import copy
import inspect
import re
import textwrap

from .errors import ArgumentError, problem

CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045, "tau": 6.283185307179586}


class Formula:
    """A scalar function as text: parameters, named intermediate values, and the result.

    Attributes
    ----------
    params : tuple of str
        Names of the arguments.
    lets : tuple of (str, ast.expr)
        Intermediate assignments in order.
    result : ast.expr
        The returned value.
    globals : dict
        What free names mean: constants, `math`, rows, helpers.
    """

    __slots__ = ("globals", "lets", "params", "result")

    def __init__(self, params, lets, result, globals):
        self.params, self.lets, self.result, self.globals = tuple(params), tuple(lets), result, globals

    def inlined(self) -> ast.expr:
        """Return the result with every intermediate value written out."""
        known = {}
        for name, value in self.lets:
            known[name] = substitute(value, known)
        return substitute(self.result, known)

    def __str__(self):
        lines = [f"{name} = {ast.unparse(value)}" for name, value in self.lets]
        return "; ".join([*lines, ast.unparse(self.result)])


class _Substitute(ast.NodeTransformer):
    def __init__(self, known):
        self.known = known

    def visit_Name(self, node):
        return copy.deepcopy(self.known[node.id]) if node.id in self.known else node


def substitute(expr, known):
    """Return a copy of `expr` in which each name in the dict `known` is replaced by its expression."""
    return _Substitute(known).visit(copy.deepcopy(expr))


def names(expr) -> set:
    """Return the names that `expr` reads, functions that it calls left out."""
    called = {id(n.func) for n in ast.walk(expr) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(expr) if isinstance(n, ast.Name) and id(n) not in called}


def parse_expression(text: str) -> ast.expr:
    """Return the syntax tree of an expression.

    >>> ast.unparse(parse_expression("1.0 - out * out"))
    '1.0 - out * out'
    """
    return ast.parse(text, mode="eval").body


def function_tree(fn) -> ast.FunctionDef:
    """Return the syntax tree of a function, decorators included.

    Raises
    ------
    ArgumentError
        When there is no source text (typed at a bare prompt, or built by exec).
    """
    try:
        text = textwrap.dedent(inspect.getsource(fn))
    except (OSError, TypeError):
        raise problem(
            ArgumentError,
            f"the source text of {fn.__name__} cannot be found, and its formula is needed",
            "define it in a file or a notebook cell",
        ) from None
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == fn.__name__:
            return node
    raise problem(ArgumentError, f"{fn.__name__} is not a plain def; its formula is needed", "write it with def")


def scope(fn) -> dict:
    """Return what the free names of a function mean: globals, and what it closes over."""
    if not fn.__closure__:
        return fn.__globals__
    return {**fn.__globals__, **{n: c.cell_contents for n, c in zip(fn.__code__.co_freevars, fn.__closure__)}}


def body_formula(fn) -> Formula:
    """Return the formula of a function of straight-line assignments and one return.

    Raises
    ------
    ArgumentError
        When the body holds anything else (a loop, an if statement): the text of the line is shown.
    """
    tree = function_tree(fn)
    params = [a.arg for a in tree.args.args]
    statements = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    lets = []
    for s in statements:
        if isinstance(s, ast.Assign) and len(s.targets) == 1 and isinstance(s.targets[0], ast.Name):
            lets = _assign(lets, s.targets[0].id, s.value, params)
        elif isinstance(s, ast.AugAssign) and isinstance(s.target, ast.Name):
            value = ast.BinOp(ast.Name(s.target.id, ast.Load()), s.op, s.value)
            lets = _assign(lets, s.target.id, value, params)
        elif isinstance(s, ast.Return) and s.value is not None:
            return Formula(params, lets, substitute(s.value, _latest(lets)), scope(fn))
        else:
            raise problem(
                ArgumentError,
                f"{fn.__name__}: `{ast.unparse(s).splitlines()[0]}` is not allowed in a formula",
                "assignments of names, conditional expressions and one return; loops go into a helper",
            )
    raise problem(ArgumentError, f"{fn.__name__} returns nothing", "return the value")


def _latest(lets):
    """Map each source name to its newest renamed form (a name assigned twice becomes two)."""
    return {_written_name(name): ast.Name(name, ast.Load()) for name, _ in lets}


def _written_name(name):
    """Return the name in the source of a let that may have been renamed."""
    return re.sub(r"__\d+$", "", name)


def _assign(lets, name, value, params):
    value = substitute(value, _latest(lets))
    taken = sum(1 for n, _ in lets if _written_name(n) == name) + (name in params)
    return [*lets, (f"{name}__{taken}" if taken else name, value)]


def lambda_formulas(fn, keyword, given) -> tuple:
    """Return (parameters, expressions, globals) of the function `given` under `keyword` in a decorator of `fn`.

    A lambda is found in the decorator's own text; a named function is read from its def.
    """
    if given.__name__ != "<lambda>":
        formula = body_formula(given)
        return formula.params, _parts(formula.inlined()), given.__globals__
    for decorator in function_tree(fn).decorator_list:
        for k in getattr(decorator, "keywords", ()):
            if k.arg == keyword and isinstance(k.value, ast.Lambda):
                return tuple(a.arg for a in k.value.args.args), _parts(k.value.body), given.__globals__
    raise problem(
        ArgumentError,
        f"{fn.__name__}: the text of {keyword} cannot be found",
        f"write {keyword}=lambda ... in the decorator",
    )


def _parts(expr):
    return tuple(expr.elts) if isinstance(expr, ast.Tuple) else (expr,)
