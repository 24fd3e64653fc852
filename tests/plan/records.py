"""Records as the passes of plans take them."""

from nbgrad.plan.calls import CONSTANT


def with_constants(recorder, refs):
    """Return a record and its slots, those that never change marked as `plan_record` does."""
    outside = recorder.outside()
    record = recorder.record(refs)
    own = lambda i, s: s.kind == "held" and (i not in outside or not s.array.flags.writeable)
    return record, [s._replace(kind=CONSTANT) if own(i, s) else s for i, s in enumerate(record.slots)]
