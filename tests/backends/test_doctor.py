"""The report on this machine: true where it can be compared, and clear where numba is missing or hindered."""

import os
import platform
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from chainrule.backends import doctor

numba = pytest.importorskip("numba", reason="needs numba: pip install numba")


def report(**environment: str) -> str:
    """The report of a fresh process."""
    code = "from chainrule.backends import doctor; print(doctor.report())"
    command = [sys.executable, "-P", "-c", code]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    ).stdout


def facts(text: str) -> dict[str, str]:
    """The lines of a report by the word that they begin with, those that continue another joined to it."""
    found: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if indent == 2:
            name, _, rest = line.strip().partition("  ")
            found[name] = rest.strip()
        elif indent > 2:
            found[name] += " " + line.strip()
    return found


def test_versions_and_processor() -> None:
    found = facts(report())
    assert found["Python"].startswith(platform.python_version())
    assert found["NumPy"].startswith(np.__version__)
    assert "BLAS: " in found["NumPy"]
    assert found["numba"].startswith(numba.__version__)
    assert doctor.processor_name() in found["name"]
    assert found["float32"].startswith("vectors of ")


def test_every_function_of_the_table_is_named_once() -> None:
    from chainrule.backends.numba import table

    named = [word.split()[0] for name, text in doctor.kernels() for word in text.split(": ")[-1].split(", ")]
    assert sorted(named) == sorted(name for name, function in vars(table).items() if callable(function))
    assert "tanh from 4096 elements on" in dict(doctor.kernels())["elementwise"]
    assert "matmul" not in dict(doctor.kernels())["by NumPy"]


def test_the_cache_is_counted(tmp_path: os.PathLike[str]) -> None:
    first, second = (facts(report(NUMBA_CACHE_DIR=str(tmp_path))) for _ in range(2))
    assert first["place"] == f"{tmp_path} (writable)"
    assert first["content"].startswith("0 kernels, 0.00 MB")
    assert "compiled in" in first["a trial"]
    assert second["content"].startswith("1 kernels, 0.0")
    assert "loaded from the cache in" in second["a trial"]


def test_a_cache_that_cannot_be_written() -> None:
    text = report(NUMBA_CACHE_DIR=os.devnull + "/below")
    assert facts(text)["place"] == "none can be written"
    problem = " ".join(text.partition("\nin the way\n")[2].split())
    assert f"NUMBA_CACHE_DIR, {os.devnull}/below, is no folder that can be written" in problem
    assert "compiled in every process" in problem


def test_settings_that_are_no_settings() -> None:
    """Zero threads keep numba from being imported at all; a word it only warns of."""
    for count, starts in (("0", False), ("many", True)):
        text = report(NUMBA_NUM_THREADS=count, CHAINRULE_BACKEND="nunba", PYTHONWARNINGS="ignore")
        problem = " ".join(text.partition("\nin the way\n")[2].split())
        assert f"NUMBA_NUM_THREADS is '{count}', which is no count of threads" in problem
        assert "CHAINRULE_BACKEND is 'nunba', which is no backend: write numpy or numba" in problem
        assert ("the package numba does not start" in problem) == (not starts)
        assert ("a trial" in facts(text)) == starts


def test_a_compiler_that_is_switched_off() -> None:
    problem = report(NUMBA_DISABLE_JIT="1").partition("\nin the way\n")[2]
    assert "NUMBA_DISABLE_JIT is set" in problem


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="platform: processors of this kind only"
)
def test_a_plain_processor_is_told() -> None:
    text = report(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert facts(text)["compiled for"] == "generic (given by NUMBA_CPU_NAME)"
    assert facts(text)["float32"].startswith("vectors of 4 (128 bits)")
    assert "as narrow as on a plain x86-64" in " ".join(text.partition("\nin the way\n")[2].split())


def test_settings_that_make_kernels_slow() -> None:
    problem = report(NUMBA_OPT="0", NUMBA_BOUNDSCHECK="1").partition("\nin the way\n")[2]
    assert "NUMBA_OPT is 0, with which kernels are slow: unset it" in problem
    assert "NUMBA_BOUNDSCHECK is 1, with which" in problem


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule.backends.numba import compile as compiler

    monkeypatch.setattr(compiler, "unkept", [OSError(28, "No space left on device")])
    problem = " ".join(doctor.report().partition("\nin the way\n")[2].split())
    assert "kernels are compiled in every process, since they cannot be kept: [Errno 28] No space" in problem


def test_a_kernel_that_does_not_compile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule.backends.numba import elementwise

    def broken(*arguments: object) -> None:
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(elementwise, "compiled", broken)
    text = " ".join(doctor.report().partition("\nin the way\n")[2].split())
    assert "the kernel of relu does not compile: RuntimeError: no such instruction" in text


def test_a_kernel_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from chainrule.backends.numba import elementwise

    monkeypatch.setattr(elementwise, "compiled", lambda *arguments: lambda x, out: None)
    assert not doctor.trial()[1]


def test_without_numba() -> None:
    code = """
        import sys
        sys.modules["numba"] = None
        from chainrule.backends import doctor
        print(doctor.report())
    """
    command = [sys.executable, "-P", "-c", textwrap.dedent(code)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert facts(text)["NumPy"].startswith(np.__version__)
    assert "\nthreads\n" not in text
    assert "pip install numba" in text.partition("\nin the way\n")[2]


def test_in_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    assert "the numba backend does not exist in the browser's Python" in doctor.report()
