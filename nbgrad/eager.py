"""The eager road: an op asks a tensor to bind it; here the op is run, and recorded where a gradient is wanted."""

import numpy as np

from .base.dtypes import FLOAT64, INT64, WEAK, is_float
from .base.errors import ArgumentError, DeviceError, ShapeError, problem
from .base.memory import first_on_device, number_at
from .base.number import Number
from .base.shapes import View, broadcast_shapes, normalize_axes, reduced_shape
from .history import Kept, current, needs, newest_node, node_of
from .ops.cast import astype as astype_row
from .ops.cast import copy as COPY  # noqa: N812 - rows this file names itself
from .ops.joining import stack
from .ops.table import Op, set_front
from .ops.types import types_of
from .ops.views import numpy_index
from .road import NO_ATTRS, ROAD, constant, known, layout_key, taught_constant, teach_call, teach_record
from .tape.tape import Node, recording
from .target.run import (
    host,
    map_launch,
    number_of,
    primitive_launch,
    put,
    reduce_launch,
    run_map,
    share_memory,
    viewed,
)
from .tensor import Tensor, has_history


def bind(self, op, args, attrs):
    """Run `op` on arguments of which at least one is an array; record it if one of them wants a gradient."""
    if recording.recorder is not None:
        recording.recorder.meet(args)
    return RUNNERS[op.kind](op, args, attrs)


def as_tensor(a, like=None):
    """Return an argument as a tensor: no copy of an array; tensors with history in a list are stacked.

    What was no tensor goes to the device of the tensor `like`.
    """
    if like is not None:
        return together([like, as_tensor(a)])[1]
    if isinstance(a, Tensor):
        return a
    if type(a) in (list, tuple) and has_history(a):
        return stack([as_tensor(v) for v in a])
    t = Tensor(a)
    t.loose = True
    return t


def together(tensors, like=None):
    """Return tensors on one device: arrays that were no tensors, and lie nowhere in particular, go where the others are, or `like`."""
    a = first_on_device([t.data for t in tensors]) if like is None else like
    if a is None:
        return tensors
    return [_sent(v.data, a.device) if type(v.data) is np.ndarray and getattr(v, "loose", False) else v for v in tensors]


def _sent(a, device):
    """Return a tensor on a device with the values of an array of the host; a program that is recorded is one for these values."""
    if recording.recorder is not None:
        recording.recorder.seen.append((a, a.copy()))
    return Tensor._make(put(a, device), None)


def _operands(op, args):
    """Return tensors and, per argument, its dtype or (for a weak scalar) its Python type."""
    values = [a if type(a) in WEAK else as_tensor(a) for a in args]
    return values, tuple([(float if type(a) is Number else type(a)) if type(a) in WEAK else a.dtype for a in values])


def cast(t, dtype):
    """Return `t` in `dtype`, recorded like any op; itself when it has the dtype already."""
    if t.dtype == dtype:
        return t
    data = run_map(astype_row, (t.data,), t.shape, dtype)
    return finish(astype_row, (t,), NO_ATTRS, data)


def _prepare(op, args):
    """Return (tensors cast to what the row computes in, dtype of the result)."""
    values, kinds = _operands(op, args)
    casts, dtype = types_of(op, kinds)
    placed = together([v for v in values if type(v) not in WEAK])
    device, placed = number_at(placed[0].data) if placed else None, iter(placed)
    return tuple([constant(v, d, device) if type(v) in WEAK else cast(next(placed), d) for v, d in zip(values, casts)]), dtype


def _elementwise(op, args, attrs):
    key = [op]
    for a in args:
        kind = type(a)
        key.append((a.key if a.keyed is a.data else layout_key(a)) if kind is Tensor else kind)
    key = tuple(key)
    found = known.get(key)
    if found is None:
        return _elementwise_new(op, args, attrs, key)
    launch, scalars, out_key = found
    tensors = args if scalars is None else [a if d is None else taught_constant(a, *d) for a, d in zip(args, scalars)]
    out = finish(op, tensors, attrs, launch([t.data for t in tensors]))
    out.key, out.keyed = out_key, out.data
    teach_record(op, key[1:], tensors, out)
    return out


