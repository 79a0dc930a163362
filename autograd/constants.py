"""Constants that are neither numbers nor arrays yet: nested lists, and tables and series of pandas."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def holds(data: Any, kind: type) -> bool:
    """Say whether a nested list holds an object of a class."""
    return isinstance(data, list | tuple) and any(isinstance(x, kind) or holds(x, kind) for x in data)


def as_constant(name: object, x: Any, kind: type) -> NDArray[Any]:
    """Return nested lists, a table or a series as an array.

    Other classes of arrays become NumPy's own: the operators of `numpy.matrix`, for one, are not those of rules.

    Args:
        name: what asks for it, for the message.
        x: anything NumPy makes an array of.
        kind: the class of nodes.

    Raises:
        TypeError: a list holds nodes, whose graph an array would lose, or the array is masked.
    """
    if holds(x, kind):
        advice = "; Python's own sum([...]) adds up Values" if str(name) == "sum" else ""
        raise TypeError(
            f"{name}: got a {type(x).__name__} of nodes; make one Tensor of it first, with "
            f"Tensor.from_values([...]) from Values or chainrule.stack([...]) from Tensors{advice}"
        )
    refuse_masked(name, x)
    return np.asarray(from_table(x))


def refuse_masked(name: object, x: Any) -> None:
    """Raise for a masked array, whose masked elements would count like all others."""
    if hasattr(x, "filled"):
        raise TypeError(
            f"{name}: the mask of a masked array would be lost; write x.filled(0.0), or x.compressed()"
        )


def from_table(data: Any) -> Any:
    """Return a table of numbers as one array; anything else as it is.

    By itself NumPy makes Python objects of a table in which some columns are floats and some booleans.
    """
    columns = [column for _, column in _columns(data)]
    return np.column_stack(columns) if columns and all(c.dtype.kind in "fiub" for c in columns) else data


def odd_column(data: Any) -> str:
    """Return words that name the first column of a table that holds no numbers; nothing if there is none."""
    for name, column in _columns(data):
        if column.dtype.kind not in "fiub":
            shown = f", such as {column[0]!r}" if len(column) else ""
            return (
                f": its column {name!r} holds no numbers{shown}; leave it out with .drop(columns=[{name!r}]), or "
                "encode it with pandas.get_dummies(table) or nn.data.TableEncoder"
            )
    return ""


def _columns(data: Any) -> list[tuple[Any, NDArray[Any]]]:
    """Return the columns of a table of pandas with their names; none for anything else."""
    if not (hasattr(data, "iloc") and hasattr(data, "columns")):
        return []
    return [(name, np.asarray(data.iloc[:, i])) for i, name in enumerate(data.columns)]
