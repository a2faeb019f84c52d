"""Reading copies made ahead: all that are needed, none twice, whatever is killed, unreadable or too large."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select
from tests.app.web.conftest import served

from vasari.app.cli.main import main
from vasari.app.web import preparer
from vasari.app.web.iiif import levels, preparing
from vasari.app.web.iiif.image_service import pictures_shown
from vasari.app.web.iiif.levels import ReadingCopies
from vasari.app.web.iiif.masters import Master, master_of
from vasari.app.web.iiif.pass_notes import PassNotes
from vasari.app.web.iiif.preparing import Prepared, abandon, copies_in, prepare
from vasari.app.web.preparer import preparing as preparing_beside
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.schema import FILES
from vasari.archive.store import Archive
from vasari.archive.writer import Row
from vasari.foundation.errors import WriteError

#: More than a picture that is read without a copy has.
LARGE = (1600, 1000)


def scan(path: Path, number: int, size: tuple[int, int] = LARGE) -> Path:
    """A smooth picture unlike those of other numbers."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 256, (size[1] // 50, size[0] // 50, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four large pictures of several formats, a small one, and a pyramid that needs no copy."""
    import pyvips

    folder = tmp_path_factory.mktemp("large")
    for number, name in enumerate(("a.jpg", "b.png", "c.tif", "d.webp")):
        scan(folder / name, number)
    scan(folder / "small.png", 8, (300, 200))
    whole = pyvips.Image.new_from_file(str(scan(folder / "e.png", 9, (1700, 1000))))
    whole.tiffsave(str(folder / "pyramid.tif"), tile=True, tile_width=256, tile_height=256, pyramid=True, subifd=True)
    (folder / "e.png").unlink()
    return folder


@pytest.fixture
def archive(scans: Path, tmp_path: Path) -> Archive:
    with Archive.create(tmp_path / "archive") as made:
        add(made, [str(shutil.copytree(scans, tmp_path / "scans"))], AddPlan(workers=1))
        yield made


def passed(archive: Archive, gib: float = 1.0) -> tuple[Prepared, ReadingCopies]:
    folder = archive.folder / "workbench"
    copies = copies_in(folder, gib)
    return prepare(archive, folder, copies), copies


def files_of(copies: ReadingCopies) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in copies.cache.folder.glob("*/*")}


def test_every_picture_that_needs_a_copy_gets_one_and_the_second_pass_does_nothing(archive: Archive) -> None:
    masters = {path: path.read_bytes() for path in (archive.folder.parent / "scans").iterdir()}
    first, copies = passed(archive)
    assert (first.made, first.without_room, first.failures) == (4, 0, ())
    assert (
        first.bytes == copies.cache.total_bytes == sum(path.stat().st_size for path in copies.cache.folder.glob("*/*"))
    )
    before = files_of(copies)
    second, _ = passed(archive)
    assert (second.made, second.bytes, second.failures) == (0, 0, ())
    assert files_of(copies) == before
    assert {path: path.read_bytes() for path in masters} == masters


def test_no_copy_weighs_more_than_it_was_reckoned_to(archive: Archive, tmp_path: Path) -> None:
    """Noise is what weighs most."""
    rng = np.random.default_rng(5)
    noise = Image.fromarray(rng.integers(0, 256, (1100, 1500, 3), dtype=np.uint8))
    clear = Image.fromarray(rng.integers(0, 256, (1100, 1500, 4), dtype=np.uint8))
    for name in ("noise.png", "noise.jpg", "alpha.png", "alpha.webp"):
        (clear if "alpha" in name else noise).save(tmp_path / name, quality=95)
        add(archive, [str(tmp_path / name)], AddPlan(workers=1))
    _, copies = passed(archive)
    rows = {f"{row['content']}.tif": row for row in preparing.lacking(archive, copies_in(tmp_path / "none", 1.0))}
    exceeded = set()
    for path in copies.cache.folder.glob("*/*"):
        row = rows[path.name]
        name, size = Path(row["path"]).name, (row["format"], row["width"], row["height"])
        assert path.stat().st_size <= levels.most_bytes(*size, has_alpha="alpha" in name)
        exceeded |= {name} if path.stat().st_size > levels.most_bytes(*size) else set()
    assert exceeded == {"alpha.png", "alpha.webp"}  # what is reckoned without alpha does not hold


