"""Photographic manners: tiles equal the whole, what was given is found again, years lie between their neighbors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data

from vasari.foundation import tiles
from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.stylize.photo.develop import HALO_PX, blurred, develop
from vasari.tasks.stylize.photo.manner import PRESETS, YEARS, PhotoManner, of_year, preset
from vasari.tasks.stylize.photo.measure import manner_of

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
PHOTOGRAPH = torch.from_numpy(data.astronaut().copy()).permute(2, 0, 1).float()[None] / 255


@pytest.mark.parametrize("name", PRESETS)
def test_a_tile_with_its_halo_equals_the_whole(name: str) -> None:
    whole = develop(PHOTOGRAPH, PRESETS[name], WHOLE, seed=3)
    tiled = tiles.in_tiles(
        lambda tile, window: develop(tile, PRESETS[name], window, seed=3), PHOTOGRAPH, tile=200, halo=HALO_PX
    )
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)
    assert float((develop(PHOTOGRAPH, PRESETS[name], WHOLE, seed=4) - whole).abs().mean()) > 1e-3


def test_the_plain_manner_changes_nothing() -> None:
    torch.testing.assert_close(develop(PHOTOGRAPH, PhotoManner(), WHOLE), PHOTOGRAPH, atol=2e-5, rtol=0)


def test_a_blur_is_scipys() -> None:
    made = blurred(PHOTOGRAPH, 2.5)[0, 1].numpy()
    expected = ndimage.gaussian_filter(PHOTOGRAPH[0, 1].numpy(), 2.5, mode="nearest", truncate=8 / 2.5)
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_corners_lose_light_and_grey_has_one_tint_for_each_tone() -> None:
    even = torch.full((1, 3, 101, 151), 0.6)
    dark = develop(even, PhotoManner(vignette=0.4), WHOLE)[0, 0]
    assert float(dark[50, 75]) == pytest.approx(0.6, abs=1e-3)
    # 1 - 0.4 of the light, as IEC 61966-2-1 encodes it
    light = ((0.6 + 0.055) / 1.055) ** 2.4 * 0.6
    assert float(dark[0, 0]) == pytest.approx(1.055 * light ** (1 / 2.4) - 0.055, abs=0.01)
    toned = develop(PHOTOGRAPH, PhotoManner(grey=True, middle=(0.6, 0.5, 0.4)), WHOLE)[0]
    order = toned[0].flatten().argsort()
    assert bool((toned[2].flatten()[order].diff() >= -1e-4).all())


@pytest.mark.parametrize("name", PRESETS)
def test_a_manner_that_was_given_is_found_again(name: str) -> None:
    given = PRESETS[name]
    found = manner_of(develop(PHOTOGRAPH, given, WHOLE)[0])
    assert found.grey == given.grey
    np.testing.assert_allclose(found.black, given.black, atol=0.07)
    np.testing.assert_allclose(found.white, given.white, atol=0.05)
    np.testing.assert_allclose(found.middle, given.middle, atol=0.05)
    assert found.grain == pytest.approx(given.grain, rel=0.3)
    if not given.grey:
        assert found.grain_color == pytest.approx(given.grain_color, abs=0.1)
        assert found.saturation == pytest.approx(given.saturation, abs=0.15)


def test_a_light_corner_is_no_vignette() -> None:
    lit = develop(PHOTOGRAPH, PhotoManner(vignette=0.5), WHOLE)[0]
    even = torch.full((3, 200, 300), 0.6)
    assert manner_of(lit).vignette < 0.5
    found = manner_of(develop(even[None], PhotoManner(vignette=0.5), WHOLE)[0]).vignette
    assert found == pytest.approx(0.4, abs=0.12)  # the medians of the corners lie a little within


def test_years_lie_between_those_of_the_table() -> None:
    assert preset("1905") == PRESETS[YEARS[1905]] and of_year(1700) == PRESETS["albumen"]
    between = of_year(1950)
    assert between == PRESETS["gelatin-silver"]
    late = preset("1980")
    assert PRESETS["chromogenic-1970s"].black[0] > late.black[0] > PRESETS["color-print"].black[0]


def test_what_has_no_manner_is_told() -> None:
    with pytest.raises(PlanError, match="no photographic manner 'daguerre'"):
        preset("daguerre")
    with pytest.raises(PictureError, match="too small"):
        manner_of(torch.rand(3, 20, 300))
