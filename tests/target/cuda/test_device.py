"""Devices: their names, what is said where there is none, and streams."""

import threading
import types

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cuda import device
from nbgrad.target.cuda.package import Package

pytestmark = pytest.mark.cuda
ANSWERS = {  # what a package raises -> what is said
    "Error at driver init: \nCUDA driver library cannot be found.": "there is no NVIDIA driver",
    "[100] Call to cuInit results in CUDA_ERROR_NO_DEVICE": "CUDA_VISIBLE_DEVICES",
    "[35] Call to cuInit results in CUDA_ERROR_INSUFFICIENT_DRIVER": "the driver is too old",
    "something else": "something else",
}


class Raising:
    """What a package has for `gpus` where there is no driver."""

    def __init__(self, text):
        self.text = text

    def __len__(self):
        raise RuntimeError(self.text)


def without(monkeypatch, gpus):
    monkeypatch.setattr(device, "package", lambda: Package("numba-cuda", types.SimpleNamespace(gpus=gpus), False, ""))
    device._count.cache_clear()


@pytest.mark.parametrize("text", ANSWERS)
def test_without_a_driver_the_error_says_why(text, monkeypatch):
    without(monkeypatch, Raising(text))
    assert not ng.cuda.is_available()
    assert ng.cuda.device_count() == 0
    assert ng.cuda.devices() == []
    assert ANSWERS[text] in ng.cuda.why_not()
    with pytest.raises(ng.DeviceError) as caught:
        ng.zeros(3, device="cuda")
    what, where, fix = str(caught.value).splitlines()
    assert what.startswith('device="cuda": ')
    assert ANSWERS[text] in what
    assert "test_device.py" in where
    assert 'device="cpu"' in fix


def test_a_driver_without_devices(monkeypatch):
    without(monkeypatch, [])
    with pytest.raises(ng.DeviceError, match="the driver knows no device"):
        ng.tensor([1.0]).to("cuda")


def test_numba_s_own_target_is_advised_against_where_there_is_a_device(monkeypatch):
    for gpus in (Raising("no driver"), [object()]):
        monkeypatch.setattr(device, "package", lambda gpus=gpus: Package("builtin", types.SimpleNamespace(gpus=gpus), False, ""))
        device._count.cache_clear()
        if isinstance(gpus, Raising):
            assert not ng.cuda.device_count()  # and no warning, which would fail here
        else:
            with pytest.warns(UserWarning, match="no longer kept up"):
                assert ng.cuda.device_count() == 1
    device._count.cache_clear()


def test_a_device_that_is_not_there():
    with pytest.raises(ng.DeviceError, match=f'device="cuda:7": there are no more than {ng.cuda.device_count()}'):
        ng.zeros(3, device="cuda:7")
    with pytest.raises(ng.ArgumentError, match="device='gpu' is no device"):
        ng.tensor([1.0], device="gpu")
    with pytest.raises(ng.ArgumentError, match="device='cpu' is no CUDA device"), ng.cuda.device("cpu"):
        pass


@pytest.mark.parametrize("name", ["cpu", "meta", None])
def test_what_only_a_gpu_has_is_asked_of_one(name):
    of = ng.cuda
    for call in (of.Stream, of.synchronize, of.device_name, of.capability, of.memory_info, of.empty_cache, of.reset_peak):
        with pytest.raises(ng.ArgumentError, match=f"device={name!r} is no CUDA device"):
            call(name)


def test_what_is_there_has_a_name():
    assert ng.cuda.is_available()
    assert ng.cuda.why_not() is None
    assert ng.cuda.device_count() >= 1
    assert ng.cuda.devices()[0] == "cuda:0"
    assert ng.cuda.device_name()
    assert len(ng.cuda.capability()) == 2
    with ng.cuda.device("cuda:0"):
        assert ng.zeros(1, device="cuda").device == "cuda:0"


def test_streams_are_left_again():
    with ng.cuda.Stream() as stream:
        assert device.stream() is stream.handle
        y = ng.tensor(np.arange(3.0), device="cuda") * 2.0
        stream.synchronize()
    assert device.stream() == 0
    ng.cuda.synchronize()
    np.testing.assert_array_equal(y.numpy(), [0.0, 2.0, 4.0])


class CudaAPIError(Exception):
    """What packages raise for a status of the driver."""


FAILED = {  # what the driver says -> the error, and what it says
    "[700] Call to cuCtxSynchronize results in CUDA_ERROR_ILLEGAL_ADDRESS": (ng.DeviceError, "a kernel failed: .* those on the host are not"),
    "CUDA_ERROR_LAUNCH_FAILED: an exception occurred on the device": (ng.DeviceError, "a kernel failed: "),
    "[700] Call to cuCtxSynchronize results in UNKNOWN_CUDA_ERROR": (ng.DeviceError, "a kernel failed: "),
    "[2] Call to cuModuleLoad results in CUDA_ERROR_OUT_OF_MEMORY": (ng.OutOfMemoryError, "the device has no memory left"),
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION: the provided PTX": (ng.DeviceError, "the driver is too old"),
    "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES": (ng.DeviceError, "the driver refuses: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"),
}


@pytest.mark.parametrize("text", FAILED)
def test_what_the_driver_says_is_one_error(text):
    kind, said = FAILED[text]
    with pytest.raises(kind, match=said) as caught, device.faults:
        raise CudaAPIError(text)
    assert len(str(caught.value).splitlines()) == 3
    assert caught.value.__suppress_context__
    with pytest.raises(kind, match=said), device.faults, device.faults:
        raise CudaAPIError(text)


def test_what_the_compiler_says_is_one_error():
    typing = type("TypingError", (Exception,), {"__module__": "numba.cuda.core.errors"})
    with pytest.raises(ng.KernelError, match="cannot be compiled for the device: Failed in cuda mode No impl") as caught, device.faults:
        raise typing("Failed in cuda mode\n\n  No implementation of function")
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(KeyError), device.faults:
        raise KeyError("x")


def test_a_new_thread_makes_the_device_known(monkeypatch):
    asked = []
    cuda = types.SimpleNamespace(gpus=[0], current_context=lambda: asked.append(threading.get_ident()))
    monkeypatch.setattr(device, "package", lambda: Package("numba-cuda", cuda, False, ""))
    device._count.cache_clear()

    def work():
        for _ in range(2):
            with device.select(0):
                pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert len(asked) == 2
