"""A job done in this process: results that appear at once and whole, are told again, and go into the archive."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from vasari.app import job_runner
from vasari.app.job_runner import BusyError, Line, do, listed, told
from vasari.app.operations.ordering import errand_of, order_of
from vasari.app.operations.references import Places
from vasari.archive.schema import DERIVATIVES
from vasari.archive.store import Archive
from vasari.archive.workbench.jobs import Job, new_id, ordered
from vasari.foundation.errors import PictureError, VasariError, WriteError
from vasari.foundation.folder_locks import held
from vasari.foundation.ledgers import Ledger


@pytest.fixture
def line() -> Iterator[tuple[Line, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)
        yield Line(ours, threading.Lock()), theirs


@pytest.fixture
def job_of(places: Places) -> Callable[..., Job]:
    def make(name: str, fields: dict[str, Any], inputs: list[str], **more: Any) -> Job:
        return Job.from_row(ordered(order_of(name, fields, inputs, places, **more), new_id(1.0), 1.0))

    return make


def test_results_are_whole_told_again_and_kept(
    places: Places, sent: Callable[..., str], job_of: Callable[..., Job], line: tuple[Line, socket.socket]
) -> None:
    archive = places.archive.folder
    inputs = [sent(1), sent(2, "two.png")]
    do(job_of("archive-add", {}, inputs), archive, places.folder, line[0])
    job = job_of("restore", {"strength": 0.0, "evidence": True}, inputs, add_to_archive=True)
    result = do(job, archive, places.folder, line[0])
    assert not list((places.folder / "results").glob(".*"))
    names = {one["name"] for one in result["files"]}
    assert {"scan.png", "scan.treatment.json", "scan.change.png", "two.png"} <= names and result["values"]["done"] == 2
    folder = places.folder / "results" / job.id
    for one in result["files"]:
        data = (folder / one["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one["bytes"], one["sha256"])
    said = [json.loads(text) for text in line[1].recv(1 << 20).splitlines()]
    assert said and all(one.keys() == {"done", "total", "words"} for one in said)
    with Archive.open(archive) as opened, opened.reading() as connection:
        derived = connection.execute(select(DERIVATIVES.c.source_content, DERIVATIVES.c.operation)).all()
    assert {tuple(row) for row in derived} == {(one[7:], "restore") for one in inputs}
    before = (folder / "scan.png").stat().st_mtime_ns
    again = do(job, archive, places.folder, line[0])
    assert again["files"] == result["files"] and (folder / "scan.png").stat().st_mtime_ns == before
    assert not list((places.folder / "results").glob(".*"))


def test_a_job_that_another_is_at_is_left_alone(
    places: Places, sent: Callable[..., str], job_of: Callable[..., Job], line: tuple[Line, socket.socket]
) -> None:
    job = job_of("archive-add", {}, [sent()])
    lock = places.folder / "results" / f".{job.id}.part" / ".lock"
    with held(lock, taken=VasariError("x", remedy="y"), unusable=WriteError, called="z"), pytest.raises(BusyError):
        do(job, places.archive.folder, places.folder, line[0])
    assert told(BusyError("x", remedy="y"))["again"]


def test_failures_say_whether_another_try_may_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(PictureError("a", remedy="b")) == {"what": "a", "remedy": "b", "again": False}
    assert told(WriteError("a", remedy="b"))["again"] and told(InterruptedError("x"))["again"]
    assert not told(MemoryError())["again"]
    unexpected = told(ZeroDivisionError("secret"))
    assert unexpected["again"] and "secret" not in json.dumps(unexpected) and "secret" in capsys.readouterr().err


def test_a_job_tells_of_what_an_earlier_try_has_done(
    places: Places, sent: Callable[..., str], job_of: Callable[..., Job], tmp_path: Path
) -> None:
    """Else a warning of a picture that was done before the server died would be told to nobody."""
    job = job_of("restore", {"strength": 0.0}, [sent(1), sent(2, "two.png")])
    part = tmp_path / "part"
    part.mkdir()
    operation, errand = errand_of(job, part, places, lambda done, total, words: None)
    first = operation.run(dataclasses.replace(errand, inputs=errand.inputs[:1]))
    assert [one["result"] for one in first["entries"]] == ["scan.png"]
    ledger = Ledger(part)
    (done,) = ledger.entries.values()
    ledger.append(dataclasses.replace(done, warnings=("look at it",)))
    again = operation.run(errand)
    assert (again["done"], again["already_done"]) == (1, 1)
    assert {one["result"]: one.get("warnings") for one in again["entries"]} == {
        "scan.png": ["look at it"],
        "two.png": None,
    }
    assert str(places.folder) not in json.dumps(again), "viewers read it"


def test_nothing_but_failures_is_a_failure(
    places: Places, sent: Callable[..., str], job_of: Callable[..., Job], line: tuple[Line, socket.socket]
) -> None:
    reference = sent(3, "bad.png")
    path = next((places.folder / "uploads" / reference[7:]).iterdir())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(PictureError) as failure:
        do(job_of("restore", {"strength": 0.0}, [reference]), places.archive.folder, places.folder, line[0])
    assert "bad.png" in failure.value.message and str(places.folder) not in str(told(failure.value))
    part_good = job_of("restore", {"strength": 0.0}, [reference, sent(4)])
    values = do(part_good, places.archive.folder, places.folder, line[0])["values"]
    assert (values["done"], values["failed"]) == (1, 1)
    assert "bad.png" in json.dumps(values) and str(places.folder) not in json.dumps(values), "viewers read it"


def test_a_job_fetches_nothing_from_a_private_network(
    places: Places, job_of: Callable[..., Job], line: tuple[Line, socket.socket]
) -> None:
    """The addresses of an order are refused by what they resolve to, before anything is asked for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        asked = [f"https://127.0.0.1:{port}/a.jpg", f"https://localhost:{port}/a.jpg", "https://169.254.169.254/latest",
                 f"https://[::ffff:127.0.0.1]:{port}/a.jpg", f"http://127.0.0.1:{port}/a.jpg"]  # fmt: skip
        values = do(job_of("archive-add", {"addresses": asked}, []), places.archive.folder, places.folder, line[0])
        with pytest.raises(TimeoutError):
            listener.accept()
    failures = values["values"]["failures"]
    assert len(failures) == len(asked) and values["values"]["added"] == 0
    assert all("private" in one["error"] or "only https" in one["error"] for one in failures)


def test_hidden_files_are_no_results(tmp_path: Path) -> None:
    for name in ("a.png", ".lock", ".vasari/b.png", "below/c.json", job_runner.MANIFEST):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    assert [one["name"] for one in listed(tmp_path)] == ["a.png", "below/c.json"]
