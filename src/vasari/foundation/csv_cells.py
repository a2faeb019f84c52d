"""Texts in cells of CSV files that people open with a spreadsheet, which runs what begins like a formula."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def inert(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would run; numbers and everything else as they are.

    Source: OWASP, "CSV Injection". `meant` takes the apostrophe away again.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def meant(cell: str) -> str:
    """The text of a cell that `inert` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
