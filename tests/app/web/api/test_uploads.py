"""Files that are sent in: kept whole and once, examined apart, refused where they are not what they say."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from vasari.app.examining import Look, look
from vasari.app.settings import Settings
from vasari.app.web.api.uploads import uploads_of
from vasari.app.web.application import create_app
from vasari.app.web.uploads import safe_name
from vasari.app.web.workbench import Workbench
from vasari.foundation.errors import PictureError, VasariError
from vasari.foundation.image_formats import Limits

Header = Callable[[TestClient], dict[str, str]]


def png(seed: int = 0, side: int = 24) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def bomb(side: int = 60_000) -> bytes:
    """A PNG of 3.6 gigapixels in few bytes, by hand."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * 100_000)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def packed(**members: bytes) -> bytes:
    return packed_as(list(members.items()))


def packed_as(members: list[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def looked(path: Path, data: bytes, name: str) -> Look:
    path.mkdir(parents=True)
    (path / "sent").write_bytes(data)
    (path / "out").mkdir()
    return look(path / "sent", name, Limits(), 10_000_000, path / "out")


def test_a_picture_is_kept_once_under_its_hash(client: TestClient, bench: Workbench, token_header: Header) -> None:
    header, data = token_header(client), png()
    first = client.post("/api/v1/uploads?name=a%2Fb%20%3Cc%3E.PNG", content=data, headers=header)
    assert first.status_code == 201, first.text
    (upload,) = first.json()["uploads"]
    sha256 = hashlib.sha256(data).hexdigest()
    assert upload["reference"] == f"upload:{sha256}" and upload["name"] == "b _c_.png"
    assert (upload["width"], upload["height"], upload["kind"], upload["bytes"]) == (24, 24, "picture", len(data))
    again = client.post("/api/v1/uploads?name=other.png", content=data, headers=header).json()["uploads"]
    assert again == [upload]
    assert [path.name for path in (bench.folder / "uploads").iterdir()] == [sha256]
    content = client.get(f"/api/v1/uploads/{sha256}/content")
    assert content.content == data and "attachment" in content.headers["content-disposition"]
    assert client.get("/api/v1/uploads").json() == {"uploads": [upload], "cursor": None}
    assert client.get(f"/api/v1/uploads/{'0' * 64}").status_code == 404


def test_a_name_may_look_like_an_option(client: TestClient, token_header: Header) -> None:
    answer = client.post("/api/v1/uploads?name=--help.png", content=png(3), headers=token_header(client))
    assert answer.status_code == 201 and answer.json()["uploads"][0]["name"] == "--help.png", answer.text


def test_what_is_refused_leaves_nothing(client: TestClient, bench: Workbench, token_header: Header) -> None:
    header = token_header(client)
    cases = [
        ("a.png", png()[:100], 422), ("a.png", b"GIF89a" + b"\0" * 100, 422), ("a.exe", png(), 400),
        ("a.png", b"", 400), ("a.png", bomb(), 413), ("x.zip", packed_as([("../../evil.png", png())]), 422),
    ]  # fmt: skip
    for name, data, status in cases:
        answer = client.post(f"/api/v1/uploads?name={name}", content=data, headers=header)
        assert answer.status_code == status, (name, answer.text)
        error = answer.json()["error"]
        assert error["what"] and error["remedy"] and str(bench.folder) not in error["what"]
    assert client.post("/api/v1/uploads?name=a.png", content=png()).status_code == 403, "without the token"
    assert list((bench.folder / "uploads").iterdir()) == [] and uploads_of(bench).page() == []


def test_too_many_bytes_are_refused_as_they_come(bench: Workbench, token_header: Header) -> None:
    small = dataclasses.replace(bench, settings=Settings(largest_upload_bytes=2000))
    with TestClient(create_app(small), base_url="http://127.0.0.1:8765") as client:
        header = token_header(client)
        assert client.post("/api/v1/uploads?name=a.png", content=png(side=64), headers=header).status_code == 413
        endless = client.post("/api/v1/uploads?name=a.png", content=iter([png(side=64)] * 3), headers=header)
        assert endless.status_code == 413
        assert list((bench.folder / "uploads").iterdir()) == []


def test_a_zip_archive_becomes_its_pictures(client: TestClient, bench: Workbench, token_header: Header) -> None:
    data = packed_as(
        [("a/one.png", png(1)), ("a/two.png", png(2)), ("__MACOSX/._one.png", b"x"), ("notes.txt", b"y"),
         ("broken.png", png(3)[:90])]
    )  # fmt: skip
    answer = client.post("/api/v1/uploads?name=all.zip", content=data, headers=token_header(client)).json()
    assert [one["name"] for one in answer["uploads"]] == ["one.png", "two.png"]
    assert {one["name"] for one in answer["left_out"]} == {"__MACOSX/._one.png", "notes.txt", "broken.png"}
    assert all(str(bench.folder) not in one["why"] for one in answer["left_out"])
    assert len(list((bench.folder / "uploads").iterdir())) == 2


@pytest.mark.parametrize(
    "name", ["../a.png", "a/../../b.png", "/etc/a.png", "C:\\a.png", "..\\a.png", "a/..", "\\\\host\\a.png"]
)
def test_zip_archives_that_write_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError, match="outside"):
        looked(tmp_path / "x", packed_as([("fine.png", png()), (name, png())]), "x.zip")
    assert not list((tmp_path / "x" / "out").iterdir())


def test_zip_bombs_are_refused(tmp_path: Path) -> None:
    cases = [
        [("a.png", b"\0" * 9_000_000), ("b.png", b"\0" * 9_000_000)],
        [("a.png", b"\0" * 30_000_000)],
        [(f"{number}.png", b"") for number in range(5001)],
        [("inner.zip", packed(a=b"\0" * 1000))],
    ]
    for number, members in enumerate(cases):
        with pytest.raises(VasariError) as refused:
            looked(tmp_path / str(number), packed_as(members), "x.zip")
        assert refused.value.remedy
        assert sum(path.stat().st_size for path in (tmp_path / str(number) / "out").iterdir()) < 10_000_000


def test_a_zip_member_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed_as([("a.png", b"\0" * 1_000_000)]))
    for place in (data.index(b"PK\3\4") + 22, data.index(b"PK\1\2") + 24):
        data[place : place + 4] = struct.pack("<I", 10)
    with pytest.raises(VasariError):
        looked(tmp_path / "x", bytes(data), "x.zip")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("scan.TIF", "scan.tif"), ("../../a.png", "a.png"), ("C:\\x\\b.jpg", "b.jpg"), (".hidden.png", "hidden.png"),
     ("a\x00\n\x1bb.png", "a___b.png"), (".png", "png"), ("", "file"), ("女" * 300 + ".png", "女" * 40 + ".png"),
     ("<img src=x>.png", "_img src=x_.png")],
)  # fmt: skip
def test_names_are_made_safe(given: str, kept: str) -> None:
    assert safe_name(given) == kept


@pytest.mark.slow
def test_a_file_that_takes_too_much_memory_or_time_is_refused(tmp_path: Path) -> None:
    from vasari.app.examining import Ration, examine

    path = tmp_path / "a.webp"
    Image.fromarray(np.zeros((9000, 9000, 3), np.uint8)).save(path, lossless=True)
    with pytest.raises(VasariError) as refused:
        examine(path, "a.webp", Ration(10**9, 10**9, memory=200 << 20), tmp_path)
    assert "memory" in refused.value.message
