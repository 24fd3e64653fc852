"""What a case is: one record of the work, the same for every peer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Call = Callable[[], Any]
SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class Case:
    """Work that is called again and again in a process that stays.

    Attributes
    ----------
    name : str
        "group/what": the group is a table and a panel of the chart.
    inputs : function of nothing -> dict of arrays
        The same arrays at every call (a seeded generator); floats in float32.
    sides : dict of str -> function
        "torch", or "torch.fused" for a second way of the peer "torch": function of the inputs, by name, that returns
        the work: a function of nothing whose result is an array of that peer, or a tuple or list of them.
    flops, bytes : float
        The least that one call must compute and move; for the share of the machine's limit.
    tolerance : float
        Largest error of a result, relative to the truth's values and their root mean square.
    calls : int
        How many first calls are compared with the truth (a training step changes what it works on).
    truth : str
        The side that, given the inputs as float64, says what is right.
    note : str
        Printed below the group's table.
    unchecked : tuple of str
        Sides that do other work, to compare times with: their results are not looked at.

    Examples
    --------
    >>> case = Case("add/3", lambda: {"x": np.ones(3)}, {"numpy": lambda x: lambda: x + 1})
    >>> case.group, case.sides["numpy"](**case.inputs())().tolist()
    ('add', [2.0, 2.0, 2.0])
    """

    name: str
    inputs: Callable[[], Mapping[str, np.ndarray]]
    sides: Mapping[str, Callable[..., Call]]
    flops: float = 0.0
    bytes: float = 0.0
    tolerance: float = 1e-5
    calls: int = 1
    truth: str = "numpy"
    note: str = ""
    unchecked: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The part of the name before the slash."""
        return self.name.split("/")[0]


@dataclass(frozen=True)
class ColdStart:
    """Work that a fresh process does once; its time is that of the whole process.

    Attributes
    ----------
    name, tolerance, truth, note
        As of `Case`.
    sides : dict of str -> tuple of str
        Arguments of the Python interpreter. What the process prints is a JSON list of numbers, compared with the
        truth's; nothing is compared when `truth` is "".
    cache : "kept" or "empty"
        Whether compiled code of earlier runs is there; the folders of all peers' caches are set to a temporary one.
    told : bool
        The time is not that of the process but what it prints before the numbers: a line "seconds 0.05".
    """

    name: str
    sides: Mapping[str, tuple[str, ...]]
    cache: str = "kept"
    tolerance: float = 1e-4
    truth: str = ""
    note: str = ""
    told: bool = False
    flops: float = 0.0
    bytes: float = 0.0

    @property
    def group(self) -> str:
        """The part of the name before the slash."""
        return self.name.split("/")[0]


def script(name: str) -> tuple[str, ...]:
    """Return the interpreter's arguments that run a file of `scripts/`."""
    return (str(SCRIPTS / f"{name}.py"),)


def imports(package: str) -> tuple[str, ...]:
    """Return the interpreter's arguments that import a package and tell how long that took."""
    clock = "from time import perf_counter as now"
    return ("-c", f"{clock}; start = now(); import {package}; print('seconds', now() - start)")


def peer_of(side: str) -> str:
    """Return the peer of a side: what stands before the dot.

    >>> peer_of("jax.jit")
    'jax'
    """
    return side.split(".")[0]
