import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.autograd.mode import unseen_graph
from chainrule.nn import optim


def moons(n=200, seed=0):
    return nn.data.make_moons(n, noise=0.1, seed=seed)


def line(n=60):
    X = np.linspace(-1, 1, n)[:, None]
    return X, 3 * X[:, 0] - 1


def state(model):
    return [p.numpy() for p in model.parameters()]


def same(one, two):
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_learns_two_moons():
    cr.seed(0)
    X, y = moons()
    model = nn.MLP([2, 16, 16, 2], activation="tanh")
    history = model.fit(X, y, epochs=40, optimizer=optim.Adam(model.parameters(), lr=0.02), verbose=0)
    assert history.epochs == 40
    assert history.loss[-1] < 0.05 < history.loss[0]
    assert history.metrics["accuracy"][-1] > 0.98
    assert model.score(X, y) > 0.98
    X_new, y_new = moons(seed=1)
    assert model.score(X_new, y_new) > 0.97


def test_learns_a_line():
    X, y = line()
    model = nn.MLP([1, 1])
    history = model.fit(X, y, epochs=100, optimizer=optim.SGD(model.parameters(), lr=0.1), verbose=0)
    assert model.task == "regression"
    assert model[0].weight.item() == pytest.approx(3, abs=0.01)
    assert model[0].bias.item() == pytest.approx(-1, abs=0.01)
    assert model.predict(X).shape == y.shape
    assert history.metrics["r2"][-1] > 0.999
    assert model.score(X, y) > 0.999


def test_is_the_loop_written_by_hand():
    """Three epochs of fit against the same three epochs written out as fit computes them, bit for bit."""
    X, y = moons(50)
    cr.seed(4)
    model = nn.MLP([2, 5, 2])
    twin = nn.MLP([2, 5, 2])
    twin.load_state_dict(model.state_dict())
    history = model.fit(X, y, epochs=3, batch_size=16, seed=9, verbose=0)
    optimizer = optim.Adam(twin.parameters())
    losses = []
    loader = nn.data.DataLoader((X.astype(np.float32), y), 16, shuffle=True, seed=9)
    for _ in range(3):
        total = 0.0
        for x, labels in loader:
            optimizer.zero_grad()
            with unseen_graph():
                outputs = twin(x)
            loss = nn.losses.cross_entropy(outputs, labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / 50)
    assert same(state(model), state(twin))
    assert history.loss == losses


