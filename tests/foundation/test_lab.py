"""CIE Lab against scikit-image's, there and back, beyond the gamut, and where a gradient is asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import color, data

from vasari.foundation.lab import lab_to_srgb, srgb_to_lab


def drawn(*shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    values = torch.rand(*shape, generator=torch.Generator().manual_seed(4))
    return values * (high - low) + low


def test_lab_is_that_of_scikit_image() -> None:
    photograph = data.astronaut()[::4, ::4].astype(np.float64) / 255
    mine = srgb_to_lab(torch.from_numpy(photograph).permute(2, 0, 1))
    theirs = color.rgb2lab(photograph)
    # Its white is rounded to five digits.
    np.testing.assert_allclose(mine.permute(1, 2, 0).numpy(), theirs, atol=0.02)
    back = color.lab2rgb(mine.permute(1, 2, 0).numpy())
    np.testing.assert_allclose(lab_to_srgb(mine).permute(1, 2, 0).numpy(), back, atol=2e-4)


@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 3, 5, 7), (2, 4, 3, 5, 7)])
def test_there_and_back_in_single_precision_and_beyond_the_gamut(shape: tuple[int, ...]) -> None:
    pixels = drawn(*shape, low=-0.3, high=1.4)
    assert srgb_to_lab(pixels).shape == shape
    torch.testing.assert_close(lab_to_srgb(srgb_to_lab(pixels)), pixels, atol=1e-5, rtol=0)


def test_neutral_pixels_have_no_color_and_white_is_100() -> None:
    grey = torch.linspace(0, 1, 101, dtype=torch.float64).expand(3, 1, -1)
    lab = srgb_to_lab(grey)
    assert lab[1:].abs().max() < 1e-9
    assert (float(lab[0, 0, 0]), float(lab[0, 0, -1])) == pytest.approx((0, 100), abs=1e-9)
    assert (lab[0].diff() > 0).all()


def test_gradients_are_finite_at_black_and_agree_with_differences() -> None:
    dark = torch.zeros(3, 2, 2, requires_grad=True)
    srgb_to_lab(dark).sum().backward()
    lab_to_srgb(srgb_to_lab(dark)).sum().backward()
    assert dark.grad is not None and torch.isfinite(dark.grad).all()
    inside = drawn(3, 2, 2, low=0.1, high=0.9).double().requires_grad_()
    assert torch.autograd.gradcheck(srgb_to_lab, (inside,))
    assert torch.autograd.gradcheck(lab_to_srgb, (srgb_to_lab(inside.detach()).requires_grad_(),))
