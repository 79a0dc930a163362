import numpy as np
import pytest

from chainrule import nn


class Log(nn.Callback):
    def __init__(self):
        self.calls = []

    def on_start(self, model, history):
        self.calls.append(("start", history.epochs))

    def on_epoch(self, model, history):
        self.calls.append(("epoch", history.epochs))
        return history.epochs == 2

    def on_end(self, model, history):
        self.calls.append(("end", history.epochs))


DATA = np.arange(8.0).reshape(4, 2), [0, 1, 1, 0]


def test_the_order_of_calls_and_stopping():
    one, two = Log(), Log()
    history = nn.MLP([2, 2]).fit(*DATA, epochs=5, callbacks=[one, two], verbose=0)
    assert history.epochs == 2
    assert one.calls == two.calls == [("start", 0), ("epoch", 1), ("epoch", 2), ("end", 2)]


def stop_after(losses, patience):
    """Feed a series of losses to an EarlyStopping; return it, the model and the number of epochs."""
    model, history = nn.Linear(1, 1), nn.History()
    stop = nn.EarlyStopping(patience=patience)
    stop.on_start(model, history)
    for loss in losses:
        history.loss.append(0.0)
        history.val_loss.append(loss)
        model.bias.data = [history.epochs]  # so that the weights tell the epoch
        if stop.on_epoch(model, history):
            break
    stop.on_end(model, history)
    return stop, model, history.epochs


def test_stops_when_patience_is_at_its_end():
    stop, model, epochs = stop_after([5, 3, 4, 2, 2, 3, 2, 1], patience=3)
    assert (stop.best, stop.best_epoch, epochs) == (2, 4, 7)
    assert model.bias.item() == 4


def test_goes_back_to_the_best_epoch_without_having_stopped():
    stop, model, epochs = stop_after([5, 3, 4], patience=9)
    assert (stop.best_epoch, epochs, model.bias.item()) == (2, 3, 2)


def test_can_be_used_again():
    stop = nn.EarlyStopping(patience=2, monitor="loss")
    for _ in range(2):
        model = nn.MLP([2, 2])
        model.fit(*DATA, epochs=3, callbacks=[stop], verbose=0)
        assert stop.best_epoch == 3


def test_without_validation_data():
    with pytest.raises(
        ValueError, match="does not measure 'val_loss', only loss, accuracy; pass validation_data"
    ):
        nn.MLP([2, 2]).fit(*DATA, epochs=3, callbacks=[nn.EarlyStopping()], verbose=0)


def test_what_should_become_large():
    model, history = nn.Linear(1, 1), nn.History()
    stop = nn.EarlyStopping(patience=2, monitor="val_accuracy", mode="max")
    stop.on_start(model, history)
    ends = []
    for accuracy in (0.5, 0.8, 0.7, 0.8):
        history.loss.append(1.0)
        history.metrics.setdefault("val_accuracy", []).append(accuracy)
        ends.append(stop.on_epoch(model, history))
    assert (stop.best, stop.best_epoch, ends) == (0.8, 2, [False, False, False, True])
    with pytest.raises(ValueError, match="unknown mode 'maximum'"):
        nn.EarlyStopping(mode="maximum")


def test_hooks_of_a_step_in_order():
    calls = []

    class All(nn.Callback):
        def on_batch(self, x):
            calls.append("batch")
            return x

        def on_gradients(self, model):
            assert all(w.grad is not None for w in model.parameters())
            assert self.training.optimizer.lr == 0.001
            calls.append("gradients")

        def on_step(self, model):
            calls.append("step")

    spy = All()
    nn.MLP([2, 2]).fit(*DATA, epochs=1, batch_size=2, callbacks=[spy], verbose=0)
    assert calls == ["batch", "gradients", "step"] * 2
    assert spy.training is None


def test_those_that_come_last():
    class Late(Log):
        last = True

    order = []
    for kind in (Late, Log):
        kind.on_end = lambda self, model, history: order.append(type(self).__name__)
    nn.MLP([2, 2]).fit(*DATA, epochs=1, callbacks=[Late(), Log()], verbose=0)
    assert order == ["Log", "Late"]
