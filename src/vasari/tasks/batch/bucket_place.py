"""A place in a bucket of S3 in which the results of a batch lie: objects put whole, or copied there by the server.

PLACE/ledger.jsonl           the ledger, put whole every half minute; its lines are written on this machine first
PLACE/.vasari/lock           held by the process that leads (`foundation/bucket_locks.py`)
PLACE/.vasari/work/T/XXXX/   what a worker left of one attempt at a page, for the process that held the place by the
                             token T; all of earlier ones is deleted at every start

Each object carries the SHA-256 of its bytes, and a result its job: what lies there is known without reading it.
"""

from __future__ import annotations

import dataclasses
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vasari.foundation import batches
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.bucket_locks import Holder, held, is_held_by
from vasari.foundation.buckets import Bucket, Found
from vasari.foundation.errors import PlaceLostError, PlanError, VasariError, WriteError
from vasari.foundation.ledgers import Entry, Ledger, Stamp, sole_worker
from vasari.foundation.repeating import repeating
from vasari.foundation.treatment import Treatment
from vasari.foundation.work_folders import work_folder
from vasari.tasks.batch.places import FoundRecord, Staging

if TYPE_CHECKING:
    from vasari.tasks.batch.page import Staged

#: How often the ledger is put, in seconds.
LEDGER_S = 30.0
WORK_NAME = f"{batches.INNER_NAME}/work"
#: Pages that the server copies to their places at a time.
TAKES_AT_ONCE = 4
#: What workers left is deleted so many objects at a time, once it was copied.
_LEFT_MOST = 300
_SHA256, _JOB = "vasari-sha256", "vasari-job"


@contextmanager
def bucket_place(address: BucketAddress, state: Path) -> Iterator[BucketPlace]:
    """Hold the place for this process alone; `state` is the folder of this machine for its ledger.

    Raises `PlanError` where another process works there, `PlaceLostError`, `MissingExtraError`.
    """
    bucket = Bucket(address)
    bucket.check()
    with (
        sole_worker(state, str(address)),
        held(bucket, state / "holder") as holder,
        work_folder(Path(tempfile.gettempdir())) as scratch,
    ):
        bucket.check_rights(f"{_work_of(holder.token)}/trial")
        left = [name for name, _ in bucket.listed(f"{WORK_NAME}/")]
        holder.check()  # who held the place before is dead; who came after it is not
        bucket.delete(left)
        kept = _KeptLedger(bucket, holder, state / batches.LEDGER_NAME)
        kept.fetch()
        place = BucketPlace(bucket, holder, Ledger(state), scratch)
        with repeating(LEDGER_S, kept.put_if_possible):
            try:
                yield place
            except PlaceLostError:
                raise
            except BaseException:
                kept.put_if_possible()
                raise
        kept.put()
        place.clear_dock()


