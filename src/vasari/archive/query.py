"""The small language that asks an archive for works: `artist='Monet' and 1885/1895 and has picture`.

    with archive.reading() as connection:
        ids = work_ids(connection, parsed("style='Impressionism' and 1885/1895"))

`=` compares without case and accents, and an artist also by the last words of the name: `artist='Monet'` finds Claude
Monet, and "Monet, Claude". `==` compares letter by letter, `~` finds a part. A field that the catalog shows once
(title, artist, medium ...) is compared as shown; of one with many values (style, tag ...) any counts that was given by
anyone but a model. `by model`, `by anyone`, `by 'Tate'` behind a comparison ask for these speakers' words instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, false, func, not_, or_, select, union

from vasari.archive.queries import parser
from vasari.archive.queries.nodes import (
    ANYONE,
    All,
    By,
    Comparison,
    Either,
    Flag,
    Is,
    Node,
    Not,
    Operator,
    Query,
    Relation,
    Words,
    Years,
)
from vasari.archive.schema import ARTISTS, FILES, NAMES, STATEMENTS, TERMS, WORDS, WORKS
from vasari.archive.statements import FIELDS, KINDS, LONGEST_NAME, cleaned, digest_of
from vasari.archive.terms import plain_value, words_of

Condition = ColumnElement[bool]
#: Fields whose words nobody searches for.
_UNSEARCHED = ("rights", "url")
SEARCHED = tuple(name for name in FIELDS if name not in _UNSEARCHED)
#: Behind every letter.
_LAST_LETTER = "\U0010ffff"


def parsed(text: str) -> Query:
    """The query that a text means; raises `PlanError` that points at what is not understood."""
    return parser.read(cleaned(text))


def where(query: Query) -> Condition:
    """The condition on `WORKS` that a query means; derived works are left out unless the query names `derived`."""
    conditions = [] if query.root is None else [_condition(query.root)]
    if not query.names_derived:
        conditions.append(WORKS.c.derived.is_(False))
    return and_(*conditions)


def work_ids(connection: Connection, query: Query) -> list[int]:
    """The ids of the works that a query means, in rising order."""
    return list(connection.execute(select(WORKS.c.id).where(where(query)).order_by(WORKS.c.id)).scalars())


def _condition(node: Node) -> Condition:
    match node:
        case All(parts):
            return and_(*map(_condition, parts))
        case Either(parts):
            return or_(*map(_condition, parts))
        case Not(part):
            return not_(func.coalesce(_condition(part), false()))
        case Is(flag):
            return _flag(flag)
        case Words(text):
            return _words(text)
        case Years():
            return _years(node)
        case Comparison():
            return or_(*(_compared(node, value) for value in node.values))


def _flag(flag: Flag) -> Condition:
    if flag is Flag.DERIVED:
        return WORKS.c.derived.is_(True)
    if flag is Flag.DATED:
        return or_(WORKS.c.date_first.is_not(None), WORKS.c.date_last.is_not(None))
    return exists().where(FILES.c.work_id == WORKS.c.id, FILES.c.state == "present")


def _years(years: Years) -> Condition:
    first, last = _astronomical(years.first), _astronomical(years.last)
    begin, end = WORKS.c.date_first, WORKS.c.date_last
    if years.relation is Relation.BEFORE:
        return and_(end.is_not(None), end < first)
    if years.relation is Relation.AFTER:
        return and_(begin.is_not(None), begin > last)
    if years.relation is Relation.WITHIN:
        return and_(begin.is_not(None), end.is_not(None), begin >= first, end <= last)
    # Open ends overlap everything on their side; a work without any date overlaps nothing.
    return and_(
        or_(begin.is_not(None), end.is_not(None)),
        or_(begin.is_(None), begin <= last),
        or_(end.is_(None), end >= first),
    )


def _words(text: str) -> Condition:
    """All words in one statement of anyone but a model, or in the names of the files of a work without a title."""
    said = select(STATEMENTS.c.work_id).where(STATEMENTS.c.kind != "model", STATEMENTS.c.field.in_(SEARCHED))
    words = words_of(text)
    ends = {word: row == len(words) - 1 and text.rstrip().endswith("*") for row, word in enumerate(words)}
    for row, word in enumerate(words):
        table = WORDS.alias(f"word{row}")
        value = and_(table.c.field == STATEMENTS.c.field, table.c.digest == STATEMENTS.c.digest)
        said = said.join(table, and_(value, _begins(table.c.word, word, ends[word])))
    return WORKS.c.id.in_(union(said, _named(ends)))


def _named(words: Mapping[str, bool]) -> Select[Any]:
    """The works without a title whose files' names hold all these words, each whole, or where so told its beginning."""
    untitled, first = WORKS.alias("untitled"), NAMES.alias("first")
    # Half an archive may be called "IMG_....png". What is looked for is the rarest word, or all that begin so; whether
    # the others are in the same name is then looked up, whole words by the key of their table.
    rare, *others = sorted(words, key=lambda word: (not words[word], word.isalpha(), -len(word)))
    named = select(untitled.c.id).join(first, first.c.object == untitled.c.key)
    named = named.where(untitled.c.title == "", _begins(first.c.word, rare, words[rare]))
    for word in others:
        named = named.where(exists().where(NAMES.c.word == word, NAMES.c.object == untitled.c.key))
    return named


