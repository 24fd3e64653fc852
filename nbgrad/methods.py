"""The operators and methods that a tensor shares with `ndarray`: each is an op, or made of ops."""

import inspect
from typing import Any

import numpy as np

from .base.dtypes import WEAK, check_dtype
from .ops import arithmetic, cast, compare, composite, indexing, joining, matmul, movement, reduce, scan, sort
from .ops import gather as gathering
from .ops.table import Op

_NO_ATTRS: dict = {}


def _operator(op, swapped=False):
    """Make the method of an operator: left unanswered for operands that are no numbers or arrays."""

    def method(self, other):
        if type(other) is not type(self) and not isinstance(other, OPERANDS):
            return NotImplemented
        return self._bind(op, (other, self) if swapped else (self, other), _NO_ATTRS)

    if not isinstance(op, Op):

        def method(self, other):
            if not isinstance(other, OPERANDS):
                return NotImplemented
            return op(other, self) if swapped else op(self, other)

    method.__name__, method.operands = op.__name__, "swapped" if swapped else "binary"
    method.row = op if isinstance(op, Op) else ROWS.get(op)  # what the native road runs; see nbgrad/road.py
    return method


# Functions that do no more than call a row, for the layouts that the row is called with.
ROWS = {matmul.matmul: matmul.matmul_row}


def _unary(op):
    """Make the method of an operator of one operand."""

    def method(self):
        return self._bind(op, (self,), _NO_ATTRS)

    method.__name__, method.row, method.operands = op.__name__, op, "unary"
    return method


def _in_place(op):
    """Make the method of an in-place operator: the result goes into the same memory."""

    def method(self, other):
        return self._update(op, other) if isinstance(other, OPERANDS) else NotImplemented

    method.__name__ = op.__name__
    return method


def _arithmetic(op):
    """Make the three methods of an operator: as it stands, with the operands swapped, and in place."""
    return _operator(op), _operator(op, swapped=True), _in_place(op)


def _method(fn):
    """Make a method of a function whose first argument is the tensor."""

    def method(self, *args, **kwargs):
        return fn(self, *args, **kwargs)

    method.__name__ = fn.__name__
    method.__doc__ = f"{inspect.cleandoc(fn.__doc__).splitlines()[0]} As `nbgrad.{fn.__name__}`."
    return method


class ArrayMethods:
    """What a tensor can do because an array can; `Tensor` is the only class that inherits it.

    Filled in by the files that stand above: `_bind` (run an op), `_cast`, `_newest_node`, `_write` and `_update` (write
    in place), and NumPy's protocols.
    """

    __slots__ = ()
    _bind: Any
    _cast: Any
    _newest_node: Any
    _owned: Any
    _write: Any
    _update: Any

    # -- indexing

    def __getitem__(self, index):
        return indexing.getitem(self, index)

    def __setitem__(self, index, value):
        if index is Ellipsis:  # all of it: no view is needed
            self._write(value)
        elif indexing.is_basic(index):
            self[index]._write(value)
        else:
            self._write(indexing.index_put(self, index, value))

    # -- operators

    __add__, __radd__, __iadd__ = _arithmetic(arithmetic.add)
    __sub__, __rsub__, __isub__ = _arithmetic(arithmetic.sub)
    __mul__, __rmul__, __imul__ = _arithmetic(arithmetic.mul)
    __truediv__, __rtruediv__, __itruediv__ = _arithmetic(arithmetic.div)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _arithmetic(arithmetic.floor_divide)
    __mod__, __rmod__, __imod__ = _arithmetic(arithmetic.remainder)
    __pow__, __rpow__, __ipow__ = _arithmetic(arithmetic.pow)
    __and__, __rand__, __iand__ = _arithmetic(compare.bitwise_and)
    __or__, __ror__, __ior__ = _arithmetic(compare.bitwise_or)
    __xor__, __rxor__, __ixor__ = _arithmetic(compare.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _arithmetic(compare.left_shift)
    __rshift__, __rrshift__, __irshift__ = _arithmetic(compare.right_shift)
    __matmul__, __rmatmul__ = _operator(matmul.matmul), _operator(matmul.matmul, True)
    __lt__, __le__, __gt__, __ge__ = (_operator(compare.less), _operator(compare.less_equal),
                                      _operator(compare.greater), _operator(compare.greater_equal))  # fmt: skip
    __eq__, __ne__ = _operator(compare.equal), _operator(compare.not_equal)  # type: ignore[assignment]

    def __divmod__(self, other):
        return self // other, self % other

    def __round__(self, digits=0):
        return self.round(digits or 0)

    def __copy__(self):
        return self.copy()

    __neg__, __abs__ = _unary(arithmetic.neg), _unary(arithmetic.abs)

    def __pos__(self):
        return self

    def __invert__(self):
        return compare.invert(self)

    # -- the methods of ndarray

    sum, mean, prod, any, all = map(_method, (reduce.sum, reduce.mean, reduce.prod, reduce.any, reduce.all))
    max, min, argmax, argmin, ptp = map(_method, (reduce.max, reduce.min, reduce.argmax, reduce.argmin, reduce.ptp))
    var, std = _method(composite.var), _method(composite.std)
    cumsum, cumprod = _method(scan.cumsum), _method(scan.cumprod)
    squeeze, swapaxes, diagonal, ravel, flatten = map(
        _method, (movement.squeeze, movement.swapaxes, movement.diagonal, movement.ravel, movement.flatten)
    )
    repeat, trace = _method(joining.repeat), _method(movement.trace)
    dot = _method(matmul.dot)
    take = _method(gathering.take)
    argsort = _method(sort.argsort)
    clip = _method(arithmetic.clip)

    def reshape(self, *shape):
        """Return the elements in a new shape; as `numpy.ndarray.reshape`."""
        return movement.reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)

    def transpose(self, *axes):
        """Return the axes in a new order, reversed by default; as `numpy.ndarray.transpose`."""
        axes = axes[0] if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))) else axes
        return movement.transpose(self, axes or None)

    @property
    def T(self):  # noqa: N802 - NumPy's name
        """The axes reversed."""
        return movement.transpose(self)

    @property
    def mT(self):  # noqa: N802
        """The last two axes swapped."""
        return movement.swapaxes(self, -1, -2)

    def round(self, decimals=0):
        """Return the values rounded to `decimals`, half to even."""
        return arithmetic.round(self) if decimals == 0 else arithmetic.round(self * 10.0**decimals) / 10.0**decimals

    def astype(self, dtype):
        """Return the values in another dtype (itself when it has it already); the gradient is cast back."""
        return self._cast(check_dtype(dtype))

    def copy(self):
        """Return the values in memory of their own, with history."""
        return cast.copy(self)

    def sort(self, axis=-1):
        """Sort in place along an axis, as `numpy.ndarray.sort`."""
        self._write(sort.sort(self, axis))

    def fill(self, value):
        """Write one value everywhere."""
        self._write(value)

    def nonzero(self):
        """Return the indices of the values that are not zero, one int64 array per axis."""
        return tuple(type(self)(i) for i in np.nonzero(self.numpy()))


OPERANDS = (ArrayMethods, *WEAK, np.ndarray, np.generic, list, tuple)
