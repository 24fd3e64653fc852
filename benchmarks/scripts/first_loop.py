"""The time of the first call of a gradient, or of the plain function, on small inputs: first_loop.py MODULE WHAT."""

import sys
import time
from importlib import import_module

from benchmarks.loops import inputs, workload

module, what = sys.argv[1:]
SMALL = {"lotka_volterra": {"steps": 10}, "mixture": {"d": 4, "k": 3, "n": 5}, "lstm": {"layers": 2, "steps": 5},
         "heat": {"n": 8, "steps": 2}}  # fmt: skip
given = list(getattr(inputs, module)(**SMALL[module]).values())
library = import_module("benchmarks.loops.on_nbgrad" if what == "gradient" else "benchmarks.loops.on_numba")
start = time.perf_counter()
getattr(library, what)(module, workload(module).WRT, given, {})()
print("seconds", time.perf_counter() - start)
