"""Readers of IDX and NPZ files: what a file says of itself is checked before it is believed; nothing is unpickled."""

import gzip
import math
import os
import zipfile

import numpy as np

from ..base.files import open_regular, reading

IDX_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_NDIM = 32
# Deflate shrinks a byte to no less than 1/1032 of it; what claims more is lying.
MOST_SHRINKING = 1032
LIMIT = 2**32


def read_idx(path, limit=LIMIT):
    """Read an array in the IDX format of the MNIST files, plain or gzipped.

    Parameters
    ----------
    path : path-like
        A name ending in .gz is not needed: gzip is known by its first bytes.
    limit : int
        Most bytes that the array may take.

    Returns
    -------
    ndarray
        In native byte order: uint8, int8, int16, int32, float32 or float64.

    Raises
    ------
    FileError
        When the file is no IDX file, is cut short, has bytes left over, or is larger than `limit`.

    References
    ----------
    The IDX file format, at the end of http://yann.lecun.com/exdb/mnist/.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels.idx")
    ...     with open(path, "wb") as f:
    ...         _ = f.write(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path)
    array([7, 2, 1], dtype=uint8)
    """
    with reading(f"read_idx({os.fspath(path)!r})", "a whole IDX file, plain or .gz; limit=... for large ones") as file:
        f, size = open_regular(path)
        with f:
            zipped = f.read(2) == b"\x1f\x8b"
            f.seek(0)
            if not zipped:
                return idx_array(f, file, size, limit, exact=True)
            with gzip.GzipFile(fileobj=f) as g:
                return idx_array(g, file, size * MOST_SHRINKING, limit, exact=False)


def idx_array(f, file, most, limit, exact):
    """Return the array in the open IDX file `f`, which holds `most` bytes, or at most that many when not `exact`."""
    head = f.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_DTYPES or head[3] > MAX_NDIM:
        raise file.error(f"no IDX header; the first bytes are {head.hex(' ') or 'missing'}")
    dtype, ndim = np.dtype(IDX_DTYPES[head[2]]), head[3]
    sizes = f.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise file.error(f"the header ends within its {ndim} sizes")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    claimed, there = math.prod(shape) * dtype.itemsize, most - 4 - 4 * ndim
    if claimed > there or (exact and claimed < there):
        raise file.error(f"the header says {dtype.name}{shape}, {claimed} bytes, but there are {there}")
    if claimed > limit:
        raise file.error(f"{dtype.name}{shape} takes {claimed} bytes, above limit={limit}")
    out = np.empty(shape, dtype)
    fill(f, out, file)
    if f.read(1):
        raise file.error(f"bytes are left over after {dtype.name}{shape}")
    return out.astype(dtype.newbyteorder("="), copy=False)


def fill(f, out, file):
    """Read the bytes of the array `out` from `f`."""
    memory, done = out.reshape(-1).view(np.uint8).data, 0
    while done < out.nbytes:
        count = f.readinto(memory[done : done + 2**24])
        if not count:
            raise file.error(f"the data end after {done} of {out.nbytes} bytes")
        done += count


def read_npz(path, limit=LIMIT):
    """Read the arrays of an .npz file (`numpy.savez`, `numpy.savez_compressed`); nothing is unpickled.

    Parameters
    ----------
    path : path-like
    limit : int
        Most bytes that all arrays together may take.

    Returns
    -------
    dict of str to ndarray
        Numbers, bools and texts, in the order of the file.

    Raises
    ------
    FileError
        When the file is damaged, holds objects, claims more than it has, or is larger than `limit`.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "data.npz")
    ...     np.savez(path, x=np.arange(3.0), y=[True])
    ...     read_npz(path)
    {'x': array([0., 1., 2.]), 'y': array([ True])}
    """
    with reading(f"read_npz({os.fspath(path)!r})", "a file that numpy.savez wrote; limit=... for large ones") as file:
        f, size = open_regular(path)
        with f, zipfile.ZipFile(f) as z:
            members = z.infolist()
            check_members(members, size, limit, file)
            return {m.filename.removesuffix(".npy"): npz_array(z, m, file) for m in members}


def check_members(members, size, limit, file):
    """Raise when the directory of a zip file of `size` bytes claims what cannot be."""
    names = [m.filename for m in members]
    if len(set(names)) < len(names) or not all(n.endswith(".npy") for n in names):
        raise file.error("its members must be .npy files with different names")
    for m in members:
        most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: MOST_SHRINKING}.get(m.compress_type, 0) * m.compress_size
        if m.compress_size > size or m.file_size > most:
            raise file.error(f"member {m.filename!r} claims {m.file_size} bytes in {m.compress_size} of {size}")
    total = sum(m.file_size for m in members)
    if total > limit:
        raise file.error(f"its arrays take {total} bytes, above limit={limit}")


def npz_array(z, member, file):
    """Return one array of an open zip file, after a look at its header."""
    with z.open(member) as f:
        version = np.lib.format.read_magic(f)
        if version not in ((1, 0), (2, 0)):
            raise file.error(f"member {member.filename!r} has the .npy version {version}")
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(f)
        claimed, there = math.prod(shape) * dtype.itemsize, member.file_size - f.tell()
        if dtype.kind not in "biufcSU" or dtype.itemsize == 0 or any(n < 0 for n in shape):
            raise file.error(f"member {member.filename!r} is {dtype}{shape}; only numbers, bools and texts are read")
        if claimed != there:
            raise file.error(f"member {member.filename!r} is {dtype}{shape}, {claimed} bytes, but there are {there}")
    with z.open(member) as f:
        return np.lib.format.read_array(f, allow_pickle=False)
