"""Which weights a plan means, and their digests. Imports no torch, so that a finished batch is known quickly."""

from __future__ import annotations

from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.treatment import ModelFacts
from vasari.models import model_files
from vasari.tasks.restore.plan import DEFAULT_MODEL, DETECT, ENCODER, ENLARGE, FAITHFUL, VIVID, RestorePlan


def shares(plan: RestorePlan) -> tuple[tuple[str, float], ...]:
    """(model, share) of the weights to interpolate; models of share 0 are not needed, and not asked for."""
    if not plan.restores:
        return ()
    if plan.model != DEFAULT_MODEL:
        return ((plan.model, 1.0),)
    pairs = ((FAITHFUL, 1.0 - plan.vividness), (VIVID, plan.vividness))
    return tuple((name, share) for name, share in pairs if share > 0)


def facts(plan: RestorePlan) -> tuple[ModelFacts, ...]:
    """The models of a plan with the SHA-256 of their files; raises `WeightsError` where one is missing.

    Raises `PlanError` for a detector that the plan's repair would not heed.
    """
    found = []
    for name, share in shares(plan):
        if name == VIVID and VIVID not in model_files.bundled():
            raise WeightsError(
                "vividness above 0 needs the weights restore-vivid, which are not in this package.",
                remedy="use --vividness 0, or name a model with --model",
            )
        path = model_files.find(name)
        found.append(ModelFacts(path.stem, model_files.digest(path), share))
    told_marks = is_told_marks(plan)
    if plan.detector and not told_marks:
        raise PlanError(
            f"detector={plan.detector} would change nothing: the repair by {plan.model} is told of no marks.",
            remedy="leave out --detector, or name the --model that was trained with it",
        )
    others = ((plan.detector or DETECT, told_marks), (plan.enlarger or ENLARGE, plan.factor > 1))
    for name in (one for one, is_needed in others if is_needed):
        path = model_files.find(name)
        found.append(ModelFacts(path.stem, model_files.digest(path)))
    return tuple(found) + (_watching(plan) if plan.likeness else ())


def _watching(plan: RestorePlan) -> tuple[ModelFacts, ...]:
    """What compares faces, and the faithful weights where faces alone may need them."""
    shared = {name for name, _ in shares(plan)}
    needed = [(FAITHFUL, 0.0)] if VIVID in shared and FAITHFUL not in shared else []
    paths = [(model_files.find(name), share) for name, share in (*needed, (ENCODER, 1.0))]
    return tuple(ModelFacts(path.stem, model_files.digest(path), share) for path, share in paths)


def is_told_marks(plan: RestorePlan) -> bool:
    """True where the plan's repair heeds what a detector finds; raises `WeightsError` where a model is missing."""
    if not plan.repairs:
        return False
    path = model_files.find(shares(plan)[0][0])
    try:
        network = model_files.header_entry(model_files.read(path), model_files.HEADER_KEY)["network"]
    except (ValueError, KeyError, TypeError):
        return False  # no model of ours: what loads it says so
    return bool(network["options"].get("marked", False))
