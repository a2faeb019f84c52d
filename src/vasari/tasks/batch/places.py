"""Where the results of a batch lie: a folder, or a place in a bucket; and the dock at which workers leave theirs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from vasari.foundation.batches import Source
from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.ledgers import Entry, Ledger, Stamp
from vasari.foundation.treatment import Treatment

if TYPE_CHECKING:
    from vasari.tasks.batch.page import Staged

#: Treats a page into a folder, where nobody looks.
Staging = Callable[[Path], "Staged"]


@dataclass(frozen=True)
class FoundRecord:
    """A record that stands in its place, and the SHA-256 of its bytes."""

    record: Treatment
    sha256: str


class Dock(Protocol):
    """Where workers elsewhere leave what they made of a page, unseen: plain data, which is sent to them."""

    def reached(self) -> Callable[[Staging], Staged]:
        """What carries out a staging and leaves its outcome at the dock, each in a spot of its own.

        Raises `PlanError` where this worker does not reach the dock; what is given back raises `WriteError`.
        """


class Place(Protocol):
    """Where results lie, held by this process alone; names are relative to it, with slashes."""

    ledger: Ledger
    scratch: Path
    """A folder of this machine for pages in the making in this process."""
    takes_at_once: int
    """How many pages at a time are taken from the dock: more where each waits for a server."""

    def check(self) -> None:
        """Raise `PlaceLostError` where the place is held no longer."""

    def protect(self, sources: Sequence[Source]) -> None:
        """Remember the masters, which are never written onto."""

    def refuse_master(self, name: PurePosixPath) -> None:
        """Raise `PlanError` where a master lies under this name."""

    def called(self, name: PurePosixPath) -> str:
        """Where this lies, for people to read."""

    def holds(self, entry: Entry) -> bool:
        """True where the result and all beside it are there, as the entry of a finished page tells."""

    def exists(self, name: PurePosixPath) -> bool:
        """True where something lies under this name."""

    def stamp_of(self, name: PurePosixPath) -> Stamp | None:
        """What lies under this name; None where nothing does, or nothing whose content is known."""

    def record_of(self, name: PurePosixPath) -> FoundRecord | None:
        """The treatment record of this name."""

    def wrote(self, name: PurePosixPath, told: Sequence[Stamp], record: Treatment | None) -> bool:
        """True where what lies there is as Vasari wrote it: by the ledger (`told`) or the record beside it."""

    def put(self, staged: Staged) -> Stamp:
        """Make visible what was staged in `scratch`, the result last; the stamp of the result; raises `WriteError`."""

    def dock(self) -> Dock:
        """The dock for workers."""

    def take(self, staged: Staged) -> Stamp:
        """Make visible what a worker left at the dock, as `put` does."""


def local_folder(output: Path | BucketAddress) -> Path:
    """The folder of this machine that holds the ledger: the output folder, or one of the user's own for a bucket.

    That is vasari/buckets in $XDG_STATE_HOME, else in ~/.local/state, and in it a folder for each address and server.
    """
    if not isinstance(output, BucketAddress):
        return output.expanduser().resolve()
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    server = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return base / "vasari" / "buckets" / sha256(f"{server} {output}".encode()).hexdigest()[:32]


@contextmanager
def held(output: Path | BucketAddress) -> Iterator[Place]:
    """Hold where the results go for this process alone.

    Raises `PlanError` where another process works there, `WriteError`, `MissingExtraError`.
    """
    if isinstance(output, BucketAddress):
        from vasari.tasks.batch.bucket_place import bucket_place

        with bucket_place(output, local_folder(output)) as bucket:
            yield bucket
    else:
        from vasari.tasks.batch.folder_place import folder_place

        with folder_place(local_folder(output)) as folder:
            yield folder
