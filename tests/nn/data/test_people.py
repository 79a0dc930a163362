"""The table of people follows its published rule."""

import pytest

from chainrule.nn import data


def test_columns() -> None:
    table, y = data.make_people(1000, seed=0)
    assert list(table) == ["id", "age", "gender", "height", "city"]
    assert all(len(column) == 1000 for column in table.values())
    assert len(set(table["id"])) == 1000
    assert table["age"].min() >= 18
    assert table["age"].max() <= 80
    assert set(table["gender"]) == {"F", "M"}
    assert set(table["city"]) == {"London", "New York", "Amsterdam", "Cairo", "Beijing", "Chicago"}
    assert set(y) == {0, 1}


def test_seed() -> None:
    (first, y), (again, y_again) = data.make_people(20, seed=3), data.make_people(20, seed=3)
    assert all((first[name] == again[name]).all() for name in first)
    assert (y == y_again).all()


def test_logistic_regression_finds_the_rule() -> None:
    sklearn = pytest.importorskip(
        "sklearn.linear_model", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    table, y = data.make_people(40_000, seed=0)
    encoder = data.TableEncoder(["age", "gender", "height", "city"])
    X = encoder.fit_transform(table)
    model = sklearn.LogisticRegression(C=100, max_iter=5000).fit(X - X.mean(axis=0), y)
    weight = dict(zip(encoder.feature_names, model.coef_[0], strict=True))
    assert weight["age"] == pytest.approx(-0.08, abs=0.005)
    assert weight["height"] == pytest.approx(0.03, abs=0.006)
    assert weight["gender=M"] - weight["gender=F"] == pytest.approx(0.4, abs=0.15)
    assert weight["city=Amsterdam"] - weight["city=Chicago"] == pytest.approx(3.5, abs=0.2)


def test_nobody() -> None:
    with pytest.raises(ValueError, match="make_people: n must be at least 1, got 0"):
        data.make_people(0)
