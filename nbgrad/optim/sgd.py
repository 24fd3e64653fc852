"""Stochastic gradient descent, with momentum."""

from ..base.errors import ArgumentError, problem
from .formulas import decayed_sum, descend, penalized
from .optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent with momentum, Nesterov's too (Sutskever et al. 2013), as `torch.optim.SGD`.

    With m the momentum: `v = m v + g`, then `p -= lr v`, or with `nesterov` `p -= lr (g + m v)`.

    Parameters
    ----------
    parameters : Module, dict, iterable or list of groups
        See `Optimizer`.
    lr : float or schedule
    momentum : float in [0, 1)
    nesterov : bool
        Look ahead along the momentum; needs momentum.
    weight_decay : float
        L2 penalty: this times the parameter is added to its gradient.

    Examples
    --------
    >>> import nbgrad as ng
    >>> x = ng.tensor([1.0], requires_grad=True)
    >>> opt = ng.optim.SGD([x], lr=0.5)
    >>> opt.step([ng.tensor([1.0])])
    >>> x.item()
    0.5
    """

    def __init__(self, parameters, lr=1e-2, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
        if any(g["momentum"] for g in self.groups):
            self.slots = ("momentum",)

    def check(self, options):
        super().check(options)
        if not 0.0 <= options["momentum"] < 1.0:
            raise problem(ArgumentError, f"SGD: momentum={options['momentum']} is outside of [0, 1)", "momentum=0.9")
        if options["nesterov"] and not options["momentum"]:
            raise problem(ArgumentError, "SGD: nesterov=True needs momentum", "momentum=0.9")

    def update(self, p, g, memory, rates):
        if rates["weight_decay"]:
            g = penalized(g, p, rates["weight_decay"])
        if rates["momentum"]:
            v = memory["momentum"]
            v[...] = decayed_sum(v, g, rates["momentum"])
            g = decayed_sum(v, g, rates["momentum"]) if rates["nesterov"] else v
        p[...] = descend(p, g, rates["lr"])
