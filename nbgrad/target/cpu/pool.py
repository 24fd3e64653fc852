"""The pool of threads: workers, and the launcher that shares the tiles of a kernel with them, in LLVM IR.

A launch opens a gate; a worker that sees it open joins, takes tiles and leaves; the launch takes tiles itself, closes
the gate when none is left, and waits only for those who joined. So a worker that sleeps, or that the system keeps
from running, costs nothing: its tiles are done by the others. Tiles are dealt out in `pieces`, one run of neighbouring
tiles per thread, so that a thread meets the same memory from kernel to kernel; a thread that is done with its piece
takes tiles from the others. Which thread runs a tile never changes what the tile computes.

Python's own locks and threads (`PyThread_...`) are used for sleeping and starting: they are there on every platform,
need neither Python's lock nor a state of the interpreter, and no library that other packages share.
"""

import ctypes
import functools
import os
import time
from typing import NamedTuple

import llvmlite.binding as llvm

from .load import load_ir

# Words of the state, in lines of 64 bytes: what a launch reads; gate and job; then one line per thread.
BUSY, THREADS, POOL, START, ACQUIRE, RELEASE, YIELD, PAUSES = range(8)
GATE, KERNEL, BLOCK, TILES = range(8, 12)
LINE, LINES = 8, 16
COUNTER, ASLEEP, LOCK, STATE, NUMBER = range(5)  # words of a thread's line
MOST = 4095  # threads; a gate has room for 15 bits

