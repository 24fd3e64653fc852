"""Modules: objects whose attributes hold tensors, found by name for training, saving and showing."""

import copy

import numpy as np

from ..base.errors import ArgumentError, DtypeError, ShapeError, problem
from ..tape.tape import no_grad
from ..tensor import Tensor
from .show import module_text
from .walk import substitute, tensors_below, within


class Module:
    """Base of everything with parameters: set tensors and modules as attributes, and write `forward`.

    An attribute that is a Tensor with `requires_grad` is a parameter; another Tensor is state (running statistics).
    Modules and tensors may also lie in lists, tuples and dicts. Names join attributes, positions and keys:
    "layers.0.weight". A tensor held twice keeps its first name. `copy.deepcopy` and `pickle` work.

    A module is also a tree of its parameters, so `ng.grad(loss)(model, x)` returns a module of gradients.

    Examples
    --------
    >>> import nbgrad as ng
    >>> class Scale(ng.nn.Module):
    ...     def __init__(self):
    ...         self.factor = ng.tensor([2.0], requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> model = Scale()
    >>> list(model.parameters()), model(ng.tensor([3.0])).item()
    (['factor'], 6.0)
    """

    training = True
    _parameter_names = None

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def forward(self, *args, **kwargs):
        """Compute the output; subclasses write it."""
        raise problem(ArgumentError, f"{type(self).__name__} has no forward method", "def forward(self, x): ...")

    def named_modules(self):
        """Yield (name, module) of this module, whose name is "", and of all below it, each once."""
        yield from within(self, Module)

    def named_tensors(self):
        """Yield (name, tensor) of all parameters and state, each tensor once, in the order they were set."""
        yield from tensors_below(self, Module, Tensor)

    def named_parameters(self):
        """Yield (name, tensor) of all parameters."""
        names = self._parameter_names
        for name, t in self.named_tensors():
            if t.requires_grad if names is None else name in names:
                yield name, t

    def parameters(self) -> dict:
        """Return the parameters by name: a tree for `ng.grad`, optimizers, and `apply`.

        Examples
        --------
        >>> import nbgrad as ng
        >>> sorted(ng.nn.Linear(3, 2).parameters())
        ['bias', 'weight']
        """
        return dict(self.named_parameters())

    def apply(self, parameters, *args, **kwargs):
        """Return `self(*args, **kwargs)` computed with other tensors in the place of those named.

        Parameters
        ----------
        parameters : dict
            Name -> Tensor, of the shape of the one it stands for; tensors that are not named keep their place.
        *args, **kwargs
            For `forward`.

        Notes
        -----
        During the call the module itself holds these tensors: one thread at a time.

        Examples
        --------
        >>> import nbgrad as ng
        >>> model = ng.nn.Linear(2, 1, bias=False)
        >>> grads = ng.grad(lambda p: model.apply(p, ng.ones((1, 2))).sum())(model.parameters())
        >>> grads["weight"].tolist()
        [[1.0, 1.0]]
        """
        changed = self._replace(self._by_identity(parameters))
        try:
            return self(*args, **kwargs)
        finally:
            for module, name, old, new in changed:
                # An attribute that forward itself has set anew stays as forward set it.
                if module.__dict__.get(name) is new:
                    module.__dict__[name] = old

    def _by_identity(self, given):
        """Return id of each named tensor -> the tensor in `given` that stands for it."""
        own = dict(self.named_tensors())
        for name, t in given.items():
            if name not in own:
                raise problem(
                    ArgumentError, f"{type(self).__name__} has no tensor {name!r}", f"names among {list(own)[:6]}"
                )
            if getattr(t, "shape", own[name].shape) != own[name].shape:
                raise problem(
                    ShapeError,
                    f"{type(self).__name__}: {name!r} is {own[name].shape}, given was {t.shape}",
                    "equal shapes",
                )
        return {id(own[name]): t for name, t in given.items()}

    def _replace(self, by_id):
        """Put tensors in the place of others; return (module, attribute, old value, new value) for each change."""
        changed = []
        for _, module in list(self.named_modules()):
            for name, value in list(vars(module).items()):
                new = substitute(value, by_id)
                if new is not value:
                    changed.append((module, name, value, new))
                    module.__dict__[name] = new
        return changed

    def tree_flatten(self):
        """Return (parameters by name, function from other values by these names to a module that holds them)."""
        return self.parameters(), self._with

    def _with(self, parameters):
        """Return a copy that holds `parameters`; state is shared, other attributes are copied."""
        # A tensor that stands for itself in deepcopy's memo is shared.
        memo = {id(t): t for _, t in self.named_tensors()}
        memo.update({id(t): parameters[name] for name, t in self.named_parameters()})
        new = copy.deepcopy(self, memo)
        new._parameter_names = frozenset(parameters)
        return new

    def state(self) -> dict:
        """Return copies of all parameters and state as arrays by name.

        Examples
        --------
        >>> import nbgrad as ng
        >>> {name: a.shape for name, a in ng.nn.Linear(3, 2).state().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        return {name: t.numpy().copy() for name, t in self.named_tensors()}

    def load_state(self, state):
        """Set all parameters and state, in place; everything is checked before anything is changed.

        Parameters
        ----------
        state : dict
            Name -> array or Tensor; exactly the names, shapes and dtypes of this module.

        Raises
        ------
        ArgumentError
            For names that are missing or unknown.
        ShapeError, DtypeError
            For arrays that do not fit.
        """
        own = dict(self.named_tensors())
        arrays = {name: a.numpy() if isinstance(a, Tensor) else np.asarray(a) for name, a in state.items()}
        check_state(type(self).__name__, own, arrays)
        with no_grad():
            for name, t in own.items():
                t[...] = arrays[name]

    def train(self, mode=True):
        """Set training mode, here and below: dropout drops, batch norm learns its statistics. Returns the module."""
        for _, module in self.named_modules():
            module.training = bool(mode)
        return self

    def eval(self):
        """Set evaluation mode, here and below. Returns the module.

        >>> import nbgrad as ng
        >>> ng.nn.Dropout(0.5).eval()(ng.ones(2)).numpy()
        array([1., 1.])
        """
        return self.train(False)

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for _, t in self.named_parameters():
            t.grad = None

    def astype(self, dtype):
        """Cast all float tensors to `dtype`. Returns the module, with new tensors: make the optimizer afterwards.

        >>> import nbgrad as ng
        >>> ng.nn.Linear(2, 2).astype("float64").weight.dtype.name
        'float64'
        """
        return self._made_anew(lambda t: t.astype(dtype) if t.dtype.kind == "f" and t.dtype != dtype else t)

    def to(self, device):
        """Move all parameters and state to a device. Returns the module, with new tensors: make the optimizer afterwards.

        Raises
        ------
        DeviceError
            For a device that is not there.

        >>> import nbgrad as ng
        >>> ng.nn.Linear(2, 2).to("cpu").weight.device
        'cpu'
        """
        return self._made_anew(lambda t: t.to(device))

    def _made_anew(self, change):
        """Put changed tensors in the place of these; where nothing changes, the same stays. Returns the module."""
        changed = {}
        for _, t in self.named_tensors():
            new = change(t.detach())
            if new.data is not t.data:
                changed[id(t)] = new
                new.requires_grad = t.requires_grad
                t.zero_grad()  # an optimizer that holds it has nothing to do with the model any more, and finds no gradient
        self._replace(changed)
        return self

    def options(self) -> str:
        """Return what the module's line in the printout says between its parentheses."""
        return ""

    def __repr__(self):
        return module_text(self, Module, Tensor)


def check_state(owner, own, arrays):
    """Raise for the first name, shape or dtype in `arrays` that does not fit the tensors `own`."""
    missing = [n for n in own if n not in arrays]
    unknown = [n for n in arrays if n not in own]
    if missing or unknown:
        told = [f"{word} {names[:4]}" for word, names in (("missing", missing), ("unknown", unknown)) if names]
        raise problem(
            ArgumentError,
            f"{owner}.load_state: {', '.join(told)} ({len(missing)} missing, {len(unknown)} unknown)",
            "the state of a model built the same way",
        )
    for name, t in own.items():
        a = arrays[name]
        if a.shape != t.shape:
            raise problem(
                ShapeError,
                f"{owner}.load_state: {name!r} is {t.shape}, the state has {a.shape}",
                "a model of the same sizes",
            )
        if a.dtype != t.dtype:
            raise problem(
                DtypeError,
                f"{owner}.load_state: {name!r} is {t.dtype}, the state has {a.dtype}",
                f'model.astype("{a.dtype}") before, or cast the arrays',
            )
