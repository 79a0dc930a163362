"""Tables and series of pandas stand wherever arrays do."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import Tensor, Value, nn

pd = pytest.importorskip("pandas", reason="needs pandas: pip install 'chainrule[test]'")

TABLE = pd.DataFrame({"height": [1.0, 2.0], "age": [3, 4]}, index=["b", "a"])
SERIES = TABLE["height"]
MIXED = TABLE.assign(city=["Oslo", "Rome"])
NUMBERS = np.array([[1.0, 3.0], [2.0, 4.0]])


def test_a_tensor_of_a_table_owns_its_numbers():
    x = Tensor(TABLE, label="x")
    np.testing.assert_array_equal(x.data, NUMBERS)
    assert x.requires_grad
    assert Tensor(SERIES).shape == (2,)
    assert not np.shares_memory(x.data, TABLE.to_numpy())
    assert Tensor(TABLE, dtype="float32").dtype == np.float32


def test_floats_and_booleans_beside_each_other_are_numbers():
    table = TABLE.assign(member=[True, False])
    assert Tensor(table).data.tolist() == [[1, 3, 1], [2, 4, 0]]
    assert cr.sum(table) == 11.0
    assert not Tensor(pd.DataFrame({"n": [1, 2], "member": [True, False]})).requires_grad


@pytest.mark.parametrize(
    "operate",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a**b,
        lambda a, b: a // b,
        lambda a, b: a % b,
        lambda a, b: a > b,
        lambda a, b: a == b,
        cr.maximum,
        cr.hypot,
    ],
)
@pytest.mark.parametrize("constant", [TABLE, SERIES], ids=["table", "series"])
def test_operators_from_either_side(operate, constant):
    x = Tensor([[1.0, 2.0], [3.0, 0.5]])
    for mine, numpys in (
        (operate(constant, x), operate(constant.to_numpy(), x)),
        (operate(x, constant), operate(x, constant.to_numpy())),
    ):
        assert isinstance(mine, Tensor)
        np.testing.assert_array_equal(mine.data, numpys.data)
        assert mine.requires_grad == numpys.requires_grad


def test_matrix_products():
    x = Tensor([[1.0, 2.0], [3.0, 0.5]])
    np.testing.assert_array_equal((x @ TABLE).data, x.data @ NUMBERS)
    np.testing.assert_array_equal(cr.matmul(TABLE, x).data, NUMBERS @ x.data)
    for left in (TABLE, SERIES):  # what pandas would give has lost the graph
        with pytest.raises(TypeError, match=r"would lose the graph in pandas; write chainrule\.matmul"):
            left @ x
    assert pd.DataFrame(x).shape == (2, 2)


def test_functions_and_gradients():
    np.testing.assert_allclose(cr.exp(TABLE), np.exp(NUMBERS))
    np.testing.assert_array_equal(cr.grad(lambda t: (t * t).sum())(TABLE), 2 * NUMBERS)
    x = Tensor(NUMBERS)
    (x * TABLE).sum().backward(grad=1.0)
    np.testing.assert_array_equal(x.grad, NUMBERS)
    x.data = TABLE * 2
    np.testing.assert_array_equal(x.data, 2 * NUMBERS)
    assert cr.where(TABLE > 1, x, 0.0).data.tolist() == [[0, 6], [4, 8]]
    assert cr.concatenate([x, TABLE]).shape == (4, 2)
    assert cr.cross_entropy(x, pd.Series([1, 0])).shape == (2,)


def test_indices():
    x = Tensor(NUMBERS)
    assert x[SERIES > 1].data.tolist() == [[2.0, 4.0]]
    assert x[TABLE > 1].shape == (3,)
    assert x[pd.Series([1, 1, 0])].shape == (3, 2)
    assert cr.take(x, pd.Series([1]), 0).data.tolist() == [[2.0, 4.0]]
    assert x[:, pd.Series([1])].data.tolist() == [[3.0], [4.0]]


@pytest.mark.parametrize(
    "column", [["Oslo", "Rome"], pd.Categorical(["a", "b"]), pd.to_datetime(["2020-01-01", "2021-01-01"])]
)
def test_a_column_that_holds_no_numbers_is_named(column):
    table = TABLE.assign(city=column)
    x = Tensor(NUMBERS)
    for attempt in (
        lambda: Tensor(table),
        lambda: table * Tensor([1.0, 2.0, 3.0]),
        lambda: Tensor([1.0, 2.0, 3.0]) * table,
        lambda: cr.exp(table),
        lambda: cr.matmul(x, table),
        lambda: cr.grad(lambda t: t.sum())(table),
        lambda: nn.MLP([3, 4, 1]).fit(table, SERIES, epochs=1, verbose=0),
        lambda: nn.MLP([3, 4, 1])(table),
        lambda: nn.data.DataLoader((table, SERIES)),
    ):
        with pytest.raises(TypeError, match=r"column 'city' holds no numbers, such as .*drop\(columns="):
            attempt()


def test_a_value_is_no_series():
    for attempt in (lambda: SERIES * Value(2.0), lambda: Value(2.0) * SERIES, lambda: TABLE + Value(1.0)):
        with pytest.raises(TypeError, match=r"cannot combine a Value with (Series|DataFrame)"):
            attempt()


def test_models_take_tables():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"u": rng.normal(size=60), "v": rng.normal(size=60), "w": rng.random(60) > 0.5})
    label = pd.Series((table.u + table.v > 0).astype(int), name="label")
    target = 2 * table.u - table.v
    order = rng.permutation(60)

    def trained(X, y, model):
        cr.seed(0)
        model.fit(X, y, epochs=3, verbose=0, validation_data=(X, y))
        return model.predict(X), model.score(X, y)

    for y, make in ((label, lambda: nn.LogisticRegression(3)), (target, lambda: nn.MLP([3, 4, 1]))):
        shuffled = (
            table.iloc[order],
            y.iloc[order],
        )  # the index is out of order: rows count, labels of rows do not
        results = []
        for X, answers in (shuffled, (shuffled[0].to_numpy(float), shuffled[1].to_numpy())):
            cr.seed(0)
            results.append(trained(X, answers, make()))
        np.testing.assert_array_equal(results[0][0], results[1][0])
        assert results[0][1] == results[1][1]


def test_data_tools_take_tables():
    inputs, answers = next(iter(nn.data.DataLoader((TABLE, SERIES), batch_size=2)))
    np.testing.assert_array_equal(inputs, NUMBERS)
    assert answers.tolist() == [1.0, 2.0]
    encoder = nn.data.TableEncoder().fit(MIXED)
    assert encoder.feature_names == ("height", "age", "city=Oslo", "city=Rome")
    np.testing.assert_array_equal(encoder.transform(MIXED), [[1, 3, 1, 0], [2, 4, 0, 1]])
