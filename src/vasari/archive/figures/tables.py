"""Figures as plain data: rows for CSV, and one JSON object that the page and other programs read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from vasari.archive.figures.looks import Labels
from vasari.archive.trends.changes import Changes
from vasari.archive.trends.curves import Curve, Period, Trend
from vasari.archive.trends.groups import Comparison
from vasari.archive.trends.shares import Shares

Table = Mapping[str, Any]


def trend_data(found: Trend, changes: Changes | None, labels: Labels) -> dict[str, Any]:
    """A trend as JSON: series with bands, cards of the changes that hold, and the periods' table."""
    loess = {**_series("LOESS", found.loess), "dashed": True}
    return {
        **_head("trend", labels),
        "series": [_series("moving average", found.moving_average), loess],
        "line": asdict(found.line),
        "changes": [asdict(point) for point in changes.points] if changes else None,
        "line_fits_better": changes.line_fits_better if changes else None,
        "periods": period_rows(found.periods),
        "works": found.works,
        "artists": found.artists,
        "undated": found.undated,
        "unmeasured": found.unmeasured,
        "unattributed": found.unattributed,
    }


def comparison_data(found: Comparison, labels: Labels) -> dict[str, Any]:
    """Two groups as JSON: their series and the difference's."""
    named = [*zip(found.groups, found.curves), ("difference", found.difference)]
    return {
        **_head("comparison", labels),
        "series": [_series(name, curve) for name, curve in named],
        "overall": found.overall,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "shared_periods": found.shared_periods,
    }


def shares_data(found: Shares, labels: Labels) -> dict[str, Any]:
    """Shares of classes over time as JSON."""
    rows = zip(found.classes, found.share, found.low, found.high)
    series = [_series(name, Curve(found.years, *values)) for name, *values in rows]
    return {**_head("shares", labels), "series": series}


def series_rows(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The series of a figure as rows: series, year (astronomical), estimate, low, high; blank years are left out."""
    return [
        {"series": one["name"], "year": year, "estimate": value, "low": low, "high": high}
        for one in data["series"]
        for year, value, low, high in zip(one["years"], one["estimate"], one["low"], one["high"])
        if value is not None
    ]


def period_rows(periods: Iterable[Period]) -> list[dict[str, Any]]:
    """The table under a trend; values of blank periods are None."""
    return [
        {name: _plain(value) for name, value in asdict(period).items()} | {"blank": period.blank} for period in periods
    ]


def _head(kind: str, labels: Labels) -> dict[str, Any]:
    return {"kind": kind, "title": labels.title, "axis": labels.axis, "query": labels.query}


def _series(name: str, curve: Curve) -> dict[str, Any]:
    columns = ("years", "estimate", "low", "high")
    return {"name": name, **{column: [_plain(one) for one in getattr(curve, column)] for column in columns}}


def _plain(value: float | np.generic) -> float | int | None:
    """A number that JSON holds: None for what is not finite, whole numbers whole."""
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, int):
        return number
    return float(f"{number:.7g}") if math.isfinite(number) else None
