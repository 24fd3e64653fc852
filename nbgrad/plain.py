"""What Python sees of a tensor: its numbers, its text, its picture in a notebook."""

import html

import numpy as np

from .base.errors import GradientError, ShapeError, problem
from .tape.tape import recording
from .target.run import dlpack_device, exported, host, interface


class PlainValues:
    """The methods of a tensor that give its numbers to Python, without history, and those that print it."""

    __slots__ = ()

    # -- numbers

    def numpy(self) -> np.ndarray:
        """Return the array itself, without history; it shares memory. From a device, a copy, when what makes it is done."""
        self._read("numpy()")
        return host(self.data)

    def item(self, *index):
        """Return one element as a Python number."""
        self._read("item()")
        return host(self.data).item(*index)

    def tolist(self):
        """Return nested Python lists."""
        self._read("tolist()")
        return host(self.data).tolist()

    def __float__(self):
        if recording.recorder is None and recording.depth and recording.on and self.node is not None:
            raise problem(
                GradientError,
                f"float() of a tensor of shape {self.shape} inside a function that is differentiated: its gradient would be lost",
                "nbgrad.sin and the like instead of math.sin; x.item() for the plain number",
            )
        return float(self._one("float"))

    def __int__(self):
        return int(self._one("int"))

    def __bool__(self):
        return bool(self._one("bool"))

    def __complex__(self):
        return complex(self._one("complex"))

    def __index__(self):
        self._read("index")
        return host(self.data).__index__()

    def _read(self, what):
        """Python asks for values: refused for those of a program that is recorded, which are not known then."""
        if recording.recorder is not None:
            recording.recorder.read(self.data, what)

    def _one(self, name):
        self._read(f"{name}()")
        if self.data.size != 1:
            raise problem(
                ShapeError,
                f"{name}() of a tensor of shape {self.shape}: one element is needed",
                "x.item(index), x.any() or x.all()",
            )
        return host(self.data).reshape(())[()]

    def __array__(self, dtype=None, copy=None):
        if self.node is not None and self.node.op is not None and recording.on:
            raise problem(
                GradientError,
                f"NumPy asks for the numbers of a tensor with history (made by {self.node.op.name}), which loses it",
                "an nbgrad function, or x.detach() first",
            )
        self._read("the NumPy array")
        if dtype is not None and np.dtype(dtype) != self.dtype:
            return host(self.data).astype(dtype)
        return host(self.data).copy() if copy else host(self.data)

    def __dlpack__(self, **kwargs):
        self._read("DLPack")
        return exported(self.data).__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return dlpack_device(self.data)

    @property
    def __cuda_array_interface__(self) -> dict:
        """Where a GPU finds the numbers, for CuPy, PyTorch and Numba, without a copy; AttributeError where they are on the CPU."""
        if type(self.data) is np.ndarray:
            raise AttributeError("__cuda_array_interface__: this tensor is on the CPU")
        self._read("the CUDA array interface")
        return interface(self.data)

    # -- text

    def __format__(self, spec):
        return (
            format(self.item(), spec)
            if spec and self.size == 1
            else format(repr(self), "" if self.ndim or not spec else spec)
        )

    def __repr__(self):
        if recording.recorder is not None:
            return f"tensor(recorded {self.dtype.name}{list(self.shape)})"
        text = np.array2string(host(self.data), separator=", ", prefix="tensor(", threshold=200)
        extra = ""
        if self.dtype.name not in ("float64", "int64", "bool"):
            extra += f", dtype={self.dtype.name}"
        if self.device != "cpu":
            extra += f', device="{self.device}"'
        if self.node is not None:
            extra += ", requires_grad=True" if self.node.op is None else f", made by {self.node.op.name}"
        return f"tensor({text}{extra})"

    def _repr_html_(self):
        if recording.recorder is not None:
            return html.escape(repr(self))
        made = (
            ""
            if self.node is None
            else (", requires_grad" if self.node.op is None else f", made by <b>{self.node.op.name}</b>")
        )
        head = f"<div><code>Tensor {self.dtype.name}{list(self.shape)}{made}</code></div>"
        if self.ndim == 0 or self.ndim > 2 or self.size == 0:
            return head + f"<pre>{html.escape(np.array2string(host(self.data), threshold=60))}</pre>"
        rows = np.atleast_2d(host(self.data))
        cut = rows[:8, :10]
        fmt = (lambda v: f"{v:.4g}") if self.dtype.kind == "f" else str
        body = "".join(
            "<tr>" + "".join(f"<td>{fmt(v)}</td>" for v in r) + ("<td>…</td>" if rows.shape[1] > 10 else "") + "</tr>"
            for r in cut
        )
        more = "<tr><td>…</td></tr>" if rows.shape[0] > 8 else ""
        return f"{head}<table>{body}{more}</table>"
