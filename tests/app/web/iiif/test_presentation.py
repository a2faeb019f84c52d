"""Manifests and collections against the rules of the Presentation API, and read by our own reader of manifests."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from fastapi.testclient import TestClient

from vasari.app.web.application import create_app
from vasari.app.web.workbench import Workbench
from vasari.archive.ingest.catalogs.iiif import record
from vasari.archive.ingest.person import say

LOCAL = "http://127.0.0.1:8765"
#: Types, and what they must have (appendix A of the Presentation API 3.0).
REQUIRED = {
    "Manifest": {"id", "type", "label", "items"},
    "Collection": {"id", "type", "label", "items"},
    "Canvas": {"id", "type", "items", "height", "width"},
    "AnnotationPage": {"id", "type", "items"},
    "Annotation": {"id", "type", "motivation", "body", "target"},
    "Image": {"id", "type", "format"},
    "ImageService3": {"id", "type", "profile"},
    "Agent": {"id", "type", "label", "homepage"},
    "Text": {"id", "type", "label", "format"},
}


def check(value: Any, place: str = "") -> None:
    """Every resource has what it must, languages are maps of lists, and addresses are addresses."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            check(one, f"{place}[{number}]")
    if not isinstance(value, dict):
        return
    if "type" in value:
        kind = value["type"]
        needed = REQUIRED[kind] - ({"items"} if kind in ("Manifest", "Collection") and "items" in place else set())
        assert not needed - value.keys(), f"{place} ({kind}) lacks {needed - value.keys()}"
        assert re.match(r"https?://", value["id"]), place
    for name, one in value.items():
        if name in ("label", "value"):
            assert isinstance(one, dict) and one, place
            assert all(
                isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in one.values()
            )
        elif name in ("items", "thumbnail", "homepage", "provider", "service"):
            assert isinstance(one, list), place
        check(one, f"{place}.{name}")


def test_the_manifest_of_a_work(client: TestClient, bench: Workbench) -> None:
    rights = "https://creativecommons.org/publicdomain/zero/1.0/"
    first = client.get("/api/v1/works").json()["works"][0]
    say(bench.archive, first["key"], [f"rights={rights}", "collection=A museum", "url=https://example.org/1"], "me")
    answer = client.get(f"/iiif/presentation/{first['id']}/manifest")
    told = answer.json()
    check(told)
    assert "profile=" in answer.headers["content-type"]
    assert told["id"] == f"{LOCAL}/iiif/presentation/{first['id']}/manifest"
    assert told["rights"] == rights.replace("https", "http")
    assert [page["id"] for page in told["homepage"]] == ["https://example.org/1", f"{LOCAL}/works/{first['id']}"]
    body = told["items"][0]["items"][0]["items"][0]["body"]
    assert body["service"][0]["id"] == first["image"]
    assert client.get(body["id"].removeprefix(LOCAL)).status_code == 200
    assert client.get(told["thumbnail"][0]["id"].removeprefix(LOCAL)).status_code == 200
    read = record(told)
    assert read["title"] == first["title"]
    assert read["picture 1"] == body["id"]
    tag = answer.headers["etag"]
    assert client.get(f"/iiif/presentation/{first['id']}/manifest", headers={"If-None-Match": tag}).status_code == 304


def test_who_provides_it_is_told_where_the_settings_say_so(bench: Workbench) -> None:
    settings = dataclasses.replace(bench.settings, provider="The museum", provider_page="https://museum.example")
    with TestClient(create_app(dataclasses.replace(bench, settings=settings)), base_url=LOCAL) as client:
        work = client.get("/api/v1/works").json()["works"][0]["id"]
        told = client.get(f"/iiif/presentation/{work}/manifest").json()
    check(told)
    assert told["provider"][0]["id"] == "https://museum.example"


def test_the_collection_of_a_query(client: TestClient) -> None:
    told = client.get("/iiif/presentation/collection", params={"query": "artist='Monet'"}).json()
    check(told)
    total = client.get("/api/v1/works", params={"query": "artist='Monet'"}).json()["total"]
    assert len(told["items"]) == total > 1
    assert client.get(told["items"][0]["id"].removeprefix(LOCAL)).status_code == 200
    assert client.get("/iiif/presentation/collection", params={"query": "artist="}).status_code == 400


def test_a_long_collection_goes_on_in_another(client: TestClient, monkeypatch) -> None:
    from vasari.app.web.iiif import presentation

    monkeypatch.setattr(presentation, "AT_ONCE", 5)
    address, manifests = f"{LOCAL}/iiif/presentation/collection", []
    while address:
        told = client.get(address.removeprefix(LOCAL)).json()
        check(told)
        manifests += [one["id"] for one in told["items"] if one["type"] == "Manifest"]
        address = next((one["id"] for one in told["items"] if one["type"] == "Collection"), "")
    assert len(set(manifests)) == len(manifests) == 12


def test_works_that_are_not_there_have_no_manifest(client: TestClient) -> None:
    assert client.get("/iiif/presentation/999999/manifest").status_code == 404
    assert client.get("/iiif/presentation/0/manifest").status_code == 422
    assert client.get("/iiif/presentation/x/manifest").status_code == 422
