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
    assert losses.matrix_distance(losses.gram(made), losses.gram(style)).item() == pytest.approx(expected, rel=1e-5)


def test_the_other_normalizations_as_numpy_has_them() -> None:
    made, style = _features(2, 1, 3, 4, 4), _features(3, 1, 3, 6, 2)
    g, a = (np.cov(one[0].flatten(1).numpy(), bias=True) for one in (made, style))
    g, a = (
        one + np.outer(*[x[0].flatten(1).mean(1).numpy()] * 2)  # second moments about 0
        for one, x in ((g, made), (a, style))
    )
    target = losses.gram(style)
    assert losses.matrix_distance(losses.gram(made), target, "elements").item() == pytest.approx(
        ((g - a) ** 2).mean(), rel=1e-4
    )
    relative = ((g - a) ** 2).sum() / (a**2).sum()
    assert losses.matrix_distance(losses.gram(made), target, "relative").item() == pytest.approx(relative, rel=1e-4)
    scaled = losses.matrix_distance(losses.gram(made * 30), losses.gram(style * 30), "relative").item()
    assert scaled == pytest.approx(relative, rel=1e-4)  # whatever the size of the features
    with pytest.raises(PlanError, match="'frobenius'"):
        losses.matrix_distance(losses.gram(made), target, "frobenius")


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


def test_content_distance_by_hand() -> None:
    made, content = torch.tensor([[[[1.0, 4.0]]]]), torch.tensor([[[[2.0, 2.0]]]])
    assert losses.content_distance(made, content).item() == pytest.approx((1 + 4) / 2)
    assert losses.content_distance(made, content, relative=True).item() == pytest.approx((1 + 4) / 2 / 4)


def test_directions_have_length_one() -> None:
    directions = losses.unit_directions(12, 4, torch.Generator().manual_seed(0))
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(12))
    assert float(directions.mean(0).abs().max()) < 0.5


def test_more_samples_of_one_distribution_are_no_distance() -> None:
    ordered = np.sort(_features(10, 1, 4000).numpy())
    read = losses.at_ranks(ordered, 1000)
    assert stats.wasserstein_distance(read[0], ordered[0]) < 2e-3
