"""The warm-up: its tasks run, they cover the table, and programs find what they need afterwards."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import warmup
from nbgrad.docs import rows

ROOT = Path(__file__).parent.parent
NOTE = """
import collections, json, sys
from nbgrad import warmup
from nbgrad.target.cpu.wanted import wanted_kernels
tasks = {tasks}
failed = []
wanted = wanted_kernels(lambda: failed.extend(i for i, task in enumerate(tasks) if not warmup._attempt(task)))
print(json.dumps([failed, [name for text, name in wanted.kernels], "numba" in sys.modules]))
"""
FIRST = """
import numpy as np, sys
import nbgrad as ng
from nbgrad.target.cpu.load import cache_info
before = cache_info()
rng = np.random.default_rng(0)
x, y = ng.tensor(rng.random((64, 64), dtype=np.float32)), ng.tensor(rng.integers(0, 10, 64))
model = ng.nn.Sequential(ng.nn.Linear(64, 256), ng.relu, ng.nn.Linear(256, 128), ng.relu, ng.nn.Linear(128, 10))
optimizer = ng.optim.Adam(model)
loss = ng.cross_entropy(model(x), y)
loss.backward()
optimizer.step()
assert float(loss.item()) > 0
assert cache_info().compiled == 0, "compiled something new"
assert "numba" not in sys.modules, "Numba was imported"
"""


def python(*args, **environ):
    return subprocess.run([sys.executable, *args], env={**os.environ, **environ}, cwd=ROOT, capture_output=True, text=True, timeout=900)


def noted(tasks, folder):
    """Return which tasks failed, names of the kernels that are wanted, and whether Numba was imported, in a new process."""
    import json

    done = python("-c", NOTE.format(tasks=tasks), NBGRAD_CACHE_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_models_run_and_nothing_is_compiled(tmp_path):
    failed, names, numba = noted("list(warmup.models())", tmp_path)
    assert failed == []
    assert not numba
    assert len(names) > 50
    for wanted in ("map_relu_float32", "map_tanh_g_x_float32"):
        assert wanted in names
    assert not [f for f in tmp_path.iterdir() if f.name.startswith("map_")]


def test_the_table_is_covered(tmp_path):
    failed, names, _ = noted("list(warmup.table())", tmp_path)
    elementwise = rows()["elementwise"]
    of_floats = [op.name for op in elementwise if any(f"map_{op.name}_float32" in n for n in names)]
    assert len(of_floats) > 0.9 * len(elementwise)
    assert len(failed) < 0.15 * len(list(warmup.table()))  # rows of integers alone


def test_an_attempt_says_whether_it_worked():
    assert warmup._attempt(lambda: None)
    assert not warmup._attempt(lambda: ng.reshape(ng.ones(3), (2,)))
    assert not warmup._attempt(lambda: 1 / 0)


def test_a_task_of_the_table_takes_gradients():
    leaf = warmup.array(3, 2)
    warmup.backward(ng.tanh, leaf)
    np.testing.assert_allclose(leaf.grad.numpy(), 2 - 2 * np.tanh(0.5) ** 2 * np.ones((3, 2)), rtol=1e-5)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    done = python("-W", "ignore", "-m", "nbgrad", "warmup", "--quick", NBGRAD_CACHE_DIR=str(tmp_path / "file"))
    assert done.returncode == 1
    assert f"FileError: warmup: kernels cannot be kept in {tmp_path / 'file'}\n" in done.stderr


@pytest.mark.slow
def test_after_a_warm_up_nothing_is_compiled(tmp_path):
    first, second = (python("-m", "nbgrad", "warmup", "--quick", NBGRAD_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr
    assert int(first.stdout.split()[0]) > 50
    assert first.stdout.split()[1:3] == ["kernels", "compiled,"]
    assert second.stdout.startswith("0 kernels compiled, ")
    done = python("-c", FIRST, NBGRAD_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_eight_processes_fill_an_empty_cache_together(tmp_path):
    text = FIRST.split("assert cache_info()")[0]
    environ = {**os.environ, "NBGRAD_CACHE_DIR": str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", text], env=environ, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    for process in processes:
        error = process.communicate(timeout=900)[1]
        assert process.returncode == 0, error
    assert not list(tmp_path.glob("*.tmp"))
    done = python("-c", FIRST, NBGRAD_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
