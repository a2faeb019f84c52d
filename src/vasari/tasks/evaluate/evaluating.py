"""An evaluation from folders to its outcome: pairs, sets, or pictures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vasari.foundation.errors import PlanError
from vasari.foundation.execute import Executor
from vasari.foundation.plans import to_dict
from vasari.foundation.treatment import now
from vasari.foundation.version import VERSION
from vasari.tasks.evaluate.alone import measure_alone
from vasari.tasks.evaluate.files import paired, pictures_in
from vasari.tasks.evaluate.intervals import Comparison, compared, compared_sets
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.outcome import Measured, Outcome, columns
from vasari.tasks.evaluate.pairs import Advance, measure_pairs
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.evaluate.sets import Truth


def evaluate(
    result: str | Path,
    against: str | Path | None,
    plan: EvaluatePlan,
    versus: Sequence[str | Path] = (),
    advance: Advance = lambda done, all: None,
    executor: Executor | None = None,
) -> Outcome:
    """Scores of a result (a picture or a folder) against a truth or a set, and beside other methods' results.

    The workers of an `executor` score pictures one by one, and make the features of sets, which are gathered here.
    Without `against` every picture is described by itself. A picture that cannot be scored is told in the outcome,
    and the rest goes on. Raises `PlanError` where nothing can be compared, `WeightsError` for the network.
    """
    named = _named([result, *versus])
    methods = {name: pictures_in(path) for name, path in named.items()}
    truth = pictures_in(against) if against is not None else None
    kind = _kind(methods, truth, plan)
    facts: dict[str, Any] = {"vasari": VERSION, "date": now(), "plan": to_dict(plan)}
    if truth is None:
        found = [measure_alone(name, pictures, plan, advance, executor) for name, pictures in methods.items()]
    elif kind == "pairs":
        comparer = Comparer.of_plan(plan, pairs=True)
        found = [
            measure_pairs(name, paired(pictures, truth), plan, comparer, advance, executor)
            for name, pictures in methods.items()
        ]
    else:
        known = Truth.of(truth, plan, Comparer.of_plan(plan), advance, executor)
        found = [known.measure(name, pictures, advance) for name, pictures in methods.items()]
    tests = [(one.method, tuple(_compared(found[0], one, plan))) for one in found[1:]]
    tests = [one for one in tests if one[1]]
    return Outcome(kind, str(against) if against is not None else "", tuple(found), tuple(tests), facts)


def _named(paths: Sequence[str | Path]) -> dict[str, str | Path]:
    """Methods by the names of their folders; whole paths where two are called the same."""
    short = [Path(one).expanduser().resolve().name for one in paths]
    names = short if len(set(short)) == len(short) else [str(one) for one in paths]
    if len(set(names)) < len(names):
        raise PlanError(
            "One folder is named twice; a method is not compared with itself.",
            remedy="name another folder with --versus",
        )
    return dict(zip(names, paths, strict=True))


def _kind(methods: Mapping[str, Mapping[str, Path]], truth: Mapping[str, Path] | None, plan: EvaluatePlan) -> str:
    """ "pairs", "sets" or "alone"; raises `PlanError` where what was asked for cannot be."""
    if truth is None:
        if plan.mode != "auto":
            raise PlanError(
                f"To compare {plan.mode} there must be a truth.", remedy="name one with --against, or leave --mode out"
            )
        return "alone"
    lonely = [name for name, pictures in methods.items() if not paired(pictures, truth).pairs]
    if plan.mode == "sets" or (plan.mode == "auto" and len(lonely) == len(methods)):
        if plan.mode == "auto" and any(len(one) == 1 for one in [*methods.values(), truth]):
            raise PlanError(
                "No result has a truth of its name, and one picture is no set.",
                remedy="name the truth's file itself, or a folder that holds a truth of the same name",
            )
        return "sets"
    if lonely:
        raise PlanError(
            f"No picture of {lonely[0]} has a truth of its name.",
            remedy="name files alike but for their endings, or compare as sets with --mode sets",
        )
    return "pairs"


def _compared(first: Measured, second: Measured, plan: EvaluatePlan) -> list[Comparison]:
    """Tests of two methods over the pictures that both have; of sets, differences of their distances."""
    if first.left_out or second.left_out:
        distances = [
            {score.metric: (score.value, x.left_out[score.metric]) for score in x.scores if score.metric in x.left_out}
            for x in (first, second)
        ]
        return compared_sets(distances[0], distances[1], min(x.scores[0].n for x in (first, second)))
    one, other = dict(first.pictures), dict(second.pictures)
    shared = [name for name in one if name in other]
    metrics = columns([(name, one[name]) for name in shared])
    values = [
        {metric: [rows[name].get(metric, float("nan")) for name in shared] for metric in metrics}
        for rows in (one, other)
    ]
    return compared(values[0], values[1], plan.draws, plan.seed)
