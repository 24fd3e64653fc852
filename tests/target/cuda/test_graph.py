"""Graphs: what is captured, and what is asked of the driver; a driver of its own stands for CUDA's."""

import pytest

from nbgrad.target.cuda import graph
from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.program import Part

pytestmark = pytest.mark.cuda


class Driver:
    """Functions of the driver that note what was asked, in order."""

    CUstreamCaptureMode = staticmethod(lambda mode: mode)

    def __init__(self, fails=""):
        self.asked, self.fails = [], fails

    def __getattr__(self, name):
        def call(*args):
            self.asked.append(name)
            result = {"cuStreamCreate": (9,), "cuStreamEndCapture": ("graph",), "cuGraphInstantiate": ("executable",)}.get(name, ())
            return (1 if name == self.fails else 0, *result)

        return call


def test_a_graph_is_captured_launched_and_given_back():
    driver, launched = Driver(), []
    found = graph.capture(driver, 7, launched.append)
    assert launched == [7]
    found.launch(7)
    del found
    assert driver.asked == [
        "cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate", "cuGraphLaunch", "cuGraphExecDestroy", "cuGraphDestroy",
    ]  # fmt: skip


def test_a_capture_that_fails_is_ended():
    driver = Driver()

    def launch(stream):
        raise RuntimeError("cannot be captured")

    with pytest.raises(RuntimeError, match="cannot be captured"):
        graph.capture(driver, 7, launch)
    assert driver.asked[-1] == "cuStreamEndCapture"
    with pytest.raises(RuntimeError, match="1"):
        graph.capture(Driver("cuGraphInstantiate"), 7, lambda stream: None)


@pytest.fixture
def driver(monkeypatch):
    """A driver in whose streams launches are captured."""
    made = Driver()
    monkeypatch.setattr(graph, "driver", lambda: made)
    monkeypatch.setattr(package().cuda, "external_stream", lambda handle: Stream(handle), raising=False)
    return made


class Stream:
    """A stream of a package."""

    def __init__(self, handle):
        self.handle = handle


def test_each_stream_has_one_of_its_own_to_capture_in(driver):
    streams = [graph.aside(driver, 0, handle) for handle in (0, 7, 0)]
    assert streams[0] is streams[2] is not streams[1]
    assert driver.asked == ["cuStreamCreate"] * 2


class Kernel:
    """A kernel that notes the streams of its launches."""

    def __init__(self):
        self.streams = []

    def __getitem__(self, grid):
        self.streams.append(getattr(grid[-1], "handle", grid[-1]))
        return self

    def __call__(self, *args):
        pass


@pytest.mark.parametrize("stream", [0, 7])
def test_launches_become_a_graph_at_the_second_run(stream, driver):
    kernel = Kernel()
    part = Part([(kernel, (1, 1), None, ()), (kernel, (1, 1), None, ())])
    for _ in range(4):
        part.run(stream)
    assert kernel.streams == [stream, stream, 9, 9]  # run, then captured aside: the default stream cannot
    assert driver.asked.count("cuGraphLaunch") == 3


class RefusedError(Exception):
    """What a package raises for a launch that cannot be captured: no RuntimeError."""


def test_what_cannot_be_captured_is_launched_one_by_one(driver):
    driver.fails, kernel = "cuStreamBeginCapture", Kernel()
    part = Part([(kernel, (1, 1), None, ()), (kernel, (1, 1), None, ())])
    for _ in range(3):
        part.run(7)
    assert kernel.streams == [7] * 6

    def library(words, flats, stream):
        if getattr(stream, "handle", stream) == 9:
            raise RefusedError

    driver.fails = ""
    part = Part([(library, None, None, ()), (kernel, (1, 1), None, ())])
    for _ in range(3):
        part.run(7)
    assert part.graph is None
    assert driver.asked[-1] == "cuStreamEndCapture"


def test_there_is_no_driver_in_the_simulator():
    assert graph.driver() is None or hasattr(graph.driver(), "cuGraphLaunch")
