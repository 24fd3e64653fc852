"""The native call: arguments, blocks, the lock of Python."""

import ctypes
import sys
import threading

import numpy as np
import pytest

from nbgrad.base.errors import KernelError
from nbgrad.target.cpu import native_call as native
from nbgrad.target.cpu.load import load, load_ir
from nbgrad.target.cpu.native import ROOM, WORKSPACE, call, join, make_program, make_step
from nbgrad.target.cpu.prelude import prelude
from nbgrad.target.cpu.threads import get_num_threads, set_num_threads

ADD = prelude(("float32", "float64", "bool")) + """

@kernel
def add_positive(args, tile):
    x, y, out = at0(args), at1(args), at2(args)
    for i in range(tile * word(args, 4), min(word(args, 3), (tile + 1) * word(args, 4))):
        out[i] = T2(1) if x[i] + y[i] > T0(0) else T2(0)
"""
WAIT = """
define void @test_native_wait(i64 %args, i64 %tile) {
entry:
  %block = inttoptr i64 %args to ptr
  %flag = load ptr, ptr %block
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %seen = load volatile i64, ptr %flag
  %next = add i64 %i, 1
  %set = icmp ne i64 %seen, 0
  %late = icmp ugt i64 %next, 20000000000
  %stop = or i1 %set, %late
  br i1 %stop, label %done, label %loop
done:
  %out.at = getelementptr i64, ptr %flag, i64 1
  store i64 %seen, ptr %out.at
  ret void
}
"""


@pytest.fixture(scope="module")
def kernel():
    return load(ADD, "add_positive")


@pytest.mark.parametrize("tiles", [1, 2, 3, 37])
def test_a_kernel_on_arrays(kernel, rng, tiles):
    n = 1000
    x, y = rng.normal(size=n).astype(np.float32), rng.normal(size=n)
    out = np.empty(n, bool)
    program = make_program(kernel, (n, -(-n // tiles)), tiles, 3)
    assert call(program, x, y, out) is out
    np.testing.assert_array_equal(out, x + y > 0)


def test_views_subclasses_and_arrays_that_own_nothing(kernel, tmp_path):
    x = np.arange(-8, 8, dtype=np.float32)
    y = np.memmap(tmp_path / "y", np.float64, "w+", shape=5)
    out = np.zeros(16, bool)
    program = make_program(kernel, (5, 5), 1, 3)
    call(program, x[6:], y, out[3:])
    np.testing.assert_array_equal(np.flatnonzero(out), [6, 7])


def test_no_tiles_and_no_elements(kernel):
    x, y, out = np.ones(3, np.float32), np.ones(3), np.zeros(3, bool)
    call(make_program(kernel, (3, 3), 0, 3), x, y, out)
    call(make_program(kernel, (0, 3), 1, 3), x[:0], y[:0], out[:0])
    assert not out.any()


@pytest.mark.parametrize("arguments", [(), ("program",), (0.5,)])
def test_something_that_is_no_program(arguments):
    with pytest.raises(TypeError):
        call(*arguments)


def test_wrong_arguments_are_refused(kernel):
    x, y, out = np.ones(3, np.float32), np.ones(3), np.zeros(3, bool)
    program = make_program(kernel, (3, 3), 1, 3)
    for arguments in [(), (x, y), (x, y, out, out), (x, [1.0, 2.0, 3.0], out), (x, None, out)]:
        with pytest.raises(TypeError):
            call(program, *arguments)
    assert not out.any()


def test_references_are_kept_in_balance(kernel):
    x, y, out = np.ones(3, np.float32), np.ones(3), np.zeros(3, bool)
    program = make_program(kernel, (3, 3), 1, 3)
    before = [sys.getrefcount(a) for a in (x, y, out)]
    for _ in range(100):
        call(program, x, y, out)
    assert [sys.getrefcount(a) for a in (x, y, out)] == before


def test_a_block_of_the_largest_size_and_one_more():
    body = "@kernel\ndef words_back(args, tile):\n    for i in range(479):\n        at0(args)[i] = word(args, i + 1)\n"
    copy = prelude(("int64",)) + body
    words, out = tuple(range(-200, ROOM - 201)), np.empty(ROOM - 1, np.int64)
    call(make_program(load(copy, "words_back"), words, 1, 1), out)
    np.testing.assert_array_equal(out, words)
    with pytest.raises(KernelError, match="481 words, more than 480"):
        make_program(1, words, 1, 2)


def test_several_tiles_run_without_the_lock_of_python():
    """The kernel waits for a flag that only another thread of Python sets."""
    threads = get_num_threads()
    flag = np.zeros(2, np.int64)
    program = make_program(load_ir(WAIT, "test_native_wait"), (), 2, 1)
    started = threading.Event()

    def signal():
        started.wait()
        flag[0] = 1

    other = threading.Thread(target=signal)
    other.start()
    set_num_threads(1)
    started.set()
    call(program, flag)
    set_num_threads(threads)
    other.join()
    assert flag[1] == 1


def test_it_is_a_builtin_with_a_signature():
    assert type(call) is type(len)
    assert call.__name__ == "call"
    assert "program" in call.__doc__
    assert ctypes.sizeof(ctypes.c_void_p) == 8


COPY = prelude(("float64", "float64")) + """

@kernel
def copy_twice(args, tile):
    x, out = at0(args), at1(args)
    for i in range(word(args, 2)):
        out[i] = x[i] + x[i]
"""


def test_steps_share_scratch_memory(rng):
    kernel = load(COPY, "copy_twice")
    x, out = rng.normal(size=100), np.zeros(100)
    steps = [make_step(kernel, (100,), 1, (0, -1)), make_step(kernel, (100,), 2, (-1, -1 - 832)), make_step(kernel, (100,), 1, (-1 - 832, 1))]
    program = join(steps, 2, 832 + 800)
    for _ in range(3):
        out[:] = 0
        assert call(program, x, out) is out
        np.testing.assert_array_equal(out, 8 * x)
    assert WORKSPACE[native.SIZE // 8] >= 1632
    assert WORKSPACE[native.TAKEN // 8] == 0


def test_scratch_that_is_taken_or_too_large_to_keep_is_made_anew(rng):
    kernel = load(COPY, "copy_twice")
    x, out = rng.normal(size=10), np.zeros(10)
    small = join([make_step(kernel, (10,), 1, (0, -1)), make_step(kernel, (10,), 1, (-1, 1))], 2, 80)
    WORKSPACE[native.TAKEN // 8] = 1
    call(small, x, out)
    np.testing.assert_array_equal(out, 4 * x)
    assert WORKSPACE[native.TAKEN // 8] == 1
    WORKSPACE[native.TAKEN // 8] = 0
    large = join([make_step(kernel, (10,), 1, (0, -native.KEPT)), make_step(kernel, (10,), 1, (-native.KEPT, 1))], 2, native.KEPT + 80)
    out[:] = 0
    call(large, x, out)
    np.testing.assert_array_equal(out, 4 * x)
    with pytest.raises(MemoryError):
        call(join([make_step(kernel, (10,), 1, (0, 1))], 2, 1 << 60), x, out)
