"""The rules of operations on whole arrays as statements."""

import functools

from .lower import lower
from .statements import Do, blocks, walk


@functools.lru_cache(maxsize=512)
def rule_text(rule, kinds):
    """Return the statements of a rule for arguments of given types, without checks: the shapes of a rule fit."""
    f = lower(rule, kinds)
    for b in [f.body, *[b for s in walk(f.body) for b in blocks(s)]]:
        b[:] = [s for s in b if not (isinstance(s, Do) and s.op == "same")]
    return f
