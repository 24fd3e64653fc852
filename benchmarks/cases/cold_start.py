"""Fresh processes: importing, after that the first gradient of a net of three layers, and the first compiled step."""

from ..case import ColdStart, imports, script


def compiled(side: str, *options: str) -> tuple[str, ...]:
    """Return the interpreter's arguments that make the first calls of W1 in a side's way."""
    return (*script("first_step"), "steps/W1 MLP 784-256-128-10", side, *options)


GRADIENT = {side: script(f"first_gradient_{side}") for side in ("nbgrad", "torch", "jax", "numpy")}
STEP = {"nbgrad": compiled("nbgrad"), "jax": compiled("jax.jit"), "torch": compiled("torch")}

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
    ColdStart(
        "compiled W1/empty cache",
        STEP,
        cache="empty",
        truth="torch",
        told=True,
        note="seconds of the first call of the step of W1; jax.cold: no cache in either row",
    ),
    ColdStart(
        "compiled W1/warm cache", {**STEP, "jax.cold": compiled("jax.jit", "--no-cache")}, truth="torch", told=True
    ),
)