def test_follows_pytorch():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    data = nn.data.load_iris()
    X = nn.data.Standardize().fit_transform(data.X).astype(np.float64)
    cr.seed(0)
    ours = nn.MLP([4, 8, 3], activation="tanh", dtype=np.float64)
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).double()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()})
    history = ours.fit(
        X, data.y, epochs=20, batch_size=32, optimizer=optim.Adam(ours.parameters(), lr=0.01),
        shuffle=False, verbose=0,
    )  # fmt: skip
    peer = torch.optim.Adam(theirs.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        total = 0.0
        for i in range(0, 150, 32):
            peer.zero_grad()
            labels = torch.tensor(data.y[i : i + 32])
            loss = torch.nn.functional.cross_entropy(theirs(torch.tensor(X[i : i + 32])), labels)
            loss.backward()
            peer.step()
            total += loss.item() * len(labels)
        losses.append(total / 150)
    assert np.allclose(history.loss, losses, rtol=1e-9)
    assert np.allclose(ours[2].weight.data, theirs[2].weight.detach().numpy(), rtol=1e-6)


def test_logistic_regression_finds_scikit_learns_optimum():
    linear_model = pytest.importorskip(
        "sklearn.linear_model", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    data = nn.data.load_breast_cancer()
    X = nn.data.Standardize().fit_transform(data.X).astype(np.float64)
    n, penalty = len(X), 0.01
    peer = linear_model.LogisticRegression(C=1 / (penalty * n), tol=1e-8, max_iter=10_000).fit(X, data.y)
    model = nn.LogisticRegression(30, dtype=np.float64)

    def loss(logits, y):  # the intercept is not penalised
        w = model.linear.weight
        return nn.losses.binary_cross_entropy_with_logits(logits, y) + penalty / 2 * (w * w).sum()

    sgd = optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    model.fit(X, data.y, epochs=400, batch_size=n, optimizer=sgd, loss=loss, verbose=0)
    assert model.task == "binary"
    assert np.allclose(model.linear.weight.data, peer.coef_, atol=2e-3)
    assert np.allclose(model.predict_proba(X), peer.predict_proba(X), atol=2e-3)
    assert model.score(X, data.y) == peer.score(X, data.y)


def test_multinomial_and_binary_logistic_regression():
    iris = nn.data.load_iris()
    X = nn.data.Standardize().fit_transform(iris.X)
    for labels, classes in ((iris.y, 3), ((iris.y == 2).astype(int), 2)):
        model = nn.LogisticRegression(4, classes)
        model.fit(X, labels, epochs=60, optimizer=optim.Adam(model.parameters(), lr=0.1), verbose=0)
        assert model.score(X, labels) > 0.95
        proba = model.predict_proba(X)
        assert proba.shape == (150, classes)
        assert np.allclose(proba.sum(axis=1), 1, atol=1e-6)
        assert np.array_equal(proba.argmax(axis=1), model.predict(X))


@pytest.mark.parametrize(
    ("sizes", "y", "task"),
    [
        ([2, 3], [0, 2, 1, 0], "multiclass"),
        ([2, 3], np.eye(3, dtype=int)[[0, 2, 1, 0]], "multiclass"),
        ([2, 3], np.eye(3)[[0, 2, 1, 0]], "multiclass"),
        ([2, 3], np.eye(3)[[0, 2, 1, 0]] * 2, "regression"),
        ([2, 1], [0, 1, 1, 0], "binary"),
        ([2, 1], [[True], [False], [True], [False]], "binary"),
        ([2, 1], [0, 5, 1, 0], "regression"),
        ([2, 1], [0.0, 1.0, 1.0, 0.0], "regression"),
        ([2, 3], np.zeros((4, 3)), "regression"),
    ],
)
def test_the_task_is_seen_from_the_labels(sizes, y, task):
    model = nn.MLP(sizes)
    X = np.arange(8.0).reshape(4, 2)
    model.fit(X, y, epochs=1, verbose=0)
    assert model.task == task
    assert len(model.predict(X)) == 4
    assert np.isfinite(model.score(X, y))


def test_a_loss_by_name_decides():
    model = nn.MLP([2, 1])
    model.fit(np.arange(8.0).reshape(4, 2), [0, 1, 1, 0], loss="mae", epochs=1, verbose=0)
    assert model.task == "regression"


@pytest.mark.parametrize(
    ("loss", "sizes", "task"),
    [("hinge", [2, 1], "binary"), ("huber", [2, 1], "regression"), ("cosine", [2, 3], "regression")],
)
def test_other_losses_decide_too(loss, sizes, task):
    model = nn.MLP(sizes)
    y = [0, 1, 1, 0] if sizes[1] == 1 else np.eye(3)[[0, 1, 2, 0]]
    model.fit(np.arange(8.0).reshape(4, 2), y, loss=loss, epochs=1, verbose=0)
    assert model.task == task


@pytest.mark.parametrize("shape", [(60,), (60, 1)])
def test_fit_aligns_y(shape):
    X, y = line()
    cr.seed(0)
    model = nn.MLP([1, 1])
    model.fit(X, y.reshape(shape), epochs=100, optimizer=optim.SGD(model.parameters(), lr=0.1), verbose=0)
    assert model.score(X, y.reshape(shape)) > 0.999


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8, bool])
def test_any_dtype_is_cast_once(dtype):
    seen = []

    class Spy(nn.MLP):
        def forward(self, x):
            seen.append((type(x), x.dtype))
            return super().forward(x)

    model = Spy([2, 2])
    model.fit(np.ones((4, 2), dtype), np.array([0, 1, 1, 0], np.int8), epochs=1, verbose=0)
    assert set(seen) == {(np.ndarray, np.dtype(np.float32))}
    assert all(p.dtype == np.float32 for p in model.parameters())


def test_the_callers_arrays_are_not_touched():
    X, y = moons(20)
    kept = X.copy(), y.copy()
    X.flags.writeable = y.flags.writeable = False
    nn.MLP([2, 2]).fit(X, y, epochs=2, verbose=0)
    assert np.array_equal(X, kept[0])
    assert np.array_equal(y, kept[1])


def test_one_seed_repeats_bit_for_bit():
    X, y = moons()
    runs = []
    for _ in range(2):
        cr.seed(11)
        model = nn.MLP([2, 8, 2])
        history = model.fit(X, y, epochs=3, verbose=0)
        runs.append((state(model), history.loss))
    assert same(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]


def test_shuffle_and_seed():
    X, y = moons(40)
    start = nn.MLP([2, 3, 2]).state_dict()

    def trained(**settings):
        model = nn.MLP([2, 3, 2])
        model.load_state_dict(start)
        model.fit(X, y, epochs=2, batch_size=8, verbose=0, **settings)
        return state(model)

    assert same(trained(seed=1), trained(seed=1))
    assert not same(trained(seed=1), trained(seed=2))
    assert same(trained(shuffle=False, seed=1), trained(shuffle=False, seed=2))


