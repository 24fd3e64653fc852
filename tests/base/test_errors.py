"""Errors: what, where, what to do; and packages that are not installed."""

import inspect
import os
import sys

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base import errors
from nbgrad.base.errors import NbgradError, ShapeError, problem, require, user_frame, user_location

KINDS = {
    "ShapeError": ValueError, "IndexRangeError": IndexError, "DtypeError": TypeError, "ArgumentError": ValueError, "GradientError": RuntimeError,
    "AnomalyError": FloatingPointError, "FileError": OSError, "KernelError": RuntimeError, "MissingPackageError": ImportError,
    "DeviceError": RuntimeError, "OutOfMemoryError": MemoryError,
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_each_error_is_also_the_one_of_python_that_it_means(name):
    kind = getattr(errors, name)
    assert issubclass(kind, NbgradError)
    assert issubclass(kind, KINDS[name])
    assert str(problem(kind, "what", "fix", "f.py:1")) == "what\n  recorded at f.py:1\n  try: fix"


def test_no_error_is_left_out():
    kinds = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, NbgradError)]
    assert {k.__name__ for k in kinds} - {"NbgradError"} == set(KINDS)


def test_three_lines_with_the_users_place():
    what, where, fix = str(problem(ShapeError, "what", "fix")).splitlines()
    assert (what, fix) == ("what", "  try: fix")
    assert where.startswith("  at test_errors.py:")
    assert where.endswith(", in test_three_lines_with_the_users_place")
    assert str(problem(ShapeError, "what", None, "f.py:1")).splitlines() == ["what", "  recorded at f.py:1"]


def test_the_place_is_the_line_that_called_nbgrad():
    with pytest.raises(ShapeError) as caught:
        ng.matmul(np.ones((2, 3)), np.ones((4, 5)))
    line = caught.traceback[0].lineno + 1
    assert f"test_errors.py:{line}, in" in str(caught.value)


def test_the_users_function_is_the_place_although_nbgrad_called_it():
    def loss(x):
        return x + np.ones(3)

    with pytest.raises(ShapeError, match=r"test_errors\.py:\d+, in loss"):
        ng.grad(loss)(np.ones(2))


def test_code_without_a_file_is_named_as_python_names_it():
    scope = {"user_location": user_location}
    exec(compile("def f():\n    return user_location()\nhere = user_location()\n", "<cell 3>", "exec"), scope)
    assert scope["here"] == "<cell 3>:3"
    assert scope["f"]() == "<cell 3>:2, in f"


def test_the_users_frame_is_this_one():
    assert user_frame() is sys._getframe()


def test_code_of_nbgrad_alone_was_started_at_the_command_line(monkeypatch):
    monkeypatch.setattr(errors, "_inside", {f.filename: True for f in inspect.stack()})
    assert user_frame() is None
    assert user_location() is None
    assert str(problem(ShapeError, "what", "fix")) == "what\n  at the command line\n  try: fix"


def test_a_package_that_is_there_is_imported():
    assert require("os.path", "demo") is os.path


def test_a_package_that_is_missing_says_how_to_get_it():
    with pytest.raises(ImportError, match=r"'no_such_package'.*\n.*test_errors.*\n.*nbgrad\[demo\]") as caught:
        require("no_such_package", "demo")
    assert caught.value.__suppress_context__
