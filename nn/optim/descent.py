"""L-BFGS on a function of one flat array: the curvature is learned from the last steps.

Nocedal and Wright, "Numerical Optimization", 2nd ed., algorithm 7.5; with an L1 penalty, OWL-QN (Andrew and Gao 2007),
which leaves weights at exactly 0.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.nn.optim.base import Array
from chainrule.nn.optim.line_search import DECREASE, Point, strong_wolfe

Function = Callable[[Array], tuple[float, Array]]


class Memory:
    """The last steps and what they changed in the gradient; together, an estimate of the inverse Hessian.

    It is kept in the compact form of Byrd, Nocedal and Schnabel 1994 (theorem 2.2): a product is then a few products of
    matrices, where the recursion of algorithm 7.4, which gives the same, goes over the steps one by one.

    Args:
        size: how many steps are remembered.

    Attributes:
        steps, changes: S and Y, a row for each step, the latest last.
        scale: γ, the curvature along the last step, which stands for all directions that are not known.

    Example:
        >>> memory = Memory(5)
        >>> memory.add(np.array([1.0]), np.array([4.0]))  # a step of 1 changed the gradient by 4
        >>> memory.times(np.array([2.0]))
        array([0.5])
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.steps = self.changes = np.empty((0, 0))
        self.scale = 1.0
        self._products = np.empty((0, 0))  # Y Yᵀ
        self._inverse = np.empty((0, 0))  # of R, the upper triangle of S Yᵀ
        self._diagonal = np.empty(0)  # of R

    def add(self, step: Array, change: Array) -> None:
        """Remember a step, unless the curvature along it was not positive."""
        product = float(change @ step)
        if product <= 1e-10:
            return
        old = slice(max(0, len(self.steps) + 1 - self.size), len(self.steps))
        steps, changes = self.steps[old].reshape(-1, step.size), self.changes[old].reshape(-1, step.size)
        with_new = changes @ change
        column = self._inverse[old, old] @ (steps @ change)
        n = len(steps)
        square, inverse = np.empty((n + 1, n + 1)), np.zeros((n + 1, n + 1))
        square[:n, :n], square[n, :n], square[:n, n] = self._products[old, old], with_new, with_new
        square[n, n] = float(change @ change)
        inverse[:n, :n], inverse[:n, n], inverse[n, n] = (
            self._inverse[old, old],
            -column / product,
            1 / product,
        )
        self.steps, self.changes = np.vstack((steps, step)), np.vstack((changes, change))
        self._products, self._inverse = square, inverse
        self._diagonal = np.append(self._diagonal[old], product)
        self.scale = product / square[n, n]

    def times(self, gradient: Array) -> Array:
        """Return the product of the inverse Hessian and an array."""
        if not len(self.steps):
            return self.scale * gradient
        u = self._inverse @ (self.steps @ gradient)
        inner = self._diagonal * u + self.scale * (self._products @ u - self.changes @ gradient)
        outer = self.steps.T @ (inner @ self._inverse)
        found = outer + self.scale * (gradient - u @ self.changes)
        return np.asarray(found, gradient.dtype)


class Descent:
    """A descent by L-BFGS; each `advance` is one step.

    Args:
        function: returns the value and the gradient at a point.
        x: where to begin.
        lr: how far to look first along the direction of L-BFGS.
        history_size: how many steps are remembered.
        tolerance: the smallest change that still counts.
        l1: penalty on the absolute value of each variable, in an array or one number for all.
        norm: the first step is to have length 1 in this norm: 2, as in L-BFGS-B (Zhu et al. 1997), or 1, as in PyTorch.

    Attributes:
        x, value, gradient: where it is now; with a penalty the value includes it, and the gradient is the
            one of least size (0 at a minimum).
        smooth: the gradient without the penalty, as the function gave it.

    Example:
        >>> bowl = Descent(lambda x: (float(x @ x), 2 * x), np.array([3.0, -4.0]))
        >>> while abs(bowl.gradient).max() > 1e-6 and bowl.advance():
        ...     pass
        >>> bowl.x.round(6) + 0.0
        array([0., 0.])
    """

    def __init__(
        self,
        function: Function,
        x: Array,
        lr: float = 1.0,
        history_size: int = 10,
        tolerance: float = 1e-9,
        l1: Any = None,
        norm: int = 2,
    ) -> None:
        self.function = function
        self.x = x
        self.lr = lr
        self.tolerance = tolerance
        self.l1 = l1
        self.norm = norm
        self.memory = Memory(history_size)
        self.began = False
        self.step: Array | None = None  # the last one, until it is remembered
        self.before: Array | None = None  # the gradient before it
        self.evaluations = 0
        self.look()

    def look(self) -> None:
        """Compute value and gradient where it is."""
        value, self.smooth = self.function(self.x)
        self.value, self.gradient = self._penalised(self.x, value, self.smooth)
        self.evaluations += 1

    def advance(self, most: int = 25) -> bool:
        """Take one step, after a look at no more than so many points; False if there was none to be found."""
        if self.step is not None and self.before is not None:
            self.memory.add(self.step, self.smooth - self.before)
            self.step = None  # it is remembered once
        direction = -self.memory.times(self.gradient)
        if self.l1 is not None:
            direction[direction * self.gradient >= 0] = 0
        slope = float(self.gradient @ direction)
        if not slope < -self.tolerance:
            return False
        t = self.lr
        if not self.began:
            t *= min(1.0, 1.0 / float(np.linalg.norm(self.gradient, self.norm)))
            self.began = True
        self.before = self.smooth
        moved = (
            self._search(direction, slope, t, most)
            if self.l1 is None
            else self._backtrack(direction, t, most)
        )
        self.step = moved
        self.x = self.x + moved
        return True

    def _search(self, direction: Array, slope: float, t: float, most: int) -> Array:
        """Look along the direction; return the step."""

        def at(t: float) -> Point:
            self.evaluations += 1
            value, gradient = self.function(self.x + t * direction)
            return Point(t, value, gradient, float(gradient @ direction))

        start = Point(0.0, self.value, self.gradient, slope)
        found = strong_wolfe(at, t, start, float(np.abs(direction).max()), self.tolerance, most)
        self.value, self.gradient = found.value, found.gradient
        self.smooth = found.gradient
        return found.t * direction

    def _backtrack(self, direction: Array, t: float, most: int) -> Array:
        """Halve the step until the value falls enough; no variable may change its sign on the way."""
        signs = np.where(self.x != 0, np.sign(self.x), -np.sign(self.gradient))
        for _ in range(most):
            x = self.x + t * direction
            x[x * signs < 0] = 0
            value, smooth = self.function(x)
            self.evaluations += 1
            value, gradient = self._penalised(x, value, smooth)
            moved = x - self.x
            if value <= self.value + DECREASE * float(self.gradient @ moved):
                self.value, self.gradient, self.smooth = value, gradient, smooth
                return np.asarray(moved)
            t /= 2
        return np.zeros_like(self.x)

    def _penalised(self, x: Array, value: float, gradient: Array) -> tuple[float, Array]:
        """Add the penalty; where a variable is 0, its gradient is the least of all that the kink allows."""
        if self.l1 is None:
            return value, gradient
        at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - self.l1, 0)
        total = value + float(np.sum(self.l1 * np.abs(x)))
        return total, np.where(x != 0, gradient + self.l1 * np.sign(x), at_zero)
