"""Figures: the same bytes each time, data that says what the drawing shows, a page that asks nothing of the network."""

from __future__ import annotations

import csv
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from vasari.archive.figures.drawings import comparison_figure, p_words, shares_figure, trend_figure
from vasari.archive.figures.folder import Report, page, write_report
from vasari.archive.figures.looks import Labels, drawn, year_words
from vasari.archive.figures.tables import comparison_data, series_rows, shares_data, trend_data
from vasari.archive.trends.changes import change_points
from vasari.archive.trends.curves import trend
from vasari.archive.trends.groups import compare
from vasari.archive.trends.plan import TrendPlan
from vasari.archive.trends.shares import shares
from vasari.archive.trends.works import Works
from vasari.foundation.errors import WriteError

PLAN = TrendPlan(draws=40, permutations=39)
LABELS = Labels("Lightness </script>", "mean L*", "medium ~ oil & 1800/1900")


def works(labels=None):
    rng = np.random.default_rng(0)
    years = rng.integers(1800, 1900, 500)
    artists = years // 25 * 30 + rng.integers(0, 30, 500)
    values = 50 + 9 * (years >= 1860) + rng.normal(0, 6, 500)
    return Works.of_years(values, years - 2, years + 2, artists, None if labels is None else labels(artists))


@pytest.fixture(scope="module")
def found():
    table = works()
    return trend(table, PLAN), change_points({"lightness": table}, PLAN)["lightness"]


def test_a_figure_is_the_same_to_the_last_byte(found):
    svg = [drawn(trend_figure(*found, LABELS), "svg") for _ in range(2)]
    assert svg[0] == svg[1]
    png = [drawn(trend_figure(*found, LABELS), "png") for _ in range(2)]
    assert png[0] == png[1]
    assert png[0].startswith(b"\x89PNG")


def test_a_figure_says_of_what_it_speaks(found):
    words = " ".join(ElementTree.fromstring(drawn(trend_figure(*found, LABELS), "svg")).itertext())
    assert "in this collection: medium ~ oil & 1800/1900" in words
    assert "500 works" in words
    assert str(found[1].points[0].year) in words


def test_the_data_are_those_of_the_curves(found):
    data = trend_data(*found, LABELS)
    curve = found[0].moving_average
    told = np.array([np.nan if value is None else value for value in data["series"][0]["estimate"]])
    np.testing.assert_allclose(told, curve.estimate, rtol=1e-6, equal_nan=True)
    rows = [row for row in series_rows(data) if row["series"] == "moving average"]
    assert [row["year"] for row in rows] == curve.years[np.isfinite(curve.estimate)].tolist()
    assert any(period["blank"] and period["mean"] is None for period in data["periods"])
    json.dumps(data, allow_nan=False)


def test_shares_and_comparisons_are_drawn_and_told():
    of_class = shares(works(lambda artists: np.array(["a", "b", "c"])[artists % 3]), PLAN)
    data = shares_data(of_class, LABELS)
    known = [row for row, value in enumerate(data["series"][0]["estimate"]) if value is not None]
    sums = [sum(one["estimate"][row] for one in data["series"]) for row in known]
    np.testing.assert_allclose(sums, 1, atol=1e-6)
    assert drawn(shares_figure(of_class, LABELS), "svg")
    two = compare(works(lambda artists: np.where(artists % 2, "France", "Britain")), PLAN)
    assert [one["name"] for one in comparison_data(two, LABELS)["series"]] == ["Britain", "France", "difference"]
    assert b"Britain less France" in drawn(comparison_figure(two, LABELS), "svg")


def test_the_page_holds_its_data_and_asks_nothing_of_the_network(found):
    text = page(trend_data(*found, LABELS))
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert embedded is not None
    assert json.loads(embedded[1])["title"] == LABELS.title
    assert "<title>Lightness &lt;/script&gt;</title>" in text
    assert not re.search(r"(src|href)\s*=|url\(|@import|fetch\(", text)


def test_a_report_is_one_folder_and_is_not_written_over(found, tmp_path):
    labels = Labels("Lightness", "mean L*")
    rows = [{"key": "a", "artist": "Zoë, 'the' \"great\"", "lightness": 51.5}]
    figure, data = trend_figure(*found, labels), trend_data(*found, labels)
    report = Report("lightness", lambda: figure, data, lambda: rows, {"q": 1}, "vasari x")
    folder = write_report(tmp_path / "report", report)
    assert {path.name for path in folder.iterdir()} == {
        "README.txt", "asked.json", "data.json", "figure.html", "figure.png", "figure.svg", "periods.csv",
        "series.csv", "works.csv",
    }  # fmt: skip
    with (folder / "works.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == [{"key": "a", "artist": rows[0]["artist"], "lightness": "51.5"}]
    assert "vasari x" in (folder / "README.txt").read_text()
    with pytest.raises(WriteError, match="there already"):
        write_report(folder, report)
    write_report(folder, report, overwrite=True)


def test_years_and_probabilities_are_written_as_papers_do():
    assert [year_words(year) for year in (1890, 1, 0, -43)] == ["1890", "1", "1 BC", "44 BC"]
    assert [p_words(p) for p in (0.0004, 0.0125)] == ["< 0.001", "= 0.013"]
