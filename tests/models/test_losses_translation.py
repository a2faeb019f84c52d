"""Losses of translation against values computed by hand or by NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vasari.foundation.errors import TrainingError
from vasari.models import losses_translation as losses


def test_mean_absolute_by_hand() -> None:
    made, truth = torch.tensor([[0.0, 0.5], [1.0, 0.25]]), torch.tensor([[0.25, 0.5], [0.0, 0.5]])
    assert losses.mean_absolute(made, truth).item() == pytest.approx((0.25 + 0 + 1 + 0.25) / 4)


def test_patch_contrast_of_two_places_by_hand() -> None:
    """One query equals its key, the other its neighbor's: each sees two logits, 1/τ and 0."""
    axes = torch.eye(2)[None]
    queries = torch.stack([axes[0, 0], axes[0, 0]])[None]
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(2))) / 2
    assert losses.patch_contrast(queries, axes, temperature=0.5).item() == pytest.approx(expected, rel=1e-6)


def test_patch_contrast_as_numpy_has_it() -> None:
    rng = np.random.default_rng(0)
    queries, keys = (rng.normal(size=(2, 5, 4)) for _ in range(2))
    queries, keys = (one / np.linalg.norm(one, axis=2, keepdims=True) for one in (queries, keys))
    total = 0.0
    for n in range(2):
        for s in range(5):
            powers = np.exp(keys[n] @ queries[n, s] / 0.07)
            total -= np.log(powers[s] / powers.sum())
    found = losses.patch_contrast(torch.from_numpy(queries), torch.from_numpy(keys))
    assert found.item() == pytest.approx(total / 10, rel=1e-5)


def test_patch_contrast_of_places_all_alike_is_the_logarithm_of_their_number() -> None:
    alike = torch.nn.functional.normalize(torch.ones(1, 16, 3), dim=-1)
    assert losses.patch_contrast(alike, alike).item() == pytest.approx(math.log(16), rel=1e-5)


def test_total_variation_by_hand() -> None:
    pixels = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]])  # across: 1, 0; down: 0.5, 0.5
    assert losses.total_variation(pixels).item() == pytest.approx(0.5 + 0.5)


def test_a_projection_takes_the_places_it_was_given() -> None:
    torch.manual_seed(0)
    projection = losses.PatchProjection((3, 6), width=8)
    features = [torch.rand(2, 3, 4, 5), torch.rand(2, 6, 2, 3)]
    places = [torch.tensor([0, 7, 19]), torch.tensor([5])]
    found = projection(features, places)
    assert [tuple(one.shape) for one in found] == [(2, 3, 8), (2, 1, 8)]
    by_hand = projection.heads[0](features[0][1, :, 1, 2])  # place 7 of 4 × 5
    torch.testing.assert_close(found[0][1, 1], by_hand / by_hand.norm())
    with pytest.raises(TrainingError, match="1 layers"):
        projection(features[:1], places)


def test_places_are_different_ones_and_repeat_under_a_seed() -> None:
    features = [torch.rand(1, 2, 6, 6), torch.rand(1, 2, 2, 2)]
    torch.manual_seed(3)
    first = losses.drawn_places(features, 20)
    torch.manual_seed(3)
    assert all(torch.equal(one, other) for one, other in zip(first, losses.drawn_places(features, 20), strict=True))
    assert [len(one) for one in first] == [20, 4] and len(set(first[0].tolist())) == 20
    assert max(first[0].tolist()) < 36 and sorted(first[1].tolist()) == [0, 1, 2, 3]
