"""Large results go past the cache: nothing of them is read back before it is written, and what others need stays there."""

from .calls import Stop
from .cost import bytes_of

LARGE = 1 << 22  # bytes of each result from which on it pays: fewer may still lie in the cache when they are read


def streamed(works, fresh) -> list:
    """Return works of which those loops write past the cache whose results are all large, new, and read by no other work.

    Parameters
    ----------
    works : list of Work or Stop
    fresh : set of int
        Slots that each run is given new memory for, which begins at a multiple of 64 where it is large.
    """
    read = {r.slot for w in works for r in w.reads}
    return [_past(w) if not isinstance(w, Stop) and _streams(w, fresh - read) else w for w in works]


def _streams(work, fresh) -> bool:
    kernels, writes = [s.kernel for s in work.plan.steps], work.writes
    if [getattr(k, "loop", None) for k in kernels] != ["map"]:
        return False
    classes, outer = kernels[0].static
    along = not outer and set(classes[-len(writes) :]) == {"1"}
    return along and all(w.slot in fresh and not w.offset and w.whole and bytes_of(w.layout) >= LARGE for w in writes)


def _past(work):
    (step,) = work.plan.steps
    kernel = step.kernel._replace(static=(*step.kernel.static, True))
    return work._replace(plan=work.plan._replace(steps=(step._replace(kernel=kernel),)))
