"""The files that browsers load: addresses that change with them, and scripts of others as they were published."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from vasari.app.web.static_files import FOLDER, StaticFiles

VENDOR = FOLDER / "vendor"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


def test_vendored_files_are_as_they_were_published() -> None:
    rows = ROW.findall((VENDOR / "NOTICE.md").read_text(encoding="utf-8"))
    told = {name: digest for name, *_, digest in rows}
    assert told == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.suffix in (".js", ".css")
    }
    licensed = {path.stem for path in (VENDOR / "licenses").glob("*.txt")}
    assert {package.partition(".")[0] for _, package, *_ in rows} == licensed


def test_a_changed_file_has_another_address(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = StaticFiles.of(tmp_path)
    assert StaticFiles.of(tmp_path).address("a.js") == before.address("a.js")
    (tmp_path / "a.js").write_text("2")
    assert StaticFiles.of(tmp_path).address("a.js") != before.address("a.js")
    with pytest.raises(KeyError):
        before.address("b.js")


def test_files_are_kept_for_ever_under_their_own_address(client: TestClient) -> None:
    files = StaticFiles.of()
    for name in files.files:
        answer = client.get(files.address(name))
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"], name
    older = client.get("/static/0123/workbench.css")
    assert older.headers["cache-control"] == "no-cache" and older.headers["etag"]
    assert client.get("/static/0123/layout.js").headers["content-type"].startswith("text/javascript")


def test_files_are_sent_packed_to_those_who_take_it(reader: TestClient) -> None:
    files = StaticFiles.of()
    for name in files.files:
        address, original = files.address(name), (FOLDER / name).read_bytes()
        plain = reader.get(address, headers={"Accept-Encoding": "gzip;q=0, br"})
        packed = reader.get(address, headers={"Accept-Encoding": "br, gzip"})
        assert plain.content == packed.content == original, name
        assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"
        if packed.headers.get("content-encoding") == "gzip":
            assert int(packed.headers["content-length"]) < len(original)
            assert packed.headers["etag"] != plain.headers["etag"]
        for answer, accepted in ((plain, "identity"), (packed, "gzip")):
            known = {"Accept-Encoding": accepted, "If-None-Match": answer.headers["etag"]}
            assert reader.get(address, headers=known).status_code == 304
    address = files.address("vendor/openseadragon.min.js")
    largest = reader.get(address, headers={"Accept-Encoding": "gzip"}).headers
    assert largest["content-encoding"] == "gzip" and int(largest["content-length"]) < 150_000


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.js")), ids=lambda path: path.name)
def test_our_scripts_bring_no_markup_and_ask_nobody_else(path: Path) -> None:
    """Markup comes from the server alone, which escapes what it fills in: a line that takes it says so."""
    if VENDOR in path.parents:
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        for sign in (
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "http://",
            "https://",
        ):
            assert sign not in line or "www.w3.org/2000/svg" in line, line
        assert "innerHTML" not in line or "made by the server, escaped there" in line, line
