"""Records as the passes of plans take them."""

import numpy as np

from nbgrad.plan.calls import CONSTANT
from nbgrad.plan.recorder import Recorder
from nbgrad.road import ROAD
from nbgrad.tape.tape import recording
from nbgrad.tensor import Tensor


def recorded(f, *arrays):
    """Record a function of tensors; return (recorder, refs to the results, the results)."""
    recorder = recording.recorder = Recorder()
    ROAD.watch(1)
    try:
        out = f(*[Tensor._make(recorder.argument(np.asarray(a)), None) for a in arrays])
        out = out if isinstance(out, (list, tuple)) else [out]
        recorder.tensors = {}
        return recorder, [recorder.ref(t.data) for t in out], out
    finally:
        recording.recorder = None
        ROAD.watch(-1)


def with_constants(recorder, refs):
    """Return a record and its slots, those that never change marked as `plan_record` does."""
    outside = recorder.outside()
    record = recorder.record(refs)
    own = lambda i, s: s.kind == "held" and (i not in outside or not s.array.flags.writeable)
    return record, [s._replace(kind=CONSTANT) if own(i, s) else s for i, s in enumerate(record.slots)]
