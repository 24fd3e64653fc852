"""The state of a checkpoint comes back as JSON has it; changed or misshapen ones are refused."""

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbgrad.base.errors import ArgumentError, FileError
from nbgrad.base.files import reading
from nbgrad.io import state as module
from nbgrad.io.state import FORMAT, checked_state, digest, read_state, state_text

fuzz = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
RECEIPT = {"bytes": 10, "sha256": "0" * 64}
BASE = {"epoch": 1, "step": 2, "model": True, "optimizer": {"step": 2, "lr": 0.1}, "random": {"seed": 2**64 - 1},
        "extra": None}  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(), x, max_size=3),
    max_leaves=8,
)


def read(path, content):
    path.write_bytes(content)
    with reading("read", "another one") as file:
        return read_state(path, file)


def signed(state):
    """Return a state as a forger would write it: its checksum is right."""
    return json.dumps({"sha256": digest(state), "state": state}).encode()


@fuzz
@given(json_values)
def test_round_trip(tmp_path, extra):
    state = {**checked_state({**BASE, "extra": extra}), "arrays": RECEIPT}
    assert read(tmp_path / "s", state_text(state)) == {**FORMAT, **BASE, "extra": extra, "arrays": RECEIPT}


def test_infinities_and_nan_pass(tmp_path):
    state = {**checked_state({**BASE, "extra": [np.inf, -np.inf, np.nan]}), "arrays": RECEIPT}
    assert np.array_equal(read(tmp_path / "s", state_text(state))["extra"], [np.inf, -np.inf, np.nan], equal_nan=True)


def test_numpy_numbers_become_pythons():
    state = checked_state({**BASE, "step": np.int32(7), "extra": (np.float32(0.5), np.bool_(True))})
    assert (type(state["step"]), state["step"], state["extra"]) == (int, 7, [0.5, True])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epoch": -1}, "epoch"),
        ({"step": 1.5}, "step"),
        ({"step": True}, "step"),
        ({"random": {"seed": 0.5}}, "random"),
        ({"random": [1]}, "random"),
        ({"optimizer": {"lr": [1]}}, "optimizer"),
        ({"extra": {"x": np.zeros(2)}}, "extra cannot be written as JSON: ndarray is not a number"),
        ({"extra": {1: 2, "1": 3}}, "a name is given twice"),
        ({"extra": {(1, 2): 3}}, "extra cannot be written"),
        ({"extra": object()}, "object is not a number"),
    ],
)
def test_what_cannot_be_read_back_is_not_written(change, said):
    with pytest.raises(ArgumentError, match=said):
        checked_state({**BASE, **change})


def test_size_is_limited_both_ways(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 400)
    with pytest.raises(ArgumentError, match="above 400"):
        state_text({**BASE, "extra": "x" * 400})
    with pytest.raises(FileError, match="401 bytes, above 400"):
        read(tmp_path / "s", b" " * 401)


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b'{"state": {}}', b'{"state": {}, "sha256": 5}', b"\xff", b"[" * 100_000,
     signed(BASE) + b" x", signed(BASE).replace(b'"epoch": 1', b'"epoch": 3'), b"9" * 5000],
)  # fmt: skip
def test_damaged_text(tmp_path, content):
    with pytest.raises(FileError) as e:
        read(tmp_path / "s", content)
    assert len(str(e.value).splitlines()) == 3


@pytest.mark.parametrize(
    "change",
    [{"format": "other"}, {"version": 2}, {"epoch": "1"}, {"epoch": None}, {"step": -1}, {"model": 1},
     {"optimizer": []}, {"optimizer": {"a": {}}}, {"random": {"seed": None}}, {"arrays": None},
     {"arrays": {"bytes": -1, "sha256": ""}}, {"arrays": {"bytes": 1, "sha256": None}}],
)  # fmt: skip
def test_forged_state(tmp_path, change):
    good = {**FORMAT, **BASE, "arrays": RECEIPT}
    assert read(tmp_path / "s", signed(good)) == good
    with pytest.raises(FileError, match="the state"):
        read(tmp_path / "s", signed({**good, **change}))
    for name in change:
        short = copy.copy(good)
        del short[name]
        with pytest.raises(FileError, match="the state"):
            read(tmp_path / "s", signed(short))


@pytest.mark.parametrize("state", [None, [], "text", 3])
def test_forged_kind(tmp_path, state):
    with pytest.raises(FileError, match="the state is None"):
        read(tmp_path / "s", signed(state))


@fuzz
@given(st.data())
def test_damage_never_changes_a_value(tmp_path, data):
    state = {**checked_state({**BASE, "extra": {"loss": [0.125, 3e-7], "name": "ä"}}), "arrays": RECEIPT}
    content = bytearray(state_text(state))
    at = data.draw(st.integers(0, 8 * len(content) - 1))
    content[at // 8] ^= 1 << at % 8
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    try:
        got = read(tmp_path / "s", bytes(content))
    except FileError:
        return
    assert got == state
