"""Elementary functions over 2^20 numbers: vector mathematics, or the speed of memory."""

import numpy as np

from ..case import Call, Case

SIZE = 1 << 20
# Name of the function -> smallest and largest argument.
DOMAINS = {"exp": (-8, 8), "log": (1e-3, 100), "tanh": (-4, 4), "erf": (-3, 3), "sigmoid": (-8, 8), "gelu": (-4, 4)}


def inputs(name: str) -> dict[str, np.ndarray]:
    """Return arguments spread evenly over the domain, in no order."""
    return {"x": np.random.default_rng(1).uniform(*DOMAINS[name], SIZE).astype(np.float32)}


def nbgrad_side(name: str, x) -> Call:
    import nbgrad as ng

    f, given = getattr(ng, name), ng.tensor(x)
    return lambda: f(given)


def torch_side(name: str, x) -> Call:
    import torch

    f = torch.nn.functional.gelu if name == "gelu" else getattr(torch, name)
    given = torch.from_numpy(x)
    return lambda: f(given)


def jax_side(name: str, x) -> Call:
    import jax
    import jax.numpy as jnp

    known = {
        "erf": jax.scipy.special.erf,
        "sigmoid": jax.nn.sigmoid,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    }
    f, given = jax.jit(known.get(name) or getattr(jnp, name)), jnp.asarray(x)
    return lambda: f(given)


def numpy_side(name: str, x) -> Call:
    from scipy import special

    known = {"erf": special.erf, "sigmoid": special.expit, "gelu": lambda x: x * special.ndtr(x)}
    f = known.get(name) or getattr(np, name)
    return lambda: f(x)


def record(name: str) -> Case:
    """Return the case of one function."""
    sides = {"nbgrad": nbgrad_side, "torch": torch_side, "jax": jax_side, "numpy": numpy_side}
    return Case(
        f"elementwise/{name}",
        lambda: inputs(name),
        {peer: lambda x, side=side: side(name, x) for peer, side in sides.items()},
        bytes=8.0 * SIZE,
        note="2^20 float32 values; jax: the function under jit; numpy: SciPy for erf, sigmoid, gelu",
    )


CASES = tuple(record(name) for name in DOMAINS)
