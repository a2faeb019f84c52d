"""Restore: scans by upload or from the archive, a live preview, the job, and the result with its evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vasari.app.web.iiif.masters import Master
from vasari.app.web.preview_models import preview_models
from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.studio.asking import Inputs, Works, asked_for, plan_from, told, turn_of
from vasari.app.web.studio.restoring import LARGEST_PX, Square, restored
from vasari.app.web.studio.sources import LONGEST_REFERENCE, ready, source_of
from vasari.app.web.workbench import Bench, Who, Workbench
from vasari.foundation.errors import PlanError
from vasari.models import model_files
from vasari.tasks.restore import faces
from vasari.tasks.restore.plan import DEFAULT_STAGES, SCALES, VIVID, RestorePlan

#: What a preview may ask for: the rest of a plan says how files are written.
ASKED = (
    "vividness", "tone", "stages", "strength", "only_damage", "damage_threshold", "damage_margin_px", "likeness",
    "scale",
)  # fmt: skip


class Preview(BaseModel):
    """A square of a picture around (x, y), restored by fields of a plan; `layer` is result, damage or change."""

    model_config = ConfigDict(extra="forbid")
    picture: str = Field(max_length=LONGEST_REFERENCE)
    x: int = Field(ge=0, le=1 << 24)
    y: int = Field(ge=0, le=1 << 24)
    layer: str = Field("result", max_length=20)
    side: int = Field(LARGEST_PX, ge=64, le=LARGEST_PX)
    fields: dict[str, Any] = Field(default_factory=dict, max_length=20)


def page(request: Request, bench: Bench, inputs: Inputs = [], work: Works = []) -> Response:  # noqa: B006
    """The page; `input` and `work` bring pictures with them."""
    plan = RestorePlan()
    models = preview_models()
    models.warm("restore", lambda: models.conservator(plan))
    return render(
        request,
        "studio/restore.html",
        inputs=asked_for(bench, inputs, work),
        plan=plan,
        stages=DEFAULT_STAGES,
        scales=SCALES,
        has_vivid=VIVID in model_files.bundled(),
        has_faces=faces.is_installed(),
        side_px=LARGEST_PX,
    )


def preview(bench: Bench, visitor: Who, asked: Preview) -> Response:
    """A square restored at once; 204 where the visitor has asked for another meanwhile."""
    plan = plan_from(RestorePlan, asked.fields, ASKED)
    if not plan.restores:
        raise PlanError("Enlarging alone has no preview.", remedy="ask for the stage enlarge in a job")
    # A job enlarges, and watches faces in whole pictures: a square is the same with and without.
    restoring = tuple(stage for stage in plan.stages if stage != "enlarge")
    plan = replace(plan, likeness=None, stages=restoring, scale=None)
    models = preview_models()
    master = source_of(bench, asked.picture).picture
    ready(bench, master)
    with models.turns.turn(f"restore {turn_of(visitor)}") as mine:
        if not mine:
            return Response(status_code=204)
        with models.measured("restore") as seconds:
            data, media, square = _made(bench, master, asked, plan)
            headers = told(seconds(), square=f"{square.left},{square.top},{square.width},{square.height}")
    return Response(data, media_type=media, headers=headers)


def _made(bench: Workbench, master: Master, asked: Preview, plan: RestorePlan) -> tuple[bytes, str, Square]:
    square = Square.around(asked.x, asked.y, master.size, asked.side)
    data, media = restored(bench, preview_models(), master, square, plan).encoded(asked.layer)
    return data, media, square


ROUTES = (
    Route("GET", "/restore", page, Role.EDITOR),
    Route("POST", "/restore/preview", preview, Role.EDITOR),
)
