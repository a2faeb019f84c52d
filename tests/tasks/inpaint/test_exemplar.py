"""Filling with patches of the picture itself: textures come back, the seed decides, the rest stays."""

import numpy as np
import pytest

from vasari.foundation.errors import PictureError, PictureTooLargeError
from vasari.tasks.inpaint import exemplar


def stripes(rows: int, columns: int) -> np.ndarray:
    """A slanted pattern with a period of 12 pixels, [3, rows, columns]."""
    y, x = np.mgrid[:rows, :columns]
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * (x + y) / 12)
    return np.stack([wave, 1 - wave, 0.5 * wave]).astype(np.float32)


def box(rows: int, columns: int, top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros((rows, columns), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_a_pattern_is_continued_through_a_hole_wider_than_its_period() -> None:
    picture, mask = stripes(96, 120), box(96, 120, 30, 40, 30)
    made = exemplar.fill(np.where(mask, 0, picture), mask)
    assert np.array_equal(made[:, ~mask], picture[:, ~mask])
    error = np.square(made - picture)[:, mask].mean()
    assert error < 0.01 * picture.var()


def test_what_is_filled_in_comes_from_the_picture() -> None:
    """Two flat halves with noise: the noise of the hole is about as strong as around it, not smoothed away."""
    rng = np.random.default_rng(0)
    picture = np.full((3, 80, 100), 0.3, np.float32) + 0.1 * rng.standard_normal((3, 80, 100)).astype(np.float32)
    mask = box(80, 100, 30, 40, 20)
    made = exemplar.fill(picture, mask)
    assert 0.5 < made[:, mask].std() / picture[:, ~mask].std() < 1.2
    assert abs(made[:, mask].mean() - 0.3) < 0.05


def test_the_seed_decides() -> None:
    picture, mask = np.random.default_rng(1).random((1, 50, 60), np.float32), box(50, 60, 20, 20, 12)
    first, again, other = (exemplar.fill(picture, mask, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_holes_at_the_border_and_of_one_pixel_are_filled() -> None:
    picture, mask = stripes(60, 60), box(60, 60, 0, 0, 10) | box(60, 60, 40, 59, 1)
    made = exemplar.fill(np.where(mask, -5, picture).astype(np.float32), mask)
    assert made.min() >= 0 and np.square(made - picture)[:, mask].mean() < 0.1


def test_without_a_whole_patch_left_it_says_so() -> None:
    mask = np.ones((40, 40), bool)
    mask[::5, ::5] = False
    with pytest.raises(PictureError, match="no whole patch"):
        exemplar.fill(stripes(40, 40), mask)


@pytest.mark.parametrize("patch_px", [7, 15])
def test_a_hole_too_large_for_memory_is_refused_before_it_takes_any(patch_px: int) -> None:
    """1 megapixel in patches of 7 pixels, fewer in larger ones; a scattered hole counts with what touches it."""
    side = 1000 * 7 // patch_px
    mask = box(side + 100, side + 100, 50, 50, side)
    picture = np.zeros((3, *mask.shape), np.float32)
    with pytest.raises(PictureTooLargeError, match="at most") as caught:
        exemplar.fill(picture, mask, patch_px)
    assert "--method network" in caught.value.remedy
    scattered = np.zeros_like(mask)
    scattered[::patch_px, ::patch_px] = True
    with pytest.raises(PictureTooLargeError):
        exemplar.fill(picture, scattered, patch_px)


def test_a_hole_up_to_the_limit_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    picture, mask = stripes(60, 60), box(60, 60, 20, 20, 10)
    monkeypatch.setattr(exemplar, "MOST_PATCH_PIXELS", 16 * 16 * 49)
    exemplar.fill(picture, mask)
    monkeypatch.setattr(exemplar, "MOST_PATCH_PIXELS", 16 * 16 * 49 - 1)
    with pytest.raises(PictureTooLargeError):
        exemplar.fill(picture, mask)