def _elementwise_new(op, args, attrs, key):
    """Run a row on layouts not seen before; remember the launch when nothing had to be cast."""
    tensors, dtype = _prepare(op, args)
    arrays = tuple([t.data for t in tensors])
    try:
        shape = broadcast_shapes(*[a.shape for a in arrays])
    except ShapeError as error:
        raise _named(op, arrays, error) from None
    checked = op.check is not None and dtype.kind in "iu"  # what integers may be depends on their values: every time
    if checked:
        op.check(*map(host, arrays) if recording.recorder is None else [t.data if type(a) in WEAK else t for a, t in zip(args, tensors)])
    out = finish(op, tensors, attrs, run_map(op, arrays, shape, dtype))
    if recording.recorder is not None:  # nothing was launched
        return out
    weak = [type(a) in WEAK for a in args]
    if not checked and all(w or t is a for w, t, a in zip(weak, tensors, args)) and not all(weak):
        device = number_at(arrays[weak.index(False)])
        scalars = tuple([(t.dtype, device) if w else None for w, t in zip(weak, tensors)]) if any(weak) else None
        launch, out_key = map_launch(op, arrays, shape, dtype), layout_key(out)
        known[key] = (launch, scalars, out_key)
        if launch.plain:
            ROAD.learn(op, key[1:], launch.program, shape, dtype, out_key, next(filter(None, scalars or ()), (None,))[0])
    return out


def _named(op, arrays, error):
    shown = ", ".join(f"{p} is {a.shape}" for p, a in zip(op.params, arrays))
    lines = str(error).splitlines()
    return type(error)("\n".join([f"{op.signature}: {shown}; {lines[0]}", *lines[1:]]))


def _reduction(op, args, attrs):
    a, key = args[0], None
    if attrs and type(a) is Tensor and _is_plain(attrs["axis"]) and type(attrs["keepdims"]) is bool:
        key = (op, a.key if a.keyed is a.data else layout_key(a), attrs["axis"], attrs["keepdims"])
        found = known.get(key)
        if found is not None:
            launch, attrs = found
            return finish(op, args, attrs, launch((a.data,)))
    (t,), dtype = _prepare(op, args)
    axes = normalize_axes(attrs["axis"] if attrs else None, t.ndim)
    keepdims = attrs["keepdims"] if attrs else False
    if not isinstance(keepdims, (bool, np.bool_)):
        raise problem(ArgumentError, f"{op.name}: keepdims is {keepdims!r}, not True or False", "keepdims=True")
    keepdims = bool(keepdims)
    shape = reduced_shape(t.shape, axes, keepdims)
    if op.wide and dtype.kind in "iu":
        dtype = np.dtype("uint64") if dtype.kind == "u" else INT64
    if op.start is None and any(t.shape[a] == 0 for a in axes) and 0 not in shape:
        raise problem(
            ShapeError,
            f"{op.name} of shape {t.shape} over axes {axes}: there is nothing to choose from",
            "an array that is not empty along the axes",
        )
    acc = FLOAT64 if op.wide and is_float(dtype) else dtype
    launch = reduce_launch(op, t.data, axes, shape, dtype, acc)
    done = {"axis": axes, "keepdims": keepdims}
    out = finish(op, (t,), done, launch((t.data,)))
    if key is not None and t is a:
        known[key] = (launch, done)
    if not attrs:
        teach_call(op, args, launch, (t,), out)
    return out


def _is_plain(axis):
    """Say whether an axis can stand for itself in a key: 1.0 and True are equal to 1, but no axes."""
    return axis is None or type(axis) is int or (type(axis) is tuple and all([type(i) is int for i in axis]))


def _movement(op, args, attrs):
    t = as_tensor(args[0])
    data = move(op, t.data, attrs)
    if data is None:
        t = finish(COPY, (t,), NO_ATTRS, run_map(COPY, (t.data,), t.shape, t.dtype))
        data = move(op, t.data, attrs)
    out = finish(op, (t,), attrs, data, view_of=t)
    if getattr(t, "loose", False):
        out.loose = True
    return out


