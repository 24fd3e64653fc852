"""Arrays come back bit for bit, in files that the package safetensors reads and writes; damage is noticed."""

import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nbgrad.base.errors import ArgumentError, DtypeError, FileError
from nbgrad.io import load_tensors, save_tensors, tensor_info

fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
arrays = st.sampled_from((*NAMES, "float16", ">f4")).flatmap(
    lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
trees = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), arrays, max_size=4)


def same(got, want):
    assert list(got) == list(want)
    for name, a in want.items():
        assert got[name].dtype == a.dtype.newbyteorder("=")
        assert got[name].shape == a.shape
        assert got[name].tobytes() == a.astype(a.dtype.newbyteorder("=")).tobytes()


@fuzz
@given(trees, st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), st.text(st.characters(codec="utf-8"))))
def test_round_trip(tmp_path, content, metadata):
    path = tmp_path / "a"
    save_tensors(path, content, metadata)
    got = load_tensors(path)
    same(got, content)
    entries, told = tensor_info(path)
    assert told == metadata
    assert {n: e.shape for n, e in entries.items()} == {n: a.shape for n, a in content.items()}
    assert os.listdir(tmp_path) == ["a"]


@fuzz
@given(trees)
def test_agrees_with_the_package(tmp_path, content):
    package = pytest.importorskip("safetensors.numpy")
    save_tensors(tmp_path / "ours", content, {"a": "b"})
    same(dict(sorted(package.load_file(tmp_path / "ours").items())), dict(sorted(content.items())))
    native = {n: np.ascontiguousarray(a.astype(a.dtype.newbyteorder("="))).reshape(a.shape) for n, a in content.items()}
    package.save_file(native, tmp_path / "theirs", {"a": "b"})
    same(dict(sorted(load_tensors(tmp_path / "theirs").items())), dict(sorted(content.items())))



@pytest.mark.parametrize(
    "change", [lambda a: a.T, lambda a: a[::-1, ::2], lambda a: np.broadcast_to(a[:1], a.shape), np.asfortranarray]
)
def test_strides_do_not_matter(tmp_path, change):
    a = change(np.arange(12.0).reshape(3, 4))
    save_tensors(tmp_path / "a", {"x": a})
    np.testing.assert_array_equal(load_tensors(tmp_path / "a")["x"], a)


def test_special_values_keep_their_bits(tmp_path):
    bits = np.array([0x7FC12345, 0xFF800000, 0x80000000, 1, 0x7F800001], np.uint32)
    save_tensors(tmp_path / "a", {"x": bits.view(np.float32)})
    assert load_tensors(tmp_path / "a")["x"].view(np.uint32).tolist() == bits.tolist()


def test_arrays_are_aligned_independent_and_writable(tmp_path):
    save_tensors(tmp_path / "a", {"odd": np.ones(3, np.int8), "x": np.arange(3.0), "y": np.arange(3, dtype="float32")})
    got = load_tensors(tmp_path / "a")
    assert all(a.flags.aligned and a.flags.writeable and a.flags.c_contiguous for a in got.values())
    got["x"][:] = -1
    assert got["y"].tolist() == [0, 1, 2]


def test_data_are_aligned_in_the_file(tmp_path):
    content = {"a": np.ones(3, np.int8), "b": np.arange(3.0), "c": np.zeros(1, np.float32), "d": np.zeros(2, np.int16)}
    for i in range(8):
        save_tensors(tmp_path / "a", {**content, "e" * i: np.arange(2.0)})
        begin = 8 + int.from_bytes((tmp_path / "a").read_bytes()[:8], "little")
        entries, _ = tensor_info(tmp_path / "a")
        arrays_ = load_tensors(tmp_path / "a")
        assert all((begin + e.begin) % arrays_[name].itemsize == 0 for name, e in entries.items())


def test_bfloat16_is_widened(tmp_path):
    x = np.array([1.0, -2.5, np.inf, 2.0**-130], np.float32)
    halves = (x.view(np.uint32) >> 16).astype("<u2")
    (tmp_path / "a").write_bytes(file_of(one("BF16", [4]), halves.tobytes()))
    got = load_tensors(tmp_path / "a")["x"]
    assert got.dtype == np.float32
    assert got.tolist() == x.tolist()


