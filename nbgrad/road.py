"""The front's side of the native road: operators of tensors and calls of rows go straight to machine code.

What machine code has not seen goes through `eager.py`, which calls the functions here that teach it.
"""

import itertools
import operator
import sys

import numpy as np

from .ad.scalar import vjp_op
from .base.errors import DtypeError, problem, user_frame
from .base.number import Number
from .base.shapes import broadcast_shapes
from .history import Kept, needs, node_of
from .methods import ArrayMethods
from .ops.table import Op, table
from .tape.adjoint import set_quick
from .tape.tape import FREED, Node, recording, slots
from .target.cpu.road import Method, Road
from .target.run import map_launch, on_device, scalar
from .tensor import Tensor

NO_ATTRS: dict = {}
_constants: dict = {}


def constant(value, dtype, device=None):
    """Return a 0-d tensor of a Python scalar, on the device of that number (None: the CPU); the most used are kept."""
    if device is not None:
        return Tensor._make(_number_on(value, dtype, device), None)
    if type(value) is Number:
        return Tensor._make(value.source.array(value, dtype), None)
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


def _number_on(value, dtype, device):
    """Return the array of a number on a device; while a program is recorded, one that stands for it there."""
    if recording.recorder is None:
        return scalar(value, dtype, device)
    a = value.source.array(value, dtype) if type(value) is Number else np.array(value, dtype)
    return on_device(a, device)


_keys: dict = {}  # (dtype, shape, strides) -> a number that stands for the layout in `known`
known: dict = {}  # (row, layout of each argument) -> launch, dtypes of weak scalars, layout of the result
_numbers = itertools.count(1)


def layout_key(t):
    """Return the number of a tensor's layout, looked up once per tensor."""
    a = t.data
    t.keyed, layout = a, (a.dtype.num, a.shape, a.strides, None if type(a) is np.ndarray else a.number)
    t.key = _keys.get(layout)
    if t.key is None:
        if len(_keys) > 50000:
            _keys.clear()
            known.clear()
            ROAD.forget()
        t.key = _keys[layout] = next(_numbers)
    return t.key


def taught_constant(value, dtype, device):
    t = constant(value, dtype, device)
    if type(value) is not Number and device is None:
        ROAD.constant(value, dtype, t)
    return t


def teach_record(op, keys, tensors, out):
    """Teach the native road what nodes of such calls share, the first time that one is recorded."""
    wanting = tuple([node_of(t) is not None for t in tensors])
    if any(wanting) and out.dtype.kind == "f" and not recording.tapes and recording.recorder is None:
        active, names = needs(op, wanting)
        ROAD.learn_record(op, keys, wanting, out.node, names, active, out.key)


def teach_call(op, args, launch, tensors, out):
    """Teach the native road a call of a row without attributes, on tensors of floats: no value of theirs is checked."""
    simple = recording.recorder is None and len(args) <= 3 and launch.plain
    plain = simple and all(t is a and t.dtype.kind == "f" for t, a in zip(tensors, args))
    if plain and out.base is None:
        keys = [a.key if a.keyed is a.data else layout_key(a) for a in args]
        ROAD.learn(op, keys, launch.program, out.shape, out.dtype, layout_key(out), None)
        teach_record(op, keys, tensors, out)


def _teach_pulls(node):
    """Teach the native road how a gradient goes back through nodes like this one."""
    if node.record is not None and ROAD.wants_pulls(node.record):
        known = node.op.kind == "elementwise"
        ways = [_way_back(node, i, n) for i, n in enumerate(node.inputs) if n is not None] if known else [None]
        ROAD.learn_pulls(node.record, None if None in ways else ways)


def _way_back(node, index, source):
    """Return (input, program, operands, ...) as `Road.learn_pulls` takes it, or None where Python must do it."""
    found, kept = vjp_op(node.op, index), node.kept
    if source.shape != node.shape or source.dtype != node.dtype:
        return None
    if found == 1.0:
        return index, None
    g = np.empty(node.shape, node.dtype)
    if isinstance(found, Op):
        names, operands = list(kept), ["g", *[list(kept).index(name) for name in found.params[1:]]]
        arrays, row = [g, *[kept[names[i]].data for i in operands[1:]]], found
    elif isinstance(found, float):
        row, arrays = table["mul"], [g, constant(found, node.dtype).data]
        operands = ["g", arrays[1]]
    else:
        return None
    if any(a.dtype != node.dtype for a in arrays) or broadcast_shapes(*[a.shape for a in arrays]) != node.shape:
        return None
    launch = map_launch(row, tuple(arrays), node.shape, node.dtype)
    key = layout_key(Tensor._make(g, None))
    return None if not launch.plain else (index, launch.program, operands, node.shape, node.dtype, key)


def _unpacked(node):
    """Return what a node of the native road keeps, by name."""
    out = {}
    for i, (name, source) in enumerate(ROAD.names(node.record)):
        k = out[name] = Kept.__new__(Kept)
        k.data, k.version, k.seen = node.held[3 * i : 3 * i + 3]
        k.own, k.node = source < 0, None if source < 0 else node.inputs[source]
    return out


def _find_place():
    """Return (code, instruction) of the user's line, and say of all code on the way whose it is."""
    frame, stop = sys._getframe(1), user_frame()
    while frame is not None and frame is not stop:
        ROAD.classify(frame.f_code, True)
        frame = frame.f_back
    if stop is None:
        return None
    ROAD.classify(stop.f_code, False)
    return stop.f_code, stop.f_lasti


def _methods():
    """Return the operators of a tensor that are rows, and the call of a row."""
    found = [Method(Op, "__call__", "call", Op.__call__)]
    for name, slow in vars(ArrayMethods).items():
        if getattr(slow, "row", None) is not None:
            found.append(Method(Tensor, name, slow.operands, slow, slow.row))
    return found


METHODS = _methods()
ROAD = Road(
    Tensor, Node, _find_place, METHODS, recording=recording, slots=slots, add=table["add"], add_slowly=operator.add, freed=FREED,
)  # fmt: skip
for m, made in zip(METHODS, ROAD.made, strict=True):
    setattr(m.owner, m.name, made)
Node.unpack, Node.reach = _unpacked, staticmethod(ROAD.reach)
set_quick(ROAD.pull, _teach_pulls)
