import threading

import numpy as np
import pytest
from scipy import stats

import nbgrad as ng
from nbgrad.base.errors import ArgumentError
from nbgrad.random import Generator

pytestmark = pytest.mark.usefixtures("seeded")


def test_seed_repeats_and_state_goes_back():
    first = ng.random.normal((3, 4)).numpy()
    state = ng.random.get_state()
    second = ng.random.uniform(5).numpy()
    ng.random.set_state(state)
    np.testing.assert_array_equal(ng.random.uniform(5).numpy(), second)
    ng.random.seed(0)
    np.testing.assert_array_equal(ng.random.normal((3, 4)).numpy(), first)
    assert all(isinstance(v, int) for v in state.values())


def test_draws_do_not_overlap():
    g = Generator(3)
    words = np.concatenate([g.bits(n).numpy() for n in (1, 5, 4, 0, 1000)])
    assert len(np.unique(words)) == len(words)
    assert g.get_state() == {"seed": 3, "stream": 0, "counter": 1 + 2 + 1 + 0 + 250}


def test_seeds_and_streams_are_different():
    draws = [
        tuple(Generator(seed, stream).bits(4).tolist()) for seed in (0, 1, 2**64 - 1) for stream in (0, 1, 2**64 - 1)
    ]
    assert len(set(draws)) == 9


def test_a_generator_without_a_seed_is_new():
    assert Generator().get_state()["seed"] != Generator().get_state()["seed"]
    assert "stream=0" in repr(Generator(1))


def test_numbers_do_not_depend_on_threads_that_draw():
    """Eight threads take disjoint parts of one sequence."""
    g, found = Generator(5), []
    threads = [
        threading.Thread(target=lambda: found.extend(tuple(g.bits(4).tolist()) for _ in range(50))) for _ in range(8)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(found) == {tuple(w) for w in Generator(5).bits((400, 4)).tolist()}


def test_uniform_is_uniform(dtype):
    u = ng.random.uniform((200, 100), -2.0, 3.0, dtype)
    assert u.dtype == dtype
    assert u.shape == (200, 100)
    assert u.numpy().min() >= -2.0
    assert u.numpy().max() <= 3.0
    assert stats.kstest(u.numpy().ravel().astype(float), stats.uniform(-2.0, 5.0).cdf).pvalue > 1e-3


def test_normal_is_normal(dtype):
    z = ng.random.normal(20_000, 1.0, 2.0, dtype)
    assert z.dtype == dtype
    assert stats.kstest(z.numpy().astype(float), stats.norm(1.0, 2.0).cdf).pvalue > 1e-3
    lag = np.corrcoef(z.numpy()[1:], z.numpy()[:-1])[0, 1]
    assert abs(lag) < 4 / np.sqrt(20_000)


def test_exponential_is_exponential():
    x = ng.random.exponential(20_000, 3.0)
    assert x.dtype == np.float32
    assert stats.kstest(x.numpy().astype(float), stats.expon(scale=3.0).cdf).pvalue > 1e-3


def test_defaults():
    assert ng.random.uniform().shape == ()
    assert ng.random.uniform(3).dtype == np.float32
    assert ng.random.normal([2, 0]).shape == (2, 0)
    assert ng.random.randint(3).dtype == np.int64


def test_gradients_flow_to_low_high_mean_std_and_scale():
    def check(f, *args):
        state = ng.random.get_state()

        def again(*xs):
            ng.random.set_state(state)
            return f(*xs)

        ng.gradcheck(again, *args)

    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    check(lambda low, high: ng.random.uniform((3, 2), low, high, "float64"), a, b)
    check(lambda mean, std: ng.random.normal((3, 2), mean, std, "float64"), a, b)
    check(lambda scale: ng.random.exponential((3, 2), scale, "float64"), a)


def test_bernoulli():
    x = ng.random.bernoulli(0.3, 20_000)
    assert x.dtype == bool
    assert abs(x.numpy().mean() - 0.3) < 4 * np.sqrt(0.21 / 20_000)
    assert not ng.random.bernoulli(0.0, 100).any()
    assert ng.random.bernoulli(1.0, 100).all()
    p = np.array([[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(ng.random.bernoulli(p).numpy(), p == 1)
    assert ng.random.bernoulli(ng.tensor(p), (5, 2, 2), dtype="float32").dtype == np.float32
    for bad in (1.5, -0.1, np.nan, p + 1):
        with pytest.raises(ArgumentError, match="between 0 and 1"):
            ng.random.bernoulli(bad)


def test_randint_covers_its_range_evenly():
    x = ng.random.randint(-2, 4, 12_000).numpy()
    values, counts = np.unique(x, return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2, 3]
    assert stats.chisquare(counts).pvalue > 1e-3
    assert ng.random.randint(2**62, 2**63, dtype="int64").item() >= 2**62
    assert ng.random.randint(5, shape=3, dtype="int32").dtype == np.int32


def test_permutation_of_a_number_and_of_an_array():
    assert sorted(ng.random.permutation(100).tolist()) == list(range(100))
    x = np.arange(20.0).reshape(10, 2)
    t = ng.tensor(x, requires_grad=True)
    y = ng.random.permutation(t)
    assert sorted(y.detach().numpy()[:, 0].tolist()) == x[:, 0].tolist()
    (y * y).sum().backward()
    np.testing.assert_array_equal(t.grad.numpy(), 2 * x)
    assert ng.random.permutation(0).shape == (0,)


def test_choice_draws_with_replacement():
    x = ng.random.choice(np.array([1.0, 5.0]), (50, 2)).numpy()
    assert x.shape == (50, 2)
    assert set(x.ravel()) == {1.0, 5.0}
    assert ng.random.choice(3, 10).numpy().max() < 3


def test_numbers_do_not_depend_on_the_number_of_threads():
    before, draws = ng.get_num_threads(), []
    try:
        for n in (before, 1):
            ng.set_num_threads(n)
            g = Generator(2)
            draws.append(
                [
                    g.uniform(70_001).numpy(),
                    g.normal(50_000, dtype="float64").numpy(),
                    g.randint(9, shape=40_000).numpy(),
                ]
            )
    finally:
        ng.set_num_threads(before)
    for one, other in zip(*draws):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("call", [
    lambda: ng.random.uniform(-1),
    lambda: ng.random.uniform("3"),
    lambda: ng.random.uniform(3, dtype="int32"),
    lambda: ng.random.randint(3, 3),
    lambda: ng.random.randint(0.5),
    lambda: ng.random.seed(-1),
    lambda: ng.random.seed(2**64),
    lambda: ng.random.set_state({"seed": 1}),
    lambda: ng.random.permutation(-1),
    lambda: ng.random.permutation(np.float64(2.0)),
])  # fmt: skip
def test_arguments_out_of_range(call):
    with pytest.raises(ArgumentError):
        call()


@pytest.mark.parametrize("call", [
    lambda: ng.random.randint(0, 2**64), lambda: ng.random.permutation(-3), lambda: ng.random.seed(-1), lambda: ng.random.uniform(-1),
])  # fmt: skip
def test_errors_of_drawing_have_three_lines(call):
    with pytest.raises(ArgumentError, match=r".*\n.*test_random.*\n  try: "):
        call()
