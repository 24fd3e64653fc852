"""Steps of plans made ready to launch: the words on the device, and which arrays each of them takes."""


import numpy as np

from .array import empty
from .kernels import function, grid
from .package import package


class Steps:
    """The steps of a plan, ready for arrays of one layout."""

    def __init__(self, plan, number=0):
        self.number, self.scratch = number, plan.scratch
        self.steps = []
        for step in plan.steps:
            pointers = tuple(zip(step.pointers, step.kernel.dtypes))
            self.steps.append((function(step.kernel), grid(step.kernel, step.words), pointers, step.words, {}))

    def run(self, arrays, stream=0):
        """Run on device arrays: the inputs, then the results."""
        made = [empty(shape, dtype, self.number) for shape, dtype in self.scratch]
        arrays = [*arrays, *made]
        for call, shape, pointers, words, known in self.steps:
            flats = [arrays[p].read_as(dtype) for p, dtype in pointers]
            offsets = tuple([offset for _, offset in flats])
            if shape is None:  # a call of a library
                call((*offsets, *words), [a for a, _ in flats], stream)
                continue
            found = known.get(offsets)
            if found is None:
                found = known[offsets] = words_on_device((*offsets, *words), self.number)
            call[(*shape, stream)](found, *[a for a, _ in flats])


def words_on_device(words, number):
    """Return words as an array of the package."""
    held = np.array(words, np.int64)
    return package().cuda.to_device(held)
