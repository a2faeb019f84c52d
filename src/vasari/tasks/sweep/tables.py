"""The tables of a sweep's report: heads and rows of text; and the same numbers, unrounded, for CSV and JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vasari.tasks.evaluate.intervals import Interval
from vasari.tasks.sweep.analysis import Findings, TrialScore, ValueScore
from vasari.tasks.sweep.drawings import number
from vasari.tasks.sweep.running import Swept

AXIS_HEAD = ("value", "mean", "runs", "difference to the best", "95 % interval", "pairs", "p", "p (Holm)", "lost")


def trial_head(swept: Swept) -> tuple[str, ...]:
    """The columns of the trials' table."""
    axes = (axis.name for axis in swept.sweep.axes)
    return ("rank", *axes, swept.judged.metric, "95 % interval", "seeds", "p (Holm)", "seconds", "MB", "remarks")


def trial_rows(swept: Swept, found: Findings) -> list[tuple[str, ...]]:
    """A row for every trial, from the best on."""
    rows = []
    for rank, one in enumerate(found.trials, 1):
        labels = (one.trial.labels[axis.name] for axis in swept.sweep.axes)
        rows.append(
            (
                str(rank) if one.values else "—",
                *labels,
                number(one.mean),
                interval(one.interval),
                str(one.finished),
                chance(one.adjusted),
                number(one.seconds),
                number(one.peak_bytes / 2**20) if one.peak_bytes else "—",
                remarks(one),
            )
        )
    return rows


def remarks(one: TrialScore) -> str:
    """What else became of a trial's runs, in words."""
    told = []
    if one.failed:
        told.append(f"{one.failed} failed")
    if one.pruned:
        told.append(f"{one.pruned} stopped early at {number(one.last)}")
    told += [f"{kind} in {count}" for kind, count in one.troubles.items()]
    return ", ".join(told)


def axis_rows(values: Sequence[ValueScore]) -> list[tuple[str, ...]]:
    """A row for every value of an axis, from the best on."""
    return [
        (
            one.label,
            number(one.mean),
            str(one.runs),
            number(one.difference) if one.pairs else "—",
            interval(one.interval),
            str(one.pairs) if one.pairs else "—",
            chance(one.p),
            chance(one.adjusted),
            _lost(one),
        )
        for one in values
    ]


def run_rows(swept: Swept) -> list[list[object]]:
    """Head and a row for every run, unrounded."""
    axes = [axis.name for axis in swept.sweep.axes]
    metrics = sorted({name for one in swept.outcomes.values() for name in one.metrics})
    head: list[object] = [*axes, "seed", "state", *metrics]
    head += ["images_seen", "seconds", "wall_seconds", "peak_bytes", "skipped_steps", "troubles", "error", "run"]
    rows: list[list[object]] = [head]
    for run in swept.runs:
        one = swept.outcomes.get(run.key)
        labels = [run.trial.labels[axis] for axis in axes]
        if one is None:
            rows.append([*labels, run.seed, "not run", *[""] * (len(metrics) + 7), run.key])
            continue
        values = [_exact(one.metrics.get(name, math.nan)) for name in metrics]
        cost = [one.images_seen, one.seconds, one.wall_seconds, one.peak_bytes, one.skipped_steps]
        rows.append([*labels, run.seed, one.state, *values, *cost, "; ".join(one.troubles), one.error, run.key])
    return rows


def plain(swept: Swept, found: Findings) -> dict[str, Any]:
    """The whole outcome as plain values; what is not finite is None."""
    best = found.best
    return {
        "title": title(swept),
        "recipe": swept.sweep.plan.recipe,
        "metric": swept.judged.metric,
        "direction": swept.judged.direction,
        "best": best.trial.labels if best else None,
        "counts": counts(swept),
        "trials": [_trial(one) for one in found.trials],
        "axes": {name: [_value(one) for one in values] for name, values in found.axes.items()},
    }


def title(swept: Swept) -> str:
    """What the report is headed by."""
    return swept.sweep.plan.title or f"Sweep {swept.sweep.name}"


def counts(swept: Swept) -> dict[str, Any]:
    """How many runs there are, how they ended, and what they cost together."""
    ended = list(swept.outcomes.values())
    states = {state: sum(one.state == state for one in ended) for state in ("finished", "pruned", "failed")}
    return {
        "runs": len(swept.runs),
        **states,
        "not_run": len(swept.runs) - len(ended),
        "images": sum(one.images_seen for one in ended),
        "seconds": round(sum(one.wall_seconds for one in ended), 1),
    }


def interval(one: Interval) -> str:
    """Two ends in words."""
    return "—" if math.isnan(one.low) else f"{number(one.low)} to {number(one.high)}"


def chance(p: float) -> str:
    """A p in two digits; "—" where there is none."""
    return "—" if math.isnan(p) else f"{p:.2g}"


def _lost(one: ValueScore) -> str:
    parts = [f"{one.failed} failed" if one.failed else "", f"{one.pruned} stopped early" if one.pruned else ""]
    return ", ".join(part for part in parts if part) + (f" of {one.ended}" if one.failed or one.pruned else "")


def _trial(one: TrialScore) -> dict[str, Any]:
    kept = {
        "values": list(one.values),
        "mean": _finite(one.mean),
        "low": _finite(one.interval.low),
        "high": _finite(one.interval.high),
        "p": _finite(one.p),
        "p_holm": _finite(one.adjusted),
        "seconds": _finite(one.seconds),
        "images": _finite(one.images),
        "peak_bytes": one.peak_bytes,
    }
    states: Mapping[str, Any] = {
        "finished": one.finished, "pruned": one.pruned, "failed": one.failed, "troubles": dict(one.troubles)
    }  # fmt: skip
    return {"axes": one.trial.labels, **kept, **states}


def _value(one: ValueScore) -> dict[str, Any]:
    return {
        "value": one.label,
        "mean": _finite(one.mean),
        "runs": one.runs,
        "ended": one.ended,
        "failed": one.failed,
        "pruned": one.pruned,
        "pairs": one.pairs,
        "difference": _finite(one.difference),
        "low": _finite(one.interval.low),
        "high": _finite(one.interval.high),
        "p": _finite(one.p),
        "p_holm": _finite(one.adjusted),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _exact(value: float) -> str:
    return repr(value) if math.isfinite(value) else ""
