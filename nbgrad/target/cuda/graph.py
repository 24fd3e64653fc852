"""CUDA graphs: launches that are captured once, and started again with one call of the driver."""

import functools

from .device import handle_of
from .package import package

NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: of no concern to the default stream
RELAXED = 2  # CU_STREAM_CAPTURE_MODE_RELAXED: what other threads do meanwhile is no part of it


class Graph:
    """What was captured, ready to be started."""

    __slots__ = ("_driver", "_executable", "_graph")

    def __init__(self, driver, graph, executable):
        self._driver, self._graph, self._executable = driver, graph, executable

    def launch(self, stream):
        """Start it on a stream, by its handle; returns at once."""
        checked(self._driver.cuGraphLaunch(self._executable, stream))

    def __del__(self):
        if self._driver is not None:
            self._driver.cuGraphExecDestroy(self._executable)
            self._driver.cuGraphDestroy(self._graph)


def driver():
    """Return the driver's functions as cuda-bindings has them; None where it is not installed, or kernels are simulated."""
    if package().simulated:
        return None
    try:
        from cuda.bindings import driver as found
    except ImportError:
        return None
    return found


@functools.cache
def aside(found, number, handle):
    """Return the stream of a device in which launches are captured that are meant for another, by its handle.

    The default stream cannot capture, and no thread could use it while one does that waits for it. Each has one of its own,
    as libraries keep memory per stream, which graphs that run at the same time must not share.
    """
    (made,) = checked(found.cuStreamCreate(NON_BLOCKING))
    return package().cuda.external_stream(int(made))


def capture(found, stream, launch) -> Graph:
    """Return what `launch(stream)` queues on a stream of the package as a graph; nothing of it runs.

    Raises
    ------
    RuntimeError
        When the driver refuses something that was launched.
    """
    handle = handle_of(stream)
    checked(found.cuStreamBeginCapture(handle, found.CUstreamCaptureMode(RELAXED)))
    try:
        launch(stream)
    except BaseException:
        _, *graph = found.cuStreamEndCapture(handle)  # the stream is of no use while it captures
        if graph and graph[0]:
            found.cuGraphDestroy(graph[0])
        raise
    (graph,) = checked(found.cuStreamEndCapture(handle))
    try:
        (executable,) = checked(found.cuGraphInstantiate(graph, 0))
    except RuntimeError:
        found.cuGraphDestroy(graph)
        raise
    return Graph(found, graph, executable)


def checked(answer) -> tuple:
    """Return what a function of the driver gives besides its status; raise RuntimeError for a bad one."""
    status, *rest = answer
    if int(status):
        raise RuntimeError(f"{getattr(status, 'name', status)}")
    return tuple(rest)
