"""Colors kept: lightness alone is taken, by scikit-image; moments of colors are the content's, by NumPy."""

from __future__ import annotations

import numpy as np
import torch
from skimage import color, data

from vasari.tasks.stylize.color_keeping import matched_colors, with_lightness


def pixels_of(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)).astype(np.float32) / 255)


def test_lightness_comes_from_what_was_painted_and_color_from_the_picture() -> None:
    # Muted, so that sRGB holds every combination.
    painted = 0.4 + 0.2 * pixels_of(data.chelsea()[:96, :96])
    source = 0.4 + 0.2 * pixels_of(data.astronaut()[:96, :96])
    kept = color.rgb2lab(with_lightness(painted, source).permute(1, 2, 0).numpy())
    np.testing.assert_allclose(kept[..., 0], color.rgb2lab(painted.permute(1, 2, 0).numpy())[..., 0], atol=0.05)
    np.testing.assert_allclose(kept[..., 1:], color.rgb2lab(source.permute(1, 2, 0).numpy())[..., 1:], atol=0.05)
    grey = source.mean(0, keepdim=True).expand(3, -1, -1)
    assert with_lightness(painted, grey).std(0).max() < 1e-5


def test_the_style_takes_on_mean_and_covariance_of_the_content() -> None:
    style, content = pixels_of(data.coffee()[:200, :300]), 0.35 + 0.3 * pixels_of(data.astronaut()[:128, :160])
    moved = matched_colors(style, content).flatten(1).numpy()
    wanted = content.flatten(1).numpy()
    np.testing.assert_allclose(moved.mean(1), wanted.mean(1), atol=2e-3)
    np.testing.assert_allclose(np.cov(moved), np.cov(wanted), atol=2e-3)
    assert np.abs(style.flatten(1).numpy().mean(1) - wanted.mean(1)).max() > 0.1


def test_the_content_s_own_colors_stay_and_one_color_is_no_trap() -> None:
    content = pixels_of(data.astronaut()[:64, :64])
    torch.testing.assert_close(matched_colors(content, content), content, atol=1e-4, rtol=0)
    flat = matched_colors(torch.full((3, 8, 8), 0.2), content)
    torch.testing.assert_close(flat[:, 0, 0], content.mean((1, 2)), atol=1e-4, rtol=0)
