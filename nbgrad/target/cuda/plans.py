"""Planners of primitives for which a GPU wants other steps than the CPU: asked first, then those of `plan`."""

from ...plan.plan import Plan, plan_primitive

planners: dict = {}


def planner(name, contiguous=False):
    """Register the planner of a primitive for CUDA: `plan(inputs, attrs, out) -> Plan`, as `plan.plan.planner`."""

    def register(fn):
        planners[name] = (fn, contiguous)
        return fn

    return register


def plan_device(op, inputs, attrs, out) -> Plan:
    """Plan one call of a primitive."""
    return plan_primitive(op, inputs, attrs, out, planners.get(op.name))

