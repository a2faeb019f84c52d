"""What a query is made of: small frozen parts that print as the text they are read from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from vasari.archive.statements import FIELDS, KINDS

#: Fields that a query can compare: those of statements, and the name that an archive has for a work.
QUERY_FIELDS = (*FIELDS, "key")
ANYONE = "anyone"
#: Whose word can be asked for by kind; any other is the name of a speaker.
SPEAKERS = (*KINDS, ANYONE)


class Operator(StrEnum):
    """How a value is compared."""

    EQUAL = "="
    EXACT = "=="
    CONTAINS = "~"


class Relation(StrEnum):
    """How the dates of a work lie to years."""

    OVERLAPS = "in"
    WITHIN = "within"
    BEFORE = "before"
    AFTER = "after"


class Flag(StrEnum):
    """What is true of a work or not."""

    HAS_PICTURE = "has picture"
    DATED = "dated"
    DERIVED = "derived"


@dataclass(frozen=True)
class By:
    """Whose word counts: one of `SPEAKERS`, or with `named` a speaker of that very name."""

    who: str
    named: bool = False

    def __str__(self) -> str:
        return f"by {quoted(self.who) if self.named else self.who}"


@dataclass(frozen=True)
class Comparison:
    """A field has one of `values`.

    With `by` None the value that the catalog shows is meant, and of a field of many values anyone's but a model's.
    """

    field: str
    operator: Operator
    values: tuple[str, ...]
    by: By | None = None

    def __str__(self) -> str:
        listed = ", ".join(map(quoted, self.values))
        if len(self.values) > 1:
            text = f"{self.field} in ({listed})"
        else:
            text = f"{self.field} {self.operator} {listed}"
        return f"{text} {self.by}" if self.by else text


@dataclass(frozen=True)
class Years:
    """The work's dates overlap the years `first`..`last`, lie within them, before the first or after the last.

    Years are historical: -664 is 664 BC, and there is no year 0.
    """

    relation: Relation
    first: int
    last: int

    def __str__(self) -> str:
        span = str(self.first) if self.first == self.last else f"{self.first}/{self.last}"
        return f"date {self.relation} {span}"


@dataclass(frozen=True)
class Is:
    """A flag is set."""

    flag: Flag

    def __str__(self) -> str:
        return str(self.flag)


@dataclass(frozen=True)
class Words:
    """All these words stand together in something said about the work; a last "*" stands for any ending."""

    text: str

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Node

    def __str__(self) -> str:
        return f"not {_within(self.part, All, Either)}"


@dataclass(frozen=True)
class All:
    """Every part holds; two or more."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(_within(part, All, Either) for part in self.parts)


@dataclass(frozen=True)
class Either:
    """At least one part holds; two or more."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(_within(part, Either) for part in self.parts)


Node = Comparison | Years | Is | Words | Not | All | Either


@dataclass(frozen=True)
class Query:
    """A whole query; with `root` None it means every work. Works that Vasari derived are left out unless named."""

    root: Node | None = None

    @property
    def names_derived(self) -> bool:
        """Whether `derived` stands anywhere in it."""
        return self.root is not None and _names_derived(self.root)

    def __str__(self) -> str:
        return "" if self.root is None else str(self.root)


def every(parts: list[Node]) -> Node:
    """All parts, those of an `All` among them taken out of it."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, All) else (part,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def either(parts: list[Node]) -> Node:
    """One of the parts, those of an `Either` among them taken out of it."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Either) else (part,))]
    return flat[0] if len(flat) == 1 else Either(tuple(flat))


def both(one: Query, other: Query) -> Query:
    """Works that both queries mean."""
    roots = [query.root for query in (one, other) if query.root is not None]
    return Query(every(roots) if roots else None)


def quoted(text: str) -> str:
    """A text in single quotes, those inside it doubled."""
    return "'" + text.replace("'", "''") + "'"


def _within(part: Node, *weaker: type) -> str:
    return f"({part})" if isinstance(part, weaker) else str(part)


def _names_derived(node: Node) -> bool:
    if isinstance(node, Not):
        return _names_derived(node.part)
    if isinstance(node, All | Either):
        return any(_names_derived(part) for part in node.parts)
    return node == Is(Flag.DERIVED)
