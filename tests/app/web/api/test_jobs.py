"""The API of jobs: put in, listed, followed, cancelled, tried again; results; who may."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from vasari.app.client import Workbench as Client
from vasari.app.client import WorkbenchError
from vasari.app.web.api import jobs as api
from vasari.app.web.application import create_app
from vasari.app.web.streams import Streams
from vasari.app.web.workbench import Workbench
from vasari.app.worker import Worker, WorkerOptions
from vasari.archive.workbench.jobs import Order, State
from vasari.archive.workbench.queue import Queue
from vasari.archive.workbench.roles import Role
from vasari.foundation.errors import PlanError

Header = Callable[[TestClient], dict[str, str]]
LOCAL = "http://127.0.0.1:8765"
ASKED: dict[str, Any] = {
    "operation": "inpaint",
    "inputs": ["work:1"],
    "fields": {"box": [2, 2, 8, 8], "method": "exemplar"},
}


@pytest.fixture
def ask(client: TestClient, token_header: Header) -> Callable[..., Any]:
    header = token_header(client)
    return lambda address, **values: client.post(address, json=values, headers=header)


def done(bench: Workbench, name: str = "a b.png", data: bytes = b"\x89PNG") -> str:
    """Take the next job and finish it with one file; its id."""
    job = bench.jobs.take("test")
    assert job is not None
    folder = bench.folder / "results" / job.id
    folder.mkdir(parents=True)
    (folder / name).write_bytes(data)
    (folder / "secret.png").write_bytes(b"s")
    file = {"name": name, "bytes": len(data), "sha256": "0" * 64}
    bench.jobs.finish(job, {"files": [file], "values": {"done": 1}})
    return job.id


def test_lists_are_brief_and_the_job_is_whole(client: TestClient, bench: Workbench) -> None:
    inputs = [{"name": f"{number:04}.png", "reference": f"work:{number}", "sha256": "0" * 64} for number in range(3000)]
    large, _ = bench.jobs.submit(Order("restore", "large", inputs=inputs, owner="me"))
    small, _ = bench.jobs.submit(Order("restore", "small", inputs=inputs[:2], owner="me"))
    files = [{"name": f"{number:04}.png", "bytes": 1, "sha256": "0" * 64} for number in range(3000)]
    job = bench.jobs.take("test")
    assert job is not None and job.id == large.id
    bench.jobs.finish(job, {"files": files, "values": {"done": 3000, "entries": [{"source": "x"}] * 3000}})
    answer = client.get("/api/v1/jobs")
    told = {one["id"]: one for one in answer.json()["jobs"]}
    brief = told[large.id]
    assert (brief["input_count"], brief["file_count"], brief["brief"]) == (3000, 3000, True)
    assert [one["name"] for one in brief["inputs"]] == [one["name"] for one in inputs[:20]]
    assert (len(brief["files"]), len(brief["values"]["entries"]), brief["values"]["done"]) == (20, 20, 3000)
    assert len(answer.content) < 20_000
    whole = client.get(f"/api/v1/jobs/{large.id}").json()
    assert (len(whole["inputs"]), len(whole["files"]), len(whole["values"]["entries"])) == (3000, 3000, 3000)
    assert (whole["input_count"], whole["file_count"], whole["brief"]) == (3000, 3000, False)
    assert told[small.id]["brief"] is False and len(told[small.id]["inputs"]) == 2
    page = client.get("/jobs").text
    assert "and 2999 more" in page and len(page) < 60_000


def test_a_job_from_submission_to_results(client: TestClient, bench: Workbench, ask: Callable[..., Any]) -> None:
    first = ask("/api/v1/jobs", **ASKED)
    assert first.status_code == 201, first.text
    job = first.json()
    assert job["state"] == "queued" and job["inputs"][0]["reference"] == "work:1" and job["share"] == 0
    again = ask("/api/v1/jobs", **ASKED)
    assert again.status_code == 200 and again.json()["id"] == job["id"]
    done(bench)
    found = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert found["state"] == "done" and found["share"] == 1 and found["values"] == {"done": 1} and not found["error"]
    (file,) = found["files"]
    assert file["url"] == f"/api/v1/jobs/{job['id']}/results/a%20b.png"
    assert client.get(file["url"]).content == b"\x89PNG"
    for other in ("secret.png", "result.json", "../../archive.toml", "%2e%2e/%2e%2e/%2e%2e/archive.toml", "a"):
        assert client.get(f"/api/v1/jobs/{job['id']}/results/{other}").status_code == 404, other
    assert ask("/api/v1/jobs", **ASKED).json()["state"] == "done"


def test_results_that_were_deleted_are_made_again(bench: Workbench, ask: Callable[..., Any]) -> None:
    ask("/api/v1/jobs", **ASKED)
    id = done(bench)
    for path in (bench.folder / "results" / id).iterdir():
        path.unlink()
    (bench.folder / "results" / id).rmdir()
    again = ask("/api/v1/jobs", **ASKED)
    assert again.status_code == 201 and again.json()["id"] == id and again.json()["state"] == "queued"


def test_cancel_retry_and_pages(client: TestClient, bench: Workbench, ask: Callable[..., Any]) -> None:
    ids = []
    for seed in range(3):
        ids.append(ask("/api/v1/jobs", **{**ASKED, "fields": {**ASKED["fields"], "seed": seed}}).json()["id"])
    assert ask(f"/api/v1/jobs/{ids[0]}/cancel").json()["state"] == "cancelled"
    assert ask(f"/api/v1/jobs/{ids[0]}/retry").json()["state"] == "queued"
    assert ask(f"/api/v1/jobs/{ids[0]}/retry").status_code == 400
    bench.jobs.cancel(ids[1])
    page = client.get("/api/v1/jobs?limit=2").json()
    assert [job["id"] for job in page["jobs"]] == ids[:0:-1] and page["counts"]["cancelled"] == 1
    last = client.get(f"/api/v1/jobs?limit=2&cursor={page['cursor']}").json()
    assert [job["id"] for job in last["jobs"]] == ids[:1] and last["cursor"] is None
    assert [job["id"] for job in client.get("/api/v1/jobs?state=cancelled").json()["jobs"]] == [ids[1]]
    for wrong in ("limit=0", "limit=501", "state=x", "cursor=%27", "cursor=" + "a" * 25):
        assert client.get(f"/api/v1/jobs?{wrong}").status_code == 422
    assert client.get("/api/v1/jobs/nothing").status_code == 404


@pytest.mark.parametrize(
    ("values", "status"),
    [({"operation": "x"}, 400), ({"operation": "restore"}, 400), ({"inputs": []}, 422), ({}, 422),
     ({**ASKED, "more": 1}, 422), ({**ASKED, "priority": 1000}, 422), ({**ASKED, "inputs": ["/etc/passwd"]}, 400),
     ({**ASKED, "inputs": ["file:/etc/passwd"]}, 400), ({**ASKED, "inputs": ["work:99999"]}, 404),
     ({**ASKED, "fields": {"box": "abc"}}, 400), ({**ASKED, "fields": {"box": [1e400] * 4}}, 400),
     ({**ASKED, "fields": {"box": [None] * 4}}, 400), ({**ASKED, "fields": {"seed": {"a": 1}, "damage": True}}, 400)],
)  # fmt: skip
def test_what_is_not_understood_is_told_with_a_remedy(
    client: TestClient, token_header: Header, values: dict[str, Any], status: int
) -> None:
    header = {**token_header(client), "Content-Type": "application/json"}
    answer = client.post("/api/v1/jobs", content=json.dumps(values), headers=header)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["what"] and answer.json()["error"]["remedy"]


def test_operations_are_described(client: TestClient) -> None:
    found = {one["name"]: one for one in client.get("/api/v1/operations").json()}
    assert {"restore", "stylize", "generate", "train"} <= set(found)
    assert found["restore"]["fields"]["properties"]["vividness"]["maximum"] == 1


def test_who_may(shared_bench: Workbench) -> None:
    clients = {}
    for role in ("viewer", "editor", "admin"):
        client = TestClient(create_app(shared_bench), base_url=LOCAL)
        _, secret = shared_bench.tokens.make(shared_bench.accounts.get(role), "test", Role[role.upper()])
        client.headers["Authorization"] = f"Bearer {secret}"
        clients[role] = client
    assert clients["viewer"].post("/api/v1/jobs", json=ASKED).status_code == 403
    job = clients["editor"].post("/api/v1/jobs", json=ASKED).json()
    assert job["owner"] == "editor"
    training = {"operation": "train", "inputs": ["work:1"], "fields": {"recipe": "restore-faithful"}}
    assert clients["editor"].post("/api/v1/jobs", json=training).status_code == 403
    other = clients["admin"].post("/api/v1/jobs", json={**ASKED, "add_to_archive": True}).json()
    assert clients["editor"].post(f"/api/v1/jobs/{other['id']}/cancel").status_code == 403
    assert clients["admin"].post(f"/api/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    assert clients["viewer"].get("/api/v1/jobs").status_code == 200
    assert TestClient(create_app(shared_bench), base_url=LOCAL).get("/api/v1/jobs").status_code == 401


# Over a real socket: streams do not end in a test client.


@pytest.fixture
def working(live: tuple[str, Workbench]) -> Iterator[tuple[Client, Workbench]]:
    """A client of a served workbench, with a worker."""
    address, bench = live
    stop = threading.Event()
    worker = Worker(bench.archive.folder, WorkerOptions(grace_s=0), stop, lambda text: None)
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield Client(address, token=""), bench
    stop.set()
    thread.join(30)


def test_the_client_sends_waits_and_fetches(working: tuple[Client, Workbench], tmp_path: Path) -> None:
    client, bench = working
    for seed, name in enumerate(("scan.png", "1.png", "2.png")):
        pixels = np.random.default_rng(seed).integers(0, 255, (48, 48, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(tmp_path / "1.png", "1.png")
        archive.write(tmp_path / "2.png", "2.png")
    assert len(client.upload_all(tmp_path / "more.zip")) == 2
    with pytest.raises(PlanError, match="2 files"):
        client.upload(tmp_path / "more.zip")
    reference = client.upload(tmp_path / "scan.png")
    job = client.submit("restore", [reference], {"strength": 0.0}, add_to_archive=True)
    finished = client.wait(job, timeout_s=200)
    assert finished.state == "done" and finished.share == 1 and "scan.png" in finished.files
    paths = client.download(finished, tmp_path / "out")
    assert {path.name for path in paths} == set(finished.files) and all(path.is_file() for path in paths)
    assert client.submit("restore", [reference], {"strength": 0.0}, add_to_archive=True).state == "done"
    assert [one.id for one in client.jobs(operation="restore")] == [job.id]
    assert next(client.search(text="Vera"))["title"].startswith("Девочка")
    refused = client.submit("inpaint", [reference], {"box": [0, 0, 900, 900]})
    with pytest.raises(WorkbenchError, match="box"):
        client.wait(refused, timeout_s=100)
    with pytest.raises(WorkbenchError) as missing:
        client.job("0" * 24)
    assert missing.value.status == 404
    waiting = bench.jobs.counts()
    assert waiting[State.DONE] == 1 and waiting[State.FAILED] == 1


def test_the_documented_example_runs(working: tuple[Client, Workbench], tmp_path: Path) -> None:
    """The first block of docs/api.md, as it stands but for the address."""
    client, _ = working
    text = (Path(__file__).parents[4] / "docs" / "api.md").read_text(encoding="utf-8")
    block = text.split("```python\n", 1)[1].split("```", 1)[0]
    assert "http://127.0.0.1:8765" in block
    pixels = np.random.default_rng(9).integers(0, 255, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "scan.tif")
    script = tmp_path / "example.py"
    script.write_text(block.replace("http://127.0.0.1:8765", client.address), encoding="utf-8")
    subprocess.run([sys.executable, script.name], cwd=tmp_path, check=True, timeout=300)
    names = {path.name for path in (tmp_path / "restored").iterdir()}
    assert {"scan.tif", "scan.treatment.json", "scan.damage.png", "scan.change.png"} <= names


def follow(address: str, headers: dict[str, str], count: int) -> list[tuple[str, dict[str, Any]]]:
    """The first events of a stream, as (id, job); all where it ends before."""
    found: list[tuple[str, dict[str, Any]]] = []
    request = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        id = ""
        for line in (raw.decode().rstrip() for raw in answer):
            if line.startswith("id: "):
                id = line[4:]
            if line.startswith("data: "):
                found.append((id, json.loads(line[6:])))
                if len(found) == count:
                    break
    return found


def test_changes_are_streamed_and_gone_on_with(live: tuple[str, Workbench]) -> None:
    address, bench = live
    job = Client(address, token="").submit("inpaint", ["work:1"], ASKED["fields"])
    one = f"{address}/api/v1/jobs/{job.id}/events"
    (first,) = follow(one, {}, 1)
    assert first[1]["state"] == "queued" and first[0] == str(first[1]["version"])
    taken = bench.jobs.take("test")
    assert taken is not None
    bench.jobs.report(taken, done=1, total=4, words="x")
    (second,) = follow(one, {"Last-Event-ID": first[0]}, 1)
    assert second[1]["state"] == "running" and second[1]["share"] == 0.25
    bench.jobs.finish(taken, {})
    last = follow(one, {"Last-Event-ID": second[0]}, 99)
    assert [event["state"] for _, event in last] == ["done"], "the stream ends with the job"
    assert follow(one, {"Last-Event-ID": last[0][0]}, 99) == [], "there is nothing more to come"
    with urllib.request.urlopen(urllib.request.Request(one, headers={"Last-Event-ID": last[0][0]})) as answer:
        assert answer.status == 204, "or else a browser comes back for ever"
    since = f"{bench.jobs.get(job.id).created - 1:.3f}"
    (every,) = follow(f"{address}/api/v1/jobs/events", {"Last-Event-ID": since}, 1)
    assert every[1]["id"] == job.id


def test_a_change_that_is_seen_late_is_told_after_a_break(live: tuple[str, Workbench]) -> None:
    """Its transaction ended after that of a later change, which was told before the break."""
    address, bench = live
    late = Queue(bench.database, lambda: time.time() - 2).submit(Order("restore", "1" * 64))[0]
    told = f"{late.changed + 1:.6f}"
    (event,) = follow(f"{address}/api/v1/jobs/events", {"Last-Event-ID": told}, 1)
    assert event[1]["id"] == late.id


def test_many_changes_at_once_are_all_told(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one look tells, all within the time that is looked back."""
    monkeypatch.setattr(api, "LARGEST_PAGE", 2)
    monkeypatch.setattr(api, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(Queue, "changed_since", partialmethod(Queue.changed_since, limit=2))
    ids = [bench.jobs.submit(Order("restore", f"{number:064x}"))[0].id for number in range(5)]

    class Connected:
        async def is_disconnected(self) -> bool:
            return False

    async def told() -> list[str]:
        stream = api._changes(cast("Any", Connected()), bench, 0.0)
        news = (event async for event in stream if event is not None)
        return [json.loads((await anext(news))["data"])["id"] for _ in ids]

    assert asyncio.run(asyncio.wait_for(told(), 20)) == ids


def test_a_visitor_has_so_many_streams_and_no_more(
    live: tuple[str, Workbench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "_STREAMS", Streams(most=2))
    address = f"{live[0]}/api/v1/jobs/events"
    with urllib.request.urlopen(address, timeout=30), urllib.request.urlopen(address, timeout=30):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=30)
        assert refused.value.code == 429
        assert "2 streams" in json.load(refused.value)["error"]["what"]
    for _ in range(200):  # the server notices at its next look that they have gone
        try:
            urllib.request.urlopen(address, timeout=30).close()
            break
        except urllib.error.HTTPError:
            time.sleep(0.05)
    else:
        pytest.fail("the streams are still counted")


def test_a_stream_ends_when_its_visitor_logs_out(
    shared_live: tuple[str, Workbench], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, bench = shared_live
    monkeypatch.setattr(api, "LOOK_AGAIN_S", 0.0)
    secret = bench.sessions.log_in("viewer", "a long enough sentence")
    cookie = {"Cookie": f"vasari-{bench.settings.port}={secret}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{address}/api/v1/jobs/events", headers=cookie), timeout=30
    ) as stream:
        bench.sessions.log_out(secret)
        assert stream.read() == b"", "it told something, or did not end"
