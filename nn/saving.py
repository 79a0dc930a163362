"""Modules in files: the parameters and buffers as safetensors, and in its metadata how to build the module."""

import json
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule.nn import files, state
from chainrule.nn.errors import ModelFileError
from chainrule.nn.files import Array, PathName

if TYPE_CHECKING:
    from chainrule.nn.module import Module

VERSION = "1"  # of what is in the metadata; raised when an older reader could misread it
Config = dict[str, Any]


def save(module: "Module", path: PathName) -> None:
    """See `Module.save`."""
    tensors = module.state_dict()
    try:
        config = json.dumps({**_whole(module), "task": module.task})
    except TypeError as error:
        raise TypeError(
            f"cannot save this {type(module).__name__}: {error}; let the `arguments()` of every module of your own "
            "return numbers, texts, modules, and lists of them"
        ) from None
    metadata = {"chainrule": VERSION, "config": config, "crc32": checksum(config, tensors)}
    files.write(path, tensors, metadata)


def load_into(module: "Module", path: PathName) -> None:
    """See `Module.load`."""
    tensors, config = read(path)
    if config is not None:
        task = config.pop("task", None)
        own = json.loads(json.dumps(_whole(module)))
        if config != own:
            raise ModelFileError(f"{path}, byte 8: the file holds {shown(config)}, this is {shown(own)}")
    try:
        state.fill(module, tensors)
    except ValueError as error:
        raise ModelFileError(f"{path}, byte 8: {error}") from None
    if config is not None and task is not None:
        module.task = task


def read(path: PathName) -> tuple[dict[str, Array], Config | None]:
    """Return the arrays of a model file, and how to build the module: None if another program wrote the file.

    Raises:
        FileNotFoundError: no such file.
        ModelFileError: it is corrupt, or of a version that is not known here.
    """
    tensors, metadata = files.read(path)
    if metadata.keys().isdisjoint({"chainrule", "config", "crc32"}):
        return tensors, None
    version = metadata.get("chainrule", "")
    if version != VERSION:
        raise ModelFileError(
            f"{path}, byte 8: model format {version[:20]!r}; this chainrule reads {VERSION!r}, a newer one may read it"
        )
    text = metadata.get("config", "")
    if metadata.get("crc32") != checksum(text, tensors):
        raise ModelFileError(f"{path}, byte 8: the checksum does not fit: the file was changed or damaged")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}, byte 8: the config is no JSON: {error}") from None
    tasks = (None, "multiclass", "one_vs_rest", "binary", "regression")
    if not isinstance(config, dict) or config.get("task") not in tasks:
        raise ModelFileError(f"{path}, byte 8: the config must be an object with a known task")
    return tensors, config


def _whole(module: "Module") -> Config:
    """Return the description of a module, and which of its parameters are the same."""
    config: Config = describe(module)
    tied = state.tied(module)
    return {**config, "tied": tied} if tied else config


def describe(value: Any, seen: dict[int, int] | None = None) -> Any:
    """Return a module as plain data, ``{"class": ..., "arguments": {...}}``, and what holds modules likewise.

    One that occurs again is ``{"same": n}``: the n-th that was described, counted from 0.

    Example:
        >>> describe(nn.Tanh())
        {'class': 'Tanh', 'arguments': {}}
        >>> layer = nn.Tanh()
        >>> describe([layer, layer])
        [{'class': 'Tanh', 'arguments': {}}, {'same': 0}]
    """
    seen = {} if seen is None else seen
    if isinstance(value, list):
        return [describe(item, seen) for item in value]
    if not hasattr(value, "arguments"):
        return value
    if id(value) in seen:
        return {"same": seen[id(value)]}
    seen[id(value)] = len(seen)
    kind = type(value)
    # A class of the user's own may have the name of one of ours.
    name = (
        kind.__name__
        if kind.__module__.startswith("chainrule.nn.")
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    arguments = {key: describe(item, seen) for key, item in value.arguments().items()}
    return {"class": name, "arguments": arguments}


def shown(config: Any) -> str:
    """Return a config as the call that it stands for, at most 200 characters of it.

    Example:
        >>> shown({"class": "Linear", "arguments": {"in_features": 2}})
        'Linear(in_features=2)'
    """
    arguments = config.get("arguments") if isinstance(config, dict) else None
    if not isinstance(arguments, dict):
        return str(config)[:200]
    inner = ", ".join(f"{k}={v!r}" for k, v in arguments.items())
    return f"{config.get('class')}({inner})"[:200]


def checksum(config: str, tensors: Mapping[str, Array]) -> str:
    """Return a checksum over all that makes the model: a flipped bit in a weight is else not to be seen.

    Example:
        >>> checksum("{}", {"w": np.zeros(2)}) == checksum("{}", {"w": np.ones(2)})
        False
    """
    code = zlib.crc32(config.encode())
    for name in sorted(tensors):
        array = tensors[name]
        code = zlib.crc32(f"{name} {array.dtype.str[1:]} {array.shape}".encode(), code)
        code = zlib.crc32(files.as_bytes(array), code)
    return f"{code:08x}"
