"""The benchmarks on a GPU: each case runs, in the simulator and of tiny sizes; without a GPU they say so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cuda import __main__ as command
from benchmarks.cuda import place, steps, worker
from benchmarks.outcome import Outcome
from benchmarks.report import Row

pytestmark = pytest.mark.cuda
ROOT = Path(__file__).parent.parent.parent


def run(*args, **environ):
    asked = [sys.executable, "-m", "benchmarks.cuda", *args]
    return subprocess.run(asked, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


def test_every_case_runs_in_the_simulator():
    done = run("--simulate")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line[:32].strip() for line in lines] == [case.name for case in worker.CASES]
    assert all(line.endswith(" runs") for line in lines), done.stdout


def test_without_a_gpu_it_says_so_and_goes():
    done = run(NUMBA_ENABLE_CUDASIM="1")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1), done.stderr
    assert done.stdout.startswith("nothing is measured: there is no GPU (")


def test_the_command_line(capsys):
    assert command.main(["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [case.name for case in worker.CASES]
    assert command.main(["--only", "no such case"]) == 2
    assert "see --list" in capsys.readouterr().err


def test_a_worker_measures_and_reads_results(tmp_path):
    bench = worker.DeviceBench("numpy", 0)
    assert bench.start() == {}
    name = "kernels/gather"
    case = worker.find(name)
    bench.find = lambda _: case.__class__(name, lambda: {"x": np.ones((3, 2)), "index": np.array([0, 2])}, case.sides, truth="numpy")
    bench.open(name, "numpy", True, str(tmp_path / "found.npz"))
    assert bench.warm("numpy", 0.0, 0.0) == {"calls": 1}
    assert bench.measure("numpy", 1)["seconds"][0] > 0.0
    assert bench.close("numpy") == {}
    with np.load(tmp_path / "found.npz") as found:
        assert found["arr_0"].shape == (2, 2)


def test_times_are_those_of_all_calls_and_the_wait_behind_them():
    calls = []
    assert place.timed("numpy", lambda: calls.append(1), 5) > 0.0
    assert len(calls) == 5
    assert place.timed("memory", lambda: None, 2) > 0.0  # the simulator has no events


def test_goals_speak_of_cases_that_are_there(tmp_path):
    names = [case.name for case in worker.CASES]
    for goal in command.GOALS:
        assert any(command.goals.wanted(goal, name) for name in names), goal.name
    assert {case.truth for case in steps.CASES} == {steps.TRUTH}
    rows = [Row(worker.find("kernels/add"), {s: Outcome(s, {0: [t]}) for s, t in (("nbgrad", 2.0), ("memory", 1.9))})]
    args = command.options(["--only", "kernels/add", "--out", str(tmp_path)])
    path, _ = command.store(args, rows, {"gpu": "NVIDIA H100 80GB HBM3", "versions": {}}, command.Plan())
    assert path == tmp_path / "cuda-nvidia-h100-80gb-hbm3-kernels-add.json"
    kept = json.loads(path.read_text())
    assert kept["figures"][0]["met"] and kept["figures"][0]["reached"] == 0.95
