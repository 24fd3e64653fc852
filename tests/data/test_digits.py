"""The digits are scikit-learn's, scaled and split with equal shares."""

import sys

import numpy as np
import pytest

from nbgrad.base.errors import MissingPackageError
from nbgrad.data import load_digits

datasets = pytest.importorskip("sklearn.datasets")


def test_images_are_scikit_learns():
    train, test = load_digits()
    source = datasets.load_digits()
    own = {(tuple((x * 16).astype(int)), int(y)) for part in (train, test) for x, y in part}
    assert own == {(tuple(x.astype(int)), int(y)) for x, y in zip(source.data, source.target, strict=True)}
    assert len(train) + len(test) == 1797


def test_scaled_and_typed():
    images, labels = load_digits()[0].arrays
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)
    assert (images.min(), images.max()) == (0, 1)


def test_equal_shares():
    train, test = load_digits(test=0.25)
    for part, share in ((train, 0.75), (test, 0.25)):
        found = np.bincount(part.arrays[1]) / np.bincount(datasets.load_digits().target)
        assert np.all(np.abs(found - share) < 0.015)


def test_seed_decides():
    a, b, c = (load_digits(seed=s)[1].arrays[0] for s in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.parametrize("shape", [(64,), (8, 8), (1, 8, 8)])
def test_shape(shape):
    train, _ = load_digits(shape=shape)
    assert train.arrays[0].shape == (1438, *shape)
    assert np.array_equal(train.arrays[0].reshape(1438, 64), load_digits()[0].arrays[0])


def test_says_how_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingPackageError) as e:
        load_digits()
    lines = str(e.value).splitlines()
    assert len(lines) == 3
    assert lines[2] == '  try: pip install "nbgrad[demo]"'
