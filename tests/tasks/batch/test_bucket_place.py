"""Results in a bucket: the bytes of a folder's, each once, whatever dies in between, and nobody's object harmed."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.batch.conftest import Dying, in_bucket, in_folder, of_camera, run, told

from vasari.foundation import bucket_locks, repeating
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.bucket_locks import LOCK_NAME, held
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import PlaceLostError, PlanError, WriteError
from vasari.foundation.ledgers import Ledger, sole_worker
from vasari.tasks.batch import bucket_place
from vasari.tasks.batch.places import local_folder
from vasari.tasks.batch.terms import Silent
from vasari.tasks.restore.plan import RestorePlan

pytestmark = pytest.mark.usefixtures("calm")


def test_a_bucket_holds_what_a_folder_would_and_is_done_once(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, tmp_path: Path
) -> None:
    mine = shutil.copytree(scans, tmp_path / "scans")
    (mine / "pilot.jpg").rename(mine / "pilöt & [1]+%41.jpg")
    (mine / "broken.jpg").write_bytes((mine / "camera.png").read_bytes()[:300])
    here, there = run(mine, tmp_path / "out", plan), run(mine, bucket, plan)
    assert len(here.done) == len(there.done) == 3
    assert [one.error for one in here.failed] == [one.error for one in there.failed]
    assert in_bucket(seen) == in_folder(tmp_path / "out")
    assert _timeless(told(seen)) == _timeless(
        map(json.loads, (tmp_path / "out" / "ledger.jsonl").read_text().splitlines())
    )
    for entry in there.done:  # each object tells its job and its bytes
        for name in (entry.result or "", *(entry.beside or {})):
            found, digest = seen.find(name), hashlib.sha256(seen.read(name) or b"").hexdigest()
            assert found is not None and found.facts == {"vasari-sha256": digest, "vasari-job": entry.job}
    (mine / "broken.jpg").unlink()
    before = dict(seen.listed())
    again = run(mine, bucket, plan)
    assert (again.entries, len(again.already_done)) == ((), 3)
    assert dict(seen.listed()) == before


def _timeless(lines: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The lines of a ledger by their sources, without what another run tells otherwise."""
    timely = ("seconds", "result_mtime_ns")
    return {one["source"]: {key: value for key, value in one.items() if key not in timely} for one in lines}


def test_a_finished_bucket_is_known_by_one_listing(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scans, bucket, plan)
    asked: list[tuple[str, str]] = []
    ask = Bucket._ask

    def listening(self: Bucket, method: str, name: str | None = None, **options: Any) -> Any:
        asked.append((method, name or ""))
        return ask(self, method, name, **options)

    monkeypatch.setattr(Bucket, "_ask", listening)
    assert len(run(scans, bucket, plan).already_done) == 3
    assert {name for _, name in asked if not name.endswith("/trial")} <= {"", LOCK_NAME, "ledger.jsonl"}
    assert [method for method, _ in asked].count("list_objects_v2") == 3  # may one?, what is left?, what is there?


@pytest.mark.parametrize("moment", range(1, 5))
def test_what_dies_between_two_steps_is_made_good(
    scans: Path,
    bucket: BucketAddress,
    seen: Bucket,
    plan: RestorePlan,
    in_a_folder: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    """A page's steps: damage map, change map, record, result, ledger; nothing of the ledger is put at such an end."""
    dying = Dying(moment)
    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "put_file", dying(Bucket.put_file))
        patch.setattr(Ledger, "append", dying(Ledger.append))
        patch.setattr(bucket_place._KeptLedger, "put_if_possible", lambda self: None)
        with pytest.raises(Dying.Died):
            run(scans / "camera.png", bucket, plan)
    assert len(run(scans / "camera.png", bucket, plan).done) == 1
    assert in_bucket(seen) == of_camera(in_a_folder)
    assert len(told(seen)) == 1


def test_a_lost_ledger_is_found_again_by_the_records(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan
) -> None:
    run(scans, bucket, plan)
    before = dict(seen.listed())
    seen.delete(["ledger.jsonl"])
    shutil.rmtree(local_folder(bucket))
    again = run(scans, bucket, plan)
    assert len(again.done) == 3
    after = dict(seen.listed())
    del before["ledger.jsonl"], after["ledger.jsonl"]
    assert after == before
    assert len(run(scans, bucket, plan).already_done) == 3


