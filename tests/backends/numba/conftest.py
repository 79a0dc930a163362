"""What the tests of kernels share."""

from collections.abc import Callable, Iterator

import pytest

from chainrule.backends import threads


@pytest.fixture
def set_threads() -> Iterator[Callable[[int], None]]:
    """`set_num_threads`, for one test."""
    before = threads._count
    yield threads.set_num_threads
    threads._count = before
