"""What a sweep says: every trial over its seeds, the best against the others, and each axis by itself.

Seeds are what is repeated, so they are what intervals and tests count; the pictures of a validation are not. An axis
is judged by pairs of runs that differ in nothing else (all other axes and the seed alike), which needs far fewer seeds
than to tell two trials apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from vasari.tasks.evaluate.intervals import NONE, Interval, holm, mean_interval, sign_flip_test
from vasari.tasks.stability import COLLAPSE, CRITIC_WINS, DIVERGENCE
from vasari.tasks.sweep.outcomes import FAILED, FINISHED, PRUNED, Outcome
from vasari.tasks.sweep.running import Swept
from vasari.tasks.sweep.students_t import welch_test
from vasari.tasks.sweep.trials import Run, Trial


@dataclass(frozen=True)
class TrialScore:
    """A trial over its seeds: `values` are those of the finished ones, `p` that of the best against it, after Holm.

    `seconds`, `images` and `peak_bytes` are means a run (memory: the most), of all runs that ended. `last` is the
    mean of the last values of runs that were pruned: not to be compared, they are shorter.
    """

    trial: Trial
    values: tuple[float, ...]
    interval: Interval
    p: float
    adjusted: float
    finished: int
    pruned: int
    failed: int
    troubles: Mapping[str, int]
    seconds: float
    images: float
    peak_bytes: int
    last: float

    @property
    def mean(self) -> float:
        """The mean over the finished seeds; nan where none finished."""
        return fmean(self.values) if self.values else math.nan


@dataclass(frozen=True)
class ValueScore:
    """A value of an axis: mean over all its finished runs, and the matched difference to the axis's best value.

    `pairs` runs that differ in this axis alone; `difference` is this value minus the best one, in the metric's unit;
    `p` by flipping signs (Fisher 1935), `adjusted` after Holm over the axis. `ended` counts all runs that are over.
    """

    label: str
    mean: float
    runs: int
    ended: int
    failed: int
    pruned: int
    pairs: int
    difference: float
    interval: Interval
    p: float
    adjusted: float


@dataclass(frozen=True)
class Findings:
    """All that a report tells: trials from the best on, and the axes' values, each from the best on."""

    trials: tuple[TrialScore, ...]
    axes: Mapping[str, tuple[ValueScore, ...]]

    @property
    def best(self) -> TrialScore | None:
        """The trial with the best mean among those most of whose seeds finished; None where none did."""
        return self.trials[0] if self.trials and self.trials[0].values else None


def findings(swept: Swept) -> Findings:
    """What the outcomes of a sweep say."""
    by_trial: dict[str, list[tuple[Run, Outcome]]] = {}
    trials: dict[str, Trial] = {}
    for run in swept.runs:
        name = _identity(run.trial)
        trials[name] = run.trial
        if run.key in swept.outcomes:
            by_trial.setdefault(name, []).append((run, swept.outcomes[run.key]))
    scores = [_scored(trials[name], [one for _, one in by_trial.get(name, [])], swept) for name in trials]
    scores.sort(key=lambda one: (-len(one.values), -swept.judged.sign * one.mean if one.values else 0.0))
    axes = {axis.name: _axis_scores(swept, axis.name) for axis in swept.sweep.axes}
    return Findings(tuple(_tested(scores)), axes)


def value_of(outcome: Outcome, metric: str) -> float:
    """The judged number of a finished run; nan of any other."""
    return float(outcome.metrics.get(metric, math.nan)) if outcome.state == FINISHED else math.nan


def _scored(trial: Trial, outcomes: Sequence[Outcome], swept: Swept) -> TrialScore:
    metric = swept.judged.metric
    values = tuple(value for value in (value_of(one, metric) for one in outcomes) if math.isfinite(value))
    pruned = [one for one in outcomes if one.state == PRUNED]
    counted = {kind: sum(kind in one.troubles for one in outcomes) for kind in (DIVERGENCE, CRITIC_WINS, COLLAPSE)}
    return TrialScore(
        trial=trial,
        values=values,
        interval=mean_interval(values) if values else NONE,
        p=math.nan,
        adjusted=math.nan,
        finished=len(values),
        pruned=len(pruned),
        failed=sum(one.state == FAILED for one in outcomes),
        troubles={kind: count for kind, count in counted.items() if count},
        seconds=_mean([one.seconds for one in outcomes]),
        images=_mean([float(one.images_seen) for one in outcomes]),
        peak_bytes=max((one.peak_bytes for one in outcomes), default=0),
        last=_mean([float(one.metrics.get(metric, math.nan)) for one in pruned]),
    )


