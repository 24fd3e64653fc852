"""Floor 5, how: emit the source of a kernel, compile it, cache it, run it. The only floor that imports numba or llvmlite."""
