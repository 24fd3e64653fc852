"""The way back through calls of functions that call themselves: calls of the function of their gradients."""

from ..base.errors import GradientError, problem
from .statements import Array, Ref, Scalar, Set, walk


class BackCalls:
    """The part of `Reverse` that knows calls."""

    def back_call(self, s):
        """Give the arguments of a call their gradients: arrays add up in place, those of numbers are returned."""
        found = self.gradient.pop(s.out.name, None)
        if found is None:
            return
        g, active = self.got(found), tuple(i for i, v in enumerate(s.args) if self.is_active(v))
        pull = s.extra.derived("pull", active)
        args = [self.then(s, v) if isinstance(v.type, Array) else self.need(v) for v in s.args]
        shadows = [self.shadow(s.args[i]) for i in active if isinstance(s.args[i].type, Array)]
        out = Ref(self.fresh("pulled"), pull.result)
        self.block.append(Set(out, "call", (*args, g, *shadows), pull, s.line))
        for k, i in enumerate(i for i in active if isinstance(s.args[i].type, Scalar)):
            self.give(s.args[i], self.emit("part", (out,), pull.result.items[k], k))


def derived_once(f):
    """Return a function to be differentiated; refuse one that calls a derivative of a function that calls itself."""
    for s in walk(f.body):
        if isinstance(s, Set) and s.op == "call" and s.extra.kind != "call":
            raise problem(GradientError, f"no second derivative of {f.name}: {s.extra.source.name.removeprefix('call_')} calls itself",
                          "a loop with an explicit stack", at=f.where)  # fmt: skip
    return f
