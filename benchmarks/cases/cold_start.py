"""Fresh processes, from start to end: importing, and the first gradient of a net of three layers."""

from ..case import ColdStart, imports, script

GRADIENT = {side: script(f"first_gradient_{side}") for side in ("nbgrad", "torch", "jax", "numpy")}

CASES = (
    ColdStart(
        "cold start/import",
        {name: imports(name) for name in ("nbgrad", "numba", "torch", "jax", "numpy")} | {"python": ("-c", "pass")},
        note="whole processes; python: the bare interpreter",
    ),
    ColdStart(
        "cold start/first gradient, empty cache",
        GRADIENT,
        cache="empty",
        truth="numpy",
        note="MLP 64-256-128-10, batch 64; jax: jit of value_and_grad; numpy: by hand, float64",
    ),
    ColdStart("cold start/first gradient, warm cache", GRADIENT, truth="numpy"),
)
