"""Floor 0: arrays and plain programs. A backend is a table of functions with the names that rules use."""

import difflib
from collections.abc import Callable
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

Table = ModuleType | SimpleNamespace

NAMES = ("numpy", "numba")


CUSTOM: dict[str, Callable[..., Any]] = {}


def function(table: Any, name: str) -> Callable[..., Any]:
    """Return a table's function of this name; of an op that a user defined, its definition run on the table."""
    found = getattr(table, name, None)
    return partial(CUSTOM[name], table) if found is None else found


def load(name: str) -> Table:
    """Return the function table of a backend, importing it on first use.

    Args:
        name: ``"numpy"`` or ``"numba"``.

    Returns:
        A namespace whose attributes are functions of NumPy arrays.

    Raises:
        ValueError: the name is unknown; the message lists the known ones.
        ImportError: numba is asked for and cannot be imported here.

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
        return numba.table
    near = difflib.get_close_matches(str(name), NAMES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown backend {name!r}; known backends: {', '.join(NAMES)}{hint}")
