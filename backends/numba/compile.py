"""Compile kernels, and keep the machine code on disk where the disk allows.

numba's own `cache=True` looks at one file only: edit a function that a cached kernel calls, in another file, and
the old machine code comes back. Here the key of a cached kernel is a hash of *all* the sources of this package
(and of the text of a generated kernel), its name, its types and the processor.
"""

# mypy: allow-untyped-calls, allow-subclassing-any

import hashlib
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba import extending, types
from numba.core import caching, compiler
from numba.misc.appdirs import AppDirs

# "contract" lets a*b + c become one fused instruction. None of the other fast-math flags: `nnan` and `ninf` make
# NaN and inf undefined, `reassoc` undoes the two-part subtractions that the accuracy rests on.
# error_model="numpy": with Python's, each division tests for zero, and a loop with a test does not vectorise.
FLAGS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}

# numba's decorators hide what they decorate from a type checker, so what they return is Any.
CONFIG: Any = numba.config
intrinsic: Any = extending.intrinsic
compiled_apart: Any = numba.njit(**FLAGS)  # for large functions that kernels call
inlined: Any = numba.njit(forceinline=True, **FLAGS)  # for the functions that a kernel's loop calls


def read_only(dtype: type[np.number[Any]], ndim: int = 1) -> types.Array:
    """The type of a contiguous array that a kernel only reads (it accepts writeable arrays too)."""
    return types.Array(numba.from_dtype(np.dtype(dtype)), ndim, "C", readonly=True)


def writeable(dtype: type[np.number[Any]], ndim: int = 1) -> types.Array:
    """The type of a contiguous array that a kernel writes to."""
    return types.Array(numba.from_dtype(np.dtype(dtype)), ndim, "C")


def kernel(
    function: Callable[..., Any], name: str, *arguments: types.Type, source: str = "", **flags: Any
) -> Callable[..., Any]:
    """Compile a function for one list of argument types, or load it from the disk.

    Args:
        function: the Python function.
        name: names the kernel on disk; one name, one function.
        arguments: numba types of the arguments.
        source: the text of a generated function, so that it becomes part of the cache's key.
        flags: options of `numba.njit` beside `FLAGS`.

    Returns:
        The compiled function. Calling it with other types raises a TypeError.
    """
    dispatcher = numba.njit(**(FLAGS | flags))(function)
    directory = cache_directory()
    if directory is not None:
        dispatcher._cache = SourceCache(directory, name, source)
    dispatcher.compile(arguments)
    dispatcher.disable_compile()
    return dispatcher  # type: ignore[no-any-return]


@cache
def cache_directory() -> Path | None:
    """The first directory that can be written to, or None: then kernels are compiled in every process.

    `NUMBA_CACHE_DIR` if it is set, else beside the sources, else the user's cache directory.
    """
    if CONFIG.CACHE_DIR:
        candidates = [Path(CONFIG.CACHE_DIR)]
    else:
        user = AppDirs(appname="chainrule", appauthor=False).user_cache_dir
        candidates = [Path(__file__).parent / "__pycache__", Path(user)]
    for directory in candidates:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=directory).close()
        except OSError:
            continue
        return directory
    return None


@cache
def package_hash() -> str:
    """A hash of every source file of this package."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class SourceCache(caching.FunctionCache):
    """numba's cache files under a complete key, one pair of files for each kernel and list of types.

    numba's index file for a whole function is read, changed and written back, so that two processes that compile
    at once can mix up their entries; with one entry a file they can only write the same thing twice.
    """

    def __init__(self, directory: Path, name: str, source: str) -> None:
        self._name = name
        self._cache_path = str(directory)
        self._source = hashlib.sha256((package_hash() + source).encode()).hexdigest()
        self.enable()

    def _file(self, signature: Any, codegen: Any) -> caching.IndexDataCacheFile:
        python = (sys.version_info[:2], getattr(sys, "abiflags", ""))
        key = repr((signature, codegen.magic_tuple(), python)).encode()
        base = f"{self._name}-{hashlib.sha256(key).hexdigest()[:16]}"
        return caching.IndexDataCacheFile(self._cache_path, f"{base}-{self._source[:16]}", self._source)

    def _load_overload(self, signature: Any, target: Any) -> Any:
        try:
            data = self._file(signature, target.codegen()).load(signature)
            return data and compiler.CompileResult._rebuild(target, *data)
        except (
            Exception
        ):  # a file cut short or of another numba: unpickling can raise anything, so compile anew
            return None

    def _save_overload(self, signature: Any, compiled: Any) -> None:
        file = self._file(signature, compiled.codegen)
        stale = Path(file._index_path).name.rsplit("-", 1)[0]
        try:
            for path in Path(self._cache_path).glob(f"{stale}-*"):
                path.unlink(missing_ok=True)
            file.save(signature, compiled._reduce())
        except OSError:  # a full disk must not stop a computation
            return
