"""Whole steps, W1 to W8: forward, derivatives and Adam of a training step, or derivatives alone.

Each step is written once, of the functions of a library (`m`, a module of `libraries/`), and is so the same work in all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from ..case import Call, Case
from ..libraries import Given

ADAM = 28.0  # bytes per parameter: four float32 read (weight, gradient, two means), three written
TRAINED = {
    "nbgrad": ("nbgrad", {"compiled": True}),
    "nbgrad.eager": ("nbgrad", {"compiled": False}),
    "torch": ("torch", {"fused": False, "compiled": False}),
    "torch.fused": ("torch", {"fused": True, "compiled": False}),
    "torch.compile": ("torch", {"fused": True, "compiled": True}),
    "jax.jit": ("jax", {}),
}
EVALUATED = {
    "nbgrad": ("nbgrad", {"compiled": True}),
    "nbgrad.eager": ("nbgrad", {"compiled": False}),
    "torch": ("torch", {"compiled": False}),
    "torch.compile": ("torch", {"compiled": True}),
    "jax.jit": ("jax", {}),
}
NOTE = (
    "the whole step; float32; nbgrad.eager: op by op; torch.fused: Adam(fused=True); "
    "torch.compile: loss and gradient compiled, Adam(fused=True); jax.jit: the whole step compiled"
)


@dataclass(frozen=True)
class Work:
    """One step: its function of a library and arrays, and what it works on.

    Attributes
    ----------
    name : str
    function : function of (library, parameters, *data) -> loss, or of (library, *data) -> arrays
    inputs : function of nothing -> dict of arrays
        Those named in `data`, and all parameters.
    data : tuple of str
    flops, bytes : float
        As of `Case`, without Adam.
    """

    name: str
    function: Callable[..., Any]
    inputs: Callable[[], Mapping[str, np.ndarray]]
    data: tuple[str, ...]
    flops: float
    bytes: float = 0.0

    def side(self, library: str, way: Mapping[str, bool], **inputs: np.ndarray) -> Call:
        """Return the work as a library does it."""
        m = import_module(f"..libraries.on_{library}", __package__)
        data = [inputs.pop(name) for name in self.data]
        f = lambda *args: self.function(m, *args)
        return m.train(f, Given(inputs, data), **way) if inputs else m.evaluate(f, data, **way)

    def case(self) -> Case:
        """Return the record of this work."""
        parameters = sum(a.size for name, a in self.inputs().items() if name not in self.data)
        ways = TRAINED if parameters else EVALUATED
        sides = {name: partial(self.side, library, way) for name, (library, way) in ways.items()}
        return Case(
            f"steps/{self.name}", self.inputs, sides, flops=self.flops, bytes=self.bytes + ADAM * parameters,
            tolerance=1e-4, calls=5 if parameters else 1, truth="torch", note=NOTE,
        )  # fmt: skip


def drawn(seed: int) -> Callable[..., np.ndarray]:
    """Return a function of a shape and a scale that draws normal numbers."""
    rng = np.random.default_rng(seed)
    return lambda *shape, scale=1.0: rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)


def layers(widths: tuple[int, ...], seed: int, gain: float) -> dict[str, np.ndarray]:
    """Return weights (out, in) and biases of dense layers: "w0", "b0", "w1", ..."""
    normal, found = drawn(seed), {}
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        found[f"w{i}"] = normal(n_out, n_in, scale=(gain / n_in) ** 0.5)
        found[f"b{i}"] = normal(n_out, scale=0.1)
    return found


def dense_flops(widths: tuple[int, ...], samples: int) -> float:
    """Return the operations of three products per layer; the input wants no gradient."""
    products = [a * b for a, b in pairwise(widths)]
    return samples * (6.0 * sum(products) - 2.0 * products[0])


def dense(m, activation, p, x):
    """Return the output of dense layers with an activation between them."""
    last = len(p) // 2 - 1
    for i in range(last):
        x = activation(m.linear(x, p[f"w{i}"], p[f"b{i}"]))
    return m.linear(x, p[f"w{last}"], p[f"b{last}"])


# W1: a dense classifier.

CLASSIFIER = (784, 256, 128, 10)


def images(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return a batch of 64 images and their classes."""
    rng = np.random.default_rng(4)
    return {"x": rng.random((64, *shape), dtype=np.float32), "y": rng.integers(0, 10, 64)}


def classifier(m, p, x, y):
    return m.cross_entropy(dense(m, m.relu, p, x), y)


# W2: a small regression, which shows what a step costs beside its arithmetic.

