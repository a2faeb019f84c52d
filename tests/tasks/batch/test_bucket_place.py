"""Results in a bucket: the bytes of a folder's, each once, whatever dies in between, and nobody's object harmed."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage import data

from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.bucket_locks import LOCK_NAME, held
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import PlaceLostError, PlanError, WriteError
from vasari.foundation.execute import Here
from vasari.foundation.ledgers import Ledger, sole_worker
from vasari.tasks.batch import bucket_place
from vasari.tasks.batch.places import local_folder
from vasari.tasks.batch.terms import BatchOptions, Silent, Summary
from vasari.tasks.restore.batch import restore_files
from vasari.tasks.restore.plan import RestorePlan


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")


@pytest.fixture
def plan(tiny_restorer: Path) -> RestorePlan:
    return RestorePlan(model=str(tiny_restorer), evidence=True)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small scans, which no test here changes."""
    folder = tmp_path_factory.mktemp("scans")
    (folder / "box").mkdir()
    Image.fromarray(data.astronaut()[:60, 150:230]).save(folder / "pilot.jpg", quality=92)
    Image.fromarray(data.camera()[100:150, 200:270]).save(folder / "camera.png")
    Image.fromarray(data.coffee()[50:110, 100:180]).save(folder / "box" / "coffee.tif")
    return folder


@pytest.fixture(scope="module")
def in_a_folder(scans: Path, tiny_restorer: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the batch writes into a folder."""
    output = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1000000000")
        run(scans, output, RestorePlan(model=str(tiny_restorer), evidence=True))
    return in_folder(output)


@pytest.fixture
def seen(bucket: BucketAddress) -> Bucket:
    """The bucket, as another program sees it."""
    return Bucket(bucket)


def run(scans: Path, output: Path | BucketAddress, plan: RestorePlan, watch: Any = None, **options: Any) -> Summary:
    return restore_files([scans], BatchOptions(output, **options), plan, watch)


def in_folder(folder: Path) -> dict[str, bytes]:
    """Everything in an output folder but the ledger, whose lines tell seconds."""
    files = (one for one in folder.rglob("*") if one.is_file() and ".vasari" not in one.parts)
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in files if one.name != "ledger.jsonl"}


def in_bucket(bucket: Bucket) -> dict[str, bytes]:
    """The same of a bucket; nothing else may be there but the ledger."""
    names = {name for name, _ in bucket.listed()}
    return {name: bucket.read(name) or b"" for name in names - {"ledger.jsonl"}}


def told(bucket: Bucket) -> list[dict[str, Any]]:
    """The lines of the ledger in the bucket."""
    return [json.loads(one) for one in (bucket.read("ledger.jsonl") or b"").splitlines()]


class Dying:
    """Calls through, but for call number `moment`, in which the process is taken to die."""

    class Died(BaseException):
        pass

    def __init__(self, moment: int) -> None:
        self.moment = moment

    def __call__(self, action: Any) -> Any:
        def step(*arguments: Any, **options: Any) -> Any:
            self.moment -= 1
            if self.moment == -1:
                raise self.Died
            return action(*arguments, **options)

        return step


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
    assert not [name for _, name in asked if name not in ("", LOCK_NAME, "ledger.jsonl")]
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


def of_camera(files: dict[str, bytes]) -> dict[str, bytes]:
    """What belongs to one of the scans."""
    return {name: one for name, one in files.items() if name.startswith("camera")}


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
    from vasari.foundation import bucket_locks

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


def test_the_same_command_goes_on_after_kill_9(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    killed(scans, seen, plan)
    made_good(scans, bucket, seen, plan, in_a_folder)


@pytest.mark.slow
@pytest.mark.parametrize("delay_ms", range(0, 400, 20))
def test_the_same_command_goes_on_after_kill_9_at_any_moment(
    scans: Path,
    bucket: BucketAddress,
    seen: Bucket,
    plan: RestorePlan,
    in_a_folder: dict[str, bytes],
    delay_ms: int,
) -> None:
    killed(scans, seen, plan, delay_ms / 1000)
    made_good(scans, bucket, seen, plan, in_a_folder)


def killed(scans: Path, seen: Bucket, plan: RestorePlan, delay_s: float = 0.0) -> None:
    """Kill the command so long after its first result is seen."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "restore", str(scans), "-o", str(seen.address)]
    process = subprocess.Popen([*command, "--model", plan.model, "--evidence", "--jobs", "1"], stderr=subprocess.PIPE)
    while seen.find("box/coffee.tif") is None and process.poll() is None:
        time.sleep(0.03)
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL or delay_s, said.decode()


def made_good(
    scans: Path, bucket: BucketAddress, seen: Bucket, plan: RestorePlan, in_a_folder: dict[str, bytes]
) -> None:
    """The next command takes the place at once, though its lock says that somebody works there, and ends the work."""
    summary = run(scans, bucket, plan)
    assert len(summary.done) + len(summary.already_done) == 3
    assert in_bucket(seen) == in_a_folder
    sources = [one["source"] for one in told(seen)]
    assert len(sources) == len(set(sources)) == 3
