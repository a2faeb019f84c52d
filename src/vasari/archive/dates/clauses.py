"""A date text cut into clauses: the making, what extended it, and what only followed it."""

from __future__ import annotations

from dataclasses import dataclass, field

from vasari.archive.dates.signs import CORES, EVENTS, Sign, Token

# Of several events in one clause the first of these decides ("reworked and exhibited 1847").
_PRECEDENCE = (Sign.EXTENDS, Sign.ASIDE, Sign.MAIN)


@dataclass
class Clause:
    """Tokens between two marks, and the event that they tell of; None is the making itself."""

    tokens: list[Token] = field(default_factory=list)
    event: Sign | None = None
    bracketed: bool = False

    @property
    def dated(self) -> bool:
        """Whether it holds a date."""
        return any(token.sign in CORES for token in self.tokens)

    def tell(self, event: Sign) -> None:
        """Note an event; of several the weightiest stays."""
        if self.event is None or _PRECEDENCE.index(event) < _PRECEDENCE.index(self.event):
            self.event = event


def clauses_of(tokens: list[Token]) -> list[Clause]:
    """The dated clauses in order; modifiers between marks are handed to the date that they speak of."""
    found: list[Clause] = []
    waiting: list[Token] = []
    for segment, bracketed in _segments(tokens):
        for piece in _pieces(segment, bracketed):
            if piece.dated:
                piece.tokens = waiting + piece.tokens
                waiting = []
                if piece.event is None and found and found[-1].event is Sign.ASIDE and not bracketed:
                    piece.event = Sign.ASIDE  # "exhibited 1809, 1840"
                found.append(piece)
            elif piece.event is not None:
                _event_behind(found, piece)
            elif found:
                found[-1].tokens += [_behind(token) for token in piece.tokens]
            else:
                waiting += piece.tokens
    return found


def _segments(tokens: list[Token]) -> list[tuple[list[Token], bool]]:
    """Tokens between commas and brackets, and whether they stood in round or square brackets."""
    segments: list[tuple[list[Token], bool]] = [([], False)]
    depth = 0
    for token in tokens:
        if token.sign in (Sign.COMMA, Sign.OPEN, Sign.CLOSE):
            depth += {Sign.OPEN: 1, Sign.CLOSE: -1}.get(token.sign, 0)
            segments.append(([], depth > 0))
        else:
            segments[-1][0].append(token)
    return [segment for segment in segments if segment[0]]


def _pieces(tokens: list[Token], bracketed: bool) -> list[Clause]:
    """A segment cut where a new event begins."""
    pieces = [Clause(bracketed=bracketed)]
    for token in tokens:
        if token.sign in EVENTS:
            if pieces[-1].dated:
                pieces.append(Clause(bracketed=bracketed))
            pieces[-1].tell(token.sign)
        else:
            pieces[-1].tokens.append(token)
    return pieces


def _event_behind(found: list[Clause], piece: Clause) -> None:
    """An event told behind its date (1923年修改) belongs to it, if an earlier clause told of the making."""
    if len(found) > 1 and found[-1].event is None and piece.event is not None:
        found[-1].event = piece.event


def _behind(token: Token) -> Token:
    return Token(token.sign, token.value, token.text, token.languages, True, token.digits)
