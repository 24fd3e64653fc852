"""What Python sees of tensors: numbers, arrays of NumPy, text, pictures; nothing of it loses a history in silence."""

import math

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, GradientError, ShapeError


def test_numbers_of_python():
    x = ng.tensor([[2.5]])
    assert (float(x), int(x), bool(x), complex(x)) == (2.5, 2, True, 2.5 + 0j)
    assert x.item() == 2.5
    assert ng.tensor([1, 2, 3]).item(1) == 2
    assert [10, 20, 30][ng.tensor(1)] == 20
    assert ng.tensor([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert not ng.tensor(0.0)


@pytest.mark.parametrize("kind", [float, int, bool, complex])
def test_several_elements_are_no_number(kind):
    with pytest.raises(ShapeError, match=rf"{kind.__name__}\(\) of a tensor of shape \(2,\)"):
        kind(ng.tensor([1.0, 2.0]))


def test_float_inside_of_a_gradient_would_lose_it():
    with pytest.raises(GradientError, match="its gradient would be lost"):
        ng.grad(lambda x: x * math.sin(x))(1.0)
    assert ng.grad(lambda x: x * math.sin(x.item()))(1.0).item() == math.sin(1.0)


def test_arrays_share_memory():
    x = ng.tensor(np.arange(3.0))
    assert x.numpy() is x.data
    assert np.asarray(x) is x.data
    assert np.array(x) is not x.data
    assert np.asarray(x, "float32").dtype == np.float32
    assert np.from_dlpack(x).ctypes.data == x.data.ctypes.data


def test_arrays_of_tensors_with_history_are_refused():
    y = ng.tensor([1.0, 2.0], requires_grad=True) * 2.0
    with pytest.raises(GradientError, match="history"):
        np.asarray(y)
    with ng.no_grad():
        assert np.asarray(y).tolist() == [2.0, 4.0]
    assert np.asarray(y.detach()).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("look", [float, int, bool, complex, lambda x: x.item(), lambda x: x.tolist(), lambda x: x.numpy(), np.asarray, lambda x: [1][x]])
def test_values_of_a_recorded_program_are_not_known(look):
    for f in (lambda x: look(x * 0.0), lambda x: look((x * 0.0).astype("int64"))):
        with pytest.raises(ArgumentError, match="not known while the program is recorded"):
            ng.compile(f)(ng.tensor(1.0))


def test_text():
    assert repr(ng.tensor([1.0, 2.0])) == "tensor([1., 2.])"
    assert repr(ng.tensor(3)) == "tensor(3)"
    assert repr(ng.tensor([1.0], dtype="float32")) == "tensor([1.], dtype=float32)"
    x = ng.tensor([1.0], requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)"
    assert repr(x * 2.0) == "tensor([2.], made by mul)"
    assert len(repr(ng.zeros((1000, 1000)))) < 2000


def test_format():
    assert f"{ng.tensor(1.23456):.2f}" == "1.23"
    assert f"{ng.tensor([7]):04d}" == "0007"
    assert f"{ng.tensor([1.0, 2.0])}" == "tensor([1., 2.])"
    assert f"{ng.tensor(2.0)}" == "tensor(2.)"
    assert f"{ng.tensor([1.0, 2.0]):.2f}" == "tensor([1., 2.])"


def test_a_table_in_a_notebook():
    x = ng.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    shown = x._repr_html_()
    assert shown.count("<tr>") == 2
    assert shown.count("<td>") == 6
    assert "float64[2, 3], requires_grad" in shown
    assert "made by <b>mul</b>" in (x * 2.0)._repr_html_()
    large = ng.zeros((100, 100))._repr_html_()
    assert large.count("<tr>") == 9 and "…" in large
    assert "<pre>" in ng.zeros((2, 2, 2))._repr_html_()
    assert "<td>True</td>" in ng.tensor([True, False])._repr_html_()


def test_a_recorded_value_shows_what_is_known(capsys):
    def f(x):
        print(x, x._repr_html_())
        return x * 2.0

    ng.compile(f)(ng.tensor([1.0]))
    assert capsys.readouterr().out == "tensor(recorded float64[1]) tensor(recorded float64[1])\n"
