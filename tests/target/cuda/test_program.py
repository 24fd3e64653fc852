"""Compiled functions on a device."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cuda import program as module
from nbgrad.target.cuda.program import Program

pytestmark = pytest.mark.cuda


def on_both(make, *arguments, calls=3):
    """Return the results of some calls of a compiled function made for each device."""
    found = []
    for device in ("cpu", "cuda"):
        f, out = make(device), []
        for k in range(calls):
            args = [ng.tensor(a + np.asarray(k, a.dtype), device=device) for a in arguments]
            out += [np.array(v.numpy()) for v in f(*args)]
            assert all(v.device == ("cpu" if device == "cpu" else "cuda:0") for v in f(*args))
        found.append(out)
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6)


def test_rows_fuse_and_write_what_they_captured(rng):
    w = rng.standard_normal((3, 4)).astype("float32")

    def make(device):
        weight = ng.tensor(w, device=device).copy()

        def step(x, y):
            error = ng.tanh(x * weight) - y
            weight[...] = weight - 0.1 * error * x
            return error * error, weight * 1.0

        return ng.compile(step)

    on_both(make, rng.standard_normal((3, 4)).astype("float32"), rng.standard_normal((3, 4)).astype("float32"))


def test_one_kernel_is_what_rows_of_one_shape_become(rng):
    step = ng.compile(lambda x: (ng.exp(x) * 2.0 + x) / 3.0)
    x = ng.tensor(rng.standard_normal(5), device="cuda")
    np.testing.assert_allclose(step(x).numpy(), (np.exp(x.numpy()) * 2.0 + x.numpy()) / 3.0, rtol=1e-12)
    (run,) = next(iter(step.runs.values()))
    assert isinstance(run.program, Program)
    (launches,) = run.program.space.steps
    assert len(launches) == 1


def test_views_and_strided_arguments(rng):
    def make(device):
        return ng.compile(lambda x: (x[::-1, 1:] * 2.0, ng.transpose(x) + 1.0))

    on_both(make, rng.standard_normal((4, 5)))
    f = make("cuda")
    a = rng.standard_normal((4, 6))
    for view in (np.s_[:], np.s_[::-1], np.s_[:, ::-2]):
        got = f(ng.tensor(a, device="cuda")[view])[0]
        np.testing.assert_allclose(got.numpy(), a[view][::-1, 1:] * 2.0)


def test_numbers_that_change_are_sent_anew(rng):
    a = rng.standard_normal(4).astype("float32")
    results = {}
    for device in ("cpu", "cuda"):
        optimizer = ng.optim.SGD({"w": ng.tensor(a.copy(), device=device, requires_grad=True)}, lr=lambda k: (0.1, 0.2, 0.05)[k])

        def step(g, optimizer=optimizer):
            optimizer.step({"w": g})

        step = ng.compile(step)
        for _ in range(3):
            step(ng.ones(4, "float32", device=device))
        results[device] = optimizer.tensors["w"].numpy()
    np.testing.assert_allclose(results["cuda"], results["cpu"], rtol=1e-6)
    np.testing.assert_allclose(results["cuda"], a - 0.35, rtol=1e-5)


def test_random_numbers_are_drawn_anew_and_are_the_cpu_s():
    drawn = {}
    for device in ("cpu", "cuda"):
        generator = ng.random.Generator(3)
        f = ng.compile(lambda x, generator=generator: generator.uniform(5, device=x.device) * x)
        drawn[device] = [f(ng.ones(5, "float32", device=device)).numpy() for _ in range(3)]
    for a, b in zip(drawn["cpu"], drawn["cuda"]):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(drawn["cuda"][0], drawn["cuda"][1])


def test_constants_are_results_too():
    f = ng.compile(lambda x: (ng.zeros(3, device="cuda") + 0.0, x * 0.0 + 2.0))
    zero, two = f(ng.ones(2, device="cuda"))
    assert zero.tolist() == [0.0, 0.0, 0.0]
    assert two.tolist() == [2.0, 2.0]


def test_a_program_runs_on_one_device():
    x, y = ng.ones(3, device="cuda"), ng.ones(3)
    with pytest.raises(ng.DeviceError, match="x on cuda:0, y on cpu"):
        ng.compile(lambda a, b: a + b)(x, y)
    with pytest.raises(ng.DeviceError, match="computes on cpu and cuda:0; a program runs on one device"):
        ng.compile(lambda a, b: (a * 2.0, b * 2.0))(x, y)
    with pytest.raises(ng.DeviceError, match="inside a compiled function"):
        ng.compile(lambda a: a.to("cpu") * 2.0)(x)


def test_results_give_their_memory_back(rng):
    f, x = ng.compile(lambda x: (x * 2.0, x + 1.0)), ng.tensor(rng.standard_normal(300), device="cuda")
    f(x)
    before = ng.cuda.memory_info().allocated
    for _ in range(5):
        f(x)
    assert ng.cuda.memory_info().allocated == before
    (run,) = next(iter(f.runs.values()))
    assert len(run.program._bound) <= 2  # new blocks come in any order, later the lowest first


def test_addresses_are_remembered_up_to_a_number(rng, monkeypatch):
    monkeypatch.setattr(module, "MOST_GRAPHS", 2)
    f = ng.compile(lambda x: (x * 2.0, x + 1.0))
    held = [ng.tensor(rng.standard_normal(3), device="cuda") for _ in range(4)]
    for _ in range(2):
        for x in held:
            np.testing.assert_allclose(f(x)[0].numpy(), x.numpy() * 2.0)
    (run,) = next(iter(f.runs.values()))
    assert len(run.program._bound) == 2


def test_a_program_waits_for_the_stream_that_it_ran_in_before(rng):
    f, x, waited = ng.compile(lambda x: (x * 2.0, x + 1.0)), ng.tensor(rng.standard_normal(3), device="cuda"), []
    with ng.cuda.Stream() as stream:
        stream.handle.synchronize = lambda: waited.append(stream)
        f(x), f(x)
        assert not waited
    np.testing.assert_allclose(f(x)[0].numpy(), x.numpy() * 2.0)
    f(x)
    assert waited == [stream]
