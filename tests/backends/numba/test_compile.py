"""The cache on disk: complete keys, and no cache where nothing can be written."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from chainrule.backends.numba import compile as compiler
from chainrule.backends.numba.compile import kernel, read_only, writeable


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
    assert len(files) == 2  # numba's index and the code
    assert result_of(triple) == 2  # same key, so the stored code: the name stands for the function
    assert {path: path.stat().st_mtime_ns for path in directory.iterdir()} == files


def test_a_change_in_any_source_file_is_a_new_key(directory, monkeypatch):
    assert result_of(double) == 2
    monkeypatch.setattr(compiler, "package_hash", lambda: "edited")
    assert result_of(triple) == 3
    assert len(list(directory.iterdir())) == 2  # the stale pair is gone


def test_the_text_of_a_generated_kernel_is_part_of_the_key(directory):
    assert result_of(double, source="a") == 2
    assert result_of(triple, source="b") == 3


def test_damaged_files_are_compiled_anew(directory):
    assert result_of(double) == 2
    for path in directory.iterdir():
        path.write_bytes(path.read_bytes()[:40])
    assert result_of(double) == 2


def test_a_full_disk_is_no_error(directory, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compiler.caching.IndexDataCacheFile, "save", full)
    assert result_of(double) == 2


def test_nowhere_to_write(monkeypatch):
    monkeypatch.setattr(compiler.CONFIG, "CACHE_DIR", os.devnull + "/below")
    compiler.cache_directory.cache_clear()
    try:
        assert compiler.cache_directory() is None
        assert result_of(double) == 2
    finally:
        compiler.cache_directory.cache_clear()


def test_other_types_are_an_error():
    with pytest.raises(TypeError):
        kernel(double, "test_types", *TYPES)(np.ones(3, np.float32), np.empty(3))


def test_importing_chainrule_imports_no_numba():
    code = "import sys, chainrule; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
