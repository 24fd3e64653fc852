"""One training step of a dense classifier: forward, backward, Adam, and the loss read as a number."""

from itertools import pairwise

import numpy as np

from ..case import Call, Case

BATCH = 64
RATE, BETAS, EPS = 1e-3, (0.9, 0.999), 1e-8
WIDTHS = {"digits 64-256-128-10": (64, 256, 128, 10), "MLP 784-256-128-10": (784, 256, 128, 10)}


def inputs(widths: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return a batch and the first weights (out, in) and biases: "w0", "b0", "w1", ..."""
    rng = np.random.default_rng(4)
    found: dict[str, np.ndarray] = {
        "x": rng.random((BATCH, widths[0]), dtype=np.float32),
        "y": rng.integers(0, widths[-1], BATCH),
    }
    for i, (n_in, n_out) in enumerate(pairwise(widths)):
        found[f"w{i}"] = (rng.standard_normal((n_out, n_in)) * (2.0 / n_in) ** 0.5).astype(np.float32)
        found[f"b{i}"] = (rng.standard_normal(n_out) * 0.1).astype(np.float32)
    return found


def layers_of(weights: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (weight, bias) of each layer."""
    return [(weights[f"w{i}"], weights[f"b{i}"]) for i in range(len(weights) // 2)]


def nbgrad_side(x, y, **weights) -> Call:
    import nbgrad as ng

    layers = []
    for w, b in layers_of(weights):
        layer = ng.nn.Linear(w.shape[1], w.shape[0])
        layer.load_state({"weight": w, "bias": b})
        layers += [layer, ng.relu]
    model = ng.nn.Sequential(*layers[:-1])
    optimizer = ng.optim.Adam(model, lr=RATE, betas=BETAS, eps=EPS)
    images, labels = ng.tensor(x), ng.tensor(y)

    def step():
        optimizer.zero_grad()
        loss = ng.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def torch_side(x, y, fused=False, **weights) -> Call:
    import torch

    layers = []
    for w, b in layers_of(weights):
        layer = torch.nn.Linear(w.shape[1], w.shape[0])
        layer.load_state_dict({"weight": torch.from_numpy(w), "bias": torch.from_numpy(b)})
        layers += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=BETAS, eps=EPS, fused=fused)
    images, labels = torch.from_numpy(x), torch.from_numpy(y)

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def jax_side(x, y, **weights) -> Call:
    import jax
    import jax.numpy as jnp

    def loss_of(layers, x, y):
        for w, b in layers[:-1]:
            x = jax.nn.relu(x @ w.T + b)
        w, b = layers[-1]
        return -jnp.mean(jax.nn.log_softmax(x @ w.T + b)[jnp.arange(len(y)), y])

    def update(layers, m, v, t, x, y):
        loss, g = jax.value_and_grad(loss_of)(layers, x, y)
        m = jax.tree.map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, m, g)
        v = jax.tree.map(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, v, g)
        first, second = 1 - BETAS[0] ** t, 1 - BETAS[1] ** t
        moved = lambda p, m, v: p - RATE * (m / first) / (jnp.sqrt(v / second) + EPS)
        return jax.tree.map(moved, layers, m, v), m, v, t + 1, loss

    compiled = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    layers = jax.tree.map(jnp.array, layers_of(weights))
    zeros = lambda: jax.tree.map(jnp.zeros_like, layers)
    state = [(layers, zeros(), zeros(), jnp.float32(1))]
    images, labels = jnp.asarray(x), jnp.asarray(y)

    def step():
        *now, loss = compiled(*state[0], images, labels)
        state[0] = tuple(now)
        return float(loss)

    return step


def numpy_gradients(layers, x, y):
    """Return the loss and the gradients of all weights and biases, by hand."""
    acts = [x]
    for w, b in layers[:-1]:
        acts.append(np.maximum(acts[-1] @ w.T + b, 0))
    w, b = layers[-1]
    logits = acts[-1] @ w.T + b
    logits -= logits.max(axis=1, keepdims=True)
    share = np.exp(logits)
    total = share.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    loss = np.mean(np.log(total[:, 0]) - logits[rows, y])
    g = share / total
    g[rows, y] -= 1
    g /= len(y)
    grads = []
    for i in reversed(range(len(layers))):
        grads += [g.sum(axis=0), g.T @ acts[i]]
        if i:
            g = (g @ layers[i][0]) * (acts[i] > 0)
    return loss, grads[::-1]


def numpy_side(x, y, **weights) -> Call:
    layers = [(w.copy(), b.copy()) for w, b in layers_of(weights)]
    flat = [p for layer in layers for p in layer]
    memory = [(np.zeros_like(p), np.zeros_like(p)) for p in flat]
    count = [0]

    def step():
        count[0] += 1
        first, second = (1 - beta ** count[0] for beta in BETAS)
        loss, grads = numpy_gradients(layers, x, y)
        for p, g, (m, v) in zip(flat, grads, memory):
            m += (1 - BETAS[0]) * (g - m)
            v += (1 - BETAS[1]) * (g * g - v)
            p -= RATE / first * m / (np.sqrt(v * (1 / second)) + EPS)
        return float(loss)

    return step


def record(name: str) -> Case:
    """Return the case of one network."""
    widths = WIDTHS[name]
    products = [a * b for a, b in pairwise(widths)]
    parameters = sum(products) + sum(widths[1:])
    return Case(
        f"training/{name}",
        lambda: inputs(widths),
        {
            "nbgrad": nbgrad_side,
            "torch": torch_side,
            "torch.fused": lambda **given: torch_side(fused=True, **given),
            "jax.jit": jax_side,
            "numpy": numpy_side,
        },
        # Three products of a layer, but the input wants no gradient. Adam reads four numbers and writes three.
        flops=BATCH * (6.0 * sum(products) - 2.0 * products[0]),
        bytes=4.0 * 7 * parameters,
        tolerance=1e-4,
        calls=5,
        note=f"batch {BATCH}, Adam; torch.fused: Adam(fused=True); numpy: gradients and Adam by hand",
    )


CASES = tuple(record(name) for name in WIDTHS)
