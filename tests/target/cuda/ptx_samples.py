"""Kernels of each family of loops, for the check that they compile for a GPU: family -> function that returns them."""

import math

import numba
import numpy as np

from nbgrad.ad.derive import Derivative
from nbgrad.ad.statements import Scalar
from nbgrad.ops.table import table
from nbgrad.plan.folding import plan_folding
from nbgrad.plan.mapping import After, Body, Reduced
from nbgrad.plan.plan import Kernel, packed
from nbgrad.target.cuda.function_text import function_text
from nbgrad.target.cuda.mapped_text import plan_mapped
from nbgrad.target.cuda.plans_reduce import plan_arg, plan_reduce
from nbgrad.target.cuda.run import plan_device
from nbgrad.target.functions.made import made

TABLE = np.array([0.1, 0.2, 0.3])


def elementwise():
    return [Kernel("map", ("float32", "float32"), table["tanh"], ("11", False))]


def ordering():
    place = lambda *static: Kernel("radix_place", ("int32", "int32", "int64", "int64", "int32", "int32"), None, static)
    return [
        *[Kernel("sort_short", (bits, "int32", "int64"), None, (kind, down, 4096, through))
          for bits, kind, down, through in (("int32", "float", True, False), ("int8", "int", False, True), ("int64", "cell", False, False))],
        Kernel("radix_count", ("int64", "int64"), None, ("index", False, 16)), Kernel("radix_scan", ("int64", "int64")),
        place("float", True, 16, False, True), place("key", False, 4, True, False),
    ]  # fmt: skip


def scattering():
    cells = lambda dtype, mode: Kernel("scatter_cells", (dtype, "int64", "int64", dtype, dtype), None, (mode,))
    return [
        Kernel("cell_starts", ("int64",) * 3, None, ("cell",)), Kernel("scatter_along", ("float32", "int64", "float32")),
        cells("float32", "add"), cells("float32", "max"), cells("uint32", "set"), cells("int64", "count"), cells("int64", "last"),
        *[Kernel("scatter_few", ("float32", "int64", "float32"), None, ("add", each)) for each in (True, False)],
        Kernel("join_pieces", ("int64", "float32", "float32"), None, ("min",)),
    ]  # fmt: skip


def movement():
    moved = ("uint32", "int64", "uint32")
    return [
        Kernel("take", moved, None, (16,)), Kernel("take_flat", moved), Kernel("take_along", moved), Kernel("outside", ("int64", "int64")),
        Kernel("searchsorted", ("float32", "float32", "int64"), None, (True,)), Kernel("fill", ("uint8",)),
        *[Kernel("place", ("uint32", "uint32"), None, (1, dense)) for dense in (True, False)],
    ]  # fmt: skip


def random():
    kernels = [Kernel(f"random_{name}", ("int64", dtype)) for name, dtype in
               [("bits", "uint32"), ("float32", "float32"), ("float64", "float64"), ("integers", "int64")]]  # fmt: skip
    loops = (("start", 1), ("links", 4), ("places", 3))
    return kernels + [Kernel(f"permutation_{name}", ("int64",) * pointers) for name, pointers in loops]


def rows():
    teams = ((1, 4, True, True), (8, 8, False, True), (4, 4, True, False), (32, 32, True, False), (256, 8, False, False))
    return [
        Kernel(loop, dtypes, None, (*team, *static))
        for team in teams
        for loop, dtypes, static in [
            ("softmax_lines", ("float32",) * 2, (False,)), ("softmax_lines", ("float32",) * 2, (True,)),
            ("softmax_grad_lines", ("float32",) * 3, (False,)), ("softmax_grad_lines", ("float32",) * 3, (True,)),
            ("logsumexp_lines", ("float32", "float32", "float64"), ()),
            ("logsumexp_grad_lines", ("float32", "float32", "float64", "float32"), ()),
        ]
    ]  # fmt: skip


def planned(name, shapes, out, dtype="float32", **attrs):
    """Return the kernels of a call of a primitive on arrays of these shapes."""
    plan = plan_device(table[name], tuple([packed(shape, dtype) for shape in shapes]), attrs, packed(out, dtype))
    return [step.kernel for step in plan.steps]


