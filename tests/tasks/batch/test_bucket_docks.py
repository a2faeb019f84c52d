"""What workers leave in a bucket for the process that leads: copied to its place, and deleted by none but their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.tasks.batch.conftest import Dying, in_bucket, of_camera, run, told

from vasari.foundation import bucket_locks
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.bucket_locks import LOCK_NAME
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import PlaceLostError, PlanError, WriteError
from vasari.foundation.execute import Here
from vasari.foundation.ledgers import Ledger
from vasari.tasks.batch import bucket_place
from vasari.tasks.batch.terms import BatchOptions, Summary
from vasari.tasks.restore.batch import restore_files
from vasari.tasks.restore.plan import RestorePlan

pytestmark = pytest.mark.usefixtures("calm")


def by_workers(scans: Path, output: Path | BucketAddress, plan: RestorePlan) -> Summary:
    """As by workers elsewhere, which are threads here: they stage, and this process makes visible."""
    return restore_files([scans], BatchOptions(output), plan, executor=Here(2))


def test_what_workers_left_is_copied_by_the_server(
    scans: Path,
    bucket: BucketAddress,
    seen: Bucket,
    plan: RestorePlan,
    in_a_folder: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bucket_place, "_LEFT_MOST", 4)  # so that some is deleted on the way
    monkeypatch.setattr(bucket_place, "LEDGER_S", 3600.0)
    asked: list[str] = []
    put_file = Bucket.put_file

    def listening(self: Bucket, path: Path, name: str, facts: Mapping[str, str]) -> None:
        asked.append(name)
        put_file(self, path, name, facts)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "put_file", listening)
        assert len(by_workers(scans, bucket, plan).done) == 3
    assert [name for name in asked if not name.startswith(".vasari/work/")] == ["ledger.jsonl"]
    assert in_bucket(seen) == in_a_folder
    assert len(by_workers(scans, bucket, plan).already_done) == 3
    assert {one["source"]: one["result_mtime_ns"] for one in told(seen)} == {
        str(scans / name): dict(seen.listed())[name].mtime_ns for name in in_a_folder if (scans / name).exists()
    }


@pytest.mark.parametrize("moment", range(1, 5))
def test_a_leader_that_dies_between_two_copies_is_made_good(
    scans: Path,
    bucket: BucketAddress,
    seen: Bucket,
    plan: RestorePlan,
    in_a_folder: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    """The steps are those of a page that is put from here: damage map, change map, record, result, ledger."""
    dying = Dying(moment)
    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "copy", dying(Bucket.copy))
        patch.setattr(Ledger, "append", dying(Ledger.append))
        patch.setattr(bucket_place._KeptLedger, "put_if_possible", lambda self: None)
        with pytest.raises(Dying.Died):
            by_workers(scans / "camera.png", bucket, plan)
    assert seen.find("camera.png") is None or moment == 4
    assert len(by_workers(scans / "camera.png", bucket, plan).done) == 1
    assert in_bucket(seen) == of_camera(in_a_folder)
    assert len(told(seen)) == 1


def test_an_object_that_is_gone_before_it_is_copied_fails_its_page_alone(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Bucket.copy

    def after_a_rule(self: Bucket, name: str, target: str, size: int) -> int:
        if target == "pilot.jpg":
            self.delete([name])
        return copy(self, name, target, size)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "copy", after_a_rule)
        summary = by_workers(scans, bucket, plan)
    assert [one.source for one in summary.failed] == [str(scans / "pilot.jpg")]
    assert "was gone before" in (summary.failed[0].error or "") and len(summary.done) == 2
    assert len(by_workers(scans, bucket, plan).done) == 1


def test_what_a_dead_leaders_workers_left_is_cleared(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    """A late worker's upload ends in a folder that nobody looks into."""
    seen.put(".vasari/work/abcd/result.png", b"late", {})
    run(scans, bucket, plan)
    assert in_bucket(seen) == in_a_folder


def test_a_leader_deletes_what_its_own_workers_left_alone(bucket: BucketAddress, seen: Bucket, tmp_path: Path) -> None:
    """As after a long sleep of its machine at the very end: the workers of another are at work."""
    with bucket_place.bucket_place(bucket, tmp_path / "here") as place:
        place.dock()
        for token in (place.holder.token, "another"):
            seen.put(f".vasari/work/{token}/abcd/result.png", b"", {})
    assert in_bucket(seen).keys() == {".vasari/work/another/abcd/result.png"}


def test_what_cannot_be_deleted_is_told_at_the_end_and_fails_no_page(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_place, "_LEFT_MOST", 4)
    delete = Bucket.delete

    def refusing(self: Bucket, names: Sequence[str]) -> None:
        if any(one.endswith(".png") for one in names):
            raise WriteError("It could not be deleted.", remedy="none")
        delete(self, names)

    with monkeypatch.context() as patch, pytest.raises(WriteError, match="could not be deleted"):
        patch.setattr(Bucket, "delete", refusing)
        by_workers(scans, bucket, plan)
    assert [one["status"] for one in told(seen)] == ["done"] * 3
    assert len(by_workers(scans, bucket, plan).already_done) == 3


def test_one_that_slept_as_it_began_deletes_nothing_of_another(
    bucket: BucketAddress, seen: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleeping(self: Bucket, name: str) -> None:
        there = seen.find(LOCK_NAME)
        assert there is not None
        seen.put(LOCK_NAME, b"{}", {"vasari-holder": "another"}, over=there.etag)
        monkeypatch.setattr(bucket_locks, "LEASE_S", 0.0)

    seen.put(".vasari/work/another/abcd/result.png", b"", {})
    monkeypatch.setattr(Bucket, "check_rights", sleeping)
    with (
        pytest.raises(PlaceLostError, match="was taken over by another batch"),
        bucket_place.bucket_place(bucket, tmp_path / "here"),
    ):
        pass
    assert in_bucket(seen).keys() == {".vasari/work/another/abcd/result.png", LOCK_NAME}


@pytest.mark.parametrize("action", ["PutObject", "DeleteObject"])
def test_who_may_not_is_told_before_the_work(bucket: BucketAddress, seen: Bucket, tmp_path: Path, action: str) -> None:
    """The process that leads as it begins, and a worker before its first page."""
    below = f"arn:aws:s3:::{bucket.bucket}/{bucket.folder}/.vasari/work/*"
    denied = {"Effect": "Deny", "Principal": "*", "Action": f"s3:{action}", "Resource": below}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    with bucket_place.bucket_place(bucket, tmp_path / "here") as place:
        seen._files.call_s3("put_bucket_policy", Bucket=bucket.bucket, Policy=policy)
        with pytest.raises(PlanError, match=r"A worker cannot use .* Access to .*/trial is denied"):
            place.dock().reached()
        seen._files.call_s3("delete_bucket_policy", Bucket=bucket.bucket)
    seen._files.call_s3("put_bucket_policy", Bucket=bucket.bucket, Policy=policy)
    with (
        pytest.raises(PlaceLostError, match="Access to .*/trial is denied"),
        bucket_place.bucket_place(bucket, tmp_path / "here"),
    ):
        pass
    assert seen.find(LOCK_NAME) is None
