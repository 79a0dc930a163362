"""The cache on disk: complete keys, and no cache where nothing can be written."""

import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGINT, getsignal, raise_signal

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba import compile as compiler
from chainrule.backends.numba.compile import intrinsic, kernel, read_only, writeable


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(compiler, "cache_directory", lambda: tmp_path)
    return tmp_path


def double(x, out):
    for i in range(out.size):
        out[i] = 2 * x[i]


def triple(x, out):
    for i in range(out.size):
        out[i] = 3 * x[i]


TYPES = read_only(np.float64), writeable(np.float64)


def result_of(function, source=""):
    x, out = np.ones(3), np.empty(3)
    kernel(function, "test", *TYPES, source=source)(x, out)
    return out[0]


def test_second_process_would_load(directory):
    assert result_of(double) == 2
    files = {path: path.stat().st_mtime_ns for path in directory.iterdir()}
    assert len(files) == 1
    assert result_of(triple) == 2  # same key, so the stored code: the name stands for the function
    assert {path: path.stat().st_mtime_ns for path in directory.iterdir()} == files


def test_a_change_in_any_source_file_is_a_new_key(directory, monkeypatch):
    assert result_of(double) == 2
    monkeypatch.setattr(compiler, "package_hash", lambda: "edited")
    assert result_of(triple) == 3
    assert len(list(directory.iterdir())) == 1  # the stale one is gone


def test_the_text_of_a_generated_kernel_is_part_of_the_key(directory):
    assert result_of(double, source="a") == 2
    assert result_of(triple, source="b") == 3


def test_a_callee_in_another_file_is_part_of_the_key(tmp_path):
    """numba's own cache returns what the old callee made: https://numba.readthedocs.io, "Caching limitations"."""
    package = Path(compiler.__file__).parent
    for file in package.glob("*.py"):
        shutil.copy(file, tmp_path)
    assert compiler.hash_of(tmp_path) == compiler.package_hash()
    callee = tmp_path / "bits.py"
    callee.write_text(callee.read_text() + "\n")
    assert compiler.hash_of(tmp_path) != compiler.package_hash()


@pytest.mark.parametrize(
    ("setting", "other"),
    [("NUMBA_CPU_NAME", "x86-64"), ("NUMBA_CPU_FEATURES", "-avx512f"), ("NUMBA_OPT", "1")],
)
def test_another_processor_or_setting_is_another_key(setting, other, tmp_path):
    for value in ("", other):
        environment = {"NUMBA_CACHE_DIR": str(tmp_path)} | ({setting: value} if value else {})
        run_script(SCRIPT, environment)
    assert len(list(tmp_path.glob("*.kernel"))) == 2


def damage(content: bytes, how: str) -> bytes:
    middle = len(content) // 2
    return {
        "empty": b"",
        "cut short": content[:-40],
        "a flipped bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "another program's": b"text" * 50,
        "a valid hash of nonsense": hashlib.sha256(b"nonsense").digest() + b"nonsense",
    }[how]


@pytest.mark.parametrize(
    "how", ["empty", "cut short", "a flipped bit", "another program's", "a valid hash of nonsense"]
)
def test_damaged_files_are_compiled_anew(how, directory):
    assert result_of(double) == 2
    (file,) = directory.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole, how))
    assert result_of(triple) == 3  # not loaded: what is compiled now is the other function
    assert hashlib.sha256(file.read_bytes()[32:]).digest() == file.read_bytes()[:32]  # and mended


def test_an_address_of_this_process_is_not_kept(directory):
    constant = np.full(300_000, 2.0)  # too large for numba to copy into the code

    def scale(x, out):
        for i in range(out.size):
            out[i] = constant[i] * x[i]

    assert result_of(scale) == 2
    assert not list(directory.iterdir())


def test_a_full_disk_is_no_error(directory, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiler, "write_atomically", full)
    monkeypatch.setattr(compiler, "unkept", [])
    assert result_of(double) == 2
    assert [error.errno for error in compiler.unkept] == [28]


@intrinsic
def interrupted(context, x):
    """x; Ctrl-C comes while it is compiled."""

    def generate(context, builder, signature, arguments):
        raise_signal(SIGINT)
        return arguments[0]

    return x(x), generate


def double_interrupted(x, out):
    for i in range(out.size):
        out[i] = 2 * interrupted(x[i])


def test_ctrl_c_waits_for_what_is_compiled(directory):
    """An interruption can leave numba's tables half written."""
    before = getsignal(SIGINT)
    with pytest.raises(KeyboardInterrupt):
        kernel(double_interrupted, "test", *TYPES)
    assert getsignal(SIGINT) is before
    assert len(list(directory.iterdir())) == 1
    assert result_of(double_interrupted) == 2  # loaded, or it would be interrupted again
    with ThreadPoolExecutor() as threads:  # where there are no signals
        assert threads.submit(result_of, double, "in a thread").result() == 2


NOWHERE = os.devnull + "/below"  # nobody can make a folder there, not even root


@pytest.fixture
def forgotten():
    """`cache_directory` chooses anew in the test, and again after it."""
    compiler.cache_directory.cache_clear()
    yield
    compiler.cache_directory.cache_clear()


def test_nowhere_to_write(monkeypatch, forgotten):
    monkeypatch.setattr(compiler.CONFIG, "CACHE_DIR", NOWHERE)
    assert compiler.cache_directory() is None
    assert result_of(double) == 2


