"""What treats frames: something that looks at a shot once, and then at each of its frames.

What is found out about a whole picture (its tone, the statistics of its features) is found out once for a shot, from
its most usual frame. Of every frame anew it would flicker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from torch import Tensor

from vasari.foundation import image_files, tiles
from vasari.tasks.batch.streams import Treater
from vasari.tasks.translate.apply import Interpreter


class FrameTreater(Protocol):
    """Treats the frames of films."""

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""

    @property
    def paints(self) -> bool:
        """True where fine texture is the treatment's own making, so that its contrast is to be held."""

    def begin_shot(self, frame: Tensor) -> Any:
        """Look at a frame [3, h, w] that stands for its shot; what is found is given with every frame of it."""

    def treat(self, frame: Tensor, survey: Any) -> Tensor:
        """Treat a frame: [3, h, w] in sRGB, 0..1 nominal -> the same shape."""


@dataclass(frozen=True, eq=False)
class InTiles:
    """A `Treater` of pictures over frames: its survey is that of the shot, and frames are gone through in tiles.

    `looks_anew`: every frame is surveyed by itself. It is for treaters whose survey is the picture itself as it was
    treated at a working size. `looks_again`: what a frame tells anew, of it reduced and the survey of its shot: the
    marks of a frame are its own. `fit` raises where pictures of a height and width cannot be treated.
    """

    treater: Treater
    thumbnail_px: int
    tile_px: int
    machine: Mapping[str, str]
    paints: bool = False
    looks_anew: bool = False
    looks_again: Callable[[Tensor, Any], Any] | None = None
    fit: Callable[[int, int], None] = lambda height, width: None

    def begin_shot(self, frame: Tensor) -> Any:
        """The survey of a thumbnail; raises `PlanError` where the frame cannot be treated."""
        self.fit(*frame.shape[1:])
        return None if self.looks_anew else self._survey(frame)

    def treat(self, frame: Tensor, survey: Any) -> Tensor:
        """All tiles of a frame."""
        if self.looks_anew:
            survey = self._survey(frame)
        elif self.looks_again:
            survey = self.looks_again(image_files.shrink(frame, self.thumbnail_px), survey)
        return in_tiles(self.treater, frame, survey, self.tile_px)

    def _survey(self, frame: Tensor) -> Any:
        return self.treater.survey(image_files.shrink(frame, self.thumbnail_px))


@dataclass(frozen=True, eq=False)
class Reduced:
    """A translator that sees frames at its working size: what it changes there is enlarged and added to every pixel."""

    interpreter: Interpreter
    paints: bool = True

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return self.interpreter.machine

    def begin_shot(self, frame: Tensor) -> Any:
        """The statistics of the network's layers."""
        return self._inner.survey(image_files.shrink(frame, self.interpreter.working_px))

    def treat(self, frame: Tensor, survey: Any) -> Tensor:
        """A frame, whose reduction is translated with the statistics of the shot."""
        small = image_files.shrink(frame, self.interpreter.working_px).clamp(0, 1)
        change = in_tiles(self._inner, small, survey, self.interpreter.plan.tile_px) - small
        return in_tiles(self.interpreter, frame, change[None], self.interpreter.plan.tile_px)

    @property
    def _inner(self) -> Interpreter:
        """The translator over every pixel, in full strength: the strength is that of the whole."""
        return replace(self.interpreter, working_px=0, plan=replace(self.interpreter.plan, strength=1.0))


@dataclass(frozen=True, eq=False)
class OneAfterAnother:
    """Two treatments of frames, the second of what the first made."""

    first: FrameTreater
    second: FrameTreater

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return self.first.machine

    @property
    def paints(self) -> bool:
        """True where one of them makes its own texture."""
        return self.first.paints or self.second.paints

    def begin_shot(self, frame: Tensor) -> tuple[Any, Any]:
        """Both surveys, the second of the treated frame."""
        survey = self.first.begin_shot(frame)
        return survey, self.second.begin_shot(self.first.treat(frame, survey))

    def treat(self, frame: Tensor, survey: tuple[Any, Any]) -> Tensor:
        """Both, in order."""
        return self.second.treat(self.first.treat(frame, survey[0]), survey[1])


def in_tiles(treater: Treater, frame: Tensor, survey: Any, tile_px: int) -> Tensor:
    """A frame [3, h, w] treated in tiles."""

    def treat(pixels: Tensor, window: Tensor) -> Tensor:
        return treater.treat(pixels, survey, window).result

    made = tiles.in_tiles(treat, frame[None], tile=tile_px, halo=treater.halo, multiple_of=treater.multiple_of)
    return cast(Tensor, made)[0]
