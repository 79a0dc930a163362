"""The tree of modules: what a module holds, directly and below it, and what is done to all of it at once."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from chainrule.nn.parameter import Buffer, Parameter

if TYPE_CHECKING:
    from chainrule.nn.module import Module

Held = TypeVar("Held", Parameter, Buffer)


class Tree:
    """The part of `Module` that finds parameters, buffers and modules in attributes, lists, tuples and dicts."""

    training: bool

    def named_children(self) -> "Iterator[tuple[str, Parameter | Buffer | Module]]":
        """Go over the parameters, buffers and modules held here directly, in order of assignment."""
        for name, value in vars(self).items():
            if name != "_hooks":
                yield from parts(name, value)

    def named_modules(self) -> "Iterator[tuple[str, Module]]":
        """Go over this module (named ``""``) and all below it, each once, parents first.

        Example:
            >>> [name for name, _ in nn.Sequential(nn.Flatten(), nn.Linear(2, 1)).named_modules()]
            ['', '0', '1']
        """
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", cast("Module", self))]
        while stack:
            path, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            below = [(n, part) for n, part in module.named_children() if isinstance(part, Tree)]
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
        return self._named(Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Go over the buffers of this module and all below it, each once, by the path that leads to it.

        Example:
            >>> [name for name, _ in nn.BatchNorm1d(3).named_buffers()]
            ['running_mean', 'running_var', 'num_batches_tracked']
        """
        return self._named(Buffer)

    def _named(self, kind: type[Held]) -> Iterator[tuple[str, Held]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, part in module.named_children():
                if isinstance(part, kind) and id(part) not in seen:
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

    def freeze(self, on: bool = True) -> Self:
        """Stop, or with False resume, the learning of all parameters here and below; returns itself.

        Their gradients are not computed. Running statistics are not parameters: `eval()` stops those.

        Example:
            >>> model = nn.MLP([2, 3, 1])
            >>> _ = model[0].freeze()
            >>> [name for name, p in model.named_parameters() if p.requires_grad]
            ['2.weight', '2.bias']
        """
        for parameter in self.parameters():
            parameter.requires_grad = not on
        return self

    def apply(self, function: "Callable[[Module], Any]") -> Self:
        """Call a function with every module, those below before those above; returns itself.

        Example:
            >>> def shrink(module):
            ...     if isinstance(module, nn.Linear):
            ...         module.weight.data = 0.1 * module.weight.data
            >>> model = nn.MLP([2, 3, 1], init="constant").apply(shrink)
            >>> model[0].weight.data.max()
            np.float32(0.1)
        """
        for module in reversed(list(self.modules())):
            function(module)
        return self


def parts(name: str, value: Any) -> "Iterator[tuple[str, Parameter | Buffer | Module]]":
    """Find the parameters, buffers and modules in an attribute."""
    if isinstance(value, Parameter | Buffer | Tree):
        yield name, cast("Any", value)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from parts(f"{name}.{i}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from parts(f"{name}.{key}", item)


def listed(arguments: Mapping[str, Any]) -> str:
    """Return arguments as they are written in a call.

    Example:
        >>> listed({"sizes": [2, 1], "bias": False})
        'sizes=[2, 1], bias=False'
    """
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
