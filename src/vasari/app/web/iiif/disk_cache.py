"""Files that can be made again, kept in a folder of bounded size: those not asked for the longest go first."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
import time
from collections import OrderedDict
from pathlib import Path

_DIGEST_BYTES = 16
#: A file that nobody has written to for so long was left by a process that was killed.
_LEFT_SECONDS = 3600


class DiskCache:
    """A folder with at most `most_bytes` of files, by names of letters, digits and "-", ".", "_".

    Several threads, and several processes, may use one folder: each counts what it sees, and a file that another
    took away is simply not there. Nothing here is ever the truth, so what cannot be written is not kept.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._sizes: OrderedDict[str, int] | None = None
        self._total = 0
        self._lock = threading.Lock()

    @property
    def total_bytes(self) -> int:
        """The bytes of all files that are kept."""
        with self._lock:
            self._known()
            return self._total

    def path(self, name: str) -> Path | None:
        """Where the file of this name lies, None where it is not kept; it counts as asked for now."""
        path = self._place(name)
        try:
            os.utime(path)  # so that another process, or this one started anew, knows what was asked for last
        except OSError:
            return None
        with self._lock:
            known = self._known()
            if name not in known:  # another process made it
                with contextlib.suppress(OSError):
                    known[name] = path.stat().st_size
                    self._total += known[name]
            else:
                known.move_to_end(name)
        return path

    def holds(self, name: str) -> bool:
        """Whether a file of this name is kept; it does not count as asked for."""
        return self._place(name).is_file()

    def recount(self) -> None:
        """Look into the folder anew, for what other processes made or took away; others may go on meanwhile."""
        found = self._read()
        with self._lock:
            self._sizes, self._total = found, sum(found.values())

    def read(self, name: str) -> bytes | None:
        """What `write` kept under a name; None where it is not there, or not whole."""
        path = self.path(name)
        if path is None:
            return None
        try:
            data = path.read_bytes()
        except OSError:
            return None
        digest, body = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        return body if digest == _digest(body) else None

    def write(self, name: str, data: bytes) -> None:
        """Keep bytes under a name, with a digest before them: a disk that lost power half way is found out."""
        part = self.part(name)
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(_digest(data) + data)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            return
        self.take(name, part)

    def part(self, name: str) -> Path:
        """A place beside the file of a name at which to write it before `take`; its folder may have to be made."""
        place = self._place(name)
        return place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")

    def take(self, name: str, part: Path) -> Path | None:
        """Keep a whole file, by renaming it, and let others go to make room; None where that is not possible."""
        place = self._place(name)
        try:
            size = part.stat().st_size
            place.parent.mkdir(parents=True, exist_ok=True)
            part.replace(place)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            return None
        with self._lock:
            known = self._known()
            self._total += size - known.pop(name, 0)
            known[name] = size
            while self._total > self.most_bytes and len(known) > 1:
                oldest, freed = known.popitem(last=False)
                self._total -= freed
                with contextlib.suppress(OSError):
                    self._place(oldest).unlink()
        return place

    def _place(self, name: str) -> Path:
        return self.folder / name[:2] / name

    def _known(self) -> OrderedDict[str, int]:
        """The names and sizes of what is kept, the oldest first; read from the folder once."""
        if self._sizes is None:
            self._sizes = self._read()
            self._total = sum(self._sizes.values())
        return self._sizes

    def _read(self) -> OrderedDict[str, int]:
        found = []
        for path in self.folder.glob("*/*"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                if not path.name.startswith("."):
                    found.append((stat.st_mtime_ns, path.name, stat.st_size))
                elif stat.st_mtime < time.time() - _LEFT_SECONDS:
                    path.unlink()
        return OrderedDict((name, size) for _, name, size in sorted(found))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
