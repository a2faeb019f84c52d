"""The cache of decoded pictures: one flat file of pixels that is memory-mapped, and an index beside it.

    FOLDER/KEY.pixels    uint8 samples of all pictures, one after the other, [rows, columns, 3] each
    FOLDER/KEY.json      where each begins, its shape, and what was found out about it; written last

KEY is a hash of the files (place, size, time of change) and of the options that decoding depends on.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import VasariError, WriteError
from vasari.foundation.folder_locks import held
from vasari.tasks.data.decoding import Decoded, decode
from vasari.tasks.data.entries import Entry
from vasari.tasks.data.plan import PicturesPlan

VERSION = 1  # of the files' layout and of decoding: a change of either makes old caches unread
DECODED_AT_ONCE = 64
SECONDS_BETWEEN_WORDS = 10.0
SECONDS_BETWEEN_LOOKS = 0.3
SECONDS_UNTIL_LEFT = 24 * 3600.0


@dataclass(frozen=True)
class Kept:
    """A picture in the cache: which entry it is of, where its samples begin, what was found out about it."""

    entry: int
    offset: int
    rows: int
    columns: int
    width: int
    height: int
    is_grey: bool
    sha256: str


@dataclass(frozen=True)
class Cached:
    """A cache that is whole: the file of pixels, the pictures in it, and the entries that could not be decoded."""

    pixels: Path
    kept: tuple[Kept, ...]
    broken: tuple[tuple[int, str], ...]

    @property
    def size(self) -> int:
        """Bytes of the file of pixels."""
        return sum(one.rows * one.columns * 3 for one in self.kept)


class _TakenError(VasariError):
    """Another process is decoding the same pictures."""


def cached(entries: Sequence[Entry], plan: PicturesPlan) -> Cached:
    """The entries decoded, from the cache where they are in it; raises `WriteError` where there is no room.

    Where another process is decoding the same, it is waited for. Where the user's cache folder cannot be
    written to, and none was named, a temporary folder serves, which is deleted when this process ends.
    """
    key = _key(entries, plan)
    folder = _folder(plan)
    while True:
        found = _read(folder, key)
        if found is not None:
            return found
        try:
            with _sole_builder(folder, key):
                return _read(folder, key) or _build(entries, plan, folder, key)
        except _TakenError:
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _key(entries: Sequence[Entry], plan: PicturesPlan) -> str:
    facts = [VERSION, plan.kept_px, plan.color, plan.correction, [(one.name, one.stamp) for one in entries]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _folder(plan: PicturesPlan) -> Path:
    """The folder of the cache, made and tried."""
    if plan.cache:
        folder = Path(plan.cache).expanduser()
        try:
            _try_to_write(folder)
        except OSError as error:
            raise WriteError(
                f"The cache folder {folder} cannot be written to: {error.strerror or error}.",
                remedy="name another one with the option cache, or none for the user's own",
            ) from error
        return folder
    folder = user_folder()
    try:
        _try_to_write(folder)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="vasari-pictures-"))
        atexit.register(_remove, folder, os.getpid())
    return folder


def user_folder() -> Path:
    """The folder for caches where a plan names none: ~/.cache/vasari/pictures, below XDG_CACHE_HOME where set."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "vasari" / "pictures"


def _try_to_write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".probe.{secrets.token_hex(4)}.part"
    probe.touch()
    probe.unlink()


def _remove(folder: Path, owner: int) -> None:
    """Delete a temporary cache, in the process that made it and not in one forked from it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _sole_builder(folder: Path, key: str) -> Iterator[None]:
    """Keep others from decoding the same; raises `_TakenError` where another process is at it.

    The lock is deleted after use. Should two processes slip past it, each writes files of its own, and the
    last to be renamed stay.
    """
    lock = folder / f".{key}.lock"
    taken = _TakenError("Another process decodes the same pictures.", remedy="wait for it")
    with held(lock, taken=taken, unusable=WriteError, called=f"The cache folder {folder}"):
        try:
            _remove_leftovers(folder)
            yield
        finally:
            lock.unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    """Delete what killed processes left half-written: those at work write every few seconds."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > SECONDS_UNTIL_LEFT:
                part.unlink()


