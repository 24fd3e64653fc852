"""What all tests share: the table's rows as fixtures, and clean state around every test."""

import gc
import os
import re

os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")  # kernels of the CUDA target run as Python; `make test-cuda` says 0

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import nbgrad as ng
from nbgrad.docs import rows
from nbgrad.tape.tape import recording
from nbgrad.target.cuda import waiting

# How long examples take says how busy the machine is, and nothing about nbgrad.
settings.register_profile("nbgrad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nbgrad")


def pytest_generate_tests(metafunc):
    """Give `op` every elementwise row and `dtype` both floats, where a test does not say otherwise itself."""
    given = " ".join(str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
    if "op" in metafunc.fixturenames and "op" not in re.split(r"\W+", given):
        found = rows()["elementwise"]
        metafunc.parametrize("op", found, ids=[r.name for r in found])
    if "dtype" in metafunc.fixturenames and "dtype" not in re.split(r"\W+", given):
        metafunc.parametrize("dtype", ["float32", "float64"])


def pytest_collection_modifyitems(items):
    """Leave tests of the CUDA target out where neither the simulator nor a GPU is there."""
    marked = [item for item in items if item.get_closest_marker("cuda")]
    reason = ng.cuda.why_not() if marked else None
    for item in marked if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def clean_state():
    """Fail a test that leaves recording off, a tape open, or errors of NumPy set otherwise."""
    before = np.geterr()
    yield
    waiting.known()  # a check that failed is heard of in the test that made it
    assert recording.on, "the test left recording off"
    assert not recording.tapes, "the test left a tape open"
    assert recording.depth == 0
    assert recording.anomaly is None
    assert np.geterr() == before


@pytest.fixture
def only_new_objects_are_collected():
    """Leave what was there before a test out of its searches for cycles: behind thousands of tests each takes seconds."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def rng():
    """A random generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture
def seeded():
    """nbgrad's own random state, set and given back."""
    before = ng.random.get_state()
    ng.random.seed(0)
    yield
    ng.random.set_state(before)
