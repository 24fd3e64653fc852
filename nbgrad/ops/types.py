"""Which dtype a row computes in, and which it returns: from what it accepts, by NumPy's promotion."""

import numpy as np

from ..base.dtypes import BOOL, FLOAT64, INT64, float_of, promote
from ..base.errors import DtypeError, problem

FIXED = {"bool": BOOL, "index": INT64, "float64": FLOAT64}  # arguments that have no say in the dtype of the others
_types: dict = {}


def types_of(op, kinds):
    """Return (dtype each argument is cast to, dtype of the result) by the row's `accepts` and NumPy's promotion."""
    key = (op, kinds)
    found = _types.get(key)
    if found is None:
        found = _types[key] = _resolve_types(op, kinds)
    return found


def _resolve_types(op, kinds):
    accepts = op.accepts * len(kinds) if op.variadic else op.accepts
    group = [k for k, a in zip(kinds, accepts) if a not in FIXED]
    common = promote([k for k in group if not isinstance(k, type)], [k(0) for k in group if isinstance(k, type)]) if group else INT64
    need = {a for a in accepts if a not in FIXED}
    if "float" in need:
        common = float_of(common)
    elif "number" in need and common == BOOL:
        common = INT64
    elif "integer" in need and common.kind == "f":
        raise _refused(op, kinds, "integers or bools")
    for k, a in zip(kinds, accepts):
        if a == "index" and (k is float or (not isinstance(k, type) and k.kind not in "iu")):
            raise _refused(op, kinds, "integer indices")
    casts = tuple(FIXED.get(a, common) for a in accepts)
    return casts, np.dtype(op.returns) if op.returns else common


def _refused(op, kinds, wanted):
    shown = ", ".join(k.__name__ if isinstance(k, type) else k.name for k in kinds)
    return problem(DtypeError, f"{op.signature}: dtypes ({shown}) where it takes {wanted}", "x.astype(...) first")
