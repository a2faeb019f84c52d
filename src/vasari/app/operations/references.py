"""How jobs name files without paths: what was sent in, works, results of other jobs, files within allowed folders.

upload:SHA256/NAME a file that was sent in            job:ID/NAME   a result of a job that is done
work:NUMBER        the picture that stands for a work file:PATH     a file or folder within one of the roots

The name of an upload says which, where the same content was sent under several; without it the first by the alphabet is
meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.foundation.errors import ArchiveError, PlanError

if TYPE_CHECKING:
    from vasari.archive.store import Archive

#: Works that are asked for in one statement: SQLite takes 32,766 values.
_AT_ONCE = 10_000
UPLOADS, RESULTS = "uploads", "results"
#: What a job's results tell of themselves: names, bytes, SHA-256.
MANIFEST = "result.json"
_REFERENCE = re.compile(
    r"(?P<kind>upload|work|job|file):(?P<value>(?<=upload:)[0-9a-f]{64}(?:/[^\0/:]+)?|(?<=work:)\d{1,10}"
    r"|(?<=job:)[0-9a-f]{24}(?:/[^\0]+)?|(?<=file:)[^\0]+)",
    re.DOTALL,
)
_WEIGHTED = re.compile(r"(?P<reference>.+?)(?P<weight>:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)?", re.IGNORECASE | re.DOTALL)
#: Names of what came with the package or was saved by the one who runs it: never a path, never an address.
_NAME = re.compile(r"[\w][\w .@+-]{0,99}")


@dataclass(frozen=True)
class Reference:
    """A reference in its parts: `kind` is upload, work, job or file."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def sha256(self) -> str:
        """What an upload is by its content."""
        return self.value.partition("/")[0]


@dataclass(frozen=True)
class Found:
    """Where a reference leads, and what tells its content.

    `content` is the SHA-256 that was taken when the file was sent, added or made; of a file on the server, which nobody
    has hashed, its reference with its size and time, and so of a folder.
    """

    path: Path
    content: str


@dataclass(frozen=True)
class Places:
    """Where references lead to: an open archive, the workbench's folder, the roots that files may lie in.

    `roots` None allows any file: for workers, which are given what was allowed before.
    """

    archive: Archive
    folder: Path
    roots: Sequence[Path] | None = ()

    def path(self, reference: Reference) -> Path:
        """The file that is meant; raises `PlanError` where it is not allowed, `ArchiveError` where it is not there."""
        return self.found([reference])[0].path

    def content(self, reference: Reference) -> str:
        """What tells the content of a reference, as `Found.content`; raises as `path`."""
        return self.found([reference])[0].content

    def found(self, references: Sequence[Reference]) -> list[Found]:
        """The files that are meant, and what tells their contents, in order; raises as `path`.

        Quick for thousands: what is known of a file's content is asked for, and nothing is read through.
        """
        works = self._works([int(one.value) for one in references if one.kind == "work"])
        manifests: dict[str, dict[str, str]] = {}
        found = []
        for one in references:
            if one.kind == "work":
                found.append(works[int(one.value)])
            elif one.kind == "upload":
                found.append(Found(self._upload(one.value), one.sha256))
            elif one.kind == "job":
                found.append(self._result(one.value, manifests))
            else:
                path = self._file(one.value)
                found.append(Found(path, _as_it_stands(one, path)))
        return found

    def _upload(self, value: str) -> Path:
        sha256, _, name = value.partition("/")
        folder = self.folder / UPLOADS / sha256
        found = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        if not found or (name and name not in found):
            said = f" as {name[:80]}" if found else ""
            raise ArchiveError(f"Nothing with the hash {sha256[:12]}… was sent in{said}.", remedy="send the file again")
        return found[name or min(found)]

    def _works(self, numbers: Sequence[int]) -> dict[int, Found]:
        """The pictures that stand for works, and the SHA-256 that they were added with."""
        from sqlalchemy import select

        from vasari.archive.feature_tables import pictures
        from vasari.archive.schema import FILES

        wanted = sorted(set(numbers))
        found: dict[int, Found] = {}
        if wanted:
            chosen = pictures()
            query = select(chosen.c.work_id, FILES.c.path, FILES.c.sha256)
            query = query.join(chosen, chosen.c.file_id == FILES.c.id)
            with self.archive.reading() as connection:
                for begin in range(0, len(wanted), _AT_ONCE):
                    some = query.where(chosen.c.work_id.in_(wanted[begin : begin + _AT_ONCE]))
                    for number, path, sha256 in connection.execute(some):
                        found[number] = Found(self.archive.folder / path, sha256)
        for number in wanted:
            if number not in found:
                raise ArchiveError(f"There is no work {number} with a picture.", remedy="choose another work")
        return found

    def _result(self, value: str, manifests: dict[str, dict[str, str]]) -> Found:
        """A result, or the folder of all of them; `manifests` keeps what is known of the jobs that were met."""
        id, _, name = value.partition("/")
        folder = self.folder / RESULTS / id
        path = _within(folder, name, f"job:{value}")
        if id not in manifests:
            manifests[id] = _manifest(folder)
        sha256 = manifests[id].get(path.relative_to(folder.resolve()).as_posix())
        return Found(path, sha256 or _as_it_stands(Reference("job", value), path))

    def _file(self, value: str) -> Path:
        path = Path(value)
        if not path.is_absolute() and self.roots is not None:
            raise PlanError(f"{value} is no whole path.", remedy="write file:/FOLDER/NAME")
        resolved = path.resolve()
        if self.roots is not None and not any(resolved.is_relative_to(root.resolve()) for root in self.roots):
            raise PlanError(
                f"{value} lies outside the folders that may be read.", remedy="send the file, or ask for its folder"
            )
        if not resolved.exists():
            raise ArchiveError(f"There is no file {value}.", remedy="check the name")
        return resolved


