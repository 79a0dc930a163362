"""Nested containers of arguments: dicts, lists and tuples, taken apart and put together again."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any


def leaves(tree: Any) -> list[Any]:
    """Return what is in a nest of dicts, lists and tuples, in order; anything else is its own leaf.

    Example:
        >>> leaves({"w": [1, 2], "b": (3,)})
        [1, 2, 3]
    """
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, list | tuple):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def aligned(tree: Any, other: Any) -> list[Any]:
    """Return the leaves of another nest in the order in which `leaves` gives those of `tree`.

    Args:
        tree: a nest.
        other: a nest with the same keys and lengths; where `tree` has a leaf it may hold anything.

    Raises:
        ValueError: keys or lengths differ.

    Example:
        >>> aligned({"w": 1, "b": 2}, {"b": 20, "w": 10})
        [10, 20]
    """
    if isinstance(tree, dict):
        if not isinstance(other, dict) or tree.keys() != other.keys():
            found = f"keys {sorted(other, key=str)}" if isinstance(other, dict) else type(other).__name__
            raise ValueError(f"expected a dict with the keys {sorted(tree, key=str)}, got {found}")
        return [leaf for key, branch in tree.items() for leaf in aligned(branch, other[key])]
    if isinstance(tree, list | tuple):
        if not isinstance(other, list | tuple) or len(tree) != len(other):
            found = f"{len(other)} entries" if isinstance(other, list | tuple) else type(other).__name__
            raise ValueError(f"expected {len(tree)} entries in a list or tuple, got {found}")
        return [leaf for branch, twin in zip(tree, other, strict=True) for leaf in aligned(branch, twin)]
    return [other]


def rebuild(tree: Any, new: Sequence[Any]) -> Any:
    """Return a nest like `tree` with other leaves, in the order that `leaves` gives.

    Example:
        >>> rebuild({"w": [1, 2], "b": (3,)}, "xyz")
        {'w': ['x', 'y'], 'b': ('z',)}
    """
    return _build(tree, iter(new))


# A function of its own: one inside `rebuild` would refer to itself, a cycle that keeps the leaves alive.
def _build(part: Any, remaining: Iterator[Any]) -> Any:
    if isinstance(part, dict):
        return {key: _build(branch, remaining) for key, branch in part.items()}
    if isinstance(part, tuple) and hasattr(part, "_fields"):
        return type(part)(*(_build(branch, remaining) for branch in part))
    if isinstance(part, list | tuple):
        return type(part)(_build(branch, remaining) for branch in part)
    return next(remaining)


def transform(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the nest with `function` applied to each leaf.

    Example:
        >>> transform(abs, {"w": [-1, 2]})
        {'w': [1, 2]}
    """
    return rebuild(tree, [function(leaf) for leaf in leaves(tree)])