def products():
    square = planned("matmul", [(4096, 4096)] * 2, (4096, 4096))
    small = planned("matmul", [(32, 4096), (4096, 32)], (32, 32), "float64")
    counted = planned("matmul", [(100, 100)] * 2, (100, 100), "int8")
    thin = [kernel for shape in ((2, 4096), (2, 64)) for kernel in planned("matmul", [shape, (shape[1], 9)], (2, 9))]
    thin += planned("matmul", [(900, 64), (64, 1)], (900, 1)) + planned("matmul", [(1, 9000), (9000, 1)], (1, 1), "int64")
    return [*square, *small, *counted, *thin, *planned("linear", [(512, 784), (512, 784), (512,)], (512, 512))]


def entropy():
    x, labels, whole = "float32", "int64", "float64"
    kernels = []
    for team in ((1, 16, True, True), (4, 4, True, False), (256, 8, False, False)):
        for logs, spread in ((False, False), (False, True), (True, False)):
            kernels += [
                Kernel("entropy_lines", (x, labels, x, x, whole), None, (*team, logs, spread)),
                Kernel("entropy_grad_lines", (x, x, labels, x, whole, x), None, (*team, logs, spread, True, True)),
            ]
        if not team[3]:
            kernels += [
                Kernel("soft_entropy_lines", (x, x, x, whole), None, team),
                Kernel("soft_entropy_grad_lines", (x, x, x, whole, x, x), None, (*team, True)),
            ]
    return kernels + [
        Kernel("entropy_sums", (x, labels, x, whole, labels, x, whole), None, (True, True, True)),
        Kernel("entropy_join", (whole, labels, x, whole), None, (True, True)),
    ]


def reductions():
    """Every row in its dtypes, as rows and as columns; other folded axes, parts of chunks, and their joining."""
    found = []
    for shape, axes in (((1000, 1000), (1,)), ((5000, 1000), (0,)), ((100, 64, 784), (0, 2))):
        for name, dtype, acc, out in [("sum", "float32", "float64", "float32"), ("mean", "float64", "float64", "float64"), ("max", "float32", "float32", "float32"),
                                      ("min", "uint64", "uint64", "uint64"), ("any", "float32", "bool", "bool"), ("prod", "int64", "int64", "int64")]:  # fmt: skip
            result = packed([n for i, n in enumerate(shape) if i not in axes], out)
            found += [s.kernel for s in plan_reduce(table[name], packed(shape, dtype), axes, result, acc).steps]
    for shape, axis in (((10000, 1000), 1), ((50000, 10), 0)):
        for dtype in ("float32", "bool", "uint64"):
            result = packed([n for i, n in enumerate(shape) if i != axis], "int64")
            found += [s.kernel for s in plan_arg(True, packed(shape, dtype), axis, result).steps]
    return [*found, Kernel("reduce_empty", ("float32",), table["mean"], ("float64",))]


def pool():
    x, place = "float32", "int64"
    loops = (("max", (x, x)), ("pick", (x, x, x)), ("places", (x, place)), ("collect", (x, place, x)))
    kernels = [Kernel(f"pool_{name}", dtypes) for name, dtypes in loops]
    return kernels + [Kernel("pool_max_tiled", (x, x), None, (2, 2)), Kernel("pool_unpick_tiled", (x, x, x), None, (2, 2))]


