"""The settings."""

import math
import os
import sys
from pathlib import Path

import pytest

from nbgrad.base import config as config_module
from nbgrad.base.config import PRECISIONS, Config
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


def test_the_precision_of_products_on_devices():
    assert [Config.read({"NBGRAD_CUDA_PRECISION": n}).cuda_precision for n in ("", *PRECISIONS)] == ["float32", *PRECISIONS]
    assert Config.read({}).cuda_precision == "float32"
    with pytest.raises(ArgumentError, match="NBGRAD_CUDA_PRECISION is 'TF32'; it must be one of float32, tf32, bfloat16") as told:
        Config.read({"NBGRAD_CUDA_PRECISION": "TF32"})
    assert len(str(told.value).splitlines()) == 3


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


def test_no_home_is_a_folder_where_nothing_can_be_kept(monkeypatch):
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for platform in ("linux", "darwin"):
        monkeypatch.setattr(sys, "platform", platform)
        folder = Config.read({}).cache_dir()
        assert folder == Path(os.devnull) / "nbgrad"
        with pytest.raises(OSError, match=r"."):
            folder.mkdir(parents=True)


def test_the_room_of_the_cache_is_told_in_megabytes():
    assert Config.read({}).cache_bytes == 1 << 30
    assert Config.read({"NBGRAD_CACHE_MB": "5"}).cache_bytes == 5 << 20
    with pytest.raises(ArgumentError, match="NBGRAD_CACHE_MB is '5.5'"):
        Config.read({"NBGRAD_CACHE_MB": "5.5"})


def test_flags_of_numba_that_change_machine_code_are_kept():
    assert Config.read({"NUMBA_OPT": "0", "NUMBA_NUM_THREADS": "2"}).code_flags == ("NUMBA_OPT=0",)


@pytest.mark.parametrize(
    ("environ", "num_threads"),
    [({"OMP_NUM_THREADS": "1"}, 1), ({"OMP_NUM_THREADS": "1,2"}, 1), ({"OMP_NUM_THREADS": "1", "NBGRAD_NUM_THREADS": "2"}, 2),
     ({"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}, 2)],
)  # fmt: skip
def test_threads_are_as_few_as_other_libraries_are_told_to_use(environ, num_threads, monkeypatch):
    monkeypatch.setattr(config_module, "_processors", lambda: 4)
    assert Config.read(environ).num_threads == num_threads
    assert Config.read({**environ, "OMP_NUM_THREADS": "many"}).num_threads >= num_threads


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu.max": "nonsense"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3.0),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        ({}, math.inf),
    ],
)
def test_the_time_that_a_container_is_given(files, quota, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert config_module._quota(tmp_path) == quota


@pytest.mark.parametrize(("quota", "num_threads"), [(0.5, 1), (1.5, 2), (3.0, 3), (math.inf, 4)])
def test_threads_are_no_more_than_a_container_has_time_for(quota, num_threads, monkeypatch):
    monkeypatch.setattr(config_module, "_processors", lambda: 4)
    monkeypatch.setattr(config_module, "_quota", lambda: quota)
    assert Config.read({}).num_threads == num_threads
    assert Config.read({}).max_threads == Config.read({"NUMBA_NUM_THREADS": "4"}).num_threads == 4


def test_waiting_is_calmed_unless_the_user_says_how(monkeypatch):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    Config().calm_waiting()
    assert os.environ.pop("GOMP_SPINCOUNT") == "10000"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    Config().calm_waiting()
    assert "GOMP_SPINCOUNT" not in os.environ


def test_a_process_is_given_the_environment_with_changes(monkeypatch):
    monkeypatch.setenv("NBGRAD_TEST", "old")
    assert config_module.config.environ(NBGRAD_TEST="new")["NBGRAD_TEST"] == "new"
    assert config_module.config.environ()["NBGRAD_TEST"] == "old"
    assert "PATH" in config_module.config.environ()
