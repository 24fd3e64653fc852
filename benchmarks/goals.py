"""The figures that the project sets itself, and what a run says about each: goal, reached, verdict."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .report import BASE, Row, duration


class Goal(NamedTuple):
    """One figure.

    Attributes
    ----------
    group, name : str
        What is measured.
    cases : tuple of str
        Names of cases, with * for any text; the worst of them counts.
    side : str or tuple of str
        Whose time is compared with; of several the fastest; "" for a time by itself.
    bound : float
        How many times as fast as the side nbgrad is at least, or its seconds at most.
    mean : bool
        The geometric mean of the cases counts, not the worst of them.
    each : bool
        nbgrad and the side are compared at each number of threads, not at their best.
    """

    group: str
    name: str
    cases: tuple[str, ...]
    side: str | tuple[str, ...]
    bound: float
    mean: bool = False
    each: bool = False

    @property
    def against(self) -> str:
        """What is compared with, in a word."""
        return self.side if isinstance(self.side, str) else "fastest"


class Verdict(NamedTuple):
    """What a run says about a goal: the value reached (None: not measured), of which case, and for each case."""

    goal: Goal
    value: float | None
    case: str
    values: dict[str, float]

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        if self.value is None:
            return False
        return self.value >= self.goal.bound if self.goal.side else self.value <= self.goal.bound


EQUAL, READ, IMPORT = 1.0, 1 / 1.2, 1 / 1.2
MATMULS = tuple(f"matmul/{n} *" for n in (64, 256, 512, 1024, 2048))
SHAPES = ("matmul/4096x64x64 float32", "matmul/64x4096x64 float32", "matmul/2048x256x1024 float32",
          "matmul/10000 of 8x8x8 float32")  # fmt: skip
WINDOWS = tuple(f"convolution and gradients/{n}" for n in (
    "3x3, 32 to 64, *", "3x3, 64 to 64, *", "1x1, 256 to 256, *", "7x7 by 2, *", "depthwise 3x3, *"))  # fmt: skip
RIVALS = ("torch", "torch.fused", "torch.compile", "jax.jit")

# How many times as long as the plain function its gradient may take.
PRIMAL = {"RK4 Lotka-Volterra, 10,000": 3.0, "RK4 of 10,000": 4.5, "Gaussian mixture, d=10": 2.0, "Gaussian mixture, d=64": 2.6,
          "LSTM": 1.25, "heat": 3.5, "Newton": 3.0, "bundle adjustment": 6.0}  # fmt: skip

GOALS = (
    Goal("eager chain", "200 ops on 64 numbers, forward", ("eager chain/forward",), "torch", 2.0),
    Goal("eager chain", "with backward", ("eager chain/with backward",), "torch", 1.5),
    Goal("elementwise", "exp, log, tanh, erf", tuple(f"elementwise/{f}" for f in ("exp", "log", "tanh", "erf")), "torch", 2.0),
    Goal("elementwise", "sigmoid, gelu", ("elementwise/sigmoid", "elementwise/gelu"), "torch", EQUAL),
    Goal("matmul", "squares", MATMULS, "openblas", 0.9, each=True),
    Goal("matmul", "squares", MATMULS, "torch", EQUAL, each=True),
    Goal("matmul", "tall, deep, wide, small", SHAPES, "torch", EQUAL),
    Goal("convolution", "each, forward and backward", WINDOWS, "torch", EQUAL),
    Goal("convolution", "geometric mean", WINDOWS, "torch", 1.3, mean=True),
    Goal("softmax and norm", "2048x1024", ("softmax and norm/* 2048x1024",), "torch", EQUAL),
    Goal("softmax and norm", "64x1024", ("softmax and norm/* 64x1024",), "torch", 1.5),
    Goal("embedding", "50,000x256, 16x512 tokens", ("embedding/with backward",), "torch", EQUAL),
    Goal("reduction", "sum, mean, max of 4096x4096", ("reduction/*",), "memory", READ),
    Goal("steps", "W1 MLP", ("steps/W1 *",), RIVALS, 1.5),
    Goal("steps", "W2 small MLP", ("steps/W2 *",), RIVALS, 4.0),
    Goal("steps", "W3 CNN", ("steps/W3 *",), RIVALS, 2.0),
    Goal("steps", "W4 transformer layer", ("steps/W4 *",), RIVALS, 1.7),
    Goal("steps", "W5 Black-Scholes", ("steps/W5 *",), RIVALS, 2.0),
    Goal("steps", "W5 Black-Scholes", ("steps/W5 *",), "jax.jit", 7.0),
    Goal("steps", "W6 LSTM", ("steps/W6 *",), RIVALS, 1.3),
    Goal("steps", "W7 second derivatives", ("steps/W7 *",), RIVALS, 2.5),
    Goal("steps", "W8 Hessian times vector", ("steps/W8 *",), RIVALS, 1.3),
    *(Goal("loops", name, (f"loops/{name}*",), "numba.primal", 1 / times, each=True) for name, times in PRIMAL.items()),
    Goal("loops", "RK4 Lotka-Volterra, 10,000", ("loops/RK4 Lotka-Volterra, 10,000 steps",), "jax.jit", 50.0, each=True),
    Goal("loops", "RK4 of 10,000", ("loops/RK4 of 10,000 *",), "jax.jit", EQUAL, each=True),
    Goal("loops", "heat", ("loops/heat*",), "jax.jit", EQUAL, each=True),
    Goal("loops", "each, beside the adjoint by hand", ("loops/*",), "numba", READ, each=True),
    Goal("loops compiled", "cache empty", ("loops compiled/*, cache empty",), "numba", 1 / 3),
    Goal("loops compiled", "cache warm", ("loops compiled/*, cache warm",), "", 0.05),
    Goal("cold start", "import", ("cold start/import",), "numba", IMPORT),
    Goal("cold start", "first gradient, cache warm", ("cold start/first gradient, warm cache",), "", 0.1),
    Goal("cold start", "first gradient, cache empty", ("cold start/first gradient, empty cache",), "", 6.0),
    Goal("compiled W1", "first step, cache empty", ("compiled W1/empty cache",), "", 3.0),
    Goal("compiled W1", "first step, cache warm", ("compiled W1/warm cache",), "jax.cold", EQUAL),
)


def wanted(goal: Goal, name: str) -> bool:
    """Say whether a goal speaks of a case."""
    return any(fnmatchcase(name, pattern) for pattern in goal.cases)


def values_of(goal: Goal, row: Row) -> dict[str, float | None]:
    """Return what a case says about a goal, by name: one value, or one for each number of threads."""
    if isinstance(goal.side, tuple):
        return fastest(goal.side, row)
    if not goal.each:
        return {row.case.name: row.ratio(goal.side) if goal.side else row.base}
    own, other = (row.outcomes[s].rounds if s in row.outcomes else {} for s in (BASE, goal.side))
    counts = sorted({*own, *other})
    if not counts:
        return {row.case.name: None}
    at = lambda n: float(np.median(other[n]) / np.median(own[n])) if n in own and n in other else None
    return {f"{row.case.name} x{n}": at(n) for n in counts}


def fastest(sides: Sequence[str], row: Row) -> dict[str, float | None]:
    """Return the smallest ratio of some sides, by the case's name and that side's.

    A side that failed does not count; one that was left out leaves the case unmeasured.
    """
    sides = [side for side in sides if side in row.case.sides]
    ratios = {side: ratio for side in sides if (ratio := row.ratio(side)) is not None}
    if not ratios or any(side not in row.outcomes for side in sides):
        return {row.case.name: None}
    side = min(ratios, key=lambda name: ratios[name])
    return {f"{row.case.name}, {side}": ratios[side]}


def judge(goal: Goal, rows: Sequence[Row], names: Sequence[str]) -> Verdict:
    """Return what the rows of a run say about a goal; `names` are those of all cases there are."""
    found: dict[str, float | None] = {name: None for name in names if wanted(goal, name)}
    for row in rows:
        if row.case.name in found:
            del found[row.case.name]
            found.update(values_of(goal, row))
    values = {name: value for name, value in found.items() if value is not None}
    if not values or len(values) < len(found):
        return Verdict(goal, None, next((name for name in found if name not in values), ""), values)
    if goal.mean:
        return Verdict(goal, float(np.exp(np.mean(np.log(list(values.values()))))), "", values)
    worst = (min if goal.side else max)(values, key=lambda name: values[name])
    return Verdict(goal, values[worst], worst, values)


def verdicts(rows: Sequence[Row], names: Sequence[str], goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """Return a verdict for each goal: of all when all cases were measured, else of those that were measured in part."""
    found = map(partial(judge, rows=rows, names=names), goals)
    return [v for v in found if v.values or len(rows) == len(names)]


def shown(goal: Goal, value: float) -> str:
    """Return a value or a bound as it is printed: "1.50 x", or seconds."""
    return f"{value:.2f} x" if goal.side else duration(value)


def table(found: Sequence[Verdict]) -> Any:
    """Return the rich table of all figures."""
    from rich.table import Table

    headings = ("figure", "", "against", "goal", "reached", "verdict", "worst case")
    rich = Table(title="The figures", title_justify="left", caption_justify="left",
                 caption=f"x: times as fast as the peer, {BASE}'s time as 1; else seconds at most")  # fmt: skip
    for heading in headings:
        rich.add_column(heading, justify="right" if heading in ("goal", "reached") else "left", no_wrap=True)
    before = ""
    for v in found:
        goal = v.goal
        reached = "[dim]not measured[/]" if v.value is None else shown(goal, v.value)
        verdict = "" if v.value is None else "[bold green]reached[/]" if v.met else "[bold red]short[/]"
        told = len(v.values) > 1 or v.value is None or isinstance(goal.side, tuple)
        worst = v.case.partition("/")[2] if told else ""
        rich.add_row(goal.group if goal.group != before else "", goal.name, goal.against or "the clock",
                     ("" if goal.side else "at most ") + shown(goal, goal.bound), reached, verdict, worst)  # fmt: skip
        before = goal.group
    return rich


def as_list(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return the verdicts as the results file keeps them."""
    return [{**v.goal._asdict(), "reached": v.value, "met": v.met, "case": v.case, "values": v.values} for v in found]
