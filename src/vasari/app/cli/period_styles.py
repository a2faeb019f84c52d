"""`vasari stylize --style-of QUERY`: an archive's works become a style; and a walk from one year to another."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.stylize.stylize_plan import HEAVIEST, StylizePlan

if TYPE_CHECKING:
    from vasari.archive.periods import PeriodStyle
    from vasari.archive.store import Archive

FOLDER = "styles"
STYLE_OF_HELP = "QUERY[:WEIGHT]: the works of an archive that it finds, each artist counting equally"
_WEIGHT = re.compile(r"^(?P<query>.*?)(?::(?P<weight>\d+(?:\.\d+)?))?$", re.DOTALL)


@Parameter(name="*")
@dataclass(frozen=True)
class Periods:
    """What an archive gives to stylizing: styles of its works, or a walk through its time."""

    style_of: Annotated[list[str], Parameter(help=STYLE_OF_HELP)] = field(default_factory=list)
    archive: ArchiveFolder = None
    from_year: Annotated[int | None, Parameter(help="walk through the archive's time, each year into DIR/YEAR")] = None
    to_year: Annotated[int | None, Parameter(help="the last year of the walk")] = None
    steps: Annotated[int, Parameter(help="years that the walk stops at")] = 6
    window_years: Annotated[int, Parameter(help="works of so many years make the style of each")] = 50

    @property
    def walks(self) -> bool:
        """Whether a walk is asked for; raises `PlanError` for one that is none."""
        if self.from_year is None and self.to_year is None:
            return False
        if self.from_year is None or self.to_year is None:
            raise PlanError("A walk needs two years.", remedy="give --from-year and --to-year")
        if not 2 <= self.steps <= 100 or not 1 <= self.window_years <= 1000 or self.from_year == self.to_year:
            raise PlanError(
                f"{self.from_year} to {self.to_year} in {self.steps} steps of {self.window_years} years is no walk.",
                remedy="give two different years, 2 to 100 steps, and 1 to 1000 years",
            )
        return True

    @property
    def years(self) -> tuple[int, ...]:
        """The years of the steps, both ends included."""
        first, last = self.from_year or 0, self.to_year or 0
        stops = (first + round((last - first) * step / (self.steps - 1)) for step in range(self.steps))
        return tuple(dict.fromkeys(stops))


def with_periods(plan: StylizePlan, periods: Periods) -> StylizePlan:
    """The plan with a style more for each QUERY[:WEIGHT], made of the archive's works and kept in its folder."""
    if not periods.style_of:
        return plan
    with open_archive(periods.archive) as opened:
        from vasari.archive.features.coding import Coder
        from vasari.archive.periods import period_style

        coder = Coder.of(plan.encoder, device="cpu")
        with opened.reading() as connection:
            asked = [_weighted(text) for text in periods.style_of]
            found = [(period_style(connection, query, coder), weight) for query, weight in asked]
        texts = [f"{_kept(opened, style)}:{weight:g}" for style, weight in found]
    return replace(plan, style=(*plan.style, *texts))


def walked(plan: StylizePlan, periods: Periods, run: Callable[[StylizePlan, int], int]) -> int:
    """Call `run(plan, year)` for the style of each year of a walk; the worst exit code."""
    if plan.style or plan.mask or len(periods.style_of) > 1:
        raise PlanError(
            "A walk through time takes its styles from the archive alone.",
            remedy="leave --style and --mask out, and give one --style-of at most",
        )
    with open_archive(periods.archive) as opened:
        from vasari.archive.features.coding import Coder
        from vasari.archive.periods import walk_styles

        coder = Coder.of(plan.encoder, device="cpu")
        with opened.reading() as connection:
            styles = walk_styles(connection, "".join(periods.style_of), periods.years, periods.window_years, coder)
        files = {year: _kept(opened, style) for year, style in styles.items()}
    codes = [run(replace(plan, style=(f"{file}:1",)), year) for year, file in files.items()]
    return max(codes, default=ExitCode.DONE)


def _weighted(text: str) -> tuple[str, float]:
    """The query and the weight of QUERY[:WEIGHT]; raises `PlanError` for a weight out of range."""
    match = _WEIGHT.match(text)
    if match is None or not match["query"].strip():
        raise PlanError(f"--style-of {text!r} holds no query.", remedy="write --style-of \"artist='Monet'\"")
    weight = float(match["weight"] or 1)
    if not 0 < weight <= HEAVIEST:
        raise PlanError(f"The weight {weight:g} is not above 0.", remedy=f"give a weight up to {HEAVIEST:g}")
    return match["query"], weight


def _kept(archive: Archive, style: PeriodStyle) -> Path:
    """The style's file in the archive's folder; the same works make the same file."""
    works = "\n".join((style.code.encoder, style.query, *style.keys))
    slug = re.sub(r"[^a-z0-9]+", "-", style.query.lower()).strip("-")[:40] or "all"
    path = archive.folder / FOLDER / f"{slug}-{hashlib.sha256(works.encode()).hexdigest()[:12]}.safetensors"
    return style.save(path.resolve())
