"""Scores of pictures are scikit-image's and torchmetrics'; those without truth are what NumPy and SciPy find."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.ndimage
import skimage.data
import skimage.metrics
import skimage.restoration
import torch

from vasari.foundation.errors import PictureError
from vasari.tasks.evaluate import multi_scale
from vasari.tasks.evaluate.multi_scale import banded_similarity, multi_scale_similarity
from vasari.tasks.evaluate.without_truth import colorfulness, noise, sharpness
from vasari.tasks.metrics import luma, structural_similarity


def pair(height: int = 201, width: int = 233) -> tuple[np.ndarray, np.ndarray]:
    clean = skimage.data.astronaut()[:height, :width].astype(np.float64) / 255
    worn = clean * 0.9 + 0.03 + np.random.default_rng(5).normal(0, 0.08, clean.shape)
    return clean, np.clip(worn, 0, 1)


def planes(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.transpose(2, 0, 1).copy()).float()


@pytest.mark.parametrize("at_once", [1000, 7 * 233, 10**9])
def test_similarity_in_bands_is_that_of_the_whole(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    clean, worn = pair()
    monkeypatch.setattr(multi_scale, "PIXELS_AT_ONCE", at_once)
    theirs = skimage.metrics.structural_similarity(
        clean, worn, channel_axis=2, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    found = banded_similarity(planes(worn), planes(clean))
    assert found == pytest.approx(theirs, abs=1e-6)
    assert found == pytest.approx(float(structural_similarity(planes(worn), planes(clean))), abs=1e-9)


@pytest.mark.parametrize("channels", ["rgb", "luma"])
def test_multi_scale_similarity_is_the_papers_by_scipy(channels: str) -> None:
    clean, worn = (planes(one) for one in pair(220, 260))
    if channels == "luma":
        clean, worn = luma(clean), luma(worn)
    theirs = _by_scipy(worn.double().numpy(), clean.double().numpy())
    assert multi_scale_similarity(worn, clean) == pytest.approx(theirs, abs=1e-6)
    assert multi_scale_similarity(clean, clean) == pytest.approx(1.0)


def test_multi_scale_similarity_is_torchmetrics_but_for_the_border() -> None:
    """torchmetrics counts reflected windows beyond the border at the coarsest scale; the paper has none."""
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    clean, worn = (luma(planes(one)) for one in pair(220, 260))
    theirs = multiscale_structural_similarity_index_measure(worn[None].double(), clean[None].double(), data_range=1.0)
    assert multi_scale_similarity(worn, clean) == pytest.approx(float(theirs), abs=1e-4)


def _by_scipy(first: np.ndarray, second: np.ndarray) -> float:
    def blurred(planes: np.ndarray) -> np.ndarray:
        done = scipy.ndimage.gaussian_filter(planes, (0, 1.5, 1.5), radius=(0, 5, 5))
        return done[:, 5:-5, 5:-5]

    def halved(planes: np.ndarray) -> np.ndarray:
        rows, columns = (side // 2 * 2 for side in planes.shape[1:])
        return planes[:, :rows, :columns].reshape(-1, rows // 2, 2, columns // 2, 2).mean((2, 4))

    result = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale:
            first, second = halved(first), halved(second)
        one, other = blurred(first), blurred(second)
        spread = blurred(first**2) - one**2 + blurred(second**2) - other**2
        structure = (2 * (blurred(first * second) - one * other) + 0.03**2) / (spread + 0.03**2)
        luminance = (2 * one * other + 0.01**2) / (one**2 + other**2 + 0.01**2)
        result *= (luminance * structure if scale == 4 else structure).mean() ** weight
    return float(result)


def test_small_and_unequal_pictures_are_refused() -> None:
    with pytest.raises(PictureError, match="176"):
        multi_scale_similarity(torch.zeros(3, 175, 300), torch.zeros(3, 175, 300))
    with pytest.raises(PictureError):
        banded_similarity(torch.zeros(3, 20, 20), torch.zeros(3, 20, 21))


def test_sharpness_is_scipys_and_falls_with_blur() -> None:
    grey = skimage.data.camera()[:120, :150].astype(np.float64) / 255
    theirs = scipy.ndimage.laplace(grey)[1:-1, 1:-1].std() * 255
    assert sharpness(torch.from_numpy(grey)[None]) == pytest.approx(theirs)
    assert sharpness(torch.from_numpy(scipy.ndimage.gaussian_filter(grey, 1.5))[None]) < theirs / 3


@pytest.mark.parametrize("deviation", [4.0, 12.0])
def test_noise_is_what_was_put_in(deviation: float) -> None:
    rng = np.random.default_rng(2)
    smooth = np.linspace(0.3, 0.7, 200)[:, None] * np.ones((1, 201))
    noisy = smooth + rng.normal(0, deviation / 255, smooth.shape)
    found = noise(torch.from_numpy(noisy)[None])
    assert found == pytest.approx(deviation, rel=0.04)
    assert found == pytest.approx(float(skimage.restoration.estimate_sigma(noisy)) * 255, rel=0.04)


def test_colorfulness_is_the_papers() -> None:
    picture = skimage.data.coffee()[:80, :90].astype(np.float64)
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    one, other = red - green, 0.5 * (red + green) - blue
    theirs = np.sqrt(one.var() + other.var()) + 0.3 * np.sqrt(one.mean() ** 2 + other.mean() ** 2)
    assert colorfulness(torch.from_numpy(picture.transpose(2, 0, 1) / 255)) == pytest.approx(theirs)
    assert colorfulness(torch.rand(1, 20, 20)) == 0
    assert colorfulness(torch.rand(1, 20, 20).expand(3, -1, -1)) == pytest.approx(0, abs=1e-9)


def test_a_flat_picture_has_no_sharpness_and_no_noise() -> None:
    flat = torch.full((3, 32, 32), 0.5)
    assert (sharpness(flat), noise(flat)) == pytest.approx((0, 0), abs=1e-9)
    assert not math.isnan(colorfulness(flat))
    with pytest.raises(PictureError):
        noise(torch.zeros(3, 4, 40))