SMALL = (2, 32, 32, 1)


def plane() -> dict[str, np.ndarray]:
    """Return points of the plane, a smooth function of them, and the first weights."""
    x = drawn(11)(64, 2)
    return {"x": x, "y": np.sin(x[:, :1]) * x[:, 1:], **layers(SMALL, 12, 1.0)}


def regression(m, p, x, y):
    return m.mse_loss(dense(m, m.tanh, p, x), y)


# W3: a convolutional classifier.


def kernels() -> dict[str, np.ndarray]:
    """Return images and the first weights of two convolutions and a dense layer."""
    normal = drawn(13)
    shapes = {"1": (32, 1, 3, 3), "2": (64, 32, 3, 3), "3": (10, 64 * 7 * 7)}
    found = images((1, 28, 28))
    for name, shape in shapes.items():
        found[f"w{name}"] = normal(*shape, scale=(2.0 / np.prod(shape[1:])) ** 0.5)
        found[f"b{name}"] = normal(shape[0], scale=0.1)
    return found


def convolutional(m, p, x, y):
    x = m.max_pool2d(m.relu(m.conv2d(x, p["w1"], p["b1"])))
    x = m.max_pool2d(m.relu(m.conv2d(x, p["w2"], p["b2"])))
    return m.cross_entropy(m.linear(x.reshape(x.shape[0], -1), p["w3"], p["b3"]), y)


CONVOLUTIONAL_FLOPS = 64 * (4.0 * 28 * 28 * 32 * 9 + 6.0 * 14 * 14 * 64 * 32 * 9 + 6.0 * 3136 * 10)

# W4: an encoder layer of a transformer, as nn.TransformerEncoderLayer's defaults: norms after the sums, relu.

BATCH, LENGTH, WIDTH, HEADS, HIDDEN = 16, 128, 256, 4, 1024


def tokens() -> dict[str, np.ndarray]:
    """Return vectors of tokens, what they should become, and the first weights."""
    normal = drawn(14)
    found = {"x": normal(BATCH, LENGTH, WIDTH), "y": normal(BATCH, LENGTH, WIDTH)}
    shapes = {"qkv": (3 * WIDTH, WIDTH), "out": (WIDTH, WIDTH), "up": (HIDDEN, WIDTH), "down": (WIDTH, HIDDEN)}
    for name, (n_out, n_in) in shapes.items():
        found[f"w_{name}"], found[f"b_{name}"] = normal(n_out, n_in, scale=n_in**-0.5), normal(n_out, scale=0.1)
    for name in ("1", "2"):
        found[f"scale_{name}"], found[f"shift_{name}"] = 1.0 + normal(WIDTH, scale=0.1), normal(WIDTH, scale=0.1)
    return found


