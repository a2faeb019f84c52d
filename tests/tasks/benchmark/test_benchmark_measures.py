"""Scores of a bench: equal to scikit-image's and to sums by hand; what cannot be scored is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from vasari.foundation.errors import PictureError
from vasari.tasks.benchmark.cases import Case, as_saved
from vasari.tasks.benchmark.measures import HIGHEST_DB, HoleLikeness, Likeness, StyleDistances, checked
from vasari.tasks.evaluate.network import Comparer

SSIM = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0, "channel_axis": 2}


@pytest.fixture
def comparer(tiny_painter: dict[str, str]) -> Comparer:
    return Comparer.of(tiny_painter["encoder"])


def case(channels: str = "rgb", hole: np.ndarray | None = None) -> Case:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, 9, 8, generator=generator)
    truth = as_saved(torch.nn.functional.interpolate(coarse, (72, 64), mode="bicubic")[0])
    given = as_saved(truth + 0.05 * torch.randn(3, 72, 64, generator=generator))
    return Case("a", "a", {}, given, truth, channels, hole)


def rows(pixels: torch.Tensor) -> np.ndarray:
    return pixels.permute(1, 2, 0).double().numpy()


def test_likeness_is_scikit_images(comparer: Comparer) -> None:
    one = case()
    found = Likeness(comparer).score(one, one.given)
    made, truth = rows(one.given), rows(one.truth)
    assert found["psnr"] == pytest.approx(peak_signal_noise_ratio(truth, made, data_range=1), abs=1e-4)
    assert found["ssim"] == pytest.approx(structural_similarity(truth, made, **SSIM), abs=2e-4)
    assert set(found) == set(Likeness(comparer).metrics)
    assert Likeness().score(one, one.truth) == {"psnr": HIGHEST_DB, "ssim": pytest.approx(1)}


def test_grey_material_is_scored_on_luma() -> None:
    one = case("luma")
    weights = np.array([0.299, 0.587, 0.114])
    error = np.square((rows(one.given) - rows(one.truth)) @ weights).mean()
    assert Likeness().score(one, one.given)["psnr"] == pytest.approx(-10 * math.log10(error), abs=1e-3)


def test_a_hole_is_scored_by_itself(comparer: Comparer) -> None:
    hole = np.zeros((72, 64), bool)
    hole[20:50, 15:40] = True
    one = case(hole=hole)
    found = HoleLikeness(comparer).score(one, one.given)
    made, truth = rows(one.given), rows(one.truth)
    assert found["psnr"] == pytest.approx(-10 * math.log10(np.square(made - truth)[hole].mean()), abs=1e-3)
    _, similar = structural_similarity(truth, made, full=True, **SSIM)
    assert found["ssim"] == pytest.approx(similar[hole].mean(), abs=1e-4)
    outside = torch.where(torch.from_numpy(hole), one.given, torch.ones(()))
    assert HoleLikeness(comparer).score(one, outside)["psnr"] == found["psnr"]


def test_style_distances_are_0_for_the_same(comparer: Comparer) -> None:
    one = case()
    styled = Case("a", "a", {}, one.given, one.truth, style=one.given)
    style, content = StyleDistances(comparer).score(styled, one.given).values()
    assert style == pytest.approx(0, abs=1e-9) and content > 0
    style, content = StyleDistances(comparer).score(styled, one.truth).values()
    assert style > 0 and content == 0
    with pytest.raises(PictureError, match="no style"):
        StyleDistances(comparer).score(one, one.given)


def test_other_geometry_and_nan_are_refused_and_grey_is_taken() -> None:
    one = case()
    with pytest.raises(PictureError, match="63x72 px, the truth 64x72"):
        checked(one, one.given[:, :, :63])
    with pytest.raises(PictureError, match="not numbers"):
        checked(one, torch.full_like(one.given, math.nan))
    assert checked(one, one.given[:1]).shape == (3, 72, 64)
