"""Random numbers: blocks of four words, split over tiles by their number alone."""

from .plan import Kernel, Plan, Step, planner

BLOCKS = 4096  # blocks of Philox per tile


def _draw(name, per_block):
    @planner(name, contiguous=True)
    def plan(inputs, attrs, out) -> Plan:
        if not out.size:
            return Plan((), out.shape, out.dtype)
        blocks = -(-out.size // per_block)
        words = (out.size, BLOCKS, attrs.get("low", 0), _signed(attrs.get("count", 0)))
        step = Step(Kernel(name, ("int64", out.dtype)), (0, 1), words, -(-blocks // BLOCKS))
        return Plan((step,), out.shape, out.dtype)


def _signed(count):
    """Return a count up to 2**64 - 1 as the 64-bit word that a kernel reads."""
    return count - (1 << 64) if count >> 63 else count


_draw("random_bits", 4)
_draw("random_float32", 4)
_draw("random_float64", 2)
_draw("random_integers", 2)


@planner("random_permutation", contiguous=True)
def random_permutation(inputs, attrs, out) -> Plan:
    """Every exchange needs the ones before it: one tile."""
    if not out.size:
        return Plan((), out.shape, out.dtype)
    return Plan((Step(Kernel("random_permutation", ("int64", "int64")), (0, 1), (out.size,), 1),), out.shape, out.dtype)
