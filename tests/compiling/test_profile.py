"""Profiles: each kernel once, times that add up, counts that are those of the plan, traces that Chrome reads."""

import json
import math

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.compiling.explain import entries
from nbgrad.compiling.profile import time_text
from nbgrad.ops.table import table
from nbgrad.plan.cost import operations
from nbgrad.target.cpu.program import Program


def array(*shape):
    return ng.tensor(np.linspace(-1.0, 1.0, int(np.prod(shape)), dtype="float32").reshape(shape))


def test_a_row_for_each_kernel_with_what_it_moves_and_computes():
    w = array(32, 48)
    f = ng.compile(lambda x: (ng.relu(x @ w), ng.exp(x)))
    found = ng.profile(f, array(64, 32), repeats=5)
    rows = {r.rows: r for r in found.rows}
    assert set(rows) == {"matmul, relu", "exp"}
    product, exp = rows["matmul, relu"], rows["exp"]
    assert product.bytes == 4 * (64 * 32 + 32 * 48 + 64 * 48)
    assert product.flops == 2 * 64 * 32 * 48 + 64 * 48 * operations(table["relu"], "float32")
    assert exp.bytes == 2 * 4 * 64 * 32
    assert sum(r.share for r in found.rows) == pytest.approx(1.0)
    assert sum(r.seconds for r in found.rows) == pytest.approx(found.seconds, rel=0.9)
    assert all(0 < r.peak < math.inf and r.limit in ("arithmetic", "memory") for r in found.rows)
    assert found.repeats == 5
    assert found.python > 0
    assert [r.number for r in found.rows] == [e.number for e in entries(f.latest.program.schedule, "k") if not e.part]


def test_the_function_runs_as_often_as_is_said_and_is_left_as_it_was():
    x, count = array(4), ng.tensor(np.zeros(1))

    @ng.compile
    def f(x):
        count[...] = count + 1.0
        return ng.exp(x)

    ng.profile(f, x, repeats=7)
    assert count.item() == 8
    assert type(f.latest.program) is Program
    f(x)
    assert count.item() == 9
    assert len(f.runs) == 1


def test_the_longest_kernel_comes_first_in_the_table():
    found = ng.profile(lambda x: (x.sum(0), ng.exp(x @ x)), array(200, 200), repeats=5)
    lines = str(found).splitlines()
    assert lines[0].startswith("<lambda>: ")
    assert "median of 5 calls" in lines[0]
    assert lines[2].split() == ["kernel", "time", "share", "bytes", "GB/s", "flops", "GFLOP/s", "of", "peak"]
    assert lines[3].split()[0] == max(found.rows, key=lambda r: r.seconds).number
    assert len(lines) == 3 + len(found.rows)
    assert repr(found) == str(found)


def test_a_notebook_shows_a_table():
    text = ng.profile(lambda x: ng.exp(x).sum(), array(10, 10), repeats=2)._repr_html_()
    assert text.count("<tr>") == 3 or text.count("<tr>") == 2
    assert "&lt;lambda&gt;" in text
    assert "<lambda>" not in text


def test_the_trace_is_what_chrome_reads(tmp_path):
    found = ng.profile(lambda x: (ng.exp(x), x.sum(0), x @ x), array(100, 100), repeats=3)
    found.trace(tmp_path / "trace.json")
    read = json.loads((tmp_path / "trace.json").read_text())
    spans = [e for e in read["traceEvents"] if e["ph"] == "X"]
    assert all(set(e) >= {"name", "cat", "pid", "tid", "ts", "dur"} for e in spans)
    launches = [e for e in spans if e["cat"] != "wave"]
    assert all(a["ts"] + a["dur"] == pytest.approx(b["ts"]) for a, b in zip(launches, launches[1:]))
    assert sum(e["args"]["flops"] for e in launches) >= sum(r.flops for r in found.rows) > 2e6
    assert [p.name for p in tmp_path.iterdir()] == ["trace.json"]
    assert any(e["cat"] == "wave" for e in spans)


def test_a_trace_that_cannot_be_written_is_an_error(tmp_path):
    found = ng.profile(lambda x: ng.exp(x), array(10), repeats=1)
    with pytest.raises(ng.FileError, match="trace"):
        found.trace(tmp_path / "no" / "trace.json")


def test_loops_are_counted_by_their_turns_where_these_are_known():
    scanned = ng.profile(lambda x: ng.scan(lambda c, row: (ng.tanh(c + row), c), ng.zeros(8, "float32"), x)[0], array(20, 8), repeats=2)
    row = next(r for r in scanned.rows if r.rows == "scan")
    assert row.flops >= 20 * 8 * 20
    until = ng.profile(lambda x: ng.while_loop(lambda c: c.sum() < 100.0, lambda c: c + 1.0, x), array(3), repeats=2)
    row = next(r for r in until.rows if r.rows == "while_loop")
    assert math.isnan(row.flops)
    assert "?" in str(until)


def test_a_step_of_training_is_profiled_as_it_trains(tmp_path):
    model = ng.nn.Sequential(ng.nn.Linear(8, 16), ng.relu, ng.nn.Linear(16, 3))
    optimizer = ng.optim.Adam(model, lr=1e-2)

    def step(x, y):
        loss = ng.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    x, y = array(16, 8), ng.tensor(np.arange(16) % 3)
    first = step(x, y).item()
    found = ng.profile(step, x, y, repeats=20)
    assert found.name == "step"
    assert step(x, y).item() < first
    assert optimizer.count >= 22
    found.trace(tmp_path / "trace.json")
    assert "stop" in (tmp_path / "trace.json").read_text()


def test_methods_are_profiled_with_their_object():
    class Model:
        def __init__(self):
            self.w = ng.tensor(np.full(3, 2.0))

        @ng.compile
        def step(self, x):
            return x * self.w

    assert [r.rows for r in ng.profile(Model().step, ng.ones(3), repeats=2).rows] == ["mul"]


@pytest.mark.parametrize("repeats", [0, -1, 2.5, True])
def test_repeats_are_a_whole_number(repeats):
    with pytest.raises(ng.ArgumentError, match="repeats"):
        ng.profile(lambda x: x * 2.0, ng.ones(3), repeats=repeats)


def test_a_function_that_computes_nothing_has_no_rows():
    found = ng.profile(lambda x: x, ng.ones(3), repeats=2)
    assert found.rows == []
    assert "0 kernels" in str(found)


def test_times_have_units():
    assert [time_text(t) for t in (0, 9e-10, 1e-6, 0.001, 1.0)] == ["0 ns", "1 ns", "1.0 us", "1.0 ms", "1.00 s"]
