"""Training with L-BFGS: every iteration looks at all rows, and they are one epoch."""

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.autograd.mode import enable_grad, record_lines
from chainrule.nn.callbacks import Callback, overrides
from chainrule.nn.data.check import Array
from chainrule.nn.linear_loss import written_out
from chainrule.nn.optim import LBFGS
from chainrule.nn.optim.descent import Descent
from chainrule.nn.progress import Progress
from chainrule.nn.training import Training


class FullBatch(Training):
    """One call of `fit` with L-BFGS; it computes in float64, and casts the parameters back at the end."""

    optimizer: LBFGS

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._descent: Descent | None = None
        self._outputs: tuple[Array, Array] | None = (
            None  # of the last evaluation: the gradient and the outputs
        )

    def check(self, callbacks: Sequence[Callback]) -> None:
        """Raise if a callback cannot work with L-BFGS, which needs one smooth function of all rows."""
        size = len(self.loader.dataset)
        if self.loader.batch_size < size:
            raise ValueError(
                f"fit: L-BFGS looks at all {size} rows in every step; leave out batch_size, or pass optimizer='adam'"
            )
        if self.scheduler is not None:
            raise ValueError("fit: L-BFGS searches for the length of each step; leave out scheduler")
        for callback in callbacks:
            if any(overrides(callback, name) for name in ("on_batch", "on_gradients", "on_step")):
                raise ValueError(
                    f"fit: {type(callback).__name__} changes what L-BFGS relies on; pass optimizer='adam' or 'sgd'"
                )

    @property
    def steps(self) -> int:
        """One step in an epoch."""
        return 1

    def begin(self) -> None:
        """Go over to float64: the line search compares losses that differ by little."""
        self.model.train()
        self._dtypes = [w._data.dtype for w in self.optimizer.params]
        for w in self.optimizer.params:
            w.replace(w._data.astype(np.float64))

    def finish(self) -> None:
        """Cast the parameters back."""
        super().finish()
        for w, dtype in zip(self.optimizer.params, self._dtypes, strict=True):
            w.replace(w._data.astype(dtype))

    def epoch(self, number: int, progress: Progress) -> bool:
        """Take one step of L-BFGS; False if there is nothing left to do."""
        start = time.perf_counter()
        optimizer = self.optimizer
        # The line of every node would cost time in a notebook, and nobody sees these graphs.
        with enable_grad(), record_lines(False), np.errstate(all="ignore"):
            self._stepping = True
            descent = self._started()
            before = descent.value
            moved = descent.advance()
            optimizer.put(descent.x)
            self._stepping = False
            if self._outputs is None or self._outputs[0] is not descent.smooth:
                descent.look()  # the last point that the line search looked at was not the one that it took
            assert self._outputs is not None
            outputs = self._outputs[1]
        progress.step()
        self.write(descent.value, outputs, self.loader.dataset.arrays[1])
        self.history.times.append(time.perf_counter() - start)
        return (
            moved
            and before - descent.value > optimizer.tolerance_change
            and float(np.abs(descent.gradient).max()) > optimizer.tolerance_grad
        )

    def go_back(self) -> None:
        """Put the parameters back to what they were before the last step."""
        if self._descent is not None:
            self.optimizer.put(self._descent.x)

    def _started(self) -> Descent:
        """Return the descent, from the parameters as they are if this is the first step."""
        if self._descent is None:
            params, loss, arrays = self.optimizer.params, self.objective.loss, self.loader.dataset.arrays
            weights = arrays[2] if len(arrays) > 2 else None
            written = written_out(self.model, params, loss, arrays[0], arrays[1], weights)
            self._function = self._by_the_graph if written is None else written
            l1, self._l2 = self.objective.strengths(params)
            descent = self.optimizer.start(self._evaluate, l1 if l1.any() else None)
            if not math.isfinite(descent.value):
                self.fail(f"the loss is {descent.value} at the start")
            self._descent = descent
        return self._descent

    def _evaluate(self, x: Array) -> tuple[float, Array]:
        """Return the loss of all rows and its gradient, for parameters cut from a flat array; but for l1."""
        value, gradient, outputs = self._function(x)
        if self.objective.l2:
            decay = self._l2 * x
            gradient += decay
            value += float(decay @ x) / 2
        self._outputs = gradient, outputs
        return value, gradient

    def _by_the_graph(self, x: Array) -> tuple[float, Array, Array]:
        """Return the loss of all rows, its gradient, and the outputs."""
        rows, target, *weight = self.loader.dataset.arrays
        self.optimizer.put(x)
        self.optimizer.zero_grad()
        outputs = self.outputs(rows)
        loss = self.objective.of_rows(outputs, target, *weight)
        loss.backward()
        return loss.item(), self.optimizer.gradient(), outputs._data
