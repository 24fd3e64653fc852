"""The order of calls as a partial one: which must run before which, and which may become one."""

import heapq

from .calls import Stop


class Order:
    """Calls by number, who waits for whom, and the groups they are merged to."""

    def __init__(self, calls):
        self.calls, self.group = calls, list(range(len(calls)))
        self._members = {i: [i] for i in self.group}
        self._latest = {i: i for i in self.group}  # group -> the last call of it and of all groups that it waits for
        self.before = {i: set() for i in self.group}  # group -> groups it waits for
        self.after = {i: set() for i in self.group}
        self.readers, self.writers = {}, {}
        stop = None
        for i, call in enumerate(calls):
            reads, writes = [r.slot for r in call.reads], [w.slot for w in call.writes]
            waits = {self.writers[s][-1] for s in (*reads, *writes) if s in self.writers}
            for s in writes:
                last = self.writers[s][-1] if s in self.writers else -1
                waits.update(j for j in self.readers.get(s, ()) if j > last)
            if stop is not None:  # what is written where others see it stays as it is when a run ends early
                waits.add(stop)
            if isinstance(call, Stop):
                stop = i
            for s in reads:
                self.readers.setdefault(s, []).append(i)
            for s in writes:
                self.writers.setdefault(s, []).append(i)
            waits.discard(i)
            self.before[i] = set(waits)
            for j in waits:
                self.after[j].add(i)

    def members(self, number) -> list:
        """Return the numbers of the calls of the group of a call."""
        return self._members[self.group[number]]

    def near(self, number) -> list:
        """Return calls that made what a call reads, or that read the same or what it writes over: the latest first."""
        call, found = self.calls[number], set()
        for r in call.reads:
            found.update(j for j in self.writers.get(r.slot, ()) if j < number)
            found.update(j for j in self.readers.get(r.slot, ())[-8:] if j < number)
        for w in call.writes:
            found.update(j for j in self.readers.get(w.slot, ()) if j < number)
        return sorted(found, reverse=True)

    def may_merge(self, a, b) -> bool:
        """Say whether the groups of two calls can be one: no third group must run between them."""
        a, b = self.group[a], self.group[b]
        return not self._path(a, b) and not self._path(b, a)

    def _path(self, a, b) -> bool:
        """Say whether something must run behind group `a` and before group `b`."""
        last = self._members[a][-1]
        waiting = [g for g in self.before[b] if g != a]
        seen = set(waiting)
        while waiting:
            g = waiting.pop()
            if self._latest[g] < last:
                continue
            if a in self.before[g]:
                return True
            for h in self.before[g]:
                if h not in seen and h != b:
                    seen.add(h)
                    waiting.append(h)
        return False

    def merge(self, a, b):
        """Make the groups of two calls one."""
        a, b = self.group[a], self.group[b]
        for i in self._members[b]:
            self.group[i] = a
        self._members[a] = sorted(self._members[a] + self._members.pop(b))
        for g in self.before.pop(b):
            self.after[g].discard(b)
            if g != a:
                self.before[a].add(g)
                self.after[g].add(a)
        for g in self.after.pop(b):
            self.before[g].discard(b)
            if g != a:
                self.after[a].add(g)
                self.before[g].add(a)
        self._latest[a] = latest = max(self._latest[a], self._latest.pop(b))
        waiting = [*self.after[a]]
        while waiting:
            g = waiting.pop()
            if self._latest[g] < latest:
                self._latest[g] = latest
                waiting += self.after[g]

    def sorted(self) -> list:
        """Return the groups, each as the numbers of its calls, in an order that all of them allow: the earliest call first."""
        waits = {g: len(before) for g, before in self.before.items()}
        ready = [(self._members[g][0], g) for g, n in waits.items() if n == 0]
        heapq.heapify(ready)
        out = []
        while ready:
            _, g = heapq.heappop(ready)
            out.append(self._members[g])
            for h in self.after[g]:
                waits[h] -= 1
                if waits[h] == 0:
                    heapq.heappush(ready, (self._members[h][0], h))
        return out

    def read_elsewhere(self, members) -> set:
        """Return the slots that calls outside of a group read."""
        own = set(members)
        written = {w.slot for i in members for w in self.calls[i].writes}
        return {s for s in written if any(j not in own for j in self.readers.get(s, ()))}
