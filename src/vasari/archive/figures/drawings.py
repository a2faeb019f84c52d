"""Trends, shares and comparisons as figures, each with what it rests on under it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vasari.archive.figures.looks import FAINT, HUES, INK, Labels, blank, headed, year_words
from vasari.archive.trends.changes import ChangePoint, Changes
from vasari.archive.trends.curves import Curve, Period, Trend
from vasari.archive.trends.groups import Comparison
from vasari.archive.trends.shares import Shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def trend_figure(found: Trend, changes: Changes | None, labels: Labels, confidence: float = 0.95) -> Figure:
    """The moving average with its band, LOESS, change points where they hold, and the artists behind each period."""
    figure, (upper, lower) = blank((4.0, 1.0), height=5.2)
    headed(upper, labels)
    _band(upper, found.moving_average, HUES[0], f"moving average, {confidence:.0%} band")
    loess = found.loess
    upper.plot(loess.years, loess.estimate, color=HUES[1], linewidth=1.3, linestyle=(0, (5, 2)), label="LOESS")
    for number, change in enumerate(changes.points if changes else ()):
        _mark(upper, change, number)
    upper.legend(loc="best", frameon=False, fontsize=8.5)
    _ground(lower, found.periods)
    figure.supxlabel(_stands_on(found, changes), fontsize=8, color=FAINT, x=0.01, ha="left")
    return figure


def shares_figure(found: Shares, labels: Labels) -> Figure:
    """Each class's share over time, stacked; years with too few artists are left blank."""
    figure, (axes,) = blank()
    headed(axes, labels)
    known = np.isfinite(found.share).all(0)
    shown = np.where(known, found.share, 0.0)
    floor = np.zeros(shown.shape[1])
    for row, name in enumerate(found.classes):
        color, hatch = HUES[row % len(HUES)], "" if row < len(HUES) else "///"
        axes.fill_between(
            found.years, floor, floor + shown[row], where=known, color=color, alpha=0.85, hatch=hatch,
            edgecolor="white", linewidth=0.6, label=name,
        )  # fmt: skip
        floor = floor + shown[row]
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], names[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8.5)
    return figure


def comparison_figure(found: Comparison, labels: Labels) -> Figure:
    """Two groups with their bands, and under them their difference."""
    figure, (upper, lower) = blank((3.0, 2.0), height=5.6)
    headed(upper, labels)
    for curve, name, color in zip(found.curves, found.groups, HUES):
        _band(upper, curve, color, name)
    upper.legend(loc="best", frameon=False, fontsize=8.5)
    _band(lower, found.difference, INK, "")
    lower.axhline(0, color=FAINT, linewidth=0.9)
    lower.set_ylabel("difference")
    words = (
        f"{found.groups[0]} less {found.groups[1]}: {found.overall:+.3g} ({found.low:+.3g} to {found.high:+.3g}), "
        f"p {p_words(found.p)}, over {found.shared_periods} periods that both have."
    )
    figure.supxlabel(words, fontsize=8, color=FAINT, x=0.01, ha="left")
    return figure


def p_words(p: float) -> str:
    """A p as papers write it."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _band(axes: Axes, curve: Curve, color: str, label: str) -> None:
    axes.fill_between(curve.years, curve.low, curve.high, color=color, alpha=0.18, linewidth=0)
    axes.plot(curve.years, curve.estimate, color=color, linewidth=1.9, label=label or None)


def _mark(axes: Axes, change: ChangePoint, number: int) -> None:
    axes.axvspan(change.earliest, change.latest + 1, color=HUES[3], alpha=0.16, linewidth=0)
    axes.axvline(change.year, color=HUES[3], linewidth=1.4)
    axes.annotate(
        f"{year_words(change.year)}: {change.effect:+.3g}\np {p_words(change.p)}", (change.year, 0.98),
        xycoords=("data", "axes fraction"), xytext=(4, -11 * (number % 3)), textcoords="offset points",
        va="top", fontsize=8, color=INK,
    )  # fmt: skip


def _ground(axes: Axes, periods: Sequence[Period]) -> None:
    """Artists per period as bars; those with too few are pale."""
    begins = [period.begin for period in periods]
    widths = [period.end + 1 - period.begin for period in periods]
    colors = ["#d5d8dd" if period.blank else FAINT for period in periods]
    axes.bar(begins, [period.artists for period in periods], widths, align="edge", color=colors, linewidth=0)
    axes.set_ylabel("artists")


def _stands_on(found: Trend, changes: Changes | None) -> str:
    line = found.line
    words = (
        f"{found.works:,} works, {found.artists:,} artists; left out: {found.undated:,} undated, "
        f"{found.unmeasured:,} unmeasured. Straight line: {line.per_decade:+.3g} a decade "
        f"({line.low:+.3g} to {line.high:+.3g}), p {p_words(line.p)}."
    )
    if changes is not None and not changes.points:
        words += " No change point holds."
    elif changes is not None and changes.line_fits_better:
        words += " A straight line fits better than steps."
    return words
