"""Works, facets and likeness by the API: the shapes of the commands, pages without gaps, words kept in one's name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from vasari.app.cli.main import main
from vasari.app.web.application import create_app
from vasari.app.web.workbench import Workbench
from vasari.archive.indexing import index

LOCAL = "http://127.0.0.1:8765"
WORKS = "/api/v1/works"


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    """What a command prints with --json."""
    capsys.readouterr()
    assert main(list(words)) == 0
    return json.loads(capsys.readouterr().out)


def test_works_are_told_as_the_command_tells_them(
    client: TestClient, archive_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_command = told(capsys, "archive", "list", "artist='Monet'", "--archive", str(archive_folder), "--json")
    by_api = client.get(WORKS, params={"query": "artist='Monet'"}).json()
    assert by_api["total"] == by_command["total"] == len(by_api["works"])
    assert by_api["query"] == by_command["query"]
    for one, other in zip(by_api["works"], by_command["works"], strict=True):
        assert {name: one[name] for name in other} == other
        assert one["image"].startswith(f"{LOCAL}/iiif/image/")


def test_pages_hold_every_work_once(reader: TestClient) -> None:
    found, cursor = [], ""
    while cursor is not None:
        page = reader.get(WORKS, params={"sort": "date", "limit": 5, **({"cursor": cursor} if cursor else {})}).json()
        found += [work["id"] for work in page["works"]]
        cursor = page["cursor"]
    assert len(found) == len(set(found)) == page["total"] == 12


def test_words_and_queries_narrow_together(reader: TestClient) -> None:
    assert reader.get(WORKS, params={"text": "персиками"}).json()["total"] == 1
    assert reader.get(WORKS, params={"text": "study", "query": "1860/1870"}).json()["total"] == 4


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"query": "artist="}, "A value is missing here"),
        ({"query": "artst='Monet'"}, "is no field"),
        ({"sort": "size"}, "not sorted by"),
        ({"cursor": "nonsense"}, "does not fit"),
        ({"text": "!!!"}, "no word"),
    ],
)
def test_what_is_not_understood_is_told_with_a_remedy(reader: TestClient, values: dict[str, str], says: str) -> None:
    answer = reader.get(WORKS, params=values)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["what"]
    assert answer.json()["error"]["remedy"]


def test_a_work_is_told_as_the_command_shows_it(
    client: TestClient, archive_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = client.get(WORKS).json()["works"][0]
    by_command = told(capsys, "archive", "show", first["key"], "--archive", str(archive_folder), "--json")
    by_api = client.get(f"{WORKS}/{first['id']}").json()
    assert {name: by_api[name] for name in by_command} == by_command
    assert client.get(f"{WORKS}/4242").status_code == 404
    assert client.get(f"{WORKS}/{10**12}").status_code == 422


def test_a_persons_word_is_kept_and_taken_back(
    client: TestClient, token_header: Callable[[TestClient], dict[str, str]]
) -> None:
    first = client.get(WORKS).json()["works"][0]
    address, token = f"{WORKS}/{first['id']}", token_header(client)
    said = {"date": "c. 1890s", "tag": ["garden", "two = three"]}
    answer = client.patch(address, json={"statements": said}, headers=token)
    assert answer.status_code == 200
    work = answer.json()
    assert (work["date"]["text"], work["date"]["first"], work["date"]["last"]) == ("c. 1890s", 1885, 1904)
    mine = [(row["field"], row["value"]) for row in work["statements"] if row["kind"] == "person"]
    assert mine == [("date", "c. 1890s"), ("tag", "garden"), ("tag", "two = three")]
    assert work["events"][-1]["type"] == "metadata modification"
    taken = client.patch(address, json={"statements": {"date": "", "tag": []}}, headers=token).json()
    assert taken["date"]["text"] == first["date"]
    assert not [row for row in taken["statements"] if row["kind"] == "person"]


@pytest.mark.parametrize(
    "values",
    [
        ["key", 7, 1],
        ["key", "a", 10**30],
        ["key", "a", True],
        ["key", "a\0", 1],
        ["key", "\ud800", 1],
        ["key", None, 1],
        {},
    ],
)
def test_a_cursor_that_is_made_up_is_refused(reader: TestClient, values: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    assert reader.get(WORKS, params={"cursor": cursor}).status_code == 400
    assert reader.get("/gallery/works", params={"cursor": cursor}).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"statements": {"color": "red"}}, 400),
        ({"statements": {"title": ["one", "two"]}}, 400),
        ({"statements": {"title": "x" * 20_001}}, 400),
        ({"statements": {}}, 422),
        ({"statements": {"title": 7}}, 422),
        ({"title": "x"}, 422),
        ([], 422),
    ],
)
def test_what_cannot_be_said(
    reader: TestClient, token_header: Callable[[TestClient], dict[str, str]], body: object, status: int
) -> None:
    first = reader.get(WORKS).json()["works"][0]["id"]
    assert reader.patch(f"{WORKS}/{first}", json=body, headers=token_header(reader)).status_code == status


def test_nobody_changes_a_work_without_the_token_or_the_role(client: TestClient, shared_bench: Workbench) -> None:
    assert client.patch(f"{WORKS}/1", json={"statements": {"title": "x"}}).status_code == 403
    with TestClient(create_app(shared_bench), base_url=LOCAL) as other:
        assert other.get(WORKS).status_code == 401


def test_facets_count_as_the_command_counts(
    client: TestClient, archive_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_command = told(capsys, "archive", "facets", "1860/1900", "--archive", str(archive_folder), "--json")
    assert client.get("/api/v1/facets", params={"query": "1860/1900"}).json() == by_command
    assert list(client.get("/api/v1/facets", params={"fields": ["medium"]}).json()) == ["medium"]
    assert client.get("/api/v1/facets", params={"fields": ["color"]}).status_code == 400


def test_similar_works(client: TestClient, bench: Workbench) -> None:
    first = client.get(WORKS).json()["works"][0]["id"]
    answer = client.get(f"{WORKS}/{first}/similar", params={"by": "palette"})
    assert answer.status_code == 404 and "measured" in answer.json()["error"]["remedy"]
    index(bench.archive, ("palette",))
    found = client.get(f"{WORKS}/{first}/similar", params={"by": "palette", "limit": 4}).json()
    distances = [work["distance"] for work in found["works"]]
    assert len(distances) == 4 and distances == sorted(distances)
    assert first not in [work["id"] for work in found["works"]]
    assert client.get(f"{WORKS}/{first}/similar", params={"by": "smell"}).status_code == 400


def test_dates_are_read(reader: TestClient) -> None:
    read = reader.get("/api/v1/dates", params={"text": "c. 1890s"}).json()
    assert (read["first"], read["last"], read["edtf"], read["approximate"]) == (1885, 1904, "189X~", True)
    assert reader.get("/api/v1/dates", params={"text": "whenever"}).json()["kind"] == "unknown"
