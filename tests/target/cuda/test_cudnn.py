"""Convolutions by cuDNN: which are, and that arrays and windows are described as they are; a stand-in computes in the simulator's memory."""

import ctypes

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import KernelError
from nbgrad.ops.sliding import positions
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel, packed
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda import cudnn
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.cudnn import DESCRIPTORS, FUNCTIONS, SIGNATURES
from nbgrad.target.cuda.kernels import source
from nbgrad.target.cuda.run import Launch, plan_device
from nbgrad.target.launch import layout

pytestmark = pytest.mark.cuda
CASES = {  # images, groups, channels in and out of a group; size, window, stride, padding, dilation
    "line": ((2, 1, 5, 6), (9,), (3,), (2,), ((1, 1),), (1,)),
    "plane": ((2, 1, 5, 6), (5, 4), (3, 2), (1, 2), ((1, 1), (0, 0)), (1, 1)),
    "groups": ((1, 2, 5, 6), (5, 4), (2, 2), (1, 1), ((0, 0), (1, 1)), (2, 1)),
    "space": ((1, 1, 5, 6), (3, 2, 4), (2, 1, 3), (1, 1, 2), ((1, 1), (0, 0), (1, 1)), (1, 1, 1)),
}


class StandIn:
    """What cuDNN's documentation says of the functions that are called; the convolution itself is the CPU's."""

    def __init__(self):
        self.known, self.called, self.status, self.refused = {}, [], 0, False

    def __getattr__(self, name):
        assert name in SIGNATURES, name
        kind = next((d for d in DESCRIPTORS if name in (f"cudnnCreate{d}Descriptor", f"cudnnDestroy{d}Descriptor")), None)
        if kind and "Create" in name:
            return self.create
        if kind:
            return lambda d: self.known.pop(d.value) and 0
        size = next((f for f in FUNCTIONS.values() if name == f"cudnnGetConvolution{f}WorkspaceSize"), None)
        if size:
            return self.workspace
        loop = next(loop for loop, f in FUNCTIONS.items() if name == f"cudnnConvolution{f}")
        return lambda *args: self.convolve(loop, *args)

    def create(self, at):
        number = 1 + max(self.known, default=0)
        self.known[number] = {}
        ctypes.c_void_p.from_address(at).value = number
        return 0

    def cudnnCreate(self, at):  # noqa: N802
        ctypes.c_void_p.from_address(at).value = 99
        return 0

    def cudnnSetStream(self, handle, stream):  # noqa: N802
        self.called.append(("stream", stream))
        return 0

    def cudnnSetTensorNdDescriptor(self, d, kind, count, shape, strides):  # noqa: N802
        self.known[d.value] = {"kind": kind, "shape": list(shape), "strides": list(strides)}
        return 0 if len(shape) == len(strides) == count >= 4 else 3

    def cudnnSetFilterNdDescriptor(self, d, kind, order, count, shape):  # noqa: N802
        assert order == 0
        whole = packed(tuple(shape), "float32")
        self.known[d.value] = {"kind": kind, "shape": list(shape), "strides": whole.strides}
        return 0 if len(shape) == count else 3

    def cudnnSetConvolutionNdDescriptor(self, d, count, padding, stride, dilation, mode, kind):  # noqa: N802
        assert mode == 1
        self.known[d.value] |= {"padding": tuple((p, p) for p in padding), "stride": tuple(stride), "dilation": tuple(dilation), "kind": kind}
        return 9 if self.refused else 0

    def cudnnSetConvolutionGroupCount(self, d, groups):  # noqa: N802
        self.known[d.value]["groups"] = groups
        return 0

    def cudnnSetConvolutionMathType(self, d, kind):  # noqa: N802
        self.known[d.value]["math"] = kind
        return 0

    def workspace(self, handle, first, second, windows, out, algorithm, at):
        assert algorithm == 1
        ctypes.c_size_t.from_address(at).value = 48
        return 0

    def convolve(self, loop, handle, alpha, first, a, second, b, windows, algorithm, workspace, size, beta, made, out):
        assert handle.value == 99
        assert (algorithm, size) == (1, 48)
        np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(workspace))[:] = 255

        def array(d, at):
            found = self.known[d.value]
            kind = (ctypes.c_float, ctypes.c_double)[found["kind"]]
            count = 1 + sum((n - 1) * s for n, s in zip(found["shape"], found["strides"]))
            size = ctypes.sizeof(kind)
            return np.ndarray(found["shape"], kind, (kind * count).from_address(at), strides=[s * size for s in found["strides"]])

        x, y, z = array(first, a), array(second, b), array(made, out)
        how = dict(self.known[windows.value])
        self.called.append((loop, how.pop("math")))
        del how["kind"]
        extra = {"conv_input_grad": {"size": z.shape[2:]}, "conv_weight_grad": {"window": z.shape[2:]}}.get(loop, {})
        x, y = (y, x) if loop == "conv_input_grad" else (x, y)
        z[:] = CPU.primitive_launch(table[loop], (x, y), extra | how, z.shape, z.dtype)((x, y))
        return self.status


