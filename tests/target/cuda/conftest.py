"""What tests of the CUDA target share."""

import pytest

import nbgrad as ng
from nbgrad.target.cuda import cublas, graph
from nbgrad.target.cuda.package import package
from tests.target.cuda.pretended_cublas import StandIn
from tests.target.cuda.pretended_graphs import Driver, Stream


@pytest.fixture
def driver(monkeypatch):
    """A driver in whose streams launches are captured."""
    made = Driver()
    monkeypatch.setattr(graph, "driver", lambda: made)
    monkeypatch.setattr(package().cuda, "external_stream", lambda handle: Stream(handle), raising=False)
    return made


@pytest.fixture
def pretended_cublas(monkeypatch):
    """What stands for cuBLAS."""
    found = StandIn()
    monkeypatch.setattr(cublas, "cublas", lambda: found)
    cublas.handle.cache_clear()
    ng.cuda.set_precision("float32")  # plans of other tests are forgotten
    yield found
    ng.cuda.set_precision("float32")
    cublas.handle.cache_clear()
