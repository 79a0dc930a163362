"""Memory that freed arrays leave behind: it is to serve the next ones, and not to go back to the system.

The system clears every page before it hands it out. The C library of Linux gives large blocks, and what is free at
the end of its memory, back to the system: from sizes on which it learns, since who frees a large block will want
another. A training step may free its blocks in an order that does not teach that. The step of a small convolutional
network takes 10 ms on two threads, or 20 to 25 if most of its arrays are new pages each time.
"""

import numpy as np

LARGEST = 31 << 20  # bytes: of blocks that are larger than 32 MB the C library learns nothing


def keep_freed_memory() -> None:
    """Free one large block, which nobody has written to: blocks up to its size, and up to 62 MB in all, are now kept.

    Elsewhere than with glibc (`malloc/malloc.c`, "dynamic mmap threshold") it does nothing.

    Example:
        >>> keep_freed_memory()
    """
    np.empty(LARGEST, np.uint8)
