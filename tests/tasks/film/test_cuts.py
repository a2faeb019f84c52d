"""Cuts are found, and pans, flashes, fades and grain are not taken for them."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from vasari.tasks.film.cuts import CutFinder, distance

SIZE = (36, 64)
PICTURES = (data.astronaut, data.coffee, data.chelsea, data.rocket, data.retina, data.hubble_deep_field)


def shot(clips, picture, count: int, step: tuple[float, float], seed: int = 0, grain: float = 4.0) -> list[np.ndarray]:
    """A pan with grain, small."""
    rng = np.random.default_rng(seed)
    frames = clips.pan(np.ascontiguousarray(picture()[:, :, :3]), count, SIZE, step)
    return [np.clip(one + rng.normal(0, grain, one.shape), 0, 255).astype(np.uint8) for one in frames]


def found(frames: list[np.ndarray]) -> list[int]:
    finder = CutFinder()
    for one in frames:
        finder.see(one)
    assert finder.cuts() == finder.cuts()
    return finder.cuts()


def test_cuts_between_pans_are_found(clips) -> None:
    rng = np.random.default_rng(7)
    frames: list[np.ndarray] = []
    cuts: list[int] = []
    for number in range(18):
        cuts.append(len(frames))
        step = tuple(rng.uniform(-2.5, 2.5, 2))
        frames += shot(clips, PICTURES[number % len(PICTURES)], int(rng.integers(2, 9)), step, number)
    assert found(frames) == cuts[1:]


@pytest.mark.parametrize("step", [(0.0, 0.0), (6.0, 0.0), (-3.0, 2.5)])
def test_one_shot_has_none(clips, step: tuple[float, float]) -> None:
    for picture in PICTURES:
        assert found(shot(clips, picture, 14, step, grain=10.0)) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_no_cut(clips, length: int) -> None:
    frames = shot(clips, data.coffee, 14, (1.0, 0.5))
    for index in range(5, 5 + length):
        frames[index] = np.clip(frames[index] * 1.8 + 70.0, 0, 255).astype(np.uint8)
    assert found(frames) == []


def test_a_flicker_of_light_and_a_fade_are_no_cuts(clips) -> None:
    frames = shot(clips, data.astronaut, 20, (1.0, 0.0))
    light = 1 + 0.15 * np.random.default_rng(1).standard_normal(20)
    assert found([np.clip(one * gain, 0, 255).astype(np.uint8) for one, gain in zip(frames, light)]) == []
    assert found([(one * (index / 19)).astype(np.uint8) for index, one in enumerate(frames)]) == []


def test_a_cut_near_either_end_is_found(clips) -> None:
    one, two = shot(clips, data.coffee, 9, (1.0, 0.0)), shot(clips, data.rocket, 9, (1.0, 0.0))
    assert found([*one[:1], *two]) == [1]
    assert found([*one, *two[:1]]) == [9]
    assert found([*one[:1], *two[:1]]) == [1]
    assert found(one[:1]) == []
    assert found([]) == []


def test_the_distance_is_that_of_colors_and_of_structure(clips) -> None:
    one, two = shot(clips, data.coffee, 2, (3.0, 0.0))
    other = shot(clips, data.rocket, 1, (0.0, 0.0))[0]
    assert distance(one, one) < 1e-6
    assert distance(one, two) < 0.2 < distance(one, other)
    assert distance(one, np.zeros_like(one)) > 0.5
