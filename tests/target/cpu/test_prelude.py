"""Words and typed pointers of a kernel file."""

import numpy as np
import pytest

from nbgrad.base.dtypes import NAMES
from nbgrad.target.cpu.load import load
from nbgrad.target.cpu.native import call, make_program
from nbgrad.target.cpu.prelude import apart, prelude

BODY = """

@helper
def twice(x):
    return x + x


@kernel
def reverse(args, tile):
    x, out, n = at0(args), at1(args), word(args, 3)
    for i in range(n):
        out[i] = x[n - 1 - i]
    at2(args)[0] = twice(word(args, 4))
    at2(args)[1] = T2(-7)
"""


@pytest.mark.parametrize("name", NAMES)
def test_each_dtype_is_read_and_written(name):
    x = np.array([0, 1, 1, 0, 1], name) if name == "bool" else np.array([0, 1, 2, 100, 77], name)
    if name.startswith("float"):
        x[:3] = -0.0, np.inf, np.nan
    elif not name.startswith(("bool", "u")):
        x[0] = np.iinfo(name).min
    out, words = np.empty_like(x), np.empty(2, np.int64)
    program = make_program(load(prelude((name, name, "int64")) + BODY, "reverse"), (x.size, -21), 1, 3)
    call(program, x, out, words)
    assert out.tobytes() == x[::-1].tobytes()
    assert words.tolist() == [-42, -7]


def test_the_text_is_the_same_for_the_same_dtypes():
    assert prelude(("float32", "bool")) == prelude(("float32", "bool")) != prelude(("bool", "float32"))
    compile(prelude(("float64",) * 8), "prelude", "exec")


def test_stores_past_the_cache_are_marked_and_waited_for():
    text = apart(("float32",), True)
    assert "nontemporal" in text
    assert "def settle" in text
    assert "nontemporal" not in apart(("float32",))
