"""A run comes back as it was; killed, short of disk or damaged, there is a usable checkpoint or a clear error."""

import hashlib
import json
import os
import random as python_random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbgrad.io
from nbgrad.base.errors import ArgumentError, DtypeError, FileError
from nbgrad.io import latest_checkpoint, load_checkpoint, load_tensors, save_checkpoint
from nbgrad.io.folder import ARRAYS, STATE
from nbgrad.io.state import digest
from nbgrad.io.tensors import tensor_chunks

fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Model:
    """The interface of a model, with nothing checked: what is wrong must be noticed before it gets here."""

    def __init__(self, value=0.0, **more):
        self.arrays = {"layers.0.weight": np.full((2, 3), value, np.float32), "bias": np.full(3, value), **more}
        self.refuses = None

    def state(self):
        return self.arrays

    def load_state(self, state):
        if self.refuses is not None:
            error, self.refuses = self.refuses, None
            raise error
        self.arrays = dict(state)


class Optimizer(Model):
    """The interface of an optimizer."""

    def __init__(self, value=0.0, steps=0):
        super().__init__(value)
        self.scalars = {"step": steps}

    def state(self):
        return {"arrays": self.arrays, "scalars": self.scalars}

    def load_state(self, state):
        super().load_state(state["arrays"])
        self.scalars = dict(state["scalars"])


class Random:
    """The interface of nbgrad.random."""

    def __init__(self, seed=0):
        self.dict = {"seed": seed, "counter": 2**63}

    def get_state(self):
        return dict(self.dict)

    def set_state(self, state):
        self.dict = dict(state)


def look(*parts):
    """Return everything in models, optimizers and random numbers, comparable with ==."""
    arrays = [{n: (a.dtype, a.shape, a.tobytes()) for n, a in p.arrays.items()} for p in parts if isinstance(p, Model)]
    scalars = [p.scalars for p in parts if isinstance(p, Optimizer)]
    return arrays, scalars, [p.dict for p in parts if isinstance(p, Random)]


def saved(folder, value=1.0, **more):
    own = dict(model=Model(value), optimizer=Optimizer(value, 7), random=Random(5), epoch=2, step=7, extra={"a": [0.1]})
    return save_checkpoint(folder, **{**own, **more})


def names(folder):
    return sorted(os.listdir(folder))


