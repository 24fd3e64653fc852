"""The tensor: an array, the node that made it, and everything an `ndarray` can do."""

import numpy as np

from .base.dtypes import check_dtype, is_float
from .base.errors import DeviceError, DtypeError, GradientError, ShapeError, problem
from .methods import ArrayMethods
from .ops.table import lift
from .plain import PlainValues
from .tape.adjoint import pull_back
from .tape.tape import Node, recording
from .target.cuda.array import DeviceArray
from .target.cuda.device import is_available
from .target.run import adopted, device_of, full, host, put

_NO_ATTRS: dict = {}


class Tensor(PlainValues, ArrayMethods):
    """An array that remembers how it was made.

    Parameters
    ----------
    data : array_like
        An `ndarray` of a supported dtype is used as it is, without a copy.
    dtype : dtype, optional
    requires_grad : bool
        Whether gradients with respect to it are wanted; float dtypes only.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "base", "data", "key", "keyed", "loose", "node", "seen", "version")
    __array_priority__ = 1000

    def __init__(self, data, dtype=None, requires_grad=False):
        given, version = data, None
        if isinstance(data, Tensor):
            data = data.data
        elif has_history(data):
            raise problem(
                GradientError, "Tensor(data): the list holds tensors with history, which would be lost",
                "nbgrad.stack([...]), or x.detach()",
            )  # fmt: skip
        array = _array(data, dtype)
        if isinstance(given, Tensor) and array is data:
            version = writes(given)  # the same memory: writes through either are counted together
        self.data, self.node, self.base, self.version, self.key, self.keyed = array, None, None, version, None, None
        self.seen = 0 if version is None else version[0]
        if requires_grad:
            self.requires_grad = True

    @classmethod
    def _make(cls, data, node, view_of=None, version=None):
        """Wrap an array that is known to be good; a view shares its base's version counter."""
        t = Tensor.__new__(Tensor)
        t.data, t.node, t.key, t.keyed = data, node, None, None
        if view_of is None:
            t.base, t.version, t.seen = None, version, 0 if version is None else version[0]
        else:
            t.base = view_of if view_of.base is None else view_of.base
            t.version = writes(view_of)
            t.seen = t.version[0]
        return t

    # -- what it is

    @property
    def shape(self) -> tuple:
        return self.data.shape

    @property
    def dtype(self) -> np.dtype:
        return self.data.dtype

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def nbytes(self) -> int:
        return self.data.nbytes

    @property
    def itemsize(self) -> int:
        return self.data.itemsize

    @property
    def strides(self) -> tuple:
        return self.data.strides

    @property
    def device(self) -> str:
        """Where the numbers are: "cpu" or "cuda:0"."""
        return device_of(self.data)

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows to this tensor; settable on leaves."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted):
        if wanted and not is_float(self.dtype):
            raise problem(DtypeError, f"a tensor of dtype {self.dtype} cannot have a gradient", 'x.astype("float32")')
        if self.node is not None and self.node.op is not None:
            raise problem(
                GradientError,
                f"requires_grad of a computed tensor (by {self.node.op.name}) cannot be set",
                "x.detach(), or set it on the leaf",
            )
        if wanted and self.node is None:
            self.node = Node(None, (), _NO_ATTRS, self.shape, self.dtype)
        elif not wanted:
            self.node = None

    @property
    def is_leaf(self) -> bool:
        """Whether no op on the tape made it."""
        return self.node is None or self.node.op is None

    @property
    def grad(self):
        """Gradient that `backward` left on this leaf: a Tensor of the same shape and dtype, or None."""
        if self.node is None or self.node.op is not None:
            return None
        self._meet()
        return self.node.grad

    @grad.setter
    def grad(self, g):
        if self.node is None or self.node.op is not None:
            raise problem(GradientError, "only a leaf that requires a gradient holds one", "x.requires_grad = True")
        if g is not None:
            g = g if isinstance(g, Tensor) else Tensor(g, self.dtype)
            if g.shape != self.shape or g.dtype != self.dtype:
                raise problem(ShapeError, f"the gradient is {g.dtype}{g.shape} and the tensor {self.dtype}{self.shape}")
            if not g.data.flags.c_contiguous:
                g = g.copy()  # gradients lie row by row: programs that read them count on it
        self._meet()
        self.node.grad = g

    def zero_grad(self):
        """Forget the gradient."""
        if self.node is not None:
            self._meet()
            self.node.grad = None

    def _meet(self):
        """A program that is recorded depends on the gradient of this leaf."""
        if recording.recorder is not None:
            recording.recorder.meet((self,))

    # -- gradients

    def backward(self, g=None, keep=False, create_graph=False):
        """Add the gradient of this tensor to `grad` of every leaf that it was made from.

        Parameters
        ----------
        g : array_like, optional
            Gradient of this tensor, of its shape; 1 for a tensor of one element.
        keep : bool
            Keep what the backward reads, to walk it again.
        create_graph : bool
            Record the backward too, so that gradients can be differentiated.

        Raises
        ------
        GradientError
            From a tensor that is not a scalar without `g`, from one that requires no gradient, twice without `keep`.
        ShapeError, DeviceError
            For `g` of another shape, or on another device; what is no tensor goes to that of this one.
        """
        node = self._newest_node()
        if node is None:
            raise problem(
                GradientError,
                f"backward: this tensor ({self.dtype}{self.shape}) was made from nothing that requires a gradient",
                "requires_grad=True on an input, and no no_grad() around the computation",
            )
        if g is None:
            if self.size != 1:
                raise problem(
                    GradientError,
                    f"backward from a tensor of shape {self.shape}: a gradient is of a scalar",
                    "loss.sum().backward(), or backward(g) with g of that shape",
                )
            g = filled_like(self, 1)
        elif not isinstance(g, Tensor):
            g = tensor(g, self.dtype, device=self.device)
        elif g.device != self.device:
            raise problem(DeviceError, f"backward(g): g is on {g.device} and the tensor on {self.device}", f'g.to("{self.device}")')
        if g.shape != self.shape:
            raise problem(
                ShapeError, f"backward(g): g has shape {g.shape} and the tensor {self.shape}", "g of the tensor's shape"
            )
        before, recording.on = recording.on, create_graph
        try:
            found = pull_back([node], [g], keep=keep or create_graph)
            leaves = [n for n in found if n.op is None]
            sums = [found[n] if n.grad is None else n.grad + found[n] for n in leaves]
            for leaf, total in zip(leaves, self._owned(sums, [g])):
                leaf.grad = total
        finally:
            recording.on = before

    def to(self, device):
        """Return the tensor on a device, "cpu", "cuda" or "cuda:1"; itself where it is there. Gradients flow back.

        Raises
        ------
        DeviceError
            For a device that is not there.

        Examples
        --------
        >>> Tensor([1.0, 2.0]).to("cpu").device
        'cpu'
        """
        return self._moved(device)

    def cpu(self):
        """Return the tensor in the processor's memory: `to("cpu")`."""
        return self._moved("cpu")

    def detach(self):
        """Return the same memory without history."""
        return Tensor._make(self.data, None, version=writes(self))

    @property
    def _recorded(self) -> bool:
        """Whether a program is recorded now: values may not be known, and checks of them are part of the program."""
        return recording.recorder is not None

    def _stop_if(self, flag, explain):
        """While a program is recorded: end its runs where `flag` is not zero; `explain(values of this tensor)` raises then."""
        recording.recorder.stop_if(flag.data, self.data, explain)

    # -- containers and copies

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, value):
        return bool((self == value).any())

    def __hash__(self):
        return id(self)

    def __reduce__(self):
        if not self.is_leaf:
            raise problem(
                GradientError, f"a tensor with history (made by {self.node.op.name}) cannot be pickled", "x.detach()"
            )
        self._read("a pickle")
        return _unpickled, (host(self.data), self.requires_grad, self.device)

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise problem(
                GradientError,
                f"a tensor with history (made by {self.node.op.name}) cannot be deep-copied",
                "x.detach()",
            )
        self._read("a deep copy")
        return Tensor(put(host(self.data).copy(), self.device), None, self.requires_grad)


