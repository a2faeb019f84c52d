"""Spans of years and what conventions make of them: parts of centuries, circa, open ends. Astronomical years."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum, auto

from vasari.archive.dates.dating import Assumptions
from vasari.archive.dates.periods import PERIODS
from vasari.archive.dates.signs import PARTS, Sign, Token

VAST_YEARS = 30  # a span at least so long is a frame that a narrower date is told within


class Shape(Enum):
    """What a span is of."""

    YEAR = auto()
    DECADE = auto()
    CENTURY = auto()
    PERIOD = auto()
    CHOICE = auto()  # one of several years
    SPAN = auto()


@dataclass(frozen=True)
class Span:
    """Years `first`..`last` as stated, both included, None where open; `before` and `after` widen them.

    Years are astronomical here (1 BC is 0). `vague_first` and `vague_last` say that an end is approximate.
    """

    first: int | None
    last: int | None
    shape: Shape
    before: int = 0
    after: int = 0
    vague_first: bool = False
    vague_last: bool = False
    uncertain: bool = False
    choices: tuple[int, ...] = ()
    rule: str = ""

    @property
    def vast(self) -> bool:
        """Whether it is a frame: a century, a reign, or a long span."""
        if self.shape in (Shape.CENTURY, Shape.PERIOD):
            return True
        return self.first is not None and self.last is not None and self.last - self.first >= VAST_YEARS

    @property
    def open(self) -> bool:
        """Whether an end is missing."""
        return self.first is None or self.last is None

    def within(self, other: Span) -> bool:
        """Whether its stated years lie inside those of `other`."""
        if self.first is None or self.last is None or other.first is None or other.last is None:
            return False
        return other.first <= self.first and self.last <= other.last


def of_core(token: Token, bce: bool, assumptions: Assumptions) -> Span:
    """The span of a year, decade, century, millennium or period; `bce` counts it back from Christ."""
    value = token.value
    if token.sign is Sign.YEAR:
        year = 1 - value if bce else value
        return Span(year, year, Shape.YEAR, rule="year")
    if token.sign is Sign.DECADE:
        first = -value - 8 if bce else value
        return Span(first, first + 9, Shape.DECADE, rule="decade")
    if token.sign is Sign.PERIOD:
        period = PERIODS[value]
        return Span(astronomical(period.first), astronomical(period.last), Shape.PERIOD, rule="period")
    length = 100 if token.sign is Sign.CENTURY else 1000
    if bce:  # the 5th century BC is 500-401 BC
        last = -(value - 1) * length
        return Span(last - length + 1, last, Shape.CENTURY, rule="century")
    first = (value - 1) * length + assumptions.century_begins_in
    return Span(max(first, 1), first + length - 1, Shape.CENTURY, rule="century")


def astronomical(year: int) -> int:
    """-664, the catalog's 664 BC, is -663."""
    return year + 1 if year < 0 else year


def historical(year: int) -> int:
    """The opposite of `astronomical`."""
    return year - 1 if year <= 0 else year


def part_of(span: Span, token: Token, assumptions: Assumptions) -> Span:
    """Its early, middle, late, first or last part (vague), or its k-th of n equal parts (exact)."""
    if span.first is None or span.last is None or span.shape is Shape.YEAR:
        return span
    if token.sign is Sign.FRACTION:
        which, count = token.value // 10, token.value % 10 or 10
        which = count if which == 9 and count != 10 else which
        begin, end = (which - 1) / count, which / count
        rule, vague = "part", False
    else:
        begin, end = shares(assumptions, token.value)
        rule, vague = "vague part", True
    length = span.last - span.first + 1
    start = 1 if span.first == 1 and length == 99 else 0  # the first century has no year 0
    first = span.first - start + math.floor((length + start) * begin + 1e-9)
    last = span.first - start + math.ceil((length + start) * end - 1e-9) - 1
    shape = span.shape if span.shape is Shape.PERIOD else Shape.SPAN
    return replace(
        span, first=max(first, span.first), last=last, shape=shape, vague_first=vague, vague_last=vague, rule=rule
    )


def shares(assumptions: Assumptions, part: int) -> tuple[float, float]:
    """Begin and end of a part of `PARTS`, in shares 0..1."""
    table = {
        "early": assumptions.early,
        "middle": assumptions.middle,
        "late": assumptions.late,
        "beginning": assumptions.beginning,
        "end": assumptions.end,
    }
    begin, end = table[PARTS[part]]
    return begin, end


