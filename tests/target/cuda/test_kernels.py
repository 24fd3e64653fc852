"""From a kernel to a function of the package."""

import inspect

import pytest

from nbgrad.base.errors import KernelError
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel
from nbgrad.target.cuda.kernels import LAUNCH, LOOPS, MODULES, TEXTS, function, source, unsigned

pytestmark = pytest.mark.cuda


def test_a_kernel_is_a_text_that_can_be_read():
    text = source(Kernel("map", ("float32", "float32"), table["tanh"], ("11", False)))
    assert "def map_tanh_float32(args, p0, p1):" in text
    assert "tanh(x0)" in text


def test_a_kernel_is_made_once():
    kernel = Kernel("map", ("float32", "float32"), table["tanh"], ("11", False))
    assert function(kernel) is function(Kernel(*kernel))


def test_a_loop_that_is_not_there_is_named():
    with pytest.raises(KernelError, match="the loop knitting is not there on CUDA"):
        source(Kernel("knitting", ("float32",)))


def test_every_loop_says_how_it_is_launched():
    assert set(LAUNCH) == {*TEXTS, *LOOPS}


def test_places_are_unsigned_where_kernels_are_compiled():
    text = unsigned("N = 4\n\n@kernel\ndef f(args, p0):\n    box = cuda.shared.array((N, N), T0)\n    p0[args[0] + i] = box[i, 0] + p0[1] + other[i]\n")
    assert "p0[np.uint64(args[0] + i)] = box[np.uint64(i), 0] + p0[1] + other[i]" in text
    assert "return x[np.uint64(i)]" in unsigned("@helper\ndef f(x, i):\n    return x[i]\n")
    assert unsigned("def f(x, i):\n    return x[i]\n") == "def f(x, i):\n    return x[i]\n"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.rpartition(".")[2])
def test_every_shared_array_has_a_line_of_its_own(module):
    for line in inspect.getsource(module).splitlines():  # the simulator tells them apart by their lines
        assert line.count("cuda.shared.array") < 2, line


def test_choices_that_are_not_read_make_no_other_text():
    take = lambda lanes: source(Kernel("take", ("uint32", "int64", "uint32"), None, (lanes,)))
    assert take(4) == take(16)
    short = lambda down: source(Kernel("sort_short", ("int32", "int32", "int64"), None, ("float", down, 4096, False)))
    assert short(True) != short(False)
