"""What the words of a date text can mean, whatever their language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Sign(Enum):
    """The meaning of one word, figure or mark."""

    YEAR = auto()  # value: the year
    DECADE = auto()  # value: its first year
    DECADE_OF = auto()  # value: 30 in "the thirties"; the century is told elsewhere
    CENTURY = auto()  # value: its number
    MILLENNIUM = auto()  # value: its number
    PERIOD = auto()  # value: row of the table of periods
    NUMBER = auto()  # a figure of one or two digits
    ORDINAL = auto()  # 3 in "third"
    ROMAN = auto()
    LAST = auto()  # "last quarter"
    HALF = auto()
    QUARTER = auto()
    THIRD = auto()
    DECADE_WORD = auto()
    CENTURY_WORD = auto()
    MILLENNIUM_WORD = auto()
    YEAR_WORD = auto()
    DECADE_PREFIX = auto()  # "années 1890", "anni '30"
    WEAK_CENTURY = auto()  # "в", "s": a century beside a figure, else nothing
    WEAK_HALF = auto()  # "H." in "1. H. 19. Jh."
    CYCLE = auto()  # year of the Chinese cycle of sixty, 0-59
    PART = auto()  # value: one of PARTS
    FRACTION = auto()  # value: 10 k + n, the k-th of n equal parts (k = 9: the last)
    TURN = auto()
    CIRCA = auto()
    UNCERTAIN = auto()
    BEFORE = auto()  # the year itself excluded
    AFTER = auto()
    NOT_AFTER = auto()  # the year itself included
    NOT_BEFORE = auto()
    LATER = auto()  # "or later"
    EARLIER = auto()
    BCE = auto()
    CE = auto()
    BETWEEN = auto()  # opens a span; value 1: "from 1890" alone is "not before"
    TO = auto()  # value 1: "until 1890" alone is "not after"; 2: "before"
    AND = auto()
    OR = auto()
    SLASH = auto()
    COMMA = auto()
    OPEN = auto()  # a bracket
    CLOSE = auto()
    ASIDE = auto()  # an event that leaves the date of making alone: printed, cast, exhibited
    EXTENDS = auto()  # an event that goes on with the making: reworked, completed
    MAIN = auto()  # the making itself: original, model
    MONTH = auto()
    UNKNOWN = auto()
    FILLER = auto()
    WORD = auto()  # not understood


PARTS = ("early", "middle", "late", "beginning", "end")
EARLY, MIDDLE, LATE, BEGINNING, END = range(5)

CORES = (Sign.YEAR, Sign.DECADE, Sign.CENTURY, Sign.MILLENNIUM, Sign.PERIOD)
LINKS = (Sign.TO, Sign.AND, Sign.OR, Sign.SLASH)
EVENTS = (Sign.ASIDE, Sign.EXTENDS, Sign.MAIN)

Meaning = tuple[Sign, int]
Words = dict[Meaning, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Token:
    """A word, figure or mark with its meaning; `languages` are those that know the word.

    `follows` marks a word that belongs to what stands before it ("1900年以前"); `digits` is the length of a
    figure.
    """

    sign: Sign
    value: int = 0
    text: str = ""
    languages: tuple[str, ...] = ()
    follows: bool = False
    digits: int = 0
