"""Where an export goes: a file or a folder that is visible only when it is whole."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from vasari.foundation.atomic_files import sync_folder
from vasari.foundation.errors import PlanError, WriteError


def check_target(target: Path, *, overwrite: bool, sign: str = "") -> None:
    """Raise `PlanError` for a target that exists and may not be written over.

    With `sign`, a file that every such export holds, the target is a folder: one without it is of another sort, and
    is never replaced, since all that is in it would be lost.
    """
    if not target.exists():
        return
    if not overwrite:
        raise PlanError(f"{target} exists already.", remedy="choose another name, or add --overwrite")
    if target.is_dir() != bool(sign):
        raise PlanError(f"{target} is {'a folder' if target.is_dir() else 'a file'}.", remedy="choose another name")
    if sign and any(target.iterdir()) and not (target / sign).is_file():
        raise PlanError(f"{target} holds something else than such an export.", remedy="choose another name")


@contextmanager
def whole_file(target: Path, *, overwrite: bool = False) -> Iterator[TextIO]:
    """A text file (UTF-8, line ends as written) that takes its name at the end, or leaves nothing."""
    check_target(target, overwrite=overwrite)
    part = _part(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("x", encoding="utf-8", errors="replace", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise _told(target, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path, sign: str, *, overwrite: bool = False) -> Iterator[Path]:
    """A folder that takes its name at the end, or leaves nothing; one that was there before goes only then.

    `sign` as for `check_target`.
    """
    check_target(target, overwrite=overwrite, sign=sign)
    part, before = _part(target), _part(target)
    try:
        part.mkdir(parents=True)
        yield part
        if target.exists():
            target.rename(before)
        part.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        if before.exists() and not target.exists():
            before.rename(target)
        raise _told(target, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if target.exists():
            shutil.rmtree(before, ignore_errors=True)


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")


def _told(target: Path, error: OSError) -> WriteError:
    return WriteError(
        f"{target} could not be written: {error.strerror or error}.",
        remedy="free some space, or choose a folder that you may write to",
    )