@pytest.mark.parametrize(
    ("tensors", "metadata", "error"),
    [
        ({"x": np.zeros(2, complex)}, None, DtypeError),
        ({"x": np.array(["a"])}, None, DtypeError),
        ({"x": [object()]}, None, DtypeError),
        ({1: np.zeros(2)}, None, ArgumentError),
        ({"__metadata__": np.zeros(2)}, None, ArgumentError),
        ({"x": np.zeros(2)}, {"epoch": 1}, ArgumentError),
    ],
)
def test_what_cannot_be_saved(tmp_path, tensors, metadata, error):
    with pytest.raises(error, match="save_tensors"):
        save_tensors(tmp_path / "a", tensors, metadata)
    assert os.listdir(tmp_path) == []


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    save_tensors(tmp_path / "a", {"x": np.arange(3)})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="No space left on device") as e:
        save_tensors(tmp_path / "a", {"x": np.zeros(3)})
    assert "  try: room on the disk" in str(e.value)
    assert load_tensors(tmp_path / "a")["x"].tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == ["a"]


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileError, match="No such file"):
        save_tensors(tmp_path / "no" / "a", {"x": np.zeros(3)})
    with pytest.raises(FileError, match="No such file"):
        load_tensors(tmp_path / "no")
    with pytest.raises(FileError, match="not a regular file"):
        load_tensors(tmp_path)


def file_of(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def one(dtype="F32", shape=(2,), places=(0, 8), **more):
    return {"x": {"dtype": dtype, "shape": list(shape), "data_offsets": list(places), **more}}


def two(a, b):
    part = lambda p: {"dtype": "U8", "shape": [p[1] - p[0]], "data_offsets": list(p)}
    return {"x": part(a), "y": part(b)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no safetensors header"),
        (bytes(7), "no safetensors header"),
        (bytes(20), "no safetensors header"),
        ((2**64 - 1).to_bytes(8, "little") + b"{}", "claims 18446744073709551615 bytes in a file of 10"),
        (file_of(b"[]"), "no JSON table"),
        (file_of(b" {}"), "no JSON table"),
        (file_of(b'{"x":'), "JSONDecodeError"),
        (file_of(b'{"x": "\xff"}'), "codec can't decode"),
        (file_of(b'{"a":' * 50_000), "RecursionError"),
        (file_of(b'{"x": {}, "x": {}}'), "a name is given twice"),
        (file_of(b'{"x": {"dtype": "F32", "dtype": "F64", "shape": [], "data_offsets": [0, 8]}}', bytes(8)), "twice"),
        (file_of({"__metadata__": {"a": 1}}), "metadata"),
        (file_of({"__metadata__": []}), "metadata"),
        (file_of({"x": 3}), "does not consist of"),
        (file_of(one(more=1), bytes(8)), "does not consist of"),
        (file_of(one("F31"), bytes(8)), "dtype 'F31'"),
        (file_of(one(["F32"]), bytes(8)), "dtype"),
        (file_of(one(shape=[-2]), bytes(8)), "has the shape"),
        (file_of(one(shape=[2.0]), bytes(8)), "has the shape"),
        (file_of(one(shape=[True, 2]), bytes(8)), "has the shape"),
        (file_of(one(shape=[1] * 33 + [2]), bytes(8)), "has the shape"),
        (file_of(one(places=[0, 8, 8]), bytes(8)), "has the shape"),
        (file_of(one(places=["0", "8"]), bytes(8)), "has the shape"),
        (file_of(one(places=[8, 0]), bytes(8)), "does not fill"),
        (file_of(one(shape=[3]), bytes(12)), "does not fill"),
        (file_of(one(shape=[2**62], places=[0, 2**64])), "take 18446744073709551616 bytes, but there are 0"),
        (file_of(one(shape=[2**40, 2**40, 0], places=[0, 0])), "x"),
        (file_of(one(), bytes(7)), "take 8 bytes, but there are 7"),
        (file_of(one(), bytes(9)), "take 8 bytes, but there are 9"),
        (file_of(two((0, 4), (2, 6)), bytes(6)), "begins at byte 2, the one before it ends at 4"),
        (file_of(two((0, 4), (5, 6)), bytes(6)), "begins at byte 5, the one before it ends at 4"),
        (file_of(two((1, 4), (4, 6)), bytes(6)), "begins at byte 1"),
        (file_of(one("BOOL", [3], [0, 3]), b"\0\1\2"), "bytes above 1"),
    ],
)
def test_bad_files(tmp_path, content, said):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(FileError, match=said) as e:
        load_tensors(tmp_path / "a")
    lines = str(e.value).splitlines()
    assert len(lines) == 3
    assert lines[2] == "  try: a whole safetensors file"


@fuzz
@given(st.data())
def test_damage_gives_an_error_or_arrays_that_fit_the_file(tmp_path, data):
    path = tmp_path / "a"
    save_tensors(path, {"x": np.arange(3.0), "y": np.ones((2, 2), np.int8), "z": np.zeros((), bool)})
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        at = data.draw(st.integers(0, 8 * len(content) - 1))
        content[at // 8] ^= 1 << at % 8
    path.write_bytes(content)
    try:
        got = load_tensors(path)
    except FileError:
        return
    assert sum(a.nbytes for a in got.values()) == 29


@fuzz
@given(st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.floats(),
    lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "__metadata__"]), x),
))
def test_any_header_gives_a_file_error(tmp_path, header):
    (tmp_path / "a").write_bytes(file_of({"x": header}, b"12345"))
    with pytest.raises(FileError):
        load_tensors(tmp_path / "a")
