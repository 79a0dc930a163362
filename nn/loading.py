"""`nn.load`: a module built from a file. Only the classes listed here can be; nothing in a file is executed."""

from typing import Any

from chainrule.nn import activations, conv, layers, models, networks, norm, saving, state
from chainrule.nn.errors import ModelFileError
from chainrule.nn.files import PathName
from chainrule.nn.module import Module
from chainrule.nn.parameter import skeleton


def load(path: PathName) -> Module:
    """Build the module that a file describes, with its parameters and buffers.

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
    task, tied = config.pop("task", None), config.pop("tied", {})
    try:
        # Nothing is allocated for the numbers of a module before its shapes are found to be those of the file.
        with skeleton(len(tensors) + len(tied)):
            module = _build(config, [])
        state.tie(module, tied)
        if saving.describe(module) != config or state.tied(module) != tied:
            raise ValueError(f"no module of chainrule describes itself as {saving.shown(config)}")
        state.fill(module, tensors)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelFileError(f"{path}, byte 8: {error}") from None
    module.task = task
    return module


def _build(config: dict[str, Any], built: list[Module | None]) -> Module:
    """Build a module from its description; `built` holds those before it, None for one that is being built."""
    if config.keys() == {"same"}:
        again: Module | None = built[config["same"]]
        if again is None:
            raise ModelFileError("a module of the config is its own part")
        return again
    name, arguments = config["class"], config["arguments"]
    if name not in CLASSES:
        raise ModelFileError(
            f"the class {str(name)[:80]!r} cannot be built from a file; build the module yourself and call its "
            f"load(path). Known: {', '.join(CLASSES)}"
        )
    if arguments.get("dtype", "float32") not in ("float16", "float32", "float64"):
        raise ModelFileError("the dtype must be float16, float32 or float64")
    place = len(built)
    built.append(None)
    plain = {key: _part(value, built) for key, value in arguments.items()}
    module = CLASSES[name](*plain.pop("layers", ()), **plain)
    built[place] = module
    return module


def _part(value: Any, built: list[Module | None]) -> Any:
    if isinstance(value, dict):
        return _build(value, built)
    return [_part(item, built) for item in value] if isinstance(value, list) else value


CLASSES: dict[str, type[Module]] = {
    kind.__name__: kind
    for file in (layers, conv, norm, activations, models, networks)
    for kind in vars(file).values()
    if isinstance(kind, type) and issubclass(kind, Module) and kind.__module__ == file.__name__
    if kind is not activations.Activation and not kind.__name__.startswith("_")
}
