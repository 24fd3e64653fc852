"""What the tests of elementary functions share: the module `sweep.py` beside them."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sweep():
    """Return the module that measures errors."""
    spec = importlib.util.spec_from_file_location("sweep", Path(__file__).with_name("sweep.py"))
    module = sys.modules["sweep"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
