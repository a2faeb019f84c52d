"""Masks to train on: of the coverage asked for, from the seed alone, quick."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import maximum_filter

from vasari.foundation.errors import TrainingError
from vasari.tasks.inpaint import masks


@pytest.mark.parametrize("kind", masks.KINDS)
@pytest.mark.parametrize("coverage", [0.05, 0.15, 0.3])
def test_a_kind_covers_about_what_was_asked_for(kind: str, coverage: float) -> None:
    found = [masks.KINDS[kind](np.random.default_rng(seed), 96, 128, coverage) for seed in range(20)]
    assert all(one.shape == (96, 128) and one.dtype == bool for one in found)
    shares = [one.mean() for one in found]
    assert 0.8 * coverage <= np.mean(shares) <= 1.6 * coverage
    assert len({one.tobytes() for one in found}) == 20


def test_a_mask_comes_from_the_generator_alone() -> None:
    first, again = (masks.free_form(np.random.default_rng([4, 7]), 64, 64, 0.3) for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, masks.free_form(np.random.default_rng([4, 8]), 64, 64, 0.3))


def test_all_kinds_are_drawn_and_their_shares_are_a_distribution() -> None:
    assert len(masks.KIND_SHARES) == len(masks.KINDS) and sum(masks.KIND_SHARES) == pytest.approx(1)


def test_masks_are_drawn_quickly_enough_for_training() -> None:
    rng, began = np.random.default_rng(0), time.process_time()
    for _ in range(100):
        masks.free_form(rng, 128, 128, 0.3)
    assert 100 / (time.process_time() - began) > 200


@pytest.fixture
def defects(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for kind in ("dots", "hair"):
        (tmp_path / kind).mkdir()
        opacity = np.zeros((200, 200), np.uint8)
        opacity[rng.integers(0, 200, 60), rng.integers(0, 200, 60)] = 255
        opacity[100:103, 20:180] = 200
        opacity[150:, :50] = 30  # too faint to hide anything
        Image.fromarray(opacity).save(tmp_path / kind / f"{kind}.png")
    return tmp_path


def test_scanned_defects_are_taken_where_they_are_opaque(defects: Path) -> None:
    found = masks.load_defects(defects)
    assert len(found) == 2 and found[0].dtype == bool
    assert found[0][101, 100] and not found[0][180, 10]
    made = [masks.defect_mask(np.random.default_rng(seed), 64, 96, found) for seed in range(30)]
    assert all(one.shape == (64, 96) for one in made)
    assert all(masks.LEAST_DEFECT_SHARE <= one.mean() <= 0.5 for one in made)


def test_growing_is_a_maximum_filter() -> None:
    mask = np.random.default_rng(0).random((40, 50)) < 0.02
    assert np.array_equal(masks._grown(mask, 2), maximum_filter(mask, 5))


def test_a_folder_without_masks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No mask"):
        masks.load_defects(tmp_path)
