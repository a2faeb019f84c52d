"""What a job says of pictures that are done: faces that were compared, and warnings; on its page and in the studio."""

from __future__ import annotations

import io
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from skimage import data

from vasari.app.job_runner import Line, do
from vasari.app.web.remarks import MOST_TOLD, remarks_of
from vasari.app.web.workbench import Workbench
from vasari.tasks.restore import guard

if TYPE_CHECKING:
    from tests.app.web.conftest import Watched

CHINESE = {"Accept-Language": "zh"}
FIELDS = {"likeness": True, "precision": "float32"}
WARNED = "1 of 2 faces may no longer be the same person: distance 0.041 (up to 0.03 is usual)"


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


#: A portrait, and a picture without a face.
PORTRAIT, CUP = _png(data.astronaut()[:200, 100:350]), _png(data.coffee()[:120, :160])


def _sent(client: TestClient, header: dict[str, str], name: str, picture: bytes) -> str:
    answer = client.post(f"/api/v1/uploads?name={name}", content=picture, headers=header).json()
    return str(answer["uploads"][0]["reference"])


def _work_on(bench: Workbench) -> str:
    """Do the job that waits, in this process; its id."""
    taken = bench.jobs.take("test")
    assert taken is not None
    ours, theirs = socket.socketpair()
    with ours, theirs:
        result = do(taken, bench.archive.folder, bench.folder, Line(ours, threading.Lock()))
    bench.jobs.finish(taken, result)
    return taken.id


@pytest.fixture
def finished(client: TestClient, bench: Workbench, token_header: Any) -> Any:
    """`finished(fields, values)`: a job that came to these values, without files; its id."""

    def make(fields: dict[str, Any], values: dict[str, Any]) -> str:
        asked = {"operation": "restore", "inputs": ["work:1"], "fields": fields}
        job = client.post("/api/v1/jobs", json=asked, headers=token_header(client)).json()
        taken = bench.jobs.take("test")
        assert taken is not None
        bench.jobs.finish(taken, {"files": [], "values": values})
        return str(job["id"])

    return make


def test_what_was_found_of_faces_is_told(client: TestClient, bench: Workbench, token_header: Any) -> None:
    header = token_header(client)
    inputs = [_sent(client, header, "portrait.png", PORTRAIT), _sent(client, header, "cup.png", CUP)]
    client.post("/api/v1/jobs", json={"operation": "restore", "inputs": inputs, "fields": FIELDS}, headers=header)
    id = _work_on(bench)
    for path in (f"/jobs/{id}", f"/jobs/{id}/remarks"):
        page = client.get(path).text
        assert "<dt>portrait.png</dt><dd>1 face compared before and after; none moved more than is usual</dd>" in page
        assert "<dt>cup.png</dt><dd>no face was found</dd>" in page
        assert "no warning is no proof" in page and "What should be looked at" not in page
        chinese = client.get(path, headers=CHINESE).text
        assert "<dd>已比较修复前后的 1 张人脸，变化均不超过通常程度</dd>" in chinese
        assert "<dd>没有找到人脸</dd>" in chinese
    (bench.folder / "results" / id / "cup.treatment.json").unlink()  # a record that is gone takes nothing else along
    page = client.get(f"/jobs/{id}").text
    assert "1 face compared" in page and "no face was found" not in page


def test_a_face_that_moved_is_warned_of_with_its_picture(
    client: TestClient, bench: Workbench, token_header: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "USUAL_DISTANCE", 0.0)  # any change is too much
    header = token_header(client)
    inputs = [_sent(client, header, "portrait.png", PORTRAIT), _sent(client, header, "cup.png", CUP)]
    client.post("/api/v1/jobs", json={"operation": "restore", "inputs": inputs, "fields": FIELDS}, headers=header)
    id = _work_on(bench)
    (entry,) = [one for one in client.get(f"/api/v1/jobs/{id}").json()["values"]["entries"] if one.get("warnings")]
    assert entry["result"] == "portrait.png" and "1 of 1 face may no longer be the same person" in entry["warnings"][0]
    page = client.get(f"/jobs/{id}").text
    assert f"<dt>portrait.png</dt><dd>{entry['warnings'][0]}</dd>" in page
    assert 'portrait.png <a class="tag tag-warn" href="#warnings">' in page and "cup.png <a" not in page
    assert "1 face compared" not in page and "no face was found" in page
    for path in ("/jobs", f"/jobs/{id}/row"):
        assert "1 to be looked at" in client.get(path).text, path
    assert "1 张人脸中有 1 张可能已不像同一个人" in client.get(f"/jobs/{id}", headers=CHINESE).text


