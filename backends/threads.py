"""Threads for kernels that release Python's lock: how many there may be, and how work is shared among them.

They are threads of Python, not of numba: numba's own pool ends the process when two threads enter it at once, or
when a forked child uses what its parent's OpenMP began.
"""

import os
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a slow import, which not every program needs
    from concurrent.futures import Future, ThreadPoolExecutor

Job = Callable[[], object]

_PARALLEL = Lock()  # held while work is shared; whoever finds it taken works alone
_count: int | None = None
_pool: "tuple[ThreadPoolExecutor, int] | None" = None


def set_num_threads(count: int) -> None:
    """Set how many threads a kernel of the numba backend may use.

    Until then it is NUMBA_NUM_THREADS or OMP_NUM_THREADS if one of them is set in the environment, else the number
    of processors. NumPy's own BLAS has its own setting, which must be set before NumPy is imported.

    Args:
        count: at least 1.

    Raises:
        ValueError: the count is no whole number of at least 1.

    Example:
        >>> set_num_threads(2)
        >>> num_threads()
        2
    """
    global _count  # noqa: PLW0603 -- one number for the process
    if isinstance(count, bool) or not hasattr(count, "__index__") or count < 1:
        raise ValueError(f"set_num_threads: {count!r} is no count of threads; write 1, 2, ...")
    _count = int(count)


def num_threads() -> int:
    """Return how many threads a kernel may use."""
    return _count or _default()


@cache
def _default() -> int:
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text):
            return int(text)
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return len(usable(0))


def share(jobs: Sequence[Job]) -> None:
    """Do all jobs, side by side where no other thread is doing so already; return when the last is done.

    Args:
        jobs: they must not depend on each other, nor on who does them.
    """
    if len(jobs) == 1 or not _PARALLEL.acquire(blocking=False):
        for job in jobs:
            job()
        return
    from concurrent.futures import wait

    try:
        workers = _workers(len(jobs) - 1)
        others: list[Future[object]] = [workers.submit(job) for job in jobs[1:]]
        try:
            jobs[0]()
        finally:
            wait(others)
        for other in others:
            other.result()
    finally:
        _PARALLEL.release()


def _workers(count: int) -> "ThreadPoolExecutor":
    """The pool, made anew when it is too small."""
    from concurrent.futures import ThreadPoolExecutor

    global _pool  # noqa: PLW0603 -- guarded by _PARALLEL
    if _pool is None or _pool[1] < count:
        if _pool is not None:
            _pool[0].shutdown(wait=False)
        _pool = ThreadPoolExecutor(count, "chainrule"), count
    return _pool[0]


def _after_fork() -> None:
    """A forked child has none of its parent's threads, and must not wait for a lock that one of them held."""
    global _pool, _PARALLEL
    _pool, _PARALLEL = None, Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
