"""Gradients of plain loops: what an `@njit` function costs, its derivative, the adjoint by hand, and other libraries.

The plain function ("numba.primal") and the adjoint by hand ("numba") stand beside what nbgrad derives from the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from ..case import Call, Case, ColdStart, script
from ..loops import inputs

PEERS = {"numba": "numba", "jax.jit": "jax", "torch": "torch", "autograd": "autograd"}
NOTE = (
    "float64; numba: the adjoint written by hand; numba.primal: the function itself; jax.jit: scan, compiled; "
    "torch, autograd: loops of Python"
)


@dataclass(frozen=True)
class Work:
    """One workload.

    Attributes
    ----------
    name : str
    module : str
        Of `loops`; the same name is that of its inputs and of the function in `loops.arrays`.
    inputs : function of nothing -> dict
    wrt : int or tuple of int
        Which arguments have gradients.
    known : tuple of str
        Inputs that are constants: to other libraries no arrays, the last arguments.
    peers : tuple of str
        Sides beside nbgrad's and Numba's.
    more : dict
        What other libraries need to know.
    """

    name: str
    module: str
    inputs: Callable[[], Mapping[str, Any]]
    wrt: int | tuple[int, ...]
    known: tuple[str, ...] = ()
    peers: tuple[str, ...] = ("jax.jit", "torch", "autograd")
    more: Mapping[str, Any] | None = None

    def side(self, library: str, maker: str, **given: Any) -> Call:
        """Return the call of a side: its gradient, or the function itself."""
        known = {name: given.pop(name) for name in self.known}
        if library in PEERS.values() and library != "numba":
            known |= self.more or {}
        make = getattr(import_module(f"..loops.on_{library}", __package__), maker)
        return make(self.module, self.wrt, list(given.values()), known)

    def case(self) -> Case:
        """Return the record of this workload."""
        libraries = {"nbgrad": "nbgrad", "numba": "numba", **{p: PEERS[p] for p in self.peers}}
        sides = {side: partial(self.side, library, "gradient") for side, library in libraries.items()}
        sides["numba.primal"] = partial(self.side, "numba", "primal")
        return Case(
            f"loops/{self.name}", self.inputs, sides, tolerance=1e-8, truth="numba", note=NOTE,
            unchecked=("numba.primal",),
        )  # fmt: skip


def bundle(library: str, **given: Any) -> Call:
    """Return the call of a side of bundle adjustment."""
    return import_module(f"..loops.on_{library}", __package__).jacobian(**given)


def bundle_primal(**given: Any) -> Call:
    """Return the call of the errors of bundle adjustment."""
    return import_module("..loops.on_numba", __package__).primal("bundle", None, list(given.values()), {})


STEPS = ("steps", "h")
WORKS = (
    Work("RK4 Lotka-Volterra, 10,000 steps", "lotka_volterra", inputs.lotka_volterra, 0, STEPS, ("jax.jit",)),
    Work("RK4 Lotka-Volterra, 200 steps", "lotka_volterra", partial(inputs.lotka_volterra, 200), 0, STEPS),
    Work("RK4 of 10,000 unknowns, 100 steps", "coupled", inputs.coupled, 0, ("c", "h", "steps")),
    Work("Gaussian mixture, d=10 k=25", "mixture", partial(inputs.mixture, 10), (0, 1, 2)),
    Work("Gaussian mixture, d=64 k=25", "mixture", partial(inputs.mixture, 64), (0, 1, 2)),
    Work("LSTM, 2 layers", "lstm", partial(inputs.lstm, 2), (0, 1)),
    Work("LSTM, 4 layers", "lstm", partial(inputs.lstm, 4), (0, 1)),
    Work("heat, 512x512, 100 steps", "heat", inputs.heat, 0, ("c", "steps")),
    Work("Newton, 10,000 right-hand sides", "newton", inputs.newton, (0, 1), ("tolerance",), more={"turns": inputs.TURNS}),
)
BUNDLE = Case(
    "loops/bundle adjustment, sparse Jacobian", inputs.bundle,
    {**{s: partial(bundle, p) for s, p in {"nbgrad": "nbgrad", **PEERS}.items()}, "numba.primal": bundle_primal},
    tolerance=1e-8, truth="numba", note=NOTE, unchecked=("numba.primal",),
)  # fmt: skip


def first(module: str, what: str) -> tuple[str, ...]:
    """Return the interpreter's arguments that tell the time of the first call of a derivative or of a plain function."""
    return (*script("first_loop"), module, what)


COMPILED = {"RK4": "lotka_volterra", "Gaussian mixture": "mixture", "LSTM": "lstm", "heat": "heat", "Newton": "newton"}
COLD = tuple(
    ColdStart(
        f"loops compiled/{name}, cache empty", {"nbgrad": first(module, "gradient"), "numba": first(module, "primal")},
        cache="empty", told=True,
        note=(
            "seconds of the first call in a process; numba: of the plain function, which is compiled as always; numba.kept: under "
            "cache=True; nbgrad.after: of the gradient where that plain function was called before"
        ),
    )
    for name, module in COMPILED.items()
)  # fmt: skip
WARM = tuple(
    ColdStart(
        f"loops compiled/{name}, cache warm",
        {"nbgrad": first(module, "gradient"), "nbgrad.after": first(module, "after"), "numba.kept": first(module, "kept")},
        told=True,
    )
    for name, module in COMPILED.items()
)
CASES = (*(work.case() for work in WORKS), BUNDLE, *COLD, *WARM)
