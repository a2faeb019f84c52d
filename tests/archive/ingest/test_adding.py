"""Files become works: once, whatever happens to them; nothing is lost, doubled or changed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from sqlalchemy import func, select

from vasari.archive.ingest import adding, reading
from vasari.archive.ingest.adding import Summary
from vasari.archive.schema import DERIVATIVES, EVENTS, FILES, ORIGINS, STATEMENTS, WORKS
from vasari.archive.store import Archive
from vasari.foundation.errors import PlanError, WriteError
from vasari.foundation.ledgers import Ledger

Add = Callable[..., Summary]
Draw = Callable[..., Path]


def rows(archive: Archive, table: Any) -> list[dict[str, Any]]:
    with archive.reading() as connection:
        order = list(table.primary_key)
        return [dict(row) for row in connection.execute(select(table).order_by(*order)).mappings()]


def numbers(summary: Summary) -> dict[str, int]:
    return {name: count for name, count in summary.counts.items() if count}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_pictures_of_every_format_are_kept_with_their_facts(archive: Archive, draw: Draw, added: Add) -> None:
    jpeg = draw("a.jpg", 1)
    tiff = draw("deep/b.tif", 2)
    png = draw("deep/er/c.PNG", 3)
    webp = draw("d.webp", 4)
    assert numbers(added(archive, jpeg.parent)) == {"added": 4}
    found = {row["path"]: row for row in rows(archive, FILES)}
    assert set(found) == {str(path) for path in (jpeg, tiff, png, webp)}
    row = found[str(tiff)]
    assert (row["width"], row["height"], row["format"], row["depth"], row["page"]) == (160, 120, "tiff", 8, 0)
    assert row["sha256"] == row["content"] == sha256(tiff)
    assert (row["bytes"], row["modified_ns"]) == (tiff.stat().st_size, tiff.stat().st_mtime_ns)
    keys = {work["key"] for work in rows(archive, WORKS)}
    assert keys == {f"file:{sha256(path)}" for path in (jpeg, tiff, png, webp)}
    assert [event["type"] for event in rows(archive, EVENTS)] == ["ingestion"] * 4


def test_a_second_run_reads_nothing_and_writes_nothing(
    archive: Archive, draw: Draw, added: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = draw("a.jpg", 1).parent
    draw("b.jpg", 2)
    added(archive, folder)
    before, journal = archive.fact("journal"), archive.journal.path.read_bytes()
    monkeypatch.setattr(adding, "read_file", lambda *_: pytest.fail("a file was read"))
    assert numbers(added(archive, folder)) == {"unchanged": 2}
    assert archive.fact("journal") == before and archive.journal.path.read_bytes() == journal


def test_a_touched_file_is_known_by_its_bytes_and_not_decoded(
    sqlite_archive: Archive, draw: Draw, added: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw("a.jpg", 1)
    added(sqlite_archive, path)
    os.utime(path, (1, 1))
    monkeypatch.setattr(reading, "inspect", lambda *_: pytest.fail("the picture was decoded"))
    assert numbers(added(sqlite_archive, path)) == {"touched": 1}
    assert rows(sqlite_archive, FILES)[0]["modified_ns"] == 1_000_000_000
    assert numbers(added(sqlite_archive, path)) == {"unchanged": 1}


def test_other_bytes_that_look_alike_stay_the_same_work_and_others_become_one(
    archive: Archive, draw: Draw, added: Add
) -> None:
    path = draw("a.jpg", 1, quality=95)
    added(archive, path)
    first = rows(archive, WORKS)
    draw("a.jpg", 1, quality=60)
    os.utime(path, (1, 1))
    assert numbers(added(archive, path)) == {"changed": 1}
    assert [work["key"] for work in rows(archive, WORKS)] == [work["key"] for work in first]
    assert [row["content"] for row in rows(archive, FILES)] == [sha256(path)]
    draw("a.jpg", 2)
    os.utime(path, (2, 2))
    assert numbers(added(archive, path)) == {"changed": 1}
    works = rows(archive, WORKS)
    assert len(works) == 2 and rows(archive, FILES)[0]["work_id"] == works[1]["id"]
    changes = [event for event in rows(archive, EVENTS) if event["type"] == "modification"]
    assert [event["detail"]["same work"] for event in changes] == [True, False]


def test_two_files_that_change_places_keep_their_works(sqlite_archive: Archive, draw: Draw, added: Add) -> None:
    one, other = draw("a.jpg", 1), draw("b.jpg", 2)
    added(sqlite_archive, one.parent)
    before = {row["content"]: row["work_id"] for row in rows(sqlite_archive, FILES)}
    third = one.with_name("c")
    one.rename(third)
    other.rename(one)
    third.rename(other)
    os.utime(one, (1, 1))
    os.utime(other, (2, 2))
    assert numbers(added(sqlite_archive, one.parent)) == {"changed": 2}
    after = {row["content"]: row["work_id"] for row in rows(sqlite_archive, FILES)}
    assert after == before and len(rows(sqlite_archive, WORKS)) == 2


def test_a_moved_file_is_followed_and_a_copied_one_is_a_duplicate(archive: Archive, draw: Draw, added: Add) -> None:
    path = draw("a.jpg", 1)
    added(archive, path)
    moved = path.with_name("elsewhere.jpg")
    path.rename(moved)
    assert numbers(added(archive, moved)) == {"moved": 1}
    assert [row["path"] for row in rows(archive, FILES)] == [str(moved)]
    copy = moved.with_name("copy.jpg")
    shutil.copy(moved, copy)
    summary = added(archive, copy.parent)
    assert numbers(summary) == {"added": 1, "unchanged": 1, "duplicates": 1}
    assert summary.duplicates == [(str(copy), str(moved))]
    assert len({row["work_id"] for row in rows(archive, FILES)}) == 1 == len(rows(archive, WORKS))


def test_pictures_that_look_alike_are_told_and_not_merged(sqlite_archive: Archive, draw: Draw, added: Add) -> None:
    large = draw("large.png", 1, 640, 480)
    small = draw("small.jpg", 1, 200, 150)
    draw("other.jpg", 2)
    summary = added(sqlite_archive, large, small, large.parent)
    assert [(one, other) for one, other, _ in summary.near] == [(str(small), str(large))]
    assert len(rows(sqlite_archive, WORKS)) == 3
    again = draw("again.jpg", 1, 320, 240)
    (pair, *more) = added(sqlite_archive, again).near
    assert pair[0] == str(again) and pair[2] <= 6 and len(more) == 1
    assert not added(sqlite_archive, draw("last.jpg", 1, 400, 300), near_distance=-1).near


def test_broken_files_are_named_and_the_rest_goes_on(archive: Archive, draw: Draw, added: Add) -> None:
    good = draw("good.jpg", 1)
    cut = draw("cut.jpg", 2)
    cut.write_bytes(cut.read_bytes()[:-600])
    good.with_name("empty.png").touch()
    good.with_name("text.tif").write_text("no picture")
    good.with_name("dangling.jpg").symlink_to("nowhere.jpg")
    summary = added(archive, good.parent)
    assert numbers(summary) == {"added": 1, "failed": 4}
    failed = {Path(entry.source).name for entry in Ledger(archive.folder).entries.values() if entry.status == "failed"}
    assert failed == {"cut.jpg", "empty.png", "text.tif", "dangling.jpg"}
    draw("cut.jpg", 2)
    assert numbers(added(archive, good.parent)) == {"added": 1, "unchanged": 1, "failed": 3}
    assert Ledger(archive.folder).entries[str(cut), 0].status == "done"


def test_pages_are_works_of_their_own(
    archive: Archive, tmp_path: Path, added: Add, clouds: Callable[..., np.ndarray]
) -> None:
    path = tmp_path / "album.tif"
    with tifffile.TiffWriter(path) as file:
        for seed in (1, 2):
            file.write(clouds(seed), photometric="rgb")
        file.write(clouds(2)[::4, ::4], photometric="rgb", subfiletype=1)  # a smaller version of the page before
    assert numbers(added(archive, path)) == {"added": 1}
    digest = sha256(path)
    assert [(row["page"], row["content"]) for row in rows(archive, FILES)] == [(0, digest), (1, f"{digest}#1")]
    assert {work["key"] for work in rows(archive, WORKS)} == {f"file:{digest}", f"file:{digest}#1"}
    Image.fromarray(clouds(1)).save(path)
    os.utime(path, (1, 1))
    assert numbers(added(archive, path)) == {"changed": 1}
    assert [row["page"] for row in rows(archive, FILES)] == [0]


def test_a_damaged_file_does_not_become_the_new_truth(sqlite_archive: Archive, draw: Draw, added: Add) -> None:
    path = draw("a.png", 1)
    added(sqlite_archive, path)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    with sqlite_archive.writing() as writer:
        writer.put(FILES, [{**row, "state": "damaged"} for row in rows(sqlite_archive, FILES)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    os.utime(path, ns=times)
    summary = added(sqlite_archive, path)
    assert numbers(summary) == {"failed": 1} and "damaged" in str(summary.failed[0].error)
    path.write_bytes(whole)
    assert numbers(added(sqlite_archive, path)) == {"touched": 1}
    assert rows(sqlite_archive, FILES)[0]["state"] == "present"


def test_copies_are_content_addressed_whole_and_only_made_once(archive: Archive, draw: Draw, added: Add) -> None:
    path, twin = draw("a.JPG", 1, format="JPEG"), draw("b.tif", 2)
    shutil.copy(twin, twin.with_name("c.tif"))
    summary = added(archive, path.parent, copy=True)
    assert numbers(summary) == {"added": 2, "touched": 1, "duplicates": 1}
    digest = sha256(path)
    assert {row["path"] for row in rows(archive, FILES)} == {
        f"masters/{digest[:2]}/{digest[2:4]}/{digest}.jpg",
        f"masters/{sha256(twin)[:2]}/{sha256(twin)[2:4]}/{sha256(twin)}.tif",
    }
    for row in rows(archive, FILES):
        assert row["copied"] and sha256(archive.folder / row["path"]) == row["sha256"]
    assert sorted(one.name for one in (archive.folder / "masters").iterdir() if one.name.startswith(".")) == []
    assert numbers(added(archive, path.parent, copy=True)) == {"unchanged": 3}
    assert numbers(added(archive, path.parent)) == {"unchanged": 3}
    with archive.writing() as writer:
        writer.cut(ORIGINS, rows(archive, ORIGINS))  # as after a rebuild
    again = added(archive, path.parent, copy=True)
    assert numbers(again) == {"touched": 3, "duplicates": 1} and again.duplicates[0][0].endswith("c.tif")
    shutil.rmtree(path.parent)
    assert numbers(added(archive, archive.folder)) == {}


def test_files_that_were_read_meanwhile_are_kept_in_the_order_given(
    sqlite_archive: Archive, draw: Draw, added: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = draw("a.tif", 2)
    twins = [str(shutil.copy(first, first.with_name(f"{name}.tif"))) for name in "bcdefgh"]
    monkeypatch.setattr(adding, "wait", lambda running, **_: wait(running))  # so slow a look that all eight are ready
    summary = added(sqlite_archive, first.parent, workers=4)
    assert summary.duplicates == [(twin, str(first)) for twin in twins]


def test_what_was_in_place_is_copied_when_asked_for(sqlite_archive: Archive, draw: Draw, added: Add) -> None:
    path = draw("a.jpg", 1)
    shutil.copy(path, path.with_name("b.jpg"))
    added(sqlite_archive, path.parent)
    added(sqlite_archive, path.parent, copy=True)
    places = sorted(row["path"] for row in rows(sqlite_archive, FILES))
    assert [row["copied"] for row in rows(sqlite_archive, FILES)].count(True) == 1 and len(places) == 2
    assert len(rows(sqlite_archive, WORKS)) == 1
    assert numbers(added(sqlite_archive, path.parent, copy=True)) == {"unchanged": 2}


def test_a_full_disk_stops_and_leaves_nothing_half(
    sqlite_archive: Archive, draw: Draw, added: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw("a.png", 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(WriteError, match="No space left"):
        added(sqlite_archive, path, copy=True)
    assert rows(sqlite_archive, FILES) == [] == rows(sqlite_archive, WORKS)
    assert [one for one in (sqlite_archive.folder / "masters").rglob("*") if one.is_file()] == []
    monkeypatch.undo()
    assert numbers(added(sqlite_archive, path, copy=True)) == {"added": 1}


def test_masters_are_left_as_they_are(sqlite_archive: Archive, draw: Draw, added: Add) -> None:
    paths = [draw(f"{seed}.jpg", seed) for seed in range(4)]
    for path in paths:
        path.chmod(0o444)
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths]
    added(sqlite_archive, paths[0].parent, copy=True, workers=2)
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths] == before


def test_names_tell_what_the_pattern_says(archive: Archive, draw: Draw, added: Add) -> None:
    draw("Claude_Monet/c. 1890 - Haystacks.jpg", 1)
    draw("nothing.jpg", 2)
    folder = draw("x/y.jpg", 3).parents[1]
    assert numbers(added(archive, folder, names="{artist}/{date} - {title}")) == {"added": 3}
    said = {(row["field"], row["value"], row["kind"]) for row in rows(archive, STATEMENTS)}
    assert said == {("artist", "Claude Monet", "name"), ("date", "c. 1890", "name"), ("title", "Haystacks", "name")}
    with pytest.raises(PlanError, match="no pattern"):
        added(archive, folder, names="{painter}/{date}")


def test_what_vasari_made_is_known_as_such(
    sqlite_archive: Archive, draw: Draw, added: Add, tiny_restorer: Path, tmp_path: Path
) -> None:
    from vasari.app.cli.main import main

    scan = draw("scan.jpg", 1)
    restored = tmp_path / "restored"
    assert main(["restore", str(scan), "-o", str(restored), "--model", str(tiny_restorer), "--evidence"]) == 0
    summary = added(sqlite_archive, scan, restored)
    assert numbers(summary) == {"added": 2, "derived": 1}  # the evidence maps are not among them
    works = {row["id"]: row for row in rows(sqlite_archive, WORKS)}
    files = {Path(row["path"]).parent.name: row for row in rows(sqlite_archive, FILES)}
    assert not works[files["scans"]["work_id"]]["derived"] and works[files["restored"]["work_id"]]["derived"]
    (made,) = rows(sqlite_archive, DERIVATIVES)
    assert (made["content"], made["source_content"]) == (files["restored"]["content"], files["scans"]["content"])
    assert made["operation"] == "restore" and made["treatment"]["plan"]["stages"]
    (restored / "scan.treatment.json").unlink()  # the record inside the picture is enough
    with Archive.create(tmp_path / "second") as second:
        added(second, restored)
        (inside,) = rows(second, DERIVATIVES)
    assert inside["source_content"] == made["source_content"] and inside["operation"] == "restore"


def test_two_runs_at_a_time_do_not_double_anything(archive: Archive, draw: Draw, added: Add) -> None:
    from concurrent.futures import ThreadPoolExecutor

    paths = [draw(f"{seed}.jpg", seed) for seed in range(12)]
    folder = paths[0].parent
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: added(archive, folder), range(2)))
    with archive.reading() as connection:
        assert connection.execute(select(func.count()).select_from(FILES)).scalar_one() == 12
        assert connection.execute(select(func.count()).select_from(WORKS)).scalar_one() == 12
