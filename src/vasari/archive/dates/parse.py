"""From the text of a catalog to a dated interval; what is not understood stays unknown.

dating = parse_date("c. 1890s")
dating.earliest, dating.latest, dating.edtf     # 1885, 1904, "189X~"
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace

from vasari.archive.dates import edtf
from vasari.archive.dates.dating import Assumptions, Dating, Kind
from vasari.archive.dates.grammar import read
from vasari.archive.dates.lexer import TABLES, tokens
from vasari.archive.dates.normal import normalized
from vasari.archive.dates.signs import CORES, Sign, Token
from vasari.archive.dates.spans import Shape, Span, historical
from vasari.archive.dates.units import joined

LONGEST_TEXT = 500  # characters; a longer text is no date
DEFAULT = Assumptions()


@functools.lru_cache(maxsize=1 << 16)
def parse_date(text: str, assumptions: Assumptions = DEFAULT) -> Dating:
    """A date text in English, French, German, Italian, Russian or Chinese as a `Dating`.

    Never raises: an empty text, "n.d." and what is not understood give `Kind.UNKNOWN`. A text with
    figures that no rule reads is unknown as a whole rather than half read; words that no table knows are
    passed over, and named in `unread`. Cached by text and assumptions.
    """
    if not text.strip() or len(text) > LONGEST_TEXT:
        return _unknown(text, "empty" if not text.strip() else "too long")
    found = tokens(normalized(text))
    unread = tuple(token.text for token in found if token.sign is Sign.WORD)
    language = _language(found)
    if any(any(letter.isdigit() for letter in word) for word in unread):
        return _unknown(text, "figures not understood", language, unread)
    units = joined(found)
    span = read(units, assumptions) if any(token.sign in CORES for token in units) else None
    if span is None or (span.first is None and span.last is None):
        told = any(token.sign is Sign.UNKNOWN for token in found)
        return _unknown(text, "said to be unknown" if told else "no date found", language, unread)
    return _dating(text, span, language, unread)


def _dating(text: str, span: Span, language: str, unread: tuple[str, ...]) -> Dating:
    if span.first is not None and span.first == span.last:
        span = replace(span, shape=Shape.YEAR)
    return Dating(
        verbatim=text,
        earliest=None if span.first is None else historical(span.first - span.before),
        latest=None if span.last is None else historical(span.last + span.after),
        edtf=edtf.written(span),
        approximate=span.vague_first or span.vague_last,
        uncertain=span.uncertain,
        kind=_kind(span),
        language=language,
        rule=span.rule,
        unread=" ".join(unread),
    )


def _kind(span: Span) -> Kind:
    if span.first is None:
        return Kind.BEFORE
    if span.last is None:
        return Kind.AFTER
    approximate = span.vague_first or span.vague_last
    if span.first == span.last:
        return Kind.CIRCA if approximate else Kind.EXACT
    return Kind.CIRCA if approximate and span.shape is Shape.DECADE else Kind.RANGE


def _unknown(text: str, rule: str, language: str = "", unread: tuple[str, ...] = ()) -> Dating:
    return Dating(text, None, None, edtf.UNKNOWN, False, False, Kind.UNKNOWN, language, rule, " ".join(unread))


def _language(found: list[Token]) -> str:
    """The language that knows most of the words; of equals the first of `TABLES`."""
    counts = Counter(language for token in found for language in token.languages)
    return max(TABLES, key=lambda language: (counts[language], -list(TABLES).index(language))) if counts else ""
