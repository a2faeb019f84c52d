"""Generate: a bundled generator's pictures by seed, moved along its named directions, downloaded or as a walk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vasari.app.web.preview_models import preview_models
from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.studio import generating
from vasari.app.web.studio.asking import plan_from, told, turn_of
from vasari.app.web.workbench import Bench, Who
from vasari.models import model_files
from vasari.tasks.generate.sampling_plan import HIGHEST_SEED, SamplingPlan

ASKED = ("truncation", "edit")
#: Sliders go so far, in deviations: beyond, pictures leave what the model has learned.
FARTHEST = 3.0
Model = Annotated[str, Query(max_length=100)]


class Preview(BaseModel):
    """The first pictures of the seeds `seed` to `seed + count - 1`, the last of all followed by 0."""

    model_config = ConfigDict(extra="forbid")
    model: str = Field(max_length=100)
    seed: int = Field(0, ge=0, le=HIGHEST_SEED)
    count: int = Field(16, ge=1, le=generating.MOST_AT_ONCE)
    fields: dict[str, Any] = Field(default_factory=dict, max_length=20)


@dataclass(frozen=True)
class DirectionFacts:
    """A named direction: R² of what it is named after, how steadily it moves it, and what else it moves, all 0..1."""

    name: str
    explained: float
    steady: float
    side_effects: float


def page(request: Request) -> Response:
    """The page."""
    names = generating.generators()
    if names:
        models = preview_models()
        models.warm(f"generate {names[0]}", lambda: generating.studio_of(models, names[0]))
    return render(
        request,
        "studio/generate.html",
        generators=[(name, model_files.digest(model_files.find(name))) for name in names],
        directions=generating.attributes(),
        highest_seed=HIGHEST_SEED,
        farthest=FARTHEST,
        plan=SamplingPlan(),
    )


def preview(bench: Bench, visitor: Who, asked: Preview) -> Response:
    """Pictures beside one another in one PNG; 204 where the visitor has asked for others meanwhile."""
    plan = plan_from(SamplingPlan, asked.fields, ASKED)
    models = preview_models()
    with models.turns.turn(f"generate {turn_of(visitor)}") as mine:
        if not mine:
            return Response(status_code=204)
        with models.measured("generate") as seconds:
            seeds = [((asked.seed + number) % (HIGHEST_SEED + 1), 0) for number in range(asked.count)]
            data = generating.png(generating.grid(models, asked.model, plan, seeds))
            headers = told(seconds(), count=str(asked.count))
    return Response(data, media_type="image/png", headers=headers)


def directions(model: Model) -> list[DirectionFacts]:
    """The named directions of a generator, measured: some seconds at first, then at once."""
    studio = generating.studio_of(preview_models(), model)
    found = [studio.direction(name) for name in generating.attributes()]
    return [
        DirectionFacts(one.name, round(one.explained, 3), round(one.steady, 3), round(one.side_effects, 3))
        for one in found
    ]


ROUTES = (
    Route("GET", "/generate", page, Role.EDITOR),
    Route("POST", "/generate/preview", preview, Role.EDITOR),
    Route("GET", "/generate/directions", directions, Role.EDITOR),
)
