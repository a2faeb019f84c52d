"""A table as text, Markdown, HTML and CSV."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A title, the heads of its columns, and rows of cells as they are to be read."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def text(self) -> str:
        """Columns for a terminal."""
        plain = [[cell.replace("**", "").replace("`", "") for cell in row] for row in (self.head, *self.rows)]
        widths = [max(len(row[column]) for row in plain) for column in range(len(self.head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in plain]
        return "\n".join([self.title, *lines])

    def markdown(self) -> str:
        """A table of Markdown, its title a paragraph before it."""
        lines = [self.head, ("---",) * len(self.head), *self.rows]
        piped = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        return f"{self.title}\n\n{piped}"

    def to_html(self) -> str:
        """A heading and a table."""
        top = "".join(f"<th>{_escaped(cell)}</th>" for cell in self.head)
        lines = "".join("<tr>" + "".join(f"<td>{_escaped(cell)}</td>" for cell in row) + "</tr>" for row in self.rows)
        return f"<h2>{_escaped(self.title)}</h2><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def csv_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows of CSV; floats unrounded, nan empty."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_exact(cell) for cell in row])
    return buffer.getvalue()


def fixed(value: float, digits: int, sign: bool = False) -> str:
    """A number with so many digits after the point; "—" for none."""
    if not math.isfinite(value):
        return "—" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    return f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"


def with_interval(value: float, low: float, high: float, digits: int, sign: bool = False) -> str:
    """A number with its interval in brackets, where it has one."""
    told = fixed(value, digits, sign)
    if math.isnan(low) or math.isnan(high):
        return told
    return f"{told} [{fixed(low, digits, sign)}, {fixed(high, digits, sign)}]"


def _exact(cell: object) -> object:
    if isinstance(cell, float):
        return "" if math.isnan(cell) else repr(cell)
    return cell


def _escaped(cell: str) -> str:
    return html.escape(cell.replace("**", "").replace("`", ""))
