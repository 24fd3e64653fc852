"""Launches in a row, between which nothing looks at a number: they become a CUDA graph where there can be one."""

from typing import Any, NamedTuple

from . import device, graph


class Ready(NamedTuple):
    """A launch with all it needs: a kernel and its grid, or a call of a library, which has none; words, flat arrays.

    before : what a kernel takes before them.
    """

    call: Any
    grid: tuple | None
    words: Any
    flats: list
    before: tuple = ()

    def queue(self, stream):
        """Queue it."""
        if self.grid is None:
            self.call(self.words, self.flats, stream)
        else:
            self.call[(*self.grid, stream)](*self.before, self.words, *self.flats)


class Part:
    """Launches, or what queues such; from the second run on they are a graph where there can be one.

    fixed : whether they are the same at each run, addresses and all.
    """

    def __init__(self, launches, fixed=True):
        self.launches, self.fixed, self.runs, self.graph = launches, fixed, 0, None

    def run(self, stream):
        """Queue all, as a graph where there is one."""
        if self.graph is None and self.runs == 1:  # kernels are loaded by now, which a capture cannot do
            self.graph = self._captured(stream)
        if self.graph is None:
            self.queue(stream)
        else:
            self.graph.launch(device.handle_of(stream))
        self.runs += 1

    def queue(self, stream):
        """Queue all, one by one."""
        for launch in self.launches:
            launch.queue(stream)

    def _captured(self, stream):
        found = graph.driver() if self.fixed else None
        if found is None or sum([getattr(launch, "size", 1) for launch in self.launches]) < 2:
            return None
        try:
            return graph.capture(found, graph.aside(found, device.selected(), device.handle_of(stream)), self.queue)
        except Exception:  # of any package or library: what cannot be captured is launched one by one, and raises then
            return None
