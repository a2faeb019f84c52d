"""The scores agree with scikit-image on real photographs."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.color
import skimage.data
import skimage.metrics
import torch

from vasari.foundation.errors import PictureError
from vasari.tasks.metrics import luma, peak_signal_noise_ratio, structural_similarity

PHOTOGRAPHS = {"astronaut": skimage.data.astronaut, "coffee": skimage.data.coffee, "chelsea": skimage.data.chelsea}


def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
    clean = PHOTOGRAPHS[name]()[:201, :233].astype(np.float64) / 255
    noise = np.random.default_rng(5).normal(0, 0.08, clean.shape)
    return clean, np.clip(clean * 0.9 + 0.03 + noise, 0, 1)


def planes(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.transpose(2, 0, 1).copy())


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_scores_equal_scikit_image(name: str) -> None:
    clean, worn = pair(name)
    psnr = skimage.metrics.peak_signal_noise_ratio(clean, worn, data_range=1)
    ssim = skimage.metrics.structural_similarity(
        clean, worn, channel_axis=2, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert float(peak_signal_noise_ratio(planes(worn), planes(clean))) == pytest.approx(psnr, abs=1e-9)
    assert float(structural_similarity(planes(worn), planes(clean))) == pytest.approx(ssim, abs=1e-6)


def test_a_batch_scores_each_picture_alone() -> None:
    pairs = [pair(name) for name in PHOTOGRAPHS]
    clean, worn = (torch.stack([planes(one[side]) for one in pairs]) for side in (0, 1))
    for score in (peak_signal_noise_ratio, structural_similarity):
        together = score(worn, clean)
        assert together.shape == (3,)
        alone = torch.stack([score(worn[index], clean[index]) for index in range(3)])
        torch.testing.assert_close(together, alone)


def test_float32_pictures_are_scored_in_float64() -> None:
    clean, worn = (planes(array) for array in pair("chelsea"))
    exact = structural_similarity(worn, clean)
    single = structural_similarity(worn.float(), clean.float())
    assert single.dtype == torch.float64
    assert float(single) == pytest.approx(float(exact), abs=1e-6)


def test_equal_pictures_are_perfect() -> None:
    clean = planes(pair("astronaut")[0])
    assert float(peak_signal_noise_ratio(clean, clean)) == float("inf")
    assert float(structural_similarity(clean, clean)) == pytest.approx(1.0)


def test_luma_is_rec_601() -> None:
    clean = pair("coffee")[0]
    # scikit-image's YCbCr puts Y' = 219 * luma + 16.
    reference = (skimage.color.rgb2ycbcr(clean)[..., 0] - 16) / 219
    np.testing.assert_allclose(luma(planes(clean))[0].numpy(), reference, atol=1e-4)


def test_luma_of_grey_is_itself() -> None:
    grey = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(3))
    assert luma(grey) is grey
    torch.testing.assert_close(luma(grey.expand(2, 3, 16, 16)), grey)


def test_unequal_shapes_are_refused() -> None:
    with pytest.raises(PictureError, match="shapes"):
        peak_signal_noise_ratio(torch.zeros(3, 16, 16), torch.zeros(1, 16, 16))


def test_pictures_below_the_window_are_refused() -> None:
    with pytest.raises(PictureError, match="11x11"):
        structural_similarity(torch.zeros(3, 10, 16), torch.zeros(3, 10, 16))
