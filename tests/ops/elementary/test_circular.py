import numpy as np
import pytest
from mpmath import mp

from nbgrad.ops.elementary import bits, circular

NAMES = ("sin", "cos", "tan", "sinc")
PI = np.longdouble("3.14159265358979323846264338327950288")


@pytest.mark.parametrize("name", NAMES)
def test_float64_in_every_binade(sweep, rng, name):
    x = np.concatenate([sweep.binades(60, rng), sweep.SPECIAL])
    reference = (lambda x: sweep.sinc(x, PI)) if name == "sinc" else getattr(np, name)
    with np.errstate(invalid="ignore"):
        errors = sweep.errors64(sweep.evaluate(name, "float64")(x), sweep.longdouble(reference)(x))
    assert errors.max() <= 2.0, x[errors.argmax()]


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@pytest.mark.parametrize("limit", [1e3, 1e8, 1e15])
def test_float64_beside_multiples_of_half_pi(sweep, rng, name, limit):
    x = np.rint(rng.uniform(0, limit, 20000)) * np.float64(np.pi / 2)
    errors = sweep.errors64(sweep.evaluate(name, "float64")(x), sweep.longdouble(getattr(np, name))(x))
    assert errors.max() <= 2.0, x[errors.argmax()]


def test_float64_nearest_to_a_multiple_of_half_pi(sweep):
    x = np.array([6381956970095103.0 * 2.0**797])  # Muller 2016, table 11.1: |cos(x)| is 4.7e-19
    for name, exact in (("sin", mp.sin), ("cos", mp.cos), ("tan", mp.tan)):
        with mp.workdps(400):
            wanted = float(exact(mp.mpf(float(x[0]))))
        np.testing.assert_allclose(sweep.evaluate(name, "float64")(x)[0], wanted, rtol=4e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_functions_of_common_arguments_give_the_very_same(sweep, rng, name, dtype):
    _, low, high = bits.find_common(name, dtype)
    x = rng.uniform(low, high, 100000)
    common = sweep.evaluate(f"{name}_common", dtype)(x)
    np.testing.assert_array_equal(common, sweep.evaluate(name, dtype)(x))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_zeros_keep_their_signs(sweep, dtype):
    zeros = np.array([0.0, -0.0], dtype)
    for name in ("sin", "tan"):
        np.testing.assert_array_equal(np.signbit(sweep.evaluate(name, dtype)(zeros)), [False, True])
        np.testing.assert_array_equal(np.signbit(sweep.evaluate(f"{name}_common", dtype)(zeros)), [False, True])


def test_pieces_of_two_over_pi_add_up_to_it():
    with mp.workprec(1400):
        for step, count, table in ((16, 7, circular._turns(16, 7)), (32, 31, circular._turns(32, 31))):
            for k in range(count):
                wanted = mp.fmod(2 / mp.pi * mp.mpf(2) ** (step * k), 4)
                assert abs(mp.fsum(row[k] for row in table) - wanted) < mp.mpf(2) ** -200


def test_functions_run_in_plain_python():
    for x in (np.float32(2.5), np.float32(1e30)):
        np.testing.assert_allclose(circular.sin_float32(x), np.sin(np.float64(x)), rtol=2e-7)
    for x in (np.float64(2.5), np.float64(1e300)):
        np.testing.assert_allclose(circular.tan_float64(x), np.tan(x), rtol=1e-15)
