"""Carried results flicker less, keep their detail, and leave no ghosts."""

from __future__ import annotations

import itertools
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import data
from torch import Tensor

from vasari.tasks.film.carry import CONTRAST_PX, HIGHEST_GAIN, _lost_contrast, carried, confidence, low_pass
from vasari.tasks.film.flicker import Flicker, warping_error
from vasari.tasks.film.flow import Motion, motion, warp


@pytest.fixture(scope="module")
def film(clips: ModuleType) -> tuple[list[Tensor], list[Motion]]:
    """A pan of 16 frames, and its motions."""
    frames = clips.tensors(clips.pan(data.astronaut()[:420, :420], 16, (120, 160), (2.3, 0.9)))
    return frames, [motion(one, two) for one, two in itertools.pairwise(frames)]


def steady(frames: list[Tensor], motions: list[Motion], treated: list[Tensor], hold: bool = False) -> list[Tensor]:
    results = [treated[0]]
    for index, moved in enumerate(motions, 1):
        weight = confidence(frames[index], frames[index - 1], moved)
        results.append(carried(treated[index], results[-1], weight, moved, 0.9, hold=hold))
    return results


def flickers(frames: list[Tensor], motions: list[Motion]) -> float:
    return float(np.mean([warping_error(two, one, moved) for one, two, moved in zip(frames, frames[1:], motions)]))


def detail(pixels: Tensor, truth: Tensor) -> float:
    """The share of the truth's fine detail that pixels hold; 1 for all."""
    fine, true = pixels - low_pass(pixels, 1.5), truth - low_pass(truth, 1.5)
    return float((fine * true).sum() / true.square().sum())


def test_flicker_falls_to_a_quarter_and_detail_stays(film: tuple, clips: ModuleType) -> None:
    frames, motions = film
    gains = clips.Gains()
    treated = [gains.treat(one, None) for one in frames]
    results = steady(frames, motions, treated)
    assert flickers(results, motions) < 0.25 * flickers(treated, motions)
    early, late = (detail(results[index], frames[index]) for index in (4, 15))
    assert late > 0.9
    assert late > early - 0.05  # it does not go on falling


def test_texture_made_anew_keeps_its_contrast_where_it_is_held(film: tuple) -> None:
    frames, motions = film
    rng = np.random.default_rng(5)
    noise = [torch.from_numpy(ndimage.gaussian_filter(rng.normal(0, 0.3, (120, 160)), 1.0)).float() for _ in frames]
    treated = [one + other for one, other in zip(frames, noise)]

    def energy(pixels: Tensor) -> float:
        return float((pixels - low_pass(pixels, 1.5)).square().mean())

    held, plain = (steady(frames, motions, treated, hold) for hold in (True, False))
    assert flickers(plain, motions) < flickers(held, motions) < 0.5 * flickers(treated, motions)
    assert energy(plain[-1]) < energy(held[-1])
    assert energy(held[-1]) > 0.75 * energy(treated[-1])


@pytest.mark.parametrize("size", [(120, 160), (61, 83), (1, 1), (3, 70)])
def test_contrast_is_held_as_at_the_full_resolution(size: tuple[int, int]) -> None:
    """By SciPy, without the reduction: the root of the ratio of local energies, 1 to the highest gain."""
    rng = np.random.default_rng(7)
    fine = 0.1 * rng.normal(0, 1, (3, *size))
    lost = fine * (0.55 + 0.4 * np.sin(np.arange(size[1]) / 15))
    energies = [
        ndimage.gaussian_filter((one**2).mean(0), CONTRAST_PX, mode="mirror", truncate=3.0) for one in (fine, lost)
    ]
    expected = np.sqrt((energies[0] + 1e-7) / (energies[1] + 1e-7)).clip(1, HIGHEST_GAIN)
    found = _lost_contrast(*(torch.from_numpy(one).float() for one in (fine, lost)))[0].numpy()
    assert found.shape == size
    assert np.abs(found - expected).mean() < 0.02
    assert np.abs(found - expected).max() < 0.12


