"""What a date text is read as: an interval of years with its certainty, and the conventions used in reading."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vasari.foundation.plans import check, option


class Kind(StrEnum):
    """What sort of statement a date text makes."""

    EXACT = "exact"  # one year
    CIRCA = "circa"  # about one year or decade
    RANGE = "range"  # from one year to another: spans, decades, centuries, reigns
    BEFORE = "before"  # only the end is known
    AFTER = "after"  # only the beginning is known
    UNKNOWN = "unknown"  # nothing is known, or the text was not understood


@dataclass(frozen=True)
class Assumptions:
    """What vague words mean in years: the one table of conventions, changeable as a whole.

    Parts of a century, decade or reign are pairs of shares (begin, end) of its length.
    """

    circa_years: int = option(5, "how far 'about' reaches on each side of a year or span, in years", minimum=0)
    circa_decade_years: int = option(5, "the same around a decade or a part of a century", minimum=0)
    circa_century_years: int = option(25, "the same around a whole century or reign", minimum=0)
    uncertain_years: int = option(0, "how far a question mark widens a date on each side, in years", minimum=0)
    turn_years: int = option(10, "how far 'turn of the century' reaches on each side, in years", minimum=0)
    open_years: int = option(25, "how far an open end ('after 1880') reaches when years are drawn", minimum=1)
    century_begins_in: int = option(0, "0: the 19th century is 1800-1899; 1: 1801-1900", minimum=0, maximum=1)
    early: tuple[float, ...] = option((0.0, 1 / 3), "shares: early", minimum=0.0, maximum=1.0)
    middle: tuple[float, ...] = option((1 / 3, 2 / 3), "shares: mid, milieu, Mitte", minimum=0.0, maximum=1.0)
    late: tuple[float, ...] = option((2 / 3, 1.0), "shares: late", minimum=0.0, maximum=1.0)
    beginning: tuple[float, ...] = option((0.0, 0.25), "shares: beginning, début, Anfang", minimum=0.0, maximum=1.0)
    end: tuple[float, ...] = option((0.75, 1.0), "shares: end, fin, Ende", minimum=0.0, maximum=1.0)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Dating:
    """A date as a catalog states it, and the interval of years that it was read as.

    `earliest` and `latest` are years of the Gregorian calendar carried back, both included; a year before
    Christ is negative, as catalogs write it (-664 is 664 BC; there is no year 0). None is an open end, or
    both for an unknown date. `edtf` is the statement before any convention widened it, in EDTF (ISO
    8601-2, levels 1 and 2), where years are astronomical: 664 BC is -0663, and XXXX is unknown. `rule` names what was
    recognized, `language` (en, fr, de, it, ru, zh; empty where figures alone speak) by whose words, and
    `unread` what was passed over.
    """

    verbatim: str
    earliest: int | None
    latest: int | None
    edtf: str
    approximate: bool
    uncertain: bool
    kind: Kind
    language: str
    rule: str
    unread: str = ""

    @property
    def known(self) -> bool:
        """Whether at least one end is known."""
        return self.kind is not Kind.UNKNOWN

    @property
    def open(self) -> bool:
        """Whether an end is missing."""
        return self.earliest is None or self.latest is None
