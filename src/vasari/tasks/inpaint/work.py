"""What an inpainting says of its work in the record, and what does it: a `tasks.batch.work.Work` and its worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import torch

from vasari.foundation import image_files
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.devices import machine_of
from vasari.foundation.errors import PlanError
from vasari.foundation.image_formats import Header, Limits
from vasari.foundation.treatment import ModelFacts, Stage
from vasari.models import model_files
from vasari.tasks.batch.work import Outputs, as_then
from vasari.tasks.inpaint.apply import fill_file
from vasari.tasks.inpaint.filler import Filler
from vasari.tasks.inpaint.hole import Hole
from vasari.tasks.inpaint.plan import InpaintPlan

if TYPE_CHECKING:
    from vasari.foundation.picture import Metadata

WORDS = {
    "network": "the hole filled by a network, coarse to fine",
    "exemplar": "the hole filled with patches of the picture itself",
    "telea": "the hole filled inwards from its border (Telea)",
    "navier-stokes": "the hole filled along lines of equal light (Navier-Stokes)",
    "biharmonic": "the hole filled with a biharmonic surface",
}


@dataclass(frozen=True)
class MaskFacts:
    """Where a mask came from ("file", "box", "damage"), and what it took.

    `told` is the file's name, the box, or how damage was found; `file_sha256` the file's digest or empty;
    `sha256` that of the missing pixels themselves (`Hole.sha256`), grown as the plan says.
    """

    origin: str
    told: str
    file_sha256: str
    sha256: str
    pixels: int


@dataclass(frozen=True)
class InpaintOrder:
    """All that decides a result beside the source and the models."""

    options: InpaintPlan
    mask: MaskFacts


@dataclass(frozen=True)
class InpaintWork:
    """One plan for one hole, and its models."""

    operation: ClassVar[str] = "inpaint"
    participle: ClassVar[str] = "inpainted"
    plan_kind: ClassVar[type] = InpaintOrder

    plan: InpaintOrder
    models: tuple[ModelFacts, ...]
    hole: Hole
    format: str

    @classmethod
    def of(cls, plan: InpaintOrder) -> Self:
        """Refused with a `PlanError`: an order tells of a hole by its digest, and does not hold it."""
        raise PlanError(
            f"The mask {plan.mask.told} cannot be had from a record alone.",
            remedy="run vasari inpaint on the source again, with the mask",
        )

    @classmethod
    def of_hole(cls, plan: InpaintPlan, mask: MaskFacts, hole: Hole, format: str) -> InpaintWork:
        """The work of a plan; raises `WeightsError` where the model is missing."""
        models: tuple[ModelFacts, ...] = ()
        if plan.method == "network" and hole.pixels:
            path = model_files.find(plan.model)
            models = (ModelFacts(path.stem, model_files.digest(path)),)
        return cls(InpaintOrder(plan, mask), models, hole, format)

    @property
    def maps(self) -> tuple[str, ...]:
        """None: the mask itself says what was invented."""
        return ()

    @property
    def source_type(self) -> str:
        """A composite with trained algorithmic media, where a network was trained; else enhanced."""
        return "composite" if self.models else "enhanced"

    @property
    def seed(self) -> int:
        """Of the exemplar method's search; the others draw nothing."""
        return self.plan.options.seed if self.plan.options.method == "exemplar" else 0

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """The one stage, with its numbers once they are known."""
        if not self.hole.pixels:
            stage = Stage("none", "nothing: the mask is empty")
        else:
            method = self.plan.options.method
            copied = "" if self.plan.options.lossy else ", all else bit-identical"
            stage = Stage("fill", f"{WORDS[method]}{copied}")
        return (dataclasses.replace(stage, numbers=dict(numbers or {})),)

    def ready(self, machine: Mapping[str, str]) -> InpaintWorker:
        """Load the weights; raises `WeightsError`, `PlanError` (no such device)."""
        return InpaintWorker(self, Filler.of(as_then(self.plan.options, machine)) if self.models else None)


@dataclass(frozen=True, eq=False)
class InpaintWorker:
    """A work with its weights."""

    work: InpaintWork
    filler: Filler | None

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        if self.filler is not None:
            return self.filler.machine
        return machine_of(torch.device("cpu"), torch.float32)

    def treat(
        self,
        path: Path,
        page: int,
        outputs: Outputs,
        *,
        xmp: Callable[[Metadata, str], bytes | None],
        limits: Limits,
        advance: Callable[[float], None],
    ) -> Mapping[str, float]:
        """Fill the hole in a page of a file into `outputs.result`; the numbers for the record."""
        work, hole = self.work, self.work.hole
        if is_mere_copy(image_files.inspect(path, page, limits), hole, work.format):
            write_whole(outputs.result, path.read_bytes())
            return _numbers(hole)
        fill_file(
            path,
            page,
            hole,
            work.plan.options,
            self.filler,
            outputs.result,
            work.format,
            xmp=xmp,
            limits=limits,
            advance=advance,
        )
        return _numbers(hole)


def is_mere_copy(header: Header, hole: Hole, format: str) -> bool:
    """True where nothing is missing, and a result in `format` is the file as it is."""
    return not hole.pixels and format == header.format and header.pages == 1


def _numbers(hole: Hole) -> Mapping[str, float]:
    return {
        "megapixels": round(hole.height * hole.width / 1e6, 3),
        "filled_pixels": hole.pixels,
        "filled_share": round(hole.share, 6),
    }
