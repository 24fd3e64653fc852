"""The device "meta", which is nowhere: its arrays hold zeros, and kernels that would be launched there are noted.

So what a piece of work runs on a GPU is known, and can be compiled, where there is none.
"""

from .kernels import CALLS

_noted: dict = {}


class Noted:
    """The steps of a plan that is not run; calls of libraries are no kernels."""

    def __init__(self, plan):
        self.kernels = [step.kernel for step in plan.steps if step.kernel.loop not in CALLS]

    def run(self, arrays, stream):
        """Note the kernels."""
        _noted.update(dict.fromkeys(self.kernels))


def noted_kernels(work) -> list:
    """Call `work`, and return the kernels that it would have launched on "meta", each once."""
    _noted.clear()
    work()
    return list(_noted)