def filled_like(t, value, shape=None, dtype=None) -> Tensor:
    """Return a new tensor filled with a number, on the device of `t`, of its shape and dtype where no others are given."""
    return Tensor._make(full(t.shape if shape is None else shape, dtype or t.dtype, value, t.data), None)


def _unpickled(data, requires_grad, device):
    """Return the tensor of a pickle: on the host where the device is not there."""
    return Tensor(put(data, device if device == "cpu" or is_available() else "cpu"), None, requires_grad)


def writes(t) -> list:
    """Return the counter of writes to the memory of a tensor, made when it is first asked for."""
    if t.version is None:
        t.version = [0]
    return t.version


def written(t) -> int:
    """Return how often the memory of a tensor was written in place."""
    return t.version[0] if t.version else 0


def _array(data, dtype):
    """Return `data` as an array that kernels can read, copying only what must be copied."""
    if dtype is not None:
        dtype = check_dtype(dtype)
    if type(data) is DeviceArray:
        return data if dtype in (None, data.dtype) else put(host(data).astype(dtype), data.device)
    if hasattr(data, "__cuda_array_interface__") and not isinstance(data, np.ndarray):
        return _array(adopted(data), dtype)
    if not isinstance(data, np.ndarray):
        if isinstance(data, (list, tuple)):
            data = _plain(data)
        try:
            data = np.asarray(data)
        except ValueError:
            raise problem(
                ShapeError, "tensor(data): the nested lists have different lengths", "rows of equal length"
            ) from None
    if type(data) is not np.ndarray:
        data = np.asarray(data)
    wanted = check_dtype(data.dtype) if dtype is None else dtype
    if data.dtype != wanted or not data.dtype.isnative:
        data = data.astype(wanted)
    if not data.flags.aligned or any(s % data.itemsize for s in data.strides):
        data = data.copy()
    return data


