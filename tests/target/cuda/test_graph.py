"""Graphs: what is captured, and what is asked of the driver; a driver of its own stands for CUDA's."""

import pytest

from nbgrad.target.cuda import graph
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
            result = {"cuStreamEndCapture": ("graph",), "cuGraphInstantiate": ("executable",)}.get(name, ())
            return (1 if name == self.fails else 0, *result)

        return call


def test_a_graph_is_captured_launched_and_given_back():
    driver, launched = Driver(), []
    found = graph.capture(driver, 7, lambda: launched.append(1))
    assert launched == [1]
    found.launch(7)
    del found
    assert driver.asked == [
        "cuStreamBeginCapture", "cuStreamEndCapture", "cuGraphInstantiate", "cuGraphLaunch", "cuGraphExecDestroy", "cuGraphDestroy",
    ]  # fmt: skip


def test_a_capture_that_fails_is_ended():
    driver = Driver()

    def launch():
        raise RuntimeError("cannot be captured")

    with pytest.raises(RuntimeError, match="cannot be captured"):
        graph.capture(driver, 7, launch)
    assert driver.asked[-1] == "cuStreamEndCapture"
    with pytest.raises(RuntimeError, match="1"):
        graph.capture(Driver("cuGraphInstantiate"), 7, lambda: None)


class Kernel:
    """A kernel that counts its launches."""

    def __init__(self):
        self.count = 0

    def __getitem__(self, grid):
        return self

    def __call__(self, *args):
        self.count += 1


def test_launches_become_a_graph_at_the_second_run(monkeypatch):
    driver, kernel = Driver(), Kernel()
    monkeypatch.setattr(graph, "driver", lambda: driver)
    part = Part([(kernel, (1, 1), None, ()), (kernel, (1, 1), None, ())])
    for _ in range(4):
        part.run(7)
    assert kernel.count == 2 + 2  # run, then captured
    assert driver.asked.count("cuGraphLaunch") == 3
    alone = Part([(kernel, (1, 1), None, ()), (kernel, (1, 1), None, ())])
    for _ in range(3):
        alone.run(0)  # the default stream cannot be captured
    assert alone.graph is None


def test_what_cannot_be_captured_is_launched_one_by_one(monkeypatch):
    driver, kernel = Driver("cuStreamBeginCapture"), Kernel()
    monkeypatch.setattr(graph, "driver", lambda: driver)
    part = Part([(kernel, (1, 1), None, ()), (kernel, (1, 1), None, ())])
    for _ in range(3):
        part.run(7)
    assert kernel.count == 6


def test_there_is_no_driver_in_the_simulator():
    assert graph.driver() is None or hasattr(graph.driver(), "cuGraphLaunch")
