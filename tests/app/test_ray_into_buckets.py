"""Results of Ray's workers in a bucket: the bytes of a folder's, put by the workers, seen by the process that leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vasari.app.ray_executor import RayExecutor
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import PlanError
from vasari.tasks.batch import bucket_place
from vasari.tasks.batch.assignment import TreatPages
from vasari.tasks.batch.places import Dock
from vasari.tasks.batch.terms import BatchOptions
from vasari.tasks.restore.batch import restore_files
from vasari.tasks.restore.plan import RestorePlan


@pytest.mark.usefixtures("one_thread")
def test_restored_by_workers_into_a_bucket_as_here_into_a_folder(
    cluster: str,
    scans: Path,
    bucket: BucketAddress,
    tiny_restorer: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    monkeypatch.setattr(bucket_place, "_LEFT_MOST", 4)  # so that some is deleted on the way
    (scans / "broken.jpg").write_bytes((scans / "pilot.jpg").read_bytes()[:300])
    plan = RestorePlan(model=str(tiny_restorer), evidence=True)
    here = restore_files([scans], BatchOptions(tmp_path / "here", jobs=1), plan)
    seen = Bucket(bucket)
    seen.put(".vasari/work/0123/late.png", b"of a worker whose leader died", {})
    put_here: list[str] = []
    put_file = Bucket.put_file
    monkeypatch.setattr(Bucket, "put_file", lambda self, *what: put_here.append(what[1]) or put_file(self, *what))
    with RayExecutor(cluster) as executor:
        there = restore_files([scans], BatchOptions(bucket), plan, executor=executor)
        again = restore_files([scans], BatchOptions(bucket), plan, executor=executor)
    assert set(put_here) == {"ledger.jsonl"}  # all else was put by the workers
    assert len(here.done) == len(there.done) == len(again.already_done) == 3
    assert [Path(one.source).name for one in there.failed] == ["broken.jpg"]
    assert there.failed[0].error == here.failed[0].error
    names = {name for name, _ in seen.listed()} - {"ledger.jsonl"}
    files = {one for one in (tmp_path / "here").rglob("*") if one.is_file() and ".vasari" not in one.parts}
    in_folder = {one.relative_to(tmp_path / "here").as_posix(): one.read_bytes() for one in files}
    del in_folder["ledger.jsonl"]
    assert {name: seen.read(name) for name in names} == in_folder
    found = seen.find("camera.png")
    (entry,) = (one for one in there.done if one.result == "camera.png")
    assert found is not None and entry.result_stamp is not None
    assert found.facts == {"vasari-sha256": entry.result_stamp.sha256, "vasari-job": entry.job}


@pytest.mark.parametrize("wrong", ["bucket", "server"])
def test_a_worker_that_sees_another_bucket_ends_the_batch(
    cluster: str, scans: Path, bucket: BucketAddress, tiny_restorer: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """As where a worker is set up for another server, on which nobody holds this place."""
    made = bucket_place.BucketPlace.dock

    def elsewhere(self: Any) -> Dock:
        dock = made(self)
        if wrong == "bucket":
            return bucket_place.BucketDock(dock.address / "other", dock.endpoint, dock.region, dock.token)
        return bucket_place.BucketDock(dock.address, "http://127.0.0.1:9", dock.region, dock.token)

    monkeypatch.setattr(bucket_place.BucketPlace, "dock", elsewhere)
    said = {"bucket": "A worker finds another bucket at", "server": "A worker cannot use .* cannot be reached"}
    with RayExecutor(cluster, workers=1) as executor, pytest.raises(PlanError, match=said[wrong]):
        restore_files([scans], BatchOptions(bucket), RestorePlan(model=str(tiny_restorer)), executor=executor)
    assert not list(Bucket(bucket).listed())


def test_no_secret_is_sent_to_workers(
    scans: Path, bucket: BucketAddress, tiny_restorer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes to other machines names the server and the place, and no credentials."""
    sent: list[Any] = []

    class Executor:
        def map(self, assignment: Any, items: Any) -> Any:
            sent.append(assignment)
            yield from ()

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret of mine")
    plan = RestorePlan(model=str(tiny_restorer))
    restore_files([scans], BatchOptions(bucket), plan, executor=Executor())  # type: ignore[arg-type]
    (assignment,) = sent
    assert isinstance(assignment, TreatPages) and isinstance(assignment.dock, bucket_place.BucketDock)
    assert "secret" not in repr(assignment)
