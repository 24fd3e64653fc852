"""A random permutation for many threads."""

from ...plan.plan import Kernel, Plan, Step
from .plans import planner


@planner("random_permutation", contiguous=True)
def random_permutation(inputs, attrs, out) -> Plan:
    """The CPU exchanges one place after the other; here every place finds out by itself who was exchanged with whom.

    Scratch: the latest of those that are exchanged with each place, and of each the one before. Words: how many places.
    """
    if not out.size:
        return Plan((), out.shape, out.dtype)
    words = (out.size,)
    start = Step(Kernel("permutation_start", ("int64",)), (2,), words, 1)
    links = Step(Kernel("permutation_links", ("int64",) * 4), (0, 1, 2, 3), words, 1)
    places = Step(Kernel("permutation_places", ("int64",) * 3), (1, 2, 3), words, 1)
    return Plan((start, links, places), out.shape, out.dtype, (((out.size,), "int64"),) * 2)
