"""Features of pictures by content hash, one file for each network and way of showing pictures to it.

KEY.features holds records of one size: SHA-256 of the picture's file (32 bytes), its width and height (uint32), the
features (float32), and a CRC-32 of all that. Records are appended under a lock; what a killed process left half
written is cut off by the next, and a damaged record is measured anew.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from pathlib import Path

import numpy as np

from vasari.foundation.errors import WriteError

HEAD_BYTES, SUM_BYTES = 40, 4
RECORDS_AT_ONCE = 1024


class FeatureCache:
    """A table from content hash (bytes) to size and features; a context, at whose end what is new is written."""

    def __init__(self, folder: Path, key: str, width: int) -> None:
        self.path = folder / f"{key}.features"
        self.record = HEAD_BYTES + 4 * width + SUM_BYTES
        self.places: dict[bytes, int] = {}
        self.fresh: dict[bytes, bytes] = {}

    def __enter__(self) -> FeatureCache:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("a+b")
        except OSError as error:
            raise _unusable(self.path, error) from error
        self._index()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.flush()
        finally:
            self.file.close()

    def get(self, digest: bytes) -> tuple[int, int, np.ndarray] | None:
        """Width and height in pixels and the features [d] of a picture, or None."""
        data = self.fresh.get(digest)
        if data is None and digest in self.places:
            data = os.pread(self.file.fileno(), self.record, self.places[digest])
        if data is None:
            return None
        width, height = np.frombuffer(data[32:HEAD_BYTES], "<u4").tolist()
        return width, height, np.frombuffer(data[HEAD_BYTES:-SUM_BYTES], "<f4")

    def put(self, digest: bytes, width: int, height: int, features: np.ndarray) -> None:
        """Note the features of a picture; they are written by the thousand, and at the end."""
        body = digest + np.array([width, height], "<u4").tobytes() + features.astype("<f4").tobytes()
        self.fresh[digest] = body + zlib.crc32(body).to_bytes(SUM_BYTES, "little")
        if len(self.fresh) >= RECORDS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Append what is new; raises `WriteError`."""
        if not self.fresh:
            return
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX)
            end = os.fstat(self.file.fileno()).st_size // self.record * self.record
            self.file.truncate(end)
            self.file.write(b"".join(self.fresh.values()))
            self.file.flush()
            self.places |= {one: end + number * self.record for number, one in enumerate(self.fresh)}
            self.fresh = {}
            fcntl.flock(self.file, fcntl.LOCK_UN)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _index(self) -> None:
        """Find the whole records."""
        self.file.seek(0)
        place = 0
        while len(data := self.file.read(self.record)) == self.record:
            if zlib.crc32(data[:-SUM_BYTES]) == int.from_bytes(data[-SUM_BYTES:], "little"):
                self.places[data[:32]] = place
            place += self.record


def user_folder() -> Path:
    """The folder for features where none is named: ~/.cache/vasari/features, below XDG_CACHE_HOME where set."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "vasari" / "features"


def _unusable(path: Path, error: OSError) -> WriteError:
    return WriteError(
        f"The features in {path} cannot be kept: {error.strerror or error}.",
        remedy="name another folder with --cache",
    )
