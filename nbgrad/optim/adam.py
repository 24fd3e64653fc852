"""Adam and its kin: steps scaled by running means of the gradient and of its square."""

from ..base.errors import ArgumentError, problem
from ..ops.arithmetic import where
from ..ops.composite import norm
from .formulas import descend, descend_over_root, over_root, penalized, running_mean, running_square
from .optimizer import Optimizer


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), as `torch.optim.Adam`.

    `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`, both divided by `1 - b^t`, then `p -= lr m / (sqrt(v) + eps)`.

    Parameters
    ----------
    parameters : Module, dict, iterable or list of groups
        See `Optimizer`.
    lr : float or schedule
    betas : (float, float), each in [0, 1)
        How much of the old means is kept.
    eps : float
        Added to the root.
    weight_decay : float
        L2 penalty, added to the gradient; for decay apart from the gradient see `AdamW`.

    Examples
    --------
    >>> import nbgrad as ng
    >>> x = ng.tensor([1.0], requires_grad=True)
    >>> opt = ng.optim.Adam([x], lr=0.5)
    >>> opt.step([ng.tensor([3.0])])
    >>> round(x.item(), 6)
    0.5
    """

    slots = ("m", "v")

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def check(self, options):
        super().check(options)
        if not all(0.0 <= b < 1.0 for b in options["betas"]):
            raise problem(
                ArgumentError,
                f"{self.name}: betas={options['betas']} must be in [0, 1)",
                "betas=(0.9, 0.999)",
            )

    def rates(self, count, options):
        b1, b2 = options["betas"]
        first, second = 1.0 - b1**count, 1.0 - b2**count
        # m^ / (sqrt(v^) + eps) = m / (sqrt(v) + eps root) * root / first: the corrections cost no pass over memory.
        root = second**0.5
        return {**options, "new_m": 1.0 - b1, "new_v": 1.0 - b2, "eps": options["eps"] * root, "scale": root / first}

    def learn(self, g, memory, rates):
        """Take `g` into the running means, and return them."""
        m, v = memory["m"], memory["v"]
        m[...] = running_mean(m, g, rates["new_m"])
        v[...] = running_square(v, g, rates["new_v"])
        return m, v

    def update(self, p, g, memory, rates):
        if rates["weight_decay"]:
            g = penalized(g, p, rates["weight_decay"])
        m, v = self.learn(g, memory, rates)
        p[...] = descend_over_root(p, m, v, rates["lr"] * rates["scale"], rates["eps"])


class AdamW(Adam):
    """Adam whose weight decay is apart from the gradient (Loshchilov and Hutter 2019, arXiv:1711.05101).

    `p *= 1 - lr weight_decay`, then Adam's step; as `torch.optim.AdamW`. Parameters as `Adam`.

    Examples
    --------
    >>> import nbgrad as ng
    >>> x = ng.tensor([1.0], requires_grad=True)
    >>> opt = ng.optim.AdamW([x], lr=0.1, weight_decay=0.5)
    >>> opt.step([ng.tensor([0.0])])
    >>> round(x.item(), 6)
    0.95
    """

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def update(self, p, g, memory, rates):
        if rates["weight_decay"]:
            p *= 1.0 - rates["lr"] * rates["weight_decay"]
        m, v = self.learn(g, memory, rates)
        p[...] = descend_over_root(p, m, v, rates["lr"] * rates["scale"], rates["eps"])


class LAMB(Adam):
    """Adam with a trust ratio per parameter, for large batches (You et al. 2020, arXiv:1904.00962, algorithm 2).

    With r Adam's corrected direction plus `weight_decay p`: `p -= lr |p|/|r| r`, where a length of 0 makes the ratio 1.
    Parameters as `Adam`.

    Examples
    --------
    >>> import nbgrad as ng
    >>> x = ng.tensor([2.0], requires_grad=True)
    >>> opt = ng.optim.LAMB([x], lr=0.1, weight_decay=0.0)
    >>> opt.step([ng.tensor([5.0])])
    >>> round(x.item(), 6)
    1.8
    """

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=1e-2):
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def update(self, p, g, memory, rates):
        m, v = self.learn(g, memory, rates)
        r = rates["scale"] * over_root(m, v, rates["eps"])
        if rates["weight_decay"]:
            r = penalized(r, p, rates["weight_decay"])
        length, stride = norm(p), norm(r)
        none = (length == 0.0) | (stride == 0.0)
        ratio = where(none, 1.0, length / where(none, 1.0, stride))
        p[...] = descend(p, r, rates["lr"] * ratio)
