"""The Image API over HTTP: what a client is told, statuses, caching, and who may read it from another site."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from vasari.app.web.application import create_app
from vasari.app.web.iiif.image_service import described, pictures_shown
from vasari.app.web.workbench import Workbench
from vasari.archive.schema import FILES

LOCAL = "http://127.0.0.1:8765"


@pytest.fixture
def picture(bench: Workbench) -> dict:
    with bench.archive.reading() as connection:
        return dict(connection.execute(select(FILES).order_by(FILES.c.id)).mappings().first() or {})


@pytest.fixture
def seen(reader: TestClient) -> dict:
    """The first picture of the archive that nobody changes."""
    work = reader.get("/api/v1/works").json()["works"][0]
    return reader.get(f"/api/v1/works/{work['id']}").json()["files"][0]


def base(picture: dict) -> str:
    return f"/iiif/image/{picture['content']}"


def test_information_tells_what_the_specification_requires(reader: TestClient, seen: dict) -> None:
    answer = reader.get(f"{base(seen)}/info.json")
    told = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert told["@context"] == "http://iiif.io/api/image/3/context.json"
    assert told["id"] == f"{LOCAL}{base(seen)}"
    assert (told["type"], told["protocol"], told["profile"]) == (
        "ImageService3", "http://iiif.io/api/image", "level2"
    )  # fmt: skip
    assert (told["width"], told["height"]) == (seen["width"], seen["height"])
    assert {"width": told["width"], "height": told["height"]} in told["sizes"]
    linked = reader.get(f"{base(seen)}/info.json", headers={"Accept": "application/ld+json"})
    assert linked.headers["content-type"].startswith("application/ld+json;profile=")


def test_every_size_and_tile_that_is_told_is_answered_exactly(reader: TestClient, seen: dict) -> None:
    told = reader.get(f"{base(seen)}/info.json").json()
    for size in told["sizes"]:
        answer = reader.get(f"{base(seen)}/full/{size['width']},{size['height']}/0/default.jpg")
        assert Image.open(io.BytesIO(answer.content)).size == (size["width"], size["height"])


def test_of_a_large_picture_scale_factors_reach_one_tile_and_sizes_stay_in_the_limits() -> None:
    told = described((40_000, 30_001), "https://x/y", "http://creativecommons.org/publicdomain/zero/1.0/")
    assert told["tiles"][0]["scaleFactors"] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert 40_000 / 128 <= 512
    assert all(size["width"] * size["height"] <= told["maxArea"] for size in told["sizes"])
    assert told["rights"] == "http://creativecommons.org/publicdomain/zero/1.0/"


def test_the_base_address_leads_to_the_information(reader: TestClient, seen: dict) -> None:
    for address in (base(seen), base(seen) + "/"):
        answer = reader.get(address, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{LOCAL}{base(seen)}/info.json")


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("full/max/0/default.jpg", 200),
        ("full/%5E%2110,10/0/default.jpg", 200),
        ("full/max/0/default.jp2", 501),
        ("full/max/0/default.abc", 400),
        ("full/max/0/nice.jpg", 400),
        ("full/max/0", 400),
        ("full/max/0/default.jpg/more", 400),
        ("9999,0,1,1/max/0/default.jpg", 400),
        ("full/9999,/0/default.jpg", 400),
        ("..%2F..%2Fetc/max/0/default.jpg", 400),
    ],
)
def test_statuses(reader: TestClient, seen: dict, rest: str, status: int) -> None:
    answer = reader.get(f"{base(seen)}/{rest}")
    assert answer.status_code == status
    if status >= 400:
        assert answer.json()["error"]["what"]


@pytest.mark.parametrize("content", ["0" * 64, "1", "nothing", "..%2F..%2Fetc%2Fpasswd", "a" * 3000])
def test_a_picture_that_is_not_there(reader: TestClient, content: str) -> None:
    assert reader.get(f"/iiif/image/{content}/full/max/0/default.jpg").status_code in (400, 404)
    assert reader.get(f"/iiif/image/{content}/info.json").status_code in (400, 404)


def test_links_tags_and_heads(reader: TestClient, seen: dict) -> None:
    answer = reader.get(f"{base(seen)}/0,0,99999,99999/,50/0/default.png")
    canonical, profile = answer.headers["link"].split(", ")
    address = canonical.partition(">")[0].removeprefix(f"<{LOCAL}")
    assert "/full/" in address
    assert 'rel="profile"' in profile
    assert reader.get(address).content == answer.content
    assert reader.get(address).headers["etag"] == answer.headers["etag"]
    again = reader.get(address, headers={"If-None-Match": f'"other", {answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert reader.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    head = reader.head(address)
    assert head.status_code == 200
    assert head.headers["content-length"] == str(len(answer.content))


def test_an_answer_is_kept_and_given_again(client: TestClient, bench: Workbench, picture: dict) -> None:
    first = client.get(f"{base(picture)}/full/80,/0/default.jpg").content
    kept = list((bench.folder / "iiif" / "tiles").rglob("*.jpg"))
    assert len(kept) == 1
    assert client.get(f"{base(picture)}/full/80,/0/default.jpg").content == first
    kept[0].write_bytes(b"spoiled")
    assert client.get(f"{base(picture)}/full/80,/0/default.jpg").content == first
    assert pictures_shown(bench).tiles.total_bytes > 0


def test_a_master_that_is_gone_or_another_is_not_shown(client: TestClient, bench: Workbench, picture: dict) -> None:
    path: Path = bench.archive.folder / picture["path"]
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-1] + b"x" if data[-1:] != b"x" else data[:-1] + b"y")
    path.write_bytes(data + b" ")
    assert client.get(f"{base(picture)}/info.json").status_code == 404
    path.unlink()
    assert client.get(f"{base(picture)}/full/max/0/default.jpg").status_code == 404


def test_another_sites_page_reads_nothing_of_one_persons_archive(reader: TestClient, seen: dict) -> None:
    address = f"{base(seen)}/info.json"
    stranger = reader.get(address, headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in stranger.headers
    assert stranger.headers["cross-origin-resource-policy"] == "same-origin"
    neighbor = reader.get(address, headers={"Origin": "http://localhost:3000"})
    assert neighbor.headers["access-control-allow-origin"] == "http://localhost:3000"
    tricked = reader.get(address, headers={"Origin": "https://localhost.elsewhere.example"})
    assert "access-control-allow-origin" not in tricked.headers


def test_pictures_of_a_shared_archive_need_a_log_in_unless_they_are_open(shared_bench: Workbench) -> None:
    import dataclasses

    with shared_bench.archive.reading() as connection:
        content = connection.execute(select(FILES.c.content)).scalars().first()
    address = f"/iiif/image/{content}/info.json"
    with TestClient(create_app(shared_bench), base_url=LOCAL) as client:
        assert client.get(address).status_code == 401
    settings = dataclasses.replace(shared_bench.settings, open_iiif=True)
    with TestClient(create_app(dataclasses.replace(shared_bench, settings=settings)), base_url=LOCAL) as client:
        answer = client.get(address, headers={"Origin": "https://elsewhere.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert client.get("/api/v1/works").status_code == 401
