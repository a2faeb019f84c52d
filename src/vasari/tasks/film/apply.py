"""A film treated: frame after frame, segment after segment, and then put together with its sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vasari.foundation.atomic_files import remove_leftovers
from vasari.foundation.errors import PictureError
from vasari.foundation.image_formats import DEFAULT_LIMITS, Limits
from vasari.foundation.video_files import FilmFormat, FilmReader, SegmentWriter, assemble, format_for
from vasari.foundation.video_layouts import layout_of
from vasari.tasks.film import segments as stages
from vasari.tasks.film.carry import carried, confidence
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.flicker import Flicker, warping_error
from vasari.tasks.film.frame_treaters import FrameTreater
from vasari.tasks.film.fusion import fused
from vasari.tasks.film.segments import After, Segment
from vasari.tasks.film.shots import Outline, Shot, outline_kept
from vasari.tasks.film.window import FrameWindow


@dataclass(frozen=True)
class Made:
    """A film that was made: what was measured, for the record, and what is worth knowing, in sentences."""

    numbers: Mapping[str, float]
    notes: tuple[str, ...]


def treat_film(
    path: Path,
    treater: FrameTreater,
    plan: FilmPlan,
    target: Path,
    folder: Path,
    *,
    note: str = "",
    limits: Limits = DEFAULT_LIMITS,
    advance: Callable[[float], None] = lambda share: None,
) -> Made:
    """Treat the film `path` into `target`, a temporary path; `folder` keeps what is done, for when this is cut off.

    `note` goes into the film's metadata; `advance` is told the share 0..1 done, and may raise to stop. Called again
    with the same `folder` it goes on with the first segment that is not whole, and gives the same bytes. Raises
    `PictureError`, `PlanError` (a container does not take a codec), `WriteError`, `MissingExtraError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    outline = outline_kept(folder / "outline.json", path, limits, lambda: advance(0.0))
    with FilmReader(path, limits) as reader:
        format = format_for(reader.header, plan.format, plan.codec, plan.crf)
        listed = stages.divide(outline, reader.header.time_base)
        done = stages.count_done(folder, listed)
        if done < len(listed):
            coming = [one for one in outline.shots if one.stop > listed[done].start]
            surveys = _surveys(path, treater, coming, limits)
            work = _Work(treater, plan, outline, format, folder, advance, surveys)
            with FrameWindow(reader.frames()) as window:
                work.run(window, listed[done:])
    after = stages.kept(folder, len(listed) - 1)
    left_out = assemble(format, [stages.packets_path(folder, one.number) for one in listed], target, note)
    advance(1.0)
    notes = (*outline.faults, *_remarks(format, treater.paints), *format.notes, *left_out)
    return Made(_numbers(outline, format, after, plan), notes)


def _surveys(path: Path, treater: FrameTreater, shots: Sequence[Shot], limits: Limits) -> dict[Shot, Any]:
    """What the treater finds out about each shot, from the frame that stands for it."""
    usual = {one.usual: one for one in shots}
    with FilmReader(path, limits) as reader:
        return {
            usual[frame.index]: treater.begin_shot(frame.pixels()) for frame in reader.frames() if frame.index in usual
        }


@dataclass(frozen=True, eq=False)
class _Work:
    treater: FrameTreater
    plan: FilmPlan
    outline: Outline
    format: FilmFormat
    folder: Path
    advance: Callable[[float], None]
    surveys: Mapping[Shot, Any]

    def run(self, window: FrameWindow, todo: list[Segment]) -> None:
        """Make segments, in order; what is kept after each lets the next begin."""
        after = stages.kept(self.folder, todo[0].number - 1)
        for segment in todo:
            shot = self.outline.shot_of(segment.start)
            with SegmentWriter(stages.packets_path(self.folder, segment.number), self.format) as writer:
                for index in range(segment.start, segment.stop):
                    self.advance(index / len(self.outline.times))
                    frame = window.move_to(index)
                    if frame is None:
                        raise PictureError(
                            f"{self.format.header.path.name} had {len(self.outline.times)} frames when it was looked "
                            f"through, and now ends after {index}.",
                            remedy="find out which other program writes there, then run the command again",
                        )
                    after = self._frame(window, index, shot, after)
                    if after.result is not None:
                        writer.append(after.result, frame.pts, frame.duration, frame.alpha())
                after = after if segment.stop < shot.stop else after.without_pictures()
                # Before the packets, by which a segment is known as done.
                stages.keep(self.folder, segment.number, after)
            stages.forget(self.folder, segment.number - 1)

    @torch.no_grad()
    def _frame(self, window: FrameWindow, index: int, shot: Shot, before: After) -> After:
        """A frame treated, and carried on from the result before."""
        source = window.pixels(index)
        specks = 0.0
        if self.plan.fusion:
            source, specks = self._fused(window, index, shot)
        following = index + self.plan.fusion
        if self.plan.looks_at_motion and following + 1 < shot.stop:
            # What the next frame needs is looked for while the network is at work.
            window.prepare(following)
        treated = self.treater.treat(source, self.surveys[shot])
        after = replace(before, treated=treated, result=treated, specks_share=before.specks_share + specks)
        if not self.plan.steady or before.result is None or before.treated is None:
            return after
        frame, last, motion = window.pixels(index), window.pixels(index - 1), window.motion(index - 1)
        weight = confidence(frame, last, motion)
        result = carried(treated, before.result, weight, motion, self.plan.steady, hold=self.treater.paints)
        flicker: Flicker = before.flicker.plus(
            warping_error(result, before.result, motion),
            warping_error(treated, before.treated, motion),
            warping_error(frame, last, motion),
        )
        return replace(after, result=result, flicker=flicker)

    def _fused(self, window: FrameWindow, index: int, shot: Shot) -> tuple[Tensor, float]:
        """A frame laid over with its neighbors in the shot, and the share of it that was hidden by specks."""
        has_before, has_after = index > shot.start, index + 1 < shot.stop
        found = fused(
            window.pixels(index),
            window.pixels(index - 1) if has_before else None,
            window.pixels(index + 1) if has_after else None,
            window.motion(index - 1) if has_before else None,
            window.motion(index) if has_after else None,
        )
        return found.pixels, found.specks_share


def _numbers(outline: Outline, format: FilmFormat, after: After, plan: FilmPlan) -> dict[str, float]:
    """What was measured, as records tell it."""
    frames = len(outline.times)
    return {
        "frames": float(frames),
        "shots": float(len(outline.shots)),
        "megapixels": round(frames * format.header.width * format.header.height / 1e6, 3),
        **({"specks_share": round(after.specks_share / frames, 6)} if plan.fusion else {}),
        **after.flicker.to_numbers(were_fused=plan.fusion > 0),
    }


def _remarks(format: FilmFormat, paints: bool) -> list[str]:
    """What is odd about the source and was taken as it is; `paints` where the treatment may have given it colors."""
    remarks = []
    if format.header.interlaced:
        remarks.append(
            "The source is interlaced; its frames were treated whole. Deinterlace a copy first for better results."
        )
    layout = layout_of(format.pixel_format)
    if paints and layout is not None and not layout.colored:
        remarks.append("The source is in grey, and so is the result. For colors treat a copy in yuv420p.")
    return remarks
