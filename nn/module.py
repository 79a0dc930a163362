"""`Module`: a part of a network that owns parameters, and other modules."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from chainrule.autograd.construct import as_array
from chainrule.autograd.mode import scope
from chainrule.nn import saving, state as states, summary as summaries
from chainrule.nn.files import PathName
from chainrule.nn.hooks import ForwardHook, Hook
from chainrule.nn.learner import Learner
from chainrule.nn.parameter import Buffer, Parameter
from chainrule.nn.tree import Tree, listed, parts


class Module(Tree, Learner):
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
        if self._hooks:
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
        if not callable(hook):
            raise TypeError(f"a forward hook is a function of (module, inputs, outputs), got {hook!r}")
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
