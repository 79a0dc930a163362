"""How many threads a kernel may use. What they are and how they share work: `numba/crew.py`."""

import os
from functools import cache

MOST = 1024  # more would be in each other's way, and make more parts of a job than a crew can count
_count: int | None = None


def set_num_threads(count: int) -> None:
    """Set how many threads a kernel of the numba backend may use.

    Until then it is NUMBA_NUM_THREADS or OMP_NUM_THREADS if one of them is set in the environment, else the number
    of processors. NumPy's own BLAS has its own setting, which must be set before NumPy is imported.

    Args:
        count: at least 1, at most 1024.

    Raises:
        ValueError: the count is no whole number from 1 to 1024.

    Example:
        >>> set_num_threads(2)
        >>> num_threads()
        2
    """
    global _count  # noqa: PLW0603 -- one number for the process
    if isinstance(count, bool) or not hasattr(count, "__index__") or not 1 <= count <= MOST:
        raise ValueError(
            f"set_num_threads: {count!r} is no count of threads; write 1, 2, ..., at most {MOST}"
        )
    _count = int(count)


def num_threads() -> int:
    """Return how many threads a kernel may use."""
    return _count or _default()


@cache
def _default() -> int:
    for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "").partition(",")[0].strip()  # of OpenMP's counts for nested levels
        if text.isdecimal() and int(text):
            return min(int(text), MOST)
    usable = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return len(usable(0))
