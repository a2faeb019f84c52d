"""A figure with all that it rests on, as one folder from which it can be made again."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vasari.archive.figures.looks import drawn
from vasari.archive.figures.tables import series_rows
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.csv_cells import inert
from vasari.foundation.errors import WriteError
from vasari.foundation.version import VERSION

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Report:
    """What a figure shows, and what made it; it is drawn, and its works are gathered, when they are asked for."""

    name: str
    figure: Callable[[], Figure]
    data: Mapping[str, Any]
    works: Callable[[], Sequence[Mapping[str, Any]]]
    asked: Mapping[str, Any]
    command: str


def write_report(folder: Path, report: Report, *, overwrite: bool = False) -> Path:
    """Write figure.svg, .png, .html, series.csv, periods.csv, works.csv, data.json, asked.json and README.txt.

    Raises `WriteError` for a folder that holds something already, unless `overwrite`.
    """
    check_folder(folder, overwrite=overwrite)
    for name, content in _contents(report).items():
        write_whole(folder / name, content)
    return folder


def check_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Raise `WriteError` where `write_report` would: before an answer is computed that could not be written."""
    if folder.exists() and not (folder.is_dir() and (overwrite or not any(folder.iterdir()))):
        raise WriteError(f"{folder} is there already.", remedy="choose a new folder, or give --overwrite")


def page(data: Mapping[str, Any]) -> str:
    """The figure as one HTML page that asks nothing of the network: series to switch, years to read, cards, a table."""
    template = files("vasari.archive.figures").joinpath("page.html").read_text(encoding="utf-8")
    embedded = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return template.replace("@TITLE@", html.escape(str(data["title"]))).replace("@DATA@", embedded)


def _contents(report: Report) -> dict[str, bytes]:
    figure = report.figure()
    contents = {
        "figure.svg": drawn(figure, "svg"),
        "figure.png": drawn(figure, "png"),
        "figure.html": page(report.data).encode(),
        "series.csv": _csv(series_rows(report.data)),
        "works.csv": _csv(report.works()),
        "data.json": _json(report.data),
        "asked.json": _json(report.asked),
    }
    if report.data.get("periods"):
        contents["periods.csv"] = _csv(report.data["periods"])
    return contents | {"README.txt": _readme(report, sorted(contents)).encode()}


def _readme(report: Report, names: Sequence[str]) -> str:
    return (
        f"{report.data['title']}: {report.data['axis']}, in this collection.\n\n"
        f"Made by Vasari {VERSION}. The same archive, seed and version give the same figure again:\n\n"
        f"    {report.command}\n\nwith the options of asked.json. Files: {', '.join(names)}.\n"
        "works.csv holds every work behind the figure with its years and value. Years are astronomical: 0 is 1 BC.\n"
    )


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    file = io.StringIO(newline="")
    if rows:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(
            {name: inert(one) if isinstance(one, str) else one for name, one in row.items()} for row in rows
        )
    return file.getvalue().encode()


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
