"""What is answered when something fails: statuses, when to come back, remedies that a person on a page can follow."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from vasari.app.web import texts
from vasari.app.web.texts import Texts
from vasari.app.web.workbench import Workbench

FAILURES = {language: texts.FOLDER / language / "failures.json" for language in ("en", "zh")}


@pytest.mark.parametrize("which", ["archive", "database"])
def test_a_busy_database_is_told_with_the_time_to_come_back(
    client: TestClient, bench: Workbench, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    """Every connection is in use: whoever waited for one is answered, and the next who comes when one is free."""
    address = {"archive": "/api/v1/works", "database": "/api/v1/jobs"}[which]
    assert client.get(address).status_code == 200
    engine = getattr(bench, which).engine
    monkeypatch.setattr(engine.pool, "_timeout", 0.01)
    taken = [engine.connect() for _ in range(15)]
    try:
        answer = client.get(address)
        page = client.get({"archive": "/", "database": "/jobs"}[which], headers={"Accept-Language": "zh"})
    finally:
        for connection in taken:
            connection.close()
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
    said = answer.json()["error"]
    assert said["what"].endswith("is busy: all connections to it are in use.")
    assert said["remedy"] == "try again in some seconds"
    assert "请几秒后再试" in page.text
    assert client.get(address).status_code == 200


def test_no_remedy_on_a_page_names_a_command() -> None:
    """What the tables of failures say in either language is for people who have a browser and no terminal."""
    command = re.compile(r"\bvasari [a-z]|\bvips\b|--[a-z]")
    for path in FAILURES.values():
        table = json.loads(path.read_text(encoding="utf-8"))
        assert not {text: words for text, words in table.items() if command.search(words)}
    spoken = set(json.loads(FAILURES["zh"].read_text(encoding="utf-8")))
    commands = {text for text in spoken if command.search(text)}
    assert commands and commands <= set(json.loads(FAILURES["en"].read_text(encoding="utf-8")))


def test_every_remedy_for_pages_has_its_chinese() -> None:
    english, chinese = (json.loads(path.read_text(encoding="utf-8")) for path in FAILURES.values())
    assert not set(english) - set(chinese)


def test_a_person_is_told_what_can_be_done_on_the_page(client: TestClient) -> None:
    page = client.get("/", params={"like": "1", "by": "overall"}).text
    assert "that was measured" in page or "has the feature" in page
    assert "Add pictures" in page.partition("What helps")[2][:200]
    assert "vasari archive" not in page


def test_what_is_said_in_english_fills_in_its_places() -> None:
    told = Texts.read().told("en", "measure them: vasari archive index --features palette")
    assert "palette" in told and "vasari" not in told


def test_the_tables_are_where_they_are_looked_for() -> None:
    assert all(isinstance(path, Path) and path.is_file() for path in FAILURES.values())
