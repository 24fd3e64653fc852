"""Cross entropy of rows and columns on a device, against the CPU's kernels."""

from math import prod

import numpy as np
import pytest

from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda import plans_entropy
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

pytestmark = pytest.mark.cuda
FLOAT64 = np.dtype("float64")
# few classes, a warp's, too many for registers; classes that do not lie side by side; samples more than a part
CASES = [((7, 3), 1), ((2, 40), 1), ((2, 300), 1), ((2, 5, 7), 1), ((2, 20, 3), 1), ((1, 4), 1)]
OPTIONS = [
    {"spread": 0.0, "ignored": None, "reduction": "mean", "logs": False},
    {"spread": 0.1, "ignored": -1, "reduction": "sum", "logs": False},
    {"spread": 0.0, "ignored": 1, "reduction": "none", "logs": True},
    {"spread": 0.2, "ignored": None, "reduction": "none", "logs": False},
]


def both(name, arrays, attrs, shape, dtype):
    """Return what the CPU gives, and what the device gives."""
    ours = CPU.primitive_launch(table[name], arrays, attrs, shape, dtype)(arrays)
    there = tuple(map(from_host, arrays))
    theirs = launches().primitive_launch(table[name], there, attrs, shape, dtype)(there)
    if isinstance(theirs, list):
        return ours, list(map(to_host, theirs))
    return [ours], [to_host(theirs)]


def same(ours, theirs, dtype):
    tolerance = 5e-6 if dtype == "float32" else 1e-12
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


def classes(shape, axis, dtype, rng):
    x = (2 * rng.standard_normal(shape)).astype(dtype)
    labels = rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
    return x, labels, rng.uniform(0.5, 2, shape[axis]).astype(dtype)


def check(x, labels, weight, axis, options, dtype, rng):
    attrs = {"axis": axis, **options}
    shape = labels.shape if options["reduction"] == "none" else ()
    shapes, kinds = (shape, (labels.size + 2,)), (x.dtype, FLOAT64)
    ours, theirs = both("class_entropy", (x, labels, weight), attrs, shapes, kinds)
    same(ours, theirs, dtype)
    u = np.asarray(rng.standard_normal(shape)).astype(dtype)
    same(*both("class_entropy_grad", (u, x, labels, weight, ours[1]), attrs, x.shape, x.dtype), dtype)


@pytest.mark.parametrize(("shape", "axis"), CASES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_classes(shape, axis, options, rng):
    dtype = "float32" if options["logs"] or options["ignored"] else "float64"
    x, labels, weight = classes(shape, axis, dtype, rng)
    if options["ignored"] is not None:
        labels.flat[0] = options["ignored"]
    check(x, labels, weight, axis, options, dtype, rng)


@pytest.mark.parametrize("shape", [(6, 4), (2, 4, 3)])
@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
def test_labels_that_are_no_class_are_told(shape, options, rng):
    x, labels, weight = classes(shape, 1, "float64", rng)
    labels.flat[2], labels.flat[4] = 4, -7
    check(x, labels, weight, 1, options, "float64", rng)


def test_samples_in_several_parts(rng, monkeypatch):
    monkeypatch.setattr(plans_entropy, "PART", 16)
    x, labels, weight = classes((53, 3), 1, "float64", rng)
    labels[30], labels[40] = 9, -2
    check(x, labels, weight, 1, {"spread": 0.0, "ignored": -2, "reduction": "mean", "logs": False}, "float64", rng)


def test_no_samples(rng):
    x, labels, weight = classes((0, 3), 1, "float64", rng)
    check(x, labels, weight, 1, OPTIONS[1], "float64", rng)


def test_numbers_that_are_none(dtype, rng):
    x, labels, weight = classes((6, 5), 1, dtype, rng)
    x[0, 1], x[1, 2], x[2, 3], x[3] = np.nan, np.inf, -np.inf, -np.inf
    check(x, labels, weight, 1, {"spread": 0.0, "ignored": None, "reduction": "none", "logs": False}, dtype, rng)


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 40), (1, 300), (0, 3)])
@pytest.mark.parametrize("wanted", [False, True])
def test_probabilities(shape, wanted, dtype, rng):
    x = (2 * rng.standard_normal(shape)).astype(dtype)
    t = np.maximum(rng.uniform(-0.5, 1, shape), 0).astype(dtype)
    lines = shape[:-1]
    ours, theirs = both("soft_entropy", (x, t), {}, (lines, lines), (x.dtype, FLOAT64))
    same(ours, theirs, dtype)
    u = rng.standard_normal(lines).astype(dtype)
    ours, theirs = both("soft_entropy_grad", (u, x, t, ours[1]), {"both": wanted}, (shape, shape), (x.dtype, x.dtype))
    assert len(theirs) == 2 and prod(theirs[1].shape) == x.size
    count = 2 if wanted else 1  # the other is not written
    same(ours[:count], theirs[:count], dtype)
