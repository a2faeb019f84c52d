"""A batch of files that were read, put into the catalog in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from vasari.archive.events import note_all
from vasari.archive.ingest.embedded import EXIF, IPTC, XMP
from vasari.archive.ingest.looks import Looks, distance
from vasari.archive.ingest.reading import Page, Read
from vasari.archive.schema import DERIVATIVES, EVENTS, FILES, ORIGINS, WORKS
from vasari.archive.statements import Claim, Speaker, state_all, works_of
from vasari.archive.writer import Row, Writer
from vasari.foundation.treatment import now

#: A file that changed is the same work as long as its looks differ in no more bits than this.
SAME_WORK_BITS = 10
MOST_NEAR = 5  # near duplicates told of one picture
BY_NAME = "file name"
EMBEDDED_FIELDS = tuple(dict.fromkeys((*XMP, *IPTC, *EXIF)))


@dataclass
class Kept:
    """What became of a batch: paths by outcome, exact duplicates (path, of which) and near ones (path, other, bits)."""

    added: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    near: list[tuple[str, str, int]] = field(default_factory=list)
    derived: list[str] = field(default_factory=list)


class Keeper:
    """Puts batches into the catalog. `looks` are the hashes known so far, and grow; `near_bits` -1: none compared."""

    def __init__(self, folder: Path, looks: Looks, near_bits: int) -> None:
        self.folder = folder
        self.looks = looks
        self.near_bits = near_bits

    def keep(self, writer: Writer, batch: Sequence[Read], names: Mapping[str, Sequence[Claim]]) -> Kept:
        """Put files in; `names` are statements by path, read out of their names. Killed before the end: nothing is."""
        step = _Step(writer, self.folder, batch)
        for read in batch:
            if read.same:
                step.touch(read)
            else:
                for page in read.pages:
                    step.place(read, page)
                step.drop_pages(read)
        step.finish(names)
        if self.near_bits >= 0:
            self._compare(step)
        return step.kept

    def _compare(self, step: _Step) -> None:
        """Tell near duplicates among what was there and what came before in this batch."""
        fresh = [(row, read) for row, read in step.fresh if row["phash"] is not None]
        met = Counter(row["phash"] for row, _ in fresh)
        unheard = {value for value in met if self.looks.add(value) and met[value] == 1}
        for row, read in fresh:
            near = self.looks.near(row["phash"], self.near_bits)
            if read.derived is not None or (len(near) == 1 and row["phash"] in unheard):
                continue
            for other in step.lookalikes(row, list(near)):
                bits = distance(row["phash"], other["phash"])
                step.kept.near.append((read.found.origin, str(self.folder / other["path"]), bits))


class _Step:
    """One transaction: what is known of the batch's paths and contents, and what it adds to it."""

    def __init__(self, writer: Writer, folder: Path, batch: Sequence[Read]) -> None:
        self.writer, self.folder, self.at = writer, folder, now()
        self.kept = Kept()
        paths = {path for read in batch for path in (read.path, read.found.origin)}
        contents = {page.content for read in batch for page in read.pages}
        rows = self._rows(FILES.c.path, sorted(paths)) + self._rows(FILES.c.content, sorted(contents))
        self.by_place = {(row["path"], row["page"]): row for row in rows}
        self.by_content: dict[str, list[Row]] = {}
        for row in self.by_place.values():
            self.by_content.setdefault(row["content"], []).append(row)
        self.new: list[tuple[Row, Read, str]] = []  # rows without an id, and the key of their work
        self.replaced: dict[int, Row] = {}
        self.claims: list[tuple[Row, Page, Read]] = []
        self.events: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
        self.fresh: list[tuple[Row, Read]] = []
        self.origins: list[Row] = []

    def _rows(self, column: Any, values: Sequence[str]) -> list[Row]:
        found: list[Row] = []
        for begin in range(0, len(values), 500):
            query = select(FILES, WORKS.c.key).join(WORKS, WORKS.c.id == FILES.c.work_id)
            rows = self.writer.connection.execute(query.where(column.in_(values[begin : begin + 500])))
            found += [dict(row) for row in rows.mappings()]
        return found

    def touch(self, read: Read) -> None:
        """The bytes are as they were: note the time of change, and that the file is there."""
        self._note_origin(read)
        for (path, _), row in list(self.by_place.items()):
            if path == read.path and row.get("id"):
                self._replace(row, modified_ns=read.modified_ns, state="present", checked=self.at)
        self.kept.touched.append(read.found.origin)

    def place(self, read: Read, page: Page) -> None:
        """A page that is new, or no longer what it was."""
        self._note_origin(read)
        row = self.by_place.get((read.path, page.number)) or self.by_place.get((read.found.origin, page.number))
        if row is not None and row["content"] == page.content:
            self._again(row, read)
        elif row is not None:
            self._changed(row, read, page)
        else:
            self._first(read, page)

    def _again(self, row: Row, read: Read) -> None:
        """The same content at the same place, or a copy of what was kept in place so far."""
        copied = read.path != read.found.origin
        if copied and row["copied"] and row["path"] == read.path and not self._came_from(row, read.found.origin):
            self._tell_duplicate(read, row)
        self.by_place[read.path, row["page"]] = row
        self._replace(
            row, path=read.path, copied=copied, modified_ns=read.modified_ns, state="present", checked=self.at
        )
        if read.found.origin not in self.kept.touched:
            self.kept.touched.append(read.found.origin)

    def _came_from(self, row: Row, origin: str) -> bool:
        """True where a copy was made of this very file: its origin was forgotten by a rebuild."""
        objects = (row["key"], f"file:{row['content']}")
        query = select(EVENTS.c.detail).where(EVENTS.c.object.in_(objects), EVENTS.c.type == "ingestion")
        return any(detail.get("path") == origin for detail in self.writer.connection.execute(query).scalars())

    def _changed(self, row: Row, read: Read, page: Page) -> None:
        """Other bytes at a known place: the same work if it looks the same, else another one."""
        known = self.by_content.get(page.content)
        alike = row["phash"] is not None and page.phash is not None
        same = alike and distance(row["phash"], page.phash or 0) <= SAME_WORK_BITS
        old = row["content"]
        key = known[0]["key"] if known else row["key"] if same else f"file:{page.content}"
        values = self._facts(read, page) | {"checked": self.at}
        ids = works_of(self.writer, [key], derived=read.derived is not None)
        detail = {"path": read.found.origin, "was": old, "is": page.content, "same work": key == row["key"]}
        self._event("modification", row["key"], "warning", detail)
        self.by_content[old] = [one for one in self.by_content.get(old, []) if one is not row]
        self._replace(row, **values, work_id=ids[key], key=key)
        self.by_content.setdefault(page.content, []).append(row)
        self.claims.append((row, page, read))
        self.fresh.append((row, read))
        self._count(self.kept.changed, read)

    def _first(self, read: Read, page: Page) -> None:
        """A place that was not known: a new picture, another copy of a known one, or a known one that moved."""
        twins = self.by_content.get(page.content, [])
        gone = next((one for one in twins if one.get("id") and _is_gone(self.folder / one["path"])), None)
        if gone is not None:
            self._event("relocation", gone["key"], "success", {"from": gone["path"], "to": read.path})
            self._replace(gone, **self._facts(read, page), checked=self.at)
            self.by_place[read.path, page.number] = gone
            self._count(self.kept.moved, read)
            return
        row = self._facts(read, page) | {"added": self.at, "checked": self.at}
        if twins:
            self._tell_duplicate(read, twins[0])
            key = twins[0]["key"]
        else:
            key = f"file:{page.content}"
            self.claims.append((row, page, read))
            self.fresh.append((row, read))
        row["key"] = key
        self.new.append((row, read, key))
        self.by_place[read.path, page.number] = row
        self.by_content.setdefault(page.content, []).append(row)
        self._event("ingestion", key, "success", {"path": read.found.origin, "content": page.content})
        self._count(self.kept.added, read)

    def _tell_duplicate(self, read: Read, twin: Row) -> None:
        pair = (read.found.origin, str(self.folder / twin["path"]))
        if pair not in self.kept.duplicates and pair[0] != pair[1]:
            self.kept.duplicates.append(pair)
            self._event("duplicate found", twin["key"], "warning", {"path": pair[0], "of": pair[1]})

    def drop_pages(self, read: Read) -> None:
        """Take out the rows of pages that a file no longer has; their works stay."""
        if read.broken:
            return
        last = max(page.number for page in read.pages)
        rows = [row for (path, number), row in self.by_place.items() if path == read.path and number > last]
        rows = [row for row in rows if row.get("id")]
        self.writer.cut(FILES, rows)
        for row in rows:
            del self.by_place[row["path"], row["page"]]
            self._event("deletion", row["key"], "success", {"path": row["path"], "page": row["page"]})

    def finish(self, names: Mapping[str, Sequence[Claim]]) -> None:
        """Write rows, statements, derivatives and events."""
        plain = [key for _, read, key in self.new if read.derived is None]
        made = [key for _, read, key in self.new if read.derived is not None]
        ids = works_of(self.writer, plain) | works_of(self.writer, made, derived=True)
        for row, _, key in self.new:
            row["work_id"] = ids[key]
        for row, id in zip((one[0] for one in self.new), self.writer.add(FILES, [one[0] for one in self.new])):
            row["id"] = id
        self.writer.put(FILES, self.replaced.values())
        self.writer.put(ORIGINS, {row["path"]: row for row in self.origins}.values())
        self._state(names)
        self._derive()
        for type, events in self.events.items():
            note_all(self.writer, type, events)

    def _state(self, names: Mapping[str, Sequence[Claim]]) -> None:
        words: dict[Speaker, dict[int, Sequence[Claim]]] = {}
        for row, page, read in self.claims:
            if page.claims or row["id"] in self.replaced:
                speaker = Speaker("file", Path(read.found.origin).name)
                told = {claim.field for claim in page.claims}
                silent = [Claim(name, "") for name in EMBEDDED_FIELDS if name not in told]
                words.setdefault(speaker, {})[row["work_id"]] = [*page.claims, *silent]
            if names.get(read.found.origin):
                words.setdefault(Speaker("name", BY_NAME), {})[row["work_id"]] = names[read.found.origin]
        state_all(self.writer, words)

    def _derive(self) -> None:
        """Keep the treatment of what Vasari made."""
        for row, _, read in self.claims:
            if read.derived is None:
                continue
            source = read.derived.source_content
            both = (DERIVATIVES.c.content == row["content"]) & (DERIVATIVES.c.source_content == source)
            if self.writer.connection.execute(select(DERIVATIVES.c.id).where(both)).first() is None:
                values = {"content": row["content"], "source_content": source, "operation": read.derived.operation}
                values |= {"path": read.path, "treatment": read.derived.treatment, "added": self.at}
                self.writer.add(DERIVATIVES, [{**values, "operation": values["operation"][:32]}])
                detail = {"path": read.found.origin, "source": source, "operation": read.derived.operation}
                note_all(self.writer, "derivation", [(row["key"], "success", detail)])
            self._count(self.kept.derived, read)

    def lookalikes(self, row: Row, hashes: Sequence[int]) -> list[Row]:
        """Rows of other contents with one of these hashes, that were there before this one; none that Vasari made."""
        query = (
            select(FILES)
            .join(WORKS, WORKS.c.id == FILES.c.work_id)
            .where(FILES.c.phash.in_(hashes[:500]), FILES.c.content != row["content"], FILES.c.id != row["id"])
            .where(WORKS.c.derived.is_(False), FILES.c.work_id != row["work_id"], FILES.c.id < row["id"])
            .order_by(FILES.c.id)
            .limit(MOST_NEAR)
        )
        return [dict(one) for one in self.writer.connection.execute(query).mappings()]

    def _facts(self, read: Read, page: Page) -> Row:
        return {
            "path": read.path, "page": page.number, "content": page.content, "sha256": read.sha256,
            "bytes": read.bytes, "modified_ns": read.modified_ns, "width": page.width, "height": page.height,
            "format": page.format, "depth": page.depth, "phash": page.phash, "copied": read.path != read.found.origin,
            "state": "present",
        }  # fmt: skip

    def _replace(self, row: Row, **values: Any) -> None:
        row.update(values)
        if row.get("id"):
            self.replaced[row["id"]] = row

    def _note_origin(self, read: Read) -> None:
        if read.path != read.found.origin:
            facts = {"sha256": read.sha256, "bytes": read.bytes, "modified_ns": read.modified_ns}
            self.origins.append({"path": read.found.origin, **facts})

    def _event(self, type: str, object: str, outcome: str, detail: Mapping[str, Any]) -> None:
        self.events.setdefault(type, []).append((object, outcome, detail))

    @staticmethod
    def _count(paths: list[str], read: Read) -> None:
        if not paths or paths[-1] != read.found.origin:
            paths.append(read.found.origin)


def _is_gone(path: Path) -> bool:
    """True where nothing is at a path; False also where that cannot be told."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def known_of(connection: Any, paths: Sequence[str]) -> tuple[dict[str, Row], dict[str, Row]]:
    """What is known of paths: rows of files in place, and of origins of copies, by path."""
    places: dict[str, Row] = {}
    query = select(FILES.c.path, FILES.c.sha256, FILES.c.bytes, FILES.c.modified_ns, FILES.c.state).where(
        FILES.c.path.in_(paths)
    )
    for row in connection.execute(query.order_by(FILES.c.page.desc())).mappings():
        places[row["path"]] = dict(row)
    copies = connection.execute(select(ORIGINS).where(ORIGINS.c.path.in_(paths))).mappings()
    return places, {row["path"]: dict(row) for row in copies}
