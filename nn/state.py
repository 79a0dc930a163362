"""What a module holds, as named arrays, and how it takes them over."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from chainrule.autograd.tensor import Tensor

if TYPE_CHECKING:
    from chainrule.nn.module import Module
    from chainrule.nn.parameter import Buffer, Parameter


def held(module: "Module") -> "dict[str, Parameter | Buffer]":
    """Return the parameters and buffers of a module and all below it by path, each once.

    Example:
        >>> list(held(nn.Linear(2, 1)))
        ['weight', 'bias']
    """
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def tied(module: "Module") -> dict[str, str]:
    """Return the places where a parameter or buffer occurs again, each with the place where it first occurs.

    Example:
        >>> one, two = nn.Linear(2, 2), nn.Linear(2, 2)
        >>> two.weight = one.weight
        >>> tied(nn.Sequential(one, two))
        {'1.weight': '0.weight'}
    """
    first: dict[int, str] = {}
    again: dict[str, str] = {}
    for path, part in _places(module):
        if first.setdefault(id(part), path) != path:
            again[path] = first[id(part)]
    return again


def tie(module: "Module", again: Mapping[str, str]) -> None:
    """Put the parameters of some places into others: the opposite of `tied`.

    Raises:
        ValueError: there is no such place, or the shapes differ.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        >>> tie(model, {"1.weight": "0.weight"})
        >>> model[1].weight is model[0].weight
        True
    """
    parts, modules = dict(_places(module)), dict(module.named_modules())
    for place, source in again.items():
        if place not in parts or source not in parts or parts[place].shape != parts[source].shape:
            raise ValueError(f"{place} and {source} are to be the same, but there are no two such parameters")
        owner, _, name = place.rpartition(".")
        setattr(modules[owner], name, parts[source])


def _places(module: "Module") -> "Iterator[tuple[str, Parameter | Buffer]]":
    for path, owner in module.named_modules():
        for name, part in owner.named_children():
            if isinstance(part, Tensor):
                yield f"{path}.{name}" if path else name, part


def fill(module: "Module", arrays: Mapping[str, NDArray[Any]]) -> None:
    """Put arrays in place of a module's data, without a copy where the dtype is right.

    Args:
        module: any module.
        arrays: one for each parameter and buffer; nobody else may change them.

    Raises:
        ValueError: names are missing or too many, or shapes differ; all of them are listed, and nothing has changed.

    Example:
        >>> fill(nn.Linear(2, 1), {"weight": np.zeros((2, 2))})
        Traceback (most recent call last):
        ...
        ValueError: these arrays do not fit Linear: missing bias (1,); weight has shape (2, 2), needs (1, 2)
    """
    own = held(module)
    faults = [f"missing {name} {part.shape}" for name, part in own.items() if name not in arrays]
    faults += [f"unexpected {name} {array.shape}" for name, array in arrays.items() if name not in own]
    faults += [
        f"{name} has shape {arrays[name].shape}, needs {part.shape}"
        for name, part in own.items()
        if name in arrays and arrays[name].shape != part.shape
    ]
    if faults:
        raise ValueError(f"these arrays do not fit {type(module).__name__}: {'; '.join(faults)}")
    for name, part in own.items():
        part.replace(arrays[name].astype(part.dtype, copy=False))