def move(op, a, attrs):
    """Return the view of array `a` that a movement row describes, or None when it needs a copy first."""
    fast = VIEWS.get(op.name)
    if fast is not None and a.flags.c_contiguous:
        return fast(a, **attrs)
    size = a.itemsize
    view = op.forward(View(a.shape, tuple([s // size for s in a.strides]), 0), **attrs)
    if view is None:
        return None
    if fast is not None and type(a) is np.ndarray:  # NumPy finds views of any strides
        return fast(a, **attrs)
    return viewed(a, lambda b: strided(b, view))


def strided(a, view):
    """Return a view of `a` by shape, strides and offset in elements."""
    if 0 in view.shape:
        return np.empty(view.shape, a.dtype)
    size, offset = a.itemsize, view.offset
    if offset:
        flat = np.lib.stride_tricks.as_strided(a, (abs(offset) + 1,), (size if offset > 0 else -size,))
        a = flat[-1:]
    return np.lib.stride_tricks.as_strided(a, view.shape, tuple([s * size for s in view.strides]))


VIEWS = {
    "permute": lambda a, axes: a.transpose(axes),
    "reshape": lambda a, shape: a.reshape(shape),
    "slice_": lambda a, cuts, keep: a[numpy_index(cuts, keep)],
}


def _primitive(op, args, attrs):
    key = (op, *attrs.values(), *[(a.key if a.keyed is a.data else layout_key(a)) if type(a) is Tensor else None for a in args])
    launch, fixed, attrs = known.get(key), not attrs, attrs or op.constants
    if launch is not None:
        tensors, data = args, launch([a.data for a in args])
    else:
        tensors, dtype = _prepare(op, args)
        arrays, shape = tuple([t.data for t in tensors]), tuple(op.forward(*tensors, **attrs))
        if op.several:
            dtype = (*[dtype] * len(op.outputs), *map(np.dtype, op.aux.values()))
        launch = primitive_launch(op, arrays, attrs, shape, dtype)
        if all(t is a for t, a in zip(tensors, args)):
            known[key] = launch
        data = launch(arrays)
    if op.several:
        return _finish_several(op, tensors, attrs, data)
    out = finish(op, tensors, attrs, data)
    if fixed:
        teach_call(op, args, launch, tensors, out)
    return out


def _finish_several(op, tensors, attrs, data):
    """Wrap the results of a row with several of them, and what it says about them; put the call on the tape."""
    count = len(op.outputs)
    aux = tuple([Tensor._make(a, None) for a in data[count:]])
    if count == 1:
        return (finish(op, tensors, attrs, data[0], aux=aux), *aux)
    nodes = [node_of(t) for t in tensors] if recording.on else ()
    active, names = needs(op, tuple([n is not None for n in nodes])) if any(nodes) else ((), ())
    if not active or data[0].dtype.kind != "f":
        return (*[Tensor._make(a, None) for a in data[:count]], *aux)
    nodes = [n if i in active else None for i, n in enumerate(nodes)]
    kept = {name: Kept(tensors[i], nodes[i]) if i >= 0 else Kept(aux[-2 - i], None) for name, i in names}
    whole = Node(op, tuple(nodes), attrs, None, None, tuple([t.data.shape for t in tensors]), kept)
    if recording.tapes:
        whole.shown = tuple([n if n is not None else t.data for n, t in zip(nodes, tensors)])
    items = [Node(ITEM, (whole,), {"index": i}, a.shape, a.dtype, (None,), {}) for i, a in enumerate(data[:count])]
    outs = tuple(map(Tensor._make, data, items))
    if recording.anomaly_forward is not None:
        for out in outs:
            recording.anomaly_forward(op, tensors, out)
    return (*outs, *aux)


def finish(op, tensors, attrs, data, view_of=None, aux=()):
    """Wrap the result; put a node on the tape when an input wants a gradient."""
    out, now = None, recording.__dict__
    if now["on"] and data.dtype.kind == "f":
        nodes = [t.node if t.base is None else current(t) for t in tensors]
        for n in nodes:
            if n is not None:
                out = _record(op, tensors, nodes, attrs, data, view_of, aux)
                break
    if out is None:
        out = Tensor._make(data, None, view_of)
    if now["anomaly_forward"] is not None:
        now["anomaly_forward"](op, tensors, out)
    return out


def _record(op, tensors, nodes, attrs, data, view_of, aux=()):
    """Wrap the result with a node that keeps what the backward of the active inputs reads; None when none is active."""
    active, names = needs(op, tuple([n is not None for n in nodes]))
    if not active:
        return None
    if len(active) < len(nodes):
        nodes = [n if i in active else None for i, n in enumerate(nodes)]
    node = Node(op, tuple(nodes), attrs, data.shape, data.dtype, tuple([t.data.shape for t in tensors]))
    out = Tensor._make(data, node, view_of)
    kept = node.kept = {}
    for name, i in names:
        kept[name] = Kept(tensors[i], nodes[i]) if i >= 0 else Kept(out, None, True) if i == -1 else Kept(aux[-2 - i], None)
    if recording.tapes:
        node.shown = tuple([n if n is not None else t.data for n, t in zip(nodes, tensors)])
    return out


def owned(tensors, taken=()):
    """Return the tensors, copied where memory is shared: with each other, with `taken`, or within (repeated by strides)."""
    seen, out = {id(t.data) for t in taken}, []
    for t in tensors:
        flags = t.data.flags
        if id(t.data) in seen or t.base is not None or not (flags.owndata and flags.writeable):
            t = finish(COPY, (t,), NO_ATTRS, run_map(COPY, (t.data,), t.shape, t.dtype))
        seen.add(id(t.data))
        out.append(t)
    return out


def _custom(op, args, attrs):
    raise TypeError(f"{op.name} is not called through the table")


RUNNERS = {
    "elementwise": _elementwise,
    "reduction": _reduction,
    "movement": _movement,
    "primitive": _primitive,
    "custom": _custom,
}
Tensor._bind = bind
Tensor._cast = cast
Tensor._newest_node = newest_node
Tensor._owned = staticmethod(owned)
set_front(lambda op, args, attrs: bind(None, op, args, attrs), as_tensor)


def moved(t, device):
    """Return a tensor on a device, recorded like any op; itself where it is there already."""
    if number_of(device) == number_at(t.data):
        return t
    if recording.recorder is not None:
        raise problem(DeviceError, f"to({device!r}) inside a compiled function: a program runs on one device", "x.to(...) before the call")
    return record_custom(_TO, [node_of(t)], [put(t.data, device)], {"device": t.device}, [t.shape])[0]


_TO = Op("to", "custom", ("x",), pull=lambda node, g: [moved(g, node.kept["device"])])
Tensor._moved = moved


def record_custom(op, nodes, outputs, kept, shapes=None, inputs=()):
    """Put a call that is no row on the tape: return its outputs (arrays) as tensors made by it.

    An output that shares memory with one of the arrays `inputs`, or is a view, gets memory of its own.
    """
    own = lambda a: a.flags.owndata and not any(share_memory(a, x) for x in inputs)
    outputs = [a if own(a) else run_map(COPY, (a,), a.shape, a.dtype) for a in outputs]
    if not recording.on or all(n is None for n in nodes):
        return [Tensor._make(a, None) for a in outputs]
    shapes = tuple(shapes) if shapes is not None else tuple(None if n is None else n.shape for n in nodes)
    if len(outputs) == 1:
        a = outputs[0]
        return [
            Tensor._make(
                a, Node(op, tuple(nodes), NO_ATTRS, a.shape, a.dtype, shapes, kept) if a.dtype.kind == "f" else None
            )
        ]
    whole = Node(op, tuple(nodes), NO_ATTRS, None, None, shapes, kept)
    item = lambda i, a: (
        Node(ITEM, (whole,), {"index": i}, a.shape, a.dtype, (None,), {}) if a.dtype.kind == "f" else None
    )
    return [Tensor._make(a, item(i, a)) for i, a in enumerate(outputs)]


ITEM = Op("item", "custom", ("x",), pull=lambda node, g: [{node.attrs["index"]: g}])
