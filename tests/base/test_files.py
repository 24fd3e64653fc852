"""Files are opened with care, and written whole or not at all."""

import os

import pytest

from nbgrad.base.errors import FileError, MissingPackageError
from nbgrad.base.files import open_regular, reading, remove, write_whole


def test_reading_reports_any_exception_in_three_lines():
    with pytest.raises(FileError) as e, reading("read('x')", "another file"):
        raise KeyError("a\nb")
    lines = str(e.value).splitlines()
    assert lines[0].startswith("read('x'): ")
    assert "test_files.py" in lines[1]
    assert lines[2] == "  try: another file"
    assert isinstance(e.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [FileError("mine"), MissingPackageError("mine"), KeyboardInterrupt()])
def test_reading_lets_through(error):
    with pytest.raises(type(error)) as e, reading("read('x')", "another file"):
        raise error
    assert e.value is error


def test_open_regular(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    f, size = open_regular(tmp_path / "a")
    with f:
        assert (f.read(), size) == (b"12345", 5)


@pytest.mark.skipif(os.name == "nt", reason="pipes are files on POSIX only")
def test_open_regular_refuses_what_could_wait_for_ever(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(FileError, match="not a regular file"):
            open_regular(path)


def test_write_whole_replaces(tmp_path):
    path = tmp_path / "a"
    write_whole(path, [b"old"])
    write_whole(path, iter([b"n", b"ew"]))
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


def test_write_whole_leaves_the_old_file_when_it_fails(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def chunks():
        yield b"new"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_whole(path, chunks())
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_remove(tmp_path):
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name in ("folder", "file", "absent"):
        remove(tmp_path / name)
    assert os.listdir(tmp_path) == []
