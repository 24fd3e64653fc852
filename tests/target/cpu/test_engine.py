"""Loading machine code without Numba, and never ending the process."""

import ctypes

import pytest

from nbgrad.base.config import config
from nbgrad.base.errors import KernelError
from nbgrad.target.cpu import engine


@pytest.fixture
def fresh_fingerprint():
    engine.fingerprint.cache_clear()
    yield
    engine.fingerprint.cache_clear()


def test_a_function_from_ir():
    data = engine.compile_ir("define i64 @test_engine_twice(i64 %x) {\n  %y = mul i64 %x, 2\n  ret i64 %y\n}")
    address = engine.load_object(data, "test_engine_twice")
    assert ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(21) == 42


def test_a_symbol_that_is_nowhere_is_an_error():
    with pytest.raises(KernelError, match=r"some_kernel calls no_such_function, .*\n.*\n  try: "):
        engine.require("some_kernel", ("malloc", "no_such_function"))


def test_helpers_of_numba_are_found():
    engine.require("some_kernel", ("numba_unpickle", "cosf"))


def test_an_object_without_its_function_is_an_error():
    data = engine.compile_ir("define i64 @test_engine_one() {\n  ret i64 1\n}")
    with pytest.raises(KernelError, match="does not define"):
        engine.load_object(data, "test_engine_other")


def test_the_key_depends_on_text_and_flags(monkeypatch, fresh_fingerprint):
    first = engine.key("text")
    assert first == engine.key("text") != engine.key("text ")
    engine.fingerprint.cache_clear()
    monkeypatch.setattr(config, "code_flags", ("NUMBA_OPT=0",))
    assert engine.key("text") != first


def test_the_key_knows_the_version_of_numba():
    import numba

    assert numba.__version__ in engine.fingerprint().split("\n")
