"""Writing a file whole or not at all, for models and for pictures."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file beside the old one, and put it in its place once it is whole.

    Args:
        path: the file to make or replace; a replaced one keeps its permissions.
        parts: the content, written one after the other.

    Raises:
        OSError: the folder does not exist or cannot be written; what was there stays.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_atomically(Path(folder, "a.bin"), [b"ab", b"c"])
        ...     Path(folder, "a.bin").read_bytes()
        b'abc'
    """
    if not path.parent.exists():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}; make it first")
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        mode = path.stat().st_mode if path.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(mode & 0o777)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
