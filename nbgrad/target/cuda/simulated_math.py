"""What kernels call in the simulator: NumPy's and SciPy's functions, which give NaN where Python's raise."""

from types import SimpleNamespace

import numpy as np


def _special(name):
    def call(*args):
        from scipy import special

        return getattr(special, name)(*args)

    return call


def _lgamma(x):
    return np.where(np.isinf(x), np.inf, _special("gammaln")(x))[()]  # SciPy says -inf at -inf, where C says inf


_SAME = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh", "exp", "exp2", "expm1",
    "fabs", "floor", "fmod", "hypot", "isfinite", "isinf", "isnan", "ldexp", "log", "log10", "log1p", "log2", "pow", "sin", "sinh",
    "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip
_NUMPY = {"acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
          "atanh": "arctanh", "pow": "power"}  # fmt: skip
_FUNCTIONS = {name: getattr(np, _NUMPY.get(name, name)) for name in _SAME}
_FUNCTIONS |= {"erf": _special("erf"), "erfc": _special("erfc"), "gamma": _special("gamma"), "lgamma": _lgamma}
math = SimpleNamespace(**_FUNCTIONS, inf=np.inf, nan=np.nan, pi=np.pi, e=np.e)
NAMES = {"math": math}
for _name in ("cbrt", "rint", "floor", "ceil", "trunc"):
    NAMES |= {f"{_name}_float32": getattr(np, _name), f"{_name}_float64": getattr(np, _name)}
