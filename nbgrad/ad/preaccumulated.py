"""Turns of a loop that hand on one number: their way back is that number's gradient times a few factors.

Such a turn adds multiples of one gradient to that of the state before it and to those of what it read. The factors do not
depend on the gradient, so the way forward computes them, where many operations run side by side, and keeps them; on the
way back a turn then waits for one product instead of for all of its partials one after another.
"""

from .statements import Add, Const, Put, Ref, Set, Store, While
from .tidy import names

WORTH = 8  # operations of a turn on the way back that depend on the gradient: with fewer, keeping factors is no gain
MOST = 4  # factors that are kept at each turn
OUTSIDE = ("get", "load", "view", "new", "call", "array", "ruled")  # what the way forward cannot do for the way back


class Preaccumulated:
    """The part of `Reverse` that multiplies the partials of a turn on the way forward."""

    def back_turn(self, loop):
        """Write the way back through a turn of a loop into the open block, which is empty."""
        needed = set(self.needed)
        stacks = ((self.levels, (loop.head, self.block)), (self.hollow, set()), (self.now, loop)) if isinstance(loop, While) else ()
        for stack, own in stacks:  # what the head defines, the body gives gradients to
            stack.append(own)
        self.backward(loop.body)
        for stack, _ in stacks:
            stack.pop()
        if stacks:
            self.backward(loop.head)
        self.block[:] = self.factored(loop, self.block, needed)

    def factored(self, loop, made, needed):
        """Return the way back through a turn by its factors, or as it is where that is no gain.

        Parameters
        ----------
        loop : Loop or While
        made : list
            The way back through a turn.
        needed : set of str
            What the way back read without this loop.
        """
        seed = next((s for s in made if isinstance(s, Set) and s.op == "get"), None)
        if seed is None or id(loop) in self.deferred or id(loop) in self.around_it:
            return made
        outer, self.block = self.block, []
        found, ahead, self.block = self.factors(made, seed), self.block, outer
        if found is None:
            return made
        self.needed.clear()
        self.needed.update(needed)
        self.counted_in(loop, ahead)
        outer, self.block = self.block, [seed]
        rest: dict = {seed.args[0].name: Put(seed.args[0], Const(0.0, seed.out.type), seed.line)}
        for s, factor in found.values():
            if isinstance(factor, Ref) and self.path.get(factor.name):
                kept = Set(Ref(self.fresh("factor"), factor.type), "copy", (factor,), None, s.line)
                self.counted_in(loop, [kept])
                factor = self.need(kept.out)
            value = self.times(seed.out, factor)
            if isinstance(s, Store):
                self.block.append(Store(s.array, tuple(map(self.need, s.index)), value, True, s.line))
            else:
                rest[s.cell.name] = Put(s.cell, value, s.line) if s.cell == seed.args[0] else Add(s.cell, value, s.line)
        made, self.block = [*self.block, *rest.values()], outer
        return made

    def counted_in(self, loop, ahead):
        """Put statements at the end of the body of a loop, as if the function had them."""
        path = (*self.loops[id(loop)], loop)
        for s in ahead:
            self.home[s.out.name], self.defined[s.out.name], self.path[s.out.name] = loop.body, s, path
            self.order[id(s)] = len(self.order)
        loop.body += ahead

    def factors(self, made, seed):
        """Write the factors of a turn; return {what is added to: (a statement that does, its factor)}, None for no gain."""
        known = {seed.out.name: Const(1.0, seed.out.type)}
        found: dict = {}
        cleared, count = False, 0
        for s in made:
            on = isinstance(s, Set) and [a for a in s.args if isinstance(a, Ref) and a.name in known]
            if on:
                known[s.out.name], count = self.factor(s, known), count + 1
                if known[s.out.name] is None:
                    return None
            elif isinstance(s, Set) and s.op not in OUTSIDE:
                self.block.append(s)
            elif isinstance(s, Put) and s.cell == seed.args[0] and s.value == Const(0.0, s.cell.type) and not found:
                cleared = True
            elif isinstance(s, Add) or (isinstance(s, Store) and s.add):
                place = (s.array, s.index) if isinstance(s, Store) else s.cell
                if not isinstance(s.value, Ref) or s.value.name not in known or any(n in known for n in names((place,))):
                    return None
                factor = known[s.value.name]
                found[place] = (s, self.plus(found[place][1], factor) if place in found else factor)
            elif s is not seed:
                return None
        kept = [f for _, f in found.values() if isinstance(f, Ref)]
        if any(n in known for n in names(self.gradient.values())):
            return None  # somebody outside of the turn goes on with it
        return found if cleared and count >= WORTH and len(kept) <= MOST else None

    def factor(self, s, known):
        """Return by what a value is a multiple of the gradient, None where it is not one."""
        of = lambda v: known.get(v.name) if isinstance(v, Ref) else None
        if s.op == "*" and (of(s.args[0]) is None or of(s.args[1]) is None):
            return self.times(*(v if of(v) is None else of(v) for v in s.args))
        if s.op == "+" and None not in map(of, s.args):
            return self.plus(*map(of, s.args))
        if s.op == "-" and None not in map(of, s.args):
            return self.plus(of(s.args[0]), self.negative(of(s.args[1])))
        return self.negative(of(s.args[0])) if getattr(s.extra, "name", s.op) == "neg" else None