def windows():
    options = {"stride": (2, 2), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
    x, w, y, b = (8, 64, 56, 56), (128, 64, 3, 3), (8, 128, 28, 28), (128,)
    kernels = planned("conv_biased", [x, w, b], y, **options)
    kernels += planned("conv_input_grad", [y, w], x, size=x[2:], **options)
    kernels += planned("conv_weight_grad", [x, y], w, window=w[2:], **options)
    options["groups"], w, y = 64, (64, 1, 3, 3), (8, 64, 28, 28)
    kernels += planned("conv_output", [x, w], y, **options)
    return kernels + planned("conv_weight_grad", [x, y], w, window=w[2:], **options)


def fused():
    """Elementwise rows with reductions of their values, kept too, and rows behind the reductions."""
    kind, found = "float32", []
    calls = ((table["mul"], (0, 1), kind, kind), (table["tanh"], (2,), kind, kind))
    reduced = (Reduced(table["sum"], 3, kind, "float64", kind), Reduced(table["max"], 2, kind, kind, kind))
    after = After(Body(((table["mul"], (0, 1), kind, kind), (table["sqrt"], (2,), kind, kind)), (3,)), (True, False), (kind,), (False,))
    for shape, axes in (((10000, 100), (1,)), ((1000, 5000), (0,)), ((100, 64, 784), (0, 2))):
        x = packed(shape, kind)
        found += [s.kernel for s in plan_folding(Body(calls, (3,), False, reduced), shape, axes, (x, x), (x,)).steps]
    small = packed((30, 40), kind)
    return [*found, plan_folding(Body(calls, (), False, reduced, after), (30, 40), (1,), (small, small), ()).steps[0].kernel]
def norm():
    x, whole = "float32", "float64"
    teams = ((4, 4, True, False), (32, 32, True, False), (256, 8, False, False))
    kernels = [
        kernel
        for team in teams
        for mode in (0, 1, 2)
        for kernel in (
            Kernel("normalize_lines", (x,) * 4, None, (*team, True, mode)), Kernel("normalize_grad_lines", (x,) * 5, None, (*team, True, mode)),
        )
    ]  # fmt: skip
    for team in ((8, 8, False, True), (256, 8, False, False)):
        kernels += [
            Kernel("channel_moments", (x, whole), None, team), Kernel("channel_products", (x, x, whole, whole), None, (*team, False)),
            Kernel("channel_products", (x, x, x, whole), None, (*team, True)), Kernel("channel_scale", (x,) * 3, None, team),
            Kernel("channel_grad", (x,) * 4, None, team),
        ]  # fmt: skip
    team = (8, 8, False, True)
    return [
        *kernels,
        Kernel("join_moments", (x, whole, x, x, whole, whole, whole, x), None, team),
        Kernel("join_products", (whole, x, whole, whole, x, x, x), None, team), Kernel("join_sums", (whole, x, x), None, team),
        Kernel("channel_factors", (x,) * 5),
    ]  # fmt: skip


def iterated(x, n):
    for i in range(n):
        x = math.sin(x) * math.tanh(x + TABLE[i % 3]) + np.maximum(x, 0.5) if x > 0.1 else x / 2.0 + np.floor(x) + math.erf(x)
    return x


def mapped():
    """A function with a loop, branches, a table and rows; its adjoint, which keeps numbers of the loop; the adjoint of that."""
    found, fn, kinds = [], numba.njit(iterated), ("float32", "int64")
    for kind in ("value_and_grad", "adjoint", "adjoint"):
        fn = made(Derivative(kind, fn, (0,)) if kind == "adjoint" else Derivative(kind, fn))
        kinds = (*kinds, "float64") if kind == "adjoint" else kinds
        given = tuple(map(Scalar, kinds))
        text = function_text(fn.derivative.statements(given), 64)
        found.append(plan_mapped(text, [packed((100,), k) for k in kinds], (100,)).steps[-1].kernel)
        fn = numba.njit(iterated) if kind == "value_and_grad" else fn
    return found
def scan():
    x, place = "float32", "int64"
    kernels = []
    for together, held in ((1, 8), (32, 4), (256, 4)):
        kind = "columns" if together == 1 else "rows"
        kernels += [Kernel(f"running_sum_{kind}", (x,) * 3, None, (together, held, mode)) for mode in (0, 1, 2)]
        kernels.append(Kernel(f"running_arg_{kind}", (x, place), None, (together, held, 0, "max")))
        if together != 32:
            kernels.append(Kernel(f"linear_recurrence_{kind}", (x,) * 3, None, (together, held, 0)))
    return [*kernels, Kernel("running_sum_rows", ("uint8",) * 3, None, (256, 4, 0)), Kernel("running_arg_rows", ("bool", place), None, (32, 4, 0, "min"))]


SAMPLES = {
    "elementwise": elementwise,
    "movement": movement,
    "ordering": ordering,
    "scattering": scattering,
    "products": products,
    "entropy": entropy,
    "fused": fused,
    "mapped": mapped,
    "pool": pool,
    "norm": norm,
    "random": random,
    "scan": scan,
    "reductions": reductions,
    "rows": rows,
    "windows": windows,
}
