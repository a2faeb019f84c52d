"""The simulator of aging: seeded, bounded, each damage of the table does something, eras are what they say."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation import damage_surface
from vasari.foundation.damage import DAMAGES, ERAS, age
from vasari.foundation.damage_tone import Plate
from vasari.foundation.errors import PictureError, PlanError


@pytest.fixture(scope="module")
def photograph() -> torch.Tensor:
    return torch.from_numpy(data.astronaut()[100:324, 60:316].copy()).permute(2, 0, 1).float() / 255


@pytest.fixture
def mask_folder(tmp_path):
    """A folder of opacity masks as the real ones are laid out: KIND/*.png, white on black."""
    for kind in ("dirt", "hair"):
        (tmp_path / kind).mkdir()
        mask = np.zeros((60, 60), np.uint8)
        mask[20:40, 28:33] = 255
        Image.fromarray(mask).save(tmp_path / kind / "one.png")
    return tmp_path


def plate_of(photograph: torch.Tensor, grey: bool, seed: int = 3) -> Plate:
    pixels = photograph.numpy().copy()
    if grey:
        pixels = np.repeat(pixels.mean(0, keepdims=True), 3, 0)
    return Plate(pixels, np.zeros(pixels.shape[1:], np.float32), np.random.default_rng(seed), grey, 1.0)


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("name", DAMAGES)
def test_every_damage_changes_the_plate_and_leaves_it_finite(name, grey, photograph):
    plate = plate_of(photograph, grey)
    before = plate.pixels.copy()
    DAMAGES[name](plate, 0.9)
    assert plate.pixels.shape == before.shape
    assert np.isfinite(plate.pixels).all()
    assert 0 <= plate.mask.min() <= plate.mask.max() <= 1
    changed = np.abs(plate.pixels - before).max() > 1e-3
    needs = {"tint_monochrome": True, "desaturate": False}
    assert changed == (needs.get(name, grey) == grey), "a tint needs grey material, losing chroma needs color"


@pytest.mark.parametrize("era", ERAS)
def test_equal_seeds_age_equally_and_others_do_not(era, photograph):
    first, again = (age(photograph, era=era, severity=2, seed=11) for _ in range(2))
    other = age(photograph, era=era, severity=2, seed=12)
    assert torch.equal(first.aged, again.aged) and torch.equal(first.mask, again.mask)
    assert not torch.equal(first.aged, other.aged)


@pytest.mark.parametrize("era", ERAS)
def test_the_truth_is_grey_just_where_the_era_knows_no_color(era, photograph):
    result = age(photograph, era=era, severity=1, seed=5)
    if ERAS[era].grey:
        weights = torch.tensor([0.299, 0.587, 0.114])
        luma = torch.einsum("chw,c->hw", photograph, weights)
        torch.testing.assert_close(result.clean, luma.expand(3, -1, -1), atol=1e-5, rtol=0)
    else:
        assert torch.equal(result.clean, photograph)
    assert result.aged.dtype == torch.float32 and 0 <= result.aged.min() and result.aged.max() <= 1
    assert result.mask.shape == (1, *photograph.shape[1:])


def test_severity_is_felt(photograph):
    def mean_error(severity: int) -> float:
        runs = [age(photograph, era=era, severity=severity, seed=seed) for era in ERAS for seed in range(6)]
        return float(np.mean([(run.aged - run.clean).square().mean().item() for run in runs]))

    light, middle, heavy = (mean_error(severity) for severity in (1, 2, 3))
    assert light < middle < heavy


def test_scanned_masks_are_laid_over(photograph, mask_folder):
    plates = [plate_of(photograph, grey=True, seed=seed) for seed in range(5)]
    for plate in plates:
        damage_surface.real_defects(plate, 1.0, mask_folder)
    assert max(plate.mask.max() for plate in plates) > 0.5
    drawn = age(photograph, era="albumen", severity=3, seed=1)
    with_masks = [age(photograph, era="albumen", severity=3, seed=seed, masks=mask_folder) for seed in range(4)]
    assert any(not torch.equal(drawn.aged, one.aged) for one in with_masks)


def test_a_folder_without_masks_is_refused(photograph, tmp_path):
    with pytest.raises(PictureError, match="opacity masks"):
        damage_surface.load_masks(tmp_path)


@pytest.mark.parametrize(("era", "severity"), [("bronze", 1), ("albumen", 0), ("albumen", 4)])
def test_unknown_eras_and_severities_are_refused(era, severity, photograph):
    with pytest.raises(PlanError, match="Remedy"):
        age(photograph, era=era, severity=severity, seed=0)


@pytest.mark.parametrize("era", ERAS)
def test_chances_come_in_place_of_those_of_the_era(era, photograph):
    none = dict.fromkeys(DAMAGES, 0.0)
    untouched = age(photograph, era=era, severity=3, seed=3, chances=none)
    torch.testing.assert_close(untouched.aged, untouched.clean, atol=1e-6, rtol=0)
    soft = age(photograph, era=era, severity=3, seed=3, chances={**none, "lens_blur": 1.0})
    steps = [float((one[..., 1:] - one[..., :-1]).abs().mean()) for one in (soft.aged, soft.clean)]
    assert steps[0] < 0.95 * steps[1]


def test_chances_of_what_is_no_damage_are_refused(photograph):
    with pytest.raises(PlanError, match="rust"):
        age(photograph, era="albumen", severity=1, seed=0, chances={"rust": 0.5})


@pytest.mark.parametrize("size", [(8, 8), (9, 300), (64, 17)])
def test_small_and_narrow_pictures_age_too(size):
    flat = torch.full((3, *size), 0.5)
    for seed in range(8):
        result = age(flat, era=list(ERAS)[seed % len(ERAS)], severity=3, seed=seed)
        assert result.aged.shape == (3, *size)
        assert torch.isfinite(result.aged).all()
