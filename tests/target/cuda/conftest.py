"""What tests of the CUDA target share."""

import pytest

from nbgrad.target.cuda import graph
from nbgrad.target.cuda.package import package
from tests.target.cuda.pretended_graphs import Driver, Stream


@pytest.fixture
def driver(monkeypatch):
    """A driver in whose streams launches are captured."""
    made = Driver()
    monkeypatch.setattr(graph, "driver", lambda: made)
    monkeypatch.setattr(package().cuda, "external_stream", lambda handle: Stream(handle), raising=False)
    return made
