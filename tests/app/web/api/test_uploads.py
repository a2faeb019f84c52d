"""Files that are sent in: kept whole and once, examined apart, refused where they are not what they say."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import stat
import struct
import subprocess
import sys
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
from vasari.app.web import uploads as uploads_module
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


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int = 60_000) -> bytes:
    """A PNG of 3.6 gigapixels in few bytes, by hand."""
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
    assert upload["reference"] == f"upload:{sha256}/b _c_.png" and upload["name"] == "b _c_.png"
    assert (upload["width"], upload["height"], upload["kind"], upload["bytes"]) == (24, 24, "picture", len(data))
    again = client.post("/api/v1/uploads?name=b _c_.png", content=data, headers=header).json()["uploads"]
    assert again == [upload]
    assert [path.name for path in (bench.folder / "uploads").iterdir()] == [sha256]
    content = client.get(f"/api/v1/uploads/{sha256}/content")
    assert content.content == data and "attachment" in content.headers["content-disposition"]
    assert client.get("/api/v1/uploads").json() == {"uploads": [upload], "cursor": None}
    assert client.get(f"/api/v1/uploads/{'0' * 64}").status_code == 404


def test_the_same_content_has_each_name_that_it_was_sent_under(
    client: TestClient, bench: Workbench, token_header: Header
) -> None:
    header, data = token_header(client), png(5)
    names = ("b.png", "a.png", "b.png", "c.png")
    for name in names:
        answer = client.post(f"/api/v1/uploads?name={name}", content=data, headers=header)
        (upload,) = answer.json()["uploads"]
        assert upload["name"] == name and upload["reference"].endswith(f"/{name}")
        assert client.get(answer.headers["location"]).json()["name"] == name
    sha256 = hashlib.sha256(data).hexdigest()
    files = list((bench.folder / "uploads" / sha256).iterdir())
    assert {path.name for path in files} == set(names) and all(path.read_bytes() == data for path in files)
    assert len({path.stat().st_ino for path in files}) == 1, "one content, once on the disk"
    assert client.get(f"/api/v1/uploads/{sha256}").json()["name"] == "b.png"
    content = client.get(f"/api/v1/uploads/{sha256}/content?name=c.png")
    assert content.content == data and "c.png" in content.headers["content-disposition"]
    assert client.get(f"/api/v1/uploads/{sha256}?name=d.png").status_code == 404
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/v1/uploads", params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        seen += [one["name"] for one in page["uploads"]]
        cursor = page["cursor"]
    assert seen == ["c.png", "a.png", "b.png"], "newest first, each once"
    jobs = []
    for name in ("a.png", "c.png", "a.png"):
        asked = {"operation": "inpaint", "inputs": [f"upload:{sha256}/{name}"], "fields": {"box": [2, 2, 4, 4]}}
        jobs.append(client.post("/api/v1/jobs", json=asked, headers=header).json())
    assert [job["inputs"][0]["name"] for job in jobs] == ["a.png", "c.png", "a.png"]
    assert jobs[0]["id"] == jobs[2]["id"] != jobs[1]["id"], "results are called after their inputs"


def test_names_are_kept_where_the_disk_knows_no_links(
    client: TestClient, bench: Workbench, token_header: Header, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(uploads_module.os, "link", refused)
    header, data = token_header(client), png(6)
    for name in ("a.png", "b.png"):
        client.post(f"/api/v1/uploads?name={name}", content=data, headers=header)
    (folder,) = (bench.folder / "uploads").iterdir()
    assert {path.name for path in folder.iterdir()} == {"a.png", "b.png"}
    assert all(path.read_bytes() == data for path in folder.iterdir())


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


def test_links_in_a_zip_archive_lead_nowhere(tmp_path: Path) -> None:
    """A member that says of itself that it is a link becomes a file with the target's name in it: no picture."""
    (tmp_path / "secret.png").write_bytes(png(9))
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, str(tmp_path / "secret.png"))
        archive.writestr("fine.png", png(8))
    found = looked(tmp_path / "x", buffer.getvalue(), "x.zip")
    assert [one.name for one in found.files] == ["fine.png"] and found.left_out[0]["name"] == "link.png"
    assert not [path for path in (tmp_path / "x" / "out").iterdir() if path.is_symlink()]


def test_the_name_of_a_zip_member_is_never_a_path_of_ours(tmp_path: Path) -> None:
    """Members are written under numbers, whatever they are called; of two of one name, both are kept."""
    data = packed_as([("a/x.png", png(1)), ("b/x.png", png(2)), ("c/" + "n" * 300 + ".png", png(3))])
    found = looked(tmp_path / "x", data, "x.zip")
    assert [Path(one.path).name for one in found.files] == ["0.png", "1.png", "2.png"]
    assert {path.name for path in (tmp_path / "x" / "out").iterdir()} == {"0.png", "1.png", "2.png"}


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


def test_words_in_a_picture_that_unfold_to_gigabytes_take_no_memory(tmp_path: Path) -> None:
    """A small PNG with 400 MB of compressed text (zTXt) before its pixels, looked at with less memory than that."""
    whole = png(4)
    words = zlib.compressobj(9)
    packed_words = b"".join(words.compress(b" " * (1 << 20)) for _ in range(400)) + words.flush()
    at = whole.index(b"IDAT") - 4
    data = whole[:at] + chunk(b"zTXt", b"Comment\0\0" + packed_words) + whole[at:]
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert len(data) < 1_000_000
    command = [sys.executable, "-c", PEAK, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    assert int(said) < 300_000, "kilobytes of memory that a look took"


#: Looks at a file, whatever comes of it, and prints the most memory that the process of the look had.
PEAK = """
import resource, sys
from pathlib import Path
from vasari.app.examining import Ration, examine
from vasari.foundation.errors import PictureError
try:
    examine(Path(sys.argv[1]), "a.png", Ration(10**8, 10**8, memory=4 << 30), Path(sys.argv[1]).parent)
except PictureError:
    pass
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.slow
def test_a_file_that_takes_too_much_memory_or_time_is_refused(tmp_path: Path) -> None:
    from vasari.app.examining import Ration, examine

    path = tmp_path / "a.webp"
    Image.fromarray(np.zeros((9000, 9000, 3), np.uint8)).save(path, lossless=True)
    with pytest.raises(VasariError) as refused:
        examine(path, "a.webp", Ration(10**9, 10**9, memory=200 << 20), tmp_path)
    assert "memory" in refused.value.message
