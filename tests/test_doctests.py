"""Every example in a docstring runs, and every public function has a docstring that begins with a sentence."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import nbgrad as ng
from nbgrad.ops.table import Op

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
MODULES = ["nbgrad", *(m.name for m in pkgutil.walk_packages(ng.__path__, "nbgrad.") if not m.name.rpartition(".")[2].startswith(("loops_", "__")))]
CALLABLE = [name for name in ng.__all__ if callable(getattr(ng, name))]
FUNCTIONS = [name for name in CALLABLE if not isinstance(getattr(ng, name), Op) and not name.endswith(("Error", "Warning"))]


def examples(name):
    """Return the doctests of a module that hold examples."""
    return [t for t in doctest.DocTestFinder().find(importlib.import_module(name)) if t.examples]


@pytest.fixture(autouse=True)
def as_before(seeded):
    """Examples may set the number of threads and draw random numbers."""
    before = ng.get_num_threads()
    yield
    ng.set_num_threads(before)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert result.failed == 0
    assert list(tmp_path.iterdir()) == [], "an example left a file behind"


def test_examples_are_found():
    assert len(MODULES) > 100
    assert sum(len(t.examples) for name in MODULES for t in examples(name)) > 300


@pytest.mark.parametrize("name", CALLABLE)
def test_a_public_name_says_what_it_is(name):
    doc = inspect.cleandoc(getattr(ng, name).__doc__ or "")
    first = doc.split("\n\n")[0]
    assert first.split("\n>>>")[0].rstrip().endswith((".", ".)", ":")), first


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_shows_an_example(name):
    assert ">>>" in getattr(ng, name).__doc__
