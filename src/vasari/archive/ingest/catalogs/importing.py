"""Records of a catalog into the archive: joined to pictures, or as works without any."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from vasari.archive.events import note
from vasari.archive.ingest.catalogs.joining import AmbiguousName, Pictures
from vasari.archive.ingest.catalogs.mapping import CatalogMapping, mapping_for
from vasari.archive.ingest.catalogs.tables import Row, look_at
from vasari.archive.schema import FILES, STATEMENTS, WORKS
from vasari.archive.statements import Claim, Speaker, cleaned, show, state, works_of
from vasari.archive.store import Archive
from vasari.archive.writer import Writer
from vasari.foundation.ledgers import FAILED, Entry, Ledger
from vasari.foundation.treatment import now

BATCH_ROWS = 1000
MOST_TOLD = 1000
LONGEST_KEY = 500  # characters; unique columns cannot hold whole pages

#: Told after every batch: records read so far.
Watch = Callable[[int], None]


@dataclass(frozen=True)
class CatalogOptions:
    """How a catalog is read: a preset by name, the user's own mapping, what the keys of its works begin with."""

    preset: str = ""
    mapping: Path | None = None
    name: str = ""


@dataclass
class Imported:
    """What became of a catalog: records, those joined to pictures, works that are new; columns that say nothing.

    `unfound` are the records of whose pictures none is in the archive.
    """

    catalog: str
    by: str
    name: str
    encoding: str
    records: int = 0
    joined: int = 0
    unfound: int = 0
    new: int = 0
    unmapped: list[str] = field(default_factory=list)
    failed: int = 0
    failures: list[Entry] = field(default_factory=list)


def import_catalog(
    archive: Archive, path: Path, options: CatalogOptions = CatalogOptions(), watch: Watch = lambda records: None
) -> Imported:
    """Read a catalog into an archive; rows that cannot be read are named in `ledger.jsonl`, the rest goes on.

    Says the same twice when it is run twice; what a person said stays before it. Raises `PlanError` for a file or a
    mapping that makes no sense, `WriteError` where the disk is full.
    """
    from vasari.archive.ingest.catalogs.iiif import is_iiif, read_iiif

    if is_iiif(path):
        mapping, rows = read_iiif(path)
        columns: Sequence[str] = ()
        encoding = "utf-8"
    else:
        table = look_at(path)
        mapping = mapping_for(table.columns, path, preset=options.preset, own=options.mapping, name=options.name)
        rows, columns, encoding = table.rows(), table.columns, table.encoding
    done = Imported(str(path), mapping.by, mapping.name, encoding, unmapped=mapping.unmapped(columns))
    Importing(archive, str(path.resolve()), path.parent, mapping, done).run(rows, watch)
    return done


