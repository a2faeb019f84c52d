"""From a query's text to its parts.

query      := either
either     := every ("or" every)*
every      := negated (["and"] negated)*
negated    := "not" negated | "(" either ")" | comparison | years | flag | words
comparison := FIELD ("=" | "!=" | "==" | "~") VALUE [by] | FIELD ["not"] "in" "(" VALUE ("," VALUE)* ")" [by]
by         := "by" ("person" | "catalog" | "file" | "name" | "model" | "anyone" | TEXT)
years      := ["date"] (["in" | "within" | "before" | "after"] SPAN) | "date" ("=" | "!=") SPAN
"""

from __future__ import annotations

import difflib
import re

from vasari.archive.queries.nodes import (
    QUERY_FIELDS,
    SPEAKERS,
    By,
    Comparison,
    Flag,
    Is,
    Node,
    Not,
    Operator,
    Query,
    Relation,
    Words,
    Years,
    either,
    every,
)
from vasari.archive.queries.tokens import Sort, Token, pointed, tokens
from vasari.archive.terms import words_of
from vasari.foundation.errors import PlanError

LONGEST_QUERY = 20_000  # characters
DEEPEST = 50  # parentheses and nots within each other
MOST_PARTS = 300  # comparisons, values of lists included
MOST_WORDS = 20  # in one text in quotes
_YEAR = r"-?\d{1,4}"
_SPAN = re.compile(rf"({_YEAR})(?:/({_YEAR}))?")
_DECADE = re.compile(r"(-?\d{1,3}0)s")
_COMPARISONS = ("=", "!=", "==", "~")


