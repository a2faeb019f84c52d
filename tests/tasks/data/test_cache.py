"""The cache: decoded once, whole or not there, larger than memory, harmless to others."""

from __future__ import annotations

import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.foundation.errors import TrainingError, WriteError
from vasari.tasks.data import cache
from vasari.tasks.data.gather import gather
from vasari.tasks.data.picture_set import PictureSet
from vasari.tasks.data.plan import PicturesPlan

# Decodes the folder argv[1] into the cache argv[2] and tells of it; without torch, which takes long to import.
DECODE = """
import json, sys
from pathlib import Path
from vasari.foundation.errors import VasariError
from vasari.tasks.data.cache import cached
from vasari.tasks.data.plan import PicturesPlan
from vasari.tasks.data.sources import list_source
try:
    found = cached(list_source(sys.argv[1], "set", "").entries, PicturesPlan(px=64, cache=sys.argv[2]))
    print(json.dumps({"path": str(found.pixels), "size": found.pixels.stat().st_size, "pictures": len(found.kept)}))
except VasariError as error:
    print(json.dumps({"kind": type(error).__name__, "message": error.message, "remedy": error.remedy}))
"""


def plan_for(folder: Path | str, **options: object) -> PicturesPlan:
    return PicturesPlan(px=32, cache=str(folder), **options)  # type: ignore[arg-type]


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def many(folder: Path, count: int, px: int = 64) -> Path:
    """Pictures of noise, each of its own."""
    folder.mkdir()
    rng = np.random.default_rng(4)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (px, px, 3), dtype=np.uint8)).save(folder / f"{number:04d}.png")
    return folder


def test_the_same_set_is_decoded_once(folder: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "cache")
    first = gather([folder], plan)
    written = Path(first.report.cache).stat()
    again = gather([folder], plan)
    assert Path(again.report.cache).stat().st_mtime_ns == written.st_mtime_ns
    assert Path(again.report.cache).stat().st_ino == written.st_ino
    assert again.report == first.report and again.names == first.names and again.labels == first.labels
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert len(visible(tmp_path / "cache")) == 2  # pixels and index: no lock, nothing half-written


def test_other_files_or_options_are_decoded_anew(folder: Path, tmp_path: Path) -> None:
    where = tmp_path / "cache"
    paths = {gather([folder], plan_for(where)).report.cache}
    paths.add(gather([folder], plan_for(where, stored_px=40)).report.cache)
    paths.add(gather([folder], plan_for(where, color="grey")).report.cache)
    paths.add(gather([folder], plan_for(where, correction="levels")).report.cache)
    Image.open(folder / "astronaut.jpg").rotate(180).save(folder / "astronaut.jpg")
    paths.add(gather([folder], plan_for(where)).report.cache)
    (folder / "astronaut.jpg").unlink()
    paths.add(gather([folder], plan_for(where)).report.cache)
    assert len(paths) == 6
    # what only crops depend on is not decoded anew
    assert gather([folder], plan_for(where, flip=False, closest=0.2)).report.cache in paths


@pytest.mark.parametrize("harm", ["cut", "garbled", "no pixels"])
def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path, harm: str) -> None:
    plan = plan_for(tmp_path / "cache")
    first = gather([folder], plan)
    pixels = Path(first.report.cache)
    samples = pixels.read_bytes()
    if harm == "cut":
        pixels.write_bytes(samples[:-1])
    elif harm == "garbled":
        pixels.with_suffix(".json").write_text('{"kept": [[1, 2]]}')
    else:
        pixels.unlink()
    again = gather([folder], plan)
    assert Path(again.report.cache).read_bytes() == samples and len(again) == 3


def test_a_set_is_sent_to_workers_without_its_pixels(tmp_path: Path) -> None:
    pictures = gather([many(tmp_path / "set", 20, 32)], plan_for(tmp_path / "cache"))
    assert pictures[0].base is not None and not pictures[0].flags.writeable  # a view of the mapped file
    sent = pickle.dumps(pictures)
    assert len(sent) < 5_000 < pictures.report.decoded_bytes == 20 * 32 * 32 * 3
    assert np.array_equal(pickle.loads(sent)[7], pictures[7])


