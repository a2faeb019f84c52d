"""Vectors of works: the right one for each work, one version only, and gaps that are told."""

from __future__ import annotations

import numpy as np
import pytest

from vasari.archive.feature_tables import current_version, feature_table, numbers
from vasari.archive.features.table import FEATURES as KNOWN
from vasari.archive.query import parsed
from vasari.archive.schema import DERIVATIVES, FEATURES, FILES
from vasari.archive.statements import works_of
from vasari.archive.store import Archive
from vasari.foundation.errors import ArchiveError, PlanError


def file_row(work: int, content: str, state: str = "present") -> dict[str, object]:
    return {
        "work_id": work, "path": f"{content}.jpg", "page": 0, "content": content, "sha256": content, "bytes": 1,
        "modified_ns": 0, "width": 1, "height": 1, "format": "jpeg", "depth": 8, "phash": None, "copied": False,
        "state": state, "added": "", "checked": "",
    }  # fmt: skip


def vector(number: float) -> np.ndarray:
    return np.full(KNOWN["color"].dimensions, number, "<f4")


def feature_row(content: str, number: float | None, version: str = "1") -> dict[str, object]:
    data = b"" if number is None else vector(number).tobytes()
    return {"content": content, "name": "color", "version": version, "vector": data}


@pytest.fixture
def works(archive: Archive) -> dict[str, int]:
    """a has a missing, a derived and an own picture, b is derived itself, c is without, d could not be measured."""
    with archive.writing() as writer:
        ids = works_of(writer, ["a", "c", "d"]) | works_of(writer, ["b"], derived=True)
        writer.add(
            FILES,
            [
                file_row(ids["a"], "a-missing", "missing"),
                file_row(ids["a"], "a-derived"),
                file_row(ids["a"], "a-own"),
                file_row(ids["a"], "a-later"),
                file_row(ids["b"], "b"),
                file_row(ids["d"], "d"),
            ],
        )
        made = {"operation": "restore", "path": "", "treatment": {}, "added": ""}
        writer.add(DERIVATIVES, [{"content": one, "source_content": "x"} | made for one in ("a-derived", "b")])
        writer.put(FEATURES, [feature_row(one, 0) for one in ("a-missing", "a-derived", "a-later")])
        writer.put(FEATURES, [feature_row("a-own", 1), feature_row("b", 2), feature_row("d", None)])
        writer.put(FEATURES, [feature_row("a-own", 9, "0")])
    return ids


def test_each_work_has_the_vector_of_its_own_first_picture(archive, works):
    with archive.reading() as connection:
        table = feature_table(connection, "color")
        assert table.work_ids.tolist() == [works["a"]]
        assert np.array_equal(table.vectors, [vector(1)])
        assert (table.version, table.vectors.dtype) == (current_version("color"), np.float32)
        both = feature_table(connection, "color", parsed("derived or not derived"))
        assert dict(zip(both.work_ids.tolist(), both.vectors[:, 0])) == {works["a"]: 1, works["b"]: 2}
        assert feature_table(connection, "color", parsed("key = 'c'")).vectors.shape == (0, 14)


def test_numbers_come_in_the_order_asked_for(archive, works):
    with archive.reading() as connection:
        asked = np.array([works["c"], works["b"], works["a"], works["d"], 999, works["b"]])
        found = numbers(connection, asked, "color")
        assert numbers(connection, asked[:0], "color").shape == (0, 14)
        many = numbers(connection, np.tile(asked, 400), "color")
    assert np.array_equal(found[:, 3], [np.nan, 2, 1, np.nan, np.nan, 2], equal_nan=True)
    assert np.array_equal(many, np.tile(found, (400, 1)), equal_nan=True)


def test_works_that_were_not_measured_are_counted_and_never_mixed(archive, works):
    with archive.writing() as writer:
        more = works_of(writer, ["e", "f"])
        writer.add(FILES, [file_row(more["e"], "e"), file_row(more["f"], "f")])
        writer.put(FEATURES, [feature_row("e", 5, "0")])
    with archive.reading() as connection:
        with pytest.raises(ArchiveError, match=r"^2 of the works .* another version") as caught:
            feature_table(connection, "color")
        assert caught.value.remedy == "measure them: vasari archive index --features color"
        with pytest.raises(ArchiveError, match="^1 of the works"):
            numbers(connection, np.array([more["e"], works["a"]]), "color")
        assert numbers(connection, np.array([works["a"]]), "color")[0, 0] == 1
        with pytest.raises(PlanError, match="smell"):
            feature_table(connection, "smell")


def test_a_damaged_vector_is_told(sqlite_archive):
    with sqlite_archive.writing() as writer:
        [id] = works_of(writer, ["a"]).values()
        writer.add(FILES, [file_row(id, "a")])
        writer.put(FEATURES, [feature_row("a", 1) | {"vector": b"1234"}])
    with sqlite_archive.reading() as connection, pytest.raises(ArchiveError, match="damaged"):
        feature_table(connection, "color")
