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
