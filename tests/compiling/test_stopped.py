"""Runs that end early say what was found, where it lies: in arguments, the arena, constants and loops, on each target."""

import numpy as np
import pytest

import nbgrad as ng

LABELS = np.array([0, 2, 9, 1])
X = np.linspace(0.0, 1.0, 12).reshape(4, 3)
CASES = {
    "an argument": lambda x, labels: ng.cross_entropy(x, labels),
    "a view of it": lambda x, labels: ng.cross_entropy(x, labels[::-1]),
    "what was made of it": lambda x, labels: ng.cross_entropy(x * 2.0, labels + 0),
    "a constant": lambda x, labels: ng.cross_entropy(x, LABELS),
    "a turn's row": lambda x, labels: ng.scan(lambda c, row: (c + ng.take(row[0], row[1], 0), None), 0.0, (x, labels))[0],
    "what a turn carries": lambda x, labels: ng.fori_loop(0, 4, lambda i, c: ng.take(x[0], c, 0).astype("int64") + i + c, ng.tensor(0, device=x.device)),
}  # fmt: skip


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)])
@pytest.mark.parametrize("name", CASES)
def test_the_same_is_raised_as_op_by_op(name, device):
    x, labels = ng.tensor(X, device=device), ng.tensor(LABELS, device=device)
    with pytest.raises(ng.IndexRangeError) as eager:
        CASES[name](x, labels)
    f = ng.compile(CASES[name])
    for _ in range(2):
        with pytest.raises(ng.IndexRangeError) as found:
            f(x, labels).numpy()  # a device is heard of when its numbers are asked for
        assert str(found.value).splitlines()[0].partition(": ")[2] == str(eager.value).splitlines()[0].partition(": ")[2]
        assert len(str(found.value).splitlines()) == 3