@pytest.fixture
def stand_in(monkeypatch):
    found = StandIn()
    monkeypatch.setattr(cudnn, "cudnn", lambda: found)
    for cached in (cudnn.handle, cudnn.described):
        cached.cache_clear()
    ng.cuda.set_precision("float32")  # plans of other tests are forgotten
    yield found
    ng.cuda.set_precision("float32")
    for cached in (cudnn.described, cudnn.handle):
        cached.cache_clear()


def case(name, rng, dtype):
    (images, groups, c, o), size, window, stride, padding, dilation = CASES[name]
    places = positions(size, window, stride, padding, dilation)
    shapes = (images, groups * c, *size), (groups * o, c, *window), (images, groups * o, *places)
    return *(rng.standard_normal(s).astype(dtype) for s in shapes), {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def run(name, arrays, attrs, shape):
    """Return the result of a row that is planned anew, and the loops of its steps."""
    plan = plan_device(table[name], tuple(map(layout, arrays)), attrs, packed(shape, arrays[0].dtype.name))
    return to_host(Launch(0, plan, len(arrays))(arrays)), [step.kernel.loop for step in plan.steps]


def channels_last(a):
    view = from_host(np.moveaxis(a, 1, -1).copy())
    return view.transpose((0, a.ndim - 1, *range(1, a.ndim - 1)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lay", [from_host, channels_last])
@pytest.mark.parametrize("name", CASES)
def test_arrays_and_windows_are_described_as_they_are(stand_in, name, lay, dtype, rng):
    x, w, y, attrs = case(name, rng, dtype)
    bias = rng.standard_normal(w.shape[0]).astype(dtype)
    calls = {
        "conv_output": ((x, w), {}, y.shape), "conv_biased": ((x, w, bias), {}, y.shape),
        "conv_input_grad": ((y, w), {"size": x.shape[2:]}, x.shape), "conv_weight_grad": ((x, y), {"window": w.shape[2:]}, w.shape),
    }  # fmt: skip
    for row, (arrays, extra, shape) in calls.items():
        want = CPU.primitive_launch(table[row], arrays, extra | attrs, shape, x.dtype)(arrays)
        got, loops = run(row, [lay(a) if a.ndim > 1 else from_host(a) for a in arrays], extra | attrs, shape)
        np.testing.assert_allclose(got, want, rtol=1e-4 if dtype == "float32" else 1e-12, atol=1e-5 if dtype == "float32" else 1e-12)
        assert loops[0].startswith("library_conv")
        assert len(loops) == 1 + (row == "conv_biased")


def test_what_it_cannot_do_is_left_to_nbgrad_s_kernels(stand_in, rng):
    x, w, y, attrs = case("line", rng, "float32")
    loops = lambda **more: run("conv_output", [from_host(x), from_host(w)], attrs | more, more.pop("shape", y.shape))[1]
    assert loops() == ["library_conv_output"]
    places = positions((9,), (3,), (2,), ((2, 0),), (1,))
    assert loops(padding=((2, 0),), shape=(*y.shape[:2], *places))[0] == "conv_output"
    stand_in.refused = True
    cudnn.described.cache_clear()
    assert loops()[0] == "conv_output"
    stand_in.refused = False
    cudnn.described.cache_clear()
    stand_in.workspace = lambda *args: 9
    assert loops()[0] == "conv_output"


@pytest.mark.parametrize(("name", "math"), [("float32", 3), ("tf32", 0), ("bfloat16", 0)])
def test_tensor_cores_are_asked_for_by_name(stand_in, name, math, rng):
    x, w, _, attrs = case("line", rng, "float32")
    ng.cuda.set_precision(name)
    for dtype, expected in (("float32", math), ("float64", 3)):
        ng.conv(*(ng.tensor(a.astype(dtype), device="cuda") for a in (x, w)), stride=attrs["stride"], padding=attrs["padding"])
        assert stand_in.called[-1] == ("conv_output", expected)


def test_a_status_is_told_and_descriptors_are_given_back(stand_in, rng):
    x, w, y, attrs = case("line", rng, "float32")
    stand_in.status = 8
    with pytest.raises(KernelError, match="cudnnConvolutionForward of cuDNN gives status 8"):
        run("conv_output", [from_host(x), from_host(w)], attrs, y.shape)
    assert len(stand_in.known) == len(DESCRIPTORS)
    cudnn.described.cache_clear()
    assert not stand_in.known


def test_no_library_no_call():
    assert cudnn.cudnn() is None  # the simulator


def test_its_place_is_shown():
    for loop in FUNCTIONS:
        assert "cudnn.convolution" in source(Kernel(f"library_{loop}", ("float32",) * 3 + ("uint8",)))