def read(text: str) -> Query:
    """The query that a text means; raises `PlanError` that points at what is not understood."""
    if len(text) > LONGEST_QUERY:
        raise PlanError(
            f"The query has {len(text)} characters, at most {LONGEST_QUERY} are read.", remedy="ask for less at once"
        )
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0
        self.parts = 0

    def query(self) -> Query:
        if self.now.sort is Sort.END:
            return Query()
        root = self.either()
        if self.at < len(self.tokens) - 1:
            raise self.wrong("Nothing can follow here.", "open the parenthesis that this closes, or leave it out")
        return Query(root)

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    @property
    def following(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.now
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def took(self, text: str) -> bool:
        """Take the next token if it is this sign or bare word."""
        found = self.now.keyword == text or (self.now.sort is Sort.SIGN and self.now.text == text)
        if found:
            self.take()
        return found

    def wrong(self, message: str, remedy: str, token: Token | None = None) -> PlanError:
        return pointed(self.text, (token or self.now).place, message, remedy)

    def either(self) -> Node:
        parts = [self.every()]
        while self.took("or"):
            parts.append(self.every())
        return either(parts)

    def every(self) -> Node:
        parts = [self.negated()]
        while self.took("and") or self.begins():
            parts.append(self.negated())
        return every(parts)

    def begins(self) -> bool:
        """Whether another part begins here without "and"."""
        return self.now.keyword != "or" if self.now.sort in (Sort.STRING, Sort.WORD) else self.now.text == "("

    def negated(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"More than {DEEPEST} levels lie within each other.", "write the query flatter")
        try:
            if self.took("not"):
                return Not(self.negated())
            if self.now.sort is Sort.SIGN and self.now.text == "(":
                return self.bracketed()
            self.count()
            return self.part()
        finally:
            self.depth -= 1

    def count(self) -> None:
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise self.wrong(f"The query has more than {MOST_PARTS} parts.", "ask in several queries")

    def bracketed(self) -> Node:
        opened = self.take()
        inner = self.either()
        if not self.took(")"):
            raise self.wrong("This parenthesis is never closed.", "close it with )", opened)
        return inner

    def part(self) -> Node:
        token, following = self.now, self.following
        if token.sort is Sort.STRING:
            return self.words()
        if token.sort is not Sort.WORD or token.keyword in ("and", "or"):
            raise self.wrong("A part of the query is missing here.", "say what to find, such as artist='Monet'")
        if (following.sort is Sort.SIGN and following.text in _COMPARISONS) or self.lists():
            return self.comparison()
        if token.keyword == "date" and following.keyword in set(Relation):
            self.take()
            return self.years(Relation(self.take().keyword))
        if token.keyword in set(Relation) and _spans(following):
            return self.years(Relation(self.take().keyword))
        if _spans(token):
            return self.years(Relation.OVERLAPS)
        if token.keyword in QUERY_FIELDS and following.keyword == "in":
            raise self.wrong("in needs a list here.", f"write {token.keyword} in ('one', 'two')", following)
        if f"{token.keyword} {following.keyword}" == Flag.HAS_PICTURE:
            self.take()
            self.take()
            return Is(Flag.HAS_PICTURE)
        if token.keyword in (Flag.DATED, Flag.DERIVED):
            return Is(Flag(self.take().keyword))
        return self.words()

    def lists(self) -> bool:
        """Whether "in (" follows the next word, or "not in ("."""
        rest = [token.keyword or token.text for token in self.tokens[self.at + 1 : self.at + 4]]
        return rest[:2] == ["in", "("] or rest == ["not", "in", "("]

    def words(self) -> Words:
        token = self.take()
        if not words_of(token.text):
            raise self.wrong("Here is no word to search for.", "give at least one letter or digit", token)
        if len(words_of(token.text)) > MOST_WORDS:
            raise self.wrong(f"These are more than {MOST_WORDS} words.", "search for fewer at once", token)
        return Words(token.text)

    def comparison(self) -> Node:
        field = self.field()
        if self.lists_after_field():
            negated = self.took("not")
            self.take()
            found: Node = Comparison(field, Operator.EQUAL, self.values(), self.by())
            return Not(found) if negated else found
        sign = self.take()
        if field == "date" and sign.text in ("=", "!=") and _spans(self.now):
            found = self.years(Relation.OVERLAPS)
        else:
            operator = Operator.EQUAL if sign.text == "!=" else Operator(sign.text)
            found = self.compared(field, operator)
        return Not(found) if sign.text == "!=" else found

    def lists_after_field(self) -> bool:
        return self.now.keyword in ("in", "not")

    def compared(self, field: str, operator: Operator) -> Comparison:
        if field == "key" and operator is Operator.CONTAINS:
            raise self.wrong("key has no ~.", "compare it whole: key='...'")
        value = self.value()
        if operator is Operator.CONTAINS and not value.strip():
            raise self.wrong("~ looks for nothing here.", "say what the text contains", self.tokens[self.at - 1])
        return Comparison(field, operator, (value,), self.by())

    def field(self) -> str:
        token = self.take()
        if token.keyword in QUERY_FIELDS:
            return token.keyword
        near = difflib.get_close_matches(token.keyword, QUERY_FIELDS, 1)
        remedy = f"did you mean {near[0]}? " if near else ""
        raise self.wrong(
            f"{token.text!r} is no field of a work.", f"{remedy}fields are {', '.join(QUERY_FIELDS)}", token
        )

    def value(self) -> str:
        if self.now.sort not in (Sort.STRING, Sort.WORD):
            raise self.wrong("A value is missing here.", "give a word, or a text in quotes")
        return self.take().text

    def values(self) -> tuple[str, ...]:
        self.take()
        found = [self.value()]
        while self.took(","):
            self.count()
            found.append(self.value())
        if not self.took(")"):
            raise self.wrong("The list goes on in no way that is known.", "write field in ('one', 'two')")
        return tuple(found)

    def by(self) -> By | None:
        if self.now.keyword != "by":
            return None
        self.take()
        token = self.now
        if token.keyword in SPEAKERS:
            return By(self.take().keyword)
        if token.sort not in (Sort.STRING, Sort.WORD):
            raise self.wrong("Here stands nobody's name.", f"use by {', by '.join(SPEAKERS)}, or a name in quotes")
        return By(self.take().text, named=True)

    def years(self, relation: Relation) -> Years:
        token = self.take()
        if not _spans(token):
            raise self.wrong("Years are missing here.", "write 1885/1895, 1885, or 1880s; years BC as -664", token)
        decade = _DECADE.fullmatch(token.text)
        span = _SPAN.fullmatch(token.text)
        if decade:
            first = int(decade.group(1))
            last = first + 9
        else:
            first, last = _ends(span)
        if 0 in (first, last):
            raise self.wrong("There is no year 0.", "1 BC is -1, and the next year is 1", token)
        if first > last:
            raise self.wrong(f"{first} is after {last}.", f"write {last}/{first}", token)
        return Years(relation, first, last)


def _spans(token: Token) -> bool:
    """Whether a bare word is a year, a span or a decade."""
    return token.sort is Sort.WORD and bool(_SPAN.fullmatch(token.text) or _DECADE.fullmatch(token.text))


def _ends(span: re.Match[str] | None) -> tuple[int, int]:
    first, last = span.groups() if span else ("0", None)
    return int(first), int(last if last is not None else first)
