"""Augmentation: none at probability 0, all at 1, each kind against arithmetic by hand, and gradients through it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from vasari.models.augmentation import AUGMENTATIONS, augmented, color, cutout, translation


def pictures(count: int = 8, height: int = 16, width: int = 24) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_probability_0_changes_nothing_and_draws_nothing() -> None:
    shown = pictures()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert augmented(shown, 0.0) is shown
    assert torch.equal(torch.get_rng_state(), before)


def test_probability_1_changes_every_picture() -> None:
    torch.manual_seed(3)
    shown = pictures(64)
    changed = augmented(shown, 1.0)
    assert changed.shape == shown.shape
    assert ((changed - shown).abs().amax((1, 2, 3)) > 0).all()


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_the_share_of_changed_pictures_is_the_probability(kind: str) -> None:
    torch.manual_seed(3)
    shown = pictures(2000, 8, 8)
    # A translation by nothing in both directions happens too: once in nine for a margin of one pixel.
    expected = 0.3 * (8 / 9 if kind == "translation" else 1.0)
    changed = (augmented(shown, 0.3, (kind,)) != shown).flatten(1).any(1).float().mean()
    assert float(changed) == pytest.approx(expected, abs=0.04)


def test_no_kinds_change_nothing() -> None:
    assert torch.equal(augmented(pictures(), 1.0, ()), pictures())


def test_a_translation_is_that_of_numpy() -> None:
    torch.manual_seed(4)
    shown = pictures(40)
    moved = translation(shown).numpy()
    seen = set()
    for one, made in zip(shown.numpy(), moved, strict=True):
        padded = np.pad(one, ((0, 0), (2, 2), (3, 3)), constant_values=0.5)
        found = [
            (top, left)
            for top in range(5)
            for left in range(7)
            if np.allclose(padded[:, top : top + 16, left : left + 24], made, atol=1e-6)
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert {top for top, _ in seen} == set(range(5)) and {left for _, left in seen} == set(range(7))


def test_a_cutout_is_a_grey_square_of_half_the_side() -> None:
    torch.manual_seed(5)
    shown = pictures(200, 16, 16)
    holes = (cutout(shown) == 0.5).all(1).numpy()
    sizes = set()
    for hole in holes:
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole.sum() == len(rows) * len(columns) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        sizes |= {len(rows), len(columns)}
    # Its center lies inside: a square at the border is cut to half or more.
    assert min(sizes) >= 4 and max(sizes) == 8
    outside = torch.from_numpy(~holes)[:, None].expand(-1, 3, -1, -1)
    assert torch.equal(cutout(shown * 0 + 0.25).unique(), torch.tensor([0.25, 0.5]))
    torch.manual_seed(5)
    assert torch.equal(cutout(shown)[outside], shown[outside])


def test_color_shifts_saturates_and_contrasts_as_by_hand() -> None:
    shown = pictures(3)
    torch.manual_seed(6)
    made = color(shown).numpy()
    torch.manual_seed(6)
    brightness, saturation, contrast = (torch.rand(3, 1, 1, 1).numpy() for _ in range(3))
    expected = shown.numpy() + 0.5 * (brightness - 0.5)
    grey = expected.mean(1, keepdims=True)
    expected = grey + (expected - grey) * 2 * saturation
    middle = expected.mean((1, 2, 3), keepdims=True)
    expected = middle + (expected - middle) * (0.5 + contrast)
    np.testing.assert_allclose(made, expected, atol=1e-5)
    # Neither saturation nor contrast moves the mean: that is brightness alone, within a quarter.
    moved = made.mean((1, 2, 3)) - shown.numpy().mean((1, 2, 3))
    np.testing.assert_allclose(moved, 0.5 * (brightness[:, 0, 0, 0] - 0.5), atol=1e-5)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_gradients_pass_through(kind: str) -> None:
    torch.manual_seed(7)
    shown = pictures(2).requires_grad_(True)
    augmented(shown, 1.0, (kind,)).square().sum().backward()
    assert shown.grad is not None and torch.isfinite(shown.grad).all()
    assert (shown.grad.abs().amax((1, 2, 3)) > 0).all()


def test_the_same_seed_gives_the_same_augmentation() -> None:
    torch.manual_seed(8)
    one = augmented(pictures(), 0.5)
    torch.manual_seed(8)
    assert torch.equal(augmented(pictures(), 0.5), one)
