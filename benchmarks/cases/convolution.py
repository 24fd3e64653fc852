"""Convolutions with bias, forward and with the gradients of input, weight and bias."""

from math import prod

import numpy as np

from ..case import Call, Case

SHAPES = {  # name: input, weight, stride, padding, groups
    "3x3, 32 to 64, 64x14x14": ((64, 32, 14, 14), (64, 32, 3, 3), 1, 1, 1),
    "3x3, 64 to 64, 16x56x56": ((16, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
    "1x1, 256 to 256, 16x14x14": ((16, 256, 14, 14), (256, 256, 1, 1), 1, 0, 1),
    "7x7 by 2, 3 to 64, 8x224x224": ((8, 3, 224, 224), (64, 3, 7, 7), 2, 3, 1),
    "depthwise 3x3, 64, 16x56x56": ((16, 64, 56, 56), (64, 1, 3, 3), 1, 1, 64),
    "4 groups 3x3, 64 to 64, 16x28x28": ((16, 64, 28, 28), (64, 16, 3, 3), 1, 1, 4),
    "1-D 5, 64 to 64, 16x512": ((16, 64, 512), (64, 64, 5), 1, 2, 1),
    "3-D 3x3x3, 16 to 32, 4x16x28x28": ((4, 16, 16, 28, 28), (32, 16, 3, 3, 3), 1, 1, 1),
}


def positions(x, w, stride, padding):
    """Return how many windows there are along each spatial axis."""
    return tuple((n + 2 * padding - k) // stride + 1 for n, k in zip(x[2:], w[2:]))


def inputs(x, w, stride, padding, groups) -> dict[str, np.ndarray]:
    """Return input, weight, bias and the gradient of the output."""
    rng = np.random.default_rng(4)
    shapes = {"x": x, "w": w, "b": w[:1], "g": (x[0], w[0], *positions(x, w, stride, padding))}
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def sides(stride, padding, groups, backward) -> dict:
    """Return the work of each peer, with or without the gradients."""

    def nbgrad_side(x, w, b, g) -> Call:
        import nbgrad as ng

        x, w, b = leaves = [ng.tensor(a, requires_grad=backward) for a in (x, w, b)]
        g = ng.tensor(g)

        def both():
            for leaf in leaves:
                leaf.grad = None
            y = ng.conv(x, w, b, stride, padding, groups=groups)
            y.backward(g)
            return y, x.grad, w.grad, b.grad

        return both if backward else lambda: ng.conv(x, w, b, stride, padding, groups=groups)

    def torch_side(x, w, b, g) -> Call:
        import torch
        from torch.nn import functional

        conv = getattr(functional, f"conv{x.ndim - 2}d")
        x, w, b = leaves = [torch.from_numpy(a).requires_grad_(backward) for a in (x, w, b)]
        g = torch.from_numpy(g)

        def both():
            y = conv(x, w, b, stride, padding, groups=groups)
            return y, *torch.autograd.grad(y, leaves, g)

        return both if backward else lambda: conv(x, w, b, stride, padding, groups=groups)

    return {"nbgrad": nbgrad_side, "torch": torch_side}


def record(name: str, backward: bool) -> Case:
    """Return the case of one shape."""
    x, w, stride, padding, groups = SHAPES[name]
    size = x[0] * w[0] * prod(positions(x, w, stride, padding))
    times = 3 if backward else 1
    return Case(
        f"convolution{' and gradients' if backward else ''}/{name}",
        lambda: inputs(*SHAPES[name]),
        sides(stride, padding, groups, backward),
        flops=times * 2.0 * size * prod(w[1:]),
        bytes=times * 4.0 * (prod(x) + prod(w) + size),
        tolerance=1e-4,
        truth="torch",
        note="float32 with bias" + ("; gradients of input, weight and bias" if backward else ""),
    )


CASES = tuple(record(name, backward) for backward in (False, True) for name in SHAPES)
