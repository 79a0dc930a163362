"""Where threads run: a thread that is woken is kept off the processor of who wakes it.

Linux often starts a thread where it last ran, were it the processor of the very thread that needs its help, and some
milliseconds pass before it moves one of the two elsewhere. A matrix product is done by then.
"""

import os
from typing import Any

import numba
from numba import types

from chainrule.backends.numba.atomics import WORD
from chainrule.backends.numba.bits import words
from chainrule.backends.numba.compile import compiled_apart

carray: Any = vars(numba)["carray"]  # numba exports it, but does not say so to a type checker
MASK = 1024 // 8  # bytes: a bit for each processor
BITS = 8 * WORD

if hasattr(os, "sched_setaffinity"):  # the three functions of Linux's C library
    _here: Any = types.ExternalFunction("sched_getcpu", types.intc())
    _allowed: Any = types.ExternalFunction(
        "sched_getaffinity", types.intc(types.intc, types.int64, types.int64)
    )
    _allow: Any = types.ExternalFunction(
        "sched_setaffinity", types.intc(types.intc, types.int64, types.int64)
    )

    @compiled_apart
    def keep_away(thread: int, room: int) -> None:
        """Let a thread run on the caller's processors, but for the one where the caller runs now.

        Nothing is changed if that is the only one, or if there are more than a mask has bits.

        Args:
            thread: the system's number of it.
            room: the address of `MASK` bytes to write to.
        """
        here = _here()
        if here < 0 or here >= 8 * MASK or _allowed(0, MASK, room) != 0:
            return
        mask = carray(words(room), MASK // WORD)
        mask[here // BITS] &= ~(1 << (here % BITS))
        for word in mask:
            if word != 0:
                _allow(thread, MASK, room)
                return

else:

    @compiled_apart
    def keep_away(thread: int, room: int) -> None:
        """Only Linux needs it."""
