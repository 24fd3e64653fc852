"""Time whole processes: interpreter start, imports, compiling, work, end."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from .case import ColdStart
from .harness import ROOT, Plan
from .outcome import Outcome, error_of
from .peers import ALWAYS

CACHES = ("NBGRAD_CACHE_DIR", "NUMBA_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")
# JAX keeps only what took a second to compile, unless told otherwise.
CACHE_ALL = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


class Starter:
    """Starts the processes of one side, with a cache folder of its own."""

    def __init__(self, case: ColdStart, side: str, folder: Path, limit: float):
        self.case, self.side, self.cache, self.limit = case, side, folder / side, limit
        self.rounds: list[float] = []
        self.threads, self.error, self.reason = 0, 0.0, ""

    def run(self) -> tuple[float, str]:
        """Run once; return the seconds and what was printed. A failure becomes the reason that there are no times."""
        if self.case.cache == "empty":
            shutil.rmtree(self.cache, ignore_errors=True)
        folders = {name: str(self.cache / name) for name in CACHES}
        environ = {**os.environ, **ALWAYS, **CACHE_ALL, **folders, "PYTHONPATH": str(ROOT)}
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages have bytecode; so has this one, after a start
        start = time.perf_counter()
        try:
            done = subprocess.run(
                [sys.executable, *self.case.sides[self.side]], cwd=ROOT, env=environ, capture_output=True, text=True,
                encoding="utf-8", errors="replace", timeout=self.limit, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            self.reason = f"no end within {self.limit:.0f} s"
            return 0.0, ""
        seconds: float | None = time.perf_counter() - start
        if done.returncode:
            self.reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1][:300]
        elif self.case.told:
            seconds = told_seconds(done.stdout)
            if seconds is None:
                self.reason = "no line 'seconds ...' was printed"
        return seconds or 0.0, done.stdout

    def check(self, truth: list[np.ndarray]) -> None:
        """Run once without counting, which fills a kept cache too, and compare what it printed."""
        _, text = self.run()
        if self.reason or not self.case.truth:
            return
        self.error = error_of(numbers(text), truth)
        if not self.error <= self.case.tolerance:
            self.reason = f"wrong result: error {self.error:.2g}, allowed {self.case.tolerance:.2g}"

    def round(self) -> None:
        """Run once and count it."""
        self.rounds.append(self.run()[0])


def told_seconds(text: str) -> float | None:
    """Return the time that a process tells on a line of its own.

    >>> told_seconds("seconds 0.5\\n[1.0]\\n")
    0.5
    """
    lines = [line.split() for line in text.splitlines()]
    return next((float(words[1]) for words in lines if len(words) == 2 and words[0] == "seconds"), None)


def numbers(text: str) -> list[np.ndarray]:
    """Return the JSON list of numbers on the last line of a text, as one array; none when there is no such line.

    >>> numbers("hello\\n[1.0, 2.0]\\n")
    [array([1., 2.])]
    """
    try:
        return [np.array(json.loads(text.strip().splitlines()[-1]), dtype=np.float64)]
    except (IndexError, ValueError):
        return []


def measure(case: ColdStart, sides: list[str], plan: Plan) -> list[Outcome]:
    """Time the sides of a case in turns."""
    with tempfile.TemporaryDirectory() as name:
        truth: list[np.ndarray] = []
        if case.truth:
            teller = Starter(case, case.truth, Path(name) / "truth", plan.limit)
            truth = numbers(teller.run()[1])
            if not truth:
                return [Outcome(side, reason=f"no truth to compare with: {teller.reason}") for side in sides]
        starters = [Starter(case, side, Path(name), plan.limit) for side in sides]
        for starter in starters:
            starter.check(truth)
        for _ in range(plan.starts):
            for starter in starters:
                if not starter.reason:
                    starter.round()
    return [Outcome.of(starter.side, [starter]) for starter in starters]
