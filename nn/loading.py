"""`nn.load`: a module built from a file. Only the classes listed here can be; nothing in a file is executed."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from chainrule.nn import activations, init, layers, models, saving
from chainrule.nn.errors import ModelFileError
from chainrule.nn.files import PathName
from chainrule.nn.models import check_sizes
from chainrule.nn.module import Module

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def load(path: PathName) -> Module:
    """Build the module that a file describes, with its parameters.

    Args:
        path: what `Module.save` wrote.

    Raises:
        FileNotFoundError: no such file.
        ModelFileError: the file is corrupt, another program wrote it, or it holds a class of your own: then build
            the module yourself and call its `load`.

    Example:
        >>> import tempfile, pathlib
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     nn.MLP([2, 3, 1]).save(pathlib.Path(folder) / "model.safetensors")
        ...     print(nn.load(pathlib.Path(folder) / "model.safetensors"))
        MLP(
          (0): Linear(in_features=2, out_features=3)
          (1): ReLU()
          (2): Linear(in_features=3, out_features=1)
        )
    """
    tensors, config = saving.read(path)
    if config is None:
        raise ModelFileError(
            f"{path}, byte 8: the file does not say what module it holds; build one, and call model.load(path)"
        )
    task = config.pop("task", None)
    try:
        # Nothing is allocated for a module whose shapes are not those of the file.
        left = {name: array.shape for name, array in tensors.items()}
        for name, shape in _shapes(config):
            if left.pop(name, None) != shape:
                raise ModelFileError(f"the config needs {name} of shape {shape}, the file has it not")
        if left:
            raise ModelFileError(f"the file has {', '.join(left)}, which the config does not know")
        module = _build(config)
        module.load_state_dict(tensors)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path}, byte 8: {error}") from None
    module.task = task
    return module


def _known(config: Any) -> tuple[type[Module], Callable[..., Shapes], dict[str, Any]]:
    name, arguments = config["class"], config["arguments"]
    if name not in CLASSES:
        raise ModelFileError(
            f"the class {str(name)[:80]!r} cannot be built from a file; build the module yourself and call its "
            f"load(path). Known: {', '.join(CLASSES)}"
        )
    if arguments.get("dtype", "float32") not in ("float16", "float32", "float64"):
        raise ModelFileError("the dtype must be float16, float32 or float64")
    return *CLASSES[name], arguments


def _shapes(config: Any) -> Shapes:
    """Go over the parameters' names and shapes that a config asks for, without building anything."""
    _, shapes, arguments = _known(config)
    return shapes(**arguments)


def _build(config: Any) -> Module:
    kind, _, arguments = _known(config)
    if kind is layers.Sequential:
        return layers.Sequential(*(_build(layer) for layer in arguments["layers"]))
    plain = {k: _build(v) if isinstance(v, dict) else v for k, v in arguments.items()}
    if kind in (layers.Linear, models.MLP):
        plain["init"] = init.zeros  # draws no random numbers
    return kind(**plain)


def _none(**arguments: Any) -> Shapes:
    return iter(())


def _linear(in_features: int, out_features: int, bias: bool = True, dtype: str = "") -> Shapes:
    yield "weight", (out_features, in_features)
    if bias:
        yield "bias", (out_features,)


def _sequential(layers: list[Any]) -> Shapes:
    for i, layer in enumerate(layers):
        for name, shape in _shapes(layer):
            yield f"{i}.{name}", shape


def _mlp(sizes: list[int], activation: Any, dtype: str = "") -> Shapes:
    checked = check_sizes("MLP", sizes)
    for i, (n_in, n_out) in enumerate(pairwise(checked)):
        for name, shape in _linear(n_in, n_out):
            yield f"{2 * i}.{name}", shape


def _logistic_regression(n_features: int, n_classes: int, dtype: str = "") -> Shapes:
    for name, shape in _linear(n_features, 1 if n_classes == 2 else n_classes):
        yield f"linear.{name}", shape


CLASSES: dict[str, tuple[type[Module], Callable[..., Shapes]]] = {
    "Linear": (layers.Linear, _linear),
    "Flatten": (layers.Flatten, _none),
    "Sequential": (layers.Sequential, _sequential),
    "MLP": (models.MLP, _mlp),
    "LogisticRegression": (models.LogisticRegression, _logistic_regression),
    **{kind.__name__: (kind, _none) for kind in activations.ACTIVATIONS.values()},
}
