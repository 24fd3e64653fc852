"""Named arrays in a file, in the safetensors format: a table of contents in JSON, then the bytes.

The format is written and read here, without the package of that name: the table of contents of a file from outside is
checked in full before a byte of it is believed or an array is allocated.
"""

import json
import math
import os
from typing import NamedTuple

import numpy as np

from ..base.errors import ArgumentError, DtypeError, FileError, problem
from ..base.files import open_regular, reading, reason, write_whole

CODES = {
    "bool": "BOOL", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64", "uint8": "U8", "uint16": "U16",
    "uint32": "U32", "uint64": "U64", "float16": "F16", "float32": "F32", "float64": "F64",
}  # fmt: skip
DTYPES = {code: np.dtype(name).newbyteorder("<") for name, code in CODES.items()}
# No NumPy dtype: read as the upper halves of float32 numbers.
DTYPES["BF16"] = np.dtype("<u2")
MAX_HEADER = 100_000_000
MAX_NDIM = 32
CHUNK = 2**24
ROOM = "room on the disk, and a folder that can be written to; what was there before is unharmed"


class Entry(NamedTuple):
    """One line of the table of contents.

    Attributes
    ----------
    code : str
        Dtype as the format names it.
    shape : tuple of int
    begin, end : int
        Where the bytes are, counted from the end of the header.
    """

    code: str
    shape: tuple
    begin: int
    end: int


def save_tensors(path, tensors, metadata=None):
    """Write named arrays to a safetensors file; the file is there whole, or as it was before.

    Parameters
    ----------
    path : path-like
    tensors : dict of str to array_like
        Tensors or arrays of bool, integers or floats, of any shape and layout.
    metadata : dict of str to str, optional
        Texts to keep with them.

    Raises
    ------
    ArgumentError, DtypeError
        For names or metadata that are not texts, and dtypes the format has not.
    FileError
        When the file cannot be written.

    References
    ----------
    https://github.com/huggingface/safetensors, section Format.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save_tensors(path, {"weight": np.ones((2, 3), np.float32)})
    ...     load_tensors(path)["weight"].shape
    (2, 3)
    """
    chunks = tensor_chunks(tensors, metadata)
    try:
        write_whole(path, chunks)
    except OSError as error:
        raise problem(FileError, f"save_tensors({os.fspath(path)!r}): {reason(error)}", ROOM) from error


def load_tensors(path):
    """Read all arrays of a safetensors file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict of str to ndarray
        In the order of the file's table of contents, in native byte order; bfloat16 is widened to float32.

    Raises
    ------
    FileError
        When the file is damaged: whatever it says is checked before it is believed.
    """
    with reading(f"load_tensors({os.fspath(path)!r})", "a whole safetensors file") as file:
        f, size = open_regular(path)
        with f:
            entries, _ = read_header(f, size, file)
            return read_arrays(f, entries, file)


def tensor_info(path):
    """Read the table of contents of a safetensors file, and no arrays.

    Returns
    -------
    entries : dict of str to Entry
        Dtype code ("F32"), shape, and place of each array.
    metadata : dict of str to str

    Raises
    ------
    FileError
        When the table is damaged.
    """
    with reading(f"tensor_info({os.fspath(path)!r})", "a whole safetensors file") as file:
        f, size = open_regular(path)
        with f:
            return read_header(f, size, file)


