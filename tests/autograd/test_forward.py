"""Forward mode follows from the structure that an op declares: what each structure does."""

from typing import Any

import numpy as np
import pytest
from tests.autograd.samples import SAMPLES, Sample

import chainrule as cr


@pytest.mark.parametrize(
    ("function", "point"),
    [
        (cr.tanh, np.array([0.3, -0.7])),
        (lambda x: cr.reshape(x, (2, 1)), np.array([0.3, -0.7])),
        (lambda x: cr.concatenate([x, np.ones(1)]), np.array([0.3, -0.7])),
        (lambda x: cr.concatenate([np.ones(1), x * x, x]), np.array([0.3, -0.7])),
        (lambda x: x @ np.array([[1.0, 2.0], [3.0, 4.0]]) @ x, np.array([0.3, -0.7])),
        (cr.softmax, np.array([0.3, -0.7])),
        (lambda x: cr.cross_entropy(x, [1]), np.array([[0.3, -0.7]])),
        (lambda x: x * np.ones((3, 2)), np.array([0.3, -0.7])),
        (lambda x: x.sum() * x, np.array([0.3, -0.7])),
        (lambda x: cr.linear(x, np.ones((3, 2)), np.zeros(3)), np.array([0.3, -0.7])),
        (lambda b: cr.linear(np.ones(2), np.ones((2, 2)), b), np.array([0.3, -0.7])),
    ],
    ids=["elementwise", "linear", "variadic", "variadic twice", "bilinear", "general", "labels", "broadcast",
         "used twice", "fused", "bias alone"],
)  # fmt: skip
def test_a_tangent_is_the_jacobian_times_the_direction(function: Any, point: Any) -> None:
    direction = np.random.default_rng(0).normal(size=point.shape)
    value, tangent = cr.jvp(function, [point], [direction])
    J = cr.jacobian(function)(point)
    np.testing.assert_allclose(tangent, np.tensordot(J, direction, point.ndim), rtol=1e-12, atol=1e-14)
    assert value.shape == tangent.shape


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_forward_over_reverse_is_reverse_over_reverse(sample: Sample) -> None:
    """H u from both, and H is symmetric: ⟨v, H u⟩ = ⟨u, H v⟩."""

    def scalar(*x: Any) -> Any:
        return cr.tanh(sample.function(*x)).sum()

    everything = tuple(range(len(sample.args)))
    u = [np.random.default_rng(i).uniform(0.5, 1.5, np.shape(a)) for i, a in enumerate(sample.args)]
    v = [np.random.default_rng(9 + i).uniform(0.5, 1.5, np.shape(a)) for i, a in enumerate(sample.args)]
    with np.errstate(all="ignore"):
        gradient = cr.grad(scalar, everything)
        hu = forward_over_reverse(gradient, sample.args, u)
        hv = forward_over_reverse(gradient, sample.args, v)
    assert dot(v, hu) == pytest.approx(dot(u, hv), rel=1e-10, abs=1e-11)

    def slope(*x: Any) -> Any:
        return sum(((g * d).sum() for g, d in zip(gradient(*x), u, strict=True)), 0.0)

    with np.errstate(all="ignore"):
        for a, b in zip(hu, cr.grad(slope, everything)(*sample.args), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


def forward_over_reverse(gradient: Any, at: Any, direction: Any) -> list[Any]:
    """One derivative of each part of the gradient."""
    return [cr.jvp(lambda *x, k=k: gradient(*x)[k], at, direction)[1] for k in range(len(at))]


def dot(a: Any, b: Any) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(a, b, strict=True)))
