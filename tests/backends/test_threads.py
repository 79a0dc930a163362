import os
import subprocess
import sys
import threading

import pytest

from chainrule.backends import threads


@pytest.fixture(autouse=True)
def count_again():
    before = threads._count
    yield
    threads._count = before
    threads._default.cache_clear()


def test_the_environment_sets_the_default(monkeypatch):
    for numba, omp, expected in (("3", "5", 3), ("", "5", 5), ("zero", "0", None)):
        monkeypatch.setenv("NUMBA_NUM_THREADS", numba)
        monkeypatch.setenv("OMP_NUM_THREADS", omp)
        monkeypatch.setattr(threads, "_count", None)
        threads._default.cache_clear()
        assert threads.num_threads() == (expected or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("count", [0, -1, True, 1.5, "2", None])
def test_what_is_no_count(count):
    with pytest.raises(ValueError, match="set_num_threads"):
        threads.set_num_threads(count)


def test_jobs_run_side_by_side():
    meeting = threading.Barrier(3, timeout=20)  # passed only if all three are there at once
    threads.share([meeting.wait] * 3)


def test_who_finds_others_at_work_works_alone():
    done, here = [], []

    def job():
        here.append(threading.get_ident())
        threads.share([lambda: done.append(threading.get_ident())] * 2)

    threads.share([job, job])
    assert sorted(done) == sorted(here * 2)


@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_in_a_job_is_raised_when_all_are_done(bad):
    done = threading.Event()

    def fails():
        raise ZeroDivisionError

    jobs = [done.set, done.set]
    jobs[bad] = fails
    with pytest.raises(ZeroDivisionError):
        threads.share(jobs)
    assert done.is_set()
    threads.share([done.clear, done.clear])  # and the lock is free again
    assert not done.is_set()


def test_setting_the_count_imports_no_numba():
    code = "import sys, chainrule; chainrule.set_num_threads(2); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0
