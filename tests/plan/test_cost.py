"""What works cost: products and convolutions by their shapes, formulas by their operations, loops by their turns."""

import math

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ops.table import table
from nbgrad.plan.calls import Ref, Stop, Work
from nbgrad.plan.cost import bytes_of, flops, loop_of, moved, operations, products, traffic
from nbgrad.plan.plan import Layout, Plan, packed

EMPTY = Plan((), (), "float32")


def work(name, reads, writes, dtype="float32"):
    refs = [tuple(Ref(i, packed(s, dtype)) for i, s in enumerate(shapes)) for shapes in (reads, writes)]
    return Work(EMPTY, *refs, (table[name],))


def works(f, *args):
    compiled = ng.compile(f)
    compiled(*args)
    waves = compiled.latest.program.schedule.waves
    return list({id(i.work): i.work for wave in waves for i in wave if not isinstance(i, Stop)}.values())


def test_products_are_two_operations_per_term():
    assert flops(work("matmul", [(2, 3, 5), (2, 5, 7)], [(2, 3, 7)])) == products(work("matmul", [(2, 3, 5), (2, 5, 7)], [(2, 3, 7)])) == 2 * 2 * 3 * 5 * 7
    assert flops(work("linear", [(4, 6), (3, 6), (3,)], [(4, 3)])) == 2 * 4 * 3 * 6


def test_the_three_forms_of_a_convolution_cost_the_same():
    x, w, y = (2, 4, 8, 8), (6, 4, 3, 3), (2, 6, 6, 6)
    expected = 2 * 2 * 6 * 36 * (4 * 9)
    assert flops(work("conv_output", [x, w], [y])) == expected
    assert flops(work("conv_biased", [x, w, (6,)], [y])) == expected
    assert flops(work("conv_input_grad", [y, w], [x])) == expected
    assert flops(work("conv_weight_grad", [x, y], [w])) == expected


def test_formulas_count_their_operations():
    assert [operations(table[n], "float32") for n in ("add", "copy", "where", "astype")] == [1, 0, 1, 0]
    assert 15 < operations(table["exp"], "float32") < operations(table["exp"], "float64") < 60
    assert operations(table["tanh"], "float32") > operations(table["exp"], "float32")
    for op in table.values():
        if op.kind == "elementwise":
            assert operations(op, "float64") >= 0


def test_reductions_read_each_element_once():
    assert flops(work("sum", [(10, 20)], [(10,)])) == 200


def test_bytes_count_an_element_that_is_repeated_once():
    repeated = Ref(0, Layout((100, 8), (0, 1), "float32"))
    out = Ref(1, packed((100, 8), "float32"))
    assert moved(Work(EMPTY, (repeated,), (out,), (table["copy"],))) == 8 * 4 + 800 * 4
    assert bytes_of(Layout((3, 4), (0, 1), "float64")) == 32


def test_a_fused_work_costs_what_its_calls_do():
    x = ng.tensor(np.ones((64, 8), "float32"))
    (only,) = works(lambda x: ng.tanh(x * 2.0) + x, x)
    assert flops(only) == 512 * (2 + operations(table["tanh"], "float32"))
    assert moved(only) == 2 * 512 * 4


def test_an_epilogue_is_added_to_its_product():
    x, w = ng.tensor(np.ones((64, 32), "float32")), ng.tensor(np.ones((32, 48), "float32"))
    found = works(lambda x, w: ng.relu(x @ w), x, w)
    assert sum(map(flops, found)) == 2 * 64 * 32 * 48 + 64 * 48 * operations(table["relu"], "float32")


def test_loops_cost_their_turns_and_whiles_are_not_known():
    x = ng.tensor(np.ones((16, 8), "float32"))
    w = ng.tensor(np.eye(8, dtype="float32"))
    step = lambda c, row: (c @ w + row, c)
    (loop,) = [k for k in works(lambda x: ng.scan(step, ng.zeros(8, "float32"), x)[0], x) if loop_of(k)]
    assert traffic(loop) > 16 * 4 * 8 * 8
    assert flops(loop) >= 16 * (2 * 8 * 8 + 8)
    found = works(lambda x: ng.while_loop(lambda c: (c.sum() < 100.0), lambda c: c * 2.0, x), x)
    assert any(math.isnan(flops(k)) for k in found)
    again = lambda x: ng.scan(step, ng.zeros(8, "float32"), x, checkpoint=True)[0].sum()
    (back,) = [k for k in works(ng.grad(again), x) if k.ops[0].name == "scan_back"]
    assert loop_of(back) is not None
    assert math.isnan(flops(back))


@pytest.mark.parametrize("name", ["softmax", "take_rows", "order"])
def test_other_rows_have_a_cost(name):
    shapes = {"take_rows": [(5, 4), (3,)]}.get(name, [(5, 4)])
    assert flops(work(name, shapes, [(5, 4)])) >= 0


def test_what_functions_of_the_user_compute_is_not_known():
    @ng.op
    @njit
    def halved(x):
        return x * 0.5

    (called,) = [w for w in works(lambda x: halved(x * 2.0), ng.ones(8)) if w.ops[0].kind == "custom"]
    assert math.isnan(flops(called)) and traffic(called) >= 2 * 64
