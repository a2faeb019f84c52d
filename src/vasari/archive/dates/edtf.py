"""A span of years written in EDTF (ISO 8601-2:2019, levels 1 and 2)."""

from __future__ import annotations

from vasari.archive.dates.spans import Shape, Span

UNKNOWN = "XXXX"


def written(span: Span) -> str:
    """The stated span, before conventions widened it: 1890~, 189X, 1860/1865, ../1499, [1786,1800]."""
    if span.shape is Shape.CHOICE and len(span.choices) > 1:
        return "[" + ",".join(map(year_text, span.choices)) + "]"
    short = _short(span)
    if short:
        return short + _qualifier(span.vague_first or span.vague_last, span.uncertain)
    first = _end(span.first, span.vague_first, span.uncertain)
    last = _end(span.last, span.vague_last, span.uncertain)
    return f"{first}/{last}"


def year_text(year: int) -> str:
    """An astronomical year in four digits, with a sign before 1 BC, with Y beyond four digits."""
    if abs(year) > 9999:
        return f"Y{year}"
    return f"-{-year:04d}" if year < 0 else f"{year:04d}"


def _short(span: Span) -> str | None:
    """A year, or a decade or century with its unspecified digits; None where only an interval says it."""
    if span.first is None or span.last is None:
        return None
    if span.first == span.last:
        return year_text(span.first)
    low, high = year_text(span.first), year_text(span.last)
    if span.first < 0:  # counted back, the earlier year has the larger figures
        low, high = high, low
    for digits in (1, 2):
        if len(low) == len(high) <= 5 and low[:-digits] == high[:-digits] and _whole(low, high, digits):
            return low[:-digits] + "X" * digits
    return None


def _whole(low: str, high: str, digits: int) -> bool:
    return low.endswith("0" * digits) and high.endswith("9" * digits)


def _end(year: int | None, vague: bool, uncertain: bool) -> str:
    return ".." if year is None else year_text(year) + _qualifier(vague, uncertain)


def _qualifier(vague: bool, uncertain: bool) -> str:
    return "%" if vague and uncertain else "~" if vague else "?" if uncertain else ""
