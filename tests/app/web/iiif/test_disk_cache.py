"""The cache on disk: whole or not there, and never larger than it may be."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from vasari.app.web.iiif.disk_cache import DiskCache


def test_what_was_asked_for_last_stays(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 5000)
    for name in ("aa", "bb", "cc", "dd"):
        cache.write(name, name.encode() * 500)
    assert cache.read("aa") == b"aa" * 500
    cache.write("ee", b"ee" * 500)
    assert cache.read("bb") is None
    assert cache.read("aa") == b"aa" * 500
    assert cache.total_bytes == sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 5000


def test_it_is_found_again_after_a_new_start_and_keeps_its_bound(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10_000)
    for number in range(8):
        cache.write(f"{number:02}", bytes(1000))
        os.utime(tmp_path / f"{number:02}" / f"{number:02}", (number, number))
    left = tmp_path / "00" / ".00.dead.part"
    left.write_bytes(bytes(50_000))
    os.utime(left, (1, 1))
    again = DiskCache(tmp_path, 4000)
    assert again.total_bytes == 8 * 1016
    assert not left.exists()
    again.write("99", bytes(1000))
    assert [number for number in range(8) if again.read(f"{number:02}")] == [6, 7]


def test_a_file_that_is_not_whole_is_not_answered_with(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10_000)
    cache.write("aa", bytes(1000))
    path = cache.path("aa")
    assert path is not None
    path.write_bytes(path.read_bytes()[:500])
    assert cache.read("aa") is None
    path.write_bytes(b"")
    assert cache.read("aa") is None


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = DiskCache(tmp_path / "file", 1000)
    cache.write("aa", b"1")
    assert cache.read("aa") is None


def test_many_threads_keep_the_bound(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 20_000)

    def work(seed: int) -> None:
        for number in range(60):
            name = f"{(seed * 7 + number * 13) % 40:02}"
            data = cache.read(name)
            if data is None:
                cache.write(name, name.encode() * 500)
            else:
                assert data == name.encode() * 500

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.total_bytes <= 20_000
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 20_000


def test_what_another_process_kept_counts(tmp_path: Path) -> None:
    ours, theirs = DiskCache(tmp_path, 5000), DiskCache(tmp_path, 5000)
    assert ours.total_bytes == 0
    for name in ("aa", "bb"):
        theirs.write(name, bytes(1000))
    assert ours.holds("aa") and not ours.holds("cc")
    assert ours.total_bytes == 0
    assert ours.read("aa") == bytes(1000)
    assert ours.total_bytes == theirs.total_bytes // 2
    ours.recount()
    assert ours.total_bytes == theirs.total_bytes
