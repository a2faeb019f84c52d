"""The time left of made batches, whose true times are known, and what a real batch tells of its work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from vasari.foundation.ledgers import DONE, FAILED, Entry, Stamp
from vasari.foundation.pace import work_of
from vasari.tasks.batch.files import treat_files
from vasari.tasks.batch.tally import Tally
from vasari.tasks.batch.terms import BatchOptions, Silent
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork

#: What a page takes beside its pixels, how many pixels are done in a second, and how long the weights are loaded:
#: measured for `vasari restore` on one slow core.
FILE_S, PIXELS_A_S, LOADING_S = 0.07, 350_000, 3.0
TILE = 768 * 768


@dataclass(frozen=True)
class File:
    """A file of a made batch."""

    path: Path
    bytes: int
    pixels: int

    @property
    def seconds(self) -> float:
        return FILE_S + self.pixels / PIXELS_A_S


def files(number: int, name: str, size_bytes: int, pixels: int) -> list[File]:
    return [File(Path(f"{place}-{name}"), size_bytes, pixels) for place in range(number)]


THUMBNAIL = ("thumbnail.png", 2_000, 1_200)
SCAN = ("scan.tif", 36_000_000, 12_000_000)
PHOTOGRAPH = ("photograph.jpg", 4_000_000, 12_000_000)
BATCHES = {
    "a thumbnail, then scans": files(1, *THUMBNAIL) + files(20, *SCAN),
    "thumbnails, then scans": files(200, *THUMBNAIL) + files(3, *SCAN),
    "scans, then thumbnails": files(3, *SCAN) + files(900, *THUMBNAIL),
    "photographs, then scans": files(3, *PHOTOGRAPH) + files(3, *SCAN),
    "scans, then photographs": files(3, *SCAN) + files(3, *PHOTOGRAPH),
    "one scan": files(1, *SCAN),
}


def followed(batch: Sequence[File]) -> list[tuple[float, float, float | None]]:
    """A batch done one file after the other, tile by tile: at each step bytes done, true and told seconds left."""
    now = 0.0
    tally = Tally(lambda: now)
    tally.begin(sum(work_of(one.path, one.bytes) for one in batch))
    now += LOADING_S
    rest = sum(one.seconds for one in batch)
    settled, told = 0.0, []
    for one in batch:
        steps = max(1, one.pixels // TILE)
        for step in range(1, steps + 1):
            now += one.seconds / steps
            rest -= one.seconds / steps
            tally.advance(one.path, 0, step / steps, work_of(one.path, one.bytes))
            told.append((settled + one.bytes * step / steps, rest, tally.seconds_left()))
        settled += one.bytes
    return told


@pytest.mark.parametrize("name", BATCHES)
def test_the_time_left_is_near_the_truth(name: str) -> None:
    told = followed(BATCHES[name])
    long = [(true, left) for _, true, left in told if true > 10 and left is not None]
    assert len(long) > 5, "it must be told while there is something to wait for"
    wrong = [(true, left) for true, left in long if not true / 3 < left < true * 3]
    assert not wrong
    assert told[-1][2] in (None, pytest.approx(0, abs=0.1))


def test_by_bytes_it_would_be_absurd() -> None:
    """What was told before, of the same batch: bytes alone, from the first file on."""
    batch = BATCHES["a thumbnail, then scans"]
    done, true, left = followed(batch)[0]
    total = sum(one.bytes for one in batch)
    assert (LOADING_S + FILE_S) * (total - done) / done > 1000 * true
    assert left is None


def test_what_an_earlier_run_has_done_says_nothing_of_the_speed() -> None:
    now = 0.0
    tally = Tally(lambda: now)
    tally.begin(100.0)
    tally.advance(Path("long.mp4"), 0, 0.5, 100.0)
    now = 10.0
    tally.advance(Path("long.mp4"), 0, 0.6, 100.0)
    assert tally.seconds_left() == pytest.approx(40)


def test_films_come_on_top_of_pictures() -> None:
    now = 0.0
    tally = Tally(lambda: now)
    tally.begin(10.0)
    tally.advance(Path("a.png"), 0, 0.0, 10.0)
    now = 5.0
    tally.advance(Path("a.png"), 0, 1.0, 10.0)
    tally.begin(20.0)
    assert tally.seconds_left() == pytest.approx(10)


@pytest.mark.parametrize("has_stamp", [True, False])
def test_a_page_that_failed_is_dealt_with(tmp_path: Path, has_stamp: bool) -> None:
    torn = tmp_path / "torn.tif"
    torn.write_bytes(b"II*\0" + bytes(3_000_000))
    now, work = 0.0, work_of(torn, torn.stat().st_size)
    tally = Tally(lambda: now)
    tally.begin(work)
    tally.advance(torn, 0, 0.1, work / 2)
    now = 10.0
    half = tally.finished(Entry(FAILED, str(torn), 0, 2, Stamp.of(torn) if has_stamp else None))
    assert half == pytest.approx(work / 2)
    assert tally.finished(Entry(FAILED, str(torn), 1, 2, Stamp.of(torn) if has_stamp else None)) == pytest.approx(work)
    assert tally.seconds_left() == pytest.approx(0)


def test_a_page_that_fails_after_its_last_row_counts_once() -> None:
    tally = Tally()
    tally.begin(30.0)
    tally.advance(Path("a.tif"), 0, 1.0, 10.0)
    assert tally.finished(Entry(FAILED, "a.tif", 0, 2, Stamp("", 10**9, 0))) == pytest.approx(10.0)
    assert tally.advance(Path("a.tif"), 1, 1.0, 10.0) == tally.finished(Entry(DONE, "a.tif", 1, 2)) == 20.0
    assert not tally.running and not tally.ending


def test_pages_of_one_source_may_be_in_work_at_once() -> None:
    tally, book = Tally(), Path("book.tif")
    tally.begin(30.0)
    tally.advance(book, 0, 0.5, 10.0)
    assert tally.advance(book, 1, 0.7, 10.0) == pytest.approx(12.0)
    assert tally.advance(book, 0, 1.0, 10.0) == pytest.approx(17.0)
    assert tally.finished(Entry(FAILED, str(book), 1, 3, Stamp("", 10**9, 0))) == pytest.approx(20.0)


def test_a_page_found_done_counts_and_says_nothing_of_the_speed() -> None:
    now, book = 0.0, Path("book.tif")
    tally = Tally(lambda: now)
    work = work_of(book, 3_000_000)
    tally.begin(work)
    tally.advance(book, 1, 0.0, work / 3)
    found = Entry(DONE, str(book), 0, 3, Stamp("", 3_000_000, 0))
    assert tally.found(found) == tally.finished(found) == pytest.approx(work / 3)
    now = 10.0
    tally.advance(book, 1, 1.0, work / 3)
    assert tally.seconds_left() == pytest.approx(10.0)


class Watching(Silent):
    """A tally of a real batch."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.advanced = self.done = 0.0

    def begin(self, sources: int, work: float, already_done: int) -> None:
        self.tally.begin(work)

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        self.advanced = self.done = self.tally.advance(source, page, share, of_work)

    def found(self, entry: Entry) -> None:
        self.done = self.tally.found(entry)

    def finished(self, entry: Entry) -> None:
        self.done = self.tally.finished(entry)


