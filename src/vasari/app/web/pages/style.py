"""Style: pictures and films in the manner of named styles, other pictures or a period of the archive."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vasari.app.web.iiif.image_service import pictures_shown
from vasari.app.web.preview_models import preview_models
from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.studio import styling
from vasari.app.web.studio.asking import Brought, Inputs, Styles, Works, asked_for, named, plan_from, told, turn_of
from vasari.app.web.studio.sources import LONGEST_REFERENCE, ready, source_of
from vasari.app.web.studio.styling import MOST_STYLES, PREVIEW_PX, SWATCH_PX, StyleAsked, bundled_styles, painted
from vasari.app.web.workbench import Bench, Who
from vasari.foundation.errors import PlanError
from vasari.foundation.ledgers import Stamp
from vasari.tasks.stylize.stylize_plan import HEAVIEST, KEEP_COLORS, StylizePlan

ASKED = ("strength", "keep_color", "style_scale", "passes")


class Style(BaseModel):
    """A style: a name, a reference or, with `of`, a query of the archive; and its weight beside the others."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=1, max_length=2000)
    weight: float = Field(1.0, ge=0, le=HEAVIEST)
    of: bool = False


class Preview(BaseModel):
    """A picture in styles; `masks` are references, one a style, or none."""

    model_config = ConfigDict(extra="forbid")
    picture: str = Field(max_length=LONGEST_REFERENCE)
    styles: list[Style] = Field(min_length=1, max_length=MOST_STYLES)
    masks: list[Annotated[str, Field(max_length=LONGEST_REFERENCE)]] = Field(default_factory=list, max_length=12)
    fields: dict[str, Any] = Field(default_factory=dict, max_length=20)


def page(
    request: Request,
    bench: Bench,
    inputs: Inputs = [],  # noqa: B006
    work: Works = [],  # noqa: B006
    style: Styles = [],  # noqa: B006
) -> Response:
    """The page; `input`, `work` and `style` bring pictures with them."""
    known = bundled_styles()
    titles = {one["name"]: one["title"] for one in known}
    brought = [Brought(one, titles[one] if one in titles else named(bench, one)) for one in style]
    models = preview_models()
    models.warm("style", _load)
    return render(
        request,
        "studio/style.html",
        inputs=asked_for(bench, inputs, work),
        brought=brought,
        known=known,
        plan=StylizePlan(),
        keep_colors=KEEP_COLORS,
        most=MOST_STYLES,
        preview_px=PREVIEW_PX,
    )


def preview(bench: Bench, visitor: Who, asked: Preview) -> Response:
    """The picture stylized small; 204 where the visitor has asked for another meanwhile."""
    if asked.masks and len(asked.masks) != len(asked.styles):
        raise PlanError(f"{len(asked.masks)} masks for {len(asked.styles)} styles.", remedy="paint one for each style")
    if sum(one.weight for one in asked.styles) <= 0:
        raise PlanError("All styles have the weight 0.", remedy="give one of them more")
    plan = plan_from(StylizePlan, asked.fields, ASKED, working_px=PREVIEW_PX)
    models = preview_models()
    master = source_of(bench, asked.picture).picture
    ready(bench, master)
    with models.turns.turn(f"style {turn_of(visitor)}") as mine:
        if not mine:
            return Response(status_code=204)
        with models.measured("style") as seconds:
            styles = [StyleAsked(one.text, one.weight, one.of) for one in asked.styles]
            data = styling.webp(painted(bench, models, master, styles, asked.masks, plan))
            headers = told(seconds())
    return Response(data, media_type="image/webp", headers=headers)


def swatch(bench: Bench, name: Annotated[str, Path(max_length=100)], picture: str = "") -> Response:
    """A small picture in a named style: the visitor's own, or one that a bundled generator made."""
    path = styling.style_file(name)
    master = source_of(bench, picture[:LONGEST_REFERENCE]).picture if picture else None
    about = f"swatch 1 {Stamp.of(path).sha256} {master.content if master else ''} {SWATCH_PX}"
    key = f"{hashlib.sha256(about.encode()).hexdigest()[:40]}.webp"
    tiles = pictures_shown(bench).tiles
    data = tiles.read(key)
    if data is None:
        models = preview_models()
        with models.turns.patient_turn():
            data = tiles.read(key)  # another may have asked for the same meanwhile
            if data is None:
                data = styling.webp(styling.swatch(bench, models, name, master), 80)
                tiles.write(key, data)
    return Response(data, media_type="image/webp", headers={"Cache-Control": "private, max-age=604800"})


def _load() -> None:
    """The encoder and the stylizer."""
    from vasari.tasks.stylize.painter import Painter

    Painter.of(StylizePlan((bundled_styles()[0]["name"],)))


ROUTES = (
    Route("GET", "/style", page, Role.EDITOR),
    Route("POST", "/style/preview", preview, Role.EDITOR),
    Route("GET", "/style/swatch/{name}", swatch, Role.EDITOR),
)
