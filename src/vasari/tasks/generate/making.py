"""One file of a generator's folder at a time: staged, hashed, recorded, then made visible, the result last."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata as packages
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.batches import RECORD_ENDING
from vasari.foundation.ledgers import Stamp, publish
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.plans import to_dict
from vasari.foundation.treatment import SOURCE_TYPES, FileFacts, SourceFacts, Stage, Treatment, now
from vasari.foundation.treatment_xmp import LARGEST_JPEG_PACKET_BYTES, merged
from vasari.foundation.version import VERSION
from vasari.tasks.generate.apply import Sampler, first_fine_layer
from vasari.tasks.generate.clip import check_clip, write_clip
from vasari.tasks.generate.folder import GRID, MOST_IN_A_GRID, OPERATION, PICTURE, WALK, Target
from vasari.tasks.generate.sampling_plan import SamplingPlan, WalkPlan

GRID_GAP_PX = 2


@dataclass(frozen=True, eq=False)
class Maker:
    """A sampler, and what it is to make for one run: `number` pictures of the plan's seed, or a walk."""

    sampler: Sampler
    source: SourceFacts
    plan: SamplingPlan
    walk: WalkPlan
    number: int

    @classmethod
    def of(cls, model: Path, plan: SamplingPlan, walk: WalkPlan, targets: list[Target], number: int) -> Maker:
        """Load all that is needed for `targets`; raises `WeightsError`, `PlanError`, `MissingExtraError`."""
        sampler = Sampler.of(model, plan)
        # The model is what the pictures come from. Its name alone: a file that travels tells of no machine.
        stamp = Stamp.of(model)
        source = SourceFacts(model.name, stamp.sha256, stamp.bytes)
        for target in targets:
            if target.kind == WALK:
                frames = walk.frames(len(walk.spots(plan.seed, number)))
                check_clip(target.path, frames, plan.size_px or sampler.generator.px)
        return cls(sampler, source, plan, walk, number)

    def make(self, target: Target, work: Path, advance: Callable[[float], None]) -> None:
        """Make a file and its record; both are whole or not there. Raises `WriteError`."""
        record = self._record(target)
        staged = work / f"made{target.path.suffix}"
        if target.kind == PICTURE:
            pixels = self.sampler.finished(self.sampler.picture(self.plan.seed, target.index))
            self._write_picture(staged, pixels, record, self.plan.format)
        elif target.kind == GRID:
            self._write_picture(staged, self._grid(advance), record, "png")
        else:
            note = f"Vasari {VERSION}, {record.models[0].name}; {record.digital_source_type}"
            write_clip(staged, self._frames(advance), self.walk.fps, note)
        stamp = Stamp.of(staged)
        record = dataclasses.replace(record, result=FileFacts(target.path.name, stamp.sha256, stamp.bytes))
        written = write_whole(work / f"made{RECORD_ENDING}", record.to_json())
        # An older result goes first: killed in between, nothing stands there that its record does not tell of.
        target.path.unlink(missing_ok=True)
        publish(written, target.record)
        publish(staged, target.path)

    def _write_picture(self, path: Path, pixels: Tensor, record: Treatment, format: str) -> None:
        packet = merged(None, record, LARGEST_JPEG_PACKET_BYTES if format == "jpeg" else None)
        picture = Picture(pixels.contiguous(), metadata=Metadata(xmp=packet))
        image_files.write(picture, path, format, quality=self.plan.quality)

    def _grid(self, advance: Callable[[float], None]) -> Tensor:
        """The contact sheet of the first pictures, in the model's own size."""
        count = min(self.number, MOST_IN_A_GRID)
        pictures = []
        for index in range(count):
            pictures.append(self.sampler.picture(self.plan.seed, index))
            advance(index / count)
        return contact_sheet(torch.stack(pictures))

    def _frames(self, advance: Callable[[float], None]) -> Iterator[np.ndarray]:
        stops = self.walk.spots(self.plan.seed, self.number)
        count = self.walk.frames(len(stops))
        for position, frame in enumerate(self.sampler.walk(stops, self.walk)):
            advance(position / count)
            yield Picture(self.sampler.finished(frame).contiguous()).to_array()

    def _record(self, target: Target) -> Treatment:
        values = to_dict(self.plan)
        if target.kind == WALK:
            values["walk"] = to_dict(self.walk)
        return Treatment(
            operation=OPERATION,
            version=VERSION,
            created=now(),
            job=target.job,
            source=self.source,
            models=self.sampler.models,
            plan=values,
            seed=self.plan.seed,
            stages=(self._first_stage(target), *self._further_stages(target)),
            digital_source_type=SOURCE_TYPES["trained"],
            machine={**self.sampler.machine, "libvips": packages.version("pyvips-binary")},
        )

    def _first_stage(self, target: Target) -> Stage:
        seed = self.plan.seed
        if target.kind == PICTURE:
            return Stage("generate", f"picture {target.index + 1} of seed {seed}", {"number": target.index + 1})
        if target.kind == GRID:
            count = min(self.number, MOST_IN_A_GRID)
            return Stage("generate", f"contact sheet of pictures 1 to {count} of seed {seed}", {"pictures": count})
        stops = self.walk.spots(seed, self.number)
        names = ", ".join(f"{one}:{index + 1}" for one, index in stops)
        frames = self.walk.frames(len(stops))
        return Stage("generate", f"walk from picture to picture (seed:number): {names}", {"frames": frames})

    def _further_stages(self, target: Target) -> tuple[Stage, ...]:
        plan, sampler = self.plan, self.sampler
        stages = []
        if plan.mix:
            first = first_fine_layer(plan, sampler.generator) + 1
            did = f"layers {first} to {sampler.generator.layers} taken from picture {plan.mix}"
            stages.append(Stage("mix", did, {"first_layer": first}))
        if plan.truncation < 1:
            did = f"{plan.truncation:g} of the way from the model's average picture"
            stages.append(Stage("truncate", did, {"truncation": plan.truncation}))
        for direction, amount in sampler.edits:
            stages.append(Stage("edit", f"{direction.name} by {amount:g} deviations", {"amount": amount}))
        if plan.size_px and target.kind != GRID:
            by = f"the model {sampler.enlarger.facts.name}, then Lanczos" if sampler.enlarger else "Lanczos"
            did = f"from {sampler.generator.px} to {plan.size_px} px by {by}"
            stages.append(Stage("enlarge", did, {"from_px": sampler.generator.px, "to_px": plan.size_px}))
        return tuple(stages)


def contact_sheet(pictures: Tensor) -> Tensor:
    """Pictures [N, 3, h, w] as one [3, H, W], in rows of about √N, with white gaps; empty places are white."""
    count, _, height, width = pictures.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    high, wide = height + GRID_GAP_PX, width + GRID_GAP_PX
    sheet = torch.ones(3, rows * high + GRID_GAP_PX, columns * wide + GRID_GAP_PX)
    for index, picture in enumerate(pictures):
        top, left = index // columns * high + GRID_GAP_PX, index % columns * wide + GRID_GAP_PX
        sheet[:, top : top + height, left : left + width] = picture
    return sheet
