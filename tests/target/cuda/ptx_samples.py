"""Kernels of each family of loops, for the check that they compile for a GPU: family -> function that returns them."""

from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel


def elementwise():
    return [Kernel("map", ("float32", "float32"), table["tanh"], ("11", False))]


SAMPLES = {"elementwise": elementwise}
