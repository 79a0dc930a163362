"""Threads that share a job: every part is done once, whoever sleeps, comes late, or is sent away meanwhile."""

import os
import subprocess
import sys
import threading
import time
import weakref
from functools import cache

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from numba import types

from chainrule.backends.numba import crew as crews
from chainrule.backends.numba.atomics import add, load, pause
from chainrule.backends.numba.compile import kernel, native
from chainrule.backends.numba.crew import MOST, ROUNDS, WORD, Crew, sharing

PATIENCE = 1 << 28  # pauses: some seconds, after which a test fails and does not hang


@cache
def counting():
    """A job whose part k adds 1 to the word k."""

    def count(arguments, part):
        add(arguments + part * WORD, 1)

    return native(count, "test-count", types.int64, types.int64)


@cache
def meeting():
    """A job of two parts, neither of which ends before the other has begun; words: begun, met."""

    def meet(arguments, part):
        add(arguments, 1)
        for _ in range(PATIENCE):
            if load(arguments) % 2 == 0:
                add(arguments + WORD, 1)
                return
            pause()

    return native(meet, "test-meet", types.int64, types.int64)


@cache
def running():
    share = sharing()

    def run(crew, members, function, words, parts):
        share(crew, members, function, words.ctypes.data, parts)

    arguments = types.int64, types.int64, types.int64, types.int64[::1], types.int64
    return kernel(run, "test-share", *arguments, nogil=True)


def done(crew, members, parts):
    """How often each part was done."""
    words = np.zeros(parts, np.int64)
    running()(crew.address, members, counting().address, words, parts)
    return words


