"""Threads that share the work of one kernel: a few that wait for it where it costs a microsecond to call them.

A product of 256 x 256 matrices takes 300 microseconds, and to wake a thread of a Python pool takes 40. So the
threads of a crew never return to Python. Each looks at a few words of memory, over and over, for `PATIENCE` after
its last work, and only then sleeps. Meanwhile it occupies a processor: NumPy's BLAS does so too, for 100
milliseconds.

Work comes in parts, and everyone, the caller too, takes the next one until there are none. What nobody has begun
the caller does itself, so a thread that is asleep or has no processor holds up nothing. Where work is cut depends
on the sizes and on the number of threads, never on who does what: results are the same bits each time.

A caller that finds the crew at work for another works alone. A forked child begins without a crew.

These are threads of Python, not of numba: numba's own end the process when two threads call them at once, or when a
forked child uses what its parent's OpenMP began. They sleep on the locks of CPython, which every system has, and
which need no interpreter.
"""

# mypy: allow-untyped-calls

import atexit
import ctypes
import os
import weakref
from functools import cache
from threading import Lock, Thread, get_native_id
from time import perf_counter
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from chainrule.backends.numba.atomics import WORD, add, load, pause, store, swap
from chainrule.backends.numba.compile import compiled_apart, inlined, intrinsic, kernel, native, symbol
from chainrule.backends.numba.places import keep_away

PATIENCE = 200e-6  # seconds: longer than what Python does between two kernels of a training step
ROUNDS_TIMED = 1000
MOST = (1 << 16) - 1  # parts of a job

# The words of a crew, as bytes from its address. Those that different threads write lie two cache lines apart, since
# processors fetch lines in pairs.
LINE = 128
CLAIM, JOB, LEFT, TAKEN, ORDERS, PLACES, MISSED, MEMBERS = (LINE * k for k in range(8))
FUNCTION, ARGUMENTS, INVITED = (JOB + WORD * k for k in range(3))
ROUNDS, STOP, HOME = (ORDERS + WORD * k for k in range(3))
# CLAIM: the job's number << 32 | its parts << 16 | the next part. LEFT: parts not finished, + WAITING if the caller
# sleeps until the last one is. TAKEN: whether there is a caller. PLACES: room for a mask of processors. MISSED: the
# work of small jobs that someone slept through. A member's line: whether it sleeps, its lock, its number in the system.
WAITING = 1 << 32

_acquire: Any = types.ExternalFunction("PyThread_acquire_lock", types.intc(types.int64, types.intc))
_release: Any = types.ExternalFunction("PyThread_release_lock", types.void(types.int64))


def _of_python(name: str, result: Any, *arguments: Any) -> Any:
    """A function of CPython's C interface."""
    function = getattr(ctypes.pythonapi, name)
    function.restype, function.argtypes = result, arguments
    return function


_new_lock = _of_python("PyThread_allocate_lock", ctypes.c_void_p)
_free_lock = _of_python("PyThread_free_lock", None, ctypes.c_void_p)
_acquire_lock = _of_python("PyThread_acquire_lock", ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_release_lock = _of_python("PyThread_release_lock", None, ctypes.c_void_p)


@intrinsic
def call(typing_context: Any, function: Any, arguments: Any, part: Any) -> Any:
    """Call the native function at an address."""

    def generate(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        function, *rest = operands
        kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in rest])
        builder.call(builder.inttoptr(function, kind.as_pointer()), rest)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@compiled_apart
def take(crew: int, member: int) -> bool:
    """Do one part of the job, if there is one and this member is invited; return whether there was."""
    claim = load(crew + CLAIM)
    part = claim & MOST
    if part >= (claim >> 16) & MOST or member >= load(crew + INVITED):
        return False
    function, arguments = load(crew + FUNCTION), load(crew + ARGUMENTS)
    if swap(crew + CLAIM, claim, claim + 1):  # so all this was of one job, and still is
        call(function, arguments, part)
        if add(crew + LEFT, -1) == WAITING + 1:
            _release(load(crew + HOME))
    return True


@compiled_apart
def watch(crew: int, member: int) -> None:
    """Take parts, until there has been none for some rounds."""
    rounds = load(crew + ROUNDS)
    while rounds > 0 and not load(crew + STOP):
        if take(crew, member):
            rounds = load(crew + ROUNDS)
        else:
            rounds -= 1
            pause()


