"""What is asked of a driver when kernels are not simulated: a driver that pretends stands for one, and writes it down."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cuda
WORK = """
import ctypes, os, threading
import numpy as np
import nbgrad as ng
from nbgrad.target.cuda import space
from nbgrad.target.cuda.graph import driver

def part(name):
    with open(os.environ["PRETENDED_NOTES"], "a") as notes:
        print(f"# {name}", file=notes)

x = ng.tensor(np.arange(40.0, dtype="float32"), device="cuda")
np.testing.assert_array_equal(x.numpy(), np.arange(40.0))
f = ng.compile(lambda x: (x * 2.0, ng.flip(x, 0), ng.matmul(x, x)))
part("run")
f(x)
part("again")
for _ in range(4):  # results may lie elsewhere at every other call
    f(x)
part("stream")
with ng.cuda.Stream() as stream:
    for _ in range(4):
        f(x)
part("default")
f(x)
part("thread")
failed = []
def work():
    try:
        f(x), (x * 2.0).numpy()
    except Exception as error:
        failed.append(error)
thread = threading.Thread(target=work)
thread.start()
thread.join()
assert not failed, failed
part("given back")
del f
assert ng.cuda.empty_cache() > 0
part("loop")
loop = ng.compile(lambda x: (ng.scan(lambda c, r: (ng.tanh(c * r), c), x[0], x.reshape(8, 5).sum(1))[1] * 2.0).sum())
for _ in range(3):
    loop(x)
part("checks")
taken, index = ng.compile(lambda x, i: ng.take(x, i, 0) * 2.0), ng.tensor([1, 2], device="cuda")
for _ in range(40):
    taken(x, index)
part("heard of")
x.numpy()
part("long loop")
space.MOST = 99
ng.compile(lambda x: ng.scan(lambda c, r: (ng.flip(c, 0) * r, None), x[:3], ng.concatenate([x, x, x], 0))[0])(x)
part("while")  # where no kernel writes it, new memory says that a condition does not hold
repeat = ng.compile(lambda x: ng.grad(lambda y: ng.while_loop(lambda c: c.sum() < 5.0, lambda c: c + 1.0, y).sum())(x))
for _ in range(3):
    repeat(x)
part("fault")
ctypes.CDLL("libcuda.so.1").pretended_fault(700)
g = ng.compile(lambda x: -x)
for work in (lambda: x * 2.0, x.numpy, lambda: ng.tensor([1.0], device="cuda"), ng.cuda.synchronize, lambda: g(x)):
    try:
        work()
    except ng.DeviceError as error:
        assert "a kernel failed" in str(error) and len(str(error).splitlines()) == 3, error
    else:
        raise AssertionError("no error")
assert (ng.tensor([1.0]) * 2.0).item() == 2.0
print("graphs" if driver() else "launches")
"""


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="needs a compiler of C")
def test_programs_in_streams_threads_and_after_a_fault(tmp_path):
    code, notes = Path(__file__).with_name("pretended_driver.c"), tmp_path / "notes"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-w", "-o", tmp_path / "libcuda.so.1", code, "-ldl"], check=True)
    (tmp_path / "libcuda.so").symlink_to(tmp_path / "libcuda.so.1")
    space = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "PRETENDED_NOTES": str(notes), "NUMBA_ENABLE_CUDASIM": "0"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", WORK], env=space, capture_output=True, text=True)
    if done.returncode and "nvvm" in done.stderr.lower():
        pytest.skip("needs NVIDIA's compiler of kernels")
    assert done.returncode == 0, done.stderr[-3000:]
    found, part = {}, None
    for line in notes.read_text().splitlines():
        if line.startswith("# "):
            part = found[line[2:]] = []
        elif part is not None:
            part.append(line)
    assert not [line for lines in found.values() for line in lines if line.startswith("no context")]
    assert set(found["run"]) == {"launch on default"}
    if done.stdout.strip() == "graphs":
        assert found["again"].index("stream aside") < found["again"].index("capture") < found["again"].index("launch on capture")
        assert found["again"][-1] == "graph on default"
        assert found["stream"][-1] == "graph on stream"
        assert found["default"] == ["wait for stream", "graph on default"]
        assert found["loop"].count("capture") == 1  # of all turns
        assert found["loop"].count("launch on default") == found["loop"].count("launch on capture") > 2 * 8
        assert found["loop"][-2:] == ["graph on default"] * 2
        assert "capture" in found["while"]
        assert found["checks"].count("graph on default") >= 30
        assert "wait for default" not in found["checks"]
        assert found["long loop"].count("graph on default") == 2 + 23  # of 120 turns 32 three times, the first not, and one by one
    assert "wait for default" in found["stream"]
    assert "wait for stream" in found["default"]
    assert "free" in found["given back"]
    assert found["while"].count("copy") == 2 * 3  # the first carry to its store, and the last from there
