"""Floor 0: arrays and plain programs. A backend is a table of functions with the names that rules use."""

import difflib
import os
from collections.abc import Callable
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

from chainrule.backends.threads import num_threads as num_threads, set_num_threads as set_num_threads

Table = ModuleType | SimpleNamespace

NAMES = ("numpy", "numba")


CUSTOM: dict[str, Callable[..., Any]] = {}


def function(table: Any, name: str) -> Callable[..., Any]:
    """Return a table's function of this name; of an op that a user defined, its definition run on the table.

    If the table has neither, the function raises NotImplementedError when it is called: other ops still work.
    """
    found: Callable[..., Any] | None = getattr(table, name, None)
    if found is not None:
        return found
    return partial(CUSTOM[name], table) if name in CUSTOM else partial(_missing, table, name)


def _missing(table: Table, name: str, *args: Any, **params: Any) -> Any:
    backend = getattr(table, "__name__", "numba").rpartition(".")[2]
    raise NotImplementedError(
        f"the {backend} backend has no {name}; compute this part inside `with chainrule.use_backend('numpy'):`"
    )


def load(name: str) -> Table:
    """Return the function table of a backend, importing it on first use.

    Args:
        name: ``"numpy"`` or ``"numba"``.

    Returns:
        A namespace whose attributes are functions of NumPy arrays.

    Raises:
        ValueError: the name is unknown; the message lists the known ones.
        ImportError: numba is asked for and cannot be imported here, or is set up so that it does not start.

    Example:
        >>> float(load("numpy").exp(0.0))
        1.0
    """
    if name == "numpy":
        from chainrule.backends import numpy

        return numpy
    if name == "numba":
        try:
            from chainrule.backends import numba
        except ImportError as error:
            raise ImportError(
                f"the numba backend needs the package numba, which cannot be imported here ({error}); "
                "install it with `pip install numba`, or stay with use_backend('numpy')"
            ) from error
        except ValueError as error:  # what numba raises at a setting that it cannot work with
            given = ", ".join(f"{k}={v}" for k, v in os.environ.items() if k.startswith("NUMBA_"))
            raise ImportError(
                f"the package numba does not start ({error}); look at what is set for it ({given or 'nothing'}), "
                "or stay with use_backend('numpy')"
            ) from error
        return numba.table
    near = difflib.get_close_matches(str(name), NAMES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown backend {name!r}; known backends: {', '.join(NAMES)}{hint}")
