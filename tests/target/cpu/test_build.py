"""Kernels compiled by Numba: what the machine code holds, and what is told when it cannot be made."""

import ctypes
import platform
import re

import numpy as np
import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import KernelError
from nbgrad.target.cpu import build, machine_code, store
from nbgrad.target.cpu.load import assembly, kernel_function, load, source_path
from nbgrad.target.cpu.prelude import prelude

SCALE = """

factor = np.float32({factor})


@kernel
def scale(args, tile):
    x, out, n = at0(args), at1(args), word(args, 2)
    for i in range(n):
        out[i] = factor * x[i] + {more}
"""


def text_of(factor, more="T0(0)"):
    return prelude(("float32", "float32")) + SCALE.format(factor=factor, more=more)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of its own."""
    monkeypatch.setattr(config, "cache", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_spare", None)
    return tmp_path / "cache"


def test_an_object_has_one_function_and_needs_nothing(folder):
    found = build.build_object(text_of(60), "scale")
    assert found.symbol == build.symbol(text_of(60), "scale")
    assert found.needs == ()
    assert found.symbol.encode() in found.data
    assert b"NumbaEnv" not in found.data


def test_calls_of_others_are_seen_before_machine_code_is_written(folder):
    for more, calls in (("T0(0)", False), ("math.hypot(x[i], factor)", True)):
        text = text_of(65, more)
        with build.compiling(text, "scale"):
            module = build.linked(text, "scale")
            found = build.finished(module, "scale_65")
        assert build._calls_others(module) == calls == bool(found.needs)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("no_such_name", "NameError: name 'no_such_name' is not defined"),
        ("x[i].size_of_it", "Unknown attribute 'size_of_it' of type float32"),
        ("(", "SyntaxError"),
        ("no_such_function(x[i])", "no_such_function"),
    ],
)
def test_what_numba_refuses_is_told_in_three_lines(folder, more, reason):
    text = text_of(51, more)
    with pytest.raises(KernelError) as caught:
        load(text, "scale")
    what, where, fix = str(caught.value).splitlines()
    assert what.startswith("scale: Numba cannot compile ")
    assert str(source_path(text, "scale")) in what
    assert reason in what
    assert where.startswith("  at test_build.py:")
    assert fix.startswith("  try: ")
    assert caught.value.__suppress_context__
    assert len(caught.value.details) > 20
    assert source_path(text, "scale").read_text() == text


def test_the_kernel_is_a_function_of_numba(folder):
    function = kernel_function(text_of(61), "scale")
    assert function.py_func.__code__.co_filename == str(source_path(text_of(61), "scale"))
    assert len(function.inspect_asm()) == 1
    x, out = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
    block = np.array([x.ctypes.data, out.ctypes.data, 4], np.int64)
    function(block.ctypes.data, 0)
    np.testing.assert_array_equal(out, 61 * x)


def test_machine_code_is_alone_and_without_pythons_lock(folder):
    listing = assembly(text_of(62), "scale")
    assert f"{build.symbol(text_of(62), 'scale')}:" in listing
    assert listing.count(".globl") == 1
    for word in ("numba_gil", "Py", "call"):
        assert word not in listing


def test_loops_are_vectorised(folder):
    assert re.search(r"\bv?(mul|fn?madd\d+)ps\b|\bf(mul|mla)\s+v\d+\.4s", assembly(text_of(63), "scale"))


def test_loops_take_several_vectors_at_a_time_where_the_text_says_so(folder):
    plain = text_of(64).replace("out[i] =", "out[i] = np.sqrt(x[i]) / (x[i] + factor) *")
    roots = {}
    for turns, text in {1: plain, 4: plain.replace("@kernel", "TURNS = 4\n\n\n@kernel")}.items():
        with build.compiling(text, "scale"):
            roots[turns] = len(re.findall(r"call .*<\d+ x float> @llvm.sqrt", str(machine_code.optimised(build.linked(text, "scale")))))
        x, out = np.arange(99, dtype=np.float32), np.zeros(99, np.float32)
        block = np.array([x.ctypes.data, out.ctypes.data, 99], np.int64)
        ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(load(text, "scale"))(block.ctypes.data, 0)
        np.testing.assert_allclose(out, np.sqrt(x) / (x + 64) * 64 * x, rtol=1e-6)
    assert roots[4] >= roots[1] + 3


HELPERS = """

step = {step}


@helper
def third(args, at):
    return 3 * word(args, at)


@helper
def moved(args, at):
    return step + word(args, at)


@kernel
def both(args, tile):
    at0(args)[0] = third(args, 1) + moved(args, 1)
"""


def test_a_helper_that_reads_words_alone_is_compiled_once(folder):
    found = {}
    for step in (5, 7):
        text = prelude(("float32",)) + HELPERS.format(step=step)
        out = np.zeros(1, np.float32)
        words = np.array([out.ctypes.data, 10])
        ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(load(text, "both"))(words.ctypes.data, 0)
        assert out[0] == 3 * 10 + step + 10
        found[step] = build.build_function(text, "both").py_func.__globals__
    assert found[5]["third"] is found[7]["third"]
    assert found[5]["moved"] is not found[7]["moved"]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the assembly is that of x86")
def test_vectors_on_the_stack_lie_in_one_line_of_the_cache(folder):
    kept = "for i in range(n):\n" + "".join(f"        v{i} = x[i + {i}] * x[i]\n" for i in range(40))
    kept += "        total = " + " + ".join(f"v{i}" for i in range(40)) + "\n"
    kept += "        out[i] = " + " + ".join(f"v{i} / (total + v{39 - i})" for i in range(40)) + "\n"
    text = text_of(1).replace("for i in range(n):\n        out[i] = factor * x[i] + T0(0)\n", kept)
    machine = assembly(text, "scale")
    assert re.search(r"and[lq]\s+\$-(32|64), %rsp", machine)
