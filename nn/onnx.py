"""Trained models for other programs: ONNX files (the extra `onnx`)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.backends.atomic import write_atomically
from chainrule.nn import activations, conv, layers, norm
from chainrule.nn.data.check import Array, as_count
from chainrule.nn.files import PathName
from chainrule.nn.models import LogisticRegression
from chainrule.nn.networks import Autoencoder, LinearRegression

if TYPE_CHECKING:
    from chainrule.nn.module import Module

OPSET = 20  # the first with Gelu
IR_VERSION = 9  # the one of that opset, which older runtimes read too


def export(model: "Module", path: PathName, input_shape: Sequence[int] | None = None) -> None:
    """Write a model to an ONNX file, as it computes in use (`eval`), for any number of rows.

    The file has an input `X`, an output `outputs` (what the model returns), and for a model of classes an output
    `probabilities`, of shape (rows, classes).

    Args:
        model: built of the package's modules; its parameters are all of one dtype.
        path: the file; one that is there is replaced in one step.
        input_shape: of one row of X, such as ``(1, 28, 28)``; None takes the one of a first `Linear`.

    Raises:
        ImportError: onnx is not installed.
        OSError: the file cannot be written.
        TypeError: a module that has no translation, such as one of your own.
        ValueError: the shape of a row is not known.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "model.onnx")
        ...     export(nn.MLP([64, 32, 10]), path)
        ...     path.stat().st_size > 4 * 2410
        True
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError("onnx.export needs the package onnx: pip install 'chainrule[onnx]'") from error
    shape = _row_shape(model, input_shape)
    graph = _Graph()
    output = graph.add(model, "X")
    names = [graph.node("Identity", [output], name="outputs")]
    if model.task in ("multiclass", "one_vs_rest", "binary"):
        names.append(graph.probabilities(names[0], model.task))
    helper, dtype = onnx.helper, model.parameters()[0].dtype
    kind = helper.np_dtype_to_tensor_dtype(dtype)
    nodes = [
        helper.make_node(op, inputs, [result], **attributes) for op, inputs, result, attributes in graph.nodes
    ]
    built = helper.make_graph(
        nodes,
        type(model).__name__,
        [helper.make_tensor_value_info("X", kind, ["rows", *shape])],
        [helper.make_tensor_value_info(name, kind, None) for name in names],
        [onnx.numpy_helper.from_array(array, name) for name, array in graph.constants(dtype).items()],
    )
    whole = helper.make_model(
        built,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="chainrule",
        ir_version=IR_VERSION,
    )
    whole = onnx.shape_inference.infer_shapes(whole)
    onnx.checker.check_model(whole, full_check=True)
    write_atomically(Path(path), [whole.SerializeToString()])


def _row_shape(model: "Module", given: Sequence[int] | None) -> list[int]:
    """Return the shape of a row, as given or as the first module with parameters tells it."""
    if given is not None:
        return [as_count("onnx.export", n, f"input_shape[{i}]") for i, n in enumerate(given)]
    for module in model.modules():
        if isinstance(module, layers.Linear):
            return [module.weight.shape[1]]
        if [part for _, part in module.named_children() if hasattr(part, "_data")] or isinstance(
            module, layers.Flatten
        ):
            break
    raise ValueError("onnx.export: pass the shape of one row of X, such as input_shape=(1, 28, 28)")


