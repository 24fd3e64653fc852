"""What the workloads work on: the same numbers at every call."""

import numpy as np

TURNS = 8  # of Newton's iteration, that the slowest right-hand side needs


def lotka_volterra(steps=10_000):
    return {"p": np.array([1.5, 1.0, 1.0, 3.0]), "steps": steps, "h": 1e-3}


def coupled(n=10_000, steps=100):
    rng = np.random.default_rng(1)
    return {"start": rng.uniform(-1.0, 1.0, n), "c": 0.8, "h": 0.02, "steps": steps}


def mixture(d, k=25, n=1000):
    rng = np.random.default_rng(2)
    icf = rng.normal(0.0, 0.3, (k, d + d * (d - 1) // 2))
    return {"alphas": rng.normal(0.0, 1.0, k), "means": rng.normal(0.0, 0.5, (k, d)), "icf": icf,
            "x": rng.normal(0.0, 1.0, (n, d))}  # fmt: skip


def lstm(layers, steps=1024, b=14):
    rng = np.random.default_rng(3)
    draw = lambda *shape: rng.normal(0.0, 0.5, shape)
    sequence = np.eye(b)[rng.integers(0, b, steps)]
    return {"main": draw(layers, 2, 4, b), "extra": draw(3, b), "start": draw(layers, 2, b), "sequence": sequence}


def heat(n=512, steps=100):
    rng = np.random.default_rng(4)
    return {"start": rng.uniform(0.0, 1.0, (n, n)), "measured": rng.uniform(0.0, 1.0, (n, n)), "c": 0.2, "steps": steps}


def newton(n=10_000):
    rng = np.random.default_rng(5)
    return {"b": rng.uniform(0.5, 20.0, n), "a": 1.5, "tolerance": 1e-10}


def bundle(cameras=49, points=7776, p=31_843):
    rng = np.random.default_rng(6)
    camera = np.empty((cameras, 11))
    camera[:, :3] = rng.normal(0.0, 0.2, (cameras, 3))
    camera[:, 3:6] = rng.normal(0.0, 0.5, (cameras, 3))
    camera[:, 6] = rng.uniform(300.0, 600.0, cameras)
    camera[:, 7:9] = rng.normal(0.0, 5.0, (cameras, 2))
    camera[:, 9:] = rng.normal(0.0, 0.02, (cameras, 2))
    point = rng.normal(0.0, 1.0, (points, 3)) + np.array([0.0, 0.0, 8.0])
    views = np.stack([rng.integers(0, cameras, p), rng.integers(0, points, p)], 1)
    return {"cameras": camera, "points": point, "weights": rng.uniform(0.5, 1.5, p), "views": views,
            "seen": rng.normal(0.0, 50.0, (p, 2))}  # fmt: skip