def test_all_work_of_a_real_batch_is_dealt_with(tmp_path: Path) -> None:
    """Pages of one file, a thumbnail, and a file that is torn: together as much as was announced."""
    scans = tmp_path / "scans"
    scans.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (3, 40, 60, 3), np.uint8)
    tifffile.imwrite(scans / "book.tif", pixels, photometric="rgb")
    Image.fromarray(pixels[0, :8, :8]).save(scans / "a.png")
    (scans / "torn.jpg").write_bytes(b"\xff\xd8\xff" + bytes(500))
    watch = Watching()
    work = RestoreWork.of(RestorePlan(strength=0.0, precision="float32"))
    summary = treat_files([scans], BatchOptions(tmp_path / "out", jobs=1), work, watch)
    assert (len(summary.done), len(summary.failed)) == (4, 1)
    work_there = {path.name: work_of(path, path.stat().st_size) for path in scans.iterdir()}
    announced = sum(work_there.values())
    assert watch.tally.total == pytest.approx(announced) and watch.done == pytest.approx(announced)
    assert watch.advanced == pytest.approx(announced - work_there["torn.jpg"])


def test_a_batch_that_goes_on_comes_to_its_end(tmp_path: Path) -> None:
    """Of a file of three pages one is to be made again, another fails where its result would go, the third is done."""
    book, out = tmp_path / "book.tif", tmp_path / "out"
    tifffile.imwrite(book, np.random.default_rng(0).integers(0, 255, (3, 40, 60, 3), np.uint8), photometric="rgb")
    work = RestoreWork.of(RestorePlan(strength=0.0, precision="float32"))
    results = [one.result for one in treat_files([book], BatchOptions(out, jobs=1), work).done]
    assert len(results) == 3
    (out / str(results[1])).unlink()
    (out / str(results[2])).write_bytes(b"mine")
    watch = Watching()
    summary = treat_files([book], BatchOptions(out, jobs=2), work, watch)
    assert (len(summary.done), len(summary.failed)) == (2, 1)
    announced = work_of(book, book.stat().st_size)
    assert watch.tally.total == pytest.approx(announced) and watch.done == pytest.approx(announced)
