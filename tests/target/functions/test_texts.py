"""Texts of derivatives that are found on disk."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.derive import Derivative
from nbgrad.ad.statements import FLOAT, Array
from nbgrad.base.config import config
from nbgrad.base.errors import NbgradCacheWarning
from nbgrad.target.cpu import store
from nbgrad.target.functions import files, texts
from tests.ad.plain import kinds
from tests.ad.zoo import CASES

KINDS = (Array("float64", 1), FLOAT)
SCRIPT = """
import sys
import numpy as np
import nbgrad as ng
from numba import njit

FACTOR = {factor}

@njit
def inner(a):
    return a ** {power}

@njit
def f(x, y):
    s = 0.0
    for i in range(x.size):
        s += inner(x[i]) * y * FACTOR
    return s

g = ng.grad(f, {argnums})
x = np.array([1.0, 2.0]){cast}
print(len(g.derivative.cached), np.asarray(g(x, 3.0)).tolist(), len(g.derivative.cached))
"""
PROGRAM = {"factor": 2.0, "power": 2, "argnums": 0, "cast": ""}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of its own, with no stand-in open."""
    monkeypatch.setattr(config, "cache", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_spare", None)
    return tmp_path / "cache"


@njit
def scaled(x, y):
    s = 0.0
    for i in range(x.size):
        s += x[i] ** 2 * y
        x[i] = s
    return s if s > 0.0 else y


def found():
    """Return (whether the derivative of a function was written, its text, what is known of the function)."""
    d = Derivative("grad", scaled, (0, 1))
    text, name, _ = texts.text_for(d, KINDS)
    assert name == "grad_scaled"
    if not (store.path(files.file_name(text, name))).exists():
        store.write(files.file_name(text, name), text.encode())
    return bool(d.cached), text, (d.changed[KINDS], d.steered[KINDS])


def record(folder):
    (path,) = folder.glob("*.json")
    return path


def test_a_text_is_written_once(folder):
    first, second = found(), found()
    assert (first[0], second[0]) == (True, False)
    assert first[1:] == second[1:]
    d = Derivative("grad", scaled, (0, 1))
    d.statements(KINDS)
    assert first[2] == (d.changed[KINDS], d.steered[KINDS]) == ({"x"}, False)
    known = json.loads(store.read_checked(record(folder).name))
    assert known == {"file": files.file_name(first[1], "grad_scaled"), "classes": [], "changed": ["x"], "steered": False}
    assert record(folder) in store.files()


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-1], lambda b: b.replace(b"x", b"z")], ids=["empty", "cut", "changed"])
@pytest.mark.parametrize("which", ["*.json", "*.py"])
def test_what_is_damaged_is_written_anew(folder, which, damage):
    first = found()
    (path,) = folder.glob(which)
    path.write_bytes(damage(path.read_bytes()))
    path_again = store.path(files.file_name(first[1], "grad_scaled"))
    assert found() == first
    files.loaded(first[1], "grad_scaled")
    assert path_again.read_text() == first[1]
    assert not found()[0]


def test_a_text_that_is_gone_is_written_anew(folder):
    first = found()
    (path,) = folder.glob("*.py")
    path.unlink()
    assert found() == first and not found()[0]


def test_other_rules_write_it_anew(folder, monkeypatch):
    assert found()[0] and not found()[0]
    monkeypatch.setattr(files, "writers", lambda: "another nbgrad")
    assert found()[0] and not found()[0]
    assert len(list(folder.glob("*.json"))) == 2


def test_what_cannot_be_told_is_not_kept(folder, monkeypatch):
    monkeypatch.setattr(texts, "told", lambda *_: None)
    assert found()[0] and found()[0]
    assert list(folder.glob("*.json")) == []


def test_namedtuples_are_found_again(folder):
    c = CASES["namedtuple_argument"]
    written, read = [Derivative("grad", c.fn, c.wrt) for _ in range(2)]
    one = texts.text_for(written, kinds(*c.args))
    store.write(files.file_name(*one[:2]), one[0].encode())
    assert texts.text_for(read, kinds(*c.args)) == one
    assert list(one[2]) == ["Params"] and not read.cached


def test_a_folder_that_cannot_be_written_is_no_error(folder):
    folder.write_text("a file where the folder should be")
    with pytest.warns(NbgradCacheWarning):
        assert found()[0]
    assert not found()[0]  # in the folder that stands in


def test_a_folder_that_is_only_read_is_read(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError

    assert found()[0]
    monkeypatch.setattr(store, "_replace", refuse)
    assert not found()[0]


def test_a_gradient_is_the_same_from_its_record(folder):
    args, results = (np.array([1.0, 2.0]), 3.0), []
    for _ in range(2):
        g = ng.value_and_grad(njit(scaled.py_func), (0, 1))
        results.append(g(args[0].copy(), args[1]))
    (value, slopes), (again, same) = results
    assert value == again and slopes[1] == same[1]
    np.testing.assert_array_equal(slopes[0], same[0])
    assert g.derivative.cached == {}


def start(tmp_path, **program):
    (tmp_path / "script.py").write_text(SCRIPT.format(**{**PROGRAM, **program}))
    environ = {**os.environ, "NBGRAD_CACHE_DIR": str(tmp_path / "cache")}
    return subprocess.Popen([sys.executable, "script.py"], cwd=tmp_path, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def told_by(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err == ""
    return out.strip()


def test_the_next_process_writes_no_text(tmp_path):
    assert told_by(start(tmp_path)) == "0 [12.0, 24.0] 1"
    assert told_by(start(tmp_path)) == "0 [12.0, 24.0] 0"
    changes = [({"factor": 3.0}, "[18.0, 36.0]"), ({"power": 3}, "[18.0, 72.0]"), ({"argnums": 1}, "10.0"),
               ({"cast": ".astype(np.float32)"}, "[12.0, 24.0]"), ({"factor": 1}, "[6.0, 12.0]")]  # fmt: skip
    for change, expected in changes:
        assert told_by(start(tmp_path, **change)) == f"0 {expected} 1"
    assert told_by(start(tmp_path)) == "0 [12.0, 24.0] 0"


def test_processes_may_write_at_once(tmp_path):
    assert {told_by(p) for p in [start(tmp_path) for _ in range(3)]} == {"0 [12.0, 24.0] 1"}
    assert told_by(start(tmp_path)) == "0 [12.0, 24.0] 0"
    assert len(list((tmp_path / "cache").glob("*.json"))) == 1