def tensor_chunks(tensors, metadata=None):
    """Return the bytes of a safetensors file as a list of bytes and memory views."""
    arrays = {name: as_array(name, value) for name, value in tensors.items()}
    # The largest elements first, as the reference writer does: then all data are aligned.
    order = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    places, at = {}, 0
    for name in order:
        places[name] = [at, at + arrays[name].nbytes]
        at += arrays[name].nbytes
    header = {} if metadata is None else {"__metadata__": checked_metadata(metadata)}
    for name, a in arrays.items():
        header[name] = {"dtype": CODES[a.dtype.name], "shape": list(a.shape), "data_offsets": places[name]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little"), text, *(arrays[n].reshape(-1).view(np.uint8).data for n in order)]


def as_array(name, value):
    """Return `value` as a little-endian array that the format has a dtype for."""
    if not isinstance(name, str) or name == "__metadata__":
        raise problem(ArgumentError, f"save_tensors: {name!r} cannot name an array", "a text other than __metadata__")
    a = np.asarray(value)
    if a.dtype.name not in CODES:
        what = f"save_tensors: {name!r} is {a.dtype}{a.shape}; the format has {', '.join(CODES)}"
        raise problem(DtypeError, what, f'{name}.astype("float32")')
    return np.asarray(a, dtype=a.dtype.newbyteorder("<"))


def checked_metadata(metadata):
    """Return `metadata`, texts by texts."""
    if not all(isinstance(x, str) for pair in metadata.items() for x in pair):
        raise problem(ArgumentError, "save_tensors: metadata must be texts by texts", "str(value)")
    return dict(metadata)


def read_header(f, size, file):
    """Return (entries by name, metadata) of an open file of `size` bytes, checked, and stand at the first data byte."""
    length = int.from_bytes(f.read(8), "little")
    if size < 10 or not 2 <= length <= min(size - 8, MAX_HEADER):
        raise file.error(f"no safetensors header: it claims {length} bytes in a file of {size}")
    text = f.read(length)
    if not text.startswith(b"{"):
        raise file.error("the header is no JSON table")
    header = json.loads(text, object_pairs_hook=unique)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise file.error("the metadata are not texts")
    entries = {name: entry(name, value, file) for name, value in header.items()}
    check_places(entries, size - 8 - length, file)
    return entries, metadata


def unique(pairs):
    """Return a JSON object as a dict; a name given twice raises ValueError."""
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError(f"a name is given twice among {str([k for k, _ in pairs])[:100]}")
    return out


def entry(name, value, file):
    """Return one entry, its parts checked against each other."""
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise file.error(f"the entry {name!r} does not consist of dtype, shape and data_offsets")
    code, shape, places = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(code, str) or code not in DTYPES:
        raise file.error(f"{name!r} has the dtype {code!r}; known are {', '.join(DTYPES)}")
    if not whole_numbers(shape) or len(shape) > MAX_NDIM or not whole_numbers(places) or len(places) != 2:
        raise file.error(f"{name!r} has the shape {str(shape)[:80]} at {str(places)[:80]}")
    if places[1] - places[0] != math.prod(shape) * DTYPES[code].itemsize:
        raise file.error(f"{name!r} is {code} of shape {tuple(shape)}, which does not fill the bytes {places}")
    return Entry(code, tuple(shape), *places)


def whole_numbers(values):
    """Say whether `values` is a list of int that are not negative."""
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def check_places(entries, size, file):
    """Raise unless the entries fill the `size` bytes behind the header without overlap or gap."""
    at = 0
    for name, e in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if e.begin != at:
            raise file.error(f"{name!r} begins at byte {e.begin}, the one before it ends at {at}")
        at = e.end
    if at != size:
        raise file.error(f"the arrays take {at} bytes, but there are {size}")


def read_arrays(f, entries, file, seen=None):
    """Return the arrays of `entries` by name, read in the order of their bytes; `seen` is told each piece read."""
    arrays = {}
    for name, e in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        # Each has memory of its own: aligned, and free to go when the others stay.
        raw = np.empty(e.shape, DTYPES[e.code])
        memory, done = raw.reshape(-1).view(np.uint8).data, 0
        while done < raw.nbytes:
            piece = memory[done : done + CHUNK]
            count = f.readinto(piece)
            if not count:
                raise file.error(f"{name!r} is cut short after {done} of {raw.nbytes} bytes")
            if seen is not None:
                seen(piece[:count])
            done += count
        if e.code == "BOOL" and raw.size and raw.view(np.uint8).max() > 1:
            raise file.error(f"{name!r} is BOOL and holds bytes above 1")
        arrays[name] = native(raw, e.code)
    return {name: arrays[name] for name in entries}


def native(raw, code):
    """Return an array in the machine's byte order, bfloat16 widened to float32."""
    if code == "BF16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(raw.dtype.newbyteorder("="), copy=False)
