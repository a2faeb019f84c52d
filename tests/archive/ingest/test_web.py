"""Pictures and manifests are fetched by https from public addresses alone, within limits; a real server answers."""

from __future__ import annotations

import http.server
import io
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from vasari.archive.ingest.fetching import WebLimits, is_public
from vasari.archive.ingest.person import everything
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.ingest.web import add_from_web
from vasari.archive.schema import FILES, ORIGINS, WORKS
from vasari.archive.store import Archive

HOST = "museum.example"
PRIVATE = "inside.example"


@dataclass
class Site:
    """A server on this machine: path -> (status, headers, body), what was asked for, limits that reach it."""

    port: int
    limits: WebLimits
    pages: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    pause_seconds: float = 0.0

    def address(self, path: str, host: str = HOST) -> str:
        return f"https://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes, kind: str, **headers: str) -> str:
        self.pages[path] = (200, {"Content-Type": kind, **headers}, body)
        return self.address(path)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and a certificate of two hosts, made for this run."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", f"/CN={HOST}",
         "-addext", f"subjectAltName=DNS:{HOST},DNS:{PRIVATE}"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


@pytest.fixture
def site(certificate: tuple[Path, Path]) -> Iterator[Site]:
    """A server that answers until the test is over."""
    key, chain = certificate

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, headers, body = made.pages.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            for at in range(0, len(body), 1 << 14):
                time.sleep(made.pause_seconds)
                self.wfile.write(body[at : at + (1 << 14)])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients that hang up are what is tested
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    names = {HOST: ["127.0.0.1"], PRIVATE: ["10.1.2.3"], "both.example": ["127.0.0.1", "192.168.0.1"]}
    made = Site(
        server.server_port,
        WebLimits(
            connect_seconds=5,
            resolver=lambda host, port: names.get(host, [host]),
            allowed=lambda address: address == "127.0.0.1" or is_public(address),
            context=ssl.create_default_context(cafile=str(chain)),
        ),
    )
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def picture(clouds: Callable[..., np.ndarray]) -> Callable[[int], bytes]:
    def encode(seed: int) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(clouds(seed)).save(stream, "JPEG")
        return stream.getvalue()

    return encode


def test_a_picture_is_kept_as_a_copy_and_not_asked_for_again(
    archive: Archive, site: Site, picture: Callable[[int], bytes]
) -> None:
    address = site.put("/a.jpg", picture(1), "image/jpeg")
    summary, _ = add_from_web(archive, [address, address], AddPlan(workers=1), limits=site.limits)
    assert (summary.counts["added"], summary.counts["unchanged"]) == (1, 1)
    with archive.reading() as connection:
        row = connection.execute(select(FILES)).mappings().one()
        assert connection.execute(select(ORIGINS.c.path)).scalar_one() == address
    assert row["copied"] and (archive.folder / row["path"]).read_bytes() == picture(1)
    again, _ = add_from_web(archive, [address], AddPlan(workers=1), limits=site.limits)
    assert again.counts["unchanged"] == 1 and site.asked == ["/a.jpg"]


def test_a_manifest_brings_its_pictures_and_says_what_they_are(
    archive: Archive, site: Site, picture: Callable[[int], bytes]
) -> None:
    images = [
        site.put(f"/{seed}/full/max/0/default.jpg", picture(seed), "image/jpeg", **{"Content-Length": ""})
        for seed in (1, 2)
    ]
    context = "http://iiif.io/api/presentation/3/context.json"
    manifest = {
        "@context": context, "id": site.address("/manifest.json"), "type": "Manifest",
        "label": {"none": ["An album"]}, "metadata": [{"label": {"en": ["Artist"]}, "value": {"en": ["Ann"]}}],
        "items": [{"type": "Canvas", "items": [{"type": "AnnotationPage", "items": [
            {"motivation": "painting", "body": {"type": "Image", "id": image}}]}]} for image in images],
    }  # fmt: skip
    site.put("/manifest.json", json.dumps(manifest).encode(), "application/ld+json; charset=utf-8")
    reference = {"id": site.address("/manifest.json"), "type": "Manifest", "label": {"none": ["An album"]}}
    collection = {"@context": context, "id": "x", "type": "Collection", "items": [reference]}
    address = site.put("/collection.json", json.dumps(collection).encode(), "application/json")
    summary, (imported,) = add_from_web(archive, [address], AddPlan(workers=1), limits=site.limits)
    assert (summary.counts["added"], imported.records, imported.joined) == (2, 1, 1), summary.failed
    work = everything(archive, f"iiif:{manifest['id']}")
    assert (work["title"], work["artist"], len(work["files"])) == ("An album", "Ann", 2)
    with archive.reading() as connection:
        assert len(connection.execute(select(WORKS.c.id)).all()) == 1


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://museum.example/a.jpg", "only https"),
        ("https://me:secret@museum.example/a.jpg", "only https"),
        ("https://inside.example/a.jpg", "private"),
        ("https://both.example/a.jpg", "private"),  # one private address among public ones is enough
        ("https://127.0.0.2/a.jpg", "private"),
        ("https://[::1]/a.jpg", "private"),
        ("https://2130706434/a.jpg", "not found"),  # 127.0.0.2 in disguise
        ("https://nowhere.example/a.jpg", "not found"),
        ("https://", "only https"),
    ],
)
def test_addresses_that_are_not_public_are_refused(
    sqlite_archive: Archive, site: Site, address: str, reason: str
) -> None:
    summary, _ = add_from_web(sqlite_archive, [address], AddPlan(workers=1), limits=site.limits)
    (entry,) = summary.failed
    assert reason in str(entry.error) and site.asked == []


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://inside.example/secret.jpg", "private"),
        ("http://museum.example/a.jpg", "only https"),
        ("/again", "redirects more than 5"),
        ("file:///etc/passwd", "only https"),
        ("", "redirects more than 5"),
        ("https://[1", "Invalid IPv6"),
        ("/painting?by=d\u00fcrer", "UnicodeEncodeError"),
    ],
)
def test_every_redirect_is_checked(sqlite_archive: Archive, site: Site, location: str, reason: str) -> None:
    site.pages["/again"] = (302, {"Location": location}, b"")
    summary, _ = add_from_web(sqlite_archive, [site.address("/again")], AddPlan(workers=1), limits=site.limits)
    assert reason in str(summary.failed[0].error)


