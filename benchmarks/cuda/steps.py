"""Whole steps, W1 to W7, the same works as on the CPU; and how long a step of W2 takes when each is waited for."""

from collections.abc import Callable
from functools import partial

import numpy as np

from ..case import Case, peer_of
from ..cases.steps import ADAM, WORKS, Work, drawn, layers, market
from .place import TINY, wait

ON = {"device": "cuda", "read": False}
TRAINED = {
    "nbgrad": ("nbgrad", {"compiled": True, **ON}),
    "nbgrad.eager": ("nbgrad", {"compiled": False, **ON}),
    "torch": ("torch", {"fused": True, "compiled": False, **ON}),
    "torch.compile": ("torch", {"fused": True, "compiled": True, **ON}),
    "torch.graphs": ("torch", {"fused": True, "compiled": True, "mode": "reduce-overhead", **ON}),
    "jax.jit": ("jax", {"read": False}),
    "nbgrad.cpu": ("nbgrad", {"compiled": False, "read": False}),
}
EVALUATED = {side: (library, {k: v for k, v in way.items() if k != "fused"}) for side, (library, way) in TRAINED.items()}
TRUTH = "nbgrad.cpu"
NOTE = (
    "the whole step; float32, TF32 is off everywhere; losses stay on the device; nbgrad.eager: op by op; torch: op by op, "
    "Adam(fused=True); torch.compile: loss and gradient compiled; torch.graphs: in CUDA graphs; jax.jit: the whole step compiled"
)


def small(name: str) -> dict[str, np.ndarray]:
    """Return inputs of a work, of sizes that the simulator can do, under the names that they have in the work."""
    normal = drawn(31)
    labels = np.array([0, 2, 1])
    made: dict[str, Callable[[], dict[str, np.ndarray]]] = {
        "W1": lambda: {"x": normal(3, 5), "y": labels, **layers((5, 4, 3), 32, 2.0)},
        "W2": lambda: {"x": normal(3, 2), "y": normal(3, 1), **layers((2, 3, 1), 33, 1.0)},
        "W3": lambda: {
            "x": normal(3, 1, 4, 4), "y": labels, "w1": normal(2, 1, 3, 3), "b1": normal(2), "w2": normal(2, 2, 3, 3),
            "b2": normal(2), "w3": normal(3, 2), "b3": normal(3),
        },
        "W4": lambda: {
            "x": normal(1, 2, 4), "y": normal(1, 2, 4), "w_qkv": normal(12, 4), "b_qkv": normal(12), "w_out": normal(4, 4),
            "b_out": normal(4), "w_up": normal(2, 4), "b_up": normal(2), "w_down": normal(4, 2), "b_down": normal(4),
            "scale_1": normal(4), "shift_1": normal(4), "scale_2": normal(4), "shift_2": normal(4),
        },
        "W5": lambda: {k: a[:6] for k, a in market().items()},
        "W6": lambda: {
            "x": normal(2, 2, 3), "y": normal(2, 2), "w_in": normal(8, 3), "w_state": normal(8, 2), "bias": normal(8),
        },
        "W7": lambda: {
            "x": np.linspace(0.1, 3.0, 4, dtype=np.float32).reshape(4, 1), "ends": np.array([[0.0], [np.pi]], np.float32),
            **layers((1, 3, 1), 34, 1.0),
        },
    }  # fmt: skip
    return made[name]()


def record(work: Work) -> Case:
    """Return the record of a work."""
    inputs = partial(small, work.name.split()[0]) if TINY else work.inputs
    parameters = sum(a.size for name, a in work.inputs().items() if name not in work.data)
    ways = TRAINED if parameters else EVALUATED
    sides = {name: partial(work.side, library, way) for name, (library, way) in ways.items()}
    return Case(f"steps/{work.name}", inputs, sides, flops=work.flops, bytes=work.bytes + ADAM * parameters, tolerance=1e-3,
                calls=5 if parameters else 1, truth=TRUTH, note=NOTE)  # fmt: skip


def awaited(case: Case) -> Case:
    """Return a case whose steps are waited for one by one."""

    def one(make, peer, **inputs):
        call, pause = make(**inputs), wait(peer)

        def both():
            result = call()
            pause(result)
            return result

        return both

    sides = {name: partial(one, make, peer_of(name)) if name != TRUTH else make for name, make in case.sides.items()}
    return Case(case.name.replace("steps/", "latency/"), case.inputs, sides, tolerance=case.tolerance, calls=case.calls, truth=TRUTH,
                note="one step, and its end waited for")  # fmt: skip


STEPS = tuple(record(work) for work in WORKS if not work.name.startswith("W8"))
CASES = (*STEPS, awaited(next(case for case in STEPS if case.name.startswith("steps/W2"))))