def test_other_warnings_are_told_and_escaped(client: TestClient, finished: Any) -> None:
    entries = [
        {"status": "done", "source": "/somewhere/a.tif", "result": "a<b>.tif", "warnings": [WARNED, "<script>x"]},
        {"status": "done", "source": "/somewhere/b.tif", "result": "b.tif"},
        {"status": "failed", "source": "/somewhere/c.tif", "error": "There is no such page.", "warnings": ["old"]},
    ]
    id = finished({}, {"done": 2, "failed": 1, "entries": entries})
    page = client.get(f"/jobs/{id}").text
    assert f"<dt>a&lt;b&gt;.tif</dt><dd>{WARNED}</dd>" in page and "&lt;script&gt;x" in page
    assert "<script>x" not in page and "/somewhere" not in page and "<dd>old</dd>" not in page
    assert "1 to be looked at" in page and 'id="faces"' not in page and "no proof" not in page
    chinese = client.get(f"/jobs/{id}", headers=CHINESE).text
    assert "2 张人脸中有 1 张可能已不像同一个人：距离 0.041（通常不超过 0.03）" in chinese
    assert '<h2 id="warnings">需要查看的图片</h2>' in chinese
    assert client.get("/jobs/unknown/remarks").status_code == 404


def test_of_thousands_of_warnings_some_are_told(client: TestClient, bench: Workbench, finished: Any) -> None:
    entries = [{"status": "done", "source": "x", "result": f"{n}.tif", "warnings": [WARNED]} for n in range(3000)]
    id = finished({"likeness": True}, {"entries": entries})
    page = client.get(f"/jobs/{id}").text
    assert page.count(WARNED) == MOST_TOLD and f"and {3000 - MOST_TOLD} more" in page
    assert "3000 to be looked at" in page
    assert len(remarks_of(bench.jobs.get(id), bench.folder).warned) == 3000, "a picture is marked, told of or not"


def test_a_job_that_nothing_is_said_of_says_nothing(client: TestClient, finished: Any) -> None:
    entries = [{"status": "done", "source": "x", "result": "x.tif"}]
    page = client.get(f"/jobs/{finished({}, {'entries': entries})}/remarks").text
    assert not page.strip()


def test_faces_are_compared_from_the_page_and_told_there(
    live: tuple[str, Workbench], watched: Watched, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    address, bench = live
    page = watched.page
    (tmp_path / "portrait.png").write_bytes(PORTRAIT)
    page.goto(f"{address}/restore")
    expect(page.get_by_label("compare faces before and after")).to_have_accessible_description(
        "The job tells of faces that moved too far, and gives them less vividness where there is any. "
        "The preview is made without this."
    )
    page.set_input_files("#files", tmp_path / "portrait.png")
    page.wait_for_selector("[data-preview]")
    page.check("#likeness")
    page.click("#run")
    expect(page.locator("#pictures [data-state=queued]")).to_have_count(1)
    (job,) = bench.jobs.page().jobs
    assert job.fields["likeness"] is True
    _work_on(bench)
    expect(page.locator("#remarks dd")).to_have_text("1 face compared before and after; none moved more than is usual")
    page.wait_for_selector("[data-result]")
    assert not watched.accessibility() and not watched.complaints
    page.goto(f"{address}/jobs/{job.id}")
    expect(page.locator("section[aria-labelledby=faces] dt")).to_have_text("portrait.png")
    assert not watched.accessibility()
    assert [one for one in watched.complaints if "/events" not in one] == []