class Importing:
    """The records of one catalog, found at `where` (a path or an address); pictures are looked for from `folder`."""

    def __init__(self, archive: Archive, where: str, folder: Path, mapping: CatalogMapping, done: Imported) -> None:
        self.archive, self.where, self.mapping, self.done = archive, where, mapping, done
        self.ledger = Ledger(archive.folder)
        with archive.reading() as connection:
            self.pictures = Pictures.of(connection, mapping, folder)

    def run(self, rows: Iterable[Row], watch: Watch) -> None:
        """All rows in batches, and the event that tells of them."""
        stream = iter(rows)
        while batch := list(itertools.islice(stream, BATCH_ROWS)):
            meant = list(self._meant(batch))
            with self.archive.writing() as writer:
                self._keep(writer, meant)
            self.done.records += len(meant)
            watch(self.done.records)
        detail = {"by": self.mapping.by, "records": self.done.records, "joined": self.done.joined}
        detail |= {"failed": self.done.failed, "unmapped columns": self.done.unmapped}
        with self.archive.writing() as writer:
            outcome = "warning" if self.done.failed else "success"
            note(writer, "metadata import", self.where, outcome, detail)

    def _meant(self, batch: Sequence[Row]) -> Iterator[tuple[Row, str, list[int]]]:
        """Sound rows with the key that is theirs and the works of the pictures they name; the others are told."""
        for row in batch:
            values = row.values
            files = [values[column] for column in self.mapping.file if values.get(column)]
            hashes = [values[column] for column in self.mapping.sha256 if values.get(column)]
            key = cleaned(self._key(values))
            wrong = row.error or ("" if key else "the row has no id, no picture, no title and no artist")
            if wrong or len(key) > LONGEST_KEY:
                long = f"its id is longer than {LONGEST_KEY} characters"
                self._failed(row.number, wrong or long, "correct the row in a copy of the catalog")
                continue
            try:
                works = self.pictures.works(files, hashes)
            except AmbiguousName as error:
                self._failed(row.number, str(error), "name it with its folder")
                continue
            self.done.unfound += bool(files or hashes) and not works
            yield row, key, works

    def _key(self, values: Mapping[str, str]) -> str:
        """NAME:ID; without an id by the picture's name, its hash, or title, artist and date; "" without any."""
        mapping = self.mapping
        if mapping.key(values):
            return mapping.key(values)
        if mapping.first(values, mapping.file):
            return f"{mapping.name}:{mapping.first(values, mapping.file)}"
        if mapping.first(values, mapping.sha256):
            return f"file:{mapping.first(values, mapping.sha256).lower()}"
        told = [mapping.first(values, mapping.fields.get(name, ())) for name in ("title", "artist", "date")]
        digest = hashlib.sha256("\x1f".join(told).encode("utf-8", "replace")).hexdigest()
        return f"{mapping.name}:~{digest[:16]}" if any(told[:2]) else ""

    def _keep(self, writer: Writer, meant: Sequence[tuple[Row, str, list[int]]]) -> None:
        """State what rows say about their works; of two rows on one work the later counts.

        A row's work has its key. Pictures that no catalog spoke for become that work's; where they belong to
        another catalog's work, and the key is not known yet, that work is meant.
        """
        known = ids_of(writer, [key for _, key, _ in meant])
        owners: dict[int, str] = {}  # works whose pictures a key of this batch takes over
        wanted: list[tuple[Row, list[int], list[str]]] = []
        for row, key, works in meant:
            self.done.joined += bool(works)
            foreign = [work for work in works if work not in self.pictures.loose or owners.get(work, key) != key]
            if foreign and key not in known:
                taken = [owners[work] for work in foreign if work in owners]
                wanted.append((row, [work for work in foreign if work not in owners], taken))
                continue
            owners |= {work: key for work in works if work not in foreign and known.get(key) != work}
            wanted.append((row, [], [key]))
        made = works_of(writer, [key for _, _, keys in wanted for key in keys])
        self.done.new += len(made.keys() - known.keys())
        joins = {old: made[key] for old, key in owners.items() if made[key] != old}
        adopt(writer, joins)
        self.pictures.moved |= joins
        claims: dict[int, Sequence[Claim]] = {}
        for row, ids, keys in wanted:
            for id in (*ids, *(made[key] for key in keys)):
                claims[id] = self.mapping.claims(row.values)
        state(writer, claims, Speaker("catalog", self.mapping.by))

    def _failed(self, number: int, reason: str, remedy: str) -> None:
        where = f"{self.where}#row={number}"
        entry = Entry(FAILED, where, error=f"Row {number}: {reason}.", remedy=remedy, time=now())
        before = self.ledger.entries.get((where, 0))
        if before is None or before.error != entry.error:
            self.ledger.append(entry)
        self.done.failed += 1
        if len(self.done.failures) < MOST_TOLD:
            self.done.failures.append(entry)


def ids_of(writer: Writer, keys: Sequence[str]) -> dict[str, int]:
    """The ids of those works that are there."""
    found: dict[str, int] = {}
    for begin in range(0, len(keys), 500):
        query = select(WORKS.c.key, WORKS.c.id).where(WORKS.c.key.in_(keys[begin : begin + 500]))
        for key, id in writer.connection.execute(query):
            found[key] = id
    return found


def adopt(writer: Writer, joins: Mapping[int, int]) -> None:
    """Give pictures and statements of works (old -> new) to others, and take the emptied works out."""
    olds = list(joins)
    for begin in range(0, len(olds), 500):
        chunk = olds[begin : begin + 500]
        files = writer.connection.execute(select(FILES).where(FILES.c.work_id.in_(chunk))).mappings()
        writer.put(FILES, [{**row, "work_id": joins[row["work_id"]]} for row in files.all()])
        said = writer.connection.execute(select(STATEMENTS).where(STATEMENTS.c.work_id.in_(chunk))).mappings().all()
        writer.cut(STATEMENTS, [dict(row) for row in said])
        writer.put(STATEMENTS, [{**row, "work_id": joins[row["work_id"]]} for row in said])
        writer.cut(WORKS, [{"id": old} for old in chunk])
        show(writer, list({joins[old] for old in chunk}))
