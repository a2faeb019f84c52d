"""Every change of a file's bytes is found, nothing else is, and a run that was broken off goes on."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from sqlalchemy import select

from vasari.archive.fixity import CHANGED, MISSING, PRESENT, UNREADABLE, verify
from vasari.archive.schema import EVENTS, FILES
from vasari.archive.statements import works_of
from vasari.archive.store import Archive
from vasari.foundation.errors import PlanError

LONG_AGO = "2020-01-01T00:00:00Z"


def _put(archive: Archive, folder: Path, count: int, size: int = 300) -> list[Path]:
    """Files of random bytes that the archive knows; the third of them has two pages."""
    folder.mkdir(exist_ok=True)
    numbers = random.Random(7)
    paths = [folder / f"{number:04}.tif" for number in range(count)]
    rows = []
    for number, path in enumerate(paths):
        path.write_bytes(numbers.randbytes(size))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        for page in range(1 + (number == 2)):
            content = sha256 + (f"#{page}" if page else "")
            rows.append(
                {
                    "work_id": 1,
                    "path": str(path),
                    "page": page,
                    "content": content,
                    "sha256": sha256,
                    "bytes": size,
                    "modified_ns": 0,
                    "width": 1,
                    "height": 1,
                    "format": "TIFF",
                    "depth": 8,
                    "phash": None,
                    "copied": False,
                    "state": PRESENT,
                    "added": LONG_AGO,
                    "checked": f"2020-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z",
                }
            )
    with archive.writing() as writer:
        works_of(writer, ["work"])
        writer.add(FILES, rows)
    return paths


def _flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def _states(archive: Archive) -> dict[str, set[str]]:
    states: dict[str, set[str]] = {}
    with archive.reading() as connection:
        for path, state in connection.execute(select(FILES.c.path, FILES.c.state)):
            states.setdefault(Path(path).name, set()).add(state)
    return states


def test_what_is_wrong_is_named(archive: Archive, tmp_path: Path) -> None:
    paths = _put(archive, tmp_path / "scans", 8)
    assert verify(archive).wrong == []
    _flip(paths[2], 0)
    _flip(paths[3], 2399)
    paths[4].unlink()
    paths[5].unlink()
    paths[5].mkdir()
    done = verify(archive)
    assert {Path(one.path).name: one.state for one in done.wrong} == {
        "0002.tif": CHANGED, "0003.tif": CHANGED, "0004.tif": MISSING, "0005.tif": UNREADABLE,
    }  # fmt: skip
    assert (done.files, done.checked) == (8, 8)
    flipped = next(one for one in done.wrong if one.path == str(paths[3]))
    assert flipped.found == hashlib.sha256(paths[3].read_bytes()).hexdigest() != flipped.sha256
    assert _states(archive)["0002.tif"] == {CHANGED}, "both pages"
    with archive.reading() as connection:
        events = connection.execute(select(EVENTS.c.object, EVENTS.c.outcome)).all()
    assert sorted(Path(path).name for path, outcome in events if outcome == "fail") == [
        "0002.tif", "0003.tif", "0004.tif", "0005.tif", "archive",
    ]  # fmt: skip


def test_what_is_whole_again_is_told(archive: Archive, tmp_path: Path) -> None:
    paths = _put(archive, tmp_path / "scans", 3)
    _flip(paths[0], 5)
    assert len(verify(archive).wrong) == 1
    _flip(paths[0], 5)
    done = verify(archive)
    assert (done.wrong, done.restored) == ([], [str(paths[0])])
    assert _states(archive)["0000.tif"] == {PRESENT}


def test_a_share_takes_the_longest_unchecked(sqlite_archive: Archive, tmp_path: Path) -> None:
    _put(sqlite_archive, tmp_path / "scans", 10)
    seen: list[str] = []
    for _ in range(5):
        verify(sqlite_archive, 0.2, watch=lambda path, state, size: seen.append(Path(path).name))
    assert seen == [f"{number:04}.tif" for number in range(10)]


def test_a_sample_of_the_day_is_the_same_all_day(
    sqlite_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(sqlite_archive, tmp_path / "scans", 200)
    samples = []
    for second in (1_800_000_000, 1_800_000_100, 1_800_090_000):  # twice on a day, and the next
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(second))
        seen: list[str] = []
        verify(sqlite_archive, 0.25, by_day=True, watch=lambda path, state, size: seen.append(path))  # noqa: B023
        samples.append(sorted(seen))
    assert samples[0] == samples[1] != samples[2]
    assert all(25 <= len(one) <= 75 for one in samples)


def test_a_file_found_wrong_is_always_checked_again(sqlite_archive: Archive, tmp_path: Path) -> None:
    paths = _put(sqlite_archive, tmp_path / "scans", 20)
    _flip(paths[0], 1)
    verify(sqlite_archive, 0.05)
    done = verify(sqlite_archive, 0.05)
    assert [one.path for one in done.wrong] == [str(paths[0])]
    assert done.checked == 2


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_it_goes_on_where_it_was_broken_off(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr("vasari.archive.fixity._BATCH_FILES", 10)
    paths = _put(archive, tmp_path / "scans", 80)
    _flip(paths[3], 1)
    _flip(paths[35], 1)
    seen: list[str] = []

    def watch(path: str, state: str, size: int) -> None:
        seen.append(path)
        if len(seen) == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(archive, share, watch=watch)
    done = verify(archive, share)
    whole = int(80 * share)
    assert (done.checked_before, done.checked, done.files) == (20, whole - 20, whole)
    assert [one.path for one in done.wrong] == [str(paths[35])]
    assert {name for name, state in _states(archive).items() if state == {CHANGED}} == {"0003.tif", "0035.tif"}
    assert verify(archive, 1.0).checked == 80, "a run that was finished is not taken up again"


def test_a_share_out_of_range(sqlite_archive: Archive) -> None:
    for share in (0, -1, 1.5, float("nan")):
        with pytest.raises(PlanError, match="share"):
            verify(sqlite_archive, share)


def _one_bit_in_each(archive: Archive, folder: Path, count: int, size: int) -> None:
    paths = _put(archive, folder, 2 * count, size)
    numbers = random.Random(1)
    harmed = set(numbers.sample(paths, count))
    for path in sorted(harmed):
        _flip(path, numbers.randrange(8 * size))
    done = verify(archive)
    assert {Path(one.path) for one in done.wrong} == harmed
    assert {one.state for one in done.wrong} == {CHANGED}
    assert (done.files, done.bytes) == (2 * count, 2 * count * size)


def test_one_bit_in_each_of_a_hundred(sqlite_archive: Archive, tmp_path: Path) -> None:
    _one_bit_in_each(sqlite_archive, tmp_path / "scans", 100, 500)


@pytest.mark.slow
def test_one_bit_in_each_of_a_thousand(archive: Archive, tmp_path: Path) -> None:
    _one_bit_in_each(archive, tmp_path / "scans", 1000, 100_000)
