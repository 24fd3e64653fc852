"""Plans of calls of functions of the user's, compiled: where their arguments lie, what they return, how large."""

from .plan import Kernel, Plan, Step

ALONE = "call_alone"  # the kernel of a function that starts threads of its own: nothing runs beside it


def plan_call(entry, params, changed, inputs, results, status) -> Plan:
    """Plan a call; its buffers are the inputs, the results and a status, then copies of the inputs that it writes into.

    Kernel words: the address of the function, the extents of the inputs, the extents of the results.

    Parameters
    ----------
    entry : int or what can be one
        The address. It has `result`, what is returned, and `parallel`, whether threads are started.
    params : tuple of Scalar, Array or Group
        What is given: the inputs in order, those of a group as a tuple.
    changed : tuple of int
        Numbers of the inputs.
    inputs : sequence of Layout
        In one piece, row by row; those without axes are given as numbers.
    results : sequence of (shape, dtype name)
    status : int
        How many words: 0 first where all went well.
    """
    scratch = tuple([(inputs[i].shape, inputs[i].dtype) for i in changed])
    shapes, dtypes = (*[shape for shape, _ in results], (status,)), (*[dtype for _, dtype in results], "int64")
    kinds = (*[x.dtype for x in inputs], *dtypes, *[dtype for _, dtype in scratch])
    words = (entry, *[n for x in inputs for n in x.shape], *[n for shape, _ in results for n in shape])
    kernel = Kernel(ALONE if entry.parallel else "call", kinds, None, (params, changed, entry.result))
    return Plan((Step(kernel, tuple(range(len(kinds))), words, 1),), shapes, dtypes, scratch)


def room(results) -> int:
    """Return how many words a status has: what happened, then the error, or the extents of a result that has others.

    >>> room([((2, 3, 4), "float64"), ((), "int64")])
    4
    """
    return 1 + max([2, *[len(shape) for shape, _ in results]])
