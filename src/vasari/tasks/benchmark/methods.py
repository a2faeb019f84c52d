"""Our own ways, ready to be measured: a picture in, pixels out, by the same functions that the commands call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vasari.foundation.plans import digest, to_dict
from vasari.foundation.treatment import ModelFacts
from vasari.foundation.version import VERSION
from vasari.models import model_files
from vasari.tasks.benchmark.cases import Case, picture_of
from vasari.tasks.benchmark.peers import TAKEN
from vasari.tasks.inpaint.plan import InpaintPlan
from vasari.tasks.restore.plan import RestorePlan

GIVEN = TAKEN


@dataclass(frozen=True)
class Method:
    """A way by its name: `key` changes where its results would; `make` gives pixels [3, h, w] for a case.

    `models` are the weights; `told` is what a protocol says of it.
    """

    name: str
    key: str
    make: Callable[[Case], Tensor]
    told: str
    models: tuple[ModelFacts, ...] = ()


def nothing_done() -> Method:
    """What was given, as it is."""
    return Method(GIVEN, "given 1", lambda case: case.given, "the picture as it was given")


def restoring(plan: RestorePlan) -> Method:
    """`vasari restore` on a picture in memory; the weights are loaded at the first case. Raises `WeightsError`."""
    from vasari.tasks.restore.weights import facts

    models = facts(plan)
    name = plan.model if plan.model == RestorePlan.model else models[0].name

    @functools.cache
    def conservator() -> object:
        from vasari.tasks.restore.conservator import Conservator

        return Conservator.of(plan)

    def make(case: Case) -> Tensor:
        from vasari.tasks.restore.apply import treat_picture

        return treat_picture(picture_of(case.given), conservator()).pixels  # type: ignore[arg-type]

    return Method(f"vasari {name}", _key(plan, models), make, _told(plan, models), models)


def filling(plan: InpaintPlan) -> Method:
    """`vasari inpaint` on a picture in memory. Raises `WeightsError`."""
    models = _models(plan.model) if plan.method == "network" else ()

    def make(case: Case) -> Tensor:
        from vasari.tasks.inpaint.apply import inpaint

        return inpaint(picture_of(case.given), torch.as_tensor(case.hole), plan).pixels

    name = models[0].name if models else plan.method
    return Method(f"vasari {name}", _key(plan, models), make, _told(plan, models), models)


def stylizing(model: str, passes: int, precision: str, device: str) -> Method:
    """`vasari stylize` in the style of each case, from a picture in memory. Raises `WeightsError`."""
    from vasari.tasks.stylize.stylize_plan import StylizePlan

    plan = StylizePlan(model=model, passes=passes, precision=precision, device=device)
    models = (*_models(model), *_models("encoder"))

    def make(case: Case) -> Tensor:
        from vasari.tasks.stylize.apply import stylize

        options = {key: value for key, value in to_dict(plan).items() if key not in ("style", "mask")}
        style = picture_of(case.style if case.style is not None else case.given)
        return stylize(picture_of(case.given), style, **options).pixels

    return Method(f"vasari {models[0].name}", _key(plan, models), make, _told(plan, models), models)


def _models(name: str) -> tuple[ModelFacts, ...]:
    path = model_files.find(name)
    return (ModelFacts(path.stem, model_files.digest(path)),)


def _key(plan: object, models: tuple[ModelFacts, ...]) -> str:
    return f"{VERSION} {digest(plan)} {' '.join(f'{one.digest}:{one.share:g}' for one in models)}"


def _told(plan: RestorePlan | InpaintPlan | object, models: tuple[ModelFacts, ...]) -> str:
    """The weights by digest, and what the plan has beside its defaults."""
    defaults = to_dict(type(plan)())
    set_ = {key: value for key, value in to_dict(plan).items() if defaults.get(key) != value and key != "model"}
    weights = ", ".join(f"{one.name} (sha256 {one.digest[:12]})" for one in models) or "no weights"
    return "; ".join([f"Vasari {VERSION}, {weights}", *(f"{key} {value}" for key, value in set_.items())])
