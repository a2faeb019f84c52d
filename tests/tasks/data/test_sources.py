"""What is found in folders, lists, tables and archives, and how wrong ones are told."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.foundation.errors import PlanError
from vasari.tasks.data.archives import HARMLESS_BYTES
from vasari.tasks.data.entries import Listing
from vasari.tasks.data.sources import list_source, names_of


def listed(source: Path | str, label_column: str = "") -> Listing:
    return list_source(source, "set", label_column)


def names(listing: Listing) -> list[str]:
    return [one.name for one in listing.entries]


def labels(listing: Listing) -> list[str]:
    return [one.label for one in listing.entries]


def png(value: int = 90) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_a_folder_is_searched_in_order_without_hidden_files(folder: Path) -> None:
    (folder / ".hidden.png").write_bytes(png())
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails" / "a.png").write_bytes(png())
    (folder / "notes.txt").write_text("no picture")
    (folder / "phone.heic").write_bytes(b"")
    listing = listed(folder)
    assert names(listing) == ["set/astronaut.jpg", "set/animals/cat.PNG", "set/things/deep/coffee.tif"]
    assert labels(listing) == ["set", "animals", "things"]
    assert dict(listing.left_out) == {".txt": 1, ".heic": 1}


def test_a_single_picture_is_a_source(folder: Path) -> None:
    assert names(listed(folder / "astronaut.jpg")) == ["set/astronaut.jpg"]


def test_a_folder_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refusing(path: str | Path) -> object:
        if Path(path).name == "animals":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # root, as which tests may run, is never refused
    listing = listed(folder)
    assert "set/animals" in names(listing)
    with pytest.raises(OSError, match="Permission denied"):
        next(one for one in listing.entries if one.name == "set/animals").read()


def test_a_list_is_relative_to_its_folder(folder: Path) -> None:
    path = folder / "some.txt"
    path.write_text(
        f"# the best\nanimals/cat.PNG\n\n{folder / 'astronaut.jpg'}\nmissing.png\nanimals\n", encoding="utf-8"
    )
    listing = listed(path)
    assert names(listing) == [
        "set/animals/cat.PNG",
        f"set/{folder / 'astronaut.jpg'}",
        "set/missing.png",
        "set/animals",
    ]
    assert listing.entries[0].read() == (folder / "animals/cat.PNG").read_bytes()
    assert listing.entries[1].read() == (folder / "astronaut.jpg").read_bytes()
    with pytest.raises(FileNotFoundError):
        listing.entries[2].read()
    with pytest.raises(ValueError, match="a folder"):
        listing.entries[3].read()


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")
    entry = next(one for one in listed(folder).entries if one.name.endswith("pipe.png"))
    with pytest.raises(ValueError, match="no regular file"):
        entry.read()


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("file,artist\nanimals/cat.PNG,Vermeer\nastronaut.jpg,\n", "", ["Vermeer", ""]),
        ("\ufeffTitle;Path;Style\nx;animals/cat.PNG;baroque\ny;astronaut.jpg;pop\n", "", ["baroque", "pop"]),
        ("image\tstyle\tperiod\nanimals/cat.PNG\ta\t1600\nastronaut.jpg\tb\t1900\n", "period", ["1600", "1900"]),
        ('filename,title\n"animals/cat.PNG","a, b"\nastronaut.jpg,c\n,nothing\n', "", ["set", "set"]),
    ],
)
def test_a_table_names_pictures_and_labels(folder: Path, text: str, column: str, expected: list[str]) -> None:
    path = folder / "index.csv"
    path.write_text(text, encoding="utf-8")
    listing = listed(path, column)
    assert names(listing) == ["set/animals/cat.PNG", "set/astronaut.jpg"]
    assert labels(listing) == expected
    assert listing.entries[0].read() == (folder / "animals/cat.PNG").read_bytes()


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("title,year\nx,1900\n", "", "no column with the paths of pictures; it has: title, year"),
        ("", "", "it has: none"),
        ("file,style\na.png,b\n", "period", "label_column=period is no column"),
        ("file\n" + "x" * 200_000 + "\n", "", "field larger than field limit"),
    ],
)
def test_a_wrong_table_is_told_what_is_wrong(tmp_path: Path, text: str, column: str, message: str) -> None:
    path = tmp_path / "index.csv"
    path.write_text(text)
    with pytest.raises(PlanError, match=message):
        listed(path, column)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("Gemälde.jpg".encode("latin-1"))
    with pytest.raises(PlanError, match="not UTF-8"):
        listed(path)


def test_an_archive_is_read_without_extracting(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("top/dogs/1.png", png(10))
        archive.writestr("top/cats/2.png", png(20))
        archive.writestr("top/.hidden.png", png())
        archive.writestr("__MACOSX/top/cats/._2.png", b"resource fork")
        archive.writestr("top/readme.md", "words")
        archive.writestr("top/../../escape.png", png(30))
    before = sorted(tmp_path.rglob("*"))
    listing = listed(path)
    assert names(listing) == ["set/top/cats/2.png", "set/top/dogs/1.png"]
    assert labels(listing) == ["cats", "dogs"]
    assert [one.read() for one in listing.entries] == [png(20), png(10)]
    assert dict(listing.left_out) == {".md": 1}
    assert sorted(tmp_path.rglob("*")) == before and not (tmp_path.parent / "escape.png").exists()


def test_a_bomb_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.bmp", bytes(HARMLESS_BYTES + 1))
    entry = listed(path).entries[0]
    with pytest.raises(ValueError, match="decompression bomb"):
        entry.read()


def test_a_damaged_member_and_a_damaged_archive(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png(10))
        archive.writestr("b.png", png(20))
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 4] ^= 0xFF
    path.write_bytes(data)
    first, second = listed(path).entries
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        first.read()
    assert second.read() == png(20)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PlanError, match="no zip archive"):
        listed(path)


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"")
    with pytest.raises(PlanError, match="no source of pictures"):
        listed(tmp_path / "film.mp4")
    with pytest.raises(PlanError, match="There is no"):
        listed(tmp_path / "nowhere")


def test_no_two_sources_are_called_alike() -> None:
    assert names_of(["a/photos", Path("b/photos"), "hf://owner/name:train", "c.zip"]) == [
        "photos",
        "photos#2",
        "owner-name:train",
        "c.zip",
    ]
