"""Color spread along lightness: the linear model against a slow one, tiles against the whole, edges against blur."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from vasari.tasks.colorize.spreading import linear_model, spread, squares_mean

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])


def slow_model(guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """He & Sun 2015, equations 3 and 5, place by place, for a guide [h, w] and one value [h, w]."""
    height, width = guide.shape

    def square(y: int, x: int) -> tuple[slice, slice]:
        return slice(max(0, y - radius), y + radius + 1), slice(max(0, x - radius), x + radius + 1)

    slopes = np.zeros_like(guide)
    for y in range(height):
        for x in range(width):
            one, other = guide[square(y, x)], values[square(y, x)]
            slopes[y, x] = np.cov(one.ravel(), other.ravel(), bias=True)[0, 1] / (one.var() + epsilon)
    mean = np.array([[slopes[square(y, x)].mean() for x in range(width)] for y in range(height)])
    return mean, values - mean * guide


def test_the_linear_model_is_the_guided_filters() -> None:
    rng = np.random.default_rng(3)
    guide, values = rng.random((9, 11)), rng.normal(0, 20, (2, 9, 11))
    made = linear_model(torch.from_numpy(guide)[None, None].float(), torch.from_numpy(values)[None].float(), 2, 1e-3)
    expected = [slow_model(guide.astype(np.float32).astype(float), one, 2, 1e-3) for one in values.astype(np.float32)]
    slopes, offsets = np.stack([one for one, _ in expected]), np.stack([two for _, two in expected])
    np.testing.assert_allclose(made[0].numpy(), np.concatenate([slopes, offsets]), rtol=1e-4, atol=1e-3)


def test_on_its_own_grid_the_model_gives_the_values_back() -> None:
    rng = torch.Generator().manual_seed(0)
    guide, values = torch.rand(1, 1, 12, 10, generator=rng), 30 * torch.randn(1, 2, 12, 10, generator=rng)
    torch.testing.assert_close(spread(linear_model(guide, values), guide, WHOLE), values, atol=1e-3, rtol=0)


def test_tiles_equal_the_whole() -> None:
    rng = torch.Generator().manual_seed(5)
    model = linear_model(torch.rand(1, 1, 8, 9, generator=rng), 20 * torch.randn(1, 2, 8, 9, generator=rng))
    light = torch.rand(1, 1, 70, 90, generator=rng)
    whole = spread(model, light, WHOLE)
    window = torch.tensor([[20 / 70, 30 / 90, 50 / 70, 65 / 90]])
    part = spread(model, light[..., 20:50, 30:65], window)
    torch.testing.assert_close(whole[..., 20:50, 30:65], part, atol=1e-3, rtol=0)


def test_color_ends_where_lightness_does() -> None:
    """A bright disc of one color on dark ground of another, given at an eighth of the size."""
    y, x = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    disc = ((y - 60).square() + (x - 70).square() < 35**2).float()[None, None]
    light, chroma = 0.2 + 0.6 * disc, torch.cat([40 * disc, 30 * (1 - disc)], 1)
    small_light, small_chroma = (functional.avg_pool2d(one, 8) for one in (light, chroma))
    guided = spread(linear_model(small_light, small_chroma), light, WHOLE)
    plain = functional.interpolate(small_chroma, scale_factor=8.0, mode="bilinear", align_corners=False)
    off = [(one - chroma).norm(dim=1).mean() for one in (guided, plain)]
    assert off[0] < 0.35 * off[1]


def test_squares_are_cut_at_the_border() -> None:
    plane = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert squares_mean(plane, 1)[0, 0, 0, 0] == plane[0, 0, :2, :2].mean()
    assert squares_mean(plane, 5).unique().tolist() == [5.5]
