"""Losses of the first calls of a step, compiled at the first: first_step.py CASE SIDE [--no-cache]."""

import json
import sys
import time

from benchmarks.cases import find

case, side, *options = sys.argv[1:]
if options:
    import jax

    jax.config.update("jax_enable_compilation_cache", False)
record = find(case)
step = record.sides[side](**record.inputs())
start = time.perf_counter()
first = step()
print("seconds", time.perf_counter() - start)
print(json.dumps([first, *(step() for _ in range(record.calls - 1))]))
