"""How jobs name files without paths: what was sent in, works, results of other jobs, files within allowed folders.

upload:SHA256     a file that was sent in            job:ID/NAME   a result of a job that is done
work:NUMBER       the picture that stands for a work file:PATH     a file or folder within one of the roots
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.foundation.errors import ArchiveError, PlanError

if TYPE_CHECKING:
    from vasari.archive.store import Archive

UPLOADS, RESULTS = "uploads", "results"
_REFERENCE = re.compile(
    r"(?P<kind>upload|work|job|file):(?P<value>(?<=upload:)[0-9a-f]{64}|(?<=work:)\d{1,10}"
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
        found = {"upload": self._upload, "work": self._work, "job": self._result, "file": self._file}
        return found[reference.kind](reference.value)

    def content(self, reference: Reference) -> str:
        """What tells the content of a reference: a SHA-256, or for a folder the reference with its time."""
        if reference.kind == "upload":
            return reference.value
        path = self.path(reference)
        if path.is_dir():
            return f"{reference} {path.stat().st_mtime_ns}"
        from vasari.archive.fixity import hash_of_file

        return hash_of_file(path)

    def _upload(self, sha256: str) -> Path:
        folder = self.folder / UPLOADS / sha256
        found = list(folder.iterdir()) if folder.is_dir() else []
        if len(found) != 1:
            raise ArchiveError(f"Nothing with the hash {sha256[:12]}… was sent in.", remedy="send the file again")
        return found[0]

    def _work(self, number: str) -> Path:
        from sqlalchemy import select

        from vasari.archive.feature_tables import pictures
        from vasari.archive.schema import FILES

        chosen = pictures()
        query = select(FILES.c.path).join(chosen, chosen.c.file_id == FILES.c.id)
        with self.archive.reading() as connection:
            path = connection.execute(query.where(chosen.c.work_id == int(number))).scalar()
        if path is None:
            raise ArchiveError(f"There is no work {number} with a picture.", remedy="choose another work")
        return self.archive.folder / path

    def _result(self, value: str) -> Path:
        id, _, name = value.partition("/")
        return _within(self.folder / RESULTS / id, name, f"job:{value}")

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
            remedy="write upload:SHA256, work:NUMBER, job:ID/NAME or file:/PATH",
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


def _within(folder: Path, name: str, said: str) -> Path:
    """A file or folder in `folder`; raises `PlanError` for one outside, `ArchiveError` for none."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise PlanError(f"{said} leads elsewhere.", remedy="name a result as the job lists it")
    if not path.exists():
        raise ArchiveError(f"There is no result {said}.", remedy="see the job's results")
    return path
