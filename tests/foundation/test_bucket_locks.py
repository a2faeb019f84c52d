"""A place in a bucket is held by one at a time, and taken from the dead alone."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from vasari.foundation import bucket_locks
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.bucket_locks import LOCK_NAME, Holder, held, is_held_by
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import PlaceLostError, PlanError


@pytest.fixture
def there(bucket: BucketAddress) -> Bucket:
    return Bucket(bucket)


def test_who_holds_it_is_told_and_nobody_else_comes_in(there: Bucket, tmp_path: Path) -> None:
    with held(there, tmp_path / "holder") as holder:
        holder.check()
        assert is_held_by(there, holder.token) and not is_held_by(there, "another")
        who = json.loads(there.read(LOCK_NAME) or b"")
        assert (who["host"], who["process"]) == (socket.gethostname(), os.getpid())
        said = f"{who['host']}, process {os.getpid()}, at 2"
        with pytest.raises(PlanError, match=said), held(there, tmp_path / "other"):
            pass
    assert there.find(LOCK_NAME) is None
    with held(there, tmp_path / "other"):
        pass


def test_of_many_that_come_at_once_one_gets_it(there: Bucket, tmp_path: Path) -> None:
    for dead in (False, True):  # a place that is free, and one whose holder is dead
        if dead:
            (tmp_path / "dead").write_text(Holder(there).token)
            there.put(LOCK_NAME, b"{}", {"vasari-holder": (tmp_path / "dead").read_text()}, new=True)
        got: list[Holder] = []

        def come(got: list[Holder] = got) -> None:
            holder = Holder(there)
            try:
                holder.take([(tmp_path / "dead").read_text()] if (tmp_path / "dead").exists() else [])
            except PlanError:
                return
            got.append(holder)

        threads = [threading.Thread(target=come) for _ in range(6)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert len(got) == 1 and is_held_by(there, got[0].token)
        got[0].release()


def test_one_that_gave_no_sign_is_taken_over_and_told_so(
    there: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Holder(there), Holder(there)
    first.take([])
    with pytest.raises(PlanError):
        second.take([])
    monkeypatch.setattr(bucket_locks, "LEASE_S", -1.0)  # whatever its age by the server's clock
    second.take([])
    first.renew()
    with pytest.raises(PlaceLostError, match="was taken over by another batch"):
        first.check()
    first.release()
    assert is_held_by(there, second.token)


def test_one_that_slept_while_it_let_go_deletes_no_lock_of_another(
    there: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Holder(there), Holder(there)
    first.take([])

    def sleeping(bucket: Bucket, token: str) -> bool:
        second.take([first.token])
        monkeypatch.setattr(bucket_locks, "LEASE_S", 0.0)
        return True

    monkeypatch.setattr(bucket_locks, "is_held_by", sleeping)
    with pytest.raises(PlaceLostError, match="was taken over by another batch"):
        first.release()
    assert is_held_by(there, second.token)


def test_signs_of_life_are_given(there: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_locks, "RENEW_S", 0.01)
    with held(there, tmp_path / "holder") as holder:
        first = holder.renewed
        deadline = time.monotonic() + 20
        while holder.renewed == first and time.monotonic() < deadline:
            time.sleep(0.01)
        assert holder.renewed > first
        holder.check()


def test_the_token_of_a_process_that_died_is_remembered(there: Bucket, tmp_path: Path) -> None:
    dead = Holder(there)
    (tmp_path / "holder").write_text(dead.token)
    dead.take([])
    with held(there, tmp_path / "holder") as holder:
        assert is_held_by(there, holder.token)
        assert (tmp_path / "holder").read_text() == holder.token


def test_dying_while_it_is_taken_is_remembered_too(
    there: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    take = Holder.take

    def dying(self: Holder, dead: Any) -> None:
        take(self, dead)
        raise Died

    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(Died):
            patch.setattr(Holder, "take", dying)
            with held(there, tmp_path / "holder"):
                pass
    with held(there, tmp_path / "holder") as holder:
        holder.check()


def test_a_put_that_met_its_own_is_none_of_another(there: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when an answer is lost, and the put is tried again."""
    put = Bucket.put

    def twice(self: Bucket, name: str, data: bytes, *arguments: Any, **options: Any) -> str:
        put(self, name, data + b" ", *arguments, **options)
        return put(self, name, data, *arguments, **options)

    holder = Holder(there)
    monkeypatch.setattr(Bucket, "put", twice)
    holder.take([])
    holder.renew()
    monkeypatch.setattr(Bucket, "put", put)
    holder.renew()
    holder.check()
    assert is_held_by(there, holder.token)


def test_a_lock_that_somebody_deleted_is_lost(there: Bucket) -> None:
    holder = Holder(there)
    holder.take([])
    there.delete([LOCK_NAME])
    holder.renew()
    with pytest.raises(PlaceLostError, match="taken over"):
        holder.check()


def test_without_a_server_it_is_held_until_another_might_come(
    there: Bucket, bucket: BucketAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = Holder(there)
    holder.take([])
    holder.bucket = Bucket(bucket, "http://127.0.0.1:9")
    holder.renew()
    holder.check()
    monkeypatch.setattr(bucket_locks, "LEASE_S", bucket_locks.MARGIN_S)  # as if so much time had passed
    with pytest.raises(PlaceLostError, match="no sign of life was taken for too long"):
        holder.check()


@pytest.mark.parametrize("ignored", ["If-None-Match", "If-Match"])
def test_a_server_that_puts_in_spite_of_conditions_is_refused(
    there: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignored: str
) -> None:
    put, kept = Bucket.put, {"If-None-Match": "over", "If-Match": "new"}[ignored]
    monkeypatch.setattr(Bucket, "put", lambda self, *what, **given: put(self, *what, **{kept: given.get(kept)}))
    with pytest.raises(PlanError, match=f"ignores {ignored}, by"), held(there, tmp_path / "holder"):
        pass
    assert there.find(LOCK_NAME) is None
