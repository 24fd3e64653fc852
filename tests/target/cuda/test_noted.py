"""The device that is nowhere: kernels are noted, arrays are there by shape and dtype."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cuda.noted import noted_kernels

pytestmark = pytest.mark.cuda


def test_kernels_are_noted_in_order_and_once():
    x = ng.tensor(np.ones((3, 4), "float32")).to("meta")
    made = []
    kernels = noted_kernels(lambda: made.extend([ng.softmax(x * 2.0), ng.softmax(x * 3.0)]))
    assert [(k.loop, k.dtypes[0]) for k in kernels] == [("map", "float32"), ("softmax_lines", "float32")]
    assert made[0].device == "meta"
    assert (made[0].shape, made[0].dtype) == ((3, 4), np.float32)
    assert not made[0].numpy().any()


def test_each_piece_of_work_has_its_own():
    x = ng.tensor([1.0, 2.0]).to("meta")
    assert len(noted_kernels(lambda: ng.exp(x))) == 1
    assert noted_kernels(lambda: None) == []


def test_gradients_and_views_are_noted_too():
    w = ng.tensor(np.ones((4, 2))).to("meta").detach()
    w.requires_grad = True
    kernels = noted_kernels(lambda: ng.tanh(w.T.reshape(8)).sum().backward())
    assert len([k for k in kernels if k.loop == "map"]) >= 3  # a copy, tanh, and its derivative
    assert w.grad.device == "meta"


def test_what_lies_elsewhere_is_refused():
    with pytest.raises(ng.DeviceError, match=r"y\.to\("):
        ng.tensor([1.0]).to("meta") + ng.tensor([1.0], device="cuda")