def test_a_deleted_cache_is_told(folder: Path, tmp_path: Path) -> None:
    pictures = pickle.loads(pickle.dumps(gather([folder], plan_for(tmp_path / "cache"))))
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(TrainingError, match="cannot be read"):
        pictures[0]


def test_the_users_cache_folder_serves_where_none_is_named(folder: Path, tmp_path: Path) -> None:
    pictures = gather([folder], plan_for(""))
    assert Path(pictures.report.cache).parent == tmp_path / "user-cache" / "vasari" / "pictures"


def test_without_a_writable_user_folder_a_temporary_one_serves(folder: Path, tmp_path: Path) -> None:
    """And is gone when the process has ended."""
    (tmp_path / "user-cache").write_text("a file where a folder should be")
    done = subprocess.run([sys.executable, "-c", DECODE, folder, ""], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["pictures"] > 0 and not Path(told["path"]).exists() and not Path(told["path"]).parent.exists()


def test_a_named_folder_that_cannot_be_written_to_is_an_error(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(WriteError, match="cannot be written to"):
        gather([folder], plan_for(tmp_path / "taken"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; skipped where none may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_told_and_left_clean(small_disk: Path, tmp_path: Path) -> None:
    source = many(tmp_path / "set", 70)  # 860 kB decoded
    (small_disk / "other.txt").write_text("another's file")
    with pytest.raises(WriteError, match="No space left") as caught:
        gather([source], PicturesPlan(px=64, cache=str(small_disk)))
    assert "All 70 need about 0.9 MB, and 0.3 MB are free" in caught.value.message
    assert str(small_disk) in caught.value.message and "the option cache" in caught.value.remedy
    assert visible(small_disk) == ["other.txt"]


def test_a_limit_on_files_is_told_and_left_clean(tmp_path: Path) -> None:
    source = many(tmp_path / "set", 70)
    where = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", DECODE, source, where],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    told = json.loads(done.stdout)
    assert told["kind"] == "WriteError" and "File too large" in told["message"] and "about 0.9 MB" in told["message"]
    assert visible(where) == []


def test_two_processes_make_one_cache(tmp_path: Path) -> None:
    source, where = many(tmp_path / "set", 300), tmp_path / "cache"
    command = [sys.executable, "-c", DECODE, str(source), str(where)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [json.loads(one.communicate()[0]) for one in both]
    assert told[0] == told[1] and told[0]["pictures"] == 300
    assert len(visible(where)) == 2


def test_who_finds_the_cache_in_the_making_waits(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_for(tmp_path / "cache")
    made = gather([folder], plan)
    finished = {path: path.read_bytes() for path in (tmp_path / "cache").iterdir()}
    for path in finished:
        path.unlink()
    looked: list[float] = []

    def others_finish(seconds: float) -> None:
        looked.append(seconds)
        for path, data in finished.items():
            path.write_bytes(data)

    key = Path(made.report.cache).stem
    with cache._sole_builder(tmp_path / "cache", key):
        monkeypatch.setattr(time, "sleep", others_finish)
        again = gather([folder], plan)
    assert looked and again.report == made.report


def test_a_killed_process_leaves_nothing_that_is_believed(folder: Path, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "cache")
    made = gather([folder], plan)
    pixels = Path(made.report.cache)
    fresh, old = pixels.with_name(f".{pixels.stem}.aa.part"), pixels.with_name(".another.bb.part")
    for path in (fresh, old):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    pixels.with_suffix(".json").unlink()  # killed between the two renames
    assert gather([folder], plan).report == made.report
    assert fresh.exists() and not old.exists()  # the fresh one may be another's at work


def test_few_pictures_are_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries are read as decoding goes on, and not all before the first is written."""
    written: list[int] = []
    append = cache._append
    monkeypatch.setattr(cache, "DECODED_AT_ONCE", 8)
    read: list[int] = []
    decode = cache._decoded_entry
    monkeypatch.setattr(cache, "_decoded_entry", lambda *given: (read.append(1), decode(*given))[1])

    def appending(*given: object) -> cache.Kept:
        written.append(len(read))
        return append(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(cache, "_append", appending)
    pictures: PictureSet = gather([many(tmp_path / "set", 40, 32)], plan_for(tmp_path / "cache"))
    assert len(pictures) == 40
    assert all(ahead - done <= 8 for done, ahead in enumerate(written))
