"""`Module`: a part of a network that owns parameters, and other modules."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd.construct import as_array
from chainrule.autograd.mode import scope
from chainrule.nn import fit as fitting, predict as predicting, saving, state as states, summary as summaries
from chainrule.nn.files import PathName
from chainrule.nn.hooks import ForwardHook, Hook
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.nn.tree import Tree, listed, parts

if TYPE_CHECKING:
    from chainrule.nn.callbacks import Callback
    from chainrule.nn.history import History
    from chainrule.nn.losses import Loss
    from chainrule.nn.optim import Optimizer


class Module(Tree):
    """Base class of layers and models: write `forward`, and put parameters, buffers and modules into attributes.

    They are found in attributes, and in lists, tuples and dicts in attributes. Calling the module calls `forward`
    inside a scope named after the attribute that holds the module, so that drawings fold it into one box.

    Attributes:
        training: whether layers that behave differently in training (dropout, batch norm) do so.
        task: what the outputs mean: "multiclass" or "binary" (logits), or "regression"; None until `fit` knows.

    Example:
        >>> class Line(Module):
        ...     def __init__(self):
        ...         self.slope = Parameter([2.0])
        ...     def forward(self, x):
        ...         return x * self.slope
        >>> line = Line()
        >>> line(np.array([3.0], np.float32))
        Tensor([6.], dtype=float32, op=mul)
        >>> [name for name, _ in line.named_parameters()]
        ['slope']
    """

    training: bool = True
    task: str | None = None
    scoped: bool = True  # False for a module that is a single op: a box around it would say nothing
    _name: str = ""
    _hooks: Mapping[int, Hook] = {}

    def forward(self, *args: Any) -> Any:
        """Compute the outputs; a subclass writes this, and users call the module itself."""
        raise NotImplementedError(f"{type(self).__name__} needs a method `forward(self, x)`")

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Compute the outputs, in a scope of their own, and show them to the forward hooks."""
        if self.scoped:
            name = self._name or type(self).__name__
            with scope(type(self).__name__ + name if name.isdigit() else name):
                outputs = self.forward(*args, **settings)
        else:
            outputs = self.forward(*args, **settings)
        for hook in tuple(self._hooks.values()):
            changed = hook(self, args, outputs)
            outputs = outputs if changed is None else changed
        return outputs

    def __setattr__(self, name: str, value: Any) -> None:
        held = vars(self).get(name)
        if isinstance(held, Parameter | Buffer) and not isinstance(value, type(held) | None):
            kind = type(held).__name__
            raise TypeError(
                f"{name} is a {kind}; write module.{name}.data = ... "
                f"to change its numbers, or nn.{kind}(...) to replace it"
            )
        object.__setattr__(self, name, value)
        for key, part in parts(name, value):
            if isinstance(part, Module):
                vars(part)["_name"] = key
            elif not part.label:
                part.label = key

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied and pickled: all but the hooks, which watch this module and no copy of it."""
        return {name: value for name, value in vars(self).items() if name != "_hooks"}

    def register_forward_hook(self, hook: Hook) -> ForwardHook:
        """Call a function after each forward pass of this module, to look at its outputs or to replace them.

        Args:
            hook: takes the module, the tuple of its inputs, and its outputs; what it returns replaces the outputs,
                unless that is None.

        Returns:
            A handle; its `remove()` takes the hook away. Copies of the module have no hooks.

        Example:
            >>> model = nn.MLP([2, 3, 1])
            >>> handle = model[0].register_forward_hook(lambda module, inputs, outputs: print(outputs.shape))
            >>> y = model(np.zeros((5, 2)))
            (5, 3)
            >>> handle.remove()
        """
        if "_hooks" not in vars(self):
            vars(self)["_hooks"] = {}
        return ForwardHook(vars(self)["_hooks"], hook)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return a copy of the data of every parameter and buffer, by path; what is shared comes once.

        Example:
            >>> nn.Linear(2, 1, init="zeros").state_dict()
            {'weight': array([[0., 0.]], dtype=float32), 'bias': array([0.], dtype=float32)}
        """
        return {name: held.numpy() for name, held in states.held(self).items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Take over the data of every parameter and buffer, cast to its dtype; after an error nothing has changed.

        Args:
            state: what `state_dict` of a module with the same parameters returned.

        Raises:
            ValueError: names are missing or too many, or shapes differ; all of them are listed.
        """
        states.fill(self, {name: as_array(array) for name, array in state.items()})

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that build a module like this one: for its repr, and for files.

        Numbers, texts, modules and lists of them; a subclass of your own may leave it empty, and then is built
        by you before `load`.
        """
        return {}

    def save(self, path: PathName) -> None:
        """Write the parameters, the buffers and how to build the module to a safetensors file: atomically, no pickle.

        Args:
            path: the file; one that is there is replaced in one step.

        Raises:
            OSError: it cannot be written; an old file is still whole.
        """
        saving.save(self, path)

    def load(self, path: PathName) -> None:
        """Read the parameters that `save` wrote, into this module; after an error nothing has changed.

        To build the module from the file as well, use `nn.load(path)`.

        Args:
            path: a file that `save` wrote, or any safetensors file with the same names and shapes.

        Raises:
            FileNotFoundError: no such file.
            ModelFileError: the file is corrupt, or holds another model; says where and what was expected.
        """
        saving.load_into(self, path)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 10,
        batch_size: int = 32,
        optimizer: "str | Optimizer" = "adam",
        loss: "str | Loss | None" = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        callbacks: "Sequence[Callback]" = (),
        verbose: int = 1,
        shuffle: bool = True,
        seed: int | np.random.Generator | None = None,
    ) -> "History":
        """Learn from rows and their answers, in mini-batches.

        Args:
            X: shape (rows, ...); numbers of any dtype, cast once to the parameters'.
            y: one answer per row: class numbers (integers from 0), one-hot rows, or quantities.
            epochs: how often to go over all rows.
            batch_size: rows per step.
            optimizer: an `nn.optim` object over this module's parameters, or a name such as ``"adam"``.
            loss: a function of (outputs, targets), or a name such as ``"mse"``. None: cross-entropy for class
                numbers and one-hot rows, binary if there is one output and they are 0 and 1, else the mean squared
                error.
            validation_data: (X, y) to judge each epoch on.
            callbacks: objects told of each epoch, such as `nn.EarlyStopping`.
            verbose: 1 shows a progress bar (tqdm; without it, plain lines), 0 nothing.
            shuffle: a new random order of the rows each epoch.
            seed: a number or generator for the orders; None draws from the one that `chainrule.seed` seeds.

        Returns:
            The course of the training. Ctrl-C ends it early, and returns what there is.

        Raises:
            FloatingPointError: the loss became NaN or infinite; names epoch, step and the first bad parameter. The
                weights are those of the last step with a finite loss.
            IndexError, ShapeError, TypeError, ValueError: X or y do not fit the module; nothing was changed.

        Example:
            >>> model = nn.LogisticRegression(1)
            >>> history = model.fit([[-1.0], [1.0]], [0, 1], epochs=50, verbose=0)
            >>> history.loss[-1] < history.loss[0], model.predict([[3.0]])
            (True, array([1]))
        """
        return fitting.fit(
            self,
            X,
            y,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            loss=loss,
            validation_data=validation_data,
            callbacks=callbacks,
            verbose=verbose,
            shuffle=shuffle,
            seed=seed,
        )

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return what the model says of each row: class numbers, or quantities.

        Args:
            X: shape (rows, ...).

        Returns:
            int64 class numbers of shape (rows,), or the outputs themselves (a single column as (rows,)).

        Raises:
            RuntimeError: the meaning of the outputs is not known yet.
        """
        return predicting.predict(self, X)

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Return the probability of each class for each row: shape (rows, classes); rows sum to 1.

        Raises:
            RuntimeError: the outputs are no logits of classes.
        """
        return predicting.predict_proba(self, X)

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return how good the predictions are: the share of right classes, or R² for quantities.

        Raises:
            RuntimeError: the meaning of the outputs is not known yet.
        """
        return predicting.score(self, X, y)

    def summary(self, input_shape: Sequence[int] | None = None) -> summaries.Summary:
        """Return a table of all modules: kind, shapes, parameters, operations and memory.

        Args:
            input_shape: of one row of X, such as ``(1, 28, 28)``; None takes it from a first `Linear`, where there is
                one, and else leaves out what depends on it.

        Returns:
            What prints as a table, and shows as one in a notebook.

        Raises:
            ShapeError: the model takes no such rows.

        Example:
            >>> print(nn.MLP([64, 32, 10]).summary())
            MLP  sizes=[64, 32, 10], activation='relu'
            path  kind    weights                     output  parameters  flops
            0     Linear  weight (32, 64), bias (32,)  (32,)       2,080  4,128
            1     ReLU                                 (32,)           0     32
            2     Linear  weight (10, 32), bias (10,)  (10,)         330    650
            2,410 parameters, 9,640 bytes; for one row 4,810 flops, 296 bytes of results
        """
        return summaries.summarize(self, input_shape)

    def __repr__(self) -> str:
        below = [(n, part) for n, part in self.named_children() if isinstance(part, Module)]
        if not below:
            return f"{type(self).__name__}({listed(self.arguments())})"
        inner = "\n".join(f"({name}): {part!r}" for name, part in below).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {inner}\n)"
