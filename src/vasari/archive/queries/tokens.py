"""A query's text cut into tokens, each with its place, and errors that point at the place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from vasari.foundation.errors import PlanError

_SHOWN = 60  # characters of a long query on each side of an error


class Sort(StrEnum):
    """What a token is."""

    STRING = "text in quotes"
    WORD = "word"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True)
class Token:
    """A piece of a query: its text without quotes, and where it begins."""

    sort: Sort
    text: str
    place: int

    @property
    def keyword(self) -> str:
        """A bare word in small letters; empty for anything else."""
        return self.text.lower() if self.sort is Sort.WORD else ""


# An apostrophe inside a word is a letter of it: O'Keeffe, l'Estaque.
_PATTERN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?P<sign>==|!=|[=~(),])|(?P<word>[^\s=~(),'"!][^\s=~(),"!]*))"""
)


def tokens(text: str) -> list[Token]:
    """The tokens of a query, with an `END` behind them; raises `PlanError` where none can begin."""
    found: list[Token] = []
    place = 0
    end = len(text.rstrip())
    while place < end:
        match = _PATTERN.match(text, place)
        if match is None:
            place += len(text[place:]) - len(text[place:].lstrip())
            if text[place] in "'\"":
                raise pointed(text, place, "This quote is never closed.", f"close it with {text[place]}")
            raise pointed(text, place, f"{text[place]!r} means nothing here.", "put it in quotes to search for it")
        kind = str(match.lastgroup)
        value = match.group(kind)
        if kind == "string":
            value = value[1:-1].replace(value[0] * 2, value[0])
        found.append(Token(Sort[kind.upper()], value, match.start(kind)))
        place = match.end()
    return [*found, Token(Sort.END, "", end)]


def pointed(text: str, place: int, message: str, remedy: str) -> PlanError:
    """An error about a place in a query, shown under its text."""
    begin = max(0, place - _SHOWN)
    line = re.sub(r"\s", " ", text[begin : place + _SHOWN])
    return PlanError(f"{message}\n  {line}\n  {' ' * (place - begin)}^", remedy=remedy)
