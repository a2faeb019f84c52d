"""Date texts of six languages against a gold set that was written by reasoning, not by the parser."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from edtf import parse_edtf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vasari.archive.dates import periods, words_zh
from vasari.archive.dates.dating import Assumptions, Kind
from vasari.archive.dates.lexer import TABLES
from vasari.archive.dates.normal import normalized
from vasari.archive.dates.parse import parse_date
from vasari.archive.dates.signs import Sign
from vasari.foundation.errors import PlanError

with (Path(__file__).parents[1] / "dates_gold.csv").open(encoding="utf-8", newline="") as file:
    GOLD = list(csv.DictReader(file))
TEXTS = [row["text"] for row in GOLD]
NARROW = Assumptions(circa_years=0, circa_decade_years=0, circa_century_years=0)


def test_the_gold_set_is_large_and_in_six_languages() -> None:
    assert len({(row["source"], row["text"]) for row in GOLD}) == len(GOLD) >= 300
    assert {row["source"] for row in GOLD} >= {f"made:{language}" for language in TABLES} | {"tate", "paintings"}


@pytest.mark.parametrize("row", GOLD, ids=TEXTS)
def test_gold(row: dict[str, str]) -> None:
    dating = parse_date(row["text"])
    expected = tuple(int(row[name]) if row[name] else None for name in ("earliest", "latest"))
    assert (dating.earliest, dating.latest) == expected
    assert dating.kind.value == row["kind"]
    assert dating.verbatim == row["text"]


@pytest.mark.parametrize("text", TEXTS)
def test_edtf_is_valid_and_says_the_same_years(text: str) -> None:
    """Read by python-edtf, the stated years are those of the interval without the widening of "circa"."""
    dating = parse_date(text, NARROW)
    if ".." in dating.edtf:
        parts = [part for part in dating.edtf.split("/") if part != ".."]
        assert len(parts) == 1  # python-edtf cannot give the bounds of an open interval, only those of its end
        year = _astronomical(dating.latest if dating.earliest is None else dating.earliest)
        parsed = parse_edtf(parts[0])
        assert (parsed.lower_strict()[0], parsed.upper_strict()[0]) == (year, year)
        parse_edtf(dating.edtf)
        return
    parsed = parse_edtf(dating.edtf)
    if dating.known:
        years = _astronomical(dating.earliest), _astronomical(dating.latest)
        assert (parsed.lower_strict()[0], parsed.upper_strict()[0]) == years
    else:
        assert dating.edtf == "XXXX"


def _astronomical(year: int | None) -> int | None:
    return year + 1 if year is not None and year < 0 else year


def test_what_edtf_says_comes_back() -> None:
    for text in ("1890", "1890~", "1890?", "189X", "18XX", "1860/1865", "1881/..", "../1499", "1786 or 1800"):
        dating = parse_date(text)
        again = parse_date(dating.edtf if "[" not in dating.edtf else text)
        assert (again.earliest, again.latest, again.kind) == (dating.earliest, dating.latest, dating.kind), text


@pytest.mark.parametrize(
    ("text", "edtf"),
    [
        ("c. 1890", "1890~"),
        ("?1832", "1832?"),
        ("?c.1849", "1849%"),
        ("1890s", "189X"),
        ("19th century", "18XX"),
        ("late 19th century", "1866~/1899~"),
        ("before 1500", "../1499"),
        ("after 1880", "1881/.."),
        ("1786 or 1800", "[1786,1800]"),
        ("664–332 B.C.", "-0663/-0331"),
        ("1921–circa 1970s", "1921/1979~"),
        ("n.d.", "XXXX"),
    ],
)
def test_edtf_in_full(text: str, edtf: str) -> None:
    assert parse_date(text).edtf == edtf


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("late 19th century", "en"),
        ("fin du XIXe siècle", "fr"),
        ("Ende des 19. Jahrhunderts", "de"),
        ("fine del XIX secolo", "it"),
        ("конец XIX века", "ru"),
        ("19世纪末", "zh"),
        ("1890", ""),
    ],
)
def test_the_language_is_told(text: str, language: str) -> None:
    assert parse_date(text).language == language


def test_assumptions_change_what_vague_words_mean() -> None:
    wide = Assumptions(circa_years=10, early=(0.0, 0.5), century_begins_in=1, turn_years=3, uncertain_years=2)
    expected = {
        "c. 1890": (1880, 1900),
        "early 19th century": (1801, 1850),
        "1890?": (1888, 1892),
        "turn of the 20th century": (1898, 1904),
    }
    for text, ends in expected.items():
        dating = parse_date(text, wide)
        assert (dating.earliest, dating.latest) == ends, text


def test_assumptions_are_checked() -> None:
    with pytest.raises(PlanError, match="circa_years"):
        Assumptions(circa_years=-1)


def test_figures_that_no_rule_reads_leave_the_date_unknown() -> None:
    for text in ("c.18799–1802", "inv. 123456", "1890x77"):
        assert parse_date(text).kind is Kind.UNKNOWN, text


def test_words_that_are_passed_over_are_named() -> None:
    assert parse_date("Spätgotik, um 1500").unread == "spatgotik"


def test_missing_accents_and_odd_dashes_change_nothing() -> None:
    for plain, proper in (
        ("debut XXe siecle", "début XXe siècle"),
        ("1. Halfte 19. Jh.", "1. Hälfte 19. Jh."),
        ("meta del XVII secolo", "metà del XVII secolo"),
        ("1860-1865", "1860—1865"),
        ("１８９０年", "1890年"),
    ):
        one, other = parse_date(plain), parse_date(proper)
        assert (one.earliest, one.latest) == (other.earliest, other.latest)


def test_no_word_has_two_meanings() -> None:
    """The tables of all languages are read at once, so they must agree on every word that they share."""
    meanings: dict[str, set[tuple[Sign, int]]] = {}
    for table in [*TABLES.values(), words_zh.FOLLOWING]:
        for meaning, phrases in table.items():
            for phrase in phrases:
                meanings.setdefault(normalized(phrase), set()).add(meaning)
    assert {phrase: found for phrase, found in meanings.items() if len(found) > 1} == {}
    names = [normalized(name) for period in periods.PERIODS for name in period.names]
    assert len(names) == len(set(names))
    assert not set(names) & set(meanings)


@pytest.mark.parametrize("period", periods.PERIODS, ids=lambda period: period.names[0])
def test_every_period_is_found_by_each_of_its_names(period: periods.Period) -> None:
    assert period.first <= period.last
    for name in period.names:
        dating = parse_date(name)
        assert (dating.earliest, dating.latest) == (period.first, period.last), name


@settings(max_examples=150, deadline=None)
@given(first=st.integers(1000, 2000), length=st.integers(1, 99))
def test_spans_are_read_however_they_are_written(first: int, length: int) -> None:
    last = first + length
    texts = [f"{first}-{last}", f"between {first} and {last}", f"von {first} bis {last}", f"с {first} по {last}"]
    if last // 100 == first // 100:
        texts.append(f"{first}/{last % 100:02d}")
    if first % 100 >= 13 or last // 100 != first // 100:  # "1905-06" may be a month; both hold 1905
        texts.append(f"{first}–{last}")
    for text in texts:
        dating = parse_date(text)
        assert (dating.earliest, dating.latest) == (first, last), text


@settings(max_examples=300, deadline=None)
@example("begun 1501, completed 1504 ca. 664–332 B.C.")
@given(st.text(max_size=40) | st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3).map(" ".join))
def test_no_text_breaks_it(text: str) -> None:
    dating = parse_date(text)
    if dating.earliest is not None and dating.latest is not None:
        assert dating.earliest <= dating.latest
    assert (dating.kind is Kind.UNKNOWN) == (dating.earliest is None and dating.latest is None)
