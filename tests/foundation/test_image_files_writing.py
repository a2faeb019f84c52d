"""Writing whole or not at all: no half file, no leftover, never onto the source."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.foundation import image_files
from vasari.foundation.errors import WriteError
from vasari.foundation.image_files import Header, RowWriter
from vasari.foundation.picture import Metadata, Picture

PIXELS = data.coffee()[:100, :130]
HEADER = Header("tiff", 130, 100, 3, 8)
FORMATS = ("tiff", "jpeg", "png", "webp")


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_appears_whole_with_its_digest(tmp_path: Path, format: str) -> None:
    path = tmp_path / "new folder" / "a.x"
    with RowWriter(path, HEADER, format) as writer:
        for top in range(0, 100, 30):
            writer.append(PIXELS[top : top + 30])
            assert not path.exists()
    assert names(path.parent) == ["a.x"]
    assert writer.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    with Image.open(path) as image:
        assert image.size == (130, 100)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_rows_make_the_same_bytes(tmp_path: Path, format: str) -> None:
    digests = set()
    for step in (1, 7, 100):
        with RowWriter(tmp_path / "a", HEADER, format) as writer:
            for top in range(0, 100, step):
                writer.append(PIXELS[top : top + step])
        digests.add(writer.sha256)
    assert len(digests) == 1


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rows", [0, 1, 60])
def test_an_error_leaves_nothing_and_the_old_file_stands(tmp_path: Path, format: str, rows: int) -> None:
    path = tmp_path / "a.x"
    path.write_bytes(b"the old file")
    with pytest.raises(RuntimeError, match="stop"), RowWriter(path, HEADER, format) as writer:
        if rows:
            writer.append(PIXELS[:rows])
        raise RuntimeError("stop")
    assert names(tmp_path) == ["a.x"]
    assert path.read_bytes() == b"the old file"


def test_too_few_or_too_many_or_wrong_rows(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="60 of the 100"), RowWriter(tmp_path / "a", HEADER, "png") as writer:
        writer.append(PIXELS[:60])
    with pytest.raises(WriteError, match="more than"), RowWriter(tmp_path / "a", HEADER, "png") as writer:
        writer.append(PIXELS)
        writer.append(PIXELS[:1])
    for wrong in (PIXELS[:, :-1], PIXELS.astype(np.uint16), PIXELS[:, :, 0]):
        with pytest.raises(WriteError, match="shape"), RowWriter(tmp_path / "a", HEADER, "png") as writer:
            writer.append(wrong)
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["same", "symlink", "hard link", "other name"])
def test_the_source_is_never_written(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "master.png"
    Image.fromarray(PIXELS).save(source)
    before = source.read_bytes(), source.stat().st_mtime_ns
    target = {"same": source, "other name": tmp_path / "x" / ".." / "master.png"}.get(kind, tmp_path / "link.png")
    (tmp_path / "x").mkdir()
    if kind == "symlink":
        target.symlink_to(source)
    elif kind == "hard link":
        os.link(source, target)
    picture = image_files.read(source)
    with pytest.raises(WriteError, match="source itself"):
        image_files.write(picture, target)
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before


def test_alpha_is_not_dropped_silently(tmp_path: Path) -> None:
    picture = Picture.from_array(np.dstack([PIXELS, PIXELS[:, :, 0]]))
    with pytest.raises(WriteError, match="no alpha"):
        image_files.write(picture, tmp_path / "a.jpg")
    assert names(tmp_path) == []


def test_formats_that_are_only_read(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="heic cannot be written"):
        image_files.write(Picture.from_array(PIXELS), tmp_path / "a", format="heic")
    # A writer without a format takes what results of such sources are written as.
    with RowWriter(tmp_path / "a.jpg", replace(HEADER, format="heic")) as writer:
        writer.append(PIXELS)
    assert image_files.inspect(tmp_path / "a.jpg").format == "jpeg"


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(WriteError):
        image_files.write(Picture.from_array(PIXELS), tmp_path / "a.png")
    (tmp_path / "file").touch()
    with pytest.raises(WriteError):
        image_files.write(Picture.from_array(PIXELS), tmp_path / "file" / "a.png")
    assert names(tmp_path) == ["a.png", "file"]
    assert names(tmp_path / "a.png") == []


FULL_DISK = """
import resource, signal, sys
import numpy as np
from vasari.foundation.errors import WriteError
from vasari.foundation.image_files import Header, RowWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
rows = np.random.default_rng(0).integers(0, 255, (100, 500, 3), dtype=np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for format in sys.argv[2:]:
    try:
        with RowWriter(sys.argv[1], Header("tiff", 500, 1000, 3, 8), format) as writer:
            for _ in range(10):
                writer.append(rows)
    except WriteError as error:
        print("refused:", error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    # A limit on the size of files fails a write just as a full disk does.
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "a.x"), *FORMATS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    lines = done.stdout.splitlines()
    assert len(lines) == len(FORMATS) and all(line.startswith("refused:") for line in lines), done.stderr
    assert ".part" not in done.stdout
    assert names(tmp_path) == []


def test_a_file_that_reads_back_wrong_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vasari.foundation import row_writer

    def damage(path: Path, metadata: Metadata, format: str) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    monkeypatch.setattr(row_writer, "complete", damage)
    with (
        pytest.raises(WriteError, match="written into it|unreadable"),
        RowWriter(tmp_path / "a", HEADER, "tiff") as writer,
    ):
        writer.append(PIXELS)
    assert names(tmp_path) == []


def test_bigtiff_above_four_gigabytes_is_chosen_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vasari.foundation import row_writer

    monkeypatch.setattr(row_writer, "BIGTIFF_BYTES", 1000)
    exif = b"II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\x06\0\0\0\x1a\0\0\0\0\0\0\0Zeiss\0"
    picture = Picture.from_array(PIXELS)
    path = image_files.write(replace(picture, metadata=Metadata(exif=exif)), tmp_path / "a.tif")
    assert path.read_bytes()[:4] == b"II+\0"
    import tifffile

    with tifffile.TiffFile(path) as file:
        np.testing.assert_array_equal(file.asarray(), PIXELS)
        assert file.pages[0].tags["Make"].value == "Zeiss"


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files as Linux shows them")
def test_writers_do_not_leak_threads_or_files(tmp_path: Path) -> None:
    def held() -> tuple[int, int]:
        writing = sum(thread.name.startswith("write ") for thread in threading.enumerate())
        return writing, len(list(Path("/proc/self/fd").iterdir()))

    before = held()
    for index in range(20):
        with pytest.raises(RuntimeError), RowWriter(tmp_path / "a", HEADER, FORMATS[index % 4]) as writer:
            writer.append(PIXELS[:50])
            raise RuntimeError
    after = held()
    assert after[0] == before[0] == 0
    assert after[1] <= before[1] + 4
