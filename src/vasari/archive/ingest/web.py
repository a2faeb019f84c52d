"""`archive add https://...`: pictures, and IIIF manifests with their pictures, fetched and kept as masters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import select

from vasari.archive.ingest.adding import Adding, Summary, Watch
from vasari.archive.ingest.catalogs import iiif
from vasari.archive.ingest.catalogs.importing import Imported, Importing
from vasari.archive.ingest.catalogs.tables import Row
from vasari.archive.ingest.fetching import MANIFESTS, PICTURES, WebLimits, fetch
from vasari.archive.ingest.masters import MASTERS
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.ingest.walk import Found
from vasari.archive.schema import ORIGINS
from vasari.archive.store import Archive
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.work_folders import work_folder

#: Manifests that one collection may lead to.
MOST_MANIFESTS = 1000


def add_from_web(
    archive: Archive,
    addresses: Sequence[str],
    plan: AddPlan,
    watch: Watch = lambda path, what: None,
    limits: WebLimits | None = None,
) -> tuple[Summary, list[Imported]]:
    """Fetch pictures and IIIF manifests into the archive; what fails is named in `ledger.jsonl`, the rest goes on.

    Pictures are always kept as copies. An address that was fetched before is not asked for again; manifests are.
    Raises `WriteError` where the disk is full.
    """
    adding = Adding(archive, replace(plan, copy=True), watch)
    with work_folder(archive.folder / MASTERS) as work:
        web = _Web(archive, adding, limits or WebLimits(), work)
        adding.take(web.pictures(addresses), work)
        imported = [web.keep(address, manifests) for address, manifests in web.manifests.items()]
    return adding.summary, imported


@dataclass
class _Web:
    archive: Archive
    adding: Adding
    limits: WebLimits
    work: Path
    manifests: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def pictures(self, addresses: Sequence[str]) -> Iterator[Found]:
        """The pictures at addresses and of the manifests there, fetched one by one; manifests are put by."""
        for address in addresses:
            if self._is_known(address):
                self.adding.count("unchanged", address)
                continue
            path = self._fetch(address, (*PICTURES, *MANIFESTS))
            if path is None:
                continue
            with path.open("rb") as file:
                start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
            if not start.startswith((b"{", b"[")):
                yield _found(path, address)
                continue
            data = iiif.read_start(path)
            path.unlink()
            try:
                manifests = list(self._unfolded(iiif.parsed(data, address)))
            except PlanError as error:
                self.adding.failed(address, error)
                continue
            self.manifests[address] = manifests
            for manifest in manifests:
                yield from self._painted(manifest)

    def _painted(self, manifest: dict[str, Any]) -> Iterator[Found]:
        for address in iiif.pictures(manifest)[: len(iiif.PICTURES)]:
            if self._is_known(address):
                self.adding.count("unchanged", address)
            elif (path := self._fetch(address, PICTURES)) is not None:
                yield _found(path, address)

    def _unfolded(self, value: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Manifests with their canvases; those that a collection only refers to are fetched."""
        for number, manifest in enumerate(iiif.manifests(value)):
            if number >= MOST_MANIFESTS:
                error = PictureError(f"Of a collection {MOST_MANIFESTS} manifests are read.", remedy="add parts of it")
                self.adding.failed(str(value.get("id", "")), error)
                return
            address = str(manifest.get("id", ""))
            if "items" in manifest:
                yield dict(manifest)
            elif (path := self._fetch(address, MANIFESTS)) is not None:
                try:
                    yield iiif.parsed(iiif.read_start(path), address)
                except PlanError as error:
                    self.adding.failed(address, error)
                finally:
                    path.unlink()

    def keep(self, address: str, manifests: Sequence[dict[str, Any]]) -> Imported:
        """What manifests say, about the works of their pictures."""
        by = urlsplit(address).hostname or address
        done = Imported(address, by, iiif.NAME, "utf-8")
        rows = (Row(number, iiif.record(one)) for number, one in enumerate(manifests, start=1))
        Importing(self.archive, address, self.work, iiif.mapping_of(by), done).run(rows, lambda records: None)
        return done

    def _fetch(self, address: str, kinds: Sequence[str]) -> Path | None:
        """The file that is at an address, in the folder for work; None, and told, where it is refused."""
        ending = PurePosixPath(unquote(urlsplit(address).path)).suffix[:8]
        target = self.work / (hashlib.sha256(address.encode("utf-8", "replace")).hexdigest() + ending)
        try:
            fetch(address, target, kinds, self.limits)
        except PictureError as error:
            self.adding.failed(address, error)
            return None
        return target

    def _is_known(self, address: str) -> bool:
        """True for an address that was fetched before, or in this run."""
        if address in self.asked:
            return True
        self.asked.add(address)
        with self.archive.reading() as connection:
            return connection.execute(select(ORIGINS.c.path).where(ORIGINS.c.path == address)).first() is not None


def _found(path: Path, address: str) -> Found:
    facts = path.stat()
    return Found(str(path), facts.st_size, facts.st_mtime_ns, address)
