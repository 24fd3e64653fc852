"""Kernels that are noted, and compiled by other processes."""

import ctypes
import os

import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import KernelError
from nbgrad.target.cpu import load, store
from nbgrad.target.cpu.prelude import prelude
from nbgrad.target.cpu.wanted import compile_all, wanted_kernels

FILL = """

@kernel
def fill_wanted(args, tile):
    at0(args)[tile] = T0({number})
"""
KIND = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


def text_of(number):
    return prelude(("float32",)) + FILL.format(number=number)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of its own, for other processes too."""
    monkeypatch.setattr(config, "cache", str(tmp_path / "cache"))
    monkeypatch.setitem(os.environ, "NBGRAD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "_spare", None)
    return tmp_path / "cache"


def test_kernels_are_noted_and_do_nothing(folder):
    addresses = []
    wanted = wanted_kernels(lambda: addresses.extend(load.load(text_of(i % 3), "fill_wanted") for i in range(5)))
    assert list(wanted.kernels) == wanted.missing() == [(text_of(i), "fill_wanted") for i in range(3)]
    assert len(set(addresses)) == 1
    KIND(addresses[0])(0, 0)  # would end the process if it wrote
    assert load.instead is None


def test_an_error_ends_the_noting(folder):
    with pytest.raises(ZeroDivisionError):
        wanted_kernels(lambda: 1 / 0)
    assert load.instead is None


def test_two_processes_compile_what_is_missing(folder):
    kernels, seen = [(text_of(i), "fill_wanted") for i in range(3)], []
    compile_all(kernels, 2, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert len(list(folder.glob("fill_wanted_*.o"))) == 3
    wanted = wanted_kernels(lambda: [load.load(text_of(i), "fill_wanted") for i in range(4)])
    assert wanted.missing() == [(text_of(3), "fill_wanted")]
    for file in folder.glob("*.o"):
        file.write_bytes(b"damaged")
    assert len(wanted.missing()) == 4
    compile_all([], 2, seen.append)
    assert len(seen) == 3


def test_a_kernel_that_cannot_be_compiled_is_told(folder):
    with pytest.raises(KernelError, match="nothing_here"):
        compile_all([(text_of("nothing_here"), "fill_wanted")], 1, lambda done, total: None)
