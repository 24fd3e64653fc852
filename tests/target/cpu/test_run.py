"""The runner: names, sources, launches kept per layout."""


import numpy as np

import nbgrad as ng
from nbgrad.ops.table import table
from nbgrad.plan.plan import Plan, packed
from nbgrad.plan.reducing import plan_reduce
from nbgrad.target.cpu import run
from nbgrad.target.cpu.run import Launch
from nbgrad.target.launch import layout


def test_one_launch_per_layout():
    a = np.ones((3, 4), "float32")
    first = run.map_launch(table["exp"], (a,), (3, 4), a.dtype)
    assert run.map_launch(table["exp"], (a + 1,), (3, 4), a.dtype) is first
    assert run.map_launch(table["exp"], (a.T,), (4, 3), a.dtype) is not first


def test_an_output_may_be_given_and_strided(rng):
    a, out = rng.standard_normal((4, 3)), np.zeros((4, 6))
    run.run_map(table["exp"], (a,), (4, 3), a.dtype, out=out[:, ::2])
    np.testing.assert_allclose(out[:, ::2], np.exp(a), rtol=1e-14)
    assert not out[:, 1::2].any()


def test_a_plan_of_several_steps_finds_its_buffers(rng):
    a = rng.standard_normal((3, 5))
    mean = Launch(plan_reduce(table["mean"], layout(a), (1,), packed((3,), "float64"), "float64"), 1)
    assert mean.plain
    np.testing.assert_allclose(mean((a,)), a.mean(1), rtol=1e-15)
    out = np.zeros(3)
    assert mean((a,), out) is out
    np.testing.assert_allclose(out, a.mean(1), rtol=1e-15)


def test_an_output_that_must_be_zero_is_zero():
    launch = Launch(Plan((), (2, 3), "float32", zero=True), 0)
    out = launch(())
    assert out.dtype == "float32"
    np.testing.assert_array_equal(out, np.zeros((2, 3)))


def test_inputs_that_a_planner_wants_row_major_are_copied(rng):
    values, index = rng.standard_normal((6, 4))[::2, ::-1], np.array([2, 0, 2])
    want = np.zeros((3, 4))
    np.add.at(want, index, values)
    np.testing.assert_array_equal(ng.segment_sum(values, index, 3).numpy(), want)
    np.testing.assert_array_equal(run.copy(values), values)
    assert run.copy(values).flags.c_contiguous


def test_rows_of_a_program_are_not_planned_alone():
    before = len(run.CPU.known)
    step = ng.compile(lambda x: (ng.exp(x) * 3.0 + x) / 7.0)
    np.testing.assert_allclose(step(np.ones(977)).numpy(), (3.0 * np.e + 1.0) / 7.0)
    assert len(run.CPU.known) == before