def has_history(data) -> bool:
    """Say whether a nested list holds a tensor that a gradient flows to."""
    if isinstance(data, (list, tuple)):
        return recording.on and any(map(has_history, data))
    return isinstance(data, Tensor) and data.node is not None and recording.on


def _plain(data):
    """Return a nested list with arrays in place of tensors."""
    return [_plain(d) if isinstance(d, (list, tuple)) else _read(d) if isinstance(d, Tensor) else d for d in data]


def _read(t):
    t._read("a list with a tensor")
    return host(t.data)


def tensor(data, dtype=None, requires_grad=False, device=None) -> Tensor:
    """Make a tensor of array-like `data`; an `ndarray` is used without a copy, and so is an array on a GPU (CuPy, PyTorch, Numba).

    Parameters
    ----------
    data : array_like
        Python floats give float64, as in NumPy.
    dtype : dtype, optional
        bool, int8 to int64, uint8 to uint64, float32, float64.
    requires_grad : bool
    device : str, optional
        "cpu", "cuda" or "cuda:1"; where the data are when left out.

    Raises
    ------
    DeviceError
        For a device that is not there.

    >>> tensor([1, 2]).dtype
    dtype('int64')
    """
    if recording.on and not requires_grad and (has_history(data) or (isinstance(data, Tensor) and data.node is not None)):
        t = lift(data)
        t = t if dtype is None else t.astype(dtype)
        t = t if device is None else t.to(device)
        return t.copy() if t is data else t
    if device is not None:
        data = put(_array(data.data if isinstance(data, Tensor) else data, dtype), device)
    return Tensor(data, dtype, requires_grad)
