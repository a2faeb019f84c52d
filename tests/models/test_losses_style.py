"""Losses of style against values computed by hand, by NumPy or by SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from vasari.foundation.errors import PlanError
from vasari.models import losses_style as losses


def _features(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0.3, 1.0, shape).astype(np.float32))


def test_gram_by_hand() -> None:
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])  # channels (1, 2) and (3, -1) over two places
    torch.testing.assert_close(losses.gram(features), torch.tensor([[[2.5, 0.5], [0.5, 5.0]]]))


def test_the_default_is_the_formula_of_gatys() -> None:
    """Σ (G - A)² / (4 N² M²), G and A of plain sums, written out place by place."""
    made, style = _features(0, 2, 5, 4, 6), _features(1, 1, 5, 4, 6)
    expected = 0.0
    for picture in made.numpy():
        total = 0.0
        for i in range(5):
            for j in range(5):
                g = sum(picture[i].ravel()[k] * picture[j].ravel()[k] for k in range(24))
                a = float((style[0, i] * style[0, j]).sum())
                total += (g - a) ** 2
        expected += total / (4 * 5**2 * 24**2) / 2
    assert losses.gram_distance(made, losses.gram(style)).item() == pytest.approx(expected, rel=1e-5)


def test_the_other_normalizations_as_numpy_has_them() -> None:
    made, style = _features(2, 1, 3, 4, 4), _features(3, 1, 3, 6, 2)
    g, a = (np.cov(one[0].flatten(1).numpy(), bias=True) for one in (made, style))
    g, a = (
        one + np.outer(*[x[0].flatten(1).mean(1).numpy()] * 2)  # second moments about 0
        for one, x in ((g, made), (a, style))
    )
    target = losses.gram(style)
    assert losses.gram_distance(made, target, "elements").item() == pytest.approx(((g - a) ** 2).mean(), rel=1e-4)
    relative = ((g - a) ** 2).sum() / (a**2).sum()
    assert losses.gram_distance(made, target, "relative").item() == pytest.approx(relative, rel=1e-4)
    scaled = losses.gram_distance(made * 30, losses.gram(style * 30), "relative").item()
    assert scaled == pytest.approx(relative, rel=1e-4)  # whatever the size of the features
    with pytest.raises(PlanError, match="'frobenius'"):
        losses.gram_distance(made, target, "frobenius")


def test_gram_matrices_do_not_grow_with_the_picture_nor_under_autocast() -> None:
    features = _features(4, 1, 6, 8, 8)
    twice = torch.cat([features, features], 3)
    torch.testing.assert_close(losses.gram(twice), losses.gram(features))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(losses.gram(features), losses.gram(features.clone()))
        assert losses.gram(features).dtype == torch.float32
    torch.testing.assert_close(losses.gram(features), torch.einsum("nchw,ndhw->ncd", features, features) / 64)


def test_a_guide_of_a_half_is_the_gram_of_that_half() -> None:
    features = _features(5, 1, 4, 6, 8)
    guide = torch.zeros(1, 1, 6, 8)
    guide[..., :3] = 1.0
    torch.testing.assert_close(losses.gram(features, guide), losses.gram(features[..., :3]))
    everywhere = torch.full((1, 1, 6, 8), 0.7)  # evenly dim is no less of it
    torch.testing.assert_close(losses.gram(features, everywhere), losses.gram(features))


def test_moments_and_their_distance_as_numpy_has_them() -> None:
    made, style = _features(6, 2, 3, 5, 4), _features(7, 1, 3, 7, 2)
    means, deviations = losses.moments(made)
    np.testing.assert_allclose(means, made.numpy().mean((2, 3)), atol=1e-6)
    np.testing.assert_allclose(deviations, made.numpy().std((2, 3)), rtol=1e-4)
    expected = ((made.numpy().mean((2, 3)) - style.numpy().mean((2, 3))) ** 2).mean()
    expected += ((made.numpy().std((2, 3)) - style.numpy().std((2, 3))) ** 2).mean()
    assert losses.moments_distance(made, style).item() == pytest.approx(expected, rel=1e-3)
    assert losses.moments_distance(made[:1], made[:1].flip(3)).item() == pytest.approx(0.0, abs=1e-9)


def test_content_distance_by_hand() -> None:
    made, content = torch.tensor([[[[1.0, 4.0]]]]), torch.tensor([[[[2.0, 2.0]]]])
    assert losses.content_distance(made, content).item() == pytest.approx((1 + 4) / 2)
    assert losses.content_distance(made, content, relative=True).item() == pytest.approx((1 + 4) / 2 / 4)


def test_sliced_wasserstein_along_one_axis_by_hand() -> None:
    """Sorted 0, 2, 5 against 1, 2, 9: (1 + 0 + 16)/3, whatever the order."""
    made, style = torch.tensor([[5.0, 0.0, 2.0]]), torch.tensor([[2.0, 9.0, 1.0]])
    assert losses.sliced_wasserstein(made, style, torch.ones(1, 1)).item() == pytest.approx(17 / 3)


def test_sliced_wasserstein_pulls_each_value_to_that_of_its_rank() -> None:
    made, style = torch.tensor([[5.0, 0.0, 2.0]], requires_grad=True), torch.tensor([[2.0, 9.0, 1.0]])
    losses.sliced_wasserstein(made, style, torch.ones(1, 1)).backward()
    torch.testing.assert_close(made.grad, 2 / 3 * torch.tensor([[5.0 - 9.0, 0.0 - 1.0, 0.0]]))


def test_sliced_wasserstein_of_many_directions_as_numpy_has_it() -> None:
    generator = torch.Generator().manual_seed(0)
    directions = losses.unit_directions(12, 4, generator)
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(12))
    made, style = _features(8, 4, 50), _features(9, 4, 50) * 2
    expected = np.mean(
        [(np.sort(v @ made.numpy()) - np.sort(v @ style.numpy())) ** 2 for v in directions.numpy()], dtype=np.float64
    )
    found = losses.sliced_wasserstein(made, style, directions).item()
    assert found == pytest.approx(expected, rel=1e-4)


def test_more_samples_of_one_distribution_are_no_distance() -> None:
    values = _features(10, 1, 4000)
    ordered = np.sort(values.numpy())
    read = losses.at_ranks(ordered, 1000)
    assert stats.wasserstein_distance(read[0], ordered[0]) < 2e-3
    assert losses.sliced_wasserstein(values[:, ::4], values, torch.ones(1, 1)).item() < 0.01
