"""A folder of checkpoints: how a new one comes to be there at once and whole, and how old ones go.

A checkpoint is a folder of two files. It is written under the name "partial" and takes its own only when all of it is
on the disk, so one that is named ckpt-... is whole, and the one with the highest number is the latest. A removed one is
named "partial" again before its files go.
"""

import hashlib
import os
import re
from itertools import count

from ..base.files import locked, open_regular, remove, sync_folder, write_synced
from .state import state_text
from .tensors import CHUNK, read_arrays, read_header

ARRAYS, STATE, PARTIAL = "arrays.safetensors", "state.json", "partial"
NAME = re.compile(r"ckpt-([0-9]{6,18})")


def add(folder, chunks, state, keep):
    """Write a checkpoint as the newest in a folder, keep the newest `keep` of them, and return its folder.

    Parameters
    ----------
    folder : str
        Made when it is not there.
    chunks : list of bytes-like
        Content of the file of arrays.
    state : dict
        Content of the other file, to which size and checksum of the first are added.
    keep : int or None
    """
    if not os.path.isdir(folder):
        os.makedirs(folder, exist_ok=True)
        sync_folder(os.path.dirname(folder))
    with locked(folder):
        # What a killed run left behind.
        remove(os.path.join(folder, PARTIAL))
        new = write(folder, chunks, state)
        prune(folder, keep)
    return new


def write(folder, chunks, state):
    """Write both files under a name that does not count, then give it the next number; return the new folder."""
    partial = os.path.join(folder, PARTIAL)
    receipt = {"bytes": sum(len(c) for c in chunks)}
    try:
        os.mkdir(partial)
        write_synced(os.path.join(partial, ARRAYS), summed(chunks, receipt))
        write_synced(os.path.join(partial, STATE), [state_text({**state, "arrays": receipt})])
        sync_folder(partial)
        new = rename_next(folder, partial)
    except BaseException:
        remove(partial)
        raise
    sync_folder(folder)
    return new


def summed(chunks, receipt):
    """Yield pieces of the chunks, and at last add their checksum to `receipt`."""
    checksum = hashlib.sha256()
    for chunk in chunks:
        for i in range(0, len(chunk), CHUNK):
            checksum.update(chunk[i : i + CHUNK])
            yield chunk[i : i + CHUNK]
    receipt["sha256"] = checksum.hexdigest()


def rename_next(folder, partial):
    """Give a finished checkpoint the number after the highest one."""
    for number in count(max(numbered(folder), default=0) + 1):
        new = os.path.join(folder, f"ckpt-{number:06d}")
        if not os.path.lexists(new):
            os.rename(partial, new)
            return new


def prune(folder, keep):
    """Remove all but the newest `keep` checkpoints; each loses its name first, so that none is ever seen in part."""
    found = numbered(folder)
    for number in sorted(found)[:-keep] if keep else ():
        os.rename(found[number], os.path.join(folder, PARTIAL))
        remove(os.path.join(folder, PARTIAL))


def numbered(path):
    """Return number -> folder of the checkpoints in a folder."""
    try:
        with os.scandir(path) as entries:
            named = [(NAME.fullmatch(e.name), e) for e in entries]
            return {int(m[1]): e.path for m, e in named if m and e.is_dir(follow_symlinks=False)}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def whole_ones(path):
    """Return the folders of the checkpoints in a folder that have both files, oldest first."""
    found = numbered(os.path.abspath(path))
    both = (ARRAYS, STATE)
    return [found[n] for n in sorted(found) if all(os.path.isfile(os.path.join(found[n], name)) for name in both)]


def read_checked(path, told, file):
    """Return the arrays in a file by name; its size and checksum must be those of the receipt `told`."""
    checksum = hashlib.sha256()
    f, size = open_regular(path)
    with f:
        if size != told["bytes"]:
            raise file.error(f"{ARRAYS} has {size} bytes, and was written with {told['bytes']}")
        entries, _ = read_header(f, size, file)
        begin = f.tell()
        f.seek(0)
        checksum.update(f.read(begin))
        arrays = read_arrays(f, entries, file, checksum.update)
    if checksum.hexdigest() != told["sha256"]:
        raise file.error(f"{ARRAYS} does not agree with its checksum in {STATE}")
    return arrays
