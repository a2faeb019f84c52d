"""Files that are visible only when whole: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from vasari.foundation.errors import WriteError


def write_whole(path: Path, data: bytes) -> Path:
    """Write `data` to `path` whole or not at all; the folder is made; raises `WriteError`.

    The temporary file lies beside the target (`.NAME.*.part`), so that the rename never crosses a file
    system; on an error nothing is left.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise WriteError(
            f"{path} could not be written: {error.strerror or error}.",
            remedy="free some space, or choose a folder that you may write to",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable where the system can (POSIX); elsewhere do nothing."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that a killed process left in `folder`."""
    for part in folder.glob(".*.part"):
        part.unlink(missing_ok=True)
