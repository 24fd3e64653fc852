"""Rows of a large table looked up, and their gradient: an array as large as the table, almost all zeros."""

import numpy as np

from ..case import Call, Case

ROWS, WIDTH, TOKENS = 50_000, 256, (16, 512)


def inputs() -> dict[str, np.ndarray]:
    """Return the table, tokens, and the gradient that comes back."""
    rng = np.random.default_rng(7)
    return {
        "table": rng.standard_normal((ROWS, WIDTH), dtype=np.float32),
        "tokens": rng.integers(0, ROWS, TOKENS),
        "g": rng.standard_normal((*TOKENS, WIDTH), dtype=np.float32),
    }


def nbgrad_side(table, tokens, g, backward) -> Call:
    import nbgrad as ng

    weight, at, back = ng.tensor(table, requires_grad=True), ng.tensor(tokens), ng.tensor(g)

    def both():
        weight.grad = None
        out = ng.embedding(weight, at)
        out.backward(back)
        return out, weight.grad

    return both if backward else lambda: ng.embedding(weight, at)


def torch_side(table, tokens, g, backward) -> Call:
    import torch

    weight, at, back = torch.from_numpy(table).requires_grad_(), torch.from_numpy(tokens), torch.from_numpy(g)

    def both():
        weight.grad = None
        out = torch.nn.functional.embedding(at, weight)
        out.backward(back)
        return out, weight.grad

    return both if backward else lambda: torch.nn.functional.embedding(at, weight)


def jax_side(table, tokens, g, backward) -> Call:
    import jax
    import jax.numpy as jnp

    weight, at, back = jnp.asarray(table), jnp.asarray(tokens), jnp.asarray(g)
    look_up = lambda weight, at: weight[at]

    def both(weight, at, back):
        out, pull = jax.vjp(lambda w: look_up(w, at), weight)
        return out, *pull(back)

    compiled = jax.jit(both if backward else look_up)
    given = (weight, at, back) if backward else (weight, at)
    return lambda: compiled(*given)


def numpy_side(table, tokens, g, backward) -> Call:
    def both():
        grad = np.zeros_like(table)
        np.add.at(grad, tokens, g)
        return table[tokens], grad

    return both if backward else lambda: table[tokens]


def record(backward: bool) -> Case:
    """Return the case of the look-up, alone or with its gradient."""
    sides = {"nbgrad": nbgrad_side, "torch": torch_side, "jax": jax_side, "numpy": numpy_side}
    moved = 2 * np.prod(TOKENS) * WIDTH  # rows read and written
    return Case(
        f"embedding/{'with backward' if backward else 'forward'}",
        inputs,
        {p: lambda table, tokens, g, side=side: side(table, tokens, g, backward) for p, side in sides.items()},
        bytes=4.0 * (moved + ((ROWS + np.prod(TOKENS)) * WIDTH if backward else 0)),
        note=f"{ROWS:,}x{WIDTH} float32, {TOKENS[0]}x{TOKENS[1]} tokens; jax: under jit; numpy: np.add.at",
    )


CASES = tuple(record(backward) for backward in (False, True))
