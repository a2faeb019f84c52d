"""`vasari archive trends`: what changed in this collection, when, and how sure one can be."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.archive.trends.plan import TrendPlan
from vasari.foundation.errors import ExitCode


@with_plan(TrendPlan)
def trends(
    *measures: Annotated[str, Parameter(help="what to follow: lightness_mean, colorfulness ...; several may be given")],
    query: Annotated[str, Parameter(help='of which works, e.g. "medium ~ oil and 1800/1900"')] = "",
    compare: Annotated[
        tuple[str, ...], Parameter(help='a group as QUERY or "NAME: QUERY"; give it twice', negative=())
    ] = (),
    shares: Annotated[str, Parameter(help="follow the shares of a field: style, genre, school, medium ...")] = "",
    most_classes: Annotated[int, Parameter(help="classes shown by themselves; the rest are (others)")] = 7,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="a new folder for figures and data")] = None,
    overwrite: Annotated[bool, Parameter(help="write into a folder that holds something", negative=())] = False,
    assume: Annotated[
        tuple[str, ...], Parameter(help="another convention of dates, e.g. circa_years=10", negative=())
    ] = (),
    archive: ArchiveFolder = None,
    json: JSON = False,
    plan: TrendPlan,
) -> int:
    """Follow what was measured, or the shares of a field, through time: bands, change points, comparisons."""
    with open_archive(archive) as opened, opened.reading() as connection:
        from vasari.archive.figures.folder import check_folder, write_report
        from vasari.archive.reporting import Question, answers, assumed

        question = Question(query, measures, compare, shares, most_classes)
        folders = _folders(output, measures)
        for folder in folders:
            check_folder(folder, overwrite=overwrite)
        reports = answers(connection, question, plan, assumed(assume))
        for folder, report in zip(folders, reports):
            write_report(folder, report, overwrite=overwrite)
    if json:
        print(json_text.dumps([report.data for report in reports], ensure_ascii=True))
        return ExitCode.DONE
    for report in reports:
        print(printable("\n".join(_told(report.data))))
    if output:
        print(printable(f"Figures and data are in {output}."))
    return ExitCode.DONE


def _folders(output: Path | None, measures: tuple[str, ...]) -> list[Path]:
    """Where each report goes: of several measures each has a folder of its own."""
    if output is None:
        return []
    names = dict.fromkeys(measures)
    return [output / name for name in names] if len(names) > 1 else [output]


def _told(data: Mapping[str, Any]) -> list[str]:
    """A report in words: what it rests on, the table of periods or of classes, and the cards of change points."""
    lines = [f"{data['title']} ({data['axis']}), in this collection" + (f": {data['query']}" if data["query"] else "")]
    if data["kind"] == "shares":
        return lines + _shares_told(data)
    if data["kind"] == "comparison":
        low, high, p = data["low"], data["high"], _p(data["p"])
        names = " less ".join(one["name"] for one in data["series"][:2])
        return [*lines, f"  {names}: {data['overall']:+.4g} ({low:+.4g} to {high:+.4g}), p {p}"]
    line = data["line"]
    lines.append(
        f"  {data['works']} works by {data['artists']} artists; left out: {data['undated']} undated, "
        f"{data['unmeasured']} unmeasured"
    )
    for row in data["periods"]:
        if not row["blank"]:
            ground = f"{row['works']:7.1f} works {row['artists']:6.1f} artists"
            mean = f"{row['mean']:9.4g}  ({row['low']:.4g} to {row['high']:.4g})"
            lines.append(f"  {row['begin']:6}-{row['end']:<6} {ground}  {mean}")
    blank = sum(row["blank"] for row in data["periods"])
    lines += [f"  {blank} periods have too few artists and are left blank"] if blank else []
    per_decade = f"{line['per_decade']:+.3g} ({line['low']:+.3g} to {line['high']:+.3g})"
    lines.append(f"  straight line: {per_decade} a decade, p {_p(line['p'])}")
    for change in data["changes"]:
        drivers = ", ".join(one["artist"] for one in change["drivers"][:3])
        lines.append(
            f"  change in {change['year']} ({change['earliest']} to {change['latest']}): {change['effect']:+.4g}, "
            f"{change['effect_sd']:+.2f} sd, p {_p(change['p'])}, in {change['stability']:.0%} of draws; {drivers}"
        )
    return lines if data["changes"] else [*lines, "  no change point holds"]


def _shares_told(data: Mapping[str, Any]) -> list[str]:
    """The share of each class in the first and the last year that are not blank."""
    lines = []
    for one in data["series"]:
        known = [row for row, value in enumerate(one["estimate"]) if value is not None]
        ends = [f"{one['years'][row]}: {one['estimate'][row]:.1%}" for row in (known[0], known[-1])] if known else []
        lines.append(f"  {one['name']}: {' -> '.join(ends) or 'no year has enough artists'}")
    return lines


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
