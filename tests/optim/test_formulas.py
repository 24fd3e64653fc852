import numpy as np
import pytest

from nbgrad.optim import formulas

RNG = np.random.default_rng(11)
A, B, C = RNG.normal(size=(3, 50))
S = RNG.uniform(1.0, 4.0, 50)
WRITTEN = {
    "descend": ((A, B, 0.1), A - 0.1 * B),
    "penalized": ((A, B, 0.1), A + 0.1 * B),
    "decayed_sum": ((A, B, 0.9), 0.9 * A + B),
    "running_mean": ((A, B, 0.1), 0.9 * A + 0.1 * B),
    "running_square": ((S, B, 0.1), 0.9 * S + 0.1 * B**2),
    "square_sum": ((S, B), S + B**2),
    "over_root": ((A, S, 0.5), A / (np.sqrt(S) + 0.5)),
    "over_deviation": ((A, S, C / 9, 0.5), A / (np.sqrt(S - (C / 9) ** 2) + 0.5)),
    "descend_over_root": ((A, B, S, 0.1, 0.5), A - 0.1 * B / (np.sqrt(S) + 0.5)),
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_formulas_equal_numpy(name, dtype):
    args, expected = WRITTEN[name]
    args = [a.astype(dtype) if isinstance(a, np.ndarray) else a for a in args]
    out = getattr(formulas, name)(*args)
    assert out.dtype == dtype
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-5 if dtype == "float32" else 1e-13)


def test_a_negative_variance_counts_as_zero():
    assert formulas.over_deviation(np.ones(1), np.zeros(1), np.ones(1), 0.5).item() == 2.0
