"""In-place writes: into memory at once, onto the tape as ops that replace a value or a part of one."""

from .base.dtypes import WEAK, is_float
from .base.errors import DtypeError, GradientError, ShapeError, problem
from .base.memory import number_at, start_of
from .eager import COPY, as_tensor, cast, finish
from .history import newest_node, view_attrs
from .ops.movement import broadcast_to, reshape
from .ops.table import Op
from .ops.views import overwrite
from .road import NO_ATTRS, constant
from .tape.tape import Node, recording
from .target.run import put, run_map, share_memory
from .tensor import Tensor, writes


def write(t, value):
    """Write `value` (anything that broadcasts) into the memory of `t`; the tape follows where it can."""
    value = as_tensor(value) if type(value) not in WEAK else constant(value, t.dtype, number_at(t.data))
    if getattr(value, "loose", False):
        value = Tensor._make(put(value.data, t.device), None)
    if _is_same_memory(value, t):
        return t  # what `y[i] += z` assigns back was written there already
    tracked = _is_tracked(t, value)
    if not t.data.flags.writeable or _repeats(t.data):
        what = "that is read-only" if not t.data.flags.writeable else "in which elements repeat (a broadcast view)"
        raise problem(GradientError, f"a tensor of shape {t.shape} cannot be written: it is a view of memory {what}", "x = x.copy() first")
    if not is_float(t.dtype) and recording.on and value.node is not None:
        what = f"a value with history is written into a tensor of {t.dtype}, which carries no gradient"
        raise problem(DtypeError, what, "value.detach()")
    if tracked and is_float(t.dtype):
        for owner in (t, t.base):
            if owner is not None and owner.node is not None and owner.node.op is None:
                raise problem(
                    GradientError,
                    f"a leaf of shape {owner.shape} that wants a gradient is written in place",
                    "with nbgrad.no_grad(): ..., or write to a copy",
                )
    value = cast(value, t.dtype)
    if share_memory(value.data, t.data) and value.data is not t.data:
        value = finish(COPY, (value,), NO_ATTRS, run_map(COPY, (value.data,), value.shape, t.dtype))
    if value.ndim > t.ndim and all(n == 1 for n in value.shape[: value.ndim - t.ndim]):
        value = reshape(value, value.shape[value.ndim - t.ndim :])
    if value.shape != t.shape:
        value = broadcast_to(value, t.shape)
    if t.size == 0:
        return t
    old, node = None if t.base is None else t.base.node, newest_node(value)
    attrs = _overwrite_attrs(t) if tracked and t.base is not None else None  # refuses before anything is written
    if value.data is not t.data:
        run_map(COPY, (value.data,), t.shape, t.dtype, out=t.data)
    _count_write(t)
    if tracked:
        t.node = node
        if attrs is not None:
            base = t.base
            base.node = Node(overwrite, (old, node), attrs, base.shape, base.dtype, (base.shape, t.shape), {})
    return t


def _count_write(t):
    writes(t)[0] += 1
    t.seen = t.version[0]


def _is_same_memory(value, t):
    a, b = value.data, t.data
    return (
        value.base is not None and value.base is t.base and a.shape == b.shape and a.strides == b.strides
        and start_of(a) == start_of(b)
    )  # fmt: skip


def _repeats(a):
    """Say whether a write to one element would show in another."""
    return any(s == 0 and n > 1 for s, n in zip(a.strides, a.shape))


def _overwrite_attrs(t):
    attrs = view_attrs(t)
    return {"strides": attrs["strides"], "offset": attrs["offset"]}


def _is_tracked(*tensors):
    """Say whether one of the tensors, or the base of one, has a node that a write would change."""
    return recording.on and any(t.node is not None or (t.base is not None and t.base.node is not None) for t in tensors)


def update(t, op, other):
    """Compute an in-place operator: straight into the memory of `t` where the tape need not follow."""
    value = constant(other, t.dtype, number_at(t.data)) if type(other) in WEAK and is_float(t.dtype) else other
    if isinstance(op, Op) and isinstance(value, Tensor) and _fits(op, t, value) and not _is_tracked(t, value):
        run_map(op, (t.data, value.data), t.shape, t.dtype, out=t.data)
        _count_write(t)
        return t
    value = op(t, other)
    if value.shape != t.shape:
        raise problem(
            ShapeError, f"{op.name} in place: the result has shape {value.shape} and the tensor {t.shape}",
            "the operator without =, which makes a new tensor",
        )  # fmt: skip
    if value.dtype.kind == "f" and t.dtype.kind != "f":
        raise problem(
            DtypeError,
            f"{op.name} in place: the result is {value.dtype} and the tensor {t.dtype}",
            "x = x.astype(...) first",
        )
    return write(t, value)


def _fits(op, t, value):
    """Say whether `op` of t and value has the shape and dtype of t, and no element is read after it was written."""
    return (
        value.dtype == t.dtype and op.returns is None and op.accepts[0] in ("number", "float") and is_float(t.dtype)
        and t.data.flags.writeable and not _repeats(t.data) and len(value.shape) <= t.ndim
        and all(n in (1, m) for n, m in zip(reversed(value.shape), reversed(t.shape)))
        and (value.data is t.data or not share_memory(value.data, t.data))
    )  # fmt: skip


Tensor._write = write
Tensor._update = update