def _begins(column: ColumnElement[str], word: str, unfinished: bool) -> Condition:
    """A column is a word, or begins with it."""
    return and_(column >= word, column < word + _LAST_LETTER) if unfinished else column == word


def _compared(node: Comparison, value: str) -> Condition:
    if node.field == "key":
        return WORKS.c.key == value
    column = FIELDS[node.field].column
    if not value.strip():
        return _unsaid(node.field, node.by)
    if node.by is not None or not column:
        return WORKS.c.id.in_(_stated(node, value, STATEMENTS.c.work_id))
    if column == "artist_id":
        names = select(ARTISTS.c.id)
        if node.operator is Operator.EXACT:
            return WORKS.c.artist_id.in_(names.where(ARTISTS.c.name == value[:LONGEST_NAME]))
        said = _stated(node, value, func.substr(STATEMENTS.c.value, 1, LONGEST_NAME))
        return WORKS.c.artist_id.in_(names.where(ARTISTS.c.name.in_(said)))
    if node.operator is Operator.EXACT:
        return WORKS.c[column] == value
    # What is shown is what someone said: the statement of this very value tells its plain form.
    shown = WORKS.alias("shown")
    same = and_(shown.c.id == STATEMENTS.c.work_id, shown.c[column] == STATEMENTS.c.value)
    return WORKS.c.id.in_(_stated(node, value, STATEMENTS.c.work_id).join(shown, same))


def _unsaid(field: str, by: By | None) -> Condition:
    """Nothing is said of a field: by those who are asked, or in what the catalog shows."""
    column = FIELDS[field].column
    if column and by is None:
        return WORKS.c.artist_id.is_(None) if column == "artist_id" else WORKS.c[column] == ""
    return WORKS.c.id.not_in(select(STATEMENTS.c.work_id).where(STATEMENTS.c.field == field, _speaks(by)))


def _stated(node: Comparison, value: str, *columns: ColumnElement[Any]) -> Select[Any]:
    """Columns of the statements that give a field this value."""
    said = select(*columns).where(STATEMENTS.c.field == node.field, _speaks(node.by))
    if node.operator is Operator.EXACT:
        return said.where(STATEMENTS.c.digest == digest_of(value))
    terms = select(TERMS.c.digest).where(TERMS.c.field == node.field, _term(node, value))
    return said.where(STATEMENTS.c.digest.in_(terms))


def _term(node: Comparison, value: str) -> Condition:
    wanted = plain_value(node.field, value)
    if node.operator is Operator.CONTAINS:
        return TERMS.c.plain.contains(wanted, autoescape=True)
    if node.field == "artist":
        return or_(TERMS.c.plain == wanted, TERMS.c.plain.endswith(f" {wanted}", autoescape=True))
    return TERMS.c.plain == wanted


def _speaks(by: By | None) -> Condition:
    if by is None:
        return STATEMENTS.c.kind != "model"
    if by.named:
        return STATEMENTS.c.by == by.who
    return STATEMENTS.c.kind.in_(KINDS) if by.who == ANYONE else STATEMENTS.c.kind == by.who


def _astronomical(year: int) -> int:
    return year + 1 if year < 0 else year
