"""Measuring an archive: what is missing and nothing else, failures told, and the same numbers as measured directly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from vasari.archive.feature_tables import feature_table
from vasari.archive.features.measuring import measure
from vasari.archive.indexing import index
from vasari.archive.schema import FILES
from vasari.archive.statements import works_of
from vasari.archive.store import Archive
from vasari.foundation import image_files
from vasari.foundation.errors import PlanError
from vasari.foundation.picture import Picture


@pytest.fixture
def pictures(sqlite_archive: Archive, tmp_path: Path) -> list[Path]:
    """Three pictures that are in the archive, of which the last is no picture, and a fourth that is gone."""
    draw = np.random.default_rng(1)
    paths = [tmp_path / f"{name}.png" for name in "abcd"]
    for path in paths:
        image_files.write(Picture.from_array(draw.random((20, 30, 3), np.float32)), path)
    paths[2].write_bytes(b"no picture at all")
    with sqlite_archive.writing() as writer:
        ids = works_of(writer, [path.name for path in paths])
        writer.add(FILES, [_row(ids[path.name], path) for path in paths])
    paths[3].unlink()
    return paths


def _row(work: int, path: Path) -> dict[str, object]:
    status = path.stat()
    return {
        "work_id": work, "path": str(path), "page": 0, "content": path.stem * 64, "sha256": path.stem * 64,
        "bytes": status.st_size, "modified_ns": status.st_mtime_ns, "width": 30, "height": 20, "format": "png",
        "depth": 8, "phash": None, "copied": False, "state": "present", "added": "", "checked": "",
    }  # fmt: skip


def test_what_is_missing_is_measured_once(sqlite_archive, pictures):
    told = []
    first = index(sqlite_archive, ["color"], watch=lambda *one: told.append(one))
    assert first.measured == 2
    assert [path for path, _ in first.failures] == [str(pictures[3]), str(pictures[2])]
    assert [(done, total) for done, total, _, _ in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    # The one that is gone is looked for again; the one that is none is noted, and tried again when that is asked for.
    assert [path for path, _ in index(sqlite_archive, ["color"]).failures] == [str(pictures[3])]
    assert len(index(sqlite_archive, ["color"], again=True).failures) == 2
    second = index(sqlite_archive, ["edges", "color"])
    assert second.measured == 2


def test_the_numbers_are_those_of_the_pictures(sqlite_archive, pictures):
    with sqlite_archive.writing() as writer:
        row = dict(writer.connection.execute(FILES.select().where(FILES.c.path == str(pictures[3]))).mappings().one())
        writer.put(FILES, [row | {"state": "missing"}])
    index(sqlite_archive, ["color", "palette"], jobs=2)
    with sqlite_archive.reading() as connection:
        table = feature_table(connection, "palette")
    wanted = [measure(path, ("palette",)).vectors["palette"] for path in pictures[:2]]
    assert np.array_equal(table.vectors, wanted)


def test_a_later_page_is_measured_as_itself_and_never_whole_in_memory(sqlite_archive, tmp_path, monkeypatch):
    draw = np.random.default_rng(2)
    pages = [(255 * draw.random((40, 30, 3)) ** power).astype(np.uint8) for power in (1, 3)]
    tifffile.imwrite(tmp_path / "both.tif", pages[0], photometric="rgb")
    tifffile.imwrite(tmp_path / "both.tif", pages[1], photometric="rgb", append=True)
    tifffile.imwrite(tmp_path / "second.tif", pages[1], photometric="rgb")
    with sqlite_archive.writing() as writer:
        ids = works_of(writer, ["second page"])
        writer.add(FILES, [_row(ids["second page"], tmp_path / "both.tif") | {"page": 1, "content": "b" * 64 + "#1"}])
    monkeypatch.setattr(image_files, "read", None)
    assert index(sqlite_archive, ["color"]).measured == 1
    with sqlite_archive.reading() as connection:
        found = feature_table(connection, "color").vectors
    assert np.array_equal(found[0], measure(tmp_path / "second.tif", ("color",)).vectors["color"])


def test_a_file_that_is_not_what_was_added_is_not_measured(sqlite_archive, pictures):
    pictures[0].write_bytes(pictures[1].read_bytes())
    found = index(sqlite_archive, ["color"])
    assert found.measured == 1
    assert "changed since" in dict(found.failures)[str(pictures[0])].message


def test_an_index_that_was_stopped_goes_on(sqlite_archive, pictures, monkeypatch):
    monkeypatch.setattr("vasari.archive.indexing._AT_ONCE", 1)

    def stop(done: int, total: int, path: str, error: object) -> None:
        if error is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index(sqlite_archive, ["color"], watch=stop)
    assert index(sqlite_archive, ["color"]).measured == 1


def test_an_unknown_feature_is_refused(sqlite_archive):
    with pytest.raises(PlanError, match="smell"):
        index(sqlite_archive, ["smell"])