def test_a_redirect_to_a_good_address_is_followed(
    sqlite_archive: Archive, site: Site, picture: Callable[[int], bytes]
) -> None:
    site.put("/new name.jpg".replace(" ", "%20"), picture(1), "image/jpeg")
    site.pages["/old"] = (301, {"Location": "/new%20name.jpg"}, b"")
    summary, _ = add_from_web(sqlite_archive, [site.address("/old")], AddPlan(workers=1), limits=site.limits)
    assert summary.counts["added"] == 1


def test_what_is_too_large_too_slow_or_no_picture_is_refused_and_leaves_nothing(
    sqlite_archive: Archive, site: Site, picture: Callable[[int], bytes]
) -> None:
    data = picture(1) + bytes(200_000)
    cases = {
        "more than 100000": site.put("/stated", data, "image/jpeg"),
        "more than 100000 bytes": site.put("/unstated", data, "image/jpeg", **{"Content-Length": ""}),
        "text/html": site.put("/page", b"<html>", "text/html"),
        "answers 404": site.address("/missing"),
        "packs": site.put("/packed", b"x", "image/jpeg", **{"Content-Encoding": "gzip"}),
        "bytes came": site.put("/short", b"x", "image/jpeg", **{"Content-Length": "50"}),
        "no IIIF manifest": site.put("/broken.json", b"{oops", "application/json"),
        "none of the formats": site.put("/lies.jpg", b"no picture at all", "image/jpeg"),
    }
    limits = replace(site.limits, max_bytes=100_000)
    summary, _ = add_from_web(sqlite_archive, list(cases.values()), AddPlan(workers=1), limits=limits)
    errors = {entry.source: str(entry.error) for entry in summary.failed}
    for words, address in cases.items():
        assert words in errors[address], (address, errors[address])
    site.pause_seconds = 0.2
    slow = replace(site.limits, total_seconds=0.3)
    summary, _ = add_from_web(sqlite_archive, [site.address("/stated")], AddPlan(workers=1), limits=slow)
    assert "more than 0.3 seconds" in str(summary.failed[0].error)
    assert list((sqlite_archive.folder / "masters").rglob("*")) == []


def test_a_manifest_names_no_private_addresses(
    sqlite_archive: Archive, site: Site, picture: Callable[[int], bytes]
) -> None:
    """What a document on a public server names is checked as its own address was; the rest of it comes."""
    images = [site.put("/1.jpg", picture(1), "image/jpeg"), f"https://{PRIVATE}:{site.port}/secret.jpg"]
    manifest = {
        "@context": "http://iiif.io/api/presentation/3/context.json", "id": site.address("/manifest.json"),
        "type": "Manifest", "label": {"none": ["An album"]},
        "items": [{"type": "Canvas", "items": [{"type": "AnnotationPage", "items": [
            {"motivation": "painting", "body": {"type": "Image", "id": image}}]}]} for image in images],
    }  # fmt: skip
    address = site.put("/manifest.json", json.dumps(manifest).encode(), "application/json")
    summary, _ = add_from_web(sqlite_archive, [address], AddPlan(workers=1), limits=site.limits)
    assert "private" in str(summary.failed[0].error) and "/secret.jpg" not in site.asked


def test_a_name_is_resolved_once_and_the_answer_kept(sqlite_archive: Archive, site: Site) -> None:
    """A name that leads to a public address when it is checked, and to a private one when it is asked for."""
    answers = iter([["127.0.0.1"], ["10.1.2.3"], ["10.1.2.3"]])
    limits = replace(site.limits, resolver=lambda host, port: next(answers))
    summary, _ = add_from_web(sqlite_archive, [site.address("/missing")], AddPlan(workers=1), limits=limits)
    assert "answers 404" in str(summary.failed[0].error) and site.asked == ["/missing"]


def test_a_certificate_of_another_host_is_refused(sqlite_archive: Archive, site: Site) -> None:
    address = f"https://127.0.0.1:{site.port}/a.jpg"
    summary, _ = add_from_web(sqlite_archive, [address], AddPlan(workers=1), limits=site.limits)
    assert "CERTIFICATE_VERIFY_FAILED" in str(summary.failed[0].error) and site.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True), ("127.0.0.1", False),
     ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
     ("100.64.0.1", False), ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::", False),
     ("::1", False), ("fe80::1%eth0", False), ("fc00::1", False), ("::ffff:127.0.0.1", False),
     ("::ffff:8.8.8.8", True), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("ff02::1", False),
     ("fec0::1", False)],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public
