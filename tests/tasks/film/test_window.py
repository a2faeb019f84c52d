"""The window over a film: few frames are held, motion is looked for ahead, and what fails there is told."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from skimage import data
from torch import Tensor

from vasari.foundation.errors import MissingExtraError
from vasari.tasks.film import window as windows
from vasari.tasks.film.apply import treat_film
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.flow import Motion, motion
from vasari.tasks.film.window import AHEAD, FrameWindow


@dataclass(frozen=True)
class Still:
    """A frame whose pixels are at hand."""

    index: int
    held: Tensor

    def pixels(self) -> Tensor:
        return self.held


def frames(pictures: list[Tensor]) -> Iterator[Any]:
    return (Still(index, one) for index, one in enumerate(pictures))


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("vasari-motion")]


@pytest.fixture
def looked_for(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The mean of the first frame of each pair whose motion is looked for."""
    found: list[float] = []

    def told(first: Tensor, second: Tensor) -> Motion:
        found.append(float(first.mean()))
        return motion(first, second)

    monkeypatch.setattr(windows, "motion", told)
    return found


def test_few_frames_are_held_however_long_the_film() -> None:
    pictures = [torch.full((3, 40, 48), index / 100) for index in range(30)]
    with FrameWindow(frames(pictures)) as window:
        for index in range(30):
            assert window.move_to(index) is not None
            if index + 1 < 30:
                window.prepare(index)
                assert float(window.pixels(index + 1)[0, 0, 0]) == pytest.approx((index + 1) / 100)
            for held in (window._held, window._pixels, window._motions):
                assert len(held) <= 2 + AHEAD
        assert window.move_to(30) is None


def test_a_film_can_be_entered_in_the_middle() -> None:
    pictures = [torch.full((3, 40, 48), index / 100) for index in range(9)]
    with FrameWindow(frames(pictures)) as window:
        assert window.move_to(5) is not None
        assert float(window.pixels(4).mean()) == pytest.approx(0.04)
        assert min(window._held) == 4


def test_motion_looked_for_ahead_is_that_of_the_frames(clips: ModuleType) -> None:
    pictures = clips.tensors(clips.pan(data.astronaut()[:300, :300], 5, (72, 96), (2.0, 1.0)))
    with FrameWindow(frames(pictures)) as window:
        for index in range(4):
            window.move_to(index)
            window.prepare(index)
            window.prepare(index + 1)
            window.prepare(index + 7)  # not held: left alone
            found, expected = window.motion(index), motion(pictures[index], pictures[index + 1])
            for name in ("onward", "back", "seen_onward", "seen_back"):
                assert torch.equal(getattr(found, name), getattr(expected, name))
    assert not threads()


def test_what_fails_in_the_thread_is_raised_where_motion_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(first: Tensor, second: Tensor) -> Motion:
        raise MissingExtraError("The motion in films", "film")

    monkeypatch.setattr(windows, "motion", missing)
    with (
        pytest.raises(MissingExtraError, match="not installed"),
        FrameWindow(frames([torch.zeros(3, 8, 8)] * 3)) as one,
    ):
        one.move_to(0)
        one.prepare(0)
        one.motion(0)
    assert not threads()


@pytest.mark.parametrize("fusion", [0, 1])
@pytest.mark.parametrize("lengths", [(6, 6), (1, 6), (6, 1)])
def test_each_pair_of_a_shot_is_looked_at_once_and_none_across_a_cut(
    fusion: int, lengths: tuple[int, int], looked_for: list[float], clips: ModuleType, tmp_path: Path
) -> None:
    both = clips.shots(6)
    source = clips.write(tmp_path / "a.mkv", [*both[: lengths[0]], *both[6 : 6 + lengths[1]]])
    made = treat_film(source, clips.Gains(), FilmPlan(fusion=fusion), tmp_path / "b.mkv", tmp_path / "segments")
    assert made.numbers["shots"] == 2
    assert len(looked_for) == len(set(looked_for)) == sum(lengths) - 2


def test_a_slow_thread_changes_no_byte(clips: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clips.write(tmp_path / "a.mkv", clips.shots(5))
    turns = itertools.count()

    def late(first: Tensor, second: Tensor) -> Motion:
        time.sleep(0.02 * (next(turns) % 3))
        return motion(first, second)

    made = []
    for name in ("soon", "late"):
        if name == "late":
            monkeypatch.setattr(windows, "motion", late)
        treat_film(source, clips.Gains(), FilmPlan(fusion=1), tmp_path / f"{name}.mkv", tmp_path / name)
        made.append((tmp_path / f"{name}.mkv").read_bytes())
    assert made[0] == made[1]


def test_a_failure_in_the_thread_ends_the_film_with_its_error_and_leaves_no_thread(
    clips: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = itertools.count()

    def failing(first: Tensor, second: Tensor) -> Motion:
        if next(turns) == 3:
            raise MemoryError("no room for a flow")
        return motion(first, second)

    monkeypatch.setattr(windows, "motion", failing)
    source = clips.write(tmp_path / "a.mkv", clips.shots(5))
    with pytest.raises(MemoryError, match="no room"):
        treat_film(source, clips.Gains(), FilmPlan(), tmp_path / "b.mkv", tmp_path / "segments")
    assert not (tmp_path / "b.mkv").exists()
    assert not threads()
