"""Photographs aged by era and severity, or pairs that were aged elsewhere, restored."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vasari.foundation import damage
from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.benchmark.bench import Setting
from vasari.tasks.benchmark.cases import Case, Cases, as_saved
from vasari.tasks.benchmark.measures import Likeness
from vasari.tasks.benchmark.methods import nothing_done, restoring
from vasari.tasks.benchmark.plans import AgedPlan
from vasari.tasks.benchmark.quality import Material, gain_table, held, reported, score_table
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.sources import MAX_MEGAPIXELS, SMALLEST_PX, Sources, about, sources
from vasari.tasks.benchmark.summary import ALL
from vasari.tasks.evaluate.files import pictures_in, read_upright
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.restore.plan import RestorePlan

LISTING = "pairs.csv"
COLUMNS = ("name", "photo", "era", "severity", "channels")


def run(plan: AgedPlan, setting: Setting) -> Report:
    """Gains by era, by severity and over all; raises `PlanError`, `WeightsError`, `PeerError`."""
    ours = restoring(RestorePlan(model=plan.model, precision=plan.precision, device=plan.device))
    measure = Likeness(Comparer.of(plan.network))
    if plan.pairs:
        found, lost = _listed(Path(plan.pairs).expanduser())
        told = f"given as pairs: {about(plan.pairs)}"
        material = Material(Cases(len(found), lambda: (one.case() for one in found)), told, measure, lost)
    else:
        clean, lost = sources(plan.data, plan.count, plan.long_side_px, plan.names).readable()
        told = (
            f"{clean.told}, long side {plan.long_side_px} px, aged by `vasari.foundation.damage`, the simulator of the "
            "training; the eras in turn"
        )
        material = Material(aged_cases(clean, plan), told, measure, lost)
    results = held(plan, material, [nothing_done(), ours], setting)
    tables = [gain_table(results, method, {"severity": "severity "}) for method in results.methods]
    if setting.peers:
        tables.append(score_table(results, ALL, "All pictures"))
    return reported("aged", "Aged photographs, restored", plan, material, results, setting, tables)


def aged_cases(clean: Sources, plan: AgedPlan) -> Cases:
    """Every picture at every severity, the eras in turn, so that each meets each severity."""

    def each() -> Iterator[Case]:
        for index in range(len(clean)):
            name, pixels = clean.read(index)
            for severity in plan.severities:
                for repeat in range(plan.repeats):
                    era = plan.eras[(index + severity + 3 * repeat) % len(plan.eras)]
                    seed = plan.seed + 1000 * repeat + index
                    yield _aged(f"{name}-{severity}-{repeat}", name, pixels, era, severity, seed)

    return Cases(len(clean) * len(plan.severities) * plan.repeats, each)


def _aged(name: str, photo: str, pixels: Tensor, era: str, severity: int, seed: int) -> Case:
    result = damage.age(pixels, era=era, severity=severity, seed=seed)
    channels = "luma" if damage.ERAS[era].grey else "rgb"
    groups = {"era": era, "severity": str(severity)}
    return Case(name, photo, groups, as_saved(result.aged), as_saved(result.clean), channels)


@dataclass(frozen=True)
class _Pair:
    """A line of pairs.csv and its two files."""

    line: dict[str, str]
    aged: Path
    truth: Path

    def case(self) -> Case:
        """Both pictures read; raises `PictureError` where they differ in size or cannot be read."""
        aged, truth = (
            as_saved(read_upright(path, MAX_MEGAPIXELS).expand(3, -1, -1)) for path in (self.aged, self.truth)
        )
        if aged.shape != truth.shape or min(aged.shape[1:]) < SMALLEST_PX:
            raise PictureError(
                f"Aged it has {aged.shape[2]}x{aged.shape[1]} px, the truth {truth.shape[2]}x{truth.shape[1]}.",
                remedy=f"give pairs of one size, {SMALLEST_PX} px or more",
            )
        groups = {key: self.line[key] for key in ("era", "severity") if self.line[key]}
        return Case(self.line["name"], self.line["photo"], groups, aged, truth, self.line["channels"])


def _listed(folder: Path) -> tuple[list[_Pair], tuple[tuple[str, str], ...]]:
    """The pairs of a folder that can be read, and what is wrong with the others; raises `PlanError`."""
    aged, truth = pictures_in(folder / "aged"), pictures_in(folder / "truth")
    listing = folder / LISTING
    try:
        with listing.open(encoding="utf-8", newline="") as file:
            lines = [
                {key: (value or "").strip() for key, value in line.items() if key} for line in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlanError(
            f"{listing} cannot be read: {error}.", remedy=f"write the columns {', '.join(COLUMNS)}"
        ) from None
    found, failed = [], []
    for line in lines:
        problem = _problem(line, aged, truth)
        if not problem:
            pair = _Pair(line, aged[line["name"]], truth[line["name"]])
            try:
                pair.case()
                found.append(pair)
            except PictureError as error:
                problem = error.message
        if problem:
            failed.append((line.get("name", "a line without a name"), problem))
    if not found:
        raise PlanError(
            f"{folder} holds no pair that can be used: {failed[0][1] if failed else 'pairs.csv is empty'}",
            remedy=f"write aged/NAME, truth/NAME and a line of {LISTING} with {', '.join(COLUMNS)} for each",
        )
    return found, tuple(failed)


def _problem(line: dict[str, str], aged: dict[str, Path], truth: dict[str, Path]) -> str:
    """What is wrong with a line, or nothing."""
    if any(key not in line for key in COLUMNS):
        return f"its line has not the columns {', '.join(COLUMNS)}"
    if line["channels"] not in ("rgb", "luma"):
        return f"channels are rgb or luma, not {line['channels']!r}"
    if line["name"] not in aged or line["name"] not in truth:
        return "it is not in both aged/ and truth/"
    return ""
