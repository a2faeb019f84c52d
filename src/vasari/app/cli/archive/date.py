"""`vasari archive date`: when an undated scan may have been made."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.progress import printable
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import ExitCode, PlanError, WriteError

if TYPE_CHECKING:
    from vasari.archive.scan_dates import DatedScan


def date(
    scan: Annotated[Path, Parameter(help="a picture whose date is not known")],
    *,
    query: Annotated[str, Parameter(help='lean on these works alone, e.g. "medium ~ albumen"')] = "",
    by: Annotated[str, Parameter(help="resemblance: overall, style or color")] = "overall",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="a figure, .svg or .png")] = None,
    overwrite: Annotated[bool, Parameter(help="replace a figure that is there", negative=())] = False,
    seed: Annotated[int, Parameter(help="of the works on which the estimate is tried")] = 0,
    archive: ArchiveFolder = None,
    json: JSON = False,
) -> int:
    """Tell when a scan may have been made, by the dated works it resembles, and how well such estimates fare here.

    It is a likelihood and no date: nothing is written into the archive.
    """
    if output is not None and output.suffix.lower() not in (".svg", ".png"):
        raise PlanError(f"{output.name} is no figure.", remedy="end the name with .svg or .png")
    if output is not None and output.exists() and not overwrite:
        raise WriteError(f"{output} is there already.", remedy="choose another name, or give --overwrite")
    with open_archive(archive) as opened, opened.reading() as connection:
        from vasari.archive.scan_dates import dated_scan

        found = dated_scan(connection, scan, query, by, seed)
    if output is not None:
        from vasari.archive.figures.estimates import estimate_figure
        from vasari.archive.figures.looks import drawn

        write_whole(output, drawn(estimate_figure(found, scan.name), output.suffix.lower()[1:]))
    if json:
        print(json_text.dumps(found.data(), ensure_ascii=True))
    else:
        print(printable("\n".join(_told(found, scan.name))))
    return ExitCode.DONE


def _told(found: DatedScan, name: str) -> list[str]:
    from vasari.archive.figures.looks import year_words

    def span(share: float) -> str:
        return " and ".join(year_words(year) for year in found.estimate.within(share))

    trial = found.trial
    lines = [
        f"{name}: as likely before as after {year_words(found.estimate.median)}; half of the likelihood lies between "
        f"{span(0.5)}, 90 % between {span(0.9)}.",
        f"Tried on {trial.works} works whose dates are known, their artists hidden: off by {trial.error_years:.0f} "
        f"years in the median, {trial.prior_error_years:.0f} without looking; {trial.held:.0%} of the true years lay "
        f"within 90 %; {trial.gain:.2f} bits gained.",
    ]
    if trial.gain < 0.1:
        lines.append("Here pictures hardly tell their years: this says little more than how the archive is dated.")
    lines.append("Nearest dated works, one an artist:")
    lines += [
        f"  {row['distance']:6.3f}  {', '.join(part for part in (row['artist'], row['title'], row['date']) if part)}"
        for row in found.evidence
    ]
    return lines
