"""Colors that sRGB does not have, made duller at the same lightness and hue."""

from __future__ import annotations

import numpy as np
import torch
from skimage import color, data

from vasari.foundation.lab import srgb_to_lab
from vasari.tasks.colorize.gamut import TOLERANCE, lightness, within_gamut


def test_lightness_and_hue_stay_and_nothing_is_outside() -> None:
    rng = torch.Generator().manual_seed(0)
    light = 100 * torch.rand(1, 1, 40, 50, generator=rng)
    chroma = 60 * torch.randn(1, 2, 40, 50, generator=rng)
    made = within_gamut(light, chroma)
    assert made.min() >= 0 and made.max() <= 1
    lab = srgb_to_lab(made)
    torch.testing.assert_close(lab[:, :1], light, atol=0.05, rtol=0)
    kept = lab[:, 1:].norm(dim=1) > 2
    turned = torch.atan2(lab[:, 2], lab[:, 1]) - torch.atan2(chroma[:, 1], chroma[:, 0])
    assert torch.sin(turned)[kept].abs().max() < 0.02
    assert (lab[:, 1:].norm(dim=1) <= chroma.norm(dim=1) + 0.05).all()


def test_chroma_is_the_largest_that_fits() -> None:
    light = torch.tensor([30.0, 50.0, 70.0, 90.0])[None, None, None]
    chroma = torch.tensor([[80.0, -20.0], [-90.0, 60.0], [10.0, -90.0], [70.0, 70.0]]).T[None, :, None]
    shares = srgb_to_lab(within_gamut(light, chroma))[:, 1:].norm(dim=1) / chroma.norm(dim=1)
    assert (shares < 1).all()
    for column in range(4):
        lab = torch.cat([light, chroma * (shares[..., column] + 0.01)], 1)[0, :, 0, column].numpy()
        rgb = color.xyz2rgb(color.lab2xyz(lab[None, None]))  # clips; a color outside does not come back
        assert np.abs(color.rgb2lab(rgb)[0, 0] - lab).max() > 0.02


def test_colors_within_are_left_as_they_are() -> None:
    pixels = torch.from_numpy(data.astronaut()[100:140, 100:150].astype(np.float32) / 255).permute(2, 0, 1)[None]
    lab = srgb_to_lab(pixels)
    torch.testing.assert_close(within_gamut(lab[:, :1], lab[:, 1:]), pixels, atol=TOLERANCE, rtol=0)


def test_black_and_white_take_no_color() -> None:
    light = torch.tensor([0.0, 100.0])[None, None, None]
    made = within_gamut(light, torch.full((1, 2, 1, 2), 50.0))
    torch.testing.assert_close(made[0, :, 0], torch.tensor([[0.0, 1.0]] * 3), atol=2e-3, rtol=0)


def test_lightness_is_that_of_scikit_image() -> None:
    pixels = data.astronaut()[200:240, 60:100]
    planes = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    np.testing.assert_allclose(lightness(planes)[0, 0].numpy(), color.rgb2lab(pixels)[..., 0], atol=0.02)
    grey = torch.rand(1, 1, 5, 6)
    assert torch.equal(lightness(grey), lightness(grey.expand(-1, 3, -1, -1)))
