"""The files of the kernel cache: sources and machine code, written in one piece and checked when read."""

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import NamedTuple

from ...base.config import config
from ...base.errors import NbgradCacheWarning

MAGIC = b"nbgrad object 1"
DAY = 86400  # seconds; how exactly it is known when a file was last used
OFTEN = 64  # files that a process writes between two looks at the size of the cache
_written = 0
_spare = None  # (process, folder) that stands in for a cache folder that cannot be written
_lock = threading.Lock()


class Object(NamedTuple):
    """Machine code: the function it defines, the symbols it needs, and the bytes of the object file."""

    symbol: str
    needs: tuple
    data: bytes


def folders() -> list:
    """Return the folders to read from: the cache folder, and its stand-in when there is one."""
    spare = _spare
    return [config.cache_dir()] + ([spare[1]] if spare is not None else [])


def path(name: str) -> Path:
    """Return where a file of the cache is, or would be written."""
    known = [folder / name for folder in folders()]
    return next((p for p in known if p.exists()), known[-1])


def write(name: str, data: bytes) -> Path:
    """Write a file into the cache, in one piece, and return its path.

    When the folder cannot be written (read-only, full) a temporary folder of this process takes its place, with one
    `NbgradCacheWarning`; when that fails too nothing is written.
    """
    if _spare is None or _spare[0] != os.getpid():
        target = config.cache_dir() / name
        try:
            _replace(target, data)
            _keep_bounded()
            return target
        except OSError as error:
            _open_spare(target.parent, error)
    target = _spare[1] / name
    with contextlib.suppress(OSError):
        _replace(target, data)
    return target


def _replace(target, data):
    """Write a file beside `target` and rename it, so that no reader ever sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, target)
    except OSError:
        if not holds(target, data):  # Windows does not replace a file that another process reads
            raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _keep_bounded():
    """Delete files that were not used for long, when the cache is larger than it may be."""
    global _written
    _written += 1
    if _written % OFTEN == 1:
        prune(config.cache_bytes)


def prune(limit: int) -> int:
    """Delete kernels until `limit` bytes are left, those first that were not used for the longest time.

    Returns how many files were deleted. Kernels that processes have loaded are not touched by it.
    """
    known = []
    for file in files():
        with contextlib.suppress(OSError):
            status = file.stat()
            known.append((status.st_mtime, status.st_size, file))
    total, count = sum(n for _, n, _ in known), 0
    if total <= limit:
        return 0
    for _, length, file in sorted(known):
        with contextlib.suppress(OSError):
            file.unlink()
            count, total = count + 1, total - length
        if total <= limit * 3 // 4:
            break
    return count


def _note_use(file):
    """Set the time of a file that is read, so that it is known which are not used any more."""
    with contextlib.suppress(OSError):
        if time.time() - file.stat().st_mtime > DAY:
            os.utime(file)


def writable() -> bool:
    """Say whether kernels can be kept, for other processes to read."""
    try:
        _replace(config.cache_dir() / f"probe_{os.getpid()}", b"")
        (config.cache_dir() / f"probe_{os.getpid()}").unlink()
    except OSError:
        return False
    return True


def holds(target: Path, data: bytes) -> bool:
    """Say whether a file is there and holds these bytes."""
    try:
        return target.read_bytes() == data
    except OSError:
        return False


def _open_spare(folder, error):
    global _spare
    with _lock:
        if _spare is None or _spare[0] != os.getpid():
            warned = _spare is not None
            _spare = (os.getpid(), Path(tempfile.mkdtemp(prefix="nbgrad-")))
            atexit.register(_close_spare, _spare)
            if not warned:
                warnings.warn(
                    f"compiled kernels cannot be kept in {folder} ({error.strerror or error}); "
                    f"they go to {_spare[1]} and are compiled again in the next process\n"
                    "  try: set NBGRAD_CACHE_DIR to a folder that can be written",
                    NbgradCacheWarning, stacklevel=2,
                )  # fmt: skip


def _close_spare(spare):
    if spare[0] == os.getpid():
        shutil.rmtree(spare[1], ignore_errors=True)


def write_object(name: str, found: Object) -> None:
    """Write machine code with its header."""
    write_checked(name, "\n".join([found.symbol, " ".join(found.needs), ""]).encode() + found.data)


def read_object(name: str) -> Object | None:
    """Read machine code back; None when there is none, or when it is damaged."""
    body = read_checked(name)
    if body is None:
        return None
    symbol, needs, data = body.split(b"\n", 2)
    return Object(symbol.decode(), tuple(needs.decode().split()), data)


def write_checked(name: str, body: bytes) -> None:
    """Write a file that says whether it is whole."""
    write(name, b"%s\n%s\n%s" % (MAGIC, hashlib.sha256(body).hexdigest().encode(), body))


def read_checked(name: str) -> bytes | None:
    """Read back what `write_checked` wrote; None when there is none, or when it is damaged."""
    for folder in folders():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            continue
        _note_use(folder / name)
        magic, _, rest = content.partition(b"\n")
        digest, _, body = rest.partition(b"\n")
        if magic == MAGIC and digest == hashlib.sha256(body).hexdigest().encode():
            return body
    return None


def clear() -> int:
    """Delete every file of the cache and return how many there were."""
    count = 0
    for file in files():
        with contextlib.suppress(OSError):
            file.unlink()
            count += 1
    return count


def files() -> list:
    """Return the kernel files of the cache: those whose names end in a hash."""
    return [
        file
        for folder in folders() if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix in (".py", ".o", ".json", ".tmp") and (file.suffix == ".tmp" or _is_hash(file.stem.rpartition("_")[2]))
    ]  # fmt: skip


def size(file) -> int:
    """Return the size of a file in bytes; 0 when another process has just deleted it."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _is_hash(text):
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)
