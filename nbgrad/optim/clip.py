"""Gradients held within bounds, in place: by the length of all of them together, or value by value."""

from ..base.errors import ArgumentError, problem
from ..creation import full
from ..ops import reduce
from ..ops.arithmetic import clip, maximum, sqrt
from ..tape.tape import no_grad
from .optimizer import named_leaves


def gradients_of(tree):
    """Return the gradients in a tree: of leaves that require a gradient their `.grad`, other leaves themselves."""
    found = [t.grad if t.requires_grad and t.is_leaf else t for t in named_leaves(tree).values() if t is not None]
    return [g for g in found if g is not None and g.dtype.kind == "f"]


def clip_by_norm(tree, limit):
    """Scale all gradients by one number so that their common Euclidean length is at most `limit` (Pascanu et al. 2013).

    Parameters
    ----------
    tree : Module, dict, sequence or Tensor
        Parameters, whose `.grad` is meant, or gradients as `ng.grad` returns them. Changed in place.
    limit : float
        Largest length; shorter gradients stay as they are, to the bit.

    Returns
    -------
    Tensor
        Length before clipping, 0-d; 0 when there is no gradient. A NaN in it is in every gradient afterwards.

    Notes
    -----
    arXiv:1211.5063, algorithm 1.

    Examples
    --------
    >>> import nbgrad as ng
    >>> g = ng.tensor([3.0, 4.0])
    >>> clip_by_norm([g], 1.0).item(), g.numpy().round(6).tolist()
    (5.0, [0.6, 0.8])
    """
    if not limit > 0:
        raise problem(ArgumentError, f"clip_by_norm: limit={limit} must be positive", "limit=1.0")
    gradients = gradients_of(tree)
    if not gradients:
        return full((), 0.0)
    with no_grad():
        length = sqrt(sum((reduce.sum(g * g) for g in gradients), start=0.0))
        scale = limit / maximum(length, limit)
        for g in gradients:
            g *= scale.astype(g.dtype)
    return length


def clip_by_value(tree, limit):
    """Hold every number of the gradients within [-limit, limit], in place.

    Parameters
    ----------
    tree : Module, dict, sequence or Tensor
        As in `clip_by_norm`.
    limit : float

    Examples
    --------
    >>> import nbgrad as ng
    >>> g = ng.tensor([3.0, -0.5])
    >>> clip_by_value([g], 1.0)
    >>> g.numpy()
    array([ 1. , -0.5])
    """
    if not limit > 0:
        raise problem(ArgumentError, f"clip_by_value: limit={limit} must be positive", "limit=1.0")
    with no_grad():
        for g in gradients_of(tree):
            g[...] = clip(g, -limit, limit)
