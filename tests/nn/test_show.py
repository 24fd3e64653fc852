import nbgrad as ng
from nbgrad import nn


def test_the_printout_is_a_tree():
    model = nn.Sequential(nn.Linear(3, 2), ng.relu, nn.Sequential(nn.BatchNorm(2), nn.Flatten()))
    assert repr(model).splitlines() == [
        "Sequential()  [12 parameters]",
        "  layers.0: Linear(3, 2)  weight (2, 3)  bias (2,)  [8 parameters]",
        "  layers.1: relu",
        "  layers.2: Sequential()  [4 parameters]",
        "    layers.0: BatchNorm(2, momentum=0.1, eps=1e-05)  weight (2,)  bias (2,)"
        "  running_mean (2,)  running_var (2,)"
        "  [4 parameters]",
        "    layers.1: Flatten()",
    ]


def test_functions_that_are_attributes_are_not_layers():
    class Net(nn.Module):
        def __init__(self):
            self.activation = ng.relu
            self.parts = {"first": nn.Linear(1, 1, bias=False), "then": [ng.tanh]}

    assert repr(Net()).splitlines() == [
        "Net()  [1 parameter]",
        "  parts.first: Linear(1, 1)  weight (1, 1)  [1 parameter]",
        "  parts.then.0: tanh",
    ]
