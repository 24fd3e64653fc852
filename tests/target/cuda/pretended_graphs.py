"""A driver that notes what is asked of it, for tests of graphs."""

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


class Stream:
    """A stream of a package."""

    def __init__(self, handle):
        self.handle = handle
