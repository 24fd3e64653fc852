"""What a function may contain to be differentiated from its text; anything else is refused with its line and advice."""

import ast
import dis
import functools
import inspect
import linecache
import os
import textwrap
import types
from typing import NamedTuple

from ..base.errors import GradientError, problem
from ..base.source import scope

ADVICE = {
    ast.Try: "an if statement that tests for the case",
    ast.With: "the statements without `with`",
    ast.Yield: "an array that is filled in a loop",
    ast.YieldFrom: "an array that is filled in a loop",
    ast.GeneratorExp: "a for loop",
    ast.ListComp: "a for loop that fills an array",
    ast.SetComp: "a for loop that fills an array",
    ast.DictComp: "arrays, one for each key",
    ast.Dict: "arrays or a namedtuple",
    ast.Set: "an array",
    ast.List: "an array, np.array([...]), or a tuple",
    ast.Lambda: "a function with a name, under @njit",
    ast.Global: "an argument, or a returned value",
    ast.Nonlocal: "an argument, or a returned value",
    ast.FunctionDef: "a function outside of this one, under @njit",
    ast.ClassDef: "a namedtuple, made outside",
    ast.JoinedStr: "no strings",
    ast.Delete: "no `del`",
    ast.Import: "the import at the top of the file",
    ast.ImportFrom: "the import at the top of the file",
    ast.Match: "if and elif",
    ast.Starred: "the items by name",
    ast.Await: "plain calls",
    ast.AsyncFor: "a plain for",
    ast.AsyncWith: "no `with`",
    ast.NamedExpr: "an assignment before",
}
STORE_GLOBAL = dis.opmap["STORE_GLOBAL"]  # to look for its byte spares most functions being taken apart


class Source(NamedTuple):
    """The text of a function: its tree with the line numbers of its file, and what its free names mean."""

    fn: object
    tree: ast.FunctionDef
    file: str
    scope: dict
    changing: dict = {}  # global name -> the name of the function that changes it
    text: str = ""

    @property
    def name(self):
        return self.fn.__name__

    def meaning(self, name, otherwise):
        """Return what a name means that is none of the function's own variables."""
        if name in self.fn.__code__.co_varnames:
            return otherwise
        if name in self.scope:
            return self.scope[name]
        found = self.scope.get("__builtins__", {})
        return found.get(name, otherwise) if isinstance(found, dict) else getattr(found, name, otherwise)

    def place(self, node) -> str:
        """Return "train.py:41:8, in f: `the line`" of a node of the tree: line and column."""
        line = linecache.getline(self.file, node.lineno).strip()
        folder, file = os.path.split(self.file)
        where, column = f"{file}:{node.lineno}", f":{node.col_offset + 1}"
        if os.path.basename(folder).startswith("ipykernel_"):
            where, column = f"a notebook cell, line {node.lineno}", ""
        return f"{where}{column}, in {self.name}: `{line}`"

    def refuse(self, node, what, fix=None):
        """Return the error that a node of the tree is not supported."""
        return problem(GradientError, f"no derivative of {self.name}: {what}", fix, at=self.place(node))


def source_of(fn) -> Source:
    """Return the text of a function, checked.

    Raises
    ------
    GradientError
        When there is no text, or it holds what has no derivative here: the message has file, line, column and advice.
    """
    fn = getattr(fn, "py_func", fn)
    found = _read(fn)
    given = {id(n) for call in _own(found.tree) if isinstance(call, ast.Call) for a in call.args for n in ast.walk(a)}
    for node in _own(found.tree):
        if isinstance(node, ast.List) and id(node) in given:
            continue  # np.array([x, y])
        if type(node) in ADVICE:
            raise found.refuse(node, f"{_word(node)} is not supported", ADVICE[type(node)])
    return found._replace(fn=fn, scope=scope(fn), changing=_changing(fn))


def _changing(fn):
    """Return the globals of a function that a function of its module changes: to Numba they are constants."""
    found: dict = {}
    free = set(fn.__code__.co_names)
    for other in list(fn.__globals__.values()):
        other = getattr(other, "py_func", other)
        code = getattr(other, "__code__", None)
        if not isinstance(code, types.CodeType) or STORE_GLOBAL not in code.co_code:
            continue
        if getattr(other, "__globals__", None) is fn.__globals__ and free & set(code.co_names):
            found.update((i.argval, other.__name__) for i in dis.get_instructions(code) if i.opname == "STORE_GLOBAL" and i.argval in free)
    return found


@functools.lru_cache(maxsize=512)
def _read(fn):
    try:
        lines, first = inspect.getsourcelines(fn)
    except (OSError, TypeError):
        raise problem(GradientError, f"no derivative of {fn.__name__}: its source text cannot be found",
                      "define it in a file or in a notebook cell") from None
    tree = ast.parse(textwrap.dedent("".join(lines)))
    indent = len(lines[0]) - len(lines[0].lstrip())
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.lineno += first - 1
            node.col_offset += indent
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            return Source(fn, node, inspect.getsourcefile(fn) or "?", {}, text="".join(lines))
    raise problem(GradientError, f"no derivative of {fn.__name__}: it is no plain def", "write it with def")


def _own(tree):
    """Yield the nodes of the body of a function."""
    for s in tree.body:
        yield from ast.walk(s)


def _word(node):
    names = {ast.Try: "try", ast.GeneratorExp: "a generator expression", ast.Set: "a set", ast.With: "with",
             ast.ListComp: "a list comprehension", ast.Dict: "a dict", ast.List: "a list",
             ast.JoinedStr: "a string", ast.FunctionDef: "a function inside of a function", ast.NamedExpr: "`:=`"}  # fmt: skip
    return names.get(type(node), f"`{type(node).__name__.lower()}`")
