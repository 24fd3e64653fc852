"""Each case once in Numba's simulator, of tiny sizes: to see that it runs, where there is no GPU."""

import os
import subprocess
import sys
from typing import Any

import numpy as np

from ..case import Case
from ..harness import ROOT
from ..outcome import error_of
from ..worker import inputs_of
from . import worker

SIDES = ("nbgrad", "memory")


def run(only: str) -> int:
    """Run the cases whose name holds a text in a process of their own, which is tiny throughout; return its exit status."""
    surroundings = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "NBGRAD_BENCH_TINY": "1"}
    command = [sys.executable, "-m", "benchmarks.cuda.simulated", only]
    return subprocess.run(command, cwd=ROOT, env=surroundings, check=False).returncode


def tried(case: Case, side: str) -> str:
    """Return what is wrong with a side of a case, "" where nothing is."""
    try:
        call = case.sides[side](**inputs_of(case, False))
        first, second = (worker.arrays(call()) for _ in range(2))
        if case.truth == "numpy" and side not in case.unchecked:
            error = error_of(first, worker.arrays(case.sides["numpy"](**inputs_of(case, True))()))
            return "" if error <= case.tolerance else f"wrong result: error {error:.2g}, allowed {case.tolerance:.2g}"
        learns = case.calls == 1 or second[0] < first[0]
        return "" if learns and all(map(np.all, map(np.isfinite, second))) else f"the loss goes from {first[0]} to {second[0]}"
    except NotImplementedError as error:
        return f"({error})"
    except Exception as error:  # whatever a case raises is told, and the others go on
        return " ".join(f"{type(error).__name__}: {error}".split())


def main(only: str) -> int:
    """Try the cases; return 1 where one of them failed, not where it says that it cannot be."""
    bad = False
    for case in [case for case in worker.CASES if only in case.name]:
        found = {side: tried(case, side) for side in SIDES if side in case.sides}
        wrong: dict[str, Any] = {side: says for side, says in found.items() if says}
        bad = bad or any(not says.startswith("(") for says in wrong.values())
        print(f"{case.name:32} {'; '.join(f'{side}: {says}' for side, says in wrong.items()) or 'runs'}", flush=True)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
