"""The training loop behind `Module.fit`: mini-batches, each a step down the gradient."""

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.autograd.backward import is_watched
from chainrule.autograd.mode import enable_grad, record_lines, unseen_graph
from chainrule.autograd.tensor import Tensor
from chainrule.nn import predict as predicting
from chainrule.nn.callbacks import Callback, overrides
from chainrule.nn.data.check import Array
from chainrule.nn.data.loader import DataLoader
from chainrule.nn.history import History
from chainrule.nn.measure import Measure
from chainrule.nn.objective import Objective
from chainrule.nn.optim import Optimizer, Scheduler
from chainrule.nn.progress import Progress

if TYPE_CHECKING:
    from chainrule.nn.module import Module


class Training:
    """One call of `fit`: everything is checked, now the steps.

    Attributes:
        model, optimizer, objective, loader, scheduler, history: what callbacks may look at and change.
        judged: the rows and targets of the validation, or None.
    """

    def __init__(
        self,
        model: "Module",
        optimizer: Optimizer,
        objective: Objective,
        loader: DataLoader,
        judged: tuple[Array, Array] | None,
        measures: Mapping[str, Measure],
        scheduler: Scheduler | None,
        task: str,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.objective = objective
        self.loader = loader
        self.judged = judged
        self.measures = measures
        self.scheduler = scheduler
        self.task = task
        self.history = History()
        self.callbacks: Sequence[Callback] = ()
        self.stopped = False  # before its time
        self._buffers = [buffer for _, buffer in model.named_buffers()]
        self._before: list[Array] = []  # the parameters' data before the last step
        self._held: list[Array] = []  # the buffers' data before it
        self._stepping = False

    def check(self, callbacks: Sequence[Callback]) -> None:
        """Raise if a callback cannot work with this kind of training."""

    def run(self, epochs: int, callbacks: Sequence[Callback], show: bool) -> History:
        """Train for some epochs, or until a callback or Ctrl-C ends it."""
        flags = [(module, module.training) for module in self.model.modules()]
        self.callbacks = callbacks = sorted(callbacks, key=lambda callback: callback.last)
        self._of_batches = [c for c in callbacks if overrides(c, "on_batch")]
        self._of_gradients = [c for c in callbacks if overrides(c, "on_gradients")]
        self._of_steps = [c for c in callbacks if overrides(c, "on_step")]
        for callback in callbacks:
            callback.training = self
        self.begin()
        try:
            for callback in callbacks:
                callback.on_start(self.model, self.history)
            with Progress(epochs, self.steps, show, self.history.epochs) as progress:
                self._epochs(epochs, progress)
        except KeyboardInterrupt:
            self.history.interrupted = True
            if self._stepping:  # some parameters may be of this step and some of the last
                self.go_back()
        finally:
            self.finish()
            for module, on in flags:
                module.training = on
        for callback in callbacks:
            callback.on_end(self.model, self.history)
            callback.training = None
        return self.history

    def begin(self) -> None:
        """Prepare for the first epoch."""

    def finish(self) -> None:
        """Clear up after the last epoch, also where an error ends it."""
        self.optimizer.zero_grad()

    def _epochs(self, epochs: int, progress: Progress) -> None:
        for number in range(self.history.epochs + 1, epochs + 1):
            if self.stopped:
                progress.end()
                break
            self.stopped = not self.epoch(number, progress)
            progress.epoch(number, self.history.last)
            for callback in self.callbacks:
                self.stopped |= bool(callback.on_epoch(self.model, self.history))

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return len(self.loader)

    def epoch(self, number: int, progress: Progress) -> bool:
        """Go once over all rows; False if there is nothing left to do."""
        start = time.perf_counter()
        self.model.train()
        total, found, answers = 0.0, [], []
        # The line of every node would cost time in a notebook, and nobody sees these graphs.
        with enable_grad(), record_lines(False), np.errstate(all="ignore"):
            for step, (x, *rest) in enumerate(self.loader, 1):
                value, outputs = self._step(x, *rest)
                if not math.isfinite(value):
                    self.fail(f"the loss became {value} in epoch {number}, step {step}")
                total += value * len(x)
                found.append(outputs)
                answers.append(rest[0])
                progress.step()
            if self.first_bad():
                self.fail(f"a parameter became NaN or infinite in epoch {number}, step {step}")
        outputs = np.concatenate(found)
        self.write(total / len(outputs), outputs, np.concatenate(answers))
        if self.scheduler is not None and self.scheduler.per == "epoch":
            history = self.history
            self.scheduler.step((history.val_loss or history.loss)[-1])
        self.history.times.append(time.perf_counter() - start)
        return True

    def _step(self, x: Array, target: Array, weight: Array | None = None) -> tuple[float, Array]:
        """One step down the gradient; returns the loss and the outputs before it."""
        for callback in self._of_batches:
            x = callback.on_batch(x)
        held = [buffer._data for buffer in self._buffers]
        outputs = self.outputs(x)
        loss = self.objective(outputs, target, weight)
        value = loss.item()
        if math.isfinite(value):
            self.optimizer.zero_grad()
            loss.backward()
            for callback in self._of_gradients:
                callback.on_gradients(self.model)
            self._before = [parameter._data for parameter in self.optimizer.params]
            self._held = held
            self._stepping = True
            self.optimizer.step()
            for callback in self._of_steps:
                callback.on_step(self.model)
            self._stepping = False
            if self.scheduler is not None and self.scheduler.per == "batch":
                self.scheduler.step()
        return value, outputs._data

    def outputs(self, x: Array) -> Tensor:
        """Return what the model gives for a batch, with a graph for `backward()` alone, unless it is watched."""
        with nullcontext() if is_watched() else unseen_graph():
            outputs: Tensor = self.model(x)
        return outputs

    def write(self, loss: float, found: Array, answers: Array) -> None:
        """Put the numbers of an epoch into the history."""
        history = self.history
        history.loss.append(loss)
        for name, measure in self.measures.items():
            history.metrics.setdefault(name, []).append(measure(found, answers))
        if self.judged is not None:
            rows, answers = self.judged
            found = predicting.outputs(self.model, rows, "fit")
            with np.errstate(all="ignore"):
                outputs = Tensor.from_numpy(found, requires_grad=False)
                history.val_loss.append(self.objective.of_rows(outputs, answers).item())
            for name, measure in self.measures.items():
                history.metrics.setdefault(f"val_{name}", []).append(measure(found, answers))

    def first_bad(self) -> str:
        """Return the name of the first parameter that holds NaN or infinity, or nothing."""
        for name, parameter in self.model.named_parameters():
            if not np.isfinite(parameter._data).all():
                return name
        return ""

    def fail(self, what: str) -> None:
        """Go back to the last good weights, and raise."""
        bad = self.first_bad()
        where = f"the first bad parameter is {bad}" if bad else "all parameters are still finite numbers"
        kept = "The weights are those before the last step" if self._before else "No step was taken"
        self.go_back()
        raise FloatingPointError(
            f"fit: {what}; {where}. {kept}. A smaller learning rate than {self.optimizer.lr:g} or normalised "
            "inputs (nn.data.Standardize) usually help"
        )

    def go_back(self) -> None:
        """Put the parameters back to what they were before the last step."""
        for parameter, array in zip(self.optimizer.params, self._before, strict=False):
            parameter.replace(array)
        for buffer, array in zip(self._buffers, self._held, strict=False):
            buffer.replace(array)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that the next epochs depend on, besides the data and the callbacks."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "loader": {"seed": self.loader.seed, "epoch": self.loader.epoch},
            "stopped": self.stopped,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; after an error nothing has changed.

        Raises:
            KeyError, TypeError, ValueError: it is of another training.
        """
        seed, epoch = int(saved["loader"]["seed"]), int(saved["loader"]["epoch"])
        stopped = bool(saved["stopped"])
        parts: dict[str, Any] = {"model": self.model, "optimizer": self.optimizer}
        if self.scheduler is not None:
            parts["scheduler"] = self.scheduler
        before = {name: part.state_dict() for name, part in parts.items()}
        try:
            for name, part in parts.items():
                part.load_state_dict(saved[name])
        except Exception:
            for name, part in parts.items():
                part.load_state_dict(before[name])
            raise
        self.loader.seed, self.loader.epoch, self.stopped = seed, epoch, stopped
