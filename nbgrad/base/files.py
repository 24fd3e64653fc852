"""Files from outside and files that must survive: open with care, report in one way, write whole or not at all."""

import os
import shutil
import stat
import threading
from contextlib import contextmanager, suppress

from .errors import FileError, NbgradError, problem


class reading:  # noqa: N801 - reads as a word in `with reading(...)`
    """Turn whatever goes wrong while a file is read into one FileError of three lines.

    A hostile file can make the parsers below us raise nearly anything, so every exception but nbgrad's own counts as
    the file's fault.

    Parameters
    ----------
    call : str
        The public call, such as "read_idx('train.idx')".
    fix : str
        What to try.
    """

    def __init__(self, call, fix):
        self.call, self.fix = call, fix

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, Exception) and not isinstance(error, NbgradError):
            raise self.error(reason(error)) from error

    def error(self, what):
        """Return a FileError about this file."""
        return problem(FileError, f"{self.call}: {what}", self.fix)


def reason(error) -> str:
    """Return one line about an exception, without its path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())[:200]
    return f"{text} ({type(error).__name__})" if text else type(error).__name__


def open_regular(path):
    """Open a regular file to read bytes; return (file, size in bytes).

    Pipes, devices and folders raise FileError at once, where `open` could wait for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise problem(FileError, f"{os.fspath(path)!r} is not a regular file", "the path of a file")
    return os.fdopen(descriptor, "rb"), status.st_size


@contextmanager
def locked(folder):
    """Let one process or thread at a time into a folder, where the system has such locks; a killed one lets go."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no locks; there, one writer is up to the user.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def sync_folder(path):
    """Make renames in a folder last through a power cut, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path, chunks):
    """Write chunks of bytes to a new file and wait until they are on the disk."""
    with open(path, "wb") as f:
        for chunk in chunks:
            f.write(chunk)
        f.flush()
        os.fsync(f.fileno())


def write_whole(path, chunks):
    """Put a file at `path` that holds all of `chunks`, or leave what was there before.

    The bytes go to a file beside it, which takes the name only when it is complete and on the disk.
    """
    path = os.path.abspath(path)
    partial = f"{path}.{os.getpid()}-{threading.get_ident()}.partial"
    try:
        write_synced(partial, chunks)
        os.replace(partial, path)
        sync_folder(os.path.dirname(path))
    finally:
        remove(partial)


def remove(path):
    """Remove a file or a folder with what it holds; one that is not there or cannot be removed is left."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        os.unlink(path)
