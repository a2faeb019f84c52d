"""Drawings of a sweep as SVG that stands alone: two axes as a map, an axis's effects with their intervals.

Pure functions from numbers to text; colors for light and dark are in the drawing, so that a page and a file show the
same.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from vasari.tasks.sweep.analysis import ValueScore

CELL_WIDTH, CELL_HEIGHT, LEFT, TOP = 74, 30, 104, 44
FOREST_WIDTH, FOREST_ROW, FOREST_LEFT = 460, 24, 104
LETTER = 6.2  # width of a sign, about
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24211e}.faint{fill:#6d665f}.line{stroke:#6d665f;stroke-width:1}"
    ".bar{stroke:#1f6fb2;stroke-width:2}.dot{fill:#1f6fb2}.none{fill:none;stroke:#6d665f;stroke-dasharray:2 3}"
    "@media (prefers-color-scheme:dark){.page{fill:#ebe6e0}.faint{fill:#a59d95}.line,.none{stroke:#a59d95}"
    ".bar{stroke:#6db5f2}.dot{fill:#6db5f2}}"
)

Cells = Mapping[tuple[str, str], tuple[float, int, int]]


def number(value: float) -> str:
    """Four digits; "—" where there is none."""
    if math.isnan(value):
        return "—"
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:.1e}"


def heat_map(title: str, rows: Sequence[str], columns: Sequence[str], cells: Cells, sign: float) -> str:
    """Means by two axes, darker where they are better (by rank, so that one outlier does not blind the rest).

    A cell also tells how many of its runs ended without a number ("2✗").
    """
    finite = sorted({mean for mean, count, _ in cells.values() if count}, key=lambda one: sign * one)
    shares = {value: place / max(1, len(finite) - 1) for place, value in enumerate(finite)}
    left = max(LEFT, max((len(row) for row in rows), default=0) * LETTER + 14)
    width, height = left + CELL_WIDTH * len(columns) + 4, TOP + CELL_HEIGHT * len(rows) + 4
    parts = [_text(4, 14, title, "page")]
    parts += [_text(left + CELL_WIDTH * (at + 0.5), TOP - 8, one, "faint", "middle") for at, one in enumerate(columns)]
    for down, row in enumerate(rows):
        y = TOP + CELL_HEIGHT * down
        parts.append(_text(left - 8, y + 19, row, "faint", "end"))
        for across, column in enumerate(columns):
            x = left + CELL_WIDTH * across
            mean, count, lost = cells.get((row, column), (math.nan, 0, 0))
            parts.append(_cell(x, y, mean, count, lost, shares.get(mean, 0.0)))
    return _svg(title, width, height, parts)


def forest(title: str, values: Sequence[ValueScore], note: str) -> str:
    """The matched differences of an axis's values to its best one, with intervals of 95 %; the best is at 0."""
    shown = [one for one in values if one.runs]
    ends = [0.0]
    for one in shown:
        ends += [end for end in (one.difference, one.interval.low, one.interval.high) if math.isfinite(end)]
    low, high = min(ends), max(ends)
    margin = (high - low) * 0.06 or 1.0
    low, high = low - margin, high + margin
    left = max(FOREST_LEFT, max((len(one.label) for one in shown), default=0) * LETTER + 14)

    def place(value: float) -> float:
        return round(left + (value - low) / (high - low) * (FOREST_WIDTH - left - 8), 1)

    bottom = TOP + FOREST_ROW * len(shown)
    parts = [_text(4, 14, title, "page"), _text(4, 31, note, "faint")]
    parts.append(f'<path class="line" stroke-dasharray="2 3" d="M{place(0.0)} {TOP - 4}V{bottom}"/>')
    for row, one in enumerate(shown):
        y = TOP + FOREST_ROW * row + 10
        parts.append(_text(left - 8, y + 4, one.label, "faint", "end"))
        difference = 0.0 if math.isnan(one.difference) else one.difference
        if math.isfinite(one.interval.low):
            parts.append(f'<path class="bar" d="M{place(one.interval.low)} {y}H{place(one.interval.high)}"/>')
        told = html.escape(f"{one.label}: {number(difference)}, p (Holm) {number(one.adjusted)}, {one.pairs} pairs")
        parts.append(f'<circle class="dot" cx="{place(difference)}" cy="{y}" r="4"><title>{told}</title></circle>')
    parts.append(_text(left, bottom + 14, number(low), "faint"))
    parts.append(_text(FOREST_WIDTH - 8, bottom + 14, number(high), "faint", "end"))
    return _svg(title, FOREST_WIDTH, bottom + 20, parts)


def _cell(x: float, y: float, mean: float, count: int, lost: int, share: float) -> str:
    middle = x + CELL_WIDTH / 2
    if not count:
        words = f"{lost}✗" if lost else ""
        frame = f'<rect class="none" x="{x + 1:g}" y="{y + 1}" width="{CELL_WIDTH - 2}" height="{CELL_HEIGHT - 2}"/>'
        return frame + _text(middle, y + 19, words, "faint", "middle")
    # From nearly white to a deep blue, whose lightness falls evenly: readable in print and to the color blind.
    red, green, blue = (round(a + share * (b - a)) for a, b in ((238, 31), (242, 88), (247, 140)))
    ink = "#ffffff" if share > 0.55 else "#24211e"
    words = number(mean) + (f" {lost}✗" if lost else "")
    return (
        f'<rect x="{x + 1:g}" y="{y + 1}" width="{CELL_WIDTH - 2}" height="{CELL_HEIGHT - 2}" '
        f'fill="rgb({red},{green},{blue})"/>'
        f'<text x="{middle:g}" y="{y + 19}" text-anchor="middle" style="fill:{ink}">{words}</text>'
    )


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{html.escape(words)}</text>'


def _svg(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    label = html.escape(title, quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">'
        f"<style>{STYLE}</style>{''.join(parts)}</svg>"
    )
