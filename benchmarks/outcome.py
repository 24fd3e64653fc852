"""What came out for one side of a case: times, or the reason why there are none."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NOISY = 0.25  # a spread above this share of the median is marked in tables


@dataclass
class Outcome:
    """One side of a case.

    Attributes
    ----------
    side : str
    rounds : dict of int -> list of float
        Number of threads (0: the peer's own choice) -> seconds of a call in each round.
    error : float
        Largest error of the results, as `error_of`.
    reason : str
        Why there is no time, or none at some number of threads.

    Examples
    --------
    >>> outcome = Outcome("torch", {1: [3.0, 5.0, 4.0], 2: [2.0, 2.0, 9.0]})
    >>> outcome.threads, outcome.seconds
    (2, 2.0)
    """

    side: str
    rounds: dict[int, list[float]] = field(default_factory=dict)
    error: float = 0.0
    reason: str = ""

    @classmethod
    def of(cls, side: str, lanes: Sequence[Any]) -> "Outcome":
        """Join the lanes of one side; a wrong result in one of them leaves no time at all."""
        reasons = [f"{lane.threads} threads: {lane.reason}" for lane in lanes if lane.reason]
        if reasons and len({lane.reason for lane in lanes}) == 1:
            reasons = [lanes[0].reason]
        wrong = any(lane.reason.startswith("wrong result") for lane in lanes)
        rounds = {lane.threads: lane.rounds for lane in lanes if lane.rounds and not lane.reason and not wrong}
        return cls(side, rounds, max(lane.error for lane in lanes), "; ".join(reasons))

    @property
    def threads(self) -> int:
        """The number of threads at which the median is smallest."""
        return min(self.rounds, key=lambda n: float(np.median(self.rounds[n])))

    @property
    def seconds(self) -> float | None:
        """The median over the rounds at the best number of threads."""
        return float(np.median(self.rounds[self.threads])) if self.rounds else None

    @property
    def spread(self) -> float:
        """The middle half of the rounds, as a share of their median."""
        low, middle, high = np.percentile(self.rounds[self.threads], (25, 50, 75))
        return float((high - low) / middle)

    def as_dict(self) -> dict[str, Any]:
        """Return what the results file keeps."""
        kept: dict[str, Any] = {}
        if self.rounds:
            kept = {"seconds": self.seconds, "threads": self.threads, "spread": self.spread, "error": self.error}
            kept["rounds"] = {str(n): times for n, times in self.rounds.items()}
        return {**kept, **({"missing": self.reason} if self.reason else {})}


def error_of(found: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Return the largest error of arrays, each relative to the true value plus the true array's root mean square.

    Infinite for other shapes, or a NaN that should not be there.

    Examples
    --------
    >>> error_of([np.array([1.0, 3.0])], [np.array([1.0, 1.0])])
    1.0
    >>> error_of([np.zeros(3)], [np.zeros(2)])
    inf
    """
    if [a.shape for a in found] != [b.shape for b in truth]:
        return float("inf")
    return max((_error(a, b) for a, b in zip(found, truth)), default=0.0)


def _error(a: np.ndarray, b: np.ndarray) -> float:
    if a.size == 0:
        return 0.0
    exact = b.astype(np.float64)
    scale = np.abs(exact) + np.sqrt(np.mean(exact * exact)) + np.finfo(np.float64).tiny
    error = float(np.max(np.abs(a.astype(np.float64) - exact) / scale))
    return error if np.isfinite(error) else float("inf")
