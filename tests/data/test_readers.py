"""IDX and NPZ files come back as written; damaged and hostile ones give a FileError and allocate nothing."""

import gzip
import io
import os
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nbgrad.base.errors import FileError
from nbgrad.data import read_idx, read_npz

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}
MOST = 2**22
fuzz = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def idx_bytes(a, sizes=None):
    sizes = a.shape if sizes is None else sizes
    head = bytes([0, 0, CODES[a.dtype.name], len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)
    return head + a.astype(a.dtype.newbyteorder(">")).tobytes()


def compressed(data):
    """Return what gzip makes of it at any time: names of tests must not depend on the clock."""
    return gzip.compress(data, mtime=0)


def refused(reader, path, said="", **options):
    """Check that `reader` raises a FileError of three lines without allocating much."""
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match=said) as e:
            reader(path, **options)
        assert tracemalloc.get_traced_memory()[1] < MOST
    finally:
        tracemalloc.stop()
    lines = str(e.value).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith("  try: ")


def damaged(data, original):
    """Draw a truncation or a flipped bit of some bytes."""
    if data.draw(st.booleans()):
        return original[: data.draw(st.integers(0, len(original) - 1))]
    at = data.draw(st.integers(0, 8 * len(original) - 1))
    out = bytearray(original)
    out[at // 8] ^= 1 << at % 8
    return bytes(out)


arrays = st.sampled_from(sorted(CODES)).flatmap(
    lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)


@fuzz
@given(arrays, st.booleans())
def test_idx_round_trip(tmp_path, a, zipped):
    path = tmp_path / "a"
    path.write_bytes(compressed(idx_bytes(a)) if zipped else idx_bytes(a))
    got = read_idx(path)
    assert got.dtype == a.dtype
    assert got.dtype.isnative
    assert got.shape == a.shape
    assert got.tobytes() == a.tobytes()
    got[...] = 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no IDX header"),
        (b"\0\0\x08", "no IDX header"),
        (b"\0\1\x08\1\0\0\0\0", "no IDX header"),
        (b"\0\0\x0a\1\0\0\0\0", "no IDX header"),
        (b"\0\0\x08\xff" + bytes(2000), "no IDX header"),
        (b"\0\0\x08\3\0\0\0\1", "ends within its 3 sizes"),
        (idx_bytes(np.arange(5.0))[:-1], "40 bytes, but there are 39"),
        (idx_bytes(np.arange(5.0)) + b"x", "40 bytes, but there are 41"),
        (idx_bytes(np.zeros(3, "uint8"), (2**32 - 1,) * 30), "but there are 3"),
        (compressed(idx_bytes(np.zeros(3, "uint8"), (2**31,))), "but there are"),
        (compressed(idx_bytes(np.arange(5.0))[:-1]), "end after 39 of 40 bytes"),
        (compressed(idx_bytes(np.arange(5.0)) + b"x"), "left over"),
        (compressed(idx_bytes(np.arange(5.0)))[:-6], r"EOFError"),
        (compressed(idx_bytes(np.arange(5.0)))[:-8] + bytes(8), "CRC check failed"),
        (b"\x1f\x8b" + bytes(20), "BadGzipFile"),
    ],
)
def test_bad_idx(tmp_path, content, said):
    (tmp_path / "a").write_bytes(content)
    refused(read_idx, tmp_path / "a", said)


@fuzz
@given(st.data())
def test_damaged_idx(tmp_path, data):
    a = np.arange(12, dtype="int16").reshape(3, 4)
    zipped = data.draw(st.booleans())
    path = tmp_path / "a"
    path.write_bytes(damaged(data, compressed(idx_bytes(a)) if zipped else idx_bytes(a)))
    try:
        got = read_idx(path)
    except FileError:
        return
    # What slips through has one flipped bit in the data, or in a part of the header that does not matter.
    assert got.size * got.itemsize == a.nbytes
    assert not zipped or np.array_equal(got, a)


def test_idx_limit(tmp_path):
    (tmp_path / "a").write_bytes(compressed(idx_bytes(np.zeros(2**16))))
    refused(read_idx, tmp_path / "a", "above limit=1000", limit=1000)
    assert read_idx(tmp_path / "a", limit=2**19).size == 2**16


@pytest.mark.parametrize("reader", [read_idx, read_npz])
def test_not_a_file(tmp_path, reader):
    refused(reader, tmp_path / "absent", "No such file")
    refused(reader, tmp_path, "not a regular file")
    if os.name != "nt":
        refused(reader, "/dev/zero", "not a regular file")


