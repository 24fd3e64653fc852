"""The eager road: an op asks a tensor to bind it; here the op is run, and recorded where a gradient is wanted."""

import itertools

import numpy as np

from .base.dtypes import FLOAT64, INT64, WEAK, is_float
from .base.errors import ArgumentError, DtypeError, GradientError, ShapeError, problem
from .base.shapes import View, broadcast_shapes, normalize_axes, reduced_shape
from .ops.cast import astype as astype_row
from .ops.cast import copy as COPY  # noqa: N812 - rows this file names itself
from .ops.joining import stack
from .ops.movement import as_view as AS_VIEW  # noqa: N812
from .ops.table import Op, set_front
from .ops.types import types_of
from .ops.views import numpy_index
from .tape.rules import flows, keeps
from .tape.tape import Node, recording
from .target.cpu.run import map_launch, run_map, run_primitive, run_reduce
from .tensor import Tensor, has_history

NO_ATTRS: dict = {}


class Kept:
    """What a node keeps of a value: its memory as it was, and the node it came from."""

    __slots__ = ("data", "node", "own", "seen", "version")

    def __init__(self, t, node, own=False):
        self.data, self.node, self.version, self.seen = t.data, node, t.version, t.version[0]
        self.own = own  # the node's own result: its node is the owner, not held here, for that would be a cycle

    def value(self, owner, name):
        """Return the kept value as a tensor; raise GradientError when its memory was written since."""
        if self.version[0] != self.seen:
            raise problem(
                GradientError,
                f"{owner.op.name}: its backward reads {name} of shape {self.data.shape}, "
                f"which was written in place {self.version[0] - self.seen} time(s) after it was recorded",
                "write to a copy (x.copy()), or write before it is used", owner.where,
            )  # fmt: skip
        return Tensor._make(self.data, owner if self.own else self.node, version=self.version)


def bind(self, op, args, attrs):
    """Run `op` on arguments of which at least one is an array; record it if one of them wants a gradient."""
    return RUNNERS[op.kind](op, args, attrs)


def as_tensor(a):
    """Return an argument as a tensor: no copy of an array; tensors with history in a list are stacked."""
    if isinstance(a, Tensor):
        return a
    if type(a) in (list, tuple) and has_history(a):
        return stack([as_tensor(v) for v in a])
    return Tensor(a)


def _operands(op, args):
    """Return tensors and, per argument, its dtype or (for a weak scalar) its Python type."""
    values = [a if type(a) in WEAK else as_tensor(a) for a in args]
    return values, tuple([type(a) if type(a) in WEAK else a.dtype for a in values])


_constants: dict = {}


def constant(value, dtype):
    """Return a 0-d tensor of a Python scalar; the most used are kept."""
    key = (value, type(value), dtype, str(value) if value == 0 else None)
    t = _constants.get(key)
    if t is None:
        try:
            data = np.array(value, dtype)
        except OverflowError:
            raise problem(
                DtypeError, f"the scalar {value} does not fit {dtype.name}", "x.astype of a wider dtype"
            ) from None
        t = Tensor._make(data, None)
        if len(_constants) < 4096 and value == value:
            data.flags.writeable = False
            _constants[key] = t
    return t


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
    return tuple([constant(v, d) if type(v) in WEAK else cast(v, d) for v, d in zip(values, casts)]), dtype


_keys: dict = {}  # (dtype, shape, strides) -> a number that stands for the layout in `_known`
_known: dict = {}  # (row, layout of each argument) -> launch, dtypes of weak scalars, layout of the result
_numbers = itertools.count(1)


def layout_key(t):
    """Return the number of a tensor's layout, looked up once per tensor."""
    a = t.data
    t.keyed, layout = a, (a.dtype.num, a.shape, a.strides)
    t.key = _keys.get(layout)
    if t.key is None:
        if len(_keys) > 50000:
            _keys.clear()
            _known.clear()
        t.key = _keys[layout] = next(_numbers)
    return t.key


def _elementwise(op, args, attrs):
    key = [op]
    for a in args:
        kind = type(a)
        key.append((a.key if a.keyed is a.data else layout_key(a)) if kind is Tensor else kind)
    key = tuple(key)
    known = _known.get(key)
    if known is None:
        return _elementwise_new(op, args, attrs, key)
    launch, scalars, out_key = known
    tensors = args if scalars is None else [a if d is None else constant(a, d) for a, d in zip(args, scalars)]
    out = finish(op, tensors, attrs, launch([t.data for t in tensors]))
    out.key, out.keyed = out_key, out.data
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
        op.check(*arrays)
    out = finish(op, tensors, attrs, run_map(op, arrays, shape, dtype))
    weak = [type(a) in WEAK for a in args]
    if not checked and all(w or t is a for w, t, a in zip(weak, tensors, args)) and not all(weak):
        scalars = tuple([t.dtype if w else None for w, t in zip(weak, tensors)]) if any(weak) else None
        _known[key] = (map_launch(op, arrays, shape, dtype), scalars, layout_key(out))
    return out


