"""Ops run where their arrays are; arrays of all targets are made, copied and compared alike."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.memory import owner, start_of
from nbgrad.target import run
from nbgrad.target.cuda.array import DeviceArray

pytestmark = pytest.mark.cuda


def test_arrays_go_there_and_back(rng):
    a = rng.standard_normal((3, 4))
    x = run.put(a, "cuda")
    assert (run.device_of(x), run.number_at(x)) == ("cuda:0", 0)
    assert run.put(x, "cuda:0") is x
    assert run.put(a, "cpu") is a
    np.testing.assert_array_equal(run.host(x.transpose((1, 0))), a.T)
    assert run.host(a) is a


def test_what_repeats_is_sent_once():
    x = run.put(np.broadcast_to(np.float32(3), (1000, 1000)), "cuda")
    assert x.strides == (0, 0)
    assert owner(x.shadow).nbytes < 4096


def test_new_arrays_are_where_they_are_asked_for():
    for device, kind in (("cpu", np.ndarray), ("cuda", DeviceArray)):
        for value in (0, 1, None):
            a = run.new((2, 3), "float32", value, device)
            assert type(a) is kind
            if value is not None:
                np.testing.assert_array_equal(run.host(a), np.full((2, 3), value, "float32"))
        assert type(run.full((2,), "int64", 7, a)) is kind


def test_memory_is_compared():
    x = run.put(np.zeros((2, 3)), "cuda")
    assert run.share_memory(x, x[1])
    assert not run.share_memory(x[0], x[1])
    assert start_of(x[1]) - start_of(x) == 24


def test_different_devices_are_one_error():
    x, y = ng.tensor([1.0, 2.0], device="cuda"), ng.tensor([1.0, 2.0])
    with pytest.raises(ng.DeviceError) as caught:
        x + y
    what, where, fix = str(caught.value).splitlines()
    assert what.endswith("x on cuda:0, y on cpu")
    assert "test_run_target.py" in where
    assert fix == '  try: y.to("cuda:0")'
    with pytest.raises(ng.DeviceError, match="x on cpu, y on cuda:0"):
        y * x
    with pytest.raises(ng.DeviceError, match=r'xs\[0\] on cuda:0, xs\[1\] on cpu\n.*\n  try: xs\[1\].to\("cuda:0"\)'):
        ng.concatenate([x, y])
    with pytest.raises(ng.DeviceError, match="x on cuda:0, y on cpu, out on cuda:0"):
        x += y


def test_arrays_that_are_no_tensors_go_where_the_others_are():
    x = ng.tensor([1.0, 2.0], device="cuda")
    for other in (np.array([3.0, 4.0]), [3.0, 4.0], np.float64(3.0), 3):
        assert (x + other).device == "cuda:0"
        assert (other * x).device == "cuda:0"
