"""`Module`: a part of a network that owns parameters, and other modules."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.autograd.construct import as_array
from chainrule.autograd.mode import scope
from chainrule.autograd.node import Node
from chainrule.autograd.tensor import Tensor
from chainrule.nn import fit as fitting, predict as predicting, saving
from chainrule.nn.files import PathName
from chainrule.nn.parameter import Parameter

if TYPE_CHECKING:
    from chainrule.nn.callbacks import Callback
    from chainrule.nn.history import History
    from chainrule.nn.losses import Loss
    from chainrule.nn.optim import Optimizer


class Module:
    """Base class of layers and models: write `forward`, and put parameters and modules into attributes.

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

    def forward(self, *args: Any) -> Any:
        """Compute the outputs; a subclass writes this, and users call the module itself."""
        raise NotImplementedError(f"{type(self).__name__} needs a method `forward(self, x)`")

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Compute the outputs, in a scope of their own."""
        if not self.scoped:
            return self.forward(*args, **settings)
        name = self._name or type(self).__name__
        with scope(type(self).__name__ + name if name.isdigit() else name):
            return self.forward(*args, **settings)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(vars(self).get(name), Parameter) and not isinstance(value, Parameter | None):
            raise TypeError(
                f"{name} is a Parameter; write module.{name}.data = ... "
                "to change its numbers, or nn.Parameter(...) to replace it"
            )
        object.__setattr__(self, name, value)
        for key, part in _parts(name, value):
            if isinstance(part, Module):
                vars(part)["_name"] = key
            elif not part.label:
                part.label = key

    def named_children(self) -> "Iterator[tuple[str, Parameter | Module]]":
        """Go over the parameters and modules held here directly, with their names, in order of assignment."""
        for name, value in vars(self).items():
            yield from _parts(name, value)

    def named_modules(self) -> "Iterator[tuple[str, Module]]":
        """Go over this module (named ``""``) and all below it, each once, parents first.

        Example:
            >>> [name for name, _ in nn.Sequential(nn.Flatten(), nn.Linear(2, 1)).named_modules()]
            ['', '0', '1']
        """
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            path, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            below = [(n, part) for n, part in module.named_children() if isinstance(part, Module)]
            stack.extend((f"{path}.{n}" if path else n, part) for n, part in reversed(below))

    def modules(self) -> "Iterator[Module]":
        """Go over this module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Go over the parameters of this module and all below it, each once, by the path that leads to it.

        Example:
            >>> [name for name, _ in nn.MLP([2, 3, 1]).named_parameters()]
            ['0.weight', '0.bias', '2.weight', '2.bias']
        """
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, part in module.named_children():
                if isinstance(part, Parameter) and id(part) not in seen:
                    seen.add(id(part))
                    yield f"{path}.{name}" if path else name, part

    def parameters(self) -> list[Parameter]:
        """Return the parameters of this module and all below it, each once: what an optimizer takes."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, on: bool = True) -> Self:
        """Switch this module and all below it to training, or with False to use; returns itself.

        Example:
            >>> nn.MLP([2, 1]).train(False).training
            False
        """
        for module in self.modules():
            module.training = on
        return self

    def eval(self) -> Self:
        """Switch from training to use: `train(False)`."""
        return self.train(False)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return a copy of every parameter's data, by path.

        Example:
            >>> nn.Linear(2, 1, init="zeros").state_dict()
            {'weight': array([[0., 0.]], dtype=float32), 'bias': array([0.], dtype=float32)}
        """
        return {name: parameter.numpy() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Take over the data of every parameter, cast to its dtype; after an error nothing has changed.

        Args:
            state: what `state_dict` of a module with the same parameters returned.

        Raises:
            ValueError: names are missing or too many, or shapes differ; all of them are listed.
        """
        arrays = {name: as_array(array) for name, array in state.items()}
        own = dict(self.named_parameters())
        faults = [
            f"missing {name} {parameter.shape}" for name, parameter in own.items() if name not in arrays
        ]
        faults += [f"unexpected {name} {array.shape}" for name, array in arrays.items() if name not in own]
        faults += [
            f"{name} has shape {arrays[name].shape}, needs {parameter.shape}"
            for name, parameter in own.items()
            if name in arrays and arrays[name].shape != parameter.shape
        ]
        if faults:
            raise ValueError(f"these parameters do not fit {type(self).__name__}: {'; '.join(faults)}")
        for name, parameter in own.items():
            parameter.data = arrays[name]

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that build a module like this one: for its repr, and for files.

        Numbers, texts, modules and lists of them; a subclass of your own may leave it empty, and then is built
        by you before `load`.
        """
        return {}

    def save(self, path: PathName) -> None:
        """Write the parameters and how to build the module to a safetensors file, atomically and with no pickle.

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

    def summary(self) -> str:
        """Return a table of all modules: path, kind, shapes and number of parameters.

        Example:
            >>> print(nn.MLP([64, 32, 10]).summary())
            MLP  sizes=[64, 32, 10], activation='relu'
            0    Linear  weight (32, 64), bias (32,)  2,080
            1    ReLU                                     0
            2    Linear  weight (10, 32), bias (10,)    330
            2,410 parameters, 9,640 bytes
        """
        rows = []
        for path, module in self.named_modules():
            own = [(n, p) for n, p in module.named_children() if isinstance(p, Parameter)]
            if path or own:
                shapes = ", ".join(f"{name} {parameter.shape}" for name, parameter in own)
                count = f"{sum(parameter.size for _, parameter in own):,}"
                rows.append((path, type(module).__name__, shapes, count))
        head = f"{type(self).__name__}  {_listed(self.arguments())}".rstrip()
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
        widths[0] = max(widths[0], len(type(self).__name__))
        lines = [
            f"{path:<{widths[0]}}  {kind:<{widths[1]}}  {shapes:<{widths[2]}}  {count:>{widths[3]}}"
            for path, kind, shapes, count in rows
        ]
        parameters = self.parameters()
        size = sum(p.data.nbytes for p in parameters)
        return "\n".join([head, *lines, f"{sum(p.size for p in parameters):,} parameters, {size:,} bytes"])

    def __repr__(self) -> str:
        parts = [(n, part) for n, part in self.named_children() if isinstance(part, Module)]
        if not parts:
            return f"{type(self).__name__}({_listed(self.arguments())})"
        inner = "\n".join(f"({name}): {part!r}" for name, part in parts).replace("\n", "\n  ")
        return f"{type(self).__name__}(\n  {inner}\n)"


def as_input(x: Any, parameter: Parameter) -> Any:
    """Return x for use beside a parameter: a constant is cast to the parameter's dtype, a variable is left alone.

    Raises:
        TypeError: x holds no numbers.
    """
    dtype = parameter._data.dtype
    if isinstance(x, Node):
        if not isinstance(x, Tensor):
            raise TypeError(
                "a Value is one number; nn.scalar has the networks of Values, this one takes arrays"
            )
        return x if x.requires_grad or x._data.dtype == dtype else x.astype(dtype)
    array = x if isinstance(x, np.ndarray) and x.dtype.kind in "fiub" else as_array(x)
    return array if array.dtype == dtype else array.astype(dtype)


def _parts(name: str, value: Any) -> "Iterator[tuple[str, Parameter | Module]]":
    """Find the parameters and modules in an attribute."""
    if isinstance(value, Parameter | Module):
        yield name, value
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _parts(f"{name}.{i}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(f"{name}.{key}", item)


def _listed(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