def _named(op, arrays, error):
    shown = ", ".join(f"{p} is {a.shape}" for p, a in zip(op.params, arrays))
    lines = str(error).splitlines()
    return type(error)("\n".join([f"{op.signature}: {shown}; {lines[0]}", *lines[1:]]))


def _reduction(op, args, attrs):
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
    data = run_reduce(op, t.data, axes, shape, dtype, acc)
    return finish(op, (t,), {"axis": axes, "keepdims": keepdims}, data)


def _movement(op, args, attrs):
    t = as_tensor(args[0])
    data = move(op, t.data, attrs)
    if data is None:
        t = finish(COPY, (t,), NO_ATTRS, run_map(COPY, (t.data,), t.shape, t.dtype))
        data = move(op, t.data, attrs)
    return finish(op, (t,), attrs, data, view_of=t)


def move(op, a, attrs):
    """Return the view of array `a` that a movement row describes, or None when it needs a copy first."""
    fast = VIEWS.get(op.name)
    if fast is not None and a.flags.c_contiguous:
        return fast(a, **attrs)
    size = a.itemsize
    view = op.forward(View(a.shape, tuple([s // size for s in a.strides]), 0), **attrs)
    if view is None:
        return None
    if fast is not None:
        return fast(a, **attrs)
    return strided(a, view)


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
    tensors, dtype = _prepare(op, args)
    shape = tuple(op.forward(*tensors, **attrs))
    data = run_primitive(op, tuple([t.data for t in tensors]), attrs, shape, dtype)
    return finish(op, tensors, attrs, data)


def finish(op, tensors, attrs, data, view_of=None):
    """Wrap the result; put a node on the tape when an input wants a gradient."""
    out, now = None, recording.__dict__
    if now["on"] and data.dtype.kind == "f":
        nodes = [t.node if t.base is None else current(t) for t in tensors]
        for n in nodes:
            if n is not None:
                out = _record(op, tensors, nodes, attrs, data, view_of)
                break
    if out is None:
        out = Tensor._make(data, None, view_of)
    if now["anomaly_forward"] is not None:
        now["anomaly_forward"](op, tensors, out)
    return out


def _record(op, tensors, nodes, attrs, data, view_of):
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
        kept[name] = Kept(out, None, True) if i < 0 else Kept(tensors[i], nodes[i])
    if recording.tapes:
        node.shown = tuple([n if n is not None else t.data for n, t in zip(nodes, tensors)])
    return out


_needs: dict = {}


def needs(op, wanting):
    """Return the inputs that a gradient flows to, of those that want one, and (name, input number or -1) kept for it."""
    found = _needs.get((op, wanting))
    if found is None:
        active = tuple([i for i, w in enumerate(wanting) if w and flows(op, i)])
        names = tuple([(n, op.params.index(n) if n in op.params else -1) for n in keeps(op, active)])
        found = _needs[op, wanting] = (active, names)
    return found


def current(t):
    """Return the node of a view, made anew from its base when the memory was written after the view was taken."""
    if t.seen != t.version[0]:
        t.seen = t.version[0]
        if t.base.node is None and t.node is not None and t.node.op is not None:
            t.node = None
        elif t.base.node is not None and t.dtype == t.base.dtype:
            attrs = view_attrs(t)
            t.node = Node(AS_VIEW, (t.base.node,), attrs, t.shape, t.dtype, (t.base.shape,), {})
    return t.node


def owned(tensors, taken=()):
    """Return the tensors, copied where memory is shared: with each other, with `taken`, or within (repeated by strides)."""
    seen, out = {id(t.data) for t in taken}, []
    for t in tensors:
        if id(t.data) in seen or t.base is not None or not (t.data.flags.owndata and t.data.flags.writeable):
            t = finish(COPY, (t,), NO_ATTRS, run_map(COPY, (t.data,), t.shape, t.dtype))
        seen.add(id(t.data))
        out.append(t)
    return out


def newest_node(t):
    """Return the node of a tensor as it is now, or None."""
    return t.node if t.base is None else current(t)


def view_attrs(t):
    """Return shape, strides and offset of a view within its base, in elements."""
    root, size = t.base.data, t.data.itemsize
    if not root.flags.c_contiguous:
        raise problem(
            GradientError,
            f"an in-place write through a view of memory with strides {root.strides} cannot be followed",
            "x = x.copy() before taking views that are written",
        )
    offset = (t.data.__array_interface__["data"][0] - root.__array_interface__["data"][0]) // size
    return {"shape": t.shape, "strides": tuple([s // size for s in t.data.strides]), "offset": offset}


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


def node_of(t):
    """Return the node of a tensor as it is now, or None when nothing is recorded."""
    if not recording.on:
        return None
    return newest_node(t)


def record_custom(op, nodes, outputs, kept, shapes=None, inputs=()):
    """Put a call that is no row on the tape: return its outputs (arrays) as tensors made by it.

    An output that shares memory with one of the arrays `inputs`, or is a view, gets memory of its own.
    """
    outputs = [a if a.flags.owndata and not any(np.may_share_memory(a, x) for x in inputs) else a.copy() for a in outputs]
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
