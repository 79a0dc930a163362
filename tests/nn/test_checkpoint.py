from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import optim
from chainrule.nn.training import Training

X, Y = nn.data.make_moons(60, noise=0.2, seed=0)
VALIDATION = nn.data.make_moons(30, noise=0.2, seed=1)


class Crash(nn.Callback):
    def __init__(self, at):
        self.at = at

    def on_epoch(self, model, history):
        if history.epochs == self.at:
            raise RuntimeError("the power is gone")


def run(path=None, crash=None, kind="adam", epochs=9, every=1):
    """Train a network with everything that remembers something."""
    cr.seed(3)
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))
    optimizer = optim.by_name(kind, model.parameters())
    stop = nn.EarlyStopping(patience=4)
    callbacks = [*([nn.Checkpoint(path, every=every)] if path else []), stop, nn.Noise(0.05)]
    if crash:
        callbacks.append(Crash(crash))
    history = model.fit(
        X, Y, epochs=epochs, batch_size=16, optimizer=optimizer, callbacks=callbacks, validation_data=VALIDATION,
        scheduler=optim.ReduceLROnPlateau(optimizer, patience=0), verbose=0,
    )  # fmt: skip
    return model, history, optimizer, stop


def same_states(one, two):
    return all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("kind", ["adam", "sgd"])
@pytest.mark.parametrize(("crash", "every"), [(1, 1), (4, 1), (5, 2)])
def test_a_crashed_run_goes_on_to_the_same_bits(tmp_path, kind, crash, every):
    model, history, optimizer, stop = run(kind=kind)
    path = tmp_path / "run.safetensors"
    with pytest.raises(RuntimeError, match="power"):
        run(path, crash, kind, every=every)
    cr.seed(99)  # the random numbers go on from the file as well
    twin, again, other, twin_stop = run(path, None, kind, every=every)
    assert same_states(model.state_dict(), twin.state_dict())
    assert again.series == history.series
    assert other.lr == optimizer.lr
    assert (stop.best, stop.best_epoch) == (twin_stop.best, twin_stop.best_epoch)


def test_lbfgs_goes_on_to_the_same_bits(tmp_path):
    rows = nn.data.load_iris()

    def fit(epochs, *callbacks):
        model = nn.LogisticRegression(4, 3)
        history = model.fit(rows.X, rows.y, epochs=epochs, callbacks=callbacks, verbose=0)
        return model, history

    model, history = fit(30)
    save = nn.Checkpoint(tmp_path / "run.safetensors")
    fit(11, save)
    twin, again = fit(30, save)
    assert again.loss == history.loss
    assert same_states(model.state_dict(), twin.state_dict())


@pytest.mark.parametrize("every", [1, 4])
def test_a_training_that_was_stopped_stays_so(tmp_path, every):
    def fit():
        cr.seed(0)
        model = nn.MLP([2, 4, 2])
        stop = nn.EarlyStopping(patience=2, monitor="loss", mode="max")
        save = nn.Checkpoint(tmp_path / "run.safetensors", every=every)
        return model, model.fit(X, Y, epochs=9, callbacks=[save, stop], verbose=0)

    model, history = fit()
    twin, again = fit()
    assert history.epochs == again.epochs == 3
    assert same_states(model.state_dict(), twin.state_dict())


def test_ctrl_c_and_go_on(tmp_path):
    class Stop(nn.Callback):
        def on_epoch(self, model, history):
            if history.epochs == 3 and not history.interrupted:
                raise KeyboardInterrupt

    def fit(*callbacks):
        cr.seed(0)
        model = nn.MLP([2, 4, 2])
        return model, model.fit(X, Y, epochs=6, callbacks=callbacks, verbose=0)

    model, _ = fit()
    save = nn.Checkpoint(tmp_path / "run.safetensors")
    _, half = fit(save, Stop())
    assert half.interrupted
    twin, history = fit(save, nn.Callback())
    assert history.epochs == 6
    assert not history.interrupted
    assert same_states(model.state_dict(), twin.state_dict())


def test_resume_false_begins_anew(tmp_path):
    path = tmp_path / "run.safetensors"
    for resume, epochs in ((True, 2), (True, 2), (False, 1)):
        history = nn.MLP([2, 2]).fit(
            X, Y, epochs=epochs, callbacks=[nn.Checkpoint(path, resume=resume)], verbose=0
        )
        assert history.epochs == epochs


def saved(tmp_path):
    path = tmp_path / "run.safetensors"
    run(path, epochs=2)
    return path


def test_every_flipped_or_missing_byte_is_seen(tmp_path):
    path = saved(tmp_path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(whole)
        place = int(rng.integers(len(broken)))
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken if rng.random() < 0.7 else broken[:place])
        try:
            run(path, epochs=2)
        except nn.ModelFileError:
            continue
        # A space of JSON's padding may have become another blank.
        assert bytes(broken[place : place + 1]) in b"\t\n\r "


def test_the_file_of_another_training_changes_nothing(tmp_path):
    path = saved(tmp_path)
    model = nn.MLP([2, 2])
    before = model.state_dict()
    save = nn.Checkpoint(path)
    with pytest.raises(
        nn.ModelFileError, match=r"does not fit the training: it is of Sequential.*this is MLP"
    ):
        model.fit(X, Y, callbacks=[save], verbose=0)
    nn.MLP([2, 2]).save(path)
    with pytest.raises(nn.ModelFileError, match="no checkpoint of version 1"):
        model.fit(X, Y, callbacks=[save], verbose=0)
    nn.MLP([2, 2]).fit(X, Y, epochs=1, callbacks=[nn.Checkpoint(path, resume=False)], verbose=0)
    with pytest.raises(nn.ModelFileError, match="settings are"):
        model.fit(X, Y, optimizer="sgd", callbacks=[save], verbose=0)
    with pytest.raises(nn.ModelFileError, match=r"its callbacks are \[\], here they are \['EarlyStopping'\]"):
        model.fit(X, Y, callbacks=[save, nn.EarlyStopping(monitor="loss")], verbose=0)
    assert same_states(before, model.state_dict())


def test_a_folder_that_is_not_there():
    with pytest.raises(FileNotFoundError, match="folder nowhere does not exist"):
        nn.MLP([2, 2]).fit(X, Y, callbacks=[nn.Checkpoint("nowhere/run.safetensors")], verbose=0)


@pytest.mark.parametrize(
    "broken", [{"loader": {"seed": 1}}, {"stopped": None, "scheduler": {"step_count": 9}}]
)
def test_a_state_that_fits_in_part_changes_nothing(broken):
    model = nn.MLP([2, 2])
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    parts = {"model": model, "optimizer": optimizer, "scheduler": optim.StepLR(optimizer, 2)}
    training = SimpleNamespace(**parts, loader=SimpleNamespace(seed=7, epoch=3), stopped=False)
    saved = Training.state_dict(training)
    other = nn.MLP([2, 2])
    changed = (
        saved | {"model": other.state_dict(), "scheduler": saved["scheduler"] | {"step_size": 5}} | broken
    )
    with pytest.raises((KeyError, ValueError)):
        Training.load_state_dict(training, changed)
    assert same_states(saved["model"], model.state_dict())
    assert training.scheduler.state_dict() == saved["scheduler"]
    assert (training.loader.seed, training.loader.epoch, training.stopped) == (7, 3, False)