@pytest.fixture
def make():
    made = []

    def make(size, rounds=None):
        made.append(Crew(size))
        if rounds is not None:
            made[-1]._words[ROUNDS // WORD] = rounds
        return made[-1]

    yield make
    for crew in made:
        crew.dismiss()


@pytest.mark.parametrize("size", [1, 2, 4])
def test_every_part_is_done_once(make, size):
    crew = make(size)
    for members in range(size + 1):
        for parts in (0, 1, 2, 3, 17, 1000, MOST):
            np.testing.assert_array_equal(done(crew, members, parts), 1)


@pytest.mark.parametrize("rest", [0, 0.02], ids=["watching", "asleep"])
def test_a_member_works_beside_the_caller(make, rest):
    crew, words = make(1), np.zeros(2, np.int64)
    for k in range(1, 6):
        time.sleep(rest)
        running()(crew.address, 1, meeting().address, words, 2)
        assert words.tolist() == [2 * k, 2 * k]


def test_jobs_have_numbers(make):
    crew = make(1)
    for number in range(1, 4):  # so that who has looked at one job takes no part of the next
        done(crew, 1, 5)
        assert crew._words[crews.CLAIM // WORD] == number << 32 | 5 << 16 | 5


def test_who_takes_what(make):
    crew, words = make(0), np.zeros(2, np.int64)

    def publish(claim, invited):
        for place, value in (
            (crews.FUNCTION, counting().address),
            (crews.ARGUMENTS, words.ctypes.data),
            (crews.INVITED, invited),
            (crews.LEFT, 2),
            (crews.CLAIM, claim),
        ):
            crew._words[place // WORD] = value

    job = 7 << 32 | 2 << 16
    publish(job, 1)
    assert not crews.take(crew.address, 1)  # it is not invited
    assert crews.take(crew.address, 0)
    assert crews.take(crew.address, -1)  # the caller
    assert words.tolist() == [1, 1]
    assert not crews.take(crew.address, 0)
    assert crew._words[crews.LEFT // WORD] == 0
    assert crew._words[crews.CLAIM // WORD] == job + 2


# with one round everyone sleeps as soon as there is nothing to do, and the caller sleeps for the last part
@pytest.mark.parametrize("rounds", [1, 30, None])
@pytest.mark.parametrize("callers", [1, 4])
def test_many_jobs_from_many_threads(make, callers, rounds):
    crew, wrong = make(3, rounds), []

    def call(seed):
        rng = np.random.default_rng(seed)
        for _ in range(3000 // callers):
            if rng.random() < 0.01:
                time.sleep(0.001)
            if (done(crew, rng.integers(4), rng.integers(2, 12)) != 1).any():
                wrong.append(seed)

    threads = [threading.Thread(target=call, args=(seed,), daemon=True) for seed in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a job has not ended"
    assert not wrong


def test_a_crew_is_dismissed_while_it_works(make):
    for _ in range(20):
        crew, stop, wrong = make(2), threading.Event(), []

        def call(crew=crew, stop=stop, wrong=wrong):
            while not stop.is_set():
                wrong.extend(done(crew, 2, 9)[done(crew, 2, 9) != 1])

        callers = [threading.Thread(target=call, daemon=True) for _ in range(2)]
        for caller in callers:
            caller.start()
        time.sleep(0.002)
        crew.dismiss()
        assert not any(thread.is_alive() for thread in crew._threads)
        np.testing.assert_array_equal(done(crew, 2, 9), 1)
        stop.set()
        for caller in callers:
            caller.join(20)
            assert not caller.is_alive()
        assert not wrong


def test_a_crew_is_freed_when_its_threads_have_ended(make, monkeypatch):
    freed = []
    monkeypatch.setattr(crews, "_free_lock", freed.append)
    crew = Crew(2)
    locks, alive = list(crew._locks), weakref.ref(crew)
    crew.dismiss()
    del crew
    assert alive() is None
    assert freed == locks


def test_there_is_one_crew_and_it_grows(monkeypatch):
    monkeypatch.setattr(crews, "_crew", None)
    one = crews.crew(1)
    assert crews.crew(1) is one
    three = crews.crew(3)
    assert three.size == 3
    assert not any(thread.is_alive() for thread in one._threads)
    assert crews.crew(2) is three
    np.testing.assert_array_equal(done(one, 1, 9), 1)
    three.dismiss()


def test_a_system_that_gives_no_more_threads(make, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    crew = make(2)
    np.testing.assert_array_equal(done(crew, 2, 100), 1)


def test_an_interrupted_caller(make):
    crew = make(1)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            interrupted(crew)
        np.testing.assert_array_equal(done(crew, 1, 50), 1)
        assert crew._words[crews.TAKEN // WORD] == 0


def interrupted(crew):
    import _thread

    threading.Timer(0.01, _thread.interrupt_main).start()
    end = time.perf_counter() + 20
    while time.perf_counter() < end:
        done(crew, 1, 50)


ENDING = """
import atexit, os, sys, threading, time
import numpy as np

def product():
    x = np.ones((300, 300), np.float32)
    assert (matmul(x, x) == 300).all()

def work_on():
    while True:
        product()

if sys.argv[1] == "late":
    atexit.register(product)  # runs after what the crew has registered
from chainrule.backends import threads
from chainrule.backends.numba.products import matmul
threads.set_num_threads(3)
if sys.argv[1] == "first":
    atexit.register(product)  # when no thread can be started any more
    sys.exit()
product()
if sys.argv[1] == "asleep":
    time.sleep(0.05)
if sys.argv[1] == "others":
    for _ in range(2):
        threading.Thread(target=work_on, daemon=True).start()
    time.sleep(0.05)
if sys.argv[1] == "larger":
    threads.set_num_threads(5)
    product()
"""


@pytest.mark.parametrize("when", ["watching", "asleep", "late", "first", "others", "larger"])
def test_a_program_ends(when):
    command = [sys.executable, "-P", "-c", ENDING, when]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(
    len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2, reason="platform: Linux with two processors"
)
def test_who_is_woken_is_kept_off_the_processor_of_who_wakes_it(make):
    crew = make(1)
    words = np.zeros(2, np.int64)
    mine = os.sched_getaffinity(0)
    while not crew._words[crews.MEMBERS // WORD]:
        time.sleep(0.001)  # until it sleeps
    running()(crew.address, 1, counting().address, words, 2)
    allowed = os.sched_getaffinity(crew._threads[0].native_id)
    assert len(allowed) == len(mine) - 1
    assert allowed < mine


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="platform: Linux only")
def test_with_one_processor_nobody_is_kept_off_it(make):
    crew = make(1)
    words = np.zeros(2, np.int64)
    mine = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(threading.get_native_id(), {min(mine)})
        while not crew._words[crews.MEMBERS // WORD]:
            time.sleep(0.001)
        running()(crew.address, 1, counting().address, words, 2)
    finally:
        os.sched_setaffinity(threading.get_native_id(), mine)
    assert os.sched_getaffinity(crew._threads[0].native_id) == mine
    assert words.tolist() == [1, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="platform: systems that fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # has threads: that is what is tried
def test_a_forked_child_begins_without_a_crew_and_waits_for_no_lock():
    crews.crew(1)
    with crews._changing:
        child = os.fork()
        if child == 0:
            os._exit(0 if crews._crew is None and crews._changing.acquire(timeout=5) else 1)
    assert os.waitpid(child, 0)[1] == 0
