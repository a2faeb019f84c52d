"""The ledger outlives kills, and one process at a time works in a folder."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from vasari.foundation.errors import PlanError
from vasari.foundation.ledgers import DONE, FAILED, Entry, Ledger, Stamp, job_key, publish, sole_worker


def entry(name: str, **values: object) -> Entry:
    return Entry(DONE, f"/scans/{name}", stem=name, result=f"{name}.tif", result_stamp=Stamp("ab", 3, 5), **values)  # type: ignore[arg-type]


def test_entries_come_back_as_they_were(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.append(entry("a", source_stamp=Stamp("cd", 1, 2), beside={"a.treatment.json": "ef"}, seconds=1.5))
    ledger.append(Entry(FAILED, "/scans/\udcff.tif", error="what", remedy="do"))
    assert Ledger(tmp_path).entries == ledger.entries
    ledger.path.read_bytes().decode()  # UTF-8 whatever a file is called, as JSON must be
    assert Ledger(tmp_path).claims() == {Path("/scans/a"): "a"}
    assert Ledger(tmp_path).results() == {tmp_path / "a.tif", tmp_path / "a.treatment.json"}


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_a_torn_last_line_is_passed_over_and_the_next_line_stands_alone(tmp_path: Path, cut: int) -> None:
    ledger = Ledger(tmp_path)
    ledger.append(entry("a"))
    ledger.append(entry("b"))
    with ledger.path.open("r+b") as file:
        file.truncate(ledger.path.stat().st_size - cut)
    torn = Ledger(tmp_path)
    assert [one.stem for one in torn.entries.values()] == ["a"]
    torn.append(entry("c"))
    assert [one.stem for one in Ledger(tmp_path).entries.values()] == ["a", "c"]


def test_a_whole_line_without_its_end_counts(tmp_path: Path) -> None:
    Ledger(tmp_path).append(entry("a"))
    with Ledger(tmp_path).path.open("r+b") as file:
        file.truncate(Ledger(tmp_path).path.stat().st_size - 1)
    again = Ledger(tmp_path)
    again.append(entry("b"))
    assert [one.stem for one in Ledger(tmp_path).entries.values()] == ["a", "b"]


def test_a_stamp_knows_a_file_by_size_and_time_then_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    stamp = Stamp.of(path)
    os.utime(path, ns=(0, 0))
    assert not stamp.looks_like(path) and stamp.matches(path)
    path.write_bytes(b"two")
    assert not stamp.matches(path)
    path.unlink()
    assert not stamp.matches(path)


def _hold(folder: Path, ready, leave) -> None:
    with sole_worker(folder):
        ready.set()
        leave.wait(30)


def test_a_second_process_is_refused_until_the_first_dies(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready, leave))
    process.start()
    assert ready.wait(60)
    with pytest.raises(PlanError, match="Another process"), sole_worker(tmp_path):
        pass
    process.kill()
    process.join()
    (tmp_path / ".vasari" / "work" / "half.tif").write_bytes(b"half")
    with sole_worker(tmp_path) as work:
        assert list(work.iterdir()) == []


def test_publish_makes_the_folder_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "staged").write_bytes(b"new")
    publish(tmp_path / "staged", tmp_path / "deep" / "a.tif")
    assert (tmp_path / "deep" / "a.tif").read_bytes() == b"new"


def test_every_part_of_a_job_changes_its_key() -> None:
    keys = {
        job_key("c", "restore", "p", "m"),
        job_key("C", "restore", "p", "m"),
        job_key("c", "x", "p", "m"),
        job_key("c", "restore", "P", "m"),
        job_key("c", "restore", "p", "M"),
        job_key("c", "restore", "p", "m", 1),
    }
    assert len(keys) == 6
