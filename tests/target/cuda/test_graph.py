"""Graphs: what is captured, and what is asked of the driver; a driver of its own stands for CUDA's."""

import pytest

from nbgrad.target.cuda import graph
from tests.target.cuda.pretended_graphs import Driver

pytestmark = pytest.mark.cuda


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
    assert driver.asked[-2:] == ["cuStreamEndCapture", "cuGraphDestroy"]
    with pytest.raises(RuntimeError, match="1"):
        graph.capture(Driver("cuGraphInstantiate"), 7, lambda stream: None)


def test_each_stream_has_one_of_its_own_to_capture_in(driver):
    streams = [graph.aside(driver, 0, handle) for handle in (0, 7, 0)]
    assert streams[0] is streams[2] is not streams[1]
    assert driver.asked == ["cuStreamCreate"] * 2


def test_there_is_no_driver_in_the_simulator():
    assert graph.driver() is None or hasattr(graph.driver(), "cuGraphLaunch")