def test_a_read_only_installation(monkeypatch, forgotten, tmp_path):
    monkeypatch.setattr(compiler.CONFIG, "CACHE_DIR", "")
    assert compiler.cache_directory() == Path(compiler.__file__).parent / "__pycache__"
    monkeypatch.setattr(compiler, "__file__", NOWHERE + "/compile.py")
    for name, home in (
        ("HOME", tmp_path),
        ("XDG_CACHE_HOME", tmp_path / "cache"),
        ("LOCALAPPDATA", tmp_path),
    ):
        monkeypatch.setenv(name, str(home))
    compiler.cache_directory.cache_clear()
    found = compiler.cache_directory()
    assert found is not None
    assert found.is_relative_to(tmp_path)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, NOWHERE)
    compiler.cache_directory.cache_clear()
    assert compiler.cache_directory() is None
    assert result_of(double) == 2


# A whole process: one kernel, compiled or loaded, and what it computes.
SCRIPT = """
import numpy as np
from chainrule.backends.numba.elementwise import compiled
from chainrule.backends.numba.coefficients import FLOAT64

def run():
    kernel = compiled("relu", FLOAT64)
    x = np.linspace(-1, 1, 1001)
    out = np.empty_like(x)
    kernel(x, out)
    assert (out == np.maximum(x, 0)).all()
    return sum(kernel.stats.cache_hits.values())

if __name__ == "__main__":
    print(run())
"""


def start(script, environment):
    command = [sys.executable, "-P", *(["-c", script] if isinstance(script, str) else [script])]
    return subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, text=True)


def run_script(script, environment):
    process = start(script, environment)
    output = process.communicate()[0]
    assert process.returncode == 0
    return output.strip()


def test_a_second_process_loads(tmp_path):
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert [run_script(SCRIPT, environment) for _ in range(2)] == ["0", "1"]


def test_processes_that_compile_at_once(tmp_path):
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    processes = [start(SCRIPT, environment) for _ in range(4)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert len(list(tmp_path.iterdir())) == 1  # and nothing temporary
    assert run_script(SCRIPT, environment) == "1"


# A function that stands in the machine code of each kernel, under a name in which only numba's own count differs.
APART = """
import sys
import numba
import numpy as np
from chainrule.backends.numba.compile import kernel, read_only, writeable

def times(factor):
    @numba.njit
    def apart(x, n):  # calls itself twice, and so is not put in place of its call
        if n == 0:
            return factor * x
        return (apart(x, n - 1) + apart(x, n - 1)) / 2

    def run(x, out):
        for i in range(out.size):
            out[i] = apart(x[i], i + 1)

    return kernel(run, f"times-{factor}", read_only(np.float64), writeable(np.float64))

out = np.empty(1)
for factor in map(float, sys.argv[1].split()):
    times(factor)(np.ones(1), out)
    print(out[0], end=" ")
"""


def test_kernels_that_two_processes_compiled_do_not_take_each_others_functions(tmp_path):
    file = tmp_path / "script.py"
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for factors in ("2.0", "3.0", "2.0 3.0", "3.0 2.0"):
        file.write_text(APART.replace("sys.argv[1]", repr(factors)))
        assert run_script(file, environment) == factors


def test_spawned_children_and_threads(tmp_path):
    """Children that begin afresh find the kernels of their parent; threads may meet at a kernel's first call."""
    file = tmp_path / "script.py"
    main = """
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: run(), range(8)))
    with ProcessPoolExecutor(2, get_context("spawn")) as children:
        print(*[future.result() for future in [children.submit(run) for _ in range(2)]])
"""
    file.write_text(SCRIPT.replace("    print(run())\n", main))
    assert run_script(file, {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}) == "1 1"


FORKED = """
import os, threading, time
from chainrule.backends.numba.compile import COMPILING

def compile_for_a_while():
    with COMPILING:
        begun.set()
        time.sleep(0.3)

begun = threading.Event()
threading.Thread(target=compile_for_a_while).start()
begun.wait()
child = os.fork()
if child == 0:
    os._exit(0 if COMPILING._lock.acquire(timeout=10) else 1)
print(os.waitpid(child, 0)[1], COMPILING._lock.acquire(timeout=10))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="platform: systems that fork")
def test_a_child_forked_while_a_thread_compiles_can_compile():
    assert run_script("import warnings; warnings.simplefilter('ignore')" + FORKED, {}) == "0 True"


def test_other_types_are_an_error():
    with pytest.raises(TypeError):
        kernel(double, "test_types", *TYPES)(np.ones(3, np.float32), np.empty(3))


def test_importing_chainrule_imports_no_numba():
    code = "import sys, chainrule; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_compiler_that_is_switched_off_is_told():
    code = "from chainrule import use_backend; use_backend('numba')"
    command, environment = [sys.executable, "-P", "-c", code], os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: the package numba does not start (NUMBA_DISABLE_JIT is set, so that")
    assert "NUMBA_DISABLE_JIT=1" in last


def test_without_numba_the_error_says_what_to_do():
    code = """
        import sys
        sys.modules["numba"] = None
        import chainrule as cr
        try:
            cr.use_backend("numba")
        except ImportError as error:
            sys.exit(0 if "pip install numba" in str(error) else str(error))
        sys.exit("no error")
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False).returncode == 0