def test_nothing_is_carried_where_the_source_changed(film: tuple) -> None:
    frames, motions = film
    changed = frames[1].clone()
    changed[:, 30:90, 40:120] = 1 - changed[:, 30:90, 40:120]
    weight = confidence(changed, frames[0], motions[0])
    assert float(weight[0, 40:80, 50:110].mean()) < 0.3
    assert float(weight[0, :20, 20:-20].mean()) > 0.8
    result = carried(changed, torch.zeros_like(changed), torch.zeros_like(weight), motions[0], 1.0, hold=False)
    assert torch.allclose(result, changed, atol=1e-5)


def test_a_cut_leaves_no_ghost(clips: ModuleType) -> None:
    one = clips.tensors(clips.pan(data.astronaut()[:420, :420], 1, (120, 160), (0, 0)))[0]
    two = clips.tensors(clips.pan(data.coffee(), 1, (120, 160), (0, 0)))[0]
    moved = motion(one, two)
    result = carried(two, one, confidence(two, one, moved), moved, 0.9, hold=False)
    assert float((result - two).abs().mean()) < 0.01


def test_a_film_that_does_not_flicker_is_not_changed_but_little(film: tuple) -> None:
    frames, motions = film
    results = steady(frames, motions, frames)
    assert float((results[-1] - frames[-1]).abs().mean()) < 2 / 255


def test_the_low_pass_is_a_gaussian() -> None:
    pixels = np.random.default_rng(3).random((2, 30, 41))
    theirs = ndimage.gaussian_filter(pixels, (0, 2.0, 2.0), mode="mirror", truncate=3.0)
    ours = low_pass(torch.from_numpy(pixels.astype(np.float32)), 2.0).numpy()
    assert np.abs(ours - theirs).max() < 1e-5
    assert low_pass(torch.rand(1, 1, 3), 2.0).shape == (1, 1, 3)


def test_the_warping_error_is_that_of_the_formula() -> None:
    still = torch.zeros(2, 4, 5)
    seen = torch.ones(1, 4, 5)
    seen[0, 0] = 0
    frame, before = torch.full((3, 4, 5), 0.5), torch.full((3, 4, 5), 0.3)
    before[:, 0] = 9.0
    assert warping_error(frame, before, Motion(still, still, seen, seen)) == pytest.approx(3 * 0.2**2, rel=1e-4)
    told = Flicker().plus(0.002, 0.008, 0.001).plus(0.004, 0.004, 0.001)
    assert told.to_numbers() == {"flicker": 3.0, "flicker_frame_by_frame": 6.0, "flicker_source": 1.0}
    assert told.ratio == pytest.approx(0.5)
    assert Flicker().to_numbers() == {}
    assert Flicker().ratio is None


def test_the_warping_error_along_a_flow_is_that_of_opencv(film: tuple) -> None:
    """OpenCV's places are rounded to 1/32 of a pixel."""
    frames, motions = film
    seen = motions[0].seen_back[0].numpy()
    rows, columns = np.mgrid[: seen.shape[0], : seen.shape[1]].astype(np.float32)
    places = [base + moved.numpy() for base, moved in zip((columns, rows), motions[0].back)]
    for frame, before in ((1 - frames[1], frames[0].flip(0)), (frames[1] * 0.5, frames[0] * 0.7)):
        pixels = before.permute(1, 2, 0).contiguous().numpy()
        moved = cv2.remap(pixels, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        distance = ((frame.permute(1, 2, 0).numpy() - moved) ** 2).sum(2)
        expected = float((distance * seen).sum() / seen.sum())
        assert warping_error(frame, before, motions[0]) == pytest.approx(expected, rel=0.02, abs=1e-6)


def test_results_are_fetched_along_the_flow() -> None:
    """A dot two columns to the left in the last result lies, warped, where the flow says."""
    last = torch.zeros(3, 20, 20)
    last[:, 10, 8] = 1.0
    back = torch.zeros(2, 20, 20)
    back[0] = -2.0
    assert float(warp(last, back)[0, 10, 10]) == pytest.approx(1.0, abs=1e-4)
