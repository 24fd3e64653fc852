"""Kernels of each family of loops, for the check that they compile for a GPU: family -> function that returns them."""

from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel


def elementwise():
    return [Kernel("map", ("float32", "float32"), table["tanh"], ("11", False))]


def movement():
    moved = ("uint32", "int64", "uint32")
    return [
        Kernel("take", moved, None, (16,)), Kernel("take_flat", moved), Kernel("take_along", moved), Kernel("outside", ("int64", "int64")),
        Kernel("searchsorted", ("float32", "float32", "int64"), None, ("left",)), Kernel("fill", ("uint8",)),
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


SAMPLES = {
    "elementwise": elementwise,
    "movement": movement,
    "random": random,
    "rows": rows,
}
