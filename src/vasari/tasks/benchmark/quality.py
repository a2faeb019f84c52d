"""What benches of pictures share: their contest, and the tables of gains, scores and differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vasari.tasks.benchmark.bench import Setting, command_of, facts_of
from vasari.tasks.benchmark.cases import Cases
from vasari.tasks.benchmark.measures import Measure, Metric
from vasari.tasks.benchmark.methods import GIVEN, Method
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.running import Contest, Row, measured
from vasari.tasks.benchmark.summary import (
    ALL,
    GAIN,
    Estimate,
    Group,
    differences,
    estimates,
    find,
    groups_of,
    worse_share,
)
from vasari.tasks.benchmark.tables import Table, fixed, with_interval
from vasari.tasks.evaluate.intervals import FEWEST_RESAMPLED, Comparison

Failed = tuple[tuple[str, str], ...]
FEW = f"Student's t below {FEWEST_RESAMPLED} photographs"


@dataclass(frozen=True)
class Material:
    """What a bench works on: its cases, how they came to be in words, the measure, and pictures that cannot be used."""

    cases: Cases
    told: str
    measure: Measure
    failed: Failed = ()


@dataclass(frozen=True)
class Results:
    """All rows, the numbers made of them, and tests of the first of our methods against the peers."""

    rows: tuple[Row, ...]
    estimates: tuple[Estimate, ...]
    groups: tuple[Group, ...]
    tests: tuple[tuple[str, Comparison], ...]
    metrics: Mapping[str, Metric]
    ours: Method

    @property
    def methods(self) -> list[str]:
        """All that were measured, but for what was given."""
        return [name for name in dict.fromkeys(row.method for row in self.rows) if name != GIVEN]


def held(plan: Any, material: Material, ours: Sequence[Method], setting: Setting) -> Results:
    """Measure our methods (the last of them is ours) and the peers on a material."""
    contest = Contest(tuple(ours), setting.peers, material.measure, setting.folder, plan.keep_pictures)
    rows = measured(material.cases, contest, setting.advance)
    metrics = material.measure.metrics
    groups = groups_of(rows)
    found = estimates(rows, list(metrics), groups, plan.draws, plan.seed)
    tested = differences(rows, ours[-1].name, list(metrics), plan.draws, plan.seed)
    return Results(tuple(rows), tuple(found), tuple(groups), tuple(tested), metrics, ours[-1])


def reported(
    bench: str, title: str, plan: Any, material: Material, results: Results, setting: Setting,
    tables: Sequence[Table], notes: Sequence[str] = (),
) -> Report:  # fmt: skip
    """The report of a contest: its tables, then the tests, protocols of all numbers, and what failed."""
    photos = len({row.photo for row in results.rows})
    cases = len({row.case for row in results.rows})
    protocol = [
        ("pictures", f"{material.told}; {cases} pictures made of {photos} photographs, seed {plan.seed}"),
        (results.ours.name, results.ours.told),
        *((peer.name, peer.told) for peer in setting.peers),
        *((f"{name} ({one.unit})" if one.unit else name, one.protocol) for name, one in results.metrics.items()),
        ("intervals", f"95 %, bootstrap over photographs (mean of the cases of each), {plan.draws} draws; {FEW}"),
    ]
    failed = [("source", name, why) for name, why in material.failed]
    failed += [(row.method, row.case, row.failed) for row in results.rows if row.failed]
    return Report(
        bench, title, command_of(bench, plan, setting.peers), facts_of(plan), tuple(protocol),
        (*tables, *tests_table(results)), tuple(notes), results.estimates, results.rows, tuple(failed),
        values={"tests": [{"versus": name, **vars(one)} for name, one in results.tests]},
    )  # fmt: skip


def gain_table(results: Results, method: str, labels: Mapping[str, str]) -> Table:
    """Before, after and gain of each metric by group, with the share that came out worse by the first metric.

    `labels`: group -> words before its value, such as {"severity": "severity "}.
    """
    metrics = results.metrics
    main, *others = metrics
    whole = (main, *others[:1])  # of further metrics the gain alone: the table would be too wide
    head = ["", "pictures"]
    for name, one in metrics.items():
        gained = f"gain ({one.unit})" if one.unit else "gain"
        head += [f"{name} given", "after", gained] if name in whole else [f"{name} gain"]
    rows = []
    for group in results.groups:
        found = {name: find(results.estimates, method, group, name) for name in metrics}
        name = "**all**" if group == ALL else f"{labels.get(group[0], '')}{group[1]}"
        cells = [name, str(found[main].cases)]
        for metric, one in metrics.items():
            before = find(results.estimates, GIVEN, group, metric)
            gain = find(results.estimates, method, group, metric + GAIN)
            told = with_interval(gain.value, gain.low, gain.high, one.digits, sign=True)
            sides = [fixed(before.value, one.digits), fixed(found[metric].value, one.digits)]
            cells += [*sides, told] if metric in whole else [told]
        worse = worse_share(results.rows, method, group, main)
        rows.append((*cells, f"{worse:.0%}" if worse == worse else "—"))
    return Table(f"**{method}**", (*head, f"worse ({main})"), tuple(rows))


def score_table(results: Results, group: Group, title: str) -> Table:
    """Every method's scores in one group."""
    metrics = results.metrics
    head = ["", "pictures", *(f"{name} ({one.unit})" if one.unit else name for name, one in metrics.items())]
    rows = []
    names = list(dict.fromkeys(row.method for row in results.rows))
    for method in names:
        found = [find(results.estimates, method, group, metric) for metric in metrics]
        cells = [
            with_interval(one.value, one.low, one.high, metrics[one.metric].digits) if one.cases else "—"
            for one in found
        ]
        told = f"**{method}**" if method == results.ours.name else method
        rows.append((told, str(found[0].cases), *cells))
    return Table(title, tuple(head), tuple(rows))


def tests_table(results: Results) -> list[Table]:
    """Differences from the peers, where there are any."""
    if not results.tests:
        return []
    rows = []
    for name, one in results.tests:
        metric = results.metrics[one.metric]
        told = with_interval(one.difference, one.low, one.high, metric.digits, sign=True)
        better = f"{metric.better} is better"
        rows.append((f"{results.ours.name} - {name}", one.metric, told, better, _p(one.p), _p(one.adjusted),
                     str(one.pictures)))  # fmt: skip
    head = ("difference", "of", "mean", "", "p", "p (Holm)", "photographs")
    return [Table("Beside the others, photograph by photograph; p by flipping signs.", head, tuple(rows))]


def _p(value: float) -> str:
    return "—" if value != value else ("< 0.001" if value < 0.001 else f"{value:.3f}")
