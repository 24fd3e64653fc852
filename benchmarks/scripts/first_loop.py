"""The time of the first call of a gradient, or of the plain function, on small inputs: first_loop.py MODULE WHAT.

WHAT is "gradient", "primal", "kept" (the plain function, of machine code that Numba keeps) or "after": the gradient where
that plain function was called before, so that Numba is ready.
"""

import sys
import time
from importlib import import_module

from benchmarks.loops import inputs, workload

module, what = sys.argv[1:]
SMALL = {"lotka_volterra": {"steps": 10}, "mixture": {"d": 4, "k": 3, "n": 5}, "lstm": {"layers": 2, "steps": 5},
         "heat": {"n": 8, "steps": 2}, "newton": {"n": 8}}  # fmt: skip
given = list(getattr(inputs, module)(**SMALL[module]).values())


def call(library, maker):
    """Return the call of a library."""
    made = getattr(import_module(f"benchmarks.loops.on_{library}"), maker)
    return made(module, workload(module).WRT, given, {})


if what == "after":
    call("numba", "kept")()
library, maker = ("nbgrad", "gradient") if what in ("gradient", "after") else ("numba", what)
import_module(f"benchmarks.loops.on_{library}")
start = time.perf_counter()
call(library, maker)()
print("seconds", time.perf_counter() - start)
