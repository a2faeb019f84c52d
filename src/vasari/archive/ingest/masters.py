"""Masters kept in the archive: content-addressed copies, `masters/ab/cd/HASH.tif`."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import WriteError
from vasari.foundation.image_formats import FORMATS
from vasari.foundation.ledgers import publish

MASTERS = "masters"


def place_of(sha256: str, format: str, name: str) -> str:
    """Where a master of this hash belongs, relative to the archive; the file's own ending if it fits its format."""
    suffix = Path(name).suffix.lower()
    endings = FORMATS[format].suffixes
    return f"{MASTERS}/{sha256[:2]}/{sha256[2:4]}/{sha256}{suffix if suffix in endings else endings[0]}"


def keep_copy(source: Path, sha256: str, target: Path, work: Path) -> None:
    """Copy a master to `target`, by way of the folder `work` of the same file system; a sound copy is left alone.

    What was written is read again and must have the hash before it is visible. Raises `WriteError`, also where
    `source` is no longer what it was.
    """
    if target.is_file() and _hash(target) == sha256:
        return
    staged = work / f"{sha256}.{os.getpid()}"
    try:
        with source.open("rb") as given, staged.open("wb") as copy:
            shutil.copyfileobj(given, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        if _hash(staged) != sha256:
            raise WriteError(f"The copy of {source} is not what was read.", remedy="check the disks; run it again")
        staged.chmod(0o444)
        new = [folder for folder in (target.parent, target.parent.parent) if not folder.exists()]
        publish(staged, target)
        for folder in new:
            sync_folder(folder.parent)
    except OSError as error:
        raise WriteError(
            f"{source} could not be copied into the archive: {error.strerror or error}.",
            remedy="free some space; run it again",
        ) from error
    finally:
        staged.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
