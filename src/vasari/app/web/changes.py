"""Change over time as a page asks for it: its form read into a question, answered once, and kept."""

from __future__ import annotations

import io
import math
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vasari.app.web.turnstile import Turnstile
from vasari.archive.dates.dating import Assumptions
from vasari.archive.features.table import FEATURES, Column
from vasari.archive.figures.folder import Report, write_report
from vasari.archive.reporting import Question, answers
from vasari.archive.store import Archive, journal_number
from vasari.archive.trends.plan import TrendPlan
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict

#: Answers that are remembered. Each holds what is known of all its works, for the export: some 50 MB of 100,000.
KEPT = 6
#: What the page lets one change of the plan; the rest stands at its default, and is in the exported figure.
PLAN_CONTROLS = ("window_years", "period_years", "min_artists", "confidence", "draws")
ASSUMPTION_CONTROLS = ("circa_years", "circa_century_years", "uncertain_years")
#: The most that the page takes of each: an archive's owner may ask for more on the command line.
MOST = {
    "draws": 1000, "window_years": 1000, "period_years": 1000, "min_artists": 10_000,
    "circa_years": 200, "circa_century_years": 500, "uncertain_years": 200,
}  # fmt: skip
#: Fields whose shares can be followed.
SHARED_FIELDS = ("style", "genre", "medium", "school", "place")


@dataclass(frozen=True)
class Asked:
    """What a visitor wants to see through time: `what` is a measure, or "shares:FIELD"."""

    what: str = "lightness_mean"
    query: str = ""
    plan: TrendPlan = field(default_factory=TrendPlan)
    assumptions: Assumptions = field(default_factory=Assumptions)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Asked:
        """Read a form or an address; raises `PlanError` for a value that no plan allows, or that is beyond `MOST`."""
        given = {name: value for name, value in values.items() if value != ""}
        plan = {name: _number(name, given[name]) for name in PLAN_CONTROLS if name in given}
        assumed = {name: _number(name, given[name]) for name in ASSUMPTION_CONTROLS if name in given}
        return cls(
            given.get("what", cls.what),
            given.get("q", ""),
            from_dict(TrendPlan, plan, where="trend"),
            from_dict(Assumptions, assumed, where="dates"),
        )

    @property
    def question(self) -> Question:
        """The same for the archive; raises `PlanError`."""
        if self.what.startswith("shares:"):
            return Question(self.query, shares=self.what.removeprefix("shares:"))
        return Question(self.query, measures=(self.what,))

    @property
    def controls(self) -> dict[str, Any]:
        """The values of all controls, to fill the form with."""
        plan, assumed = asdict(self.plan), asdict(self.assumptions)
        chosen = {name: plan[name] for name in PLAN_CONTROLS} | {name: assumed[name] for name in ASSUMPTION_CONTROLS}
        return {"what": self.what, "q": self.query, **chosen}


class Answers:
    """The latest answers, as long as the archive stays as it was; one is computed at a time."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Report] = OrderedDict()
        self._turnstile = Turnstile()

    def report(self, archive: Archive, asked: Asked) -> Report:
        """The report of a question.

        Raises `PlanError` where the archive is too thin for it, `Refusal` where too many ask at once.
        """
        with self._turnstile.passed(), archive.reading() as connection:
            key = (str(archive.folder), journal_number(connection), repr(asked))
            if key not in self._kept:
                self._kept[key] = answers(connection, asked.question, asked.plan, asked.assumptions)[0]
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def packed(self, archive: Archive, asked: Asked) -> tuple[str, bytes]:
        """The name of a report and the report as a zip archive; raises as `report`."""
        report = self.report(archive, asked)
        with self._turnstile.passed():  # Matplotlib's settings are those of the whole process
            return report.name, as_zip(report)


def measures() -> list[Column]:
    """Everything that is measured as a number of its own, in the order of the table."""
    return [column for feature in FEATURES.values() for column in feature.columns]


def as_zip(report: Report) -> bytes:
    """The folder that `vasari archive trends -o` would write: figure, series, periods, works, and how to repeat it."""
    with tempfile.TemporaryDirectory(prefix="vasari-figure-") as place:
        folder = write_report(Path(place) / "figure", report)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, f"{report.name}/{path.relative_to(folder)}")
    return packed.getvalue()


def _number(name: str, text: str) -> object:
    """A number where the text is a finite one; else the text, which the plan refuses with its own words."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if not math.isfinite(number):
            break
        if name in MOST and number > MOST[name]:
            raise PlanError(f"{name}={text[:20]} is above {MOST[name]}.", remedy=f"use {MOST[name]} or less")
        return number
    return text
