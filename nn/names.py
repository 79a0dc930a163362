"""Finding something by the name that a user typed."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

_ALSO_CALLED = {"swish": "silu"}


def look_up(kind: str, name: str, known: Mapping[str, T]) -> T:
    """Return what a name stands for.

    Args:
        kind: what is looked for, such as ``"activation"``; for the message.
        name: what the user wrote.
        known: everything there is, by name.

    Raises:
        ValueError: the name is unknown; the message lists the known ones and suggests the nearest.

    Example:
        >>> look_up("activation", "rleu", {"relu": 1, "tanh": 2})
        Traceback (most recent call last):
        ...
        ValueError: unknown activation 'rleu'; known activations: relu, tanh; did you mean 'relu'?
    """
    if name in known:
        return known[name]
    asked = str(name).lower().replace(" ", "_").replace("-", "_")
    near = difflib.get_close_matches(_ALSO_CALLED.get(asked, asked), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    many = f"{kind[:-1]}ies" if kind.endswith("y") and kind[-2:-1] not in "aeou" else f"{kind}s"
    plural = f"{kind}es" if kind.endswith("s") else many
    raise ValueError(f"unknown {kind} {name!r}; known {plural}: {', '.join(known)}{hint}")
