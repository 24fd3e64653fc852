"""Steps scaled by squares of past gradients: RMSProp forgets them slowly, Adagrad never."""

from ..base.errors import ArgumentError, problem
from .formulas import (
    decayed_sum,
    descend,
    descend_over_root,
    over_deviation,
    over_root,
    penalized,
    running_mean,
    running_square,
    square_sum,
)
from .optimizer import Optimizer


class RMSProp(Optimizer):
    """Divide the gradient by the root of a running mean of its square (Hinton 2012, lecture 6e).

    As `torch.optim.RMSprop`: `v = a v + (1 - a) g^2`, `p -= lr g / (sqrt(v) + eps)`; `centered` subtracts the square of
    the gradient's running mean from v (Graves 2013, arXiv:1308.0850), and with momentum b
    `u = b u + g / (sqrt(v) + eps)`, `p -= lr u`.

    Parameters
    ----------
    parameters : Module, dict, iterable or list of groups
        See `Optimizer`.
    lr : float or schedule
    alpha : float in [0, 1)
        How much of the running mean is kept.
    eps : float
    momentum : float in [0, 1)
    centered : bool
    weight_decay : float
        L2 penalty, added to the gradient.

    Examples
    --------
    >>> import nbgrad as ng
    >>> x = ng.tensor([1.0], requires_grad=True)
    >>> opt = ng.optim.RMSProp([x], lr=0.1, alpha=0.75)
    >>> opt.step([ng.tensor([4.0])])
    >>> round(x.item(), 6)
    0.8
    """

    slots = ("v",)

    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8, momentum=0.0, centered=False, weight_decay=0.0):
        super().__init__(
            parameters, lr=lr, alpha=alpha, eps=eps, momentum=momentum, centered=centered, weight_decay=weight_decay
        )
        if any(g["momentum"] for g in self.groups):
            self.slots += ("momentum",)
        if any(g["centered"] for g in self.groups):
            self.slots += ("mean",)

    def check(self, options):
        super().check(options)
        for name in ("alpha", "momentum"):
            if not 0.0 <= options[name] < 1.0:
                raise problem(ArgumentError, f"RMSProp: {name}={options[name]} is outside of [0, 1)", f"{name}=0.9")

    def update(self, p, g, memory, rates):
        if rates["weight_decay"]:
            g = penalized(g, p, rates["weight_decay"])
        new, v, eps = 1.0 - rates["alpha"], memory["v"], rates["eps"]
        v[...] = running_square(v, g, new)
        if rates["centered"]:
            mean = memory["mean"]
            mean[...] = running_mean(mean, g, new)
            g = over_deviation(g, v, mean, eps)
        else:
            g = over_root(g, v, eps)
        if rates["momentum"]:
            u = memory["momentum"]
            u[...] = decayed_sum(u, g, rates["momentum"])
            g = u
        p[...] = descend(p, g, rates["lr"])


class Adagrad(Optimizer):
    """Divide the gradient by the root of the sum of its squares so far (Duchi, Hazan and Singer 2011).

    As `torch.optim.Adagrad`: `s += g^2`, `p -= lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)`;
    jmlr.org/papers/v12/duchi11a.html.

    Parameters
    ----------
    parameters : Module, dict, iterable or list of groups
        See `Optimizer`.
    lr : float or schedule
    lr_decay : float
    eps : float
    weight_decay : float
        L2 penalty, added to the gradient.

    Examples
    --------
    >>> import nbgrad as ng
    >>> x = ng.tensor([1.0], requires_grad=True)
    >>> opt = ng.optim.Adagrad([x], lr=0.5)
    >>> opt.step([ng.tensor([3.0])])
    >>> round(x.item(), 6)
    0.5
    """

    slots = ("sum",)

    def __init__(self, parameters, lr=1e-2, lr_decay=0.0, eps=1e-10, weight_decay=0.0):
        super().__init__(parameters, lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay)

    def rates(self, count, options):
        return {**options, "lr": options["lr"] / (1.0 + (count - 1) * options["lr_decay"])}

    def update(self, p, g, memory, rates):
        if rates["weight_decay"]:
            g = penalized(g, p, rates["weight_decay"])
        s = memory["sum"]
        s[...] = square_sum(s, g)
        p[...] = descend_over_root(p, g, s, rates["lr"], rates["eps"])