npz_arrays = st.sampled_from(["bool", "int8", "uint64", "float16", "float32", ">f8", "complex64", "U3", "S2"]).flatmap(
    lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@fuzz
@given(st.dictionaries(st.sampled_from(["x", "y", "a.b", "späß"]), npz_arrays), st.booleans())
def test_npz_round_trip(tmp_path, content, compressed):
    (np.savez_compressed if compressed else np.savez)(tmp_path / "a.npz", **content)
    got = read_npz(tmp_path / "a.npz")
    assert list(got) == list(content)
    for name, a in content.items():
        assert got[name].dtype == a.dtype
        assert got[name].shape == a.shape
        assert got[name].tobytes() == a.tobytes()


def npy_bytes(header, data=b""):
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + data


def npz_of(*members, compression=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        for name, content in members:
            z.writestr(name, content)
    return out.getvalue()


def header(descr="'<f8'", shape="(3,)"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a zip file"),
        (b"PK\3\4 nothing more", "not a zip file"),
        (npz_of(("a.txt", b"hello")), "must be .npy files"),
        (npz_of(("a.npy", b"hello")), "a.npz"),
        (npz_of(("a.npy", npy_bytes(header(), bytes(24)[:-1]))), "24 bytes, but there are 23"),
        (npz_of(("a.npy", npy_bytes(header(), bytes(25)))), "24 bytes, but there are 25"),
        (npz_of(("a.npy", npy_bytes(header(shape="(2**40,)")))), "a.npz"),
        (npz_of(("a.npy", npy_bytes(header(shape="(1099511627776,)"), bytes(8)))), "8796093022208 bytes"),
        (npz_of(("a.npy", npy_bytes(header(shape="(-1, -3)"), bytes(24)))), "only numbers"),
        (npz_of(("a.npy", npy_bytes(header("'|O'"), bytes(24)))), "only numbers"),
        (npz_of(("a.npy", npy_bytes(header("'|S0'", "(1099511627776,)")))), "only numbers"),
        (npz_of(("a.npy", npy_bytes(header("[('x', '<f8')]"), bytes(24)))), "only numbers"),
        (npz_of(("a.npy", npy_bytes("(" * 9000))), "a.npz"),
        (npz_of(("a.npy", npy_bytes(header(), bytes(24))), compression=zipfile.ZIP_LZMA), "claims"),
        (npz_of(("a.npy", npy_bytes(header(), bytes(24)).replace(b"NUMPY\1", b"NUMPY\3"))), "version"),
    ],
)
def test_bad_npz(tmp_path, content, said):
    (tmp_path / "a.npz").write_bytes(content)
    refused(read_npz, tmp_path / "a.npz", said)


def test_npz_names_are_unique(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = npz_of(*[("a.npy", npy_bytes(header(), bytes(24)))] * 2)
    (tmp_path / "a.npz").write_bytes(content)
    refused(read_npz, tmp_path / "a.npz", "different names")


def test_npz_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    refused(read_npz, tmp_path / "a.npz", "only numbers")


def test_npz_bomb(tmp_path):
    # A member that claims 2**31 bytes packed into a few: the directory is patched, since a real one would be large.
    content = npz_of(("a.npy", npy_bytes(header(shape="(268435440,)"), bytes(2**10))), compression=zipfile.ZIP_DEFLATED)
    size = struct.pack("<I", len(npy_bytes(header(shape="(268435440,)"))) + 2**10)
    (tmp_path / "a.npz").write_bytes(content.replace(size, struct.pack("<I", 2**31)))
    refused(read_npz, tmp_path / "a.npz", "claims 2147483648 bytes")


def test_npz_limit(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000), y=np.zeros(1000))
    refused(read_npz, tmp_path / "a.npz", "above limit=16000", limit=16000)
    assert list(read_npz(tmp_path / "a.npz", limit=17000)) == ["x", "y"]


@fuzz
@given(st.data())
def test_damaged_npz(tmp_path, data):
    a = np.arange(6.0).reshape(2, 3)
    content = npz_of(("a.npy", npy_bytes(header(shape="(2, 3)"), a.tobytes())), compression=zipfile.ZIP_DEFLATED)
    path = tmp_path / "a.npz"
    path.write_bytes(damaged(data, content))
    try:
        got = read_npz(path)
    except FileError:
        return
    # The checksum covers the data; a flipped bit in the name or in fields without meaning may pass.
    assert zlib.crc32(next(iter(got.values())).tobytes()) == zlib.crc32(a.tobytes())
