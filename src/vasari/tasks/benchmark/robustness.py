"""The matrix of robustness: era × severity × damage, what a damage costs and what restoring gains."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from vasari.foundation.damage import DAMAGES
from vasari.foundation.errors import PlanError
from vasari.tasks.benchmark.bench import Setting, command_of, facts_of
from vasari.tasks.benchmark.heat_maps import check_drawing, heat_maps
from vasari.tasks.benchmark.measures import Likeness
from vasari.tasks.benchmark.methods import GIVEN, Method, nothing_done, restoring
from vasari.tasks.benchmark.plans import RobustnessPlan
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.running import Contest, Row, measured
from vasari.tasks.benchmark.single_damages import ALONE, BASE, REMOVED, single_cases
from vasari.tasks.benchmark.sources import sources
from vasari.tasks.benchmark.tables import Table, csv_text, fixed, with_interval
from vasari.tasks.evaluate.intervals import NONE, mean_interval
from vasari.tasks.restore.plan import RestorePlan

WORST = 12  # cells that are told by name
FEWEST = 3  # photographs: of two, an interval is twelve times the error, and tells nothing
# Alone a light damage leaves 50 dB, and losing ten of them is seen by nobody: there what is above counts as this.
VISIBLE_DB = 40.0
VALUES = ("gain", "gain_ssim", "cost_given", "cost_after")


@dataclass(frozen=True)
class Cell:
    """One damage in one era at one severity, a mean over `photos` photographs, PSNR in dB.

    `gain` (and `gain_ssim`): after restoring less given, with the damage there. `cost_given` and `cost_after`: what
    the damage takes from the picture before restoring, and from the result; alone they are nan.
    """

    method: str
    era: str
    severity: int
    damage: str
    photos: int
    gain: float
    gain_ssim: float
    cost_given: float
    cost_after: float


def run(plan: RobustnessPlan, setting: Setting) -> Report:
    """Heat maps, tables by damage and by era, and the worst cells; raises `PlanError`, `MissingExtraError` ..."""
    check_drawing()
    ours = restoring(RestorePlan(model=plan.model, precision=plan.precision, device=plan.device))
    clean, lost = sources(plan.data, plan.count, plan.long_side_px, plan.names).readable()
    contest = Contest((nothing_done(), ours), setting.peers, Likeness(), setting.folder, plan.keep_pictures)
    rows = measured(single_cases(clean, plan), contest, setting.advance)
    methods = [name for name in dict.fromkeys(row.method for row in rows) if name != GIVEN]
    cells = [cell for name in methods for cell in cells_of(rows, name)]
    if not cells:
        raise PlanError(
            "No damage changed a picture that could be scored.", remedy="name more pictures, or higher --severities"
        )
    tables, figures = [], []
    for name in methods:
        mine = [one for one in cells if one.method == name]
        tables += [era_table(rows, name, plan), damage_table(rows, name, plan), *worst_tables(mine)]
        stem = "robustness" if name == ours.name else f"robustness-{name}"
        figures += heat_maps(mine, name, stem)
    figures.append(
        ("cells.csv", csv_text(list(asdict(cells[0])), [list(asdict(one).values()) for one in cells]).encode())
    )
    failed = [("source", *one) for one in lost] + [(row.method, row.case, row.failed) for row in rows if row.failed]
    return Report(
        "robustness", "Robustness: era × severity × damage", command_of("robustness", plan, setting.peers),
        facts_of(plan), _protocol(plan, clean.told, len(clean), rows, ours, setting), tuple(tables),
        rows=tuple(rows), failed=tuple(failed), figures=tuple(figures),
        values={"cells": [asdict(one) for one in cells]},
    )  # fmt: skip


def cells_of(rows: Sequence[Row], method: str) -> list[Cell]:
    """A cell for every era, severity and damage of a method."""
    found: dict[tuple[str, int, str], list[tuple[float, ...]]] = {}
    for era, severity, damage, _, values in _differences(rows, method):
        found.setdefault((era, severity, damage), []).append(values)
    return [
        Cell(method, era, severity, damage, len(values), *(float(one) for one in np.mean(values, axis=0)))
        for (era, severity, damage), values in found.items()
    ]


def _differences(rows: Sequence[Row], method: str) -> Iterator[tuple[str, int, str, str, tuple[float, ...]]]:
    """Era, severity, damage, photograph and its four `VALUES`, for every toggled damage."""
    scored = {(row.method, row.case): row for row in rows if row.scores}
    bases = {
        (row.groups["era"], row.groups["severity"], row.photo): row.case for row in rows if row.groups["damage"] == BASE
    }
    for row in rows:
        era, severity, damage = (row.groups[key] for key in ("era", "severity", "damage"))
        base = bases.get((era, severity, row.photo), "")
        keys = [(name, case) for name in (GIVEN, method) for case in (row.case, base)]
        if row.method != method or damage == BASE or any(key not in scored for key in keys):
            continue
        given, given_base, after, after_base = (scored[key].scores or {} for key in keys)
        if row.groups["toggled"] == REMOVED:
            given, given_base, after, after_base = given_base, given, after_base, after
        highest = VISIBLE_DB if era in ALONE else math.inf
        gain, similar = (min(after[key], highest) - min(given[key], highest) for key in ("psnr", "ssim"))
        costs = (given_base["psnr"] - given["psnr"], after_base["psnr"] - after["psnr"])
        yield era, int(severity), damage, row.photo, (gain, similar, *((math.nan, math.nan) if era in ALONE else costs))


def damage_table(rows: Sequence[Row], method: str, plan: RobustnessPlan) -> Table:
    """Every damage over all eras and severities, and alone; by what it costs after restoring, the costliest first."""
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for era, _, damage, photo, (gain, _, given, after) in _differences(rows, method):
        own = found.setdefault(damage, {})
        pairs = [(era, gain)] if era in ALONE else [("gain", gain), ("given", given), ("after", after)]
        for key, value in pairs:
            own.setdefault(key, {}).setdefault(photo, []).append(value)
    keys = ("given", "after", "gain", *ALONE)
    lines = []
    for damage, values in found.items():
        cells, main = [f"`{damage}`"], math.nan
        for key in keys:
            means = [float(np.mean(one)) for one in values.get(key, {}).values()]
            mean = float(np.mean(means)) if means else math.nan
            interval = mean_interval(means, plan.draws, plan.seed) if len(means) >= FEWEST else NONE
            cells.append(with_interval(mean, interval.low, interval.high, 2, sign=True))
            main = mean if key == "after" else main
        lines.append((-main if main == main else math.inf, tuple(cells)))
    head = ("damage", "costs the picture", "costs the result", "gain with it", "gain alone, grey", "alone, color")
    rows_ = tuple(cells for _, cells in sorted(lines, key=lambda one: one[0]))
    return Table(f"**{method}**, by damage; dB of PSNR, over all eras and severities.", head, rows_)


def era_table(rows: Sequence[Row], method: str, plan: RobustnessPlan) -> Table:
    """The pictures as drawn, by era and severity: given, after, gain."""
    scored = {(row.method, row.case): row.scores for row in rows if row.scores}
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        keys = (GIVEN, row.case), (method, row.case)
        if row.method == method and row.groups["damage"] == BASE and all(key in scored for key in keys):
            pair = tuple((scored[key] or {})["psnr"] for key in keys)
            groups.setdefault((row.groups["era"], row.groups["severity"]), []).append((pair[0], pair[1]))
    eras = dict.fromkeys(era for era, _ in groups)
    lines = []
    for era in eras:
        cells = [f"{era}: nothing" if era in ALONE else era]
        for severity in plan.severities:
            values = groups.get((era, str(severity)), [])
            given, after = np.mean(values, axis=0) if values else (math.nan, math.nan)
            cells.append(f"{fixed(given, 2)} → {fixed(after, 2)} ({fixed(after - given, 2, sign=True)})")
        lines.append(tuple(cells))
    head = ("drawn damages of", *(f"severity {one}" for one in plan.severities))
    return Table(f"**{method}**, pictures as drawn; PSNR in dB (a picture without damage counts at most 60).", head,
                 tuple(lines))  # fmt: skip


def worst_tables(cells: Sequence[Cell]) -> list[Table]:
    """The cells in which restoring gains least, and those where the damage costs the result most."""
    least = sorted(cells, key=lambda one: one.gain)[:WORST]
    costly = sorted((one for one in cells if one.cost_after == one.cost_after), key=lambda one: -one.cost_after)[:WORST]
    head = ("era", "severity", "damage", "gain", "gain in SSIM", "costs the picture", "costs the result")

    def lines(chosen: Sequence[Cell]) -> tuple[tuple[str, ...], ...]:
        return tuple(
            (one.era, str(one.severity), f"`{one.damage}`", *(
                fixed(getattr(one, name), 3 if name == "gain_ssim" else 2, sign=True) for name in VALUES
            ))
            for one in chosen
        )  # fmt: skip

    return [
        Table("Where restoring gains least, or harms.", head, lines(least)),
        Table("Where a damage costs the result most.", head, lines(costly)),
    ]


def _protocol(
    plan: RobustnessPlan, told: str, photos: int, rows: Sequence[Row], ours: Method, setting: Setting
) -> tuple[tuple[str, str], ...]:
    cases = len({row.case for row in rows})
    metrics = Likeness().metrics
    return (
        (
            "pictures",
            f"{told}, long side {plan.long_side_px} px; {cases} made of {photos} photographs, seed {plan.seed}; "
            f"{len(DAMAGES)} damages of `vasari.foundation.damage`, the simulator of the training",
        ),
        (
            "with and without",
            "in an era the picture is aged by chance; then one damage is added, or removed where it was drawn, all "
            f"else equal. Alone: that damage on a clean picture; there PSNR above {VISIBLE_DB:g} dB, where hardly "
            f"anything is seen, counts as {VISIBLE_DB:g}.",
        ),
        (ours.name, ours.told),
        *((peer.name, peer.told) for peer in setting.peers),
        *((name, one.protocol) for name, one in metrics.items()),
        ("intervals", f"95 %, over {photos} photographs" + ("" if photos >= FEWEST else "; too few, none is told")),
    )
