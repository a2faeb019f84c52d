"""Clauses of tokens read as spans of years."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from vasari.archive.dates import spans
from vasari.archive.dates.clauses import Clause, clauses_of
from vasari.archive.dates.dating import Assumptions
from vasari.archive.dates.signs import CORES, LINKS, Sign, Token
from vasari.archive.dates.spans import Shape, Span

_OPENERS = (Sign.BEFORE, Sign.AFTER, Sign.NOT_AFTER, Sign.NOT_BEFORE, Sign.LATER, Sign.EARLIER)
# These speak of the date before them when there is one.
_BEHIND = (Sign.UNCERTAIN, Sign.BCE, Sign.CE, Sign.LATER, Sign.EARLIER)


@dataclass
class Term:
    """A core with its modifiers; `link` is what ties it to the term before it, None within one group."""

    core: Token
    modifiers: list[Token] = field(default_factory=list)
    link: Token | None = None
    bce: bool = False

    def has(self, *signs: Sign) -> bool:
        """Whether a modifier has one of the signs."""
        return any(token.sign in signs for token in self.modifiers)


def read(tokens: list[Token], assumptions: Assumptions) -> Span | None:
    """The span of years of a whole date text; None where no date is in it."""
    told = [(clause, _clause_span(clause, assumptions)) for clause in clauses_of(tokens)]
    making = [span for clause, span in told if clause.event in (None, Sign.MAIN)]
    if not making:
        # Only "published 1815" or "cast 1960s" is told: the first such date stands for the work.
        making = [span for _, span in told[:1]]
        extending = []
    else:
        extending = [span for clause, span in told if clause.event is Sign.EXTENDS]
    if not making:
        return None
    result = making[0]
    for span in making[1:]:
        result = spans.combined(result, span)
    ended = extending[-1].last if extending else None
    if result.last is None and result.first is not None and ended is not None and ended >= result.first:
        # "begun 1501, completed 1504"
        return replace(result, last=ended, after=extending[-1].after, rule="extended")
    return spans.hull([result, *extending], "extended") if extending else result


def _clause_span(clause: Clause, assumptions: Assumptions) -> Span:
    terms = _terms(_leading_until(clause.tokens))
    _spread_eras(terms)
    if terms[0].has(Sign.TURN):
        span = spans.turn_of([spans.of_core(term.core, term.bce, assumptions) for term in terms], assumptions)
        return replace(span, uncertain=any(term.has(Sign.UNCERTAIN) for term in terms))
    whole = _opener_of_all(terms)
    groups: list[Span] = []
    for term in terms:
        span = _term_span(term, assumptions)
        if term.link is None and groups:
            groups[-1] = spans.combined(groups[-1], span)
        else:
            groups.append(span)
    if len(groups) == 1:
        return groups[0]
    result = _linked(terms, groups, assumptions)
    return spans.opened(result, whole) if whole else result


def _opener_of_all(terms: list[Term]) -> Sign | None:
    """ "after c.1819–20": the word before a range holds for all of it, and is taken from its first date."""
    openers = [token for token in terms[0].modifiers if token.sign in _OPENERS and not token.follows]
    others = any(term.has(*_OPENERS) for term in terms[1:])
    if len(terms) < 2 or len(openers) != 1 or others or any(term.link is None for term in terms[1:]):
        return None
    if any(token.sign in (Sign.AND, Sign.OR) for token in (term.link for term in terms) if token):
        return None
    terms[0].modifiers = [token for token in terms[0].modifiers if token is not openers[0]]
    return openers[0].sign


def _leading_until(tokens: list[Token]) -> list[Token]:
    """ "until 1890" with no beginning is "not after 1890"; "from 1890" with no end "not before"."""
    result = list(tokens)
    cores = [place for place, token in enumerate(tokens) if token.sign in CORES]
    links = [place for place, token in enumerate(tokens) if token.sign is Sign.TO and token.value]
    for place in links:
        if place < cores[0] and not any(token.sign in (Sign.PART, Sign.FRACTION) for token in tokens[:place]):
            sign = Sign.NOT_AFTER if tokens[place].value == 1 else Sign.BEFORE
            result[place] = replace(tokens[place], sign=sign)
    ties = any(token.sign in LINKS for token in result[cores[0] :])
    for place, token in enumerate(result):
        if token.sign is Sign.BETWEEN and token.value and place < cores[0] and not ties:
            result[place] = replace(token, sign=Sign.NOT_BEFORE)
    return [token for token in result if token.sign is not Sign.BETWEEN]


def _terms(tokens: list[Token]) -> list[Term]:
    """Cores with the modifiers that speak of them."""
    terms: list[Term] = []
    ahead: list[Token] = []
    link: Token | None = None
    partial: list[tuple[list[Token], Token]] = []  # "mid to" of "mid to late 19th century": waits for its core
    for token in tokens:
        if token.sign in CORES:
            for modifiers, tie in partial:
                terms.append(Term(token, modifiers, link))
                link = tie
            partial = []
            terms.append(Term(token, ahead, link))
            ahead, link = [], None
        elif token.sign in LINKS:
            if any(one.sign in (Sign.PART, Sign.FRACTION) for one in ahead):
                partial.append((ahead, token))
                ahead = []
            elif terms:
                if link is None:  # "1630 ca.–1640 ca."
                    terms[-1].modifiers += [_behind(one) for one in ahead]
                    ahead = []
                link = link or token
        elif terms and link is None and _speaks_of(token, terms[-1]):
            terms[-1].modifiers.append(_behind(token))
        else:
            ahead.append(token)
    left = [token for modifiers, _ in partial for token in modifiers] + ahead
    if left and terms:
        terms[-1].modifiers += [_behind(token) for token in left]
    return terms


def _speaks_of(token: Token, term: Term) -> bool:
    """Whether a modifier behind a date is about that date; an era behind a dynasty is about what follows."""
    if token.sign in (Sign.BCE, Sign.CE) and (term.core.sign is Sign.PERIOD or "zh" in token.languages):
        return False
    return token.follows or token.sign in _BEHIND


def _behind(token: Token) -> Token:
    return replace(token, follows=True)


def _spread_eras(terms: list[Term]) -> None:
    """ "664–332 B.C.": the era behind the last figure holds for those before it; 公元前300-200 the other way."""
    for term in terms:
        term.bce = term.has(Sign.BCE)
    for earlier, later in reversed(list(pairwise(terms))):
        told = earlier.has(Sign.BCE, Sign.CE) or earlier.core.sign is Sign.PERIOD
        if later.bce and not told:
            earlier.bce = True
    for earlier, later in pairwise(terms):
        prefixed = any(token.sign is Sign.BCE and not token.follows for token in earlier.modifiers)
        same = earlier.core.sign is later.core.sign and later.core.value < earlier.core.value
        if prefixed and same and not later.has(Sign.CE):
            later.bce = True


def _term_span(term: Term, assumptions: Assumptions) -> Span:
    span = spans.of_core(term.core, term.bce, assumptions)
    for fraction in [token for token in term.modifiers if token.sign is Sign.FRACTION]:
        span = spans.part_of(span, fraction, assumptions)
    parts = [token for token in term.modifiers if token.sign is Sign.PART]
    if parts:
        whole = span
        several = [spans.part_of(whole, part, assumptions) for part in parts]
        span = spans.hull(several, "vague part")
        span = replace(span, shape=several[0].shape)
    if term.has(Sign.CIRCA):
        span = spans.circa(span, assumptions)
    if term.has(Sign.UNCERTAIN):
        years = assumptions.uncertain_years
        span = replace(span, uncertain=True, before=max(span.before, years), after=max(span.after, years))
    openers = [token.sign for token in term.modifiers if token.sign in _OPENERS]
    return spans.opened(span, openers[0]) if openers else span


def _linked(terms: list[Term], groups: list[Span], assumptions: Assumptions) -> Span:
    """Spans tied by to, and, or: their hull; a "c." holds for what comes after it, one behind the last for both."""
    result = spans.hull(groups, "range")
    ties = [term.link.sign for term in terms if term.link]
    plain = all(span.first == span.last and not span.vague_first and not span.uncertain for span in groups)
    if plain and all(tie is Sign.OR for tie in ties):
        choices = tuple(sorted({span.first for span in groups if span.first is not None}))
        return replace(result, shape=Shape.CHOICE, choices=choices, rule="choice")
    first, last = groups[0], groups[-1]
    if first.first is not None and last.last is not None and first.first > last.last:
        result = replace(result, uncertain=True)  # "1890–1880": something is mistyped
    before = [_about(term, follows=False) for term in terms]
    behind = _about(terms[-1], follows=True)
    if before[0] or (behind and not any(before)):
        about = spans.circa(groups[0], assumptions)
        result = replace(result, before=max(result.before, about.before), vague_first=True)
    if any(before) or behind:  # "1794–c.1830–5": a "c." goes on holding to the end
        about = spans.circa(groups[-1], assumptions)
        result = replace(result, after=max(result.after, about.after), vague_last=True)
    return result


def _about(term: Term, follows: bool) -> bool:
    return any(token.sign is Sign.CIRCA and token.follows is follows for token in term.modifiers)
