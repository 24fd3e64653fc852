"""Fresh processes: importing, and after that the first gradient of a net of three layers."""

from ..case import ColdStart, imports, script

GRADIENT = {side: script(f"first_gradient_{side}") for side in ("nbgrad", "torch", "jax", "numpy")}

CASES = (
    ColdStart(
        "cold start/import",
        {name: imports(name) for name in ("nbgrad", "numba", "torch", "jax", "numpy")},
        told=True,
        note="seconds of the import statement alone, in a fresh process",
    ),
    ColdStart(
        "cold start/first gradient, empty cache",
        GRADIENT,
        cache="empty",
        truth="numpy",
        told=True,
        note="MLP 64-256-128-10, batch 64, seconds after import; jax: jit of value_and_grad; numpy: by hand, float64",
    ),
    ColdStart("cold start/first gradient, warm cache", GRADIENT, truth="numpy", told=True),
)
