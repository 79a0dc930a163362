"""Compile kernels, and keep the machine code on disk where the disk allows.

numba's own `cache=True` looks at one file only: edit a function that a cached kernel calls, in another file, and
the old machine code comes back. Here the key of a cached kernel is a hash of *all* the sources of this package
(and of the text of a generated kernel), its name, its types, the processor, and the compiler's version and settings.
"""

# mypy: allow-untyped-calls, allow-subclassing-any

import hashlib
import os
import secrets
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numpy as np
from numba import extending, types
from numba.core import bytecode, caching as numba_caching, compiler, compiler_lock
from numba.core.ccallback import CFunc
from numba.misc.appdirs import AppDirs

from chainrule.backends.atomic import write_atomically

SUFFIX = ".kernel"  # of a file in the cache
DIGEST = hashlib.sha256().digest_size
made = {"compiled": 0, "loaded": 0}  # kernels of this process, where there is a cache
unkept: list[OSError] = []  # why kernels of this process are not in the cache
# What changes the machine code that numba makes.
SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")

# "contract" lets a*b + c become one fused instruction. None of the other fast-math flags: `nnan` and `ninf` make
# NaN and inf undefined, `reassoc` undoes the two-part subtractions that the accuracy rests on.
# error_model="numpy": with Python's, each division tests for zero, and a loop with a test does not vectorise.
FLAGS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}

# numba's decorators hide what they decorate from a type checker, so what they return is Any.
CONFIG: Any = numba.config
CACHING: Any = numba_caching
COUNTING: Any = bytecode.FunctionIdentity
intrinsic: Any = extending.intrinsic
compiled_apart: Any = numba.njit(**FLAGS)  # for large functions that kernels call
inlined: Any = numba.njit(forceinline=True, **FLAGS)  # for the functions that a kernel's loop calls
# For sums alone, since compensation is exact only in order: in any other place "reassoc" is an error.
inlined_sum: Any = numba.njit(forceinline=True, **(FLAGS | {"fastmath": FLAGS["fastmath"] | {"reassoc"}}))

if CONFIG.DISABLE_JIT:
    raise ValueError("NUMBA_DISABLE_JIT is set, so that nothing is compiled")

# numba names machine code after the function and a count, which begins at 1 in each process. What two processes have
# compiled and kept meets in a third, and of two functions of one name the linker takes the first for both: the tiles
# of float32 for those of float64. So here a random number, which forked children don't share, stands for the count.
COUNTING._unique_ids = iter(partial(secrets.randbits, 62), None)

# A child that is forked while another thread compiles would wait for that thread, which it does not have, for ever.
COMPILING: Any = compiler_lock.global_compiler_lock
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=COMPILING.acquire, after_in_parent=COMPILING.release, after_in_child=COMPILING.release
    )


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
    with uninterrupted():
        dispatcher.compile(arguments)
    dispatcher.disable_compile()
    return dispatcher  # type: ignore[no-any-return]


def native(function: Callable[..., Any], name: str, *arguments: types.Type, source: str = "") -> Any:
    """Compile a function without a result as C would, or load it from the disk.

    Args:
        function: the Python function.
        name: names it on disk; one name, one function.
        arguments: numba types of the arguments.
        source: the text of a generated function.

    Returns:
        An object with its `address`, which is good for as long as the object lives.
    """
    compiled: Any = CFunc(function, (arguments, types.void), {}, FLAGS)
    directory = cache_directory()
    if directory is not None:
        compiled._cache = SourceCache(directory, name, source)
    with uninterrupted():
        compiled.compile()
    return compiled


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until something is compiled, at most some seconds.

    What numba knows of its own functions can be left half written by an interruption; then it compiles nothing more.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[Any] = []
    signal.signal(signal.SIGINT, lambda *given: came.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[-1])


def symbol(name: str, compiled: Any) -> str:
    """Give a native function a symbol that kernels link to; from the cache they can come only with the same sources."""
    name = f"chainrule_{name}_{package_hash()[:16]}"
    llvmlite.binding.add_symbol(name, compiled.address)
    _linked.append(compiled)
    return name


_linked: list[Any] = []  # what other machine code calls must not be freed


@cache
def cache_directory() -> Path | None:
    """The first directory that can be written to, or None: then kernels are compiled in every process.

    `NUMBA_CACHE_DIR` if it is set, else beside the sources, else the user's cache directory.
    """
    if CONFIG.CACHE_DIR:
        candidates = [Path(CONFIG.CACHE_DIR).absolute()]
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


def hash_of(package: Path) -> str:
    """A hash of the names and texts of the Python files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(package.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


_PACKAGE_HASH = hash_of(Path(__file__).parent)  # now: what is edited later is not what this process compiles


def package_hash() -> str:
    """A hash of every source file of this package, as they were when this process imported them."""
    return _PACKAGE_HASH


class SourceCache(numba_caching.FunctionCache):
    """numba's cache under a complete key: one file for each kernel, list of types, processor and compiler.

    numba keeps an index for all types of a function, which is read, changed and written back, so two processes that
    compile at once can mix up its entries. Here they can only write the same file twice, each time whole. The file
    begins with a hash of the rest: machine code that a disk has damaged is compiled anew and never run.
    """

    def __init__(self, directory: Path, name: str, source: str) -> None:
        self._name = name
        self._cache_path = str(directory)
        self._source = hashlib.sha256((package_hash() + source).encode()).hexdigest()
        self.enable()

    def _file(self, signature: Any, codegen: Any) -> Path:
        python = (sys.version_info[:2], getattr(sys, "abiflags", ""))
        versions = (numba.__version__, llvmlite.__version__, np.__version__)
        settings = [getattr(CONFIG, name) for name in SETTINGS]
        key = repr((signature, codegen.magic_tuple(), python, versions, settings)).encode()
        name = f"{self._name}-{hashlib.sha256(key).hexdigest()[:16]}-{self._source[:16]}{SUFFIX}"
        return Path(self._cache_path, name)

    def _load_overload(self, signature: Any, target: Any) -> Any:
        try:
            content = self._file(signature, target.codegen()).read_bytes()
            digest, code = content[:DIGEST], content[DIGEST:]
            if hashlib.sha256(code).digest() != digest:
                return None
            found = compiler.CompileResult._rebuild(target, *CACHING.pickle.loads(code))
        except Exception:  # what was pickled elsewhere can fail in any way: compile anew
            return None
        made["loaded"] += 1
        return found

    def _save_overload(self, signature: Any, compiled: Any) -> None:
        made["compiled"] += 1
        if compiled.library.has_dynamic_globals:  # it holds an address of this process
            return
        file = self._file(signature, compiled.codegen)
        code = CACHING.dumps(compiled._reduce())
        try:
            write_atomically(file, [hashlib.sha256(code).digest(), code])
            for other in file.parent.glob(f"{file.name.rsplit('-', 1)[0]}-*"):
                if other != file:
                    other.unlink(missing_ok=True)  # made from sources that have changed
        except OSError as error:  # a full disk must not stop a computation
            unkept.append(error)
