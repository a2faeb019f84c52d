"""What a bench found, as text, Markdown, HTML that needs no network, CSV and JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import write_whole
from vasari.tasks.benchmark.machine import in_words
from vasari.tasks.benchmark.running import Row
from vasari.tasks.benchmark.summary import Estimate
from vasari.tasks.benchmark.tables import Table, csv_text
from vasari.tasks.evaluate.outcome import plain
from vasari.tasks.training_page_style import STYLE

ESTIMATE_HEAD = ("method", "grouped by", "group", "metric", "value", "low", "high", "photos", "cases")


@dataclass(frozen=True)
class Report:
    """A run of a bench: its name, the command that repeats it, protocols by name, tables, notes, and all numbers.

    `facts` hold Vasari's version, the date, the machine and the plan. `figures`: files beside the
    report by name, of which SVG is shown on the page. `failed`: (method, picture, why).
    """

    bench: str
    title: str
    command: str
    facts: Mapping[str, Any]
    protocol: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    rows: tuple[Row, ...] = ()
    failed: tuple[tuple[str, str, str], ...] = ()
    figures: tuple[tuple[str, bytes], ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return plain(
            {
                "bench": self.bench,
                "command": self.command,
                "facts": dict(self.facts),
                "protocol": dict(self.protocol),
                "estimates": [{**asdict(one), "group": list(one.group)} for one in self.estimates],
                "values": dict(self.values),
                "notes": list(self.notes),
                "failed": [{"method": m, "name": n, "reason": why} for m, n, why in self.failed],
            }
        )


def text(report: Report) -> str:
    """For a terminal."""
    parts = [f"{report.title}", *(one.text() for one in report.tables), *(f"Note: {one}" for one in report.notes)]
    parts += [f"Not scored ({method}): {name}: {why}" for method, name, why in report.failed]
    parts += ["\n".join(f"{name}: {told}" for name, told in report.protocol), told_facts(report)]
    return "\n\n".join(parts)


def section(report: Report) -> str:
    """The body as Markdown, without a heading: command, protocol, tables, notes; no path of this machine."""
    protocol = "\n".join(f"- {name}: {told}" for name, told in report.protocol)
    parts = [f"```console\n{report.command}\n```", f"{told_facts(report)}\n\n{protocol}"]
    parts += [one.markdown() for one in report.tables]
    notes = [f"- {one}" for one in report.notes]
    notes += [f"- {method}: {name} was not scored: {why}" for method, name, why in report.failed]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])]) + "\n"


def page(report: Report) -> str:
    """One page of HTML; figures inside, nothing from elsewhere."""
    title = html.escape(report.title)
    body = [f"<h1>{title}</h1><p>{html.escape(told_facts(report))}</p><pre>{html.escape(report.command)}</pre>"]
    body += [
        f'<figure aria-label="{html.escape(name)}">{_svg(data)}</figure>'
        for name, data in report.figures
        if name.endswith(".svg")
    ]
    body += [one.to_html() for one in report.tables]
    body.append(Table("Protocol", ("what", "how"), report.protocol).to_html())
    if report.notes:
        body.append(f"<h2>Notes</h2>{''.join(f'<p>{html.escape(one)}</p>' for one in report.notes)}")
    if report.failed:
        body.append(Table("Not scored", ("method", "picture", "why"), report.failed).to_html())
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title}</title><style>{STYLE}</style>'
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body><main>{"".join(body)}</main></body></html>\n'


def write_report(report: Report, folder: Path) -> Path:
    """report.html, report.md, report.json, scores.csv, pictures.csv and the figures; the page's path."""
    found = [[one.method, *one.group, *list(asdict(one).values())[2:]] for one in report.estimates]
    write_whole(folder / "scores.csv", csv_text(ESTIMATE_HEAD, found).encode())
    if report.rows:
        write_whole(folder / "pictures.csv", _pictures(report.rows).encode())
    for name, data in report.figures:
        write_whole(folder / name, data)
    write_whole(folder / "report.md", f"# {report.title}\n\n{section(report)}".encode())
    told = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
    write_whole(folder / "report.json", f"{told}\n".encode())
    return write_whole(folder / "report.html", page(report).encode())


def told_facts(report: Report) -> str:
    """Version, date and machine in a line."""
    facts = report.facts
    return f"Vasari {facts['vasari']}, {str(facts['date'])[:10]}; {in_words(facts['machine'])}; intervals of 95 %."


def _svg(data: bytes) -> str:
    """The drawing without what stands before it in a file."""
    told = data.decode()
    return told[told.index("<svg") :]


def _pictures(rows: Sequence[Row]) -> str:
    """A row for every case of every method, unrounded."""
    groups = list(dict.fromkeys(key for row in rows for key in row.groups))
    metrics = list(dict.fromkeys(key for row in rows for key in row.scores or {}))
    lines = [
        [row.method, row.case, row.photo, *(row.groups.get(key, "") for key in groups),
         *((row.scores or {}).get(key, float("nan")) for key in metrics), row.failed]
        for row in rows
    ]  # fmt: skip
    return csv_text(["method", "case", "photo", *groups, *metrics, "failed"], lines)
