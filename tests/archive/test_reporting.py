"""Questions to an archive about change: from its rows to a figure, on both databases."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from vasari.archive.dates.dating import Assumptions
from vasari.archive.dates.parse import DEFAULT
from vasari.archive.features.table import FEATURES
from vasari.archive.reporting import Question, answers, assumed, command_of
from vasari.archive.schema import FEATURES as FEATURE_ROWS
from vasari.archive.schema import FILES
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.trends.curves import trend
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError
from vasari.foundation.treatment import now

PLAN = TrendPlan(draws=30, permutations=39, min_artists=5)
CATALOG = Speaker("catalog", "made up")
COUNT = 240


def made(seed: int = 3):
    """Years, artists, lightness with a step at 1850, and genres of made-up works."""
    rng = np.random.default_rng(seed)
    years = rng.integers(1800, 1900, COUNT)
    artists = years // 20 * 20 + rng.integers(0, 20, COUNT)
    lightness = 40 + 12 * (years >= 1850) + rng.normal(0, 4, COUNT)
    genres = np.array(["portrait", "landscape", "still life"])[rng.integers(0, 3, COUNT)]
    return years, artists, lightness.astype(np.float32), genres


def fill_with_works(archive) -> None:
    years, artists, lightness, genres = made()
    with archive.writing() as writer:
        ids = works_of(writer, [f"work {row}" for row in range(COUNT)])
        claims = {
            ids[f"work {row}"]: [
                Claim("title", f"No. {row}"), Claim("artist", f"Artist {artists[row]}"), Claim("date", f"{years[row]}"),
                Claim("genre", str(genres[row])), Claim("place", "France" if artists[row] % 2 else "Britain"),
            ]
            for row in range(COUNT)
        }  # fmt: skip
        state(writer, claims, CATALOG)
        writer.add(FILES, (_file(ids[f"work {row}"], row) for row in range(COUNT)))
        vectors = np.zeros((COUNT, FEATURES["color"].dimensions), "<f4")
        vectors[:, 0] = lightness
        version = str(FEATURES["color"].version)
        writer.put(
            FEATURE_ROWS,
            (
                {"content": f"{row:064x}", "name": "color", "version": version, "vector": vectors[row].tobytes()}
                for row in range(COUNT)
            ),
        )


def _file(work: int, row: int):
    return {
        "work_id": work, "path": f"{row}.tif", "page": 0, "content": f"{row:064x}", "sha256": f"{row:064x}", "bytes": 1,
        "modified_ns": 0, "width": 1, "height": 1, "format": "tiff", "depth": 8, "phash": None, "copied": False,
        "state": "present", "added": now(), "checked": now(),
    }  # fmt: skip


def test_a_trend_of_an_archive_is_that_of_its_numbers(archive):
    fill_with_works(archive)
    with archive.reading() as connection:
        (report,) = answers(connection, Question(measures=("lightness_mean",)), PLAN)
    years, artists, lightness, _ = made()
    expected = trend(Works.of_years(lightness, years, years, [f"Artist {one}" for one in artists]), PLAN)
    found = report.data["series"][0]["estimate"]
    told = np.array([np.nan if value is None else value for value in found])
    np.testing.assert_allclose(told, expected.moving_average.estimate, rtol=1e-6, equal_nan=True)
    assert [abs(change["year"] - 1850) <= 5 for change in report.data["changes"]] == [True]
    assert len(report.works()) == COUNT
    assert report.works()[0]["key"] == "work 0"


def test_a_query_narrows_and_groups_are_compared(sqlite_archive):
    fill_with_works(sqlite_archive)
    question = Question(
        query="1800/1899", measures=("lightness_mean",), groups=("France: place='France'", "place='Britain'")
    )
    with sqlite_archive.reading() as connection:
        (report,) = answers(connection, question, PLAN)
        narrow = answers(connection, Question(query="place='France'", measures=("lightness_mean",)), PLAN)[0]
        with pytest.raises(PlanError, match="more than one group"):
            answers(connection, Question(measures=("lightness_mean",), groups=("1800/1899", "place='France'")), PLAN)
        with pytest.raises(PlanError, match="finds no works"):
            answers(connection, Question(query="place='Mars'", measures=("lightness_mean",)), PLAN)
        with pytest.raises(PlanError, match="Nothing called"):
            answers(connection, Question(measures=("beauty",)), PLAN)
    assert {row["group"] for row in report.works()} == {"France", "place='Britain'"}
    assert narrow.data["works"] == sum(made()[1] % 2 == 1)


def test_shares_of_a_field_follow_what_was_said(sqlite_archive):
    fill_with_works(sqlite_archive)
    with sqlite_archive.writing() as writer:
        ids = works_of(writer, [f"work {row}" for row in range(COUNT)])
        state(writer, {id: [Claim("genre", "allegory")] for id in ids.values()}, Speaker("model", "a guess"))
        state(writer, {ids["work 0"]: [Claim("genre", "history")]}, Speaker("person", "me"))
    with sqlite_archive.reading() as connection:
        (report,) = answers(connection, Question(shares="genre", most_classes=2), PLAN)
    names = {one["name"] for one in report.data["series"]}
    assert "allegory" not in names  # what a model says is not known
    assert "(others)" in names
    assert len(names) == 3


def test_assumptions_are_read_and_change_the_years(sqlite_archive):
    with sqlite_archive.writing() as writer:
        ids = works_of(writer, [f"w{row}" for row in range(60)])
        claims = {id: [Claim("date", "c. 1850"), Claim("artist", f"A{id}")] for id in ids.values()}
        state(writer, claims, CATALOG)
    from vasari.archive.query import parsed
    from vasari.archive.trending import dated_works

    with sqlite_archive.reading() as connection:
        usual = dated_works(connection, parsed(""))
        wide = dated_works(connection, parsed(""), assumed(["circa_years=20"]))
    assert (usual.first[0], usual.last[0]) == (1845, 1855)
    assert (wide.first[0], wide.last[0]) == (1830, 1870)
    for wrong in ("circa_years", "beauty=1", "circa_years=wide", "circa_years=-1"):
        with pytest.raises(PlanError):
            assumed([wrong])


def test_the_command_that_is_told_asks_the_same_again(monkeypatch):
    question = Question("place='Britain' and 1800/1899", ("lightness_mean",), ("a: 1800", "b: 1801"), "", 3)
    plan, assumptions = TrendPlan(seed=4, window_years=30), Assumptions(circa_years=9, early=(0.0, 0.4))
    words = shlex.split(command_of(question, plan, assumptions))
    assert words[:3] == ["vasari", "archive", "trends"]
    asked = {}

    def seen(connection, question, plan, assumptions):
        asked.update(question=question, plan=plan, assumptions=assumptions)
        return []

    from vasari.app.cli import main as command_line

    monkeypatch.setattr("vasari.archive.reporting.answers", seen)
    monkeypatch.setattr("vasari.app.cli.archive.trends.open_archive", lambda given: _Nothing())
    assert command_line.main(words[1:]) == 0
    assert asked == {"question": question, "plan": plan, "assumptions": assumptions}
    assert command_of(Question(measures=("x",)), TrendPlan(), DEFAULT) == "vasari archive trends x"


class _Nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def reading(self):
        return self


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "Neither"),
        ({"measures": ("x",), "shares": "genre"}, "Both"),
        ({"measures": ("x",), "groups": ("1800",)}, "1 groups"),
    ],
)
def test_a_question_without_sense_is_refused(wrong, words):
    with pytest.raises(PlanError, match=words):
        Question(**wrong)
