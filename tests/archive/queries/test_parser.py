"""What queries mean as trees, that trees come back from their print, and errors that point at their place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.archive.queries.strategies import any_queries

from vasari.archive.queries.nodes import (
    All,
    By,
    Comparison,
    Either,
    Flag,
    Is,
    Not,
    Operator,
    Query,
    Relation,
    Words,
    Years,
    both,
)
from vasari.archive.queries.parser import DEEPEST, LONGEST_QUERY, MOST_PARTS, read
from vasari.foundation.errors import PlanError

MONET = Comparison("artist", Operator.EQUAL, ("Monet",))


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("", None),
        ("artist='Monet'", MONET),
        ('ARTIST = "Monet"', MONET),
        ("artist=Monet and 1885/1895", All((MONET, Years(Relation.OVERLAPS, 1885, 1895)))),
        ("artist=Monet 1885", All((MONET, Years(Relation.OVERLAPS, 1885, 1885)))),
        ("a or b and c", Either((Words("a"), All((Words("b"), Words("c")))))),
        ("(a or b) c", All((Either((Words("a"), Words("b"))), Words("c")))),
        ("not a b", All((Not(Words("a")), Words("b")))),
        ("artist != O'Keeffe", Not(Comparison("artist", Operator.EQUAL, ("O'Keeffe",)))),
        ("title == 'It''s'", Comparison("title", Operator.EXACT, ("It's",))),
        ("style in ('A', B)", Comparison("style", Operator.EQUAL, ("A", "B"))),
        ("style not in ('A')", Not(Comparison("style", Operator.EQUAL, ("A",)))),
        ("style ~ a by model", Comparison("style", Operator.CONTAINS, ("a",), By("model"))),
        ("style = a by 'model'", Comparison("style", Operator.EQUAL, ("a",), By("model", named=True))),
        ("style = a by Tate", Comparison("style", Operator.EQUAL, ("a",), By("Tate", named=True))),
        ("-664/-600", Years(Relation.OVERLAPS, -664, -600)),
        ("1880s", Years(Relation.OVERLAPS, 1880, 1889)),
        ("date within 1885/1895", Years(Relation.WITHIN, 1885, 1895)),
        ("before 1850", Years(Relation.BEFORE, 1850, 1850)),
        ("date = 1885", Years(Relation.OVERLAPS, 1885, 1885)),
        ("date = 'c. 1885'", Comparison("date", Operator.EQUAL, ("c. 1885",))),
        ("has picture", Is(Flag.HAS_PICTURE)),
        ("dated derived", All((Is(Flag.DATED), Is(Flag.DERIVED)))),
        ("'dated'", Words("dated")),
        ("after Raphael", All((Words("after"), Words("Raphael")))),
        ("woman in a garden", All((Words("woman"), Words("in"), Words("a"), Words("garden")))),
        ("N10012", Words("N10012")),
        ("'1885'", Words("1885")),
    ],
)
def test_a_text_means_these_parts(text, root):
    assert read(text).root == root


@settings(deadline=None)
@given(any_queries())
def test_what_a_query_prints_means_the_same(query):
    assert read(str(query)) == query


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab=!~()'\",/ -19not orin", max_size=20))
def test_any_text_is_a_query_or_an_error_within_it(text):
    try:
        read(text)
    except PlanError as error:
        assert error.remedy
        lines = error.message.splitlines()
        assert 2 <= lines[-1].index("^") <= 2 + len(lines[-2])


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("artst='Monet'", 0, "did you mean artist"),
        ("1885/1895 and artist=", 21, "value is missing"),
        ("title='abc", 6, "never closed"),
        ("x and (a or b", 6, "never closed"),
        ("a or b)", 6, "Nothing can follow"),
        ("x and and y", 6, "missing here"),
        ("1895/1885", 0, "1885/1895"),
        ("date in 0/5", 8, "no year 0"),
        ("date within tomorrow", 12, "Years are missing"),
        ("title ~ ''", 8, "looks for nothing"),
        ("key ~ abc", 6, "key has no ~"),
        ("place in Paris", 6, "list"),
        ("style in (a b)", 12, "list"),
        ("style = a by (", 13, "name"),
        ("a ! b", 2, "quotes"),
        ("'...'", 0, "no word"),
    ],
)
def test_an_error_points_at_its_place_and_says_what_to_do(text, place, said):
    with pytest.raises(PlanError) as caught:
        read(text)
    lines = caught.value.message.splitlines()
    assert lines[-1] == " " * (2 + place) + "^"
    assert lines[-2].strip() == text.strip()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * (DEEPEST + 1) + "a" + ")" * (DEEPEST + 1),
        "not " * (DEEPEST + 1) + "a",
        "a " * (MOST_PARTS + 1),
        "style in (" + "a," * MOST_PARTS + "a)",
        "a" * (LONGEST_QUERY + 1),
        "'" + " ".join(f"w{number}" for number in range(21)) + "'",
    ],
    ids=["deep", "nots", "wide", "list", "long", "words"],
)
def test_a_query_beyond_bounds_is_refused(text):
    with pytest.raises(PlanError):
        read(text)


def test_both_joins_queries_without_levels():
    assert both(read("a b"), read("c")) == read("a b c")
    assert both(Query(), read("a or b")) == read("a or b")
    assert both(Query(), Query()) == Query()