def refused(path, said, **parts):
    """Check that a checkpoint is refused in three lines and nothing is changed."""
    before = look(*parts.values())
    with pytest.raises(FileError, match=said) as e:
        load_checkpoint(path, **parts)
    assert look(*parts.values()) == before
    lines = str(e.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("load_checkpoint('")
    assert "test_checkpoint.py" in lines[1]
    return lines[2]


def test_everything_comes_back(tmp_path):
    path = saved(tmp_path / "run")
    parts = Model(), Optimizer(), Random()
    found = load_checkpoint(tmp_path / "run", *parts)
    assert look(*parts) == look(Model(1.0), Optimizer(1.0, 7), Random(5))
    assert found == (path, 2, 7, {"seed": 5, "counter": 2**63}, {"a": [0.1]})
    assert latest_checkpoint(tmp_path / "run") == path


def test_parts_may_be_left_out(tmp_path):
    saved(tmp_path)
    model = Model()
    load_checkpoint(tmp_path, model=model)
    assert look(model) == look(Model(1.0))
    assert load_checkpoint(tmp_path).step == 7


def test_random_may_be_a_dict(tmp_path):
    save_checkpoint(tmp_path, random={"seed": 3})
    assert load_checkpoint(tmp_path).random == {"seed": 3}


def test_the_latest_is_found_and_others_can_be_named(tmp_path):
    paths = [saved(tmp_path, value, step=10 - value) for value in range(5)]
    assert [load_checkpoint(p).step for p in paths[2:]] == [8, 7, 6]
    assert load_checkpoint(tmp_path).step == 6
    assert len(names(tmp_path)) == 3


def test_no_checkpoint(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        assert latest_checkpoint(path) is None
        refused(path, "there is no checkpoint")


def test_arrays_are_a_safetensors_file(tmp_path):
    path = saved(tmp_path, optimizer=None)
    assert list(load_tensors(os.path.join(path, ARRAYS))) == ["model.layers.0.weight", "model.bias"]


def test_tensors_are_arrays_too(tmp_path):
    class Lazy:
        def __init__(self, array):
            self.array = array

        def __array__(self, dtype=None, copy=None):
            return self.array

    save_checkpoint(tmp_path, Model(1.0, extra=Lazy(np.arange(3))))
    model = Model(0.0, extra=Lazy(np.zeros(3, np.int64)))
    load_checkpoint(tmp_path, model)
    assert model.arrays["extra"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"keep": 0}, ArgumentError),
        ({"keep": 1.5}, ArgumentError),
        ({"epoch": -1}, ArgumentError),
        ({"extra": {"x": np.zeros(2)}}, ArgumentError),
        ({"random": {"seed": 0.5}}, ArgumentError),
        ({"model": Model(0.0, x=np.array(["a"]))}, DtypeError),
    ],
)
def test_what_cannot_be_saved_leaves_no_trace(tmp_path, wrong, error):
    with pytest.raises(error):
        saved(tmp_path / "run", **wrong)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Model(0.0, more=np.zeros(1)), r"'more' is not in the checkpoint"),
        (Model(0.0, bias=np.zeros(4)), r"'bias' is float64\(3,\), in the model float64\(4,\)"),
        (Model(0.0, bias=np.zeros(3, np.float32)), r"'bias' is float64\(3,\), in the model float32\(3,\)"),
        (Model(0.0, bias=np.zeros(3, np.int64)), r"in the model int64\(3,\)"),
    ],
)
def test_model_that_does_not_fit(tmp_path, model, said):
    saved(tmp_path)
    assert "like those that were saved" in refused(tmp_path, said, model=model, optimizer=Optimizer(), random=Random())


def test_name_unknown_to_the_model(tmp_path):
    saved(tmp_path, model=Model(1.0, more=np.zeros(1)))
    refused(tmp_path, "'more' is unknown to the model", model=Model())


@pytest.mark.parametrize("part", ["model", "optimizer", "random"])
def test_part_that_was_not_saved(tmp_path, part):
    saved(tmp_path, **{part: None})
    refused(tmp_path, f"saved without {part}=", model=Model(), optimizer=Optimizer(), random=Random())


@pytest.mark.parametrize("error", [ValueError("wrong\nkind"), FileError("mine"), KeyError()])
def test_part_that_refuses_sets_all_back(tmp_path, error):
    saved(tmp_path)
    model, optimizer = Model(), Optimizer()
    optimizer.refuses = error
    refused(tmp_path, "the optimizer cannot take its state", model=model, optimizer=optimizer)


def test_interrupted_load_sets_all_back(tmp_path):
    saved(tmp_path)
    model, optimizer = Model(), Optimizer()
    optimizer.refuses = KeyboardInterrupt()
    before = look(model, optimizer)
    with pytest.raises(KeyboardInterrupt):
        load_checkpoint(tmp_path, model, optimizer)
    assert look(model, optimizer) == before


def test_damaged_one_names_the_one_before(tmp_path):
    first, second = saved(tmp_path), saved(tmp_path)
    Path(second, ARRAYS).write_bytes(b"")
    assert f"load_checkpoint({first!r})" in refused(tmp_path, "has 0 bytes", model=Model())
    Path(first, STATE).write_bytes(b"")
    assert refused(first, "JSONDecodeError", model=Model()) == "  try: another checkpoint"


def test_files_of_two_checkpoints_do_not_mix(tmp_path):
    first, second = saved(tmp_path, 1.0), saved(tmp_path, 2.0)
    shutil.copy(Path(first, ARRAYS), Path(second, ARRAYS))
    refused(second, "does not agree with its checksum", model=Model(), optimizer=Optimizer())


