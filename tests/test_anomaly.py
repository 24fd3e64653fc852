"""NaN is found where it is made."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import AnomalyError


def test_forward_nan_names_op_and_line():
    with ng.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        ng.log(ng.tensor([1.0, -1.0]))
    what, where, _ = str(caught.value).splitlines()
    assert "log made NaN" in what
    assert "[-1, 1]" in what
    assert "test_anomaly.py" in where


def test_backward_nan_names_op_argument_and_recorded_line():
    x = ng.tensor([0.5], requires_grad=True)
    bad = ng.op(lambda x: x * 1.0, backward=lambda g, x: g * np.nan, name="bad")
    y = bad(x)
    with (
        ng.detect_anomaly(),
        pytest.raises(AnomalyError, match="backward of bad made NaN in the gradient of x") as caught,
    ):
        y.sum().backward()
    assert "test_anomaly.py" in str(caught.value)


def test_old_nans_are_not_blamed_on_later_ops():
    with ng.detect_anomaly():
        assert np.isnan((ng.tensor([np.nan]) * 2.0).item())
