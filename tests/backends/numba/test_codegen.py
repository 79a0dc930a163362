"""Generated kernels against the rules they come from, run on NumPy arrays."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

import chainrule as cr
from chainrule.autograd.op import by_name
from chainrule.backends import numpy as reference
from chainrule.backends.numba.codegen import Fused, fuse, fuse_over, fusible

RULES = {
    "tanh": lambda xp, g, out, x: g * (1 - out * out),
    "relu": lambda xp, g, out, x: xp.where(xp.greater(x, 0), g, 0),
    "silu": lambda xp, g, out, x: g * xp.sigmoid(x) * (1 + x * (1 - xp.sigmoid(x))),
    "gelu": lambda xp, g, out, x: g * (0.5 * (1 + xp.erf(x * 0.5**0.5)) + x * 0.4 * xp.exp(-0.5 * x * x)),
    "minmax": lambda xp, g, out, x: g * (xp.maximum(x, out) - xp.minimum(-x, 2.5)),
    "choice": lambda xp, g, out, x: xp.where(
        xp.logical_and(xp.greater_equal(x, 0), xp.not_equal(x, 1)), g * xp.sqrt(xp.abs(x)), xp.div(g, 3.0)
    ),
    "guarded": lambda xp, g, out, x: xp.guard(g, xp.div(g, x)),
}


def operands(dtype, shape=(6, 50)):
    rng = np.random.default_rng(0)
    g, out, x = (rng.standard_normal(shape).astype(dtype) for _ in range(3))
    g.flat[:3] = 0
    x.flat[:6] = [0, np.inf, np.nan, 0, 1, -np.inf]
    return g, out, x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_kernel_is_the_rule(name, dtype):
    fused, args = fuse(f"test_{name}", RULES[name], 1), operands(dtype)
    g, out, x = args
    with np.errstate(all="ignore"):
        expected = RULES[name](reference, *args)
    expected = np.where((g == 0) & ~np.isnan(out) & ~np.isnan(x), 0, expected)
    result = fused(*args)
    assert result.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(result, expected, rtol=64 * eps, atol=8 * eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["square", "expm1", "silu", "gelu", "selu"])
def test_a_zero_cotangent_contributes_zero_beside_an_infinite_derivative(name, dtype):
    """So the branch that `where` did not take stays out; the walk notices what NumPy does, and no kernel."""
    for points in ([np.inf, -np.inf, 1e4, -1e4, 0.5], [np.nan, 0.5]):
        x, found = np.array(points * 2, dtype), []
        g = np.repeat([0, 1], len(points)).astype(dtype)
        for backend in ("numpy", "numba"):
            with cr.use_backend(backend):
                leaf = cr.Tensor(x)
                getattr(cr, name)(leaf).backward(g)
                found.append(leaf.grad)
        np.testing.assert_allclose(found[1], found[0], rtol=1e-4 if dtype == "float32" else 1e-11)


def test_the_guard_costs_nothing_where_a_derivative_is_finite():
    for name, guarded in (
        ("tanh", False),
        ("sigmoid", False),
        ("relu", False),
        ("square", True),
        ("gelu", True),
    ):
        (rule,) = by_name(name).rules
        assert ("(g == zero)" in fusible(f"{name}-0", rule, 1).source) == guarded, name


def test_parameters_and_equal_lines():
    fused = Fused(
        "test_slope",
        lambda xp, g, out, x, slope: xp.where(xp.greater(x, 0), g, g * slope) + g * slope,
        ["x"],
        ["slope"],
    )
    assert fused.source.count("g * slope") == 1
    assert fused.reads == [True, False, True]
    g, _, x = operands("float64")
    np.testing.assert_allclose(fused.cotangent(g, None, x, slope=0.5), np.where(x > 0, g, g * 0.5) + g * 0.5)


def test_two_rules_of_one_name_do_not_mix():
    g, out, x = operands("float64")
    first = fuse("test_same", lambda xp, g, out, x: g * 2 + g, 1)(g, out, x)
    second = fuse("test_same", lambda xp, g, out, x: g * 3 + g, 1)(g, out, x)
    np.testing.assert_allclose(first, g * 2 + g, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(second, g * 3 + g, rtol=1e-14, atol=1e-15)


def test_what_has_no_kernel():
    assert fuse("test_sum", lambda xp, g, out, x: out * (g - xp.sum(g * out, -1)), 1) is None
    assert fuse("test_text", lambda xp, g, out, x, text: xp.exp(g) * text.split("->"), 1) is None
    assert fuse("test_single", lambda xp, g, out, x: g * out, 1) is None
    fused, (g, out, x) = fuse("test_tanh", RULES["tanh"], 1), operands("float32")
    assert fused(g, out[:1], x) is None
    assert fused(g, out.astype(float), x) is None
    assert fused(g, 2.0, x) is None
    assert fused(g.astype(np.float16), out, x) is None
    slope = fuse("test_slope", lambda xp, g, out, x, slope: g * slope + x, 1)
    assert slope(g, out, x, slope=None) is None


def test_any_layout():
    fused, (g, out, x) = fuse("test_tanh", RULES["tanh"], 1), operands("float64")
    for layout in (
        lambda a: a[:, ::2],
        lambda a: a.T,
        lambda a: a[::-1],
        lambda a: np.broadcast_to(a[0], a.shape),
    ):
        expected = layout(g) * (1 - layout(out) ** 2)
        np.testing.assert_allclose(fused(layout(g), layout(out), x), expected, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(
            fused(layout(g), np.ascontiguousarray(layout(out)), x), expected, rtol=1e-12, atol=1e-15
        )
    unaligned = np.zeros(8 * g.size + 1, np.uint8)[1:].view(np.float64).reshape(g.shape)
    np.testing.assert_array_equal(fused(unaligned, out, x), 0 * out)
    assert fused(g[0, 0], out[0, 0], x) == g[0, 0] * (1 - out[0, 0] ** 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_written_over_g(name, dtype):
    g, out, x = operands(dtype, (6, 53))
    expected, before = fuse(f"test_{name}", RULES[name], 1)(g, out, x), (out.copy(), x.copy())
    assert fuse_over(f"test_{name}", RULES[name])(g, out, x) is g
    np.testing.assert_array_equal(g, expected)
    np.testing.assert_array_equal((out, x), before)


def test_a_g_that_cannot_be_written_over_stays_as_it_is():
    over, (g, out, x) = fuse_over("test_tanh", RULES["tanh"]), operands("float64")
    constant = g.copy()
    constant.flags.writeable = False
    for mine in (constant, g.copy()[:], g.copy().T, g.astype(np.float16), np.float64(2.0), 2.0):
        before = np.copy(mine)
        assert over(mine, out, x) is None
        np.testing.assert_array_equal(mine, before)
    assert over(g, out[:1], x) is None
    assert fuse_over("test_single", lambda xp, g, out, x: g * out) is None
    assert fuse_over("test_without_g", lambda xp, g, out, x: x * out + x) is None