def test_a_picture_with_alpha_is_given_its_room(tmp_path: Path) -> None:
    scan(tmp_path / "solid.webp", 3)
    Image.open(tmp_path / "solid.webp").convert("RGBA").save(tmp_path / "alpha.webp")
    pixels = Image.open(tmp_path / "alpha.webp").convert("RGBA")
    pixels.putpixel((0, 0), (0, 0, 0, 0))
    pixels.save(tmp_path / "alpha.webp")
    with Archive.create(tmp_path / "archive") as archive:
        add(archive, [str(tmp_path / "alpha.webp")], AddPlan(workers=1))
        most = levels.most_bytes("webp", *LARGE, has_alpha=True)
        assert passed(archive, (most - 1000) / preparing.GIB)[0].without_room == 1
        assert passed(archive, (most + 1000) / preparing.GIB)[0].made == 1


def test_the_pass_ends_at_the_limit_and_lets_nothing_go(archive: Archive) -> None:
    _, copies = passed(archive)
    whole = copies.cache.total_bytes
    shutil.rmtree(copies.cache.folder)
    room = 12e6 / (1 << 30)  # of some two pictures, at what they may weigh at most
    some, kept = passed(archive, room)
    assert 0 < some.made < 4 and some.made + some.without_room == 4
    assert 0 < kept.cache.total_bytes <= 12e6
    before = files_of(kept)
    again, kept = passed(archive, room)
    assert files_of(kept).items() >= before.items()
    assert kept.cache.total_bytes <= min(12e6, whole)
    assert again.without_room == some.without_room - again.made


def test_the_disk_is_not_filled(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "LEFT_FREE", 1 << 60)
    found, copies = passed(archive)
    assert (found.made, found.without_room, copies.cache.total_bytes) == (0, 4, 0)


