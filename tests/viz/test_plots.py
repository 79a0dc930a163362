import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.viz import plots

matplotlib = pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'chainrule[plot]'")


@pytest.fixture(autouse=True)
def without_a_window():
    matplotlib.use("agg")
    yield
    matplotlib.pyplot.close("all")


def test_curves_are_the_numbers_of_the_history():
    history = nn.History(loss=[2.0, 1.0], val_loss=[2.5, 2.0])
    (axes,) = plots.curves(history, "loss")
    assert [line.get_ydata().tolist() for line in axes.lines] == [[2, 1], [2.5, 2]]


def test_a_decision_boundary_shows_what_is_predicted_and_every_row():
    class Right:
        def predict(self, rows):
            assert rows.shape[1] == 2
            return (rows[:, 0] > 0).astype(int)

    X = np.array([[-1.0, 0.0], [-2.0, 1.0], [1.0, 3.0]])
    axes = plots.decision_boundary(Right(), X, [0, 0, 1])
    assert [len(points.get_offsets()) for points in axes.collections if len(points.get_offsets()) > 1] == [2]
    assert axes.get_legend_handles_labels()[1] == ["class 0", "class 1"]
    left, right = axes.get_xlim()
    assert left < -2 < 1 < right
    regions = axes.collections[0].get_paths()
    assert regions[0].vertices[:, 0].max() < 0.1
    assert regions[1].vertices[:, 0].min() > -0.1


def test_a_trained_network_and_given_axes():
    X, y = nn.data.make_blobs(60, seed=0)
    cr.seed(0)
    model = nn.MLP([2, 8, int(y.max()) + 1])
    model.fit(X, y, epochs=5, verbose=0)
    _, axes = matplotlib.pyplot.subplots()
    assert plots.decision_boundary(model, X, y, ax=axes) is axes


def test_weight_images_lie_side_by_side():
    weights = np.arange(3 * 6.0).reshape(3, 6) - 5
    axes = plots.weight_images(weights, (2, 3), columns=2)
    sheet = axes.images[0].get_array()
    assert np.array_equal(sheet[:2, :3], weights[0].reshape(2, 3))
    assert np.array_equal(sheet[:2, 4:], weights[1].reshape(2, 3))
    assert np.array_equal(sheet[3:, :3], weights[2].reshape(2, 3))
    assert np.ma.getmaskarray(sheet)[2].all()
    assert axes.images[0].get_clim() == (-12, 12)


def test_a_confusion_matrix_counts():
    axes = plots.confusion_matrix([0, 1, 2, 2], [0, 1, 2, 0])
    assert [text.get_text() for text in axes.texts] == ["1", "0", "0", "0", "1", "0", "1", "0", "1"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    named = plots.confusion_matrix([0, 1], [1, 1], names=["cat", "dog", "cow"])
    assert [tick.get_text() for tick in named.get_yticklabels()] == ["cat", "dog", "cow"]


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match=r"two features, shape \(rows, 2\), got \(4, 3\)"):
        plots.decision_boundary(None, np.zeros((4, 3)), [0, 1, 0, 1])
    with pytest.raises(
        ValueError, match=r"\(2, 5\) do not fit images of 2 × 3; they need shape \(units, 6\)"
    ):
        plots.weight_images(np.zeros((2, 5)), (2, 3))
    with pytest.raises(IndexError, match=r"class 2 at row 0 is outside 0\.\.1"):
        plots.confusion_matrix([2], [1], names=["cat", "dog"])
