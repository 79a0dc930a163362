"""Forward hooks: they see and may replace the outputs, and stay with their module."""

import copy
import pickle

import numpy as np
import pytest

from chainrule import nn


def test_a_hook_sees_inputs_and_outputs_in_order():
    model, seen = nn.MLP([2, 3, 1]), []
    for name, module in model.named_modules():
        module.register_forward_hook(
            lambda m, inputs, y, name=name: seen.append((name, inputs[0].shape, y.shape))
        )
    model(np.zeros((5, 2)))
    assert seen == [("0", (5, 2), (5, 3)), ("1", (5, 3), (5, 3)), ("2", (5, 3), (5, 1)), ("", (5, 2), (5, 1))]


def test_what_a_hook_returns_replaces_the_outputs():
    layer = nn.Linear(1, 1, init="constant")
    layer.register_forward_hook(lambda m, inputs, y: 10 * y)
    last = layer.register_forward_hook(lambda m, inputs, y: y + 1)
    assert layer(np.ones((1, 1))).item() == 11
    last.remove()
    last.remove()
    assert layer(np.ones((1, 1))).item() == 10


def test_a_hook_is_a_function():
    with pytest.raises(TypeError, match="a forward hook is a function of"):
        nn.ReLU().register_forward_hook(None)


def test_a_hook_may_remove_itself_while_it_runs():
    layer, seen = nn.ReLU(), []

    def once(module, inputs, outputs):
        seen.append(1)
        handle.remove()

    handle = layer.register_forward_hook(once)
    layer(1.0)
    layer(1.0)
    assert seen == [1]


def test_copies_have_no_hooks_and_a_module_as_hook_is_no_part():
    class Count(nn.Module):
        calls = 0

        def forward(self, module, inputs, outputs):
            self.calls += 1

    model, count = nn.Sequential(nn.Linear(1, 1)), Count()
    model.register_forward_hook(count)
    model.register_forward_hook(lambda m, inputs, y: None)
    assert len(list(model.modules())) == 2
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301
        twin(np.ones((1, 1)))
    assert count.calls == 0
    model(np.ones((1, 1)))
    assert count.calls == 1
