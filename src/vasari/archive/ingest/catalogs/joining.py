"""Which pictures of an archive a catalog's rows mean: by path, by name, by hash."""

from __future__ import annotations

import urllib.parse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, select

from vasari.archive.ingest.catalogs.mapping import CatalogMapping
from vasari.archive.schema import FILES, ORIGINS, WORKS


class AmbiguousName(Exception):
    """A name that says of several pictures; the caller tells of the row."""


@dataclass
class Pictures:
    """The works of an archive by the places of their pictures; `folder` is where the catalog file is."""

    folder: Path
    by_name: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    by_hash: dict[str, int] = field(default_factory=dict)
    made: set[int] = field(default_factory=set)  # by Vasari
    loose: set[int] = field(default_factory=set)  # works that no catalog has a key for
    moved: dict[int, int] = field(default_factory=dict)  # works whose pictures another one took over

    @classmethod
    def of(cls, connection: Connection, mapping: CatalogMapping, folder: Path) -> Pictures:
        """First pages alone; nothing is read for a mapping that names no pictures."""
        pictures = cls(folder.resolve())
        if not mapping.file and not mapping.sha256:
            return pictures
        query = select(FILES.c.path, FILES.c.sha256, FILES.c.work_id, WORKS.c.key, WORKS.c.derived)
        query = query.join(WORKS, WORKS.c.id == FILES.c.work_id).where(FILES.c.page == 0)
        for path, sha256, work, key, derived in connection.execute(query):
            pictures.by_hash[sha256] = work
            if derived:
                pictures.made.add(work)
            elif key.startswith("file:"):
                pictures.loose.add(work)
            if mapping.file:
                pictures.place(path, work)
        if mapping.file:
            for path, sha256 in connection.execute(select(ORIGINS.c.path, ORIGINS.c.sha256)):
                if sha256 in pictures.by_hash:
                    pictures.place(path, pictures.by_hash[sha256])
        return pictures

    def place(self, path: str, work: int) -> None:
        """Note where a picture of a work is, by its name with and without ending."""
        name = path.rpartition("/")[2]
        self.by_name[name].append((path, work))
        stem = name.rpartition(".")[0]
        if stem and stem != name:
            self.by_name[stem].append((path, work))

    def works(self, files: Sequence[str], hashes: Sequence[str]) -> list[int]:
        """The works that a row means; often none, or one. Raises `AmbiguousName` for a name that several have."""
        found = [self.by_hash[digest.strip().lower()] for digest in hashes if digest.strip().lower() in self.by_hash]
        for text in files:
            named = list(dict.fromkeys(self._named(text)))
            # A picture that Vasari made is meant only where no other is called so.
            named = [work for work in named if work not in self.made] or named
            if len(named) > 1:
                raise AmbiguousName(f"{text!r} is the name of {len(named)} different pictures")
            found += named
        return list(dict.fromkeys(self.moved.get(work, work) for work in found))

    def _named(self, text: str) -> list[int]:
        """Works whose picture is at this path, from the catalog or the root; else ends so, or is called so."""
        plain = text.strip().replace("\\", "/")
        if "://" in plain:
            fetched = [work for path, work in self.by_name.get(plain.rpartition("/")[2], []) if path == plain]
            if fetched or plain.rpartition("/")[2].startswith(
                "default."
            ):  # so every picture of a IIIF server is called
                return fetched
            plain = PurePosixPath(urllib.parse.unquote(urllib.parse.urlsplit(plain).path)).name
        if not plain:
            return []
        candidates = self.by_name.get(plain.rpartition("/")[2], [])
        exact = {str(self.folder / plain), plain}
        here = [work for path, work in candidates if path in exact]
        if here:
            return here
        plain = plain.lstrip("./")
        if "/" not in plain:
            return [work for _, work in candidates]
        return [work for path, work in candidates if path.endswith("/" + plain) or _stem(path).endswith("/" + plain)]


def _stem(path: str) -> str:
    return path.rpartition(".")[0]
