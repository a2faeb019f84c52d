"""Random queries for tests: whole trees over few values, so that they often meet the rows of a test."""

from __future__ import annotations

from hypothesis import strategies as st

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
from vasari.archive.terms import words_of

SPEAKERS_ASKED = st.one_of(
    st.none(), st.sampled_from(SPEAKERS).map(By), st.sampled_from(["Tate", "me"]).map(lambda name: By(name, named=True))
)


def years(low: int, high: int) -> st.SearchStrategy[Years]:
    """A relation to one or two years, never the year 0."""
    year = st.integers(low, high).filter(bool)
    return st.builds(
        lambda relation, pair: Years(relation, min(pair), max(pair)), st.sampled_from(Relation), st.tuples(year, year)
    )


def comparisons(fields: list[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[Comparison]:
    """One value by any operator, or a list."""
    some = values.filter(lambda value: value.strip())
    return st.one_of(
        st.builds(
            Comparison,
            st.sampled_from(fields),
            st.sampled_from([Operator.EQUAL, Operator.EXACT]),
            values.map(lambda value: (value,)),
            SPEAKERS_ASKED,
        ),
        st.builds(
            Comparison,
            st.sampled_from([field for field in fields if field != "key"] or ["title"]),
            st.just(Operator.CONTAINS),
            some.map(lambda value: (value,)),
            SPEAKERS_ASKED,
        ),
        st.builds(
            Comparison,
            st.sampled_from(fields),
            st.just(Operator.EQUAL),
            st.lists(values, min_size=2, max_size=3).map(tuple),
            SPEAKERS_ASKED,
        ),
    )


def queries(leaves: st.SearchStrategy[Node]) -> st.SearchStrategy[Query]:
    """Trees of and, or and not over these leaves, and the empty query."""
    trees = st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=3).map(every),
            st.lists(inner, min_size=2, max_size=3).map(either),
        ),
        max_leaves=6,
    )
    return st.one_of(st.just(Query()), trees.map(Query), trees.map(Query), trees.map(Query))


def any_queries() -> st.SearchStrategy[Query]:
    """Every query that can be written, with any text as a value."""
    texts = st.text(max_size=12)
    return queries(
        st.one_of(
            comparisons(list(QUERY_FIELDS), texts),
            years(-9999, 9999),
            st.sampled_from(Flag).map(Is),
            texts.filter(lambda text: bool(words_of(text))).map(Words),
        )
    )
