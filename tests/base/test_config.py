"""The settings."""

import os
import sys
from pathlib import Path

import pytest

from nbgrad.base.config import Config
from nbgrad.base.errors import ArgumentError


def test_defaults_are_all_processors_and_the_users_cache_folder(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    config = Config.read({})
    most = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert config.num_threads == config.max_threads == most
    assert config.cache_dir() == Path.home() / ".cache" / "nbgrad"
    assert config.code_flags == ()


@pytest.mark.parametrize(
    ("environ", "num_threads", "max_threads"),
    [
        ({"NUMBA_NUM_THREADS": "6"}, 6, 6),
        ({"NUMBA_NUM_THREADS": "6", "NBGRAD_NUM_THREADS": "2"}, 2, 6),
        ({"NUMBA_NUM_THREADS": "6", "NBGRAD_NUM_THREADS": "99"}, 6, 6),
        ({"NUMBA_NUM_THREADS": "6", "NBGRAD_NUM_THREADS": ""}, 6, 6),
    ],
)
def test_threads(environ, num_threads, max_threads):
    config = Config.read(environ)
    assert (config.num_threads, config.max_threads) == (num_threads, max_threads)


@pytest.mark.parametrize("text", ["many", "0", "-2", "1.5"])
def test_a_wrong_number_of_threads_is_told_with_its_variable(text):
    with pytest.raises(ArgumentError, match=f"NBGRAD_NUM_THREADS is '{text}'"):
        Config.read({"NBGRAD_NUM_THREADS": text})


@pytest.mark.parametrize(
    ("platform", "environ", "folder"),
    [
        ("linux", {"XDG_CACHE_HOME": "/here/cache"}, Path("/here/cache/nbgrad")),
        ("darwin", {}, Path.home() / "Library" / "Caches" / "nbgrad"),
        ("win32", {"LOCALAPPDATA": "/users/me/local"}, Path("/users/me/local/nbgrad")),
        ("win32", {}, Path.home() / "AppData" / "Local" / "nbgrad"),
    ],
)
def test_cache_folder_of_each_platform(monkeypatch, platform, environ, folder):
    monkeypatch.setattr(sys, "platform", platform)
    assert Config.read(environ).cache_dir() == folder


def test_cache_folder_that_was_asked_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Config.read({"NBGRAD_CACHE_DIR": "kernels"}).cache_dir() == tmp_path / "kernels"
    assert Config.read({"NBGRAD_CACHE_DIR": "~/kernels"}).cache_dir() == Path.home() / "kernels"


def test_flags_of_numba_that_change_machine_code_are_kept():
    assert Config.read({"NUMBA_OPT": "0", "NUMBA_NUM_THREADS": "2"}).code_flags == ("NUMBA_OPT=0",)