PAUSE = {"x86": "call void @llvm.x86.sse2.pause()", "aarch64": "call void @llvm.aarch64.hint(i32 1)"}
DECLARED = {"x86": "declare void @llvm.x86.sse2.pause()", "aarch64": "declare void @llvm.aarch64.hint(i32)"}
IR = """
; The gate: bits 0-14 how many workers are in, bit 15 the launch sleeps until they left, bits 16-31 in how many pieces
; the tiles are dealt out (0: closed), bits 32-63 the number of the launch.
{declared}

define void @nbgrad_pause(i64 %count) {{
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%i.next, %loop]
  {pause}
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %count
  br i1 %more, label %loop, label %done
done:
  ret void
}}

; Give the processor to another thread for a moment, after a few microseconds of waiting.
define internal void @rest(ptr %state) {{
  %pauses.at = getelementptr i64, ptr %state, i64 7
  %pauses = load i64, ptr %pauses.at
  call void @nbgrad_pause(i64 %pauses)
  %yield.at = getelementptr i64, ptr %state, i64 6
  %yield = load ptr, ptr %yield.at
  call i32 %yield()
  ret void
}}

; Wake thread %w if it takes part and sleeps. Whoever clears the flag releases the lock, once.
define internal void @wake(ptr %state, i64 %w, i64 %pieces) {{
entry:
  %part = icmp slt i64 %w, %pieces
  br i1 %part, label %look, label %done
look:
  %line = shl i64 %w, 3
  %asleep = add i64 %line, 17
  %asleep.at = getelementptr i64, ptr %state, i64 %asleep
  %sleeps = load atomic i64, ptr %asleep.at seq_cst, align 8
  %may = icmp ne i64 %sleeps, 0
  br i1 %may, label %take, label %done
take:
  %was = atomicrmw xchg ptr %asleep.at, i64 0 seq_cst
  %mine = icmp ne i64 %was, 0
  br i1 %mine, label %release, label %done
release:
  %release.at = getelementptr i64, ptr %state, i64 5
  %release.fn = load ptr, ptr %release.at
  %lock.word = add i64 %line, 18
  %lock.at = getelementptr i64, ptr %state, i64 %lock.word
  %lock = load ptr, ptr %lock.at
  call void %release.fn(ptr %lock)
  br label %done
done:
  ret void
}}

; The threads that %w wakes, a tree of four branches, and then tiles: of its own piece, then of the others.
define internal void @share(ptr %state, i64 %w, i64 %pieces) {{
entry:
  %four = shl i64 %w, 2
  %w1 = add i64 %four, 1
  %w2 = add i64 %four, 2
  %w3 = add i64 %four, 3
  %w4 = add i64 %four, 4
  call void @wake(ptr %state, i64 %w1, i64 %pieces)
  call void @wake(ptr %state, i64 %w2, i64 %pieces)
  call void @wake(ptr %state, i64 %w3, i64 %pieces)
  call void @wake(ptr %state, i64 %w4, i64 %pieces)
  %kernel.at = getelementptr i64, ptr %state, i64 9
  %kernel = load ptr, ptr %kernel.at
  %block.at = getelementptr i64, ptr %state, i64 10
  %block = load i64, ptr %block.at
  %tiles.at = getelementptr i64, ptr %state, i64 11
  %tiles = load i64, ptr %tiles.at
  br label %piece
piece:
  %k = phi i64 [0, %entry], [%k.next, %piece.end]
  %w.k = add i64 %w, %k
  %v = urem i64 %w.k, %pieces
  %v.next = add i64 %v, 1
  %top = mul i64 %v.next, %tiles
  %end = udiv i64 %top, %pieces
  %v.line = shl i64 %v, 3
  %counter = add i64 %v.line, 16
  %counter.at = getelementptr i64, ptr %state, i64 %counter
  br label %tile
tile:
  %seen = load atomic i64, ptr %counter.at monotonic, align 8
  %maybe = icmp slt i64 %seen, %end
  br i1 %maybe, label %pull, label %piece.end
pull:
  %t = atomicrmw add ptr %counter.at, i64 1 monotonic
  %left = icmp slt i64 %t, %end
  br i1 %left, label %run, label %piece.end
run:
  call void %kernel(i64 %block, i64 %t)
  br label %tile
piece.end:
  %k.next = add i64 %k, 1
  %more = icmp slt i64 %k.next, %pieces
  br i1 %more, label %piece, label %done
done:
  ret void
}}

; A worker, for ever. %line is its line of the state.
define void @nbgrad_worker(ptr %line) {{
entry:
  %state.at = getelementptr i64, ptr %line, i64 3
  %state = load ptr, ptr %state.at
  %number.at = getelementptr i64, ptr %line, i64 4
  %w = load i64, ptr %number.at
  %asleep.at = getelementptr i64, ptr %line, i64 1
  %lock.at = getelementptr i64, ptr %line, i64 2
  %lock = load ptr, ptr %lock.at
  %acquire.at = getelementptr i64, ptr %state, i64 4
  %acquire = load ptr, ptr %acquire.at
  %release.at = getelementptr i64, ptr %state, i64 5
  %release = load ptr, ptr %release.at
  %yield.at = getelementptr i64, ptr %state, i64 6
  %yield = load ptr, ptr %yield.at
  %pauses.at = getelementptr i64, ptr %state, i64 7
  %pauses = load i64, ptr %pauses.at
  %gate.at = getelementptr i64, ptr %state, i64 8
  br label %wait
wait: ; {rounds} rounds of a few microseconds, then sleep
  %served = phi i64 [0, %entry], [%served, %round.end], [%number, %work], [%number, %last], [%served, %rise], [%served, %sleep]
  %round = phi i64 [0, %entry], [%round.next, %round.end], [0, %work], [0, %last], [0, %rise], [0, %sleep]
  br label %look
look:
  %i = phi i64 [0, %wait], [%i.next, %closed], [%i, %enter]
  %gate = load atomic i64, ptr %gate.at acquire, align 8
  %number = lshr i64 %gate, 32
  %high = lshr i64 %gate, 16
  %pieces = and i64 %high, 65535
  %open = icmp slt i64 %w, %pieces
  %new = icmp ne i64 %number, %served
  %join = and i1 %open, %new
  br i1 %join, label %enter, label %closed
closed:
  {pause}
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %pauses
  br i1 %more, label %look, label %round.end
round.end:
  call i32 %yield()
  %round.next = add i64 %round, 1
  %rounds = icmp slt i64 %round.next, {rounds}
  br i1 %rounds, label %wait, label %tire
enter:
  %one.more = add i64 %gate, 1
  %pair = cmpxchg ptr %gate.at, i64 %gate, i64 %one.more acq_rel monotonic
  %in = extractvalue {{i64, i1}} %pair, 1
  br i1 %in, label %work, label %look
work:
  call void @share(ptr %state, i64 %w, i64 %pieces)
  %before = atomicrmw sub ptr %gate.at, i64 1 acq_rel
  %low = and i64 %before, 65535
  %awaited = icmp eq i64 %low, 32769
  br i1 %awaited, label %last, label %wait
last:
  %lock.0.at = getelementptr i64, ptr %state, i64 18
  %lock.0 = load ptr, ptr %lock.0.at
  call void %release(ptr %lock.0)
  br label %wait
tire: ; say that it sleeps, then look once more: a launch looks at the flag after it opened the gate
  store atomic i64 1, ptr %asleep.at seq_cst, align 8
  %gate.last = load atomic i64, ptr %gate.at seq_cst, align 8
  %number.last = lshr i64 %gate.last, 32
  %high.last = lshr i64 %gate.last, 16
  %pieces.last = and i64 %high.last, 65535
  %open.last = icmp slt i64 %w, %pieces.last
  %new.last = icmp ne i64 %number.last, %served
  %stay = and i1 %open.last, %new.last
  br i1 %stay, label %rise, label %sleep
rise:
  %was = atomicrmw xchg ptr %asleep.at, i64 0 seq_cst
  %alone = icmp ne i64 %was, 0
  br i1 %alone, label %wait, label %sleep
sleep:
  call i32 %acquire(ptr %lock, i32 1)
  br label %wait
}}

; All tiles of a kernel. When the pool is taken (by another Python thread, or by a launch around this tile) they run
; here, in order: the processors are busy.
define void @nbgrad_launch(ptr %kernel, i64 %block, i64 %tiles, ptr %state) {{
entry:
  %threads.at = getelementptr i64, ptr %state, i64 1
  %pool.at = getelementptr i64, ptr %state, i64 2
  %threads = load atomic i64, ptr %threads.at monotonic, align 8
  %several = icmp sgt i64 %threads, 1
  br i1 %several, label %pooled, label %serial
pooled:
  %pool = load atomic i64, ptr %pool.at acquire, align 8
  %enough = icmp sge i64 %pool, %threads
  br i1 %enough, label %take, label %start
start:
  %start.at = getelementptr i64, ptr %state, i64 3
  %start.fn = load ptr, ptr %start.at
  call void %start.fn()
  br label %take
take:
  %pair = cmpxchg ptr %state, i64 0, i64 1 acquire monotonic
  %mine = extractvalue {{i64, i1}} %pair, 1
  br i1 %mine, label %count, label %serial
count:
  %wanted = load atomic i64, ptr %threads.at monotonic, align 8
  %there = load atomic i64, ptr %pool.at acquire, align 8
  %short = icmp slt i64 %there, %wanted
  %now = select i1 %short, i64 %there, i64 %wanted
  %fewer = icmp slt i64 %tiles, %now
  %pieces = select i1 %fewer, i64 %tiles, i64 %now
  br label %deal
deal:
  %v = phi i64 [0, %count], [%v.next, %deal]
  %v.top = mul i64 %v, %tiles
  %first = udiv i64 %v.top, %pieces
  %v.line = shl i64 %v, 3
  %counter = add i64 %v.line, 16
  %counter.at = getelementptr i64, ptr %state, i64 %counter
  store atomic i64 %first, ptr %counter.at monotonic, align 8
  %v.next = add i64 %v, 1
  %v.more = icmp slt i64 %v.next, %pieces
  br i1 %v.more, label %deal, label %open
open:
  %kernel.at = getelementptr i64, ptr %state, i64 9
  store ptr %kernel, ptr %kernel.at
  %block.at = getelementptr i64, ptr %state, i64 10
  store i64 %block, ptr %block.at
  %tiles.at = getelementptr i64, ptr %state, i64 11
  store i64 %tiles, ptr %tiles.at
  %gate.at = getelementptr i64, ptr %state, i64 8
  %past = load atomic i64, ptr %gate.at monotonic, align 8
  %number = lshr i64 %past, 32
  %number.next = add i64 %number, 1
  %number.high = shl i64 %number.next, 32
  %pieces.high = shl i64 %pieces, 16
  %gate.new = or i64 %number.high, %pieces.high
  store atomic i64 %gate.new, ptr %gate.at seq_cst, align 8
  call void @share(ptr %state, i64 0, i64 %pieces)
  %last = atomicrmw and ptr %gate.at, i64 {closed} acq_rel
  br label %look
look:
  %gate = phi i64 [%last, %open], [%seen, %wait]
  %round = phi i64 [0, %open], [%round.next, %wait]
  %inside = and i64 %gate, 32767
  %empty = icmp eq i64 %inside, 0
  br i1 %empty, label %free, label %wait
wait: ; the first rounds without rest: most workers leave within a microsecond
  {pause}
  %seen = load atomic i64, ptr %gate.at acquire, align 8
  %round.next = add i64 %round, 1
  %patient = icmp slt i64 %round.next, {patience}
  br i1 %patient, label %look, label %pause
pause:
  %k = phi i64 [0, %wait], [%k.next, %pause.end]
  call void @rest(ptr %state)
  %again = load atomic i64, ptr %gate.at acquire, align 8
  %again.in = and i64 %again, 32767
  %again.empty = icmp eq i64 %again.in, 0
  br i1 %again.empty, label %free, label %pause.end
pause.end:
  %k.next = add i64 %k, 1
  %k.more = icmp slt i64 %k.next, {rounds}
  br i1 %k.more, label %pause, label %sleep
sleep: ; the last to leave wakes it
  %asked = atomicrmw or ptr %gate.at, i64 32768 acq_rel
  %asked.in = and i64 %asked, 32767
  %asked.empty = icmp eq i64 %asked.in, 0
  br i1 %asked.empty, label %free, label %rest
rest:
  %acquire.at = getelementptr i64, ptr %state, i64 4
  %acquire = load ptr, ptr %acquire.at
  %lock.at = getelementptr i64, ptr %state, i64 18
  %lock = load ptr, ptr %lock.at
  call i32 %acquire(ptr %lock, i32 1)
  br label %free
free:
  store atomic i64 0, ptr %state release, align 8
  ret void
serial:
  %t = phi i64 [0, %entry], [0, %take], [%t.next, %serial]
  call void %kernel(i64 %block, i64 %t)
  %t.next = add i64 %t, 1
  %t.more = icmp slt i64 %t.next, %tiles
  br i1 %t.more, label %serial, label %done
done:
  ret void
}}

; The addresses of the three functions above that are called from outside.
define void @nbgrad_pool(ptr %out) {{
  store ptr @nbgrad_launch, ptr %out
  %worker.at = getelementptr i64, ptr %out, i64 1
  store ptr @nbgrad_worker, ptr %worker.at
  %pause.at = getelementptr i64, ptr %out, i64 2
  store ptr @nbgrad_pause, ptr %pause.at
  ret void
}}
"""
REST = 4e-6  # seconds of waiting after which another thread may have the processor
ROUNDS = 25  # such times until a thread that waits goes to sleep; to wake it takes 30 to 40 microseconds
FAILED = 2 ** (8 * ctypes.sizeof(ctypes.c_ulong)) - 1  # what Python's start of a thread returns then
TRIAL = 1000  # pauses that are timed
PATIENCE = 100  # looks of a launch at the gate before its first rest


