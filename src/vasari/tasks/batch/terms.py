"""How a batch is ordered, watched and summed up: what those who call for one and those who show it share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vasari.foundation.bucket_addresses import BucketAddress
from vasari.foundation.ledgers import DONE, FAILED, Entry

DEFAULT_JOBS = 2


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run; nothing here changes the bytes of a result.

    `output`: a folder, or a place in a bucket (`bucket_addresses.output_of` reads either); `jobs`: pictures in work
    at once (one is decoded or written while another is computed); `trust`: take files that look like decompression
    bombs; `max_megapixels`: refuse larger pictures; `overwrite`: replace results that somebody has changed; `debug`:
    print tracebacks of unexpected failures.
    """

    output: Path | BucketAddress
    jobs: int = DEFAULT_JOBS
    trust: bool = False
    max_megapixels: int = 4000
    overwrite: bool = False
    debug: bool = False


class Watch(Protocol):
    """Told how a batch goes; `advance` is called from the threads that work."""

    def begin(self, sources: int, work: float, already_done: int) -> None:
        """How much there is to do: files, their work (`pace.work_of`), and pages found done."""

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        """A page of `source`, counted from 0, is done to `share` 0..1; it is so much of the work."""

    def found(self, entry: Entry) -> None:
        """A page of the work to do turned out to be done before; `finished` is told of it, too."""

    def finished(self, entry: Entry) -> None:
        """A page was done or failed."""


class Silent:
    """A watch that looks away."""

    def begin(self, sources: int, work: float, already_done: int) -> None:
        """Nothing."""

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        """Nothing."""

    def found(self, entry: Entry) -> None:
        """Nothing."""

    def finished(self, entry: Entry) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Summary:
    """What a batch came to: entries of this run, and those of sources found done whole, which it passed over."""

    entries: tuple[Entry, ...]
    already_done: tuple[Entry, ...]

    @property
    def failed(self) -> tuple[Entry, ...]:
        """The pages that could not be done."""
        return tuple(one for one in self.entries if one.status == FAILED)

    @property
    def warned(self) -> tuple[Entry, ...]:
        """The pages done that should be looked at."""
        return tuple(one for one in self.done if one.warnings)

    @property
    def done(self) -> tuple[Entry, ...]:
        """The pages done by now of the sources that this run worked on."""
        return tuple(one for one in self.entries if one.status == DONE)
