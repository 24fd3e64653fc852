"""Attributes and methods of arrays."""

import numpy as np

from .expressions import Known, Tup, constant
from .known import METHODS
from .statements import Array, Scalar


class Members:
    """The part of `Lower` that knows what arrays have."""

    def attribute(self, v, name):
        if name == "shape":
            return Tup(list(self.sizes(v)))
        if name == "ndim":
            return constant(len(self.sizes(v)))
        if name == "size":
            out = constant(1)
            for n in self.sizes(v):
                out = self.binary("*", n, out)
            return out
        if name == "dtype":
            return Known(np.dtype(v.dtype if hasattr(v, "extents") else v.type.dtype))
        if name == "T":
            v = self.array_of(v)
            kind = Array(v.type.dtype, v.type.ndim, {"C": "F", "F": "C"}.get(v.type.layout, "A") if v.type.ndim > 1 else v.type.layout)
            return self.as_view(v, (v,), "{0}.T", kind)
        raise self.refuse(f"`.{name}` of an array is not supported")

    def method(self, v, name, args, kwargs):
        """Write a call of a method of an array."""
        if name in METHODS:
            return self.written_by(self.handler(METHODS[name]), [v, *args], kwargs)
        if name == "astype" and len(args) == 1:
            kind = Scalar(self.dtype(args[0]))
            return self.materialised(self.mapped(lambda x: self.cast(x, kind), [v]))
        if name == "fill" and len(args) == 1:
            v = self.array_of(v)
            self.looped(self.extents[v.name], lambda *index: self.write(v, index, "=", args[0]))
            return Known(None)
        if name in ("ravel", "flatten") or (name == "reshape" and args):
            return self.reshaped(v, name, args)
        raise self.refuse(f"`.{name}()` of an array is not supported")

    def reshaped(self, v, name, args):
        v = self.array_of(v)
        if v.type.layout != "C" or name == "flatten":
            v = self.do_copy(v)
        if name != "reshape":
            return self.as_view(v, (v,), "{0}.ravel()", Array(v.type.dtype, 1))
        extents = self.shape(args[0]) if len(args) == 1 else tuple(args)
        text = ", ".join(f"{{{k + 1}}}" for k in range(len(extents)))
        return self.as_view(v, (v, *extents), f"{{0}}.reshape(({text},))", Array(v.type.dtype, len(extents)))