def _tested(scores: Sequence[TrialScore]) -> list[TrialScore]:
    """The first against each other by Welch's test, corrected for their number by Holm."""
    if not scores:
        return []
    best = scores[0]
    tests = [(place, welch_test(best.values, one.values)) for place, one in enumerate(scores) if place]
    known = [(place, p) for place, p in tests if not math.isnan(p)]
    adjusted = dict(zip((place for place, _ in known), holm([p for _, p in known])))
    raw = dict(tests)
    nan = math.nan
    return [
        TrialScore(**{**vars(one), "p": raw.get(place, nan), "adjusted": adjusted.get(place, nan)})
        for place, one in enumerate(scores)
    ]


def _axis_scores(swept: Swept, axis: str) -> tuple[ValueScore, ...]:
    """Every value of an axis, matched with the best one: that whose mean over common partners is best."""
    metric, sign = swept.judged.metric, swept.judged.sign
    cells: dict[str, dict[tuple[str, ...], float]] = {}
    ended: dict[str, list[Outcome]] = {}
    for run in swept.runs:
        labels = run.trial.labels
        label = labels[axis]
        rest = (*(value for name, value in labels.items() if name != axis), f"seed {run.seed}")
        cells.setdefault(label, {})
        ended.setdefault(label, [])
        if run.key in swept.outcomes:
            ended[label].append(swept.outcomes[run.key])
            value = value_of(swept.outcomes[run.key], metric)
            if math.isfinite(value):
                cells[label][rest] = value
    best = _best_label(cells, sign)
    raw = [_matched(label, cells[label], cells.get(best, {}), ended[label], label == best) for label in cells]
    known = [one for one in raw if not math.isnan(one.p)]
    adjusted = dict(zip((one.label for one in known), holm([one.p for one in known])))
    done = [ValueScore(**{**vars(one), "adjusted": adjusted.get(one.label, math.nan)}) for one in raw]
    return tuple(sorted(done, key=lambda one: (one.label != best, -sign * one.mean if one.runs else math.inf)))


def _best_label(cells: Mapping[str, Mapping[tuple[str, ...], float]], sign: float) -> str:
    """The value with the best mean over the partners that all values share; over its own where they share none."""
    filled = {label: found for label, found in cells.items() if found}
    if not filled:
        return ""
    most = max(len(found) for found in filled.values())
    whole = {label: found for label, found in filled.items() if len(found) * 2 > most}
    shared = set.intersection(*(set(found) for found in whole.values()))
    means = {
        label: fmean([found[one] for one in shared] if shared else list(found.values()))
        for label, found in whole.items()
    }
    return max(means, key=lambda label: sign * means[label])


def _matched(
    label: str,
    own: Mapping[tuple[str, ...], float],
    best: Mapping[tuple[str, ...], float],
    ended: Sequence[Outcome],
    is_best: bool,
) -> ValueScore:
    differences = [] if is_best else [own[rest] - best[rest] for rest in own if rest in best]
    return ValueScore(
        label=label,
        mean=_mean(list(own.values())),
        runs=len(own),
        ended=len(ended),
        failed=sum(one.state == FAILED for one in ended),
        pruned=sum(one.state == PRUNED for one in ended),
        pairs=len(differences),
        difference=_mean(differences),
        interval=mean_interval(differences) if differences else NONE,
        p=sign_flip_test(differences) if differences else math.nan,
        adjusted=math.nan,
    )


def cell_means(swept: Swept, rows: str, columns: str) -> dict[tuple[str, str], tuple[float, int, int]]:
    """(row, column) -> mean of the finished runs of both values, how many, and how many ended otherwise."""
    found: dict[tuple[str, str], list[Outcome]] = {}
    for run in swept.runs:
        labels = run.trial.labels
        outcome = swept.outcomes.get(run.key)
        found.setdefault((labels[rows], labels[columns]), []).extend([outcome] if outcome else [])
    result = {}
    for place, outcomes in found.items():
        values = [value_of(one, swept.judged.metric) for one in outcomes]
        finite = [one for one in values if math.isfinite(one)]
        result[place] = (_mean(finite), len(finite), len(outcomes) - len(finite))
    return result


def _mean(values: Sequence[float]) -> float:
    finite = [one for one in values if math.isfinite(one)]
    return fmean(finite) if finite else math.nan


def _identity(trial: Trial) -> str:
    return repr(sorted(trial.labels.items()))
