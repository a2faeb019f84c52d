"""Nearest patches: nearly as near as an exhaustive search finds them; blending a copy gives the copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from skimage import data
from torch.nn import functional

from vasari.tasks.texture import correspondences
from vasari.tasks.texture.correspondences import Correspondences

PATCH = 7


@pytest.fixture(scope="module")
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """A sample, and another part of the same gravel as the texture, [1, 64, 72] and [1, 48, 40]."""
    pixels = torch.from_numpy(data.gravel().astype(np.float32) / 255)[None]
    return pixels[:, :64, :72].contiguous(), pixels[:, 200:248, 100:140].contiguous()


def patches(pixels: torch.Tensor) -> np.ndarray:
    return pixels.unfold(1, PATCH, 1).unfold(2, PATCH, 1).permute(1, 2, 0, 3, 4).flatten(0, 1).flatten(1).numpy()


def test_it_finds_patches_nearly_as_near_as_an_exhaustive_search(pictures):
    exemplar, texture = pictures
    found = Correspondences(exemplar, (48, 40), PATCH, torch.Generator().manual_seed(0))
    wrapped = functional.pad(texture[None], (0, PATCH - 1, 0, PATCH - 1), mode="circular")[0]
    wanted = patches(wrapped)
    known = patches(exemplar).reshape(64 - 6, 72 - 6, -1)

    def mean_distance() -> float:
        chosen = known[found.rows.numpy(), found.columns.numpy()].reshape(len(wanted), -1)
        return float(np.linalg.norm(chosen - wanted, axis=1).mean())

    before = mean_distance()
    for _ in range(3):
        found.search(texture)
    nearest = cKDTree(known.reshape(-1, known.shape[-1])).query(wanted)[0].mean()
    assert mean_distance() < nearest + 0.25 * (before - nearest)


def test_a_copy_is_blended_to_itself(pictures):
    """Every patch from where it lies; near the border the texture wraps, which the sample does not."""
    exemplar, _ = pictures
    found = Correspondences(exemplar, (58, 66), PATCH, torch.Generator().manual_seed(0))
    found.rows = torch.arange(58, dtype=torch.int32)[:, None].expand(58, 66).contiguous()
    found.columns = torch.arange(66, dtype=torch.int32).expand(58, 66).contiguous()
    made = torch.zeros(1, 58, 66)
    found.blend(made)
    torch.testing.assert_close(made[:, 6:, 6:], exemplar[:, 6:58, 6:66], atol=1e-5, rtol=0)


def test_strips_change_no_blend(pictures, monkeypatch):
    exemplar, _ = pictures
    found = Correspondences(exemplar, (50, 40), PATCH, torch.Generator().manual_seed(0))
    whole, parted = torch.zeros(1, 50, 40), torch.zeros(1, 50, 40)
    found.blend(whole)
    monkeypatch.setattr(correspondences, "STRIP_PIXELS", 40 * 9)
    found.blend(parted)
    torch.testing.assert_close(parted, whole, atol=1e-6, rtol=0)


def test_a_finer_scale_goes_on_where_the_coarser_was(pictures):
    exemplar, _ = pictures
    small = functional.avg_pool2d(exemplar, 2)
    coarse = Correspondences(small, (20, 24), PATCH, torch.Generator().manual_seed(0))
    fine = Correspondences(exemplar, (40, 48), PATCH, torch.Generator().manual_seed(1))
    fine.continue_from(coarse)
    for y, x in ((0, 0), (1, 1), (7, 30), (39, 47)):
        wanted = min(int(coarse.rows[y // 2, x // 2]) * 2 + y % 2, 64 - PATCH)
        assert int(fine.rows[y, x]) == wanted
        assert int(fine.columns[y, x]) == min(int(coarse.columns[y // 2, x // 2]) * 2 + x % 2, 72 - PATCH)
