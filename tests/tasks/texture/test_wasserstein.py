"""Sliced-Wasserstein textures: nearer to the sample than simple ways, wrapped, alike in any strips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from skimage import data

from vasari.tasks.texture import wasserstein
from vasari.tasks.texture.statistics import border_score, patch_distance
from vasari.tasks.texture.wasserstein import projected, pyramid, stretched, synthesize, tabulated


@pytest.fixture(scope="module")
def gravel() -> torch.Tensor:
    return torch.from_numpy(data.gravel()[:96, :96].astype(np.float32) / 255)[None]


@pytest.fixture(scope="module")
def made(gravel: torch.Tensor) -> torch.Tensor:
    return synthesize(gravel, 96, 128, seed=1, iterations=40)


def test_the_texture_is_much_nearer_than_simple_ways(gravel, made):
    assert made.shape == (1, 96, 128)
    shuffled = gravel.flatten()[torch.randperm(gravel.numel(), generator=torch.Generator().manual_seed(0))]
    enlarged = stretched(gravel[:, :48, :48], 96, 96)
    near = patch_distance(made, gravel)
    assert near < 0.35 * patch_distance(shuffled.reshape(gravel.shape), gravel)
    assert near < 0.5 * patch_distance(enlarged, gravel)


def test_its_border_is_like_its_inside(made):
    assert border_score(made) < 3.5
    cut = made.clone()
    cut[:, -1] = made[:, 40]  # a seam: the last row is another's
    assert border_score(cut) > 3.5


def test_rolled_by_half_the_border_lies_inside_and_is_not_found(made):
    """Two samples of steps between neighboring rows: across what was the border, and everywhere else."""
    rolled = made.roll((48, 64), (1, 2))
    steps = (rolled[:, 1:] - rolled[:, :-1]).abs()[0]
    across, inside = steps[47].numpy(), steps[torch.arange(95) != 47].numpy().ravel()
    assert stats.ks_2samp(across, inside).pvalue > 0.001


def test_the_seed_decides(gravel, made):
    one, same, other = (synthesize(gravel, 64, 64, seed=seed, iterations=3) for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert (one - other).abs().mean() > 0.02


def test_strips_change_nothing(gravel, monkeypatch):
    whole = synthesize(gravel, 61, 67, iterations=3, passes=0)
    for pixels in (67 * 7, 67 * 20, 67 * 58):
        monkeypatch.setattr(wasserstein, "STRIP_PIXELS", pixels)
        torch.testing.assert_close(synthesize(gravel, 61, 67, iterations=3, passes=0), whole, atol=1e-4, rtol=0)


def test_one_map_is_the_optimal_transport_of_values():
    rng = np.random.default_rng(0)
    present, wanted = np.sort(rng.normal(0, 1, 4096)), np.sort(rng.gamma(2, 1, 4096))
    slices = tabulated(torch.ones(1, 1), present[None].astype(np.float32), wanted[None].astype(np.float32))
    places = ((present - float(slices.low)) / float(slices.bin)).clip(0, 511).astype(int)
    moved = present + slices.moves[0].numpy()[places]
    assert stats.wasserstein_distance(present, wanted) > 1.5
    assert stats.wasserstein_distance(moved, wanted) < 0.03


def test_the_distance_of_values_is_scipy_s():
    """Patches of one pixel and one direction: the distance of two sets of numbers."""
    a, b = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(1)), torch.rand(1, 64, 64).square()
    generator = torch.Generator().manual_seed(2)
    one, other = (projected(x, torch.ones(1, 1), 20, generator) for x in (a, b))
    assert one.shape == (1, 20 * 16 * 16) and set(one[0]) <= set(a.flatten().tolist())
    assert abs(one - other).mean() == pytest.approx(stats.wasserstein_distance(one[0], other[0]), rel=1e-4)


def test_the_pyramid_ends_at_32_px_and_stretching_wraps():
    assert [one.shape[1:] for _, one in pyramid(torch.rand(3, 150, 300))] == [(38, 75), (75, 150), (150, 300)]
    wave = torch.sin(torch.arange(32) / 32 * 2 * torch.pi).expand(1, 32, 32)
    doubled = stretched(wave, 32, 64)
    places = (torch.arange(64) + 0.5) / 2 - 0.5
    torch.testing.assert_close(doubled[0, 0], torch.sin(places / 32 * 2 * torch.pi), atol=2e-3, rtol=0)
