"""What every optimizer shares: whose parameters, which gradients, how far it has come, and how to resume."""

import weakref

from ..base.errors import AnomalyError, ArgumentError, DtypeError, GradientError, ShapeError, problem
from ..base.tree import leaves_with_paths
from ..creation import asarray, zeros_like
from ..tape.tape import no_grad, recording
from ..tensor import Tensor

_models = weakref.WeakKeyDictionary()  # optimizer -> (prefix of names, model) of each model that it was made of


class Optimizer:
    """Base of the optimizers: an update rule is `slots`, `rates` and `update`.

    Parameters
    ----------
    parameters : Module, dict, iterable of Tensor, Tensor, or list of groups
        Anything with `named_parameters()`; a dict (possibly nested) name -> Tensor; tensors in order, named "0", "1".
        A group is a dict with the key "parameters" and any of the optimizer's options, which hold for that group alone;
        of several groups, names begin with the group's number: "1.weight".
    **options
        The optimizer's own options; `lr` is a number or a schedule: a function from the step to a number.

    Attributes
    ----------
    groups : list of dict
        Options per group, with "names"; may be changed between steps.
    count : int
        Steps taken.

    Notes
    -----
    A step is two parts. `rates` is Python: from the count and the options come a few numbers. `update` is ops on
    tensors, in place, reading those numbers; nothing else may depend on the count.
    """

    slots: tuple = ()
    followed = True  # a program that is recorded is told by `moves` what changes

    @property
    def name(self) -> str:
        """Name of the update rule."""
        return type(self).__name__

    def __init__(self, parameters, **options):
        self.check(options)
        self.tensors, self.groups = {}, []
        groups = as_groups(parameters)
        for i, group in enumerate(groups):
            self.add_group(group, options, f"{i}." if len(groups) > 1 else "")
        if not self.tensors:
            raise problem(
                ArgumentError,
                f"{self.name}: there are no parameters to update",
                "tensors with requires_grad=True, or model.parameters()",
            )
        self.count = 0
        self.missed = {}  # by name, in how many steps a parameter had no gradient
        self.memory = {}

    def add_group(self, group, options, prefix):
        """Name the tensors of one group and keep its options."""
        unknown = set(group) - {"parameters", *options}
        if unknown:
            raise problem(
                ArgumentError,
                f"{self.name}: a group has unknown options {sorted(unknown)}",
                f"one of {sorted(options)}",
            )
        own = {**options, **{k: v for k, v in group.items() if k != "parameters"}}
        self.check(own)
        named = {prefix + name: t for name, t in named_leaves(group["parameters"]).items()}
        if hasattr(group["parameters"], "named_parameters"):
            _models.setdefault(self, []).append((prefix, group["parameters"]))
        known = {id(t) for t in self.tensors.values()}
        for name, t in named.items():
            check_parameter(self.name, name, t)
            if id(t) in known:
                raise problem(ArgumentError, f"{self.name}: parameter {name!r} is given twice", "each parameter once")
            known.add(id(t))
        self.tensors.update(named)
        self.groups.append({"names": tuple(named), **own})

    def check(self, options):
        """Raise when an option is out of range; subclasses add their own."""
        lr = options["lr"]
        if not callable(lr) and not lr >= 0:
            raise problem(ArgumentError, f"{self.name}: lr={lr} must not be negative", "lr=1e-3")

    def rates(self, count, options) -> dict:
        """Return the numbers that update number `count` (from 1) needs; `options["lr"]` is a number here."""
        return options

    def update(self, p, g, memory, rates):
        """Change `p` and the tensors of the dict `memory` in place."""
        raise NotImplementedError

    def step(self, grads=None):
        """Update every parameter that has a gradient.

        Parameters
        ----------
        grads : dict, sequence or Module, optional
            Gradients by name, or in the order of the parameters; None entries are skipped. `p.grad` when left out.

        Raises
        ------
        ShapeError
            When a gradient has another shape than its parameter.
        GradientError
            When no parameter has a gradient, since the model has other tensors by now: `to` and `astype` make new ones.
        AnomalyError
            Under `detect_anomaly`, for a gradient that holds NaN.
        """
        gradients = self.gradients(grads)
        present = [[n for n in group["names"] if gradients.get(n) is not None] for group in self.groups]
        with no_grad():
            for names, rates in self.moves(present):
                for name in names:
                    p = self.tensors[name]
                    self.update(p, gradients[name], self.remembered(name, p), rates)

    def moves(self, present) -> list:
        """Return (names, rates) of the updates of a step; in a program that is recorded, rates that it is told anew."""
        found, recorder = self.advance(present), recording.recorder
        if recorder is None:
            return found

        def flat(moves):
            """Return what a recorded step depends on: who moves together where some have missed steps, and all rates."""
            together = tuple([tuple(names) for names, _ in moves]) if self.missed else len(moves)
            return [together, *[v for _, rates in moves for k, v in rates.items() if k != "names"]]

        told = iter(recorder.follow(flat(found), lambda: flat(self.advance(present)), lambda: self.advance(present, -1))[1:])
        for group in self.groups:
            recorder.watch(group, [k for k, v in group.items() if type(v) is not float and k != "lr"])
        recorder.watch(vars(self), ["memory", "groups", "tensors"])
        return [(names, {k: v if k == "names" else next(told) for k, v in rates.items()}) for names, rates in found]

    def advance(self, present, by=1) -> list:
        """Count a step of the parameters in `present` (names per group) and return (names, rates) of those of equal count."""
        found, missed = [], self.missed
        if by < 0:
            self.count += by
        if missed or sum(map(len, present)) < len(self.tensors):
            absent = self.tensors.keys() - {n for names in present for n in names}
            for name in absent:
                missed[name] = missed.get(name, 0) + by
        for group, names in zip(self.groups, present):
            lr = group["lr"]
            options = {**group, "lr": float(lr(self.count) if callable(lr) else lr)}
            alike = {}
            if missed:
                for name in names:
                    alike.setdefault(missed.get(name, 0), []).append(name)
            elif names:
                alike[0] = names
            found += [(same, self.rates(self.count + 1 - late, options)) for late, same in alike.items()]
        if by > 0:
            self.count += by
        return found

    @property
    def counts(self) -> dict:
        """How many updates each parameter has had, by name."""
        return {n: self.count - self.missed.get(n, 0) for n in self.tensors}

    def remembered(self, name, p):
        """Return the slots of one parameter, zeros at first."""
        if name not in self.memory:
            self.memory[name] = {s: zeros_like(p) for s in self.slots}
        return self.memory[name]

    def gradients(self, grads) -> dict:
        """Return name -> gradient for this step."""
        if grads is None:
            found = {n: t.grad for n, t in self.tensors.items()}
            if all(g is None for g in found.values()):
                self.check_tensors()
            return self.looked_at(found)
        named = self.in_order(grads) if isinstance(grads, (list, tuple)) else named_leaves(grads)
        unknown = [n for n in named if n not in self.tensors]
        if unknown:
            raise problem(
                ArgumentError,
                f"{self.name}.step(grads): {unknown[0]!r} is no parameter",
                f"names among {list(self.tensors)[:4]}",
            )
        for name, g in named.items():
            if g is not None and g.shape != self.tensors[name].shape:
                raise problem(
                    ShapeError,
                    f"{self.name}.step(grads): the gradient of {name!r} is {g.shape}, the "
                    f"parameter {self.tensors[name].shape}",
                    "the gradient of the same parameters",
                )
        return self.looked_at(named)

    def check_tensors(self):
        """Raise when a model that this was made of has put other tensors in the place of these."""
        for prefix, model in _models.get(self, ()):
            for name, t in model.named_parameters():
                if self.tensors.get(prefix + name, t) is not t:
                    raise problem(
                        GradientError,
                        f"{self.name}.step: no parameter has a gradient, and {prefix + name!r} of the model is another tensor by now",
                        "the optimizer made after model.to(...) and model.astype(...), which make new tensors",
                    )

    def in_order(self, values):
        """Return unnamed gradients by the names of the parameters."""
        if len(values) != len(self.tensors):
            raise problem(
                ArgumentError,
                f"{self.name}.step(grads): {len(values)} gradients for {len(self.tensors)} parameters",
                "one per parameter, None for those to be left alone",
            )
        return dict(zip(self.tensors, values))

    def looked_at(self, gradients):
        """Return `gradients`; under `detect_anomaly`, raise for one that holds NaN."""
        if recording.anomaly is not None:
            for name, g in gradients.items():
                if g is not None and bool((g != g).any()):
                    raise problem(
                        AnomalyError,
                        f"{self.name}.step: the gradient of {name!r} {g.shape} holds NaN",
                        "a smaller lr, clip_by_norm, or the op that detect_anomaly names in backward()",
                    )
        return gradients

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for t in self.tensors.values():
            t.grad = None

    def state(self) -> dict:
        """Return what resuming needs: copies of the arrays, and counts.

        Returns
        -------
        dict
            {"arrays": {"weight.momentum": ndarray, ...}, "scalars": {"step": int, ...}}; a parameter that was skipped
            at times has its own count under "name.step".
        """
        arrays = {f"{n}.{s}": t.numpy().copy() for n, slots in self.memory.items() for s, t in slots.items()}
        own = {f"{n}.step": c for n, c in self.counts.items() if c != self.count}
        return {"arrays": arrays, "scalars": {"step": self.count, **own}}

    def load_state(self, state):
        """Continue from `state()`; everything is checked before anything is changed.

        Raises
        ------
        ArgumentError
            For arrays that no parameter has, or a parameter with only some of its slots.
        ShapeError, DtypeError
            For arrays that do not fit.
        """
        arrays, scalars = dict(state["arrays"]), dict(state["scalars"])
        memory = {}
        for name, p in self.tensors.items():
            found = {s: arrays.pop(f"{name}.{s}") for s in self.slots if f"{name}.{s}" in arrays}
            if found and len(found) < len(self.slots):
                raise problem(
                    ArgumentError,
                    f"load_state: {name!r} has {sorted(found)}, and needs {list(self.slots)}",
                    "the state of an optimizer of the same kind",
                )
            if found:
                memory[name] = {s: checked(f"{name}.{s}", a, p) for s, a in found.items()}
        if arrays:
            raise problem(
                ArgumentError,
                f"load_state: {next(iter(arrays))!r} belongs to no parameter of this {self.name}",
                "the state of an optimizer of the same kind over the same names",
            )
        step = whole("step", scalars.pop("step", 0))
        counts = {n: whole(f"{n}.step", scalars.pop(f"{n}.step", step)) for n in self.tensors}
        if scalars:
            raise problem(
                ArgumentError, f"load_state: the scalar {next(iter(scalars))!r} is unknown", "only what state() gave"
            )
        self.count, self.memory = step, memory
        self.missed = {n: step - c for n, c in counts.items() if c != step}

    def __repr__(self):
        size = sum(t.size for t in self.tensors.values())
        options = [", ".join(f"{k}={v}" for k, v in g.items() if k != "names") for g in self.groups]
        return (
            f"{self.name}({'; '.join(options)}): {len(self.tensors)} parameters of {size:,} numbers, step {self.count}"
        )


