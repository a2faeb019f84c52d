"""Which weights a plan means, and their digests. Imports no torch, so that a finished batch is known quickly."""

from __future__ import annotations

from vasari.foundation.errors import WeightsError
from vasari.foundation.treatment import ModelFacts
from vasari.models import model_files
from vasari.tasks.restore.plan import DEFAULT_MODEL, ENLARGE, FAITHFUL, VIVID, RestorePlan


def shares(plan: RestorePlan) -> tuple[tuple[str, float], ...]:
    """(model, share) of the weights to interpolate; models of share 0 are not needed, and not asked for."""
    if not plan.restores:
        return ()
    if plan.model != DEFAULT_MODEL:
        return ((plan.model, 1.0),)
    pairs = ((FAITHFUL, 1.0 - plan.vividness), (VIVID, plan.vividness))
    return tuple((name, share) for name, share in pairs if share > 0)


def facts(plan: RestorePlan) -> tuple[ModelFacts, ...]:
    """The models of a plan with the SHA-256 of their files; raises `WeightsError` where one is missing."""
    found = []
    for name, share in shares(plan):
        if name == VIVID and VIVID not in model_files.bundled():
            raise WeightsError(
                "vividness above 0 needs the weights restore-vivid, which are not in this package.",
                remedy="use --vividness 0, or name a model with --model",
            )
        path = model_files.find(name)
        found.append(ModelFacts(path.stem, model_files.digest(path), share))
    if plan.factor > 1:
        path = model_files.find(plan.enlarger or ENLARGE)
        found.append(ModelFacts(path.stem, model_files.digest(path)))
    return tuple(found)