def parse(text: str) -> Reference | None:
    """The reference that a text is; None for a text that is none."""
    found = _REFERENCE.fullmatch(text)
    return None if found is None else Reference(found["kind"], found["value"])


def referred(text: str, where: str) -> Reference:
    """As `parse`; raises `PlanError` for a text that is no reference, and for a path that leads out."""
    reference = parse(text)
    if reference is None:
        raise PlanError(
            f"{where}: {text[:80]!r} names no file.",
            remedy="write upload:SHA256/NAME, work:NUMBER, job:ID/NAME or file:/PATH",
        )
    return reference


def weighted(text: str) -> tuple[Reference | None, str, str]:
    """REFERENCE[:WEIGHT] or NAME[:WEIGHT] -> the reference, if it is one, the text before the weight, and ":WEIGHT"."""
    whole = parse(text)
    if whole is not None and whole.kind != "file" and whole.kind != "job":
        return whole, text, ""
    found = _WEIGHTED.fullmatch(text)
    if found is None:
        return whole, text, ""
    return parse(found["reference"]), found["reference"], found["weight"] or ""


def named(text: str, where: str) -> str:
    """A name of something that is known; raises `PlanError` for what may be a path or an address."""
    if _NAME.fullmatch(text) is None:
        raise PlanError(f"{where}: {text[:80]!r} is no name.", remedy="use the name of something that Vasari knows")
    return text


def _as_it_stands(reference: Reference, path: Path) -> str:
    """What tells of a file that may have changed since it was asked for last, without reading it."""
    facts = path.stat()
    return f"{reference} {facts.st_size} {facts.st_mtime_ns}"


def _manifest(folder: Path) -> dict[str, str]:
    """The SHA-256 of a job's results by their names; empty where it tells nothing, such as of a job in the making."""
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
    except FileNotFoundError:
        return {}
    return {one["name"]: one["sha256"] for one in files}


def _within(folder: Path, name: str, said: str) -> Path:
    """A file or folder in `folder`; raises `PlanError` for one outside, `ArchiveError` for none."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise PlanError(f"{said} leads elsewhere.", remedy="name a result as the job lists it")
    if not path.exists():
        raise ArchiveError(f"There is no result {said}.", remedy="see the job's results")
    return path