def transformer(m, p, x, y):
    batch, length, width = x.shape
    split = m.linear(x, p["w_qkv"], p["b_qkv"]).reshape(batch, length, 3, HEADS, width // HEADS)
    parts = m.permute(split, (2, 0, 3, 1, 4))
    mixed = m.permute(m.attention(parts[0], parts[1], parts[2]), (0, 2, 1, 3)).reshape(batch, length, width)
    x = m.layer_norm(x + m.linear(mixed, p["w_out"], p["b_out"]), p["scale_1"], p["shift_1"])
    hidden = m.relu(m.linear(x, p["w_up"], p["b_up"]))
    x = m.layer_norm(x + m.linear(hidden, p["w_down"], p["b_down"]), p["scale_2"], p["shift_2"])
    return m.mse_loss(x, y)


def transformer_flops() -> float:
    """Return the operations of the products: weights, then scores and mixtures."""
    weights = WIDTH * (6.0 * (4 * WIDTH + 2 * HIDDEN) - 2.0 * 3 * WIDTH)
    return BATCH * LENGTH * (weights + 6.0 * 2 * LENGTH * WIDTH)


# W5: prices of options and three of their partials (Black and Scholes 1973).

OPTIONS, RATE = 1 << 20, 0.02


def market() -> dict[str, np.ndarray]:
    """Return options: price of the share, its volatility, time left, agreed price."""
    rng = np.random.default_rng(15)
    ranges = {"share": (50, 150), "volatility": (0.1, 0.5), "time": (0.1, 2.0), "agreed": (50, 150)}
    return {name: rng.uniform(*ends, OPTIONS).astype(np.float32) for name, ends in ranges.items()}


def greeks(m, share, volatility, time, agreed):
    """Return prices of call options, and delta, vega and minus theta."""

    def below(z):
        return 0.5 + 0.5 * m.erf(z * 0.5**0.5)

    def price(share, volatility, time):
        spread = volatility * m.sqrt(time)
        first = (m.log(share / agreed) + (RATE + 0.5 * volatility * volatility) * time) / spread
        return share * below(first) - agreed * m.exp(-RATE * time) * below(first - spread)

    return m.values_and_slopes(price)(share, volatility, time)


# W6: a recurrent net.

STEPS, SEQUENCES, FEATURES, STATE = 100, 32, 64, 128


def sequences() -> dict[str, np.ndarray]:
    """Return sequences (time, batch, features), what they should end in, and the first weights."""
    normal = drawn(16)
    return {
        "x": normal(STEPS, SEQUENCES, FEATURES), "y": normal(SEQUENCES, STATE, scale=0.5),
        "w_in": normal(4 * STATE, FEATURES, scale=FEATURES**-0.5),
        "w_state": normal(4 * STATE, STATE, scale=STATE**-0.5), "bias": normal(4 * STATE, scale=0.1),
    }  # fmt: skip


def recurrent(m, p, x, y):
    return m.mse_loss(m.lstm(x, p["w_in"], p["w_state"], p["bias"]), y)


RECURRENT_FLOPS = STEPS * SEQUENCES * 4.0 * STATE * (4 * FEATURES + 6 * STATE)

# W7: a net that learns u'' = -sin(x), u = 0 at both ends: derivatives of derivatives.

PHYSICS = (1, 64, 64, 1)


def interval() -> dict[str, np.ndarray]:
    """Return points inside of an interval, its ends, and the first weights."""
    x = np.sort(np.random.default_rng(17).uniform(0.0, np.pi, (256, 1))).astype(np.float32)
    return {"x": x, "ends": np.array([[0.0], [np.pi]], np.float32), **layers(PHYSICS, 18, 1.0)}


def physics(m, p, x, ends):
    slope = m.grad(lambda x: dense(m, m.tanh, p, x).sum())
    bend = m.grad(lambda x: slope(x).sum())
    inside, outside = bend(x) + m.sin(x), dense(m, m.tanh, p, ends)
    return (inside * inside).mean() + (outside * outside).mean()


# W8: curvature of a logistic regression along a direction.

SAMPLES, COLUMNS = 4096, 512


def labelled() -> dict[str, np.ndarray]:
    """Return samples, their classes 0 and 1, weights, and the direction."""
    normal = drawn(19)
    x, y = normal(SAMPLES, COLUMNS), (normal(SAMPLES) > 0.0).astype(np.float32)
    return {"x": x, "y": y, "w": normal(COLUMNS, scale=COLUMNS**-0.5), "v": normal(COLUMNS)}


def curvature(m, x, y, w, v):
    """Return the Hessian of the mean cross entropy times v."""

    def loss(w):
        scores = x @ w
        return (m.softplus(scores) - y * scores).mean()

    return m.hvp(loss, w, v)


WORKS = (
    Work("W1 MLP 784-256-128-10", classifier, lambda: {**images((784,)), **layers(CLASSIFIER, 5, 2.0)}, ("x", "y"),
         dense_flops(CLASSIFIER, 64)),
    Work("W2 MLP 2-32-32-1", regression, plane, ("x", "y"), dense_flops(SMALL, 64)),
    Work("W3 CNN 28x28", convolutional, kernels, ("x", "y"), CONVOLUTIONAL_FLOPS),
    Work("W4 transformer layer", transformer, tokens, ("x", "y"), transformer_flops(), 4.0 * 2 * BATCH * LENGTH * WIDTH),
    # A logarithm, two error functions, two exponentials and a root are about 100 operations.
    Work("W5 Black-Scholes", greeks, market, ("share", "volatility", "time", "agreed"), 100.0 * OPTIONS, 4.0 * 8 * OPTIONS),
    Work("W6 LSTM 64-128", recurrent, sequences, ("x", "y"), RECURRENT_FLOPS, 4.0 * STEPS * SEQUENCES * FEATURES),
    # The value and its first two derivatives together are three times the net, and the gradient of that twice as much.
    Work("W7 second derivatives", physics, interval, ("x", "ends"), 3.0 * dense_flops(PHYSICS, 256)),
    # One pass over the samples: scores, their change along v, and the sum that comes back.
    Work("W8 Hessian times vector", curvature, labelled, ("x", "y", "w", "v"), 6.0 * SAMPLES * COLUMNS,
         4.0 * SAMPLES * COLUMNS),
)  # fmt: skip
CASES = tuple(work.case() for work in WORKS)