def text() -> str:
    """Return the LLVM IR of worker and launcher for this processor."""
    kind = llvm.get_process_triple().split("-")[0]
    kind = "x86" if kind in ("x86_64", "i386", "i686") else kind
    return IR.format(
        pause=PAUSE.get(kind, ""), declared=DECLARED.get(kind, ""), rounds=ROUNDS, patience=PATIENCE,
        closed=~0xFFFF0000,
    )  # fmt: skip


class Pool:
    """Workers, and the state that they share with launches: 64-bit words in memory that never moves.

    Parameters
    ----------
    most : int
        How many threads it may have, the launching one among them.

    Attributes
    ----------
    words : ctypes array
        The state; what each word means is named by the constants of this module.

    Examples
    --------
    >>> pool = Pool(4)
    >>> pool.grow(2)
    >>> pool.words[POOL]
    2
    """

    def __init__(self, most: int):
        self.most = min(most, MOST)
        size = LINES + LINE * self.most
        self._memory = (ctypes.c_int64 * (size + LINE))()
        self.words = (ctypes.c_int64 * size).from_buffer(self._memory, -ctypes.addressof(self._memory) % 64)
        self.words[THREADS] = self.words[POOL] = 1

    @property
    def address(self) -> int:
        """Address of the state, which a launch takes."""
        return ctypes.addressof(self.words)

    def grow(self, threads: int) -> None:
        """Start workers until there are `threads` threads, the launching one among them.

        Raises
        ------
        RuntimeError
            When the system gives no more threads; those that were started stay.
        """
        words = self.words
        if not words[RELEASE]:
            self._prepare()
        for w in range(words[POOL], min(threads, self.most)):
            line = LINES + LINE * w
            words[line + LOCK], words[line + STATE], words[line + NUMBER] = _taken_lock(), self.address, w
            if _start_thread(_functions().worker, self.address + 8 * line) == FAILED:
                raise RuntimeError(f"the system gives no more than {w} threads")
            words[POOL] = w + 1

    def _prepare(self):
        """Give native code what it calls, and how many pauses of this processor make a rest."""
        words, python = self.words, ctypes.pythonapi
        words[LINES + LOCK] = _taken_lock()
        words[ACQUIRE] = _address(python.PyThread_acquire_lock)
        words[YIELD] = _address(_yield())
        pause = ctypes.CFUNCTYPE(None, ctypes.c_int64)(_functions().pause)
        start = time.perf_counter()
        pause(TRIAL)
        words[PAUSES] = max(1, int(TRIAL * REST / (time.perf_counter() - start)))
        words[RELEASE] = _address(python.PyThread_release_lock)

    def forget(self) -> None:
        """Start from nothing: in a forked child no launch is under way, and no worker lives."""
        words = self.words
        words[BUSY] = words[GATE] = 0
        ctypes.memset(self.address + 8 * LINES, 0, 8 * (len(words) - LINES))
        words[LINES + LOCK], words[POOL] = _taken_lock(), 1


class Functions(NamedTuple):
    """Addresses of native code."""

    launch: int
    worker: int
    pause: int


@functools.cache
def _functions() -> Functions:
    found = (ctypes.c_int64 * len(Functions._fields))()
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(load_ir(text(), "nbgrad_pool"))(ctypes.addressof(found))
    return Functions(*found)


def launch() -> int:
    """Return the address of `void launch(kernel, block, tiles, state)`."""
    return _functions().launch


def _taken_lock() -> int:
    """Return a new lock of Python's, taken, so that the next to take it sleeps until it is released."""
    lock = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThread_allocate_lock", ctypes.pythonapi))()
    ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(("PyThread_acquire_lock", ctypes.pythonapi))(lock, 1)
    return lock


def _start_thread(function: int, argument: int) -> int:
    kind = ctypes.PYFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)
    return kind(("PyThread_start_new_thread", ctypes.pythonapi))(function, argument)


def _yield():
    """Return the C function that lets another thread have the processor."""
    return ctypes.windll.kernel32.SwitchToThread if os.name == "nt" else ctypes.CDLL(None).sched_yield


def _address(function) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value
