"""The table of works: one order whatever the rows' order, and nothing lost in silence."""

from __future__ import annotations

import numpy as np
import pytest

from vasari.archive.dates.parse import parse_date
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError

TEXTS = ("1890", "n.d.", "c. 1880", "after 1900", "1885-87")
VALUES = (1.0, 2.0, np.nan, 4.0, 5.0)


def test_undated_and_unmeasured_works_are_left_out_and_counted() -> None:
    works = Works.of(VALUES, [parse_date(text) for text in TEXTS], ["b", "a", "a", "c", "a"])
    assert (len(works), works.undated, works.unmeasured, works.unattributed) == (3, 1, 1, 0)
    assert works.artist_names == ("a", "b", "c")
    rows = zip(works.artists.tolist(), works.first.tolist(), works.last.tolist(), works.values[:, 0].tolist())
    assert list(rows) == [(0, 1885, 1887, 5.0), (1, 1890, 1890, 1.0), (2, 1901, 1926, 4.0)]


def test_works_without_an_artist_stand_for_one_each() -> None:
    works = Works.of_years([1.0, 2.0, 3.0, 4.0], [1800] * 4, [1800] * 4, ["", "b", "", "a"])
    assert works.artist_names == ("unknown 1", "unknown 2", "a", "b")
    assert dict(zip(works.artists.tolist(), works.values[:, 0].tolist())) == {0: 1.0, 1: 3.0, 2: 4.0, 3: 2.0}
    assert works.unattributed == 2


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 3, 60).astype(float), rng.integers(1800, 1804, 60), rng.integers(0, 5, 60).astype(str)]
    labels = rng.integers(0, 2, 60).astype(str)
    shuffle = rng.permutation(60)
    one = Works.of_years(columns[0], columns[1], columns[1] + 2, columns[2], labels)
    other = Works.of_years(
        *(column[shuffle] for column in (columns[0], columns[1], columns[1] + 2, columns[2], labels))
    )
    for name in ("values", "first", "last", "artists", "labels"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1.0], [1800, 1801], [1800, 1801], ["a", "b"]), "rows"),
        (([1.0], [1801], [1800], ["a"]), "dated 1801 to 1800"),
        (([np.nan], [1800], [1800], ["a"]), "No work"),
        (([1.0, 1.0], [-9000, 1900], [-9000, 1900], ["a", "b"]), "span the years"),
    ],
)
def test_tables_that_make_no_sense_are_refused(columns: tuple[list[object], ...], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Works.of_years(*columns)  # type: ignore[arg-type]
