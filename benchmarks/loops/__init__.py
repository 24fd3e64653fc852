"""Workloads made of loops: each as a plain function under `@njit`, with the adjoint that an expert writes by hand.

In a module of a workload `primal` is what a user has, and `by_hand`, of the same arguments, returns the gradients of those
that `WRT` names. The modules `on_...` give the calls of each peer; those of whole arrays have the workloads from `arrays`.
"""

from importlib import import_module


def workload(name):
    """Return the module of a workload."""
    return import_module(f".{name}", __package__)