def _read(folder: Path, key: str) -> Cached | None:
    """The cache of a key, or None where it is missing, of another size than its index says, or unreadable."""
    pixels, index = folder / f"{key}.pixels", folder / f"{key}.json"
    try:
        facts = json.loads(index.read_text(encoding="utf-8"))
        kept = tuple(Kept(*row) for row in facts["kept"])
        broken = tuple((int(entry), str(reason)) for entry, reason in facts["broken"])
        found = Cached(pixels, kept, broken)
        return found if pixels.stat().st_size == found.size else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _build(entries: Sequence[Entry], plan: PicturesPlan, folder: Path, key: str) -> Cached:
    """Decode every entry into new files; nothing is left of them where that fails."""
    pixels = folder / f"{key}.pixels"
    part = folder / f".{key}.{secrets.token_hex(4)}.part"
    kept: list[Kept] = []
    broken: list[tuple[int, str]] = []
    try:
        with part.open("xb") as file, contextlib.closing(_decoded(entries, plan)) as results:
            for number, result in enumerate(results):
                if isinstance(result, str):
                    broken.append((number, result))
                else:
                    kept.append(_append(file, number, result))
            file.flush()
            os.fsync(file.fileno())
        part.replace(pixels)
        facts = {"kept": [list(asdict(one).values()) for one in kept], "broken": broken}
        write_whole(folder / f"{key}.json", json.dumps(facts).encode())
        return Cached(pixels, tuple(kept), tuple(broken))
    except (OSError, WriteError) as error:
        for path in (part, pixels):
            path.unlink(missing_ok=True)  # before the free space is told
        raise _no_room(folder, kept, len(broken), len(entries), error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _append(file: BinaryIO, number: int, picture: Decoded) -> Kept:
    samples = picture.pixels.tobytes()
    rows, columns, _ = picture.pixels.shape
    digest = hashlib.sha256(f"{rows} {columns} ".encode() + samples).hexdigest()
    offset = file.tell()
    file.write(samples)
    return Kept(number, offset, rows, columns, picture.width, picture.height, picture.is_grey, digest)


def _decoded(entries: Sequence[Entry], plan: PicturesPlan) -> Generator[Decoded | str, None, None]:
    """Each entry decoded, or the reason why it cannot be, in order; few are in memory at a time."""
    say = _progress(len(entries))
    with warnings.catch_warnings(), ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        # Decoders warn of odd metadata and of large pictures; what matters of it is in the report.
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        for first in range(0, len(entries), DECODED_AT_ONCE):
            yield from pool.map(lambda one: _decoded_entry(one, plan), entries[first : first + DECODED_AT_ONCE])
            say(min(len(entries), first + DECODED_AT_ONCE))


def _decoded_entry(entry: Entry, plan: PicturesPlan) -> Decoded | str:
    try:
        return decode(entry.read(), plan.kept_px, plan.color, plan.correction)
    except Exception as error:  # decoders raise nearly anything at a damaged file; it is named and passed over
        return _reason(error)


def _reason(error: Exception) -> str:
    if isinstance(error, WriteError):
        return error.message.rstrip(".")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, Image.UnidentifiedImageError):
        return "no picture of a known format"
    return str(error) or type(error).__name__


def _progress(total: int) -> Callable[[int], None]:
    """Says on stderr how far decoding is, every ten seconds."""
    said = time.monotonic()

    def say(done: int) -> None:
        nonlocal said
        if time.monotonic() - said >= SECONDS_BETWEEN_WORDS:
            said = time.monotonic()
            print(f"Decoding pictures: {done} of {total}.", file=sys.stderr, flush=True)

    return say


def _no_room(folder: Path, kept: Sequence[Kept], broken: int, total: int, error: Exception) -> WriteError:
    """The error of a disk that is full, with an estimate of what all pictures need."""
    written = sum(one.rows * one.columns * 3 for one in kept)
    done = len(kept) + broken
    about = f"about {written * total / done / 1e6:.1f} MB" if written else "more"
    with contextlib.suppress(OSError):
        about += f", and {shutil.disk_usage(folder).free / 1e6:.1f} MB are free"
    return WriteError(
        f"The decoded pictures could not be kept in {folder}: {_reason(error)}. All {total} need {about}.",
        remedy="free some space, name a folder on another disk with the option cache, or use a smaller stored_px",
    )
