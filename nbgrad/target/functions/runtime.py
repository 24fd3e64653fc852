"""What the text of a derivative calls besides NumPy: tapes that grow, and sums whose order does not matter.

Each is a plain function too, so that the text can be read, run and stepped through without a compiler.
"""

import numpy as np
from numba import njit
from numba.extending import intrinsic, overload


@njit
def grow(tape, size):
    """Return a tape with room for `size` numbers; what it holds stays."""
    if size <= tape.size:
        return tape
    larger = np.empty(max(size, 2 * tape.size), tape.dtype)
    for i in range(tape.size):
        larger[i] = tape[i]
    return larger


def plus(total, x):
    """Return total + x, where many are added and their order does not matter: LLVM may add several at once."""
    return total + x


@intrinsic
def _any_order(context, total, x):
    def emit(context, builder, signature, args):
        return builder.fadd(*args, flags=("reassoc", "contract", "nsz"))

    return total(total, x), emit


@overload(plus, inline="never")
def _plus(total, x):
    if total == x:
        return lambda total, x: _any_order(total, x)
    return lambda total, x: total + x
