"""Libraries that launch kernels of their own: which of them is found."""

import ctypes
from types import SimpleNamespace

import pytest

from nbgrad.target.cuda import libraries

pytestmark = pytest.mark.cuda


def test_the_first_library_that_has_all_functions_is_taken(monkeypatch):
    has, found = SimpleNamespace(f=SimpleNamespace(), g=SimpleNamespace()), {"a": SimpleNamespace(f=SimpleNamespace())}
    monkeypatch.setattr(libraries, "_of_wheels", lambda name: 1 / 0)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: found[name])
    signatures = {"f": [ctypes.c_int], "g": []}
    assert libraries.load("x", ("none", "a"), signatures) is None
    found["b"] = has
    assert libraries.load("x", ("none", "a", "b"), signatures) is has
    assert has.f.argtypes == [ctypes.c_int]
    wheel = SimpleNamespace(f=SimpleNamespace(), g=SimpleNamespace())
    monkeypatch.setattr(libraries, "_of_wheels", lambda name: wheel)
    assert libraries.load("x", ("b",), signatures) is wheel