def test_validation_data():
    X, y = moons()
    model = nn.MLP([2, 4, 2])
    history = model.fit(X, y, epochs=2, validation_data=moons(50, seed=3), verbose=0)
    X_val, y_val = moons(50, seed=3)
    expected = nn.losses.cross_entropy(cr.Tensor(model(X_val).data), y_val).item()
    assert history.val_loss[-1] == pytest.approx(expected)
    assert history.metrics["val_accuracy"][-1] == model.score(X_val, y_val)
    assert list(history.series) == ["loss", "val_loss", "accuracy", "val_accuracy"]


def test_works_inside_no_grad_and_leaves_no_gradients():
    model = nn.MLP([2, 2])
    before = state(model)
    with cr.no_grad():
        model.fit(*moons(20), epochs=1, verbose=0)
    assert not same(before, state(model))
    assert all(p.grad is None for p in model.parameters())


def test_training_mode_holds_during_steps_only():
    seen = []

    class Spy(nn.MLP):
        def forward(self, x):
            seen.append((self.training, self[0].training))
            return super().forward(x)

    model = Spy([2, 2]).eval()
    X, y = moons(20)
    model.fit(X, y, epochs=1, batch_size=10, validation_data=(X, y), verbose=0)
    assert seen == [(False, False), (True, True), (True, True), (False, False)]
    assert not model.training


def test_part_of_the_parameters_can_be_trained():
    model = nn.MLP([2, 3, 2])
    before = state(model)
    model.fit(*moons(20), epochs=1, optimizer=optim.SGD(model[2].parameters(), lr=0.1), verbose=0)
    after = state(model)
    assert same(before[:2], after[:2])
    assert not same(before[2:], after[2:])


def test_validation_split_sets_rows_aside():
    X, y = moons(100)
    seen = []

    class Spy(nn.MLP):
        def forward(self, x):
            seen.append((self.training, x))
            return super().forward(x)

    history = Spy([2, 2]).fit(X, y, epochs=1, validation_split=0.2, seed=0, verbose=0)
    trained = np.concatenate([x for training, x in seen if training])
    judged = seen[-1][1]
    assert (len(trained), len(judged)) == (80, 20)
    both = np.concatenate([trained, judged])
    assert np.array_equal(both[np.lexsort(both.T)], X.astype(np.float32)[np.lexsort(X.astype(np.float32).T)])
    assert len(history.val_loss) == 1


def test_validation_split_takes_as_much_of_each_class():
    X = np.arange(40.0)[:, None]
    y = np.repeat([0, 1], [30, 10])
    judged = []

    class Spy(nn.MLP):
        def forward(self, x):
            if not self.training and len(x) == 8:
                judged.append(x)
            return super().forward(x)

    Spy([1, 2]).fit(X, y, epochs=1, validation_split=0.2, seed=0, verbose=0)
    assert (judged[-1] >= 30).sum() == 2
    rare = np.array([0] * 39 + [1])
    assert nn.MLP([1, 2]).fit(X, rare, epochs=1, validation_split=0.2, verbose=0).val_loss


def test_weights_are_split_with_their_rows():
    X, y = line(50)
    weights = np.where(np.arange(50) % 2, 1.0, 0.0)
    model = nn.MLP([1, 1])
    history = model.fit(X, y, epochs=2, sample_weight=weights, validation_split=0.2, verbose=0)
    assert len(history.val_loss) == 2


@pytest.mark.parametrize("per", ["epoch", "batch"])
def test_schedulers_are_stepped(per):
    X, y = moons(64)
    model = nn.MLP([2, 2])
    sgd = optim.SGD(model.parameters(), lr=1.0)
    scheduler = optim.ExponentialLR(sgd, 0.5, per=per)
    model.fit(X, y, epochs=3, batch_size=32, optimizer=sgd, scheduler=scheduler, verbose=0)
    assert sgd.lr == (0.5**3 if per == "epoch" else 0.5**6)


def test_a_plateau_watches_the_validation_loss():
    X, y = moons(64)
    model = nn.MLP([2, 2])
    sgd = optim.SGD(model.parameters(), lr=0.0)
    scheduler = optim.ReduceLROnPlateau(sgd)
    history = model.fit(
        X, y, epochs=2, optimizer=sgd, scheduler=scheduler, validation_data=moons(9), verbose=0
    )
    assert scheduler.best == history.val_loss[0] != history.loss[0]


def test_buffers_go_back_too_after_a_bad_step():
    X = np.ones((20, 2))
    X[10:] = 1e38
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    with pytest.raises(FloatingPointError):
        model.fit(X, np.arange(20.0), batch_size=10, shuffle=False, verbose=0)
    assert all(np.isfinite(array).all() for array in model.state_dict().values())
