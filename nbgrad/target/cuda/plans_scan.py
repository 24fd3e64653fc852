"""Plans of scans: a thread for a column or a short row, a warp or a block for a row; few long lines are summed in segments."""

from math import prod

from ...plan.gathering import split_shape
from ...plan.plan import Kernel, Plan, Step
from .package import package
from .plans import planner

SHORT = 16  # numbers of a row that one thread takes
SERIAL = 8  # numbers that a thread has under way at once which goes over a line alone
TOGETHER = 4  # the same where threads go over it together
TURNS = 8  # batches of a line for which a segment of its own is worth a start
ENOUGH = 1 << 16  # threads, with which no line is cut
WHOLE, TOTALS, CARRIED = 0, 1, 2  # what a step makes: lines, sums of segments, segments that go on from the sums before them


class Scan:
    """How a scan over lines of an array is shared out.

    loop : ending of the loop's name; static : threads per line, numbers of each at once;
    segments, per : how many pieces a line has, and their length.
    """

    def __init__(self, lines, n, inner, reverse=False, cut=False):
        self.lines, self.n, self.inner, self.reverse = lines, n, inner, reverse
        lanes, threads = package().lanes, package().threads
        alone = inner > 1 or n <= SHORT
        together = 1 if alone else lanes if n <= lanes * TOGETHER * TURNS else threads
        self.loop, self.static = "columns" if alone else "rows", (together, SERIAL if alone else TOGETHER)
        batch = prod(self.static)
        wanted = min(-(-ENOUGH // (lines * together)), n // (batch * TURNS)) if cut else 1
        self.per = n if wanted <= 1 else -(-n // wanted // batch) * batch
        self.segments = -(-n // self.per)

    def step(self, name, kinds, pointers, mode=WHOLE, static=()) -> Step:
        """Return a step. Words: units, lines, numbers per line, columns, first number, step, segments, numbers of a segment."""
        first = (self.n - 1) * self.inner if self.reverse else 0
        segments, per = (1, self.n) if mode == WHOLE else (self.segments, self.per)
        units = -(-self.lines * segments * self.static[0] // package().threads)
        words = (units, self.lines, self.n, self.inner, first, -self.inner if self.reverse else self.inner, segments, per)
        return Step(Kernel(f"{name}_{self.loop}", kinds, None, (*self.static, mode, *static)), pointers, words, 1)


def scan_of(out, axis, reverse=False, cut=False) -> Scan:
    """Return the scan of an array over an axis."""
    outer, n, inner = split_shape(out.shape, axis)
    return Scan(outer * inner, n, inner, reverse, cut)


@planner("running_sum", contiguous=True)
def running_sum(inputs, attrs, out) -> Plan:
    """Input x; scratch sums of segments, and those up to the end of each."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    scan, kinds = scan_of(out, attrs["axis"], attrs["reverse"], cut=True), (out.dtype,) * 3
    if scan.segments == 1:
        return Plan((scan.step("running_sum", kinds, (0, 1, 1)),), out.shape, out.dtype)
    steps = (
        scan.step("running_sum", kinds, (0, 2, 2), TOTALS),
        Scan(scan.lines, scan.segments, 1).step("running_sum", kinds, (2, 3, 3)),
        scan.step("running_sum", kinds, (0, 1, 3), CARRIED),
    )
    return Plan(steps, out.shape, out.dtype, (((scan.lines, scan.segments), out.dtype),) * 2)


@planner("recurrence", contiguous=True)
def linear_recurrence(inputs, attrs, out) -> Plan:
    """Inputs a, b."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    scan = scan_of(out, attrs["axis"], attrs["reverse"])
    if scan.loop == "rows":  # a block loads and stores, one of its threads computes
        scan.static = (package().threads, TOGETHER)
    return Plan((scan.step("linear_recurrence", (out.dtype,) * 3, (0, 1, 2)),), out.shape, out.dtype)


@planner("running_arg", contiguous=True)
def running_arg(inputs, attrs, out) -> Plan:
    """Input x."""
    if out.size == 0:
        return Plan((), out.shape, out.dtype)
    static = ("max" if attrs["largest"] else "min",)
    step = scan_of(out, attrs["axis"]).step("running_arg", (inputs[0].dtype, "int64"), (0, 1), WHOLE, static)
    return Plan((step,), out.shape, out.dtype)
