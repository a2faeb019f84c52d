"""A restoration that watches faces: measured in the result itself, and done again more faithfully where one moved.

guard = Guard.of(treater_of(plan))
picture, found = guard.treat_picture(picture, manner)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.image_color import srgb_encode
from vasari.foundation.image_files import Limits, Reduction
from vasari.foundation.picture import Metadata, Picture, Space
from vasari.models.encoders import Encoder
from vasari.models.losses import luma
from vasari.tasks.batch import streams
from vasari.tasks.batch.streams import Findings, Manner, Treater
from vasari.tasks.batch.work import Outputs
from vasari.tasks.evaluate.files import TURNS
from vasari.tasks.restore import faces
from vasari.tasks.restore.blending import Blended, Within
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.enlarging import Enlarging
from vasari.tasks.restore.faces import Box
from vasari.tasks.restore.likeness import USUAL_DISTANCE, distances, load_encoder
from vasari.tasks.restore.likeness_words import Likeness
from vasari.tasks.restore.plan import ENCODER

#: A pass over a picture: by this treater, told how much is done; gives the result reduced as its source was.
Pass = Callable[[Treater, Callable[[float], None]], Tensor]


@dataclass(frozen=True, eq=False)
class Guard:
    """What treats a plan's pictures, with more faithful copies of it and the encoder by which faces are compared."""

    treater: Conservator | Enlarging
    encoder: Encoder
    finder: str
    lowered: dict[float, Conservator | Enlarging] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, treater: Conservator | Enlarging) -> Guard:
        """Load the encoder; raises `WeightsError`, and `MissingExtraError` where nothing is installed to find faces."""
        return cls(treater, load_encoder(ENCODER), f"scikit-image {faces.version()}")

    @property
    def machine(self) -> dict[str, str]:
        """What the arithmetic depends on, for the record."""
        return {**self.treater.machine, "faces": self.finder}

    def treat_picture(self, picture: Picture, manner: Manner) -> tuple[Picture, Likeness]:
        """A picture in memory treated and watched; equal to what `treat_page` makes of its file."""
        before = image_files.shrink(_encoded(picture), faces.OVERVIEW_PX)
        made = picture

        def once(treater: Treater, advance: Callable[[float], None]) -> Tensor:
            nonlocal made
            made = streams.treat_picture(picture, treater, manner)
            return _reduced(_encoded(made), before)

        found = self._watched(once, before, picture.metadata, lambda share: None)
        return made, found

    def treat_page(
        self,
        path: Path,
        page: int,
        manner: Manner,
        outputs: Outputs,
        *,
        xmp: Callable[[Metadata, str], bytes | None],
        limits: Limits,
        advance: Callable[[float], None],
    ) -> tuple[Findings, Likeness]:
        """A page of a file treated and watched, in bounded memory; raises as `streams.treat_page` does."""
        header = image_files.inspect(path, page, limits)
        before = image_files.thumbnail(path, faces.OVERVIEW_PX, page=page, limits=limits)
        findings = Findings(0.0, 0.0, 0.0, 0.0)

        def once(treater: Treater, advance: Callable[[float], None]) -> Tensor:
            nonlocal findings
            after = Reduction(header.channels, header.height * manner.scale, (before.shape[1], before.shape[2]))
            findings = streams.treat_page(
                path, page, treater, manner, outputs, xmp=xmp, limits=limits, advance=advance, seen=after.add
            )
            return after.small

        found = self._watched(once, before, header.metadata, advance)
        return findings, found

    def _watched(self, once: Pass, before: Tensor, metadata: Metadata, advance: Callable[[float], None]) -> Likeness:
        """One pass, and another for as long as a face moved that can be treated more faithfully."""
        boxes = boxes_of(before, metadata)
        ladder = ladder_of(self.treater.plan.vividness) if boxes else (self.treater.plan.vividness,)
        chosen = [0] * len(boxes)
        first: tuple[float, ...] = ()
        for step in range(len(ladder)):
            after = once(self._at(boxes, [ladder[one] for one in chosen]), _part_of(advance, step, len(ladder)))
            apart = distances(before, after, boxes, self.encoder)
            first = first or apart
            moved = [
                index for index, one in enumerate(apart) if one > USUAL_DISTANCE and chosen[index] + 1 < len(ladder)
            ]
            if step + 1 == len(ladder):
                break
            if not moved:
                advance(1.0)
                break
            for index in moved:
                chosen[index] += 1
        return Likeness(USUAL_DISTANCE, ladder[0], first, apart, tuple(ladder[one] for one in chosen))

    def _at(self, boxes: tuple[Box, ...], levels: list[float]) -> Treater:
        """What treats a picture with each face at its vividness."""
        lower = sorted({one for one in levels if one != self.treater.plan.vividness}, reverse=True)
        if not lower:
            return self.treater
        others = (
            Within(self._lowered(level), tuple(box for box, one in zip(boxes, levels, strict=True) if one == level))
            for level in lower
        )
        return Blended(self.treater, tuple(others))

    def _lowered(self, vividness: float) -> Conservator | Enlarging:
        """The treater at another vividness, loaded when it is first needed; both compute one tile at a time."""
        with self.lock:
            if vividness not in self.lowered:
                plan = replace(self.treater.plan, vividness=vividness)
                conservator = replace(Conservator.of(plan), lock=self.treater.lock)
                own = self.treater
                self.lowered[vividness] = (
                    replace(own, plan=plan, before=conservator) if isinstance(own, Enlarging) else conservator
                )
            return self.lowered[vividness]


def ladder_of(vividness: float) -> tuple[float, ...]:
    """The vividness of a plan, and what is tried in its place: half of it, then none."""
    return (vividness, vividness / 2, 0.0) if vividness > 0 else (0.0,)


def boxes_of(overview: Tensor, metadata: Metadata) -> tuple[Box, ...]:
    """The faces of a reduced picture [1 or 3, h, w], looked for upright, in its stored orientation."""
    lying, flipped = TURNS.get(metadata.orientation, (False, ()))
    grey = luma(torch.nan_to_num(overview.float()).clamp(0, 1).expand(3, -1, -1)[None])[0]
    upright = grey.transpose(1, 2) if lying else grey
    upright = upright.flip(flipped) if flipped else upright
    levels = (upright[0] * 255).round().to(torch.uint8).contiguous().numpy()
    return tuple(one.stored(lying, flipped) for one in faces.find_faces(np.ascontiguousarray(levels)))


def _part_of(advance: Callable[[float], None], step: int, steps: int) -> Callable[[float], None]:
    """Progress of one of at most three passes: each later one gets half of what is left."""
    low = 1 - 0.5**step
    high = 1.0 if step + 1 == steps else 1 - 0.5 ** (step + 1)
    return lambda share: advance(low + (high - low) * share)


def _encoded(picture: Picture) -> Tensor:
    return srgb_encode(picture.pixels) if picture.space is Space.LINEAR else picture.pixels


def _reduced(pixels: Tensor, like: Tensor) -> Tensor:
    """Pixels [C, h, w] averaged to the size of `like`."""
    reduction = Reduction(pixels.shape[0], pixels.shape[1], (like.shape[1], like.shape[2]))
    reduction.add(pixels)
    return reduction.small