def turn_of(spans: list[Span], assumptions: Assumptions) -> Span:
    """The turn between two centuries, or where one begins."""
    border = max(span.first for span in spans if span.first is not None)
    reach = assumptions.turn_years
    return Span(border - reach, border + reach, Shape.SPAN, vague_first=True, vague_last=True, rule="turn")


def circa(span: Span, assumptions: Assumptions, first: bool = True, last: bool = True) -> Span:
    """The span with one or both ends approximate, and widened by what "about" means for its kind."""
    if span.shape is Shape.DECADE or span.rule in ("part", "vague part"):
        years = assumptions.circa_decade_years
    elif span.shape in (Shape.CENTURY, Shape.PERIOD):
        years = assumptions.circa_century_years
    else:
        years = assumptions.circa_years
    return replace(
        span,
        before=max(span.before, years) if first else span.before,
        after=max(span.after, years) if last else span.after,
        vague_first=span.vague_first or first,
        vague_last=span.vague_last or last,
    )


def opened(span: Span, sign: Sign) -> Span:
    """Before, after, by or from a span: one end is open, the other as the word says."""
    if sign is Sign.BEFORE:
        end = span.first - 1 if span.first is not None else None
        return replace(span, first=None, last=end, after=span.before, shape=Shape.SPAN, rule="before")
    if sign in (Sign.NOT_AFTER, Sign.EARLIER):
        return replace(span, first=None, shape=Shape.SPAN, rule="not after")
    if sign is Sign.AFTER:
        begin = span.last + 1 if span.last is not None else None
        return replace(span, first=begin, last=None, before=span.after, shape=Shape.SPAN, rule="after")
    return replace(span, last=None, shape=Shape.SPAN, rule="not before")


def hull(spans: list[Span], rule: str) -> Span:
    """From the earliest to the latest of several spans; equal ends keep the wider doubt."""
    if len(spans) == 1:
        return spans[0]
    closing = _closing(spans)
    if closing:
        return closing
    firsts = [span for span in spans if span.first is not None]
    lasts = [span for span in spans if span.last is not None]
    opens_first, opens_last = len(firsts) < len(spans), len(lasts) < len(spans)
    low = min(firsts, key=lambda span: (span.first or 0, -span.before), default=None)
    high = max(lasts, key=lambda span: (span.last or 0, span.after), default=None)
    return Span(
        first=None if opens_first or low is None else low.first,
        last=None if opens_last or high is None else high.last,
        shape=Shape.SPAN,
        before=0 if low is None else low.before,
        after=0 if high is None else high.after,
        vague_first=low is not None and low.vague_first,
        vague_last=high is not None and high.vague_last,
        uncertain=any(span.uncertain for span in spans),
        rule=rule,
    )


def _closing(spans: list[Span]) -> Span | None:
    """ "after 1850, before 1870": two open spans that face each other close to one."""
    if len(spans) != 2:
        return None
    ordered = sorted(spans, key=lambda span: span.first is None)
    low, high = ordered
    if low.first is None or low.last is not None or high.last is None or high.first is not None:
        return None
    if low.first > high.last:
        return None
    return replace(
        low,
        last=high.last,
        after=high.after,
        vague_last=high.vague_last,
        uncertain=low.uncertain or high.uncertain,
        shape=Shape.YEAR if low.first == high.last else Shape.SPAN,
        rule="between",
    )


def combined(one: Span, other: Span, rule: str = "several") -> Span:
    """Two statements about one work: the narrower where the wider is a frame around it, else both."""
    if other.within(one) and one.vast:
        return replace(other, uncertain=one.uncertain or other.uncertain)
    if one.within(other) and other.vast:
        return replace(one, uncertain=one.uncertain or other.uncertain)
    if (one.shape is Shape.PERIOD) is not (other.shape is Shape.PERIOD):  # "南宋 十三世纪": both hold
        first, last = max(one.first or 0, other.first or 0), min(one.last or 0, other.last or 0)
        if not (one.open or other.open) and first <= last:
            inner = one if other.shape is Shape.PERIOD else other
            return replace(inner, first=first, last=last, shape=Shape.SPAN, before=0, after=0)
    return hull([one, other], rule)
