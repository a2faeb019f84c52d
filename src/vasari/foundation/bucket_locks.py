"""A place in a bucket held by one process at a time, by an object that only one can make.

PLACE/.vasari/lock    made by a conditional put; who holds it puts it again every minute, over his own alone. One that
                      nobody renewed for five minutes, by the server's clock, is taken over; its holder then stops.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.bucket_failures import Precondition
from vasari.foundation.buckets import Bucket
from vasari.foundation.errors import PlaceLostError, PlanError, VasariError
from vasari.foundation.repeating import repeating
from vasari.foundation.treatment import now

LOCK_NAME = ".vasari/lock"
#: Seconds without a sign after which a holder is taken for dead; how often he gives one; and how long before the end he
#: lets go himself, since what he began just then takes its time.
LEASE_S = 300.0
RENEW_S = 60.0
MARGIN_S = 30.0
_TRIES = 5
_TOKENS = 10
_HOLDER = "vasari-holder"
#: Conditions that never hold for an object that is there, by their names in HTTP.
_NEVER: Mapping[str, Mapping[str, Any]] = {"If-None-Match": {"new": True}, "If-Match": {"over": f'"{"0" * 32}"'}}
# A clock that goes on while the machine sleeps.
_CLOCK = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC


class Holder:
    """Who holds a place: `token` tells him from all others."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.token = secrets.token_hex(16)
        self.etag = ""
        self.renewed = 0.0
        self.lost: PlaceLostError | None = None
        self.renewing = threading.Lock()

    def check(self) -> None:
        """Raise `PlaceLostError` where the place is not held any more, or may not be."""
        if self.lost is None and time.clock_gettime(_CLOCK) - self.renewed > LEASE_S - MARGIN_S:
            self.renew()  # after a sleep of the machine: somebody else may have come
        if self.lost is not None:
            raise self.lost

    def renew(self) -> None:
        """Give a sign of life; raises nothing, `check` tells."""
        with self.renewing:
            self._renew(time.clock_gettime(_CLOCK))

    def _renew(self, began: float) -> None:
        try:
            if not self._put(over=self.etag, began=began):
                there = self.bucket.find(LOCK_NAME)
                if there is not None and there.facts.get(_HOLDER) == self.token:
                    self.etag, self.renewed = there.etag, began  # put twice by a retry, which met its own
                else:
                    self.lost = _taken_over(self.bucket)
        except VasariError as error:
            if began - self.renewed > LEASE_S - MARGIN_S:
                self.lost = PlaceLostError(
                    f"{self.bucket.address} could not be held: no sign of life was taken for too long. {error.message}",
                    remedy=error.remedy,
                )

    def take(self, dead: Collection[str]) -> None:
        """Take the place, from one of the `dead` (tokens) or who gives no sign; raises `PlanError` where it is held."""
        for _ in range(_TRIES):
            began = time.clock_gettime(_CLOCK)
            if self._put(new=True, began=began):
                return
            there = self.bucket.find(LOCK_NAME)
            if there is None:
                continue
            holder = there.facts.get(_HOLDER, "")
            if holder == self.token:
                self.etag, self.renewed = there.etag, began
                return
            if holder not in dead and there.age_s <= LEASE_S:
                break
            if self._put(over=there.etag, began=began):
                return
        raise self._refusal()

    def release(self) -> None:
        """Let go of the place, if it is still held; raises `PlaceLostError` where the machine slept meanwhile."""
        if is_held_by(self.bucket, self.token):
            self.check()
            self.bucket.delete([LOCK_NAME])

    def check_conditions(self) -> None:
        """Raise `PlanError` where the server puts in spite of a condition, as two would then hold the place at once."""
        if not is_held_by(self.bucket, self.token):
            raise self._refusal()
        ignored = [name for name, condition in _NEVER.items() if self._put(began=self.renewed, **condition)]
        if ignored:
            self.release()
            raise PlanError(
                f"The server of {self.bucket.address} ignores {' and '.join(ignored)}, by which batches keep apart.",
                remedy="use another server or a newer version of it, or a folder for the results",
            )

    def _put(self, *, new: bool = False, over: str | None = None, began: float) -> bool:
        """Put the object if the condition holds; whether it did."""
        # With the token, as the tag of an object is often made of its bytes alone: no two holders may have the same.
        who = {"host": socket.gethostname(), "process": os.getpid(), "time": now(), "holder": self.token}
        data = (json.dumps(who) + "\n").encode()
        try:
            self.etag = self.bucket.put(LOCK_NAME, data, {_HOLDER: self.token}, new=new, over=over)
        except Precondition:
            return False
        self.renewed = began
        return True

    def _refusal(self) -> PlanError:
        return PlanError(
            f"Another process is working in {self.bucket.address}{_told(self.bucket)}.",
            remedy=f"wait until it has finished; if it died, {LEASE_S / 60:.0f} minutes after that",
        )


@contextmanager
def held(bucket: Bucket, remembered: Path) -> Iterator[Holder]:
    """Hold the place of a bucket for this process alone.

    `remembered` is a file in a folder of which this process is the sole worker: whoever wrote a token there before is
    dead, and is not waited for. Raises `PlanError` where another process works there, `PlaceLostError`.
    """
    dead = _remembered(remembered)
    holder = Holder(bucket)
    # Before the lock is made, so that who dies right then is known for dead as well.
    write_whole(remembered, "\n".join([*dead, holder.token]).encode())
    holder.take(dead)
    write_whole(remembered, holder.token.encode())
    holder.check_conditions()
    try:
        with repeating(RENEW_S, holder.renew):
            yield holder
    finally:
        if holder.lost is None:
            with suppress(VasariError):  # it is free in five minutes in any case
                holder.release()


def is_held_by(bucket: Bucket, token: str) -> bool:
    """True where the place is held by who has this token; raises `PlaceLostError`."""
    there = bucket.find(LOCK_NAME)
    return there is not None and there.facts.get(_HOLDER) == token


def _remembered(path: Path) -> list[str]:
    """The tokens in a file, the newest last."""
    try:
        return path.read_text(encoding="utf-8").split()[-_TOKENS:]
    except OSError:
        return []


def _taken_over(bucket: Bucket) -> PlaceLostError:
    return PlaceLostError(
        f"{bucket.address} was taken over by another batch{_told(bucket)}: this one gave no sign of life for too long.",
        remedy="let the other one finish; the same command then goes on where they left it",
    )


def _told(bucket: Bucket) -> str:
    """Who holds the place, as far as his object tells."""
    try:
        who = json.loads(bucket.read(LOCK_NAME) or b"")
        return f" ({who['host']}, process {who['process']}, at {who['time']})"
    except (VasariError, ValueError, KeyError, TypeError):
        return ""