def test_another_machine_goes_on_where_the_bucket_tells(
    scans: Path,
    bucket: BucketAddress,
    seen: Bucket,
    plan: RestorePlan,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(scans / "camera.png", bucket, plan)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert [len(found) for found in vars(run(scans, bucket, plan)).values()] == [2, 1]
    # The first machine's ledger is behind the bucket's now, and its own lines are not taken for news.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert len(run(scans, bucket, plan).already_done) == 3
    assert len(told(seen)) == 3


def test_lines_that_never_reached_the_bucket_are_kept(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scans / "camera.png", bucket, plan)
    first = seen.read("ledger.jsonl") or b""
    run(scans, bucket, plan)
    all_lines = seen.read("ledger.jsonl")
    seen.put("ledger.jsonl", first, {})  # as if the process had ended before it was put
    assert len(run(scans, bucket, plan).already_done) == 3
    assert seen.read("ledger.jsonl") == all_lines


def test_the_ledger_is_put_while_the_batch_runs(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_place, "LEDGER_S", 0.02)
    monkeypatch.setattr(repeating, "MOST_SHARE", 1.0)  # or a put that took a second is followed by a rest of twenty
    lines: list[int] = []

    class Watch(Silent):
        def finished(self, entry: Any) -> None:
            deadline = time.monotonic() + 20
            while len(told(seen)) <= len(lines) and time.monotonic() < deadline:
                time.sleep(0.01)
            lines.append(len(told(seen)))

    run(scans, bucket, plan, Watch(), jobs=1)
    assert lines == [1, 2, 3]


def test_a_foreign_object_is_refused_like_a_foreign_file(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    seen.put("camera.png", b"somebody's", {})
    (failed,) = run(scans / "camera.png", bucket, plan).failed
    assert f"{bucket}/camera.png stands where the result would go" in (failed.error or "")
    assert "--overwrite" in (failed.remedy or "")
    assert in_bucket(seen) == {"camera.png": b"somebody's"}
    assert len(run(scans / "camera.png", bucket, plan, overwrite=True).done) == 1
    assert in_bucket(seen) == of_camera(in_a_folder)
    # What is replaced later, with as many bytes, is seen as well, and never taken for done.
    time.sleep(1.1)  # the time of change has whole seconds
    seen.put("camera.png", bytes(len(in_a_folder["camera.png"])), {})
    assert len(run(scans / "camera.png", bucket, plan).failed) == 1


def test_another_plan_replaces_the_result_and_a_deleted_map_is_made_again(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    one = scans / "camera.png"
    assert len(run(one, bucket, RestorePlan(model=plan.model, evidence=True, tone="keep")).done) == 1
    assert in_bucket(seen) != of_camera(in_a_folder)
    assert len(run(one, bucket, plan).done) == 1
    assert in_bucket(seen) == of_camera(in_a_folder)
    seen.delete(["camera.change.png"])
    assert len(run(one, bucket, plan).done) == 1
    assert in_bucket(seen) == of_camera(in_a_folder)


def test_two_batches_do_not_work_in_one_place(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    with held(seen, tmp_path / "there" / "holder"):
        with pytest.raises(PlanError, match=f"Another process is working in {bucket} .*process") as caught:
            run(scans, bucket, plan)
        assert "5 minutes" in caught.value.remedy
    assert len(run(scans / "camera.png", bucket, plan).done) == 1


def test_the_folder_of_the_ledger_is_held_as_well(
    scans: Path, bucket: BucketAddress, plan: RestorePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        sole_worker(local_folder(bucket)),
        pytest.raises(PlanError, match=f"Another process is working in {bucket}\\."),
    ):
        run(scans, bucket, plan)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(WriteError, match=f"for the ledger of {bucket}, cannot be used"):
        run(scans, bucket, plan)


def test_a_batch_whose_place_was_taken_over_stops(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a long sleep of its machine: another came, since it gave no sign of life."""

    class Watch(Silent):
        def finished(self, entry: Any) -> None:
            there = seen.find(LOCK_NAME)
            assert there is not None
            seen.put(LOCK_NAME, b"{}", {"vasari-holder": "another"}, over=there.etag)
            monkeypatch.setattr(bucket_locks, "LEASE_S", 0.0)

    with pytest.raises(PlaceLostError, match="was taken over by another batch"):
        run(scans, bucket, plan, Watch(), jobs=1)
    # Neither the lock nor the ledger is touched by the one that lost.
    there = seen.find(LOCK_NAME)
    assert there is not None and there.facts["vasari-holder"] == "another"
    assert told(seen) == []


def test_only_what_the_ledger_tells_is_kept_of_the_listing(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    run(scans, bucket, plan)
    seen.put("neighbor.png", b"somebody's", {})
    with bucket_place.bucket_place(bucket, local_folder(bucket)) as place:
        assert place.listed.keys() == in_a_folder.keys()


def test_a_page_that_could_not_be_put_leaves_nothing_on_this_machine(
    scans: Path, bucket: BucketAddress, plan: RestorePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    left: list[list[Path]] = []

    def failing(self: Bucket, path: Path, name: str, facts: Mapping[str, str]) -> None:
        left.append([path])
        raise WriteError("It could not be put.", remedy="none")

    class Watch(Silent):
        def finished(self, entry: Any) -> None:
            left.append([one for one in (tmp_path / "temporary").rglob("*") if one.suffix])

    monkeypatch.setattr(Bucket, "put_file", failing)
    monkeypatch.setattr(bucket_place._KeptLedger, "put", lambda self: None)
    assert len(run(scans / "camera.png", bucket, plan, Watch(), jobs=1).failed) == 1
    assert left[0][0].is_relative_to(tmp_path / "temporary") and left[1] == []


def test_a_server_that_goes_away_ends_the_batch_and_blames_no_page(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, done = Bucket.put_file, []

    def failing(self: Bucket, path: Path, name: str, facts: Mapping[str, str]) -> None:
        if name == "pilot.jpg":
            self = Bucket(bucket, "http://127.0.0.1:9")
        put(self, path, name, facts)
        done.append(name)

    with monkeypatch.context() as patch, pytest.raises(PlaceLostError, match="cannot be reached"):
        patch.setattr(Bucket, "put_file", failing)
        run(scans, bucket, plan, jobs=1)
    again = run(scans, bucket, plan)
    assert [len(found) for found in vars(again).values()] == [1, 2]
    assert all(one["status"] == "done" for one in told(seen))
