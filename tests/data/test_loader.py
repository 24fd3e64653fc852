"""Batches hold every example once, in an order that seed and epoch decide, with and without the reading thread."""

import gc
import os
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad.data
from nbgrad.base.errors import ArgumentError, IndexRangeError
from nbgrad.data import ArrayDataset, batches

DATA = ArrayDataset(np.arange(23), np.arange(23) * 2.0)


def rows(loader):
    return [x.tolist() for x, _ in loader]


def readers():
    return [t for t in threading.enumerate() if t.name == "nbgrad-batches"]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 20), st.integers(1, 8), st.booleans(), st.booleans(), st.integers(0, 3))
def test_every_example_once(n, size, shuffle, drop_last, prefetch):
    loader = batches(ArrayDataset(np.arange(n)), size, shuffle, drop_last=drop_last, prefetch=prefetch)
    got = [x.tolist() for (x,) in loader]
    seen = [i for b in got for i in b]
    left_out = n % size if drop_last else 0
    assert len(got) == len(loader)
    assert len(set(seen)) == len(seen) == n - left_out
    assert all(len(b) == size for b in got[:-1])
    assert shuffle or seen == list(range(n - left_out))


def test_rows_stay_together():
    for x, y in batches(DATA, 5, seed=4):
        assert np.array_equal(y, 2.0 * x)


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_batch_k_depends_on_seed_epoch_and_k_alone(prefetch):
    whole = rows(batches(DATA, 4, seed=7, epoch=3, prefetch=0))
    for k in range(len(whole) + 1):
        assert rows(batches(DATA, 4, seed=7, epoch=3, start=k, prefetch=prefetch)) == whole[k:]
    loader = batches(DATA, 4, seed=7, epoch=3, start=2, prefetch=prefetch)
    assert loader[1][0].tolist() == whole[1]
    assert rows(loader) == rows(loader) == whole[2:]
    assert rows(batches(DATA, 4, seed=7, epoch=4)) != whole
    assert rows(batches(DATA, 4, seed=8, epoch=3)) != whole


def test_start_behind_the_end_is_an_empty_rest():
    loader = batches(DATA, 4, start=100)
    assert len(loader) == 0
    assert rows(loader) == []


def test_batches_are_copies():
    for shuffle in (True, False):
        for x, _ in batches(DATA, 4, shuffle):
            x[:] = -1
    assert DATA.arrays[0].tolist() == list(range(23))


class Recorder:
    """A data set that counts what was asked of it, and fails at one batch."""

    def __init__(self, fail_at=None, error=None):
        self.asked, self.fail_at, self.error, self.news = 0, fail_at, error, threading.Condition()

    def __len__(self):
        return 100

    def __getitem__(self, index):
        with self.news:
            self.asked += 1
            self.news.notify_all()
        if self.asked - 1 == self.fail_at:
            raise self.error
        return (index,)

    def wait_for(self, count):
        with self.news:
            return self.news.wait_for(lambda: self.asked >= count, timeout=30)


def test_reads_ahead_and_no_further():
    data = Recorder()
    it = iter(batches(data, 1, prefetch=3))
    next(it)
    assert data.wait_for(4)
    it.close()
    assert data.asked == 4


@pytest.mark.usefixtures("only_new_objects_are_collected")
@pytest.mark.parametrize("leave", ["close", "collect", "break", "raise"])
def test_thread_ends_when_the_loop_is_left(leave):
    data = Recorder()
    it = iter(batches(data, 1))
    next(it)
    assert len(readers()) == 1
    if leave == "close":
        it.close()
    elif leave == "collect":
        del it
        gc.collect()
    else:
        with pytest.raises(KeyError):
            stop_inside(it, leave)
        del it
        gc.collect()
    assert readers() == []
    assert data.asked < 10


def stop_inside(it, leave):
    for _ in it:
        if leave == "break":
            break
        raise KeyError
    raise KeyError


def test_thread_ends_with_the_epoch():
    list(batches(DATA, 4))
    assert readers() == []


@pytest.mark.parametrize("error", [OSError("disk gone"), StopIteration("mine"), SystemExit(3)])
def test_error_of_the_thread_reaches_the_consumer(error):
    data = Recorder(fail_at=2, error=error)
    got = []
    with pytest.raises(RuntimeError if isinstance(error, StopIteration) else type(error)) as e:
        got.extend(batches(data, 10))
    seen = e.value.__cause__ if isinstance(error, StopIteration) else e.value
    assert seen is error
    assert "in __getitem__" in "".join(traceback.format_exception(e.value))
    assert readers() == []


def test_two_loops_at_once():
    a, b = batches(DATA, 4, seed=1), batches(DATA, 4, seed=2)
    together = [(x[0].tolist(), y[0].tolist()) for x, y in zip(a, b)]
    assert [x for x, _ in together] == rows(a)
    assert [y for _, y in together] == rows(b)


def test_program_ends_with_a_loop_left_open(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np\n"
        "from nbgrad.data import ArrayDataset, batches\n"
        "it = iter(batches(ArrayDataset(np.arange(100)), 1, shuffle=False))\n"
        "print(next(it)[0][0])\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(nbgrad.data.__file__).parents[2])}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, env=env)
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 1.5}, {"start": -1}, {"prefetch": None}, {"seed": -1}])
def test_bad_arguments(wrong):
    with pytest.raises(ArgumentError, match=f"{next(iter(wrong))}="):
        batches(DATA, **{"size": 4, **wrong})


def test_batch_number_out_of_range():
    for k in (-1, 6):
        with pytest.raises(IndexRangeError, match=f"batch {k} of an epoch of 6"):
            batches(DATA, 4)[k]
