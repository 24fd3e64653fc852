"""Files of the cache: damage, folders that cannot be written."""

import errno
import os
import warnings

import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import NbgradCacheWarning
from nbgrad.target.cpu import store

NAME = "k_" + "0123456789abcdef" * 2 + ".o"
CODE = store.Object("nbgrad_k", ("expf", "tanf"), b"\x7fELF\n\n\0 machine code")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of its own, with no stand-in open."""
    monkeypatch.setattr(config, "cache", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_spare", None)
    return tmp_path / "cache"


def test_what_is_written_is_read(folder):
    assert store.read_object(NAME) is None
    store.write_object(NAME, CODE)
    assert store.read_object(NAME) == CODE
    store.write_object(NAME, CODE._replace(needs=()))
    assert store.read_object(NAME) == CODE._replace(needs=())
    assert [f.name for f in folder.iterdir()] == [NAME]


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:20],
        lambda b: b[:-1],
        lambda b: b + b"\0",
        lambda b: b[:-3] + bytes([b[-3] ^ 1]) + b[-2:],
        lambda b: b.replace(b"nbgrad_k", b"nbgrad_j"),
        lambda b: b"another file" + b,
    ],
    ids=["empty", "header cut", "end cut", "longer", "one bit", "symbol", "magic"],
)
def test_a_damaged_file_is_no_machine_code(folder, damage):
    store.write_object(NAME, CODE)
    content = (folder / NAME).read_bytes()
    assert damage(content) != content
    (folder / NAME).write_bytes(damage(content))
    assert store.read_object(NAME) is None


def test_a_folder_that_cannot_be_made_is_replaced_with_one_warning(folder):
    folder.write_text("a file where the folder should be")
    with pytest.warns(NbgradCacheWarning, match=r"cannot be kept in .*cache.*\n  try: set NBGRAD_CACHE_DIR") as seen:
        store.write_object(NAME, CODE)
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.write_object(NAME.replace("k_", "j_"), CODE)
    assert store.read_object(NAME) == CODE
    assert len(store.files()) == 2
    assert store.clear() == 2
    assert store.read_object(NAME) is None


def test_a_full_disk_is_no_error(folder, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(NbgradCacheWarning, match=os.strerror(errno.ENOSPC)):
        store.write_object(NAME, CODE)
    assert store.read_object(NAME) is None
    assert list(folder.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_still_read(folder, monkeypatch):
    store.write_object(NAME, CODE)
    real = os.replace

    def refuse(source, target):
        if os.path.dirname(target) == str(folder):
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    other = NAME.replace("k_", "j_")
    with pytest.warns(NbgradCacheWarning, match="Permission denied"):
        store.write_object(other, CODE)
    assert store.read_object(NAME) == store.read_object(other) == CODE
    assert store.path(NAME).parent == folder
    assert store.path(other).parent != folder


def test_a_file_that_another_process_wrote_first_is_enough(folder, monkeypatch):
    store.write_object(NAME, CODE)

    def busy(*args):
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(os, "replace", busy)
    store.write_object(NAME, CODE)
    assert [f.name for f in folder.iterdir()] == [NAME]


def test_clear_leaves_the_files_of_others(folder):
    store.write_object(NAME, CODE)
    store.write(NAME.replace(".o", ".py"), b"text")
    (folder / "notes.py").write_text("mine")
    (folder / f".{NAME}.1.2.tmp").write_text("left behind")
    assert store.clear() == 3
    assert [f.name for f in folder.iterdir()] == ["notes.py"]


def names(count):
    return [f"k{i}_" + "0123456789abcdef" * 2 + ".o" for i in range(count)]


def test_what_was_not_used_for_long_is_deleted_first(folder):
    for age, name in enumerate(names(8)):
        store.write_object(name, CODE)
        os.utime(folder / name, (1e9 - age, 1e9 - age))
    (folder / "notes.py").write_text("mine" * 1000)
    length = (folder / names(1)[0]).stat().st_size
    assert store.prune(8 * length) == 0
    assert store.prune(8 * length - 1) == 3  # down to three quarters
    assert sorted(f.name for f in folder.iterdir()) == [*names(5), "notes.py"]
    assert store.prune(0) == 5
    assert store.prune(0) == 0


def test_what_is_read_counts_as_used(folder):
    store.write_object(NAME, CODE)
    os.utime(folder / NAME, (1e9, 1e9))
    store.read_object(NAME)
    now = (folder / NAME).stat().st_mtime
    assert now > 1.7e9
    store.read_object(NAME)
    assert (folder / NAME).stat().st_mtime == now


def test_the_cache_stays_within_its_room(folder, monkeypatch):
    monkeypatch.setattr(config, "cache_bytes", 0)
    monkeypatch.setattr(store, "_written", 0)
    store.write_object(NAME, CODE)
    assert list(folder.iterdir()) == []
    for name in names(5):
        store.write_object(name, CODE)
    assert len(list(folder.iterdir())) == 5  # it is looked at once in a while


def test_whether_kernels_can_be_kept(folder):
    assert store.writable()
    assert list(folder.iterdir()) == []
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    assert not store.writable()
