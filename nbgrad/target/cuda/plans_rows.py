"""Plans of loops over lines, rows or columns of an array: a few threads for a short line, a block for a long one."""

from ...plan.plan import Kernel, Plan, Step
from ...plan.rows import extents, finished, nothing, plan_kin
from .package import package
from .plans import planner

HELD = 128  # bytes of a line that a thread holds in registers, at most
EACH = 4  # numbers of a short line that a thread takes at least
APART = 8  # numbers of a line too long for registers that a thread has under way at once
MANY = 1 << 14  # columns that are threads enough
HOLDS = {"softmax_grad": 2}  # arrays of which a thread holds numbers, where it is not one


def power_of_two(n) -> int:
    """Return the smallest power of two that is not below `n`.

    >>> power_of_two(1), power_of_two(5)
    (1, 8)
    """
    return 1 << max(0, n - 1).bit_length()


def team(lines, n, inner, size) -> tuple:
    """Return (threads per line, numbers of a thread at once, whether these are all, whether lines are columns).

    size : bytes that a thread holds per number.
    """
    lanes, threads = package().lanes, package().threads
    most = max(1, HELD // size)
    if inner > 1:
        together = 1 if lines >= MANY or n <= EACH else threads // lanes
    elif n <= lanes * most:
        together = min(lanes, power_of_two(-(-n // EACH)))
    else:
        together = threads
    held = power_of_two(-(-n // together))
    return together, *((held, True) if held <= most else (min(most, APART), False)), inner > 1


def line_words(static, lines, n, inner) -> tuple:
    """Return the first words of a loop over lines: units, lines, n, inner."""
    return -(-lines * static[0] // package().threads), lines, n, max(1, inner)


def over_lines(loop, dtypes, shape, axes, static=(), held=1, words=()) -> Step:
    """Plan a loop over lines whose pointers are the inputs, then the outputs. held : arrays of which a thread holds numbers."""
    outer, n, inner = extents(shape, axes)
    lines = outer * inner
    kinds = team(lines, n, inner, held * (8 if dtypes[0].endswith("64") else 4))
    kernel = Kernel(loop, dtypes, None, (*kinds, *static))
    return Step(kernel, tuple(range(len(dtypes))), (*line_words(kinds, lines, n, inner), *words), 1)


def fold(loop, dtypes, shape, axes, out, static) -> Plan:
    """Plan a loop of softmax or its kin."""
    outer, n, inner = extents(shape, axes)
    if not outer * n * inner:
        return nothing(out)
    return finished([over_lines(f"{loop}_lines", dtypes, shape, axes, static, HOLDS.get(loop, 1))], out)


plan_kin(planner, fold)
