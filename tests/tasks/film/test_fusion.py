"""Specks of one frame vanish, grain falls, and what moves is not smeared."""

from __future__ import annotations

import itertools
from types import ModuleType

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from vasari.tasks.film.flow import motion
from vasari.tasks.film.fusion import fused


def aged(frames: list[Tensor], grain: float, specks: int, seed: int = 3) -> tuple[list[Tensor], list[np.ndarray]]:
    """Frames with grain and bright or dark specks, each frame's own; and where these lie."""
    rng = np.random.default_rng(seed)
    found, masks = [], []
    for frame in frames:
        rows, columns = np.mgrid[: frame.shape[1], : frame.shape[2]]
        mask, values = np.zeros(frame.shape[1:], bool), np.zeros(frame.shape[1:], np.float32)
        for _ in range(specks):
            middle = rng.uniform(6, frame.shape[1] - 6), rng.uniform(6, frame.shape[2] - 6)
            here = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < rng.uniform(1.2, 3.0) ** 2
            mask, values = mask | here, np.where(here, rng.choice([0.04, 0.96]), values)
        noisy = np.where(mask, values, frame.numpy()) + rng.normal(0, grain, frame.shape)
        found.append(torch.from_numpy(noisy.astype(np.float32)).clamp(0, 1))
        masks.append(mask)
    return found, masks


def error(pixels: Tensor, truth: Tensor, where: np.ndarray) -> float:
    """Root of the mean square."""
    return float((pixels - truth).square().mean(0)[torch.from_numpy(where)].mean().sqrt())


@pytest.fixture(scope="module")
def clean(clips: ModuleType) -> list[Tensor]:
    return clips.tensors(clips.pan(data.astronaut()[:420, :420], 3, (120, 160), (2.3, 0.9)))


@pytest.mark.parametrize(("grain", "left"), [(0.01, 0.95), (0.04, 0.75)])
def test_specks_vanish_and_grain_falls(grain: float, left: float, clean: list[Tensor]) -> None:
    frames, masks = aged(clean, grain, specks=10)
    moved = [motion(one, two) for one, two in itertools.pairwise(frames)]
    result = fused(frames[1], frames[0], frames[2], moved[0], moved[1])
    specks, sound = masks[1], ~masks[1]
    assert error(result.pixels, clean[1], specks) < 0.35 * error(frames[1], clean[1], specks)
    # Three frames' mean has 1/√3 = 0.58 of the grain; some of it is kept where something moved.
    assert error(result.pixels, clean[1], sound) < left * error(frames[1], clean[1], sound)
    assert specks.mean() * 0.5 < result.specks_share < 0.15


def test_a_film_without_faults_is_left_alone(clean: list[Tensor]) -> None:
    moved = [motion(one, two) for one, two in itertools.pairwise(clean)]
    result = fused(clean[1], clean[0], clean[2], moved[0], moved[1])
    assert float((result.pixels - clean[1]).abs().mean()) < 1.5 / 255
    assert result.specks_share < 0.01


def test_what_is_there_for_good_is_no_speck(clean: list[Tensor]) -> None:
    """A dot that comes and stays: the frame before lacks it, the one after has it."""
    frames = [one.clone() for one in clean]
    for index, column in ((1, 80), (2, 78)):
        frames[index][:, 50:56, column : column + 6] = 1.0
    moved = [motion(one, two) for one, two in itertools.pairwise(frames)]
    result = fused(frames[1], frames[0], frames[2], moved[0], moved[1])
    assert float(result.pixels[:, 51:55, 81:85].min()) > 0.9


def test_a_ball_that_flies_by_is_no_speck(clean: list[Tensor]) -> None:
    """On each frame it is far from where it was, so that both neighbors show the ground there."""
    rows, columns = np.mgrid[:120, :160]
    frames, balls = [], []
    for frame, column in zip(clean, (30, 80, 130)):
        balls.append(torch.from_numpy((rows - 60) ** 2 + (columns - column) ** 2 < 8**2))
        frames.append(torch.where(balls[-1], torch.tensor([0.9, 0.2, 0.1])[:, None, None], frame))
    moved = [motion(one, two) for one, two in itertools.pairwise(frames)]
    result = fused(frames[1], frames[0], frames[2], moved[0], moved[1])
    assert float((result.pixels - frames[1])[:, balls[1]].abs().mean()) < 0.02


def test_neighbors_of_another_scene_are_not_mixed_in(clean: list[Tensor], clips: ModuleType) -> None:
    other = clips.tensors(clips.pan(data.coffee(), 1, (120, 160), (0.0, 0.0)))[0]
    result = fused(clean[1], other, other, motion(other, clean[1]), motion(clean[1], other))
    assert float((result.pixels - clean[1]).abs().mean()) < 3 / 255


def test_the_ends_of_a_shot_have_one_neighbor_or_none(clean: list[Tensor]) -> None:
    frames, masks = aged(clean, 0.04, specks=0)
    moved = motion(frames[0], frames[1])
    alone = fused(frames[0], None, None, None, None)
    assert torch.equal(alone.pixels, frames[0])
    first = fused(frames[0], None, frames[1], None, moved)
    last = fused(frames[1], frames[0], None, moved, None)
    for result, index in ((first, 0), (last, 1)):
        before = error(frames[index], clean[index], ~masks[index])
        assert error(result.pixels, clean[index], ~masks[index]) < 0.9 * before
        assert result.specks_share == 0
