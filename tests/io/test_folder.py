"""A folder of checkpoints only ever shows whole ones, in the order in which they were saved."""

import os
import threading
from pathlib import Path

import pytest

from nbgrad.base.errors import FileError
from nbgrad.base.files import reading
from nbgrad.io import folder as module
from nbgrad.io.folder import ARRAYS, PARTIAL, STATE, add, numbered, read_checked, whole_ones
from nbgrad.io.state import checked_state, read_state
from nbgrad.io.tensors import tensor_chunks


def chunks(value=1):
    return tensor_chunks({"x": [float(value)] * 5})


def names(folder):
    return sorted(os.listdir(folder))


def test_numbers_go_up_and_the_oldest_go(tmp_path):
    folder = str(tmp_path / "new" / "run")
    for i in range(5):
        assert add(folder, chunks(), {}, keep=2) == os.path.join(folder, f"ckpt-{i + 1:06d}")
    assert names(folder) == ["ckpt-000004", "ckpt-000005"]
    assert names(os.path.join(folder, "ckpt-000005")) == [ARRAYS, STATE]
    add(folder, chunks(), {}, keep=None)
    assert len(whole_ones(folder)) == 3


def test_old_ones_lose_their_name_before_their_files(tmp_path, monkeypatch):
    removed = []
    monkeypatch.setattr(module, "remove", removed.append)
    add(str(tmp_path), chunks(), {}, keep=1)
    new = add(str(tmp_path), chunks(), {}, keep=1)
    assert set(removed) == {str(tmp_path / PARTIAL)}
    assert whole_ones(tmp_path) == [new]
    assert names(tmp_path) == [os.path.basename(new), PARTIAL]


def test_order_is_by_number(tmp_path):
    for name in ("ckpt-999999", "ckpt-1000000"):
        (tmp_path / name).mkdir()
        for part in (ARRAYS, STATE):
            (tmp_path / name / part).touch()
    assert [os.path.basename(p) for p in whole_ones(tmp_path)] == ["ckpt-999999", "ckpt-1000000"]
    assert os.path.basename(add(str(tmp_path), chunks(), {}, keep=2)) == "ckpt-1000001"
    assert names(tmp_path) == ["ckpt-1000000", "ckpt-1000001"]


def test_other_names_are_left_alone(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("ckpt-5", "ckpt-000007x", "notes", "ckpt-٠٠٠٠٠٩"):
        (tmp_path / name).mkdir()
    (tmp_path / "ckpt-000008").write_text("a file")
    os.symlink(tmp_path / "elsewhere", tmp_path / "ckpt-000001")
    before = names(tmp_path)
    new = add(str(tmp_path), chunks(), {}, keep=1)
    assert names(tmp_path) == sorted([*before, os.path.basename(new)])
    assert list(numbered(tmp_path)) == [2]


def test_half_a_checkpoint_does_not_count(tmp_path):
    first = add(str(tmp_path), chunks(), {}, keep=3)
    second = add(str(tmp_path), chunks(), {}, keep=3)
    os.unlink(os.path.join(second, STATE))
    assert whole_ones(tmp_path) == [first]
    assert add(str(tmp_path), chunks(), {}, keep=3).endswith("ckpt-000003")


def test_remains_of_a_killed_run_go(tmp_path):
    (tmp_path / PARTIAL).mkdir()
    (tmp_path / PARTIAL / ARRAYS).write_bytes(b"half")
    add(str(tmp_path), chunks(), {}, keep=3)
    assert names(tmp_path) == ["ckpt-000001"]


@pytest.mark.parametrize("name", ["mkdir", "fsync", "rename"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_removes_the_partial_one(tmp_path, monkeypatch, name, error):
    before = [add(str(tmp_path), chunks(), {}, keep=3)]

    def fail(*_):
        raise error

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(type(error)):
        add(str(tmp_path), chunks(), {}, keep=3)
    monkeypatch.undo()
    assert whole_ones(tmp_path) == before
    assert names(tmp_path) == ["ckpt-000001"]


def test_threads_take_turns(tmp_path, monkeypatch):
    inside, most = [], []

    def watched(*args, original=module.write):
        inside.append(1)
        most.append(len(inside))
        made = original(*args)
        inside.pop()
        return made

    monkeypatch.setattr(module, "write", watched)
    threads = [threading.Thread(target=add, args=(str(tmp_path), chunks(i), {}, 10)) for i in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert max(most) == 1
    assert len(whole_ones(tmp_path)) == 8


def test_receipt_covers_every_byte(tmp_path):
    state = {"epoch": 0, "step": 0, "model": False, "optimizer": None, "random": None, "extra": None}
    new = add(str(tmp_path), chunks(), checked_state(state), keep=1)
    path = Path(new, ARRAYS)
    with reading("read", "another") as file:
        receipt = read_state(os.path.join(new, STATE), file)["arrays"]
        assert read_checked(path, receipt, file)["x"].tolist() == [1.0] * 5
    content = path.read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        path.write_bytes(changed)
        with pytest.raises(FileError), reading("read", "another") as file:
            read_checked(path, receipt, file)
    path.write_bytes(content[:-1])
    with pytest.raises(FileError, match=f"has {len(content) - 1} bytes"), reading("read", "another") as file:
        read_checked(path, receipt, file)
