"""Operations that make one picture, or some: inpaint, texture, generate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.app.operations.operation import Errand, part_of
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import option
from vasari.tasks.generate.sampling_plan import SamplingPlan, WalkPlan
from vasari.tasks.inpaint.plan import InpaintPlan
from vasari.tasks.texture.plan import GAN, TexturePlan

MOST_MADE = 10_000


@dataclass(frozen=True)
class InpaintFields(InpaintPlan):
    """What an inpainting is asked for: exactly one of a mask, a box and found damage says where."""

    mask: str = option("", "REFERENCE of a picture of the same size, white where it is to be filled")
    box: tuple[int, ...] = option((), "X, Y, WIDTH, HEIGHT in pixels: fill this rectangle")
    damage: bool = option(False, "fill what the restoring model finds damaged")
    page: int = option(1, "page of a TIFF of several, counted from 1", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if sum((bool(self.mask), bool(self.box), self.damage)) != 1:
            raise PlanError("Exactly one thing says what is to be filled.", remedy="give one of mask, box and damage")
        if self.box and len(self.box) != 4:
            raise PlanError(f"A box of {len(self.box)} numbers.", remedy="give X, Y, WIDTH and HEIGHT")


@dataclass(frozen=True)
class TextureFields(TexturePlan):
    """What texture is made of the sample."""

    format: str = option("png", "file format of the result", choices=("png", "tiff", "jpeg", "webp"))


@dataclass(frozen=True)
class GenerateFields(SamplingPlan):
    """What a generator is asked for."""

    model: str = option("", "a bundled model's name, or job:ID/NAME of a training")
    number: int = option(1, "how many pictures", minimum=1, maximum=MOST_MADE)
    only_grid: bool = option(False, "the contact sheet alone")
    walk: bool = option(False, "a clip from picture to picture as well")
    stops: tuple[str, ...] = option((), "pictures that the clip passes: SEED or SEED:NUMBER; empty: all that are made")
    step_s: float = option(WalkPlan.step_s, "seconds from one to the next", minimum=0.04, maximum=600.0)
    fps: int = option(WalkPlan.fps, "frames a second", minimum=1, maximum=120)
    one_way: bool = option(False, "end at the last instead of coming back to the first")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.model:
            raise PlanError("No model was named.", remedy="name a bundled generator, as vasari models lists them")


def inpaint(errand: Errand) -> dict[str, Any]:
    """Fill what is missing in a picture."""
    from vasari.tasks.inpaint.files import Request, inpaint_file

    fields: InpaintFields = errand.plan
    plan = part_of(InpaintPlan, fields)
    source = errand.inputs[0]
    request = Request(
        source,
        errand.output / f"{source.stem}{_ending(source, plan.format, lossy=plan.lossy)}",
        mask=Path(fields.mask) if fields.mask else None,
        box=fields.box,
        damage=fields.damage,
        page=fields.page - 1,
        overwrite=True,
    )
    done = inpaint_file(request, plan, advance=lambda share: errand.advance(share, 1.0, source.name))
    return {
        "result": done.result.name,
        "record": done.record.name,
        "filled_pixels": done.filled_pixels,
        "filled_share": done.filled_share,
        "sha256": done.sha256,
    }


def texture(errand: Errand) -> dict[str, Any]:
    """Make a texture out of a sample."""
    from vasari.tasks.texture.file import texture_file

    fields: TextureFields = errand.plan
    plan = part_of(TexturePlan, fields)
    sample = errand.inputs[0]
    target = errand.output / f"{sample.stem}{_ending(sample, fields.format)}"
    run = errand.output / "training" if plan.chosen == GAN and not plan.model else None
    made = texture_file(
        sample, target, plan, run=run, overwrite=True, advance=lambda share: errand.advance(share, 1.0, sample.name)
    )
    return {"result": made.result.name, "record": made.record.name, "method": plan.chosen}


def generate(errand: Errand) -> dict[str, Any]:
    """Make pictures by a trained generator."""
    from vasari.tasks.generate.folder import FolderOptions, Target, generate_files

    fields: GenerateFields = errand.plan
    walk = WalkPlan(fields.stops, fields.step_s, fields.fps, fields.one_way)
    options = FolderOptions(
        errand.output, fields.number, fields.only_grid, Path("walk.mp4") if fields.walk else None, overwrite=True
    )

    def advance(target: Target, share: float) -> None:
        errand.advance(share, 1.0, target.path.name)

    made = generate_files(fields.model, options, part_of(SamplingPlan, fields), walk, advance)
    return {"made": [path.name for path in (*made.already_made, *made.made)]}


def _ending(source: Path, format: str | None, *, lossy: bool = True) -> str:
    """The ending of a result: of what is asked for, else of the source's format; PNG where that may not be lossy."""
    from vasari.foundation.image_formats import FORMATS, sniff

    if format is not None:
        return FORMATS[format].suffixes[0]
    found = FORMATS[FORMATS[sniff(source)].written_as]
    return (found if lossy or found.lossless else FORMATS["png"]).suffixes[0]
