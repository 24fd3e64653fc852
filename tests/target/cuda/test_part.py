"""Launches in a row, and what of them becomes a graph."""

import pytest

from nbgrad.target.cuda.part import Part, Ready

pytestmark = pytest.mark.cuda


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
    part = Part([Ready(kernel, (1, 1), None, ())] * 2)
    for _ in range(4):
        part.run(stream)
    assert kernel.streams == [stream, stream, 9, 9]  # run, then captured aside: the default stream cannot
    assert driver.asked.count("cuGraphLaunch") == 3


class RefusedError(Exception):
    """What a package raises for a launch that cannot be captured: no RuntimeError."""


def test_what_cannot_be_captured_is_launched_one_by_one(driver):
    driver.fails, kernel = "cuStreamBeginCapture", Kernel()
    part = Part([Ready(kernel, (1, 1), None, ())] * 2)
    for _ in range(3):
        part.run(7)
    assert kernel.streams == [7] * 6

    def library(words, flats, stream):
        if getattr(stream, "handle", stream) == 9:
            raise RefusedError

    driver.fails = ""
    part = Part([Ready(library, None, None, ()), Ready(kernel, (1, 1), None, ())])
    for _ in range(3):
        part.run(7)
    assert part.graph is None
    assert driver.asked[-2:] == ["cuStreamEndCapture", "cuGraphDestroy"]


def test_a_first_run_that_fails_is_none(driver):
    kernel, failing = Kernel(), [True, False, False]

    def library(words, flats, stream):
        if failing.pop(0):
            raise RefusedError

    part = Part([Ready(library, None, None, ()), Ready(kernel, (1, 1), None, ())])
    with pytest.raises(RefusedError):
        part.run(7)
    part.run(7)
    assert not driver.asked
    part.run(7)
    assert part.graph is not None


def test_what_is_another_at_each_run_is_no_graph(driver):
    kernel = Kernel()
    part = Part([Ready(kernel, (1, 1), None, ())] * 2, fixed=False)
    for _ in range(3):
        part.run(7)
    assert kernel.streams == [7] * 6
    assert not driver.asked
