"""A work's title is text wherever it is shown, whatever signs are in it."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_a_title_that_is_a_script_is_shown_and_not_run(client: TestClient) -> None:
    works = client.get("/api/v1/works?limit=100").json()["works"]
    (evil,) = [work for work in works if "<script>" in str(work["title"])]
    for path in ("/", f"/works/{evil['id']}"):
        page = client.get(path).text
        assert "&lt;script&gt;alert" in page, path
        assert "<script>alert" not in page and "<img src=x" not in page, path
    for path in (f"/api/v1/works/{evil['id']}", f"/iiif/presentation/{evil['id']}/manifest"):
        answer = client.get(path)
        assert "<script>" in answer.text and "json" in answer.headers["content-type"]
        assert answer.headers["x-content-type-options"] == "nosniff"
