"""Names of what a record reads and writes: parameters, what a function closes over, globals, objects in objects."""

import functools
from dataclasses import dataclass

import numpy as np

import nbgrad as ng
from nbgrad.compiling.naming import Names, named, size_text

SCALE = ng.tensor(np.full(3, 2.0))


def names(f, *args, **kwargs):
    return Names(ng.compile(f).record(*args, **kwargs))


def all_names(found):
    return set(found._names.values())


def test_sizes_have_units():
    assert [size_text(n) for n in (0, 1023, 1024, 3 << 19, 5 << 30, 5 << 40)] == ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 MiB", "5.0 GiB", "5120.0 GiB"]


def test_arguments_are_named_by_parameters_and_places_in_them():
    x = ng.ones(3)
    found = names(lambda x, p, *more, scale: x * p["a"][1] + more[0] + scale, x, {"a": [ng.ones(3), ng.ones(3)]}, ng.ones(3), scale=ng.ones(3))
    assert found.signature == [f"{n}: float64[3]" for n in ("x", "p.a.0", "p.a.1", "more.0", "scale")]
    assert {"x", "p.a.1", "more.0", "scale", "result"} <= all_names(found)


def test_results_are_numbered_when_there_are_several():
    assert {"result 0", "result 1"} <= all_names(names(lambda x: (x + 1.0, x * 2.0), ng.ones(3)))


def test_what_a_function_reads_is_named_as_it_says():
    inner = ng.tensor(np.ones(3))

    @dataclass
    class Box:
        deep: list

    box = Box([{"w": ng.tensor(np.ones(3))}])
    found = all_names(names(lambda x, bias=SCALE: x * inner + SCALE + box.deep[0]["w"] + bias, ng.ones(3)))
    assert {"inner", "SCALE", "box.deep.0.w"} <= found


def test_methods_and_partials_are_searched():
    class Model:
        def __init__(self):
            self.w = ng.tensor(np.ones(3))

        def step(self, x):
            return x * self.w

    assert "self.w" in named(Model().step).values()
    assert named(functools.partial(lambda x, y: x * y, SCALE)) is not None


def test_cells_that_are_not_filled_yet_are_passed():
    def f():
        return later

    assert named(f) == {}
    later = 1


def test_gradients_are_named_after_leaves():
    w = ng.tensor(np.ones(3), requires_grad=True)

    def f(x):
        w.grad = None
        (x * w).sum().backward()

    assert "w.grad" in all_names(names(f, ng.ones(3)))
