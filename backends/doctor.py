"""What there is to compute with on this machine, and what is in the way: the facts of `chainrule doctor`.

Nothing here needs numba: where it is missing, that is the first thing to say.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import backends

Facts = list[tuple[str, str]]
WIDTH = 96  # of a line of the report
SLOW = {"OPT": (0, 1, 2), "LOOP_VECTORIZE": (0,), "BOUNDSCHECK": (1,)}  # settings of numba
THREAD_LAYERS = {"tbb": "tbbpool", "omp": "omppool", "workqueue": "workqueue"}
# What decides how a kernel is made, of the hundred features that LLVM knows.
FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512bf16", "neon", "sve")


def report() -> str:
    """Everything, as text: one section after the other, then what is in the way.

    Example:
        >>> print(report())
        versions
          chainrule   ...
    """
    sections = {"versions": versions(), "processor": processor()}
    missing = without_numba()
    if not missing:
        sections |= {"threads": threads(), "cache": cache()}
        said, works = trial()
        sections["kernels"] = [("for", "arrays of float32 and float64; all others are NumPy's"), *kernels()]
        sections["kernels"].append(("a trial", said))
    lines = [line for title, facts in sections.items() for line in (title, *_lines(facts), "")]
    found = [*settings(), *([missing] if missing else [*obstacles(), *([] if works else [said])])]
    heading = "in the way" if found else "nothing is in the way"
    return "\n".join([*lines, heading, *_lines([("-", text) for text in found])])


def _lines(facts: Facts) -> Iterator[str]:
    """Two columns, the second one wrapped."""
    import textwrap

    first = max((len(name) for name, _ in facts), default=0) + 2
    for name, text in facts:
        indent = " " * (first + 2)
        wrapped = textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent) or [indent]
        yield f"  {name:{first}}{wrapped[0].lstrip()}"
        yield from wrapped[1:]


def without_numba() -> str:
    """Why the numba backend cannot be used here, or ""."""
    if sys.platform == "emscripten":
        return "the numba backend does not exist in the browser's Python; everything else works"
    try:
        backends.load("numba")
    except ImportError as error:
        return str(error)
    return ""


def versions() -> Facts:
    """Of everything that takes part in a computation."""
    return [
        ("chainrule", f"{installed('chainrule')} in {Path(backends.__file__).parents[1]}"),
        (
            "Python",
            f"{platform.python_version()} ({platform.python_implementation()}, {platform.platform()})",
        ),
        ("NumPy", f"{np.__version__}, BLAS: {blas()}"),
        ("numba", f"{installed('numba')}, llvmlite {installed('llvmlite')}"),
        ("backend", f"{os.environ.get('CHAINRULE_BACKEND', 'numpy')} by default (CHAINRULE_BACKEND)"),
    ]


def installed(package: str) -> str:
    """The version of a package, or "not installed"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def blas() -> str:
    """Name and version of the BLAS that NumPy was built with."""
    found = np.show_config("dicts")["Build Dependencies"].get("blas", {})  # type: ignore[call-arg, func-returns-value, index, unused-ignore]
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def processor_name() -> str:
    """The processor's name as the system tells it.

    Example:
        >>> len(processor_name()) > 0
        True
    """
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> Facts:
    """The machine, and what the compiler makes of it."""
    facts = [("name", f"{processor_name()}, {cores()} of {os.cpu_count()} cores for this process")]
    if without_numba():
        return facts
    from chainrule.backends.numba.coefficients import FLOAT32, FLOAT64
    from chainrule.backends.numba.tile import shape

    target, features = compiled_for()
    given = [name for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES") if os.environ.get(name)]
    facts.append(("compiled for", target + (f" (given by {' and '.join(given)})" if given else "")))
    facts.append(("features", " ".join(name for name in FEATURES if name in features) or "none of note"))
    for f in (FLOAT32, FLOAT64):
        tile = shape(f)
        facts.append(
            (
                f.name,
                f"vectors of {tile.lanes} ({tile.lanes * np.dtype(f.real).itemsize * 8} bits), "
                f"matrix product in tiles of {tile.rows} x {2 * tile.lanes}",
            )
        )
    return facts


def compiled_for() -> tuple[str, set[str]]:
    """The processor that numba compiles for, and its features."""
    from numba.core import registry

    _, name, features = registry.cpu_target.target_context.codegen().magic_tuple()
    return name, {feature[1:] for feature in features.split(",") if feature.startswith("+")}


def threads() -> Facts:
    """Thread counts, and the layers that numba could run parallel kernels on."""
    import importlib

    from numba.core.config import THREADING_LAYER  # type: ignore[attr-defined]

    from chainrule.backends.numba import gemm, reduce, slices
    from chainrule.backends.threads import num_threads

    layers = []
    for layer, module in THREAD_LAYERS.items():
        try:
            importlib.import_module(f"numba.np.ufunc.{module}")
            layers.append(layer)
        except ImportError as error:
            layers.append(f"{layer} (no: {error})")
    variables = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    given = [f"{name}={os.environ[name]}" for name in variables if name in os.environ]
    return [
        ("kernels", f"at most {num_threads()} (set_num_threads, NUMBA_NUM_THREADS, OMP_NUM_THREADS)"),
        (
            "shared",
            f"matrix products of {gemm.PARALLEL:,} multiplications or more, reductions of {reduce.SHARED:,} "
            f"elements or more, most other kernels of {slices.LARGE:,} or more",
        ),
        ("BLAS", ", ".join(given) or "as many as there are cores (OPENBLAS_NUM_THREADS, OMP_NUM_THREADS)"),
        ("layer", "Python's threads, which wait for work in machine code, with its lock released"),
        (
            "numba's layers",
            f"not used; {', '.join(layers)} (NUMBA_THREADING_LAYER: {THREADING_LAYER})",
        ),
    ]


def cache() -> Facts:
    """Where compiled kernels are kept, and how many there are."""
    from chainrule.backends.numba.compile import SUFFIX, cache_directory

    directory = cache_directory()
    if directory is None:
        return [("place", "none can be written")]
    sizes = [file.stat().st_size for file in directory.glob(f"*{SUFFIX}")]
    return [
        ("place", f"{directory} (writable)"),
        ("content", f"{len(sizes)} kernels, {sum(sizes) / 1e6:.2f} MB; `chainrule warmup` makes them all"),
    ]


def kernels() -> Facts:
    """Which functions of the table have kernels, file by file, and which are NumPy's."""
    from chainrule.backends import numpy as reference
    from chainrule.backends.numba import elementwise, table

    sizes = {name: f" from {size} elements on" for name, size in elementwise.SMALLEST.items() if size}
    files: dict[str, list[str]] = {}
    plain = []
    for name, function in vars(table).items():
        if not callable(function):
            continue
        if getattr(reference, name, None) is function:
            plain.append(name)
        else:
            file = function.__module__.rpartition(".")[2]
            files.setdefault(file, []).append(name + sizes.get(name, ""))
    facts = [(file, ", ".join(names)) for file, names in files.items()]
    return [
        *facts,
        ("by NumPy", f"{len(plain)} others, where its function is as fast or seldom hot: {', '.join(plain)}"),
    ]


def trial() -> tuple[str, bool]:
    """Make one kernel and use it; say how that went, and whether it did."""
    from chainrule.backends.numba.coefficients import FLOAT32
    from chainrule.backends.numba.elementwise import compiled

    x = np.linspace(-2, 2, 1000, dtype=np.float32)
    out = np.empty_like(x)
    start = time.perf_counter()
    try:
        kernel: Any = compiled("relu", FLOAT32)
        seconds = time.perf_counter() - start
        kernel(x, out)
    except Exception as error:  # whatever is wrong with the compiler is what a report must say
        return f"the kernel of relu does not compile: {type(error).__name__}: {error}", False
    if not np.array_equal(out, np.maximum(x, 0)):
        return "the kernel of relu computes something else than NumPy", False
    how = "loaded from the cache" if kernel.stats.cache_hits else "compiled"
    return f"the kernel of relu was {how} in {seconds * 1e3:.0f} ms, and agrees with NumPy", True


def settings() -> Iterator[str]:
    """What is wrong with the environment's settings, whether or not there is numba."""
    default = os.environ.get("CHAINRULE_BACKEND", "numpy")
    if default not in backends.NAMES:
        yield f"CHAINRULE_BACKEND is {default!r}, which is no backend: write {' or '.join(backends.NAMES)}"
    count = os.environ.get("NUMBA_NUM_THREADS", "1").strip()
    if not (count.isdecimal() and int(count)):
        yield f"NUMBA_NUM_THREADS is {count!r}, which is no count of threads: write 1, 2, ..., or unset it"


def unwritable() -> str:
    """What stands in the way where `cache_directory` finds none, and what to do."""
    from chainrule.backends.numba.compile import CONFIG

    if CONFIG.CACHE_DIR:
        return (
            f"NUMBA_CACHE_DIR, {CONFIG.CACHE_DIR}, is no folder that can be written: set it to one that can"
        )
    return (
        "neither the package's folder nor your cache folder can be written: set NUMBA_CACHE_DIR to a folder "
        "that can"
    )


def obstacles() -> Iterator[str]:
    """What keeps the numba backend from working, or from being fast, and what to do about it."""
    from chainrule.backends.numba.coefficients import FLOAT32
    from chainrule.backends.numba.compile import CONFIG, cache_directory, unkept
    from chainrule.backends.numba.tile import shape

    if cache_directory() is None:
        yield f"kernels are compiled in every process, since {unwritable()}"
    if unkept:
        yield f"kernels are compiled in every process, since they cannot be kept: {unkept[-1]}"
    for name, slow in SLOW.items():
        if getattr(CONFIG, name) in slow:
            yield f"NUMBA_{name} is {int(getattr(CONFIG, name))}, with which kernels are slow: unset it"
    if shape(FLOAT32).lanes < 8 and platform.machine().lower() in ("x86_64", "amd64"):
        yield "vectors are as narrow as on a plain x86-64: kernels are correct, and slower than NumPy's"