@fuzz
@given(st.data())
def test_damage_is_always_noticed(tmp_path, data):
    if not (tmp_path / "good").exists():
        shutil.copytree(saved(tmp_path), tmp_path / "good")
    name = data.draw(st.sampled_from([ARRAYS, STATE]))
    content = bytearray((tmp_path / "good" / name).read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        at = data.draw(st.integers(0, 8 * len(content) - 1))
        content[at // 8] ^= 1 << at % 8
    shutil.copytree(tmp_path / "good", tmp_path / "bad", dirs_exist_ok=True)
    (tmp_path / "bad" / name).write_bytes(content)
    parts = Model(), Optimizer(), Random()
    try:
        found = load_checkpoint(tmp_path / "bad", *parts)
    except FileError:
        assert look(*parts) == look(Model(), Optimizer(), Random())
        return
    # A changed space between the numbers of the JSON file is no damage.
    assert name == STATE
    assert found[1:] == (2, 7, Random(5).dict, {"a": [0.1]})
    assert look(*parts) == look(Model(1.0), Optimizer(1.0, 7), Random(5))


def forge(folder, arrays=None, content=None, **change):
    """Change a checkpoint as an attacker would: every checksum is right."""
    state = json.loads(Path(folder, STATE).read_text())["state"]
    if arrays is not None or content is not None:
        content = b"".join(tensor_chunks(arrays)) if content is None else content
        Path(folder, ARRAYS).write_bytes(content)
        state["arrays"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    state.update(change)
    Path(folder, STATE).write_text(json.dumps({"sha256": digest(state), "state": state}))


HUGE = json.dumps({"model.bias": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}).encode()
GOOD = {"model.layers.0.weight": np.zeros((2, 3), np.float32), "model.bias": np.zeros(3)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arrays": {**GOOD, "../../etc/passwd": np.zeros(1)}}, "belongs to neither"),
        ({"arrays": {**GOOD, "model": np.zeros(1)}}, "'' is unknown to the model"),
        ({"arrays": {**GOOD, "model.bias": np.zeros((3, 1))}}, r"'model.bias'|'bias' is float64\(3, 1\)"),
        ({"arrays": {**GOOD, "model.bias": np.zeros(3, np.float16)}}, "'bias' is float16"),
        ({"arrays": {"model.bias": np.zeros(3)}}, "'layers.0.weight' is not in the checkpoint"),
        ({"content": len(HUGE).to_bytes(8, "little") + HUGE}, "take 8796093022208 bytes, but there are 0"),
        ({"content": (2**63).to_bytes(8, "little") + b"{}"}, "claims 9223372036854775808 bytes in a file of 10"),
        ({"content": b""}, "no safetensors header"),
        ({"model": False}, "saved without model="),
        ({"epoch": -1}, "epoch=-1"),
        ({"version": 99}, "99"),
        ({"random": {"seed": "x"}}, "random="),
        ({"optimizer": {"step": [1]}}, "optimizer="),
    ],
)
def test_forged_checkpoints(tmp_path, change, said):
    path = saved(tmp_path)
    forge(path, **change)
    refused(path, said, model=Model(), optimizer=Optimizer(), random=Random())


@pytest.mark.skipif(os.name == "nt", reason="pipes are files on POSIX only")
@pytest.mark.parametrize("name", [ARRAYS, STATE])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
def test_what_is_no_file(tmp_path, name, kind):
    path = Path(saved(tmp_path))
    (path / name).unlink()
    if kind == "pipe":
        os.mkfifo(path / name)
    elif kind == "device":
        os.symlink("/dev/zero", path / name)
    elif kind == "loop":
        os.symlink(path / name, path / name)
    else:
        (path / name).mkdir()
    with pytest.raises(FileError, match=r"not a regular file|symbolic links"):
        load_checkpoint(path, model=Model())


@pytest.mark.parametrize("call", ["mkdir", "fsync", "rename"])
def test_full_disk(tmp_path, monkeypatch, call):
    first = saved(tmp_path, 1.0)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(FileError, match="No space left on device") as e:
        saved(tmp_path, 2.0)
    monkeypatch.undo()
    lines = str(e.value).splitlines()
    assert len(lines) == 3
    assert "room on the disk" in lines[2]
    assert names(tmp_path) == [os.path.basename(first)]
    model = Model()
    load_checkpoint(tmp_path, model)
    assert look(model) == look(Model(1.0))


RUN = """
import sys
import numpy as np
from nbgrad.base.errors import FileError
from nbgrad.io import load_checkpoint, save_checkpoint

class Model:
    def __init__(self, size):
        self.arrays = {f"w{i}": np.zeros(size, np.float32) for i in range(3)}
    def state(self):
        return self.arrays
    def load_state(self, state):
        self.arrays = state
"""


def script(tmp_path, text):
    """Return (command, environment) of a program that uses this nbgrad."""
    path = tmp_path / "run.py"
    path.write_text(RUN + text)
    env = {**os.environ, "PYTHONPATH": str(Path(nbgrad.io.__file__).parents[2])}
    return [sys.executable, path], env


@pytest.mark.skipif(os.name == "nt", reason="limits of the size of files are POSIX's")
def test_disk_that_really_ends(tmp_path):
    command, env = script(tmp_path, """
import resource
model = Model(1000)
save_checkpoint("ckpts", model, step=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save_checkpoint("ckpts", Model(100_000), step=2)
except FileError as e:
    print(str(e).splitlines()[0])
print(load_checkpoint("ckpts", model).step)
""")
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["save_checkpoint('ckpts'): File too large", "1"]
    assert names(tmp_path / "ckpts") == ["ckpt-000001"]


def test_killed_at_any_moment(tmp_path):
    command, env = script(tmp_path, """
model = Model(50_000)
step = 0
while True:
    step += 1
    for a in model.arrays.values():
        a[:] = step
    save_checkpoint("ckpts", model, step=step, keep=2)
    print(step, flush=True)
""")
    rng = python_random.Random(0)
    for _ in range(6):
        with subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE) as process:
            told = int(process.stdout.readline())
            time.sleep(rng.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
            told = int(([told, *process.stdout.read().split()])[-1])
        model = Model()
        model.arrays = {f"w{i}": np.zeros(50_000, np.float32) for i in range(3)}
        found = load_checkpoint(tmp_path / "ckpts", model)
        assert found.step in (told, told + 1)
        assert all(np.all(a == found.step) for a in model.arrays.values())
    # A later save clears what the killed ones left.
    save_checkpoint(tmp_path / "ckpts", model, keep=2)
    assert len(names(tmp_path / "ckpts")) == 2
    assert "partial" not in names(tmp_path / "ckpts")


def test_killed_after_each_system_call(tmp_path):
    # The same without chance: the process ends before the n-th call that changes the disk, for every n.
    command, env = script(tmp_path, """
import os
model = Model(10)
start = load_checkpoint("ckpts", model).step if sys.argv[2] == "go on" else 0
left = int(sys.argv[1])

def counted(call):
    def count_and_call(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return call(*args, **kwargs)
    return count_and_call

for a in model.arrays.values():
    a[:] = start + 1
for name in ("mkdir", "rename", "fsync", "unlink", "rmdir"):
    setattr(os, name, counted(getattr(os, name)))
save_checkpoint("ckpts", model, step=start + 1, keep=1)
""")
    subprocess.run([*command, "1000", "start"], env=env, cwd=tmp_path, check=True, timeout=60)
    ended, step = [], 1
    for n in range(40):
        ended.append(subprocess.run([*command, str(n), "go on"], env=env, cwd=tmp_path, timeout=60).returncode)
        model = Model()
        model.arrays = {f"w{i}": np.zeros(10, np.float32) for i in range(3)}
        found = load_checkpoint(tmp_path / "ckpts", model).step
        assert found in (step, step + 1)
        assert all(np.all(a == found) for a in model.arrays.values())
        step = found
        if ended[-1] == 0:
            break
    assert ended == [9] * (len(ended) - 1) + [0]
    assert len(ended) > 8
    assert len(names(tmp_path / "ckpts")) == 1
