"""`Checkpoint`: a training that can go on after a crash, exactly as if nothing had happened."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.autograd import random
from chainrule.nn import files, saving
from chainrule.nn.callbacks import Callback, overrides
from chainrule.nn.data.check import as_count
from chainrule.nn.errors import ModelFileError
from chainrule.nn.files import Array, PathName
from chainrule.nn.history import History

if TYPE_CHECKING:
    from chainrule.nn.module import Module
    from chainrule.nn.training import Training

VERSION = "1"


class Checkpoint(Callback):
    """Save the whole state of a training to a file after epochs, and go on from the file if it is there.

    In the file are the model, what the optimizer and the scheduler remember, where the random numbers are, the
    history, and what other callbacks such as `EarlyStopping` remember: run the same program again, and it goes on
    after the last epoch saved; the result is the same to the last bit. The file is safetensors with no pickle,
    replaced in one step.

    Args:
        path: the file.
        every: epochs between two savings.
        resume: False begins anew and replaces a file that is there.

    Raises:
        ModelFileError: the file is corrupt, or of another training (when `fit` begins; nothing was changed).
        OSError: it cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save = nn.Checkpoint(pathlib.Path(folder, "run.safetensors"))
        ...     model = nn.MLP([1, 2])
        ...     _ = model.fit([[0.0], [1.0]], [0, 1], epochs=2, callbacks=[save], verbose=0)
        ...     model.fit([[0.0], [1.0]], [0, 1], epochs=5, callbacks=[save], verbose=0).epochs
        5
    """

    last = True  # what the other callbacks remember of an epoch is saved too

    def __init__(self, path: PathName, every: int = 1, resume: bool = True) -> None:
        self.path = Path(path)
        self.every = as_count("Checkpoint", every, "every")
        self.resume = resume

    def on_start(self, model: "Module", history: History) -> None:
        """Go on from the file, if it is there."""
        self._check_folder()
        if self.resume and self.path.exists():
            assert self.training is not None
            _restore(self.path, self.training)

    def on_epoch(self, model: "Module", history: History) -> None:
        """Save, if it is time, or the last epoch."""
        assert self.training is not None
        if history.epochs % self.every == 0 or self.training.stopped:
            _write(self.path, self.training)

    def _check_folder(self) -> None:
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"Checkpoint: the folder {self.path.parent} does not exist")


def _write(path: Path, training: "Training") -> None:
    state = {
        **training.state_dict(),
        "history": asdict(training.history),
        "random": random.generator().bit_generator.state,
        "callbacks": [[name, callback.state_dict()] for name, callback in _remembering(training)],
    }
    tensors: dict[str, Array] = {}
    text = json.dumps({**_emptied(state, "", tensors), "class": saving.describe(training.model)})
    metadata = {"checkpoint": VERSION, "state": text, "crc32": saving.checksum(text, tensors)}
    files.write(path, tensors, metadata)


def _restore(path: Path, training: "Training") -> None:
    tensors, metadata = files.read(path)
    if metadata.get("checkpoint") != VERSION:
        raise ModelFileError(f"{path}, byte 8: this is no checkpoint of version {VERSION}")
    text = metadata.get("state", "")
    if metadata.get("crc32") != saving.checksum(text, tensors):
        raise ModelFileError(f"{path}, byte 8: the checksum does not fit: the file was changed or damaged")
    try:
        state = _filled(json.loads(text), tensors)
        kind, own = state["class"], json.loads(json.dumps(saving.describe(training.model)))
        if kind != own:
            raise ValueError(f"it is of {saving.shown(kind)}, this is {saving.shown(own)}")
        names, callbacks = [name for name, _ in state["callbacks"]], _remembering(training)
        if names != [name for name, _ in callbacks]:
            raise ValueError(f"its callbacks are {names}, here they are {[name for name, _ in callbacks]}")
        if (state["scheduler"] is None) != (training.scheduler is None):
            raise ValueError("one of the two trainings has a scheduler, the other has none")
        history = History(**state["history"])
        training.load_state_dict(state)
        random.generator().bit_generator.state = state["random"]
        for (_, callback), (_, saved) in zip(callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(saved)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path}: this checkpoint does not fit the training: {error}") from None
    vars(training.history).update(vars(history))
    training.history.interrupted = False


def _remembering(training: "Training") -> list[tuple[str, Callback]]:
    """Return the callbacks that have something to remember, and what they are."""
    return [(type(c).__name__, c) for c in training.callbacks if overrides(c, "state_dict")]


def _emptied(value: Any, path: str, tensors: dict[str, Array]) -> Any:
    """Return a state as plain data; its arrays go to `tensors`, and names of them stay in their places."""
    if isinstance(value, np.ndarray):
        tensors[path] = value
        return {"tensor": path}
    if isinstance(value, Mapping):
        return {str(key): _emptied(item, f"{path}/{key}", tensors) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_emptied(item, f"{path}/{i}", tensors) for i, item in enumerate(value)]
    return value.item() if isinstance(value, np.generic) else value


def _filled(value: Any, tensors: Mapping[str, Array]) -> Any:
    """Put the arrays back into their places."""
    if isinstance(value, dict):
        if value.keys() == {"tensor"}:
            return tensors[value["tensor"]]
        return {key: _filled(item, tensors) for key, item in value.items()}
    return [_filled(item, tensors) for item in value] if isinstance(value, list) else value
