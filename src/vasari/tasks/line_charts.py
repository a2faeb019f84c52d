"""Line charts as inline SVG, colored by the page's style sheet: pure functions from points to text."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 10, 24
COLORS = 6  # classes line-0 ... line-5
DRAWN_AT_MOST = 240  # points of a line: more are averaged
LOGARITHMIC_FROM = 200.0  # largest over smallest value


@dataclass(frozen=True)
class Chart:
    """Lines by name over images seen, pieces given up, vertical `events` (place, kind, words), level `marks`."""

    title: str
    lines: Mapping[str, Points]
    given_up: Sequence[Points] = ()
    events: Sequence[tuple[float, str, str]] = ()
    marks: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Scale:
    """From values to places along an axis of the drawing, in its units; logarithmic where asked."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where `value` lies, kept within the axis."""
        low, high, one = (self._bent(x) for x in (self.low, self.high, value))
        share = (one - low) / (high - low) if high > low else 0.5
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 1)

    def _bent(self, value: float) -> float:
        return math.log10(max(value, 1e-30)) if self.logarithmic else value

    def ticks(self) -> list[float]:
        """Two to seven round values within the axis."""
        if self.logarithmic:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            found = [10.0**power for power in powers][:: max(1, len(powers) // 4)]
            return found if len(found) > 1 else [self.low, self.high]
        return round_values(self.low, self.high)


def round_values(low: float, high: float) -> list[float]:
    """Values 1, 2 or 5 × 10^n apart between `low` and `high`: three to seven of them."""
    if not high > low:
        return [low]
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough * 0.7)
    first = math.ceil(low / step - 1e-9)
    return [count * step for count in range(first, math.floor(high / step + 1e-9) + 1)]


def thinned(points: Points, at_most: int = DRAWN_AT_MOST) -> list[tuple[float, float]]:
    """The finite points; where they are more than `at_most`, means of neighbors."""
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    size = -(-len(finite) // at_most)
    if size <= 1:
        return finite
    groups = [finite[start : start + size] for start in range(0, len(finite), size)]
    return [(sum(x for x, _ in one) / len(one), sum(y for _, y in one) / len(one)) for one in groups]


def figure(chart: Chart) -> str:
    """The chart as an HTML figure: title, last values, SVG, note. A chart without finite points says so."""
    lines = {name: thinned(points) for name, points in chart.lines.items()}
    lines = {name: points for name, points in lines.items() if points}
    title = html.escape(chart.title)
    if not lines:
        return f'<figure class="chart"><h3>{title}</h3><p class="note">No finite values yet.</p></figure>'
    keys = "".join(
        f'<li class="key-{index % COLORS}">{html.escape(name)} <b>{_number(chart_points[-1][1])}</b></li>'
        for index, (name, chart_points) in enumerate((name, chart.lines[name]) for name in lines)
    )
    note = f'<figcaption class="note">{html.escape(chart.note)}</figcaption>' if chart.note else ""
    return f'<figure class="chart"><h3>{title}</h3><ul class="keys">{keys}</ul>{_svg(chart, lines)}{note}</figure>'


def _svg(chart: Chart, lines: Mapping[str, Points]) -> str:
    given_up = [piece for piece in (thinned(points) for points in chart.given_up) if piece]
    everything = [point for points in (*lines.values(), *given_up) for point in points]
    across = Scale(0.0, max((x for x, _ in everything), default=1.0), LEFT, WIDTH - RIGHT)
    upward = _upward([y for _, y in everything], list(chart.marks.values()))
    parts = [_axes(across, upward)]
    for name, value in chart.marks.items():
        y = upward.place(value)
        parts.append(
            f'<path class="mark" d="M{LEFT} {y}H{WIDTH - RIGHT}"><title>{html.escape(name)}</title></path>'
            f'<text class="mark" x="{WIDTH - RIGHT}" y="{y - 3}" text-anchor="end">{html.escape(name)}</text>'
        )
    parts += [f'<path class="given-up" d="{_path(piece, across, upward)}"/>' for piece in given_up]
    for place, kind, words in chart.events:
        x = across.place(place)
        parts.append(
            f'<path class="event {html.escape(kind)}" d="M{x} {TOP}V{HEIGHT - BOTTOM}">'
            f"<title>{html.escape(words)}</title></path>"
        )
    for index, points in enumerate(lines.values()):
        parts.append(f'<path class="line-{index % COLORS}" d="{_path(points, across, upward)}"/>')
    label = html.escape(f"{chart.title}: {', '.join(lines)}")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _upward(values: Sequence[float], marks: Sequence[float]) -> Scale:
    low, high = min((*values, *marks)), max((*values, *marks))
    if low > 0 and high / low > LOGARITHMIC_FROM:
        return Scale(low, high, HEIGHT - BOTTOM, TOP, logarithmic=True)
    if 0 <= low < 0.5 * high:
        low = 0.0
    if high == low:
        margin = abs(high) * 0.1 or 1.0
        low, high = low - margin, high + margin
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def _axes(across: Scale, upward: Scale) -> str:
    parts = []
    for value in upward.ticks():
        y = upward.place(value)
        parts.append(
            f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
            f'<text x="{LEFT - 5}" y="{y + 3.5}" text-anchor="end">{_number(value)}</text>'
        )
    for value in across.ticks():
        x = across.place(value)
        anchor = "end" if x > WIDTH - RIGHT - 12 else "middle"
        parts.append(f'<text x="{x}" y="{HEIGHT - 8}" text-anchor="{anchor}">{_number(value)}</text>')
    return "".join(parts)


def _path(points: Points, across: Scale, upward: Scale) -> str:
    places = [f"{across.place(x)} {upward.place(y)}" for x, y in points]
    # A line of no length is not drawn, one of hardly any is a point.
    return "M" + "L".join(places) + ("h0.1" if len(places) == 1 else "")


def _number(value: float) -> str:
    """Short: 4 digits, thousands and millions by letter."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"
