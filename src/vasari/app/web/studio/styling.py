"""A whole picture stylized small, and fast enough to follow a slider: codes and content are kept between requests."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vasari.app.operations.references import parse, weighted
from vasari.app.web.iiif.masters import Master
from vasari.app.web.preview_models import PreviewModels
from vasari.app.web.studio.sources import source_of, within
from vasari.app.web.workbench import Workbench
from vasari.archive.store import journal_number
from vasari.foundation.errors import PlanError
from vasari.tasks.stylize import styles as named_styles
from vasari.tasks.stylize.stylize_plan import StylizePlan

if TYPE_CHECKING:
    from vasari.tasks.stylize.regions import Regions

#: The long side at which previews are painted: two passes take less than a second of one core.
PREVIEW_PX = 768
SWATCH_PX = 192
#: Of a style picture so much is read.
STYLE_PX = 1024
MOST_STYLES = 12
#: What swatches show where there is no picture yet: (seed, index) of a bundled generator.
GENERATOR, GENERATED = "generate-paintings", (7, 3)


@dataclass(frozen=True)
class StyleAsked:
    """A style of a preview: the name of one, a reference, or a query of the archive (`of` true), and its weight."""

    text: str
    weight: float = 1.0
    of: bool = False


def painted(
    bench: Workbench, models: PreviewModels, master: Master, asked: Sequence[StyleAsked], masks: Sequence[str],
    plan: StylizePlan, long_side_px: int = PREVIEW_PX,
) -> np.ndarray:  # fmt: skip
    """The picture in the styles, uint8 [rows, columns, 3]; raises `PlanError`, `PictureError`, `WeightsError`."""
    from vasari.foundation.picture import Picture
    from vasari.tasks.stylize.apply import stylize_picture
    from vasari.tasks.stylize.painter import Painter

    if not 1 <= len(asked) <= MOST_STYLES:
        raise PlanError(f"{len(asked)} styles.", remedy=f"choose 1 to {MOST_STYLES}")
    content = models.pictures.of(
        ("content", master.content, long_side_px),
        lambda: Picture.from_array(np.ascontiguousarray(within(bench, master, long_side_px))),
    )
    given = [(code_of(bench, models, one, plan.style_scale), None if masks else one.weight) for one in asked]
    painter = Painter.of(plan, given, _regions(bench, models, masks))
    array: np.ndarray = stylize_picture(content, painter).pixels.clamp(0, 1).mul(255).round().byte().numpy()
    return array.transpose(1, 2, 0)


def code_of(bench: Workbench, models: PreviewModels, asked: StyleAsked, scale: float) -> Any:
    """The style code of a style; coded once and kept."""
    from vasari.tasks.stylize.coding import Coder, style_code

    if asked.of:
        with bench.archive.reading() as connection:
            state = journal_number(connection)  # works that come later belong to the period as well
        return models.codes.of(("period", asked.text, state), lambda: _period(bench, models, asked.text))
    reference, name, _ = weighted(asked.text)
    if reference is None and parse(asked.text) is None:
        found = named_styles.named().get(name)
        if found is None:
            raise PlanError(f"There is no style {name[:80]!r}.", remedy="choose one of the named styles")
        return models.codes.of(("style", found), lambda: style_code(found))
    picture = source_of(bench, asked.text).picture

    def code() -> Any:
        from vasari.foundation.picture import Picture
        from vasari.tasks.stylize.coding import sized

        coder = models.networks.of("encoder", lambda: Coder.of("encoder"))
        pixels = np.ascontiguousarray(within(bench, picture, STYLE_PX))
        return coder.code(sized(Picture.from_array(pixels), scale))

    return models.codes.of(("style", picture.content, scale), code)


def _period(bench: Workbench, models: PreviewModels, query: str) -> Any:
    from vasari.archive.features.coding import Coder
    from vasari.archive.periods import period_style

    coder = models.networks.of("coder", lambda: Coder.of("encoder", device="cpu"))
    with bench.archive.reading() as connection:
        return period_style(connection, query, coder).code


def _regions(bench: Workbench, models: PreviewModels, masks: Sequence[str]) -> Regions:
    from vasari.tasks.stylize.regions import Mask, Regions

    masters = [source_of(bench, one).picture for one in masks]
    return Regions(
        tuple(models.pictures.of(("mask", one.content), lambda one=one: Mask.of(one.path)) for one in masters)  # type: ignore[misc]
    )


def swatch(bench: Workbench, models: PreviewModels, name: str, master: Master | None) -> np.ndarray:
    """A picture, or one that was generated, in a named style: small, in one pass."""
    from vasari.foundation.picture import Picture
    from vasari.tasks.stylize.apply import stylize_picture
    from vasari.tasks.stylize.painter import Painter

    def content() -> Picture:
        pixels = generated(models) if master is None else within(bench, master, SWATCH_PX)
        return Picture.from_array(np.ascontiguousarray(pixels))

    picture = models.pictures.of(("swatch", master.content if master else ""), content)
    plan = StylizePlan((name,), working_px=SWATCH_PX, passes=1)
    painter = Painter.of(plan, [(code_of(bench, models, StyleAsked(name), 1.0), None)])
    array: np.ndarray = stylize_picture(picture, painter).pixels.clamp(0, 1).mul(255).round().byte().numpy()
    return array.transpose(1, 2, 0)


def generated(models: PreviewModels) -> np.ndarray:
    """A landscape that a bundled generator made, uint8 [rows, columns, 3]: what swatches show of no picture."""
    from PIL import Image

    from vasari.app.web.studio.generating import grid
    from vasari.tasks.generate.sampling_plan import SamplingPlan

    pixels = grid(models, GENERATOR, SamplingPlan(truncation=0.7), [GENERATED])
    return np.asarray(Image.fromarray(pixels).resize((SWATCH_PX, SWATCH_PX), Image.Resampling.LANCZOS))


def bundled_styles() -> list[dict[str, str]]:
    """The named styles with their facts, as the page shows them."""
    found = []
    for name, path in named_styles.named().items():
        facts = named_styles.facts_of(path)
        told = [facts[key] for key in ("artist", "date") if facts.get(key)]
        found.append({"name": name, "title": facts.get("title") or name, "told": " · ".join(told)})
    return found


def style_file(name: str) -> Path:
    """The file of a named style; raises `PlanError` for another."""
    found = named_styles.named().get(name)
    if found is None:
        raise PlanError(f"There is no style {name[:80]!r}.", remedy="choose one of the named styles")
    return found


def webp(pixels: np.ndarray, quality: int = 88) -> bytes:
    """Pixels uint8 [rows, columns, 3] as WebP."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "WEBP", quality=quality)
    return file.getvalue()