def as_groups(parameters) -> list:
    """Return `parameters` as a list of groups."""
    if not hasattr(parameters, "named_parameters") and not isinstance(parameters, (dict, Tensor)):
        parameters = list(parameters)
        if parameters and all(isinstance(g, dict) and "parameters" in g for g in parameters):
            return parameters
    return [{"parameters": parameters}]


def named_leaves(tree) -> dict:
    """Return name -> leaf of a module, tensor, tree or iterable."""
    if hasattr(tree, "named_parameters"):
        return dict(tree.named_parameters())
    if not isinstance(tree, (dict, list, tuple)):
        tree = [tree] if hasattr(tree, "dtype") else list(tree)
    return dict(leaves_with_paths(tree))


def check_parameter(op, name, t):
    """Raise when `t` cannot be trained."""
    if not isinstance(t, Tensor):
        raise problem(
            ArgumentError,
            f"{op}: parameter {name!r} is {type(t).__name__}, not a Tensor",
            "ng.tensor(x, requires_grad=True)",
        )
    if not t.requires_grad:
        raise problem(
            ArgumentError,
            f"{op}: parameter {name!r} {t.shape} {t.dtype} does not require a gradient",
            "ng.tensor(x, requires_grad=True), or leave it out",
        )


def checked(name, array, p):
    """Return a stored array as a Tensor of the shape and dtype of `p`, on its device."""
    if tuple(array.shape) != p.shape:
        raise problem(
            ShapeError,
            f"load_state: {name!r} is {tuple(array.shape)}, the parameter {p.shape}",
            "the state of the same model",
        )
    if str(array.dtype) != str(p.dtype):
        raise problem(
            DtypeError, f"load_state: {name!r} is {array.dtype}, the parameter {p.dtype}", f'array.astype("{p.dtype}")'
        )
    return asarray(array).to(p.device).copy()


def whole(name, value) -> int:
    """Return a stored count as int."""
    if int(value) != value or value < 0:
        raise problem(
            ArgumentError, f"load_state: {name}={value!r} is no count of steps", "a whole number of at least 0"
        )
    return int(value)