@dataclass
class _KeptLedger:
    """The ledger of this machine, and its copy in the bucket."""

    bucket: Bucket
    holder: Holder
    path: Path
    put_bytes: int = -1

    def fetch(self) -> None:
        """Take the bucket's copy, unless that of this machine goes on where it ends."""
        there = self.bucket.read(batches.LEDGER_NAME) or b""
        here = self.path.read_bytes() if self.path.exists() else b""
        if not here.startswith(there):
            write_whole(self.path, there)
        self.put_bytes = len(there)

    def put(self) -> None:
        """Put it where it has grown; raises `PlaceLostError`."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size not in (0, self.put_bytes):
            self.holder.check()
            self.bucket.put_file(self.path, batches.LEDGER_NAME, {})
            self.put_bytes = size

    def put_if_possible(self) -> None:
        """The same; what hinders it now is told by the next one, or at the end."""
        with suppress(VasariError):
            self.put()


@dataclass
class BucketPlace:
    """The `places.Place` of a bucket."""

    bucket: Bucket
    holder: Holder
    ledger: Ledger
    scratch: Path
    left: list[str] = field(default_factory=list)  # at the dock, by workers, and copied
    docked: bool = False
    takes_at_once: int = TAKES_AT_ONCE
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        """Raise `PlaceLostError` where another batch took over, or may have."""
        self.holder.check()

    def protect(self, sources: Sequence[batches.Source]) -> None:
        """Nothing: masters are files, and no file is written."""

    def refuse_master(self, name: PurePosixPath) -> None:
        """Nothing."""

    def called(self, name: PurePosixPath) -> str:
        """The address."""
        return str(self.bucket.address / name)

    @cached_property
    def listed(self) -> Mapping[str, Found]:
        """What of the ledger lay there when it was first asked: one listing tells of a finished batch."""
        told = {name for one in list(self.ledger.entries.values()) for name in (one.result, *(one.beside or ()))}
        return {name: found for name, found in self.bucket.listed() if name in told}

    def holds(self, entry: Entry) -> bool:
        """By size and time of change in the listing; where the time is another, by what was put with the object."""
        found = self.listed.get(entry.result or "")
        if found is None or entry.result_stamp is None or any(one not in self.listed for one in entry.beside or {}):
            return False
        stamp = entry.result_stamp
        if (found.bytes, found.mtime_ns) == (stamp.bytes, stamp.mtime_ns):
            return True
        now = self.stamp_of(PurePosixPath(entry.result or "")) if found.bytes == stamp.bytes else None
        return now is not None and now.sha256 == stamp.sha256

    def exists(self, name: PurePosixPath) -> bool:
        """True where an object lies there."""
        return self.bucket.find(str(name)) is not None

    def stamp_of(self, name: PurePosixPath) -> Stamp | None:
        """By what was put with the object; None for one that Vasari did not put."""
        found = self.bucket.find(str(name))
        if found is None or _SHA256 not in found.facts:
            return None
        return Stamp(found.facts[_SHA256], found.bytes, found.mtime_ns)

    def record_of(self, name: PurePosixPath) -> FoundRecord | None:
        """The record in the object of this name."""
        data = self.bucket.read(str(name))
        if data is None:
            return None
        try:
            record = Treatment.from_json(data.decode("utf-8", "surrogateescape"))
        except VasariError:
            return None
        return FoundRecord(record, sha256(data).hexdigest())

    def wrote(self, name: PurePosixPath, told: Sequence[Stamp], record: Treatment | None) -> bool:
        """By what was put with the object: who puts another in its place puts other facts, or none."""
        return self.stamp_of(name) is not None

    def put(self, staged: Staged) -> Stamp:
        """Put all files of a page, each seen when it is whole."""
        facts = _facts(staged)
        try:
            for path, target in staged.moves:
                self.check()
                self.bucket.put_file(Path(path), str(target), facts[target])
        finally:
            for path, _ in staged.moves:
                Path(path).unlink(missing_ok=True)
        return self._in_place(staged)

    def dock(self) -> BucketDock:
        """A folder of the bucket that this process alone empties."""
        self.docked = True
        endpoint, region = self.bucket.where()
        return BucketDock(self.bucket.address, endpoint, region, self.holder.token)

    def take(self, staged: Staged) -> Stamp:
        """Have the server copy the objects to their places."""
        sizes = _sizes(staged)
        mtime_ns = 0
        for name, target in staged.moves:
            self.check()
            mtime_ns = self.bucket.copy(str(name), str(target), sizes.get(target, 0))
        with self.lock:
            self.left += [str(name) for name, _ in staged.moves]
            copied = self.left if len(self.left) >= _LEFT_MOST else []
            self.left = [] if copied else self.left
        with suppress(VasariError):  # no fault of this page; all that is left is deleted at the end
            self.bucket.delete(copied)
        return dataclasses.replace(staged.result_stamp, mtime_ns=mtime_ns)

    def clear_dock(self) -> None:
        """Delete all that the workers of this process left, what they did not finish as well; they have ended."""
        if self.docked:
            self.bucket.delete([name for name, _ in self.bucket.listed(f"{_work_of(self.holder.token)}/")])

    def _in_place(self, staged: Staged) -> Stamp:
        target = staged.moves[-1][1]
        stamp = self.stamp_of(target)
        if stamp is None or stamp.sha256 != staged.result_stamp.sha256:
            raise WriteError(
                f"{self.called(target)} was put, and something else stands there.",
                remedy="see which other program writes there, then run the command again",
            )
        return stamp


@dataclass(frozen=True)
class BucketDock:
    """The `places.Dock` of a bucket: a prefix of its own for each attempt.

    `token` is that of the process that leads: who finds it in the lock sees the same bucket on the same server.
    """

    address: BucketAddress
    endpoint: str | None
    region: str | None
    token: str

    def reached(self) -> Callable[[Staging], Staged]:
        """Raises `PlanError` where this worker cannot use the bucket, may not put there, or sees another."""
        try:
            bucket = Bucket(self.address, self.endpoint, self.region)
            seen = is_held_by(bucket, self.token)
            if seen:
                bucket.check_rights(f"{self._spot()}/trial")
        except VasariError as error:
            raise PlanError(f"A worker cannot use {self.address}. {error.message}", remedy=error.remedy) from error
        if not seen:
            raise PlanError(
                f"A worker finds another bucket at {self.address} than this machine.",
                remedy="set AWS_ENDPOINT_URL and AWS_REGION to the same on every machine",
            )
        return lambda staging: self._left(bucket, staging)

    def _left(self, bucket: Bucket, staging: Staging) -> Staged:
        with work_folder(Path(tempfile.gettempdir())) as folder:
            staged = staging(folder)
            facts = _facts(staged)
            spot = self._spot()
            moves = []
            for path, target in staged.moves:
                bucket.put_file(Path(path), f"{spot}/{path.name}", facts[target])
                moves.append((PurePosixPath(spot, path.name), target))
        return dataclasses.replace(staged, moves=tuple(moves))

    def _spot(self) -> str:
        """Where one attempt leaves its objects."""
        return f"{_work_of(self.token)}/{secrets.token_hex(8)}"


def _work_of(token: str) -> str:
    """Where the workers of a holder leave their objects: one that wakes up late never deletes those of another."""
    return f"{WORK_NAME}/{token}"


def _facts(staged: Staged) -> dict[PurePosixPath, dict[str, str]]:
    """What is put with each object of a page."""
    record = staged.record
    known = {one.name: one.sha256 for one in record.evidence}
    known[staged.moves[-1][1].name] = staged.result_stamp.sha256
    written = sha256(record.to_json()).hexdigest()
    return {target: {_SHA256: known.get(target.name, written), _JOB: record.job} for _, target in staged.moves}


def _sizes(staged: Staged) -> dict[PurePosixPath, int]:
    """The bytes of the maps and of the result."""
    known = {one.name: one.bytes for one in staged.record.evidence}
    known[staged.moves[-1][1].name] = staged.result_stamp.bytes
    return {target: known[target.name] for _, target in staged.moves if target.name in known}