def test_what_cannot_be_read_is_told_and_the_rest_is_made(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    scans = archive.folder.parent / "scans"
    torn = (scans / "b.png").read_bytes()
    (scans / "a.jpg").unlink()
    keep = (scans / "b.png").stat()
    (scans / "b.png").write_bytes(torn[: len(torn) // 2] + bytes(len(torn) - len(torn) // 2))
    os.utime(scans / "b.png", ns=(keep.st_atime_ns, keep.st_mtime_ns))  # as a disk that rots
    assert main(["archive", "prepare", "--archive", str(archive.folder)]) == 3
    said = capsys.readouterr()
    assert "2 reading copies made" in said.out and "2 files could not be read." in said.out
    assert "a.jpg: The file of this picture cannot be reached now." in said.err and "b.png: " in said.err
    shutil.copy(scans / "c.tif", scans / "a.jpg")
    (scans / "b.png").write_bytes(torn)
    os.utime(scans / "b.png", ns=(keep.st_atime_ns, keep.st_mtime_ns))
    found, _ = passed(archive)
    assert found.made == 1 and [Path(path).name for path, _ in found.failures] == ["a.jpg"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is wanted")
def test_a_full_disk_is_not_a_damaged_master(archive: Archive, tmp_path: Path) -> None:
    folder = archive.folder / "workbench"
    copies = copies_in(folder, 1.0)
    with archive.reading() as connection:
        rows = [dict(row) for row in connection.execute(select(FILES)).mappings()]
    for row in rows:
        if Path(row["path"]).name in ("a.jpg", "b.png"):
            full = tmp_path / "full.part"
            full.symlink_to("/dev/full")
            with pytest.raises(WriteError, match="could not be written: .*(write|space)"):
                copies.made(master_of(row, archive.folder), full)
            assert not full.is_symlink() and not copies.holds(row["content"])


def test_a_folder_that_cannot_be_used_ends_the_pass(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    work = archive.folder / "workbench" / "iiif" / "preparing"
    (work / "begun").mkdir(parents=True)
    with pytest.raises(WriteError, match="preparing cannot be used: Is a directory"):
        passed(archive)
    (work / "begun").rmdir()

    def gone(path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    with pytest.raises(WriteError, match="preparing cannot be used: Input/output error"):
        passed(archive)


def test_what_needs_no_copy_or_cannot_be_read_starts_no_further_pass(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, scans = archive.folder / "workbench", archive.folder.parent / "scans"
    opened: list[str] = []

    def counted(row: Row, folder: Path) -> Master:
        opened.append(Path(row["path"]).name)
        return master_of(row, folder)

    monkeypatch.setattr(preparing, "master_of", counted)
    kept = (scans / "b.png").rename(scans / "away.png")
    assert preparing.is_work_left(archive, folder, copies_in(folder, 1.0))
    assert len(passed(archive)[0].failures) == 1 and {"pyramid.tif", "b.png"} <= set(opened)
    opened.clear()
    assert not preparing.is_work_left(archive, folder, copies_in(folder, 1.0))
    assert passed(archive)[0].failures == () and opened == []
    told = prepare(archive, folder, copies_in(folder, 1.0), anew=True)  # by hand it is told again
    assert len(told.failures) == 1 and set(opened) == {"pyramid.tif", "b.png"}
    kept.rename(scans / "b.png")
    assert preparing.is_work_left(archive, folder, copies_in(folder, 1.0))
    assert not preparing.is_work_left(archive, folder, copies_in(folder, 0.001))  # no room for it
    assert passed(archive)[0].made == 1


def test_a_killed_pass_is_gone_on_with(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it writes its third copy: two are whole, the third is made anew, nothing else lies about."""
    folder = archive.folder / "workbench"
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from vasari.app.web.iiif import levels\n"
        "from vasari.app.web.iiif.preparing import copies_in, prepare\n"
        "from vasari.archive.store import Archive\n"
        "made, whole = 0, levels.ReadingCopies._make\n"
        "def make(self, master, part):\n"
        "    global made\n"
        "    made += 1\n"
        "    if made == 3:\n"
        "        part.write_bytes(bytes(1000))\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return whole(self, master, part)\n"
        "levels.ReadingCopies._make = make\n"
        "folder = Path(sys.argv[1])\n"
        "prepare(Archive.open(folder), folder / 'workbench', copies_in(folder / 'workbench', 1.0))\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(archive.folder)], timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    copies = copies_in(folder, 1.0)
    assert len(files_of(copies)) == 2
    before = files_of(copies)
    found, copies = passed(archive)
    assert found.made == 2
    assert files_of(copies).items() > before.items()
    assert sorted(path.name for path in (folder / "iiif" / "preparing").iterdir()) == ["ended", "lock", "settled"]
    assert (folder / "iiif" / "preparing" / "ended").read_text() == ""


def test_a_picture_beside_which_processes_end_is_left_alone(archive: Archive) -> None:
    folder = archive.folder / "workbench"
    *others, content = (row["content"] for row in preparing.lacking(archive, copies_in(folder, 1.0)))
    work = folder / "iiif" / "preparing"
    work.mkdir(parents=True)
    (work / "begun").write_text(others[0])
    abandon(folder)  # it ended in order
    for _ in range(3):
        abandon(folder)  # with none in work, nothing is forgotten
        assert not PassNotes(work).is_given_up(content)
        (work / "begun").write_text(content)
        PassNotes(work).take_over()
    abandon(folder)
    assert (work / "ended").read_text().split() == [content] * 3
    found, copies = passed(archive)
    assert found.made == 3 and not copies.holds(content)
    assert "3 processes ended" in str(found.failures[0][1])
    assert not preparing.is_work_left(archive, folder, copies)
    (work / "ended").unlink()
    assert preparing.is_work_left(archive, folder, copies)
    assert passed(archive)[0].made == 1


def test_two_passes_at_once_are_one(archive: Archive) -> None:
    folder = archive.folder / "workbench"
    copies = copies_in(folder, 1.0)

    def second(done: int, total: int, path: str, error: object) -> None:
        with pytest.raises(WriteError, match="being made already"):
            prepare(archive, folder, copies_in(folder, 1.0))

    assert prepare(archive, folder, copies, second).made == 4


def test_the_command_tells_what_it_made(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    assert main(["archive", "prepare", "--archive", str(archive.folder), "--gib", "0.001", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["without_room"] == 4
    assert main(["archive", "prepare", "--archive", str(archive.folder)]) == 0
    assert "4 reading copies made" in capsys.readouterr().out
    assert main(["archive", "prepare", "--archive", str(archive.folder)]) == 0
    assert capsys.readouterr().out == "Every picture has the reading copy that it needs.\n"


@pytest.mark.parametrize("gib", ["nan", "-1", "0", "inf"])
def test_a_limit_that_makes_no_sense_is_told(archive: Archive, capsys: pytest.CaptureFixture[str], gib: str) -> None:
    assert main(["archive", "prepare", "--archive", str(archive.folder), f"--gib={gib}"]) == 2
    assert f"gib={float(gib)} is " in capsys.readouterr().err


def test_the_pass_of_a_server_draws_nothing_on_its_terminal(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    (archive.folder.parent / "scans" / "a.jpg").unlink()
    terminal, end = os.openpty()
    started = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **more: started(*given, stderr=end, **more))
    with preparer.start_pass(archive.folder, 1.0) as process:
        os.close(end)
        told = b""
        with contextlib.suppress(OSError):  # as Linux tells of the other end's closing
            while some := os.read(terminal, 1 << 16):
                told += some
        assert process.wait(60) == 3
    os.close(terminal)
    (line,) = told.decode().splitlines()
    assert "a.jpg: The file of this picture cannot be reached now." in line and "\x1b" not in line


def test_beside_a_server_what_is_there_and_what_comes_is_prepared(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture was there before, another comes by the command line; tiles are then cut from what is ready."""
    monkeypatch.setattr(preparer, "NICE", 0)  # so that a busy machine does not hold it up for minutes
    passed(archive)
    with served(archive.folder) as (address, bench):
        copies = pictures_shown(bench).copies
        next(copies.cache.folder.glob("*/*")).unlink()
        add(archive, [str(scan(tmp_path / "late.png", 77))], AddPlan(workers=1))
        with preparing_beside(bench):
            _until(lambda: len(files_of(copies)) == 5)
        for name in files_of(copies):
            tile = f"{address}/iiif/image/{name.removesuffix('.tif')}/0,0,512,512/512,512/0/default.jpg"
            with urllib.request.urlopen(tile, timeout=60) as answer:
                assert answer.headers["Server-Timing"].startswith("made;")


def test_a_tile_that_is_asked_for_before_its_copy_is_made_with_it(archive: Archive) -> None:
    with served(archive.folder, copies_on_demand=True) as (address, bench), preparing_beside(bench):
        *_, row = preparing.lacking(archive, pictures_shown(bench).copies)
        told = []
        for left in (0, 512):
            tile = f"{address}/iiif/image/{row['content']}/{left},0,512,512/512,512/0/default.jpg"
            with urllib.request.urlopen(tile, timeout=60) as answer:
                told.append(answer.headers["Server-Timing"].partition(";")[0])
        assert told == ["made-with-copy", "made"]
        assert len(files_of(pictures_shown(bench).copies)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_vasari_serve_prepares_and_takes_the_pass_with_it(archive: Archive, end: signal.Signals) -> None:
    command = [sys.executable, "-m", "vasari.app.cli.main", "serve", str(archive.folder), "--port", "0"]
    with subprocess.Popen([*command, "--workers", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())  # type: ignore[union-attr]
            assert address
            _until(lambda: bool(_passes_of(archive.folder)))
            process.send_signal(end)
            assert process.wait(60) == (0 if end is signal.SIGTERM else -end)
            _until(lambda: not _passes_of(archive.folder))
        finally:
            process.kill()


def _passes_of(folder: Path) -> list[str]:
    """The processes that prepare an archive."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            commands.append(path.read_text().replace("\0", " "))
    return [one for one in commands if "archive prepare" in one and str(folder) in one]


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to be within two minutes")
