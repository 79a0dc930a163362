import os
import subprocess
import sys

import pytest

from chainrule.backends import threads


@pytest.fixture(autouse=True)
def count_again():
    before = threads._count
    yield
    threads._count = before
    threads._default.cache_clear()


def test_the_environment_sets_the_default(monkeypatch):
    for numba, omp, expected in (
        ("3", "5", 3),
        ("", "5", 5),
        (" 3 ", "", 3),
        ("", "4,2", 4),  # a thread each of four has two of its own
        ("zero", "0", None),
        ("99999", "5", threads.MOST),
    ):
        monkeypatch.setenv("NUMBA_NUM_THREADS", numba)
        monkeypatch.setenv("OMP_NUM_THREADS", omp)
        monkeypatch.setattr(threads, "_count", None)
        threads._default.cache_clear()
        assert threads.num_threads() == (expected or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("count", [0, -1, True, 1.5, "2", None, threads.MOST + 1])
def test_what_is_no_count(count):
    with pytest.raises(ValueError, match="set_num_threads"):
        threads.set_num_threads(count)


def test_setting_the_count_imports_no_numba():
    code = "import sys, chainrule; chainrule.set_num_threads(2); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0
