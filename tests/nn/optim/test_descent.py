import numpy as np
import pytest

from chainrule.nn.optim.descent import Descent, Memory

RNG = np.random.default_rng(0)


def quadratic(n=8):
    rng = np.random.default_rng(0)
    root = rng.standard_normal((n, n))
    matrix, goal = root @ root.T + np.eye(n), 3 * rng.standard_normal(n)
    return matrix, goal, lambda x: (float(x @ matrix @ x / 2 - goal @ x), matrix @ x - goal)


def run(descent, most=500):
    for _ in range(most):
        if np.abs(descent.gradient).max() < 1e-9 or not descent.advance():
            break
    return descent


def test_memory_of_as_many_steps_as_variables_inverts_a_quadratic():
    """Conjugate steps x = e_i of a diagonal matrix: the estimate is exact on all of them."""
    scales = np.array([1.0, 4.0, 9.0])
    memory = Memory(3)
    for i in range(3):
        memory.add(np.eye(3)[i], scales[i] * np.eye(3)[i])
    g = RNG.standard_normal(3)
    assert np.allclose(memory.times(g), g / scales)


def test_memory_forgets_the_oldest_and_refuses_negative_curvature():
    memory = Memory(2)
    for i in range(4):
        memory.add(np.array([1.0]), np.array([float(i)]))
    assert memory.changes.tolist() == [[2.0], [3.0]]
    memory.add(np.array([1.0]), np.array([-1.0]))
    assert len(memory.steps) == 2


def test_memory_is_the_two_loop_recursion():
    """Nocedal and Wright's algorithm 7.4, written out; the oldest steps have been forgotten."""
    memory, pairs = Memory(5), []
    root = RNG.standard_normal((7, 7))
    for _ in range(9):
        step = RNG.standard_normal(7)
        change = root @ root.T @ step + 0.01 * RNG.standard_normal(7)
        memory.add(step, change)
        pairs.append((step, change))
        g = RNG.standard_normal(7)
        q, shares = g.copy(), []
        for s, y in reversed(pairs[-5:]):
            shares.append(s @ q / (s @ y))
            q = q - shares[-1] * y
        q = q * (step @ change) / (change @ change)
        for (s, y), share in zip(pairs[-5:], reversed(shares), strict=True):
            q = q + (share - y @ q / (s @ y)) * s
        assert np.allclose(memory.times(g), q, rtol=1e-8)


def test_finds_the_minimum_of_a_quadratic():
    matrix, goal, function = quadratic()
    found = run(Descent(function, np.zeros(8), tolerance=1e-20))
    assert np.allclose(found.x, np.linalg.solve(matrix, goal), atol=1e-8)


@pytest.mark.parametrize("l1", [0.1, 1.0, 100.0])
def test_a_penalised_quadratic_fulfils_the_conditions_of_a_minimum(l1):
    """Karush-Kuhn-Tucker: where x is 0 the gradient is at most l1, elsewhere it is −l1 · sign(x)."""
    matrix, goal, function = quadratic()
    x = run(Descent(function, np.zeros(8), tolerance=1e-20, l1=l1)).x
    g = matrix @ x - goal
    assert np.all(np.abs(g[x == 0]) <= l1 + 1e-7)
    assert np.allclose(g[x != 0], -l1 * np.sign(x[x != 0]), atol=1e-6)
    assert (x == 0).all() == (l1 == 100)


def test_lasso_of_scikit_learn():
    linear_model = pytest.importorskip(
        "sklearn.linear_model", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    X, y = RNG.standard_normal((50, 10)), RNG.standard_normal(50)
    peer = linear_model.Lasso(alpha=0.1, fit_intercept=False, tol=1e-12).fit(X, y)
    found = run(
        Descent(
            lambda w: (float(np.sum((X @ w - y) ** 2)) / 100, X.T @ (X @ w - y) / 50),
            np.zeros(10), tolerance=1e-20, l1=np.full(10, 0.1),
        )
    )  # fmt: skip
    assert np.allclose(found.x, peer.coef_, atol=1e-7)
    assert np.array_equal(found.x == 0, peer.coef_ == 0)


def test_infinite_values_on_the_way_are_stepped_over():
    def barrier(x):
        if x[0] <= 0:
            return float("nan"), np.full(1, np.nan)
        return float(x[0] - np.log(x[0])), 1 - 1 / x

    found = run(Descent(barrier, np.array([30.0]), lr=100.0))
    assert np.isclose(found.x[0], 1, atol=1e-6)


def test_at_a_minimum_there_is_no_step():
    assert not Descent(lambda x: (float(x @ x), 2 * x), np.zeros(3)).advance()
