"""Freed memory serves the next arrays."""

import subprocess
import sys

import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

FAULTS = """
import resource, sys
import numpy as np

if "backend" in sys.argv:
    from chainrule import backends
    backends.load("numba")

def step():
    arrays = [np.ones(1_000_000) for _ in range(3)]  # 8 MB each

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments: str) -> int:
    """How many pages the system hands out in twenty steps of 24 MB."""
    command = [sys.executable, "-P", "-c", FAULTS, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="platform: glibc's malloc is Linux's")
def test_the_system_is_not_asked_for_the_same_pages_again() -> None:
    assert faults("backend") < 1000  # all of them would be 120,000
