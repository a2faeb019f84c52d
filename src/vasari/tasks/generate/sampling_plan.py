"""How a generator is asked for pictures: the options of `vasari generate`. Imports no torch."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option

FORMATS = ("png", "jpeg", "tiff", "webp")  # of foundation.image_formats.WRITABLE
HIGHEST_SEED = 2**32 - 1
LARGEST_PX = 16384
LARGEST_AMOUNT = 10.0
_PICTURE = re.compile(r"(\d+)(?::(\d+))?")


@dataclass(frozen=True)
class SamplingPlan:
    """What the pictures of a generator are like; how many are made is no part of it.

    Picture `number` (from 1) of a seed is the same whatever else is made beside it.
    """

    seed: int = option(0, "seed of the noise that pictures are made of", minimum=0, maximum=HIGHEST_SEED)
    truncation: float = option(
        1.0, "1: as varied as the model is; below, nearer to its average picture; 0: that alone", minimum=0, maximum=1
    )
    edit: tuple[str, ...] = option((), "DIRECTION=AMOUNT,... in deviations, -10..10; --list-edits tells the directions")
    mix: str = option("", "take the fine layers from this picture: SEED or SEED:NUMBER")
    mix_from: int = option(0, "first of the fine layers, counted from 1; 0: those of the upper half", minimum=0)
    size_px: int = option(0, "side of the result in pixels; 0: the model's own", minimum=0, maximum=LARGEST_PX)
    enlarge: str = option("", "a model of the task enlarge, for results of another size; empty: Lanczos")
    format: str = option("png", "file format of the results", choices=FORMATS)
    quality: int = option(95, "quality 1..100 of JPEG and WebP results", minimum=1, maximum=100)
    device: str = device_option()

    def __post_init__(self) -> None:
        check(self)
        names = [name for name, _ in self.edits]
        if len(set(names)) != len(names):
            raise PlanError(f"edit={','.join(self.edit)} names a direction twice.", remedy="name each direction once")
        if self.mix:
            spot(self.mix)
        elif self.mix_from:
            raise PlanError(
                f"mix_from={self.mix_from} without mix has nothing to take.", remedy="add --mix SEED:NUMBER"
            )
        if self.enlarge and not self.size_px:
            raise PlanError(
                f"enlarge={self.enlarge} without a size has nothing to do.", remedy="add --size-px, e.g. 512"
            )

    @property
    def edits(self) -> tuple[tuple[str, float], ...]:
        """(direction, amount in deviations) of `edit`; raises `PlanError`."""
        return tuple(_edit(text) for text in self.edit)


@dataclass(frozen=True)
class WalkPlan:
    """How a clip goes from picture to picture."""

    stops: tuple[str, ...] = option((), "pictures to pass, as SEED or SEED:NUMBER,...; empty: all that are made")
    step_s: float = option(1.5, "seconds from one stop to the next", minimum=0.04, maximum=600.0)
    fps: int = option(25, "frames a second", minimum=1, maximum=120)
    one_way: bool = option(False, "end at the last stop instead of coming back to the first")

    def __post_init__(self) -> None:
        check(self)
        for stop in self.stops:
            spot(stop)

    @property
    def frames_a_step(self) -> int:
        """Frames from one stop to the next."""
        return max(1, round(self.step_s * self.fps))

    def spots(self, seed: int, number: int) -> tuple[tuple[int, int], ...]:
        """(seed, index from 0) of the stops, of the first `number` of `seed` where none are named.

        Raises `PlanError` for fewer than two.
        """
        stops = tuple(spot(stop) for stop in self.stops) or tuple((seed, index) for index in range(number))
        if len(stops) < 2:
            raise PlanError(
                "A walk needs two pictures to go between.", remedy="use -n 2 or more, or --stops 7,12 with two seeds"
            )
        return stops

    def frames(self, stops: int) -> int:
        """Frames of a walk over so many stops; one that comes back ends a frame short of its first."""
        return (stops - 1) * self.frames_a_step + 1 if self.one_way else stops * self.frames_a_step


def check_number(number: int) -> None:
    """Raise `PlanError` for fewer pictures than one."""
    if number < 1:
        raise PlanError(f"n={number} is below 1.", remedy="use -n 1 or more")


def spot(text: str) -> tuple[int, int]:
    """(seed, index from 0) of a picture named SEED or SEED:NUMBER (from 1); raises `PlanError`."""
    match = _PICTURE.fullmatch(text.strip())
    seed, number = (int(match[1]), int(match[2] or 1)) if match else (-1, 0)
    if not 0 <= seed <= HIGHEST_SEED or number < 1:
        raise PlanError(f"{text!r} names no picture.", remedy="write SEED or SEED:NUMBER, e.g. 7:3, numbers from 1")
    return seed, number - 1


def _edit(text: str) -> tuple[str, float]:
    name, separator, amount = text.partition("=")
    try:
        value = float(amount)
    except ValueError:
        value = math.nan
    if not separator or not name.strip() or not abs(value) <= LARGEST_AMOUNT:
        raise PlanError(
            f"edit={text} is no DIRECTION=AMOUNT with an amount of -10 to 10.", remedy="write --edit lightness=1.5"
        )
    return name.strip(), value