@compiled_apart
def willing(crew: int, members: int, work: int, waking: int) -> int:
    """How many of so many members to invite to a small job.

    They are those who watch. One that sleeps is woken once the jobs that it slept through would have paid for that:
    a single small job does not wait for it, and a sequence of them has its help.

    Args:
        crew: its address.
        members: the most that are of use.
        work: how large the job is.
        waking: how large a job takes as long as waking a member.
    """
    for member in range(members):
        if load(crew + MEMBERS + member * LINE):
            missed: int = add(crew + MISSED, work) + work
            if missed >= waking:
                store(crew + MISSED, 0)
            return max(member, min(members, missed // waking))
    return members


@compiled_apart
def wake(crew: int, members: int) -> None:
    """Wake those who sleep."""
    for member in range(members):
        asleep = crew + MEMBERS + member * LINE
        if load(asleep) and swap(asleep, 1, 0):
            keep_away(load(asleep + 2 * WORD), crew + PLACES)
            _release(load(asleep + WORD))


def work(crew: int, member: int) -> None:
    """The life of a member: watch, sleep, until it is dismissed."""
    asleep = crew + MEMBERS + member * LINE
    while not load(crew + STOP):
        watch(crew, member)
        store(asleep, 1)  # who called just before that does this member's parts
        _acquire(load(asleep + WORD), 1)


@inlined
def edge(length: int, parts: int, part: int, step: int) -> int:
    """Where a part of an axis begins: they are nearly equal, and cut at multiples of a step."""
    return length if part >= parts else min(length, (length * part // parts + step // 2) // step * step)


def share(crew: int, members: int, function: int, arguments: int, parts: int) -> None:
    """Do all parts of a job, with so many members of a crew; return when the last is done.

    Args:
        crew: its address.
        members: how many to invite, at most its size.
        function: the address of a native function `(arguments, part)`. It depends on nothing that another part does.
        arguments: what it is given; mostly an address.
        parts: at most `MOST`.
    """
    if members < 1 or parts < 2 or not swap(crew + TAKEN, 0, 1):
        for part in range(parts):
            call(function, arguments, part)
        return
    store(crew + FUNCTION, function)
    store(crew + ARGUMENTS, arguments)
    store(crew + INVITED, members)
    store(crew + LEFT, parts)
    store(crew + CLAIM, (((load(crew + CLAIM) >> 32) + 1) << 32) | (parts << 16))
    wake(crew, min(members, parts - 1))
    while take(crew, -1):
        pass
    rounds = load(crew + ROUNDS)
    while load(crew + LEFT):
        rounds -= 1
        if rounds == 0:
            if add(crew + LEFT, WAITING):  # a member has lost its processor: perhaps it needs this one
                _acquire(load(crew + HOME), 1)
            break
        pause()
    store(crew + TAKEN, 0)


@cache
def sharing() -> Any:
    """The function `share`, for kernels to call."""
    signature = types.void(*[types.int64] * 5)
    return types.ExternalFunction(symbol("share", native(share, "share", *signature.args)), signature)


@cache
def living() -> tuple[Any, Any]:
    """The kernels `work` and `watch`."""
    two = types.int64, types.int64
    return kernel(work, "crew-work", *two, nogil=True), kernel(watch.py_func, "crew-watch", *two)


class Crew:
    """So many threads, and the words they look at.

    Attributes:
        size: how many they are.
        address: for `share`. It is good for as long as this object lives: keep the object in a local variable.
    """

    def __init__(self, size: int) -> None:
        work, watch = living()
        memory = np.zeros(
            (MEMBERS + (size + 1) * LINE) // WORD, np.int64
        )  # a line more, since they begin on a line
        self.size, self.address = size, -(-memory.ctypes.data // LINE) * LINE
        self._words = memory[(self.address - memory.ctypes.data) // WORD :]
        self._locks = [_new_lock() for _ in range(size + 1)]
        for place, lock in zip(
            (HOME, *range(MEMBERS + WORD, MEMBERS + size * LINE, LINE)), self._locks, strict=True
        ):
            _acquire_lock(lock, 1)
            self._words[place // WORD] = lock
        weakref.finalize(self, _free_locks, self._locks).atexit = False
        self._words[ROUNDS // WORD] = max(
            1, int(ROUNDS_TIMED * PATIENCE / min(self._watching(watch) for _ in range(3)))
        )
        self._threads = [Thread(target=self._work, args=(work, k), daemon=True) for k in range(size)]
        try:
            for thread in self._threads:
                thread.start()
        except (
            RuntimeError
        ):  # the system gives no more, or Python is about to end: then the caller does more parts
            pass

    def _watching(self, watch: Any) -> float:
        """How many seconds it takes to watch for some rounds in vain."""
        self._words[ROUNDS // WORD] = ROUNDS_TIMED
        start = perf_counter()
        watch(self.address, 0)
        return perf_counter() - start

    def _work(self, work: Any, member: int) -> None:
        self._words[(MEMBERS + member * LINE) // WORD + 2] = get_native_id()
        work(self.address, member)  # the thread keeps the crew alive

    def dismiss(self) -> None:
        """Let the threads end, and wait until they have. Who still calls this crew works alone."""
        self._words[STOP // WORD] = 1
        for lock in self._locks[1:]:
            _release_lock(lock)
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join()


def _free_locks(locks: list[int]) -> None:
    for lock in locks:
        _free_lock(lock)


_crew: Crew | None = None
_changing = Lock()


def crew(size: int) -> Crew:
    """The crew of this process, made anew when it is too small."""
    global _crew  # noqa: PLW0603 -- one for the process
    found = _crew
    if found is None or found.size < size:
        with _changing:
            found = _crew
            if found is None or found.size < size:
                if found is not None:
                    found.dismiss()
                _crew = found = Crew(size)
    return found


def _at_exit() -> None:
    """Machine code must not run on while the interpreter takes itself apart."""
    if _crew is not None:
        _crew.dismiss()


def _after_fork() -> None:
    """A forked child has none of its parent's threads, and must not wait for a lock that one of them held."""
    global _crew, _changing
    _crew, _changing = None, Lock()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
