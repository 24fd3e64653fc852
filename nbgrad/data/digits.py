"""The handwritten digits that scikit-learn ships: 1,797 images of 8x8 pixels, no download."""

import numpy as np

from ..base.errors import require
from .dataset import ArrayDataset


def load_digits(test=0.2, seed=0, shape=(64,)):
    """Return the optical recognition digits as a training and a test set with equal shares of every digit.

    Parameters
    ----------
    test : float, above 0 and below 1
        Fraction of the 1,797 images in the test set.
    seed : int, from 0 to 2**64 - 1
        Which images are in the test set; the same on every machine.
    shape : tuple of int
        Shape of each image: (64,), (8, 8), or (1, 8, 8) for convolutions.

    Returns
    -------
    train, test : ArrayDataset
        Of two arrays: images, float32 from 0 (paper) to 1 (ink), shape (n, *shape); labels, int64 from 0 to 9, shape
        (n,).

    Raises
    ------
    MissingPackageError
        When scikit-learn is not installed: `pip install "nbgrad[demo]"`.

    References
    ----------
    E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998;
    `sklearn.datasets.load_digits`.

    Examples
    --------
    >>> train, test = load_digits()
    >>> len(train), len(test)
    (1438, 359)
    """
    bunch = require("sklearn.datasets", "demo").load_digits()
    # Pixels count the dark cells of a 4x4 block: 0 to 16.
    images = (bunch.data / 16.0).astype(np.float32).reshape(-1, *shape)
    labels = bunch.target.astype(np.int64)
    return ArrayDataset(images, labels).split((1.0 - test, test), seed, labels)
