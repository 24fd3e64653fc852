"""Plans of loops over lines, rows or columns of an array: a few threads for a short line, a block for a long one."""

from ...plan.plan import Kernel, Plan, Step
from ...plan.rows import extents, finished, nothing
from .package import package
from .plans import planner

HELD = 128  # bytes of a line that a thread holds in registers, at most
EACH = 4  # numbers of a short line that a thread takes at least
APART = 8  # numbers of a line too long for registers that a thread has under way at once
MANY = 1 << 14  # columns that are threads enough


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


def fold(loop, dtypes, shape, axes, out, static=(), held=1) -> Plan:
    """Plan the same as a plan."""
    outer, n, inner = extents(shape, axes)
    return finished([over_lines(loop, dtypes, shape, axes, static, held)], out) if outer * n * inner else nothing(out)


@planner("softmax", contiguous=True)
def softmax(inputs, attrs, out) -> Plan:
    """Every line is read once where registers hold it."""
    return fold("softmax_lines", (out.dtype,) * 2, inputs[0].shape, attrs["axes"], out, (False,))


@planner("log_softmax", contiguous=True)
def log_softmax(inputs, attrs, out) -> Plan:
    """The same, the logarithm of the result."""
    return fold("softmax_lines", (out.dtype,) * 2, inputs[0].shape, attrs["axes"], out, (True,))


@planner("softmax_grad", contiguous=True)
def softmax_grad(inputs, attrs, out) -> Plan:
    """One sum over each line, then the line."""
    return fold("softmax_grad_lines", (out.dtype,) * 3, inputs[0].shape, attrs["axes"], out, (False,), 2)


@planner("log_softmax_grad", contiguous=True)
def log_softmax_grad(inputs, attrs, out) -> Plan:
    """One sum over each line, then the line."""
    return fold("softmax_grad_lines", (out.dtype,) * 3, inputs[0].shape, attrs["axes"], out, (True,), 2)


@planner("logsumexp", contiguous=True)
def logsumexp(inputs, attrs, out) -> Plan:
    """One number per line, in two dtypes."""
    dtype = inputs[0].dtype
    return fold("logsumexp_lines", (dtype, dtype, "float64"), inputs[0].shape, attrs["axes"], out)


@planner("logsumexp_grad", contiguous=True)
def logsumexp_grad(inputs, attrs, out) -> Plan:
    """One pass over each line."""
    dtypes = (out.dtype, out.dtype, "float64", out.dtype)
    return fold("logsumexp_grad_lines", dtypes, inputs[1].shape, attrs["axes"], out)
