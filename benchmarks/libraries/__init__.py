"""The libraries under one set of names, so that a training step is written once and means the same work in each.

A module per library holds the functions that the steps of `cases/steps.py` are made of, each in the way that is fastest
there, and two makers of sides: `train` (a loss, its gradient, Adam) and `evaluate` (a function of arrays).
"""

from typing import Any, NamedTuple

LEARNING = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}  # Adam's


class Given(NamedTuple):
    """Inputs of a step, as arrays of a library: what is learned by name, and the rest in order."""

    parameters: dict[str, Any]
    data: list[Any]