class _Graph:
    """The nodes of an ONNX graph, (op, inputs, result, attributes), and its constants."""

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []
        self._constants: dict[str, Array] = {}

    def node(self, op: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its result."""
        result = name or f"{op}_{len(self.nodes)}"
        self.nodes.append((op, list(inputs), result, attributes))
        return result

    def constant(self, array: Any) -> str:
        """Add a constant, and return its name."""
        name = f"constant_{len(self._constants)}"
        self._constants[name] = np.asarray(array)
        return name

    def constants(self, dtype: Any) -> Mapping[str, Array]:
        """Return the constants; those of floats in one dtype."""
        return {
            name: np.ascontiguousarray(array, dtype if array.dtype.kind == "f" else None)
            for name, array in self._constants.items()
        }

    def add(self, module: "Module", x: str) -> str:
        """Add a module, and return the name of its result."""
        for kind in type(module).__mro__:
            # A subclass of the user's own may compute something else.
            if kind in _TRANSLATIONS and type(module).__module__.startswith("chainrule.nn."):
                return _TRANSLATIONS[kind](self, module, x)
        raise TypeError(
            f"onnx.export: {type(module).__name__} has no translation; build the model of the package's modules, such "
            "as nn.Sequential, nn.Linear, nn.Conv2d and nn.ReLU"
        )

    def probabilities(self, logits: str, task: str) -> str:
        """Add what `predict_proba` computes of the logits."""
        if task == "multiclass":
            return self.node("Softmax", [logits], "probabilities", axis=-1)
        each = self.node("Sigmoid", [logits])
        if task == "one_vs_rest":
            total = self.node("ReduceSum", [each, self.constant(np.array([-1]))], keepdims=1)
            return self.node("Div", [each, total], "probabilities")
        column = self.node("Reshape", [each, self.constant(np.array([-1, 1]))])
        other = self.node("Sub", [self.constant(np.array([1.0])), column])
        return self.node("Concat", [other, column], "probabilities", axis=1)


def _sequential(graph: _Graph, module: Any, x: str) -> str:
    for layer in module:
        x = graph.add(layer, x)
    return x


def _linear(graph: _Graph, module: Any, x: str) -> str:
    y = graph.node("MatMul", [x, graph.constant(module.weight.data.T)])
    return y if module.bias is None else graph.node("Add", [y, graph.constant(module.bias.data)])


def _regression(graph: _Graph, module: Any, x: str) -> str:
    y = _linear(graph, module.linear, x)
    return graph.node("Squeeze", [y, graph.constant(np.array([-1]))]) if module.linear.bias.size == 1 else y


def _conv(graph: _Graph, module: Any, x: str) -> str:
    inputs = [x, graph.constant(module.weight.data)]
    if module.bias is not None:
        inputs.append(graph.constant(module.bias.data))
    return graph.node("Conv", inputs, strides=module.stride, pads=module.padding * 2)


def _pool(graph: _Graph, module: Any, x: str) -> str:
    average = isinstance(module, conv.AvgPool2d | conv.AvgPool1d)
    sizes = {"kernel_shape": module.kernel_size, "strides": module.stride, "pads": module.padding * 2}
    if average:
        return graph.node("AveragePool", [x], **sizes, count_include_pad=1)
    return graph.node("MaxPool", [x], **sizes)


def _batch_norm(graph: _Graph, module: Any, x: str) -> str:
    mean, variance = module.running_mean.data, module.running_var.data
    scale = np.ones_like(mean) if module.weight is None else module.weight.data
    shift = np.zeros_like(mean) if module.bias is None else module.bias.data
    inputs = [x, *map(graph.constant, (scale, shift, mean, variance))]
    return graph.node("BatchNormalization", inputs, epsilon=module.eps)


def _layer_norm(graph: _Graph, module: Any, x: str) -> str:
    scale = np.ones(module.shape) if module.weight is None else module.weight.data
    inputs = [x, graph.constant(scale)]
    if module.bias is not None:
        inputs.append(graph.constant(module.bias.data))
    return graph.node("LayerNormalization", inputs, axis=-len(module.shape), epsilon=module.eps)


def _residual(graph: _Graph, module: Any, x: str) -> str:
    return graph.node("Add", [x, _sequential(graph, module, x)])


def _clip(graph: _Graph, x: str, low: float, high: float) -> str:
    return graph.node("Clip", [x, graph.constant(low), graph.constant(high)])


def _op(name: str, **fixed: Any) -> "_Translation":
    """Return the translation of an activation to one node; its settings are the node's attributes of other names."""
    names = {"negative_slope": "alpha"}

    def translate(graph: _Graph, module: Any, x: str) -> str:
        own = {names.get(key, key): value for key, value in module.arguments().items()}
        return graph.node(name, [x], **{**own, **fixed})

    return translate


_Translation = Callable[[_Graph, Any, str], str]
_TRANSLATIONS: dict[type, _Translation] = {
    layers.Residual: _residual,
    layers.Sequential: _sequential,
    layers.Linear: _linear,
    layers.Flatten: lambda graph, module, x: graph.node("Flatten", [x], axis=1),
    layers.Dropout: lambda graph, module, x: x,
    LogisticRegression: _regression,
    LinearRegression: _regression,
    Autoencoder: lambda graph, module, x: graph.add(module.decoder, graph.add(module.encoder, x)),
    conv.Conv2d: _conv,
    conv.MaxPool2d: _pool,
    norm.BatchNorm1d: _batch_norm,
    norm.BatchNorm2d: _batch_norm,
    norm.LayerNorm: _layer_norm,
    activations.ReLU: _op("Relu"),
    activations.Tanh: _op("Tanh"),
    activations.Sigmoid: _op("Sigmoid"),
    activations.Softplus: _op("Softplus"),
    activations.LeakyReLU: _op("LeakyRelu"),
    activations.GELU: _op("Gelu"),
    activations.SiLU: lambda graph, module, x: graph.node("Mul", [x, graph.node("Sigmoid", [x])]),
    activations.ELU: _op("Elu"),
    activations.SELU: _op("Selu"),
    activations.CELU: _op("Celu"),
    activations.Mish: _op("Mish"),
    activations.Softsign: _op("Softsign"),
    activations.ReLU6: lambda graph, module, x: _clip(graph, x, 0.0, 6.0),
    activations.Hardtanh: lambda graph, module, x: _clip(graph, x, *module.arguments().values()),
    activations.Hardsigmoid: _op("HardSigmoid", alpha=1 / 6, beta=0.5),
    activations.Hardswish: _op("HardSwish"),
    activations.LogSigmoid: lambda graph, module, x: graph.node(
        "Neg", [graph.node("Softplus", [graph.node("Neg", [x])])]
    ),
    activations.Softmax: _op("Softmax"),
    activations.LogSoftmax: _op("LogSoftmax"),
    activations.Identity: lambda graph, module, x: x,
}
