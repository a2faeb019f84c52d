"""A look at a file that somebody sent in, in a process with limits: is it a picture or a film, whole, not too large.

python -m vasari.app.examining FILE --pixels N --bytes N --memory N --seconds N [--unpack FOLDER]

prints one line of JSON: {"files": [...], "left_out": [...]} or {"error": {"what", "remedy"}}. A zip archive is unpacked
into FOLDER, flat: each picture in it becomes a file of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from vasari.foundation.errors import PictureError, PictureTooLargeError, PlanError, VasariError
from vasari.foundation.image_formats import SUFFIXES, Limits
from vasari.foundation.video_formats import FILM_SUFFIXES

ZIP_SUFFIX = ".zip"
PICTURE, FILM = "picture", "film"
ROWS_AT_A_TIME = 64
#: What helps who sends a file that is too large: the options of the commands are not theirs.
TOO_LARGE = "send it smaller, in parts or as TIFF, or have the limit raised: vasari serve --largest-upload-pixels"
#: Limits of zip archives: files in one, and how much larger what comes out may be.
MOST_IN_A_ZIP, LARGEST_RATIO = 5_000, 200
_BLOCK = 1 << 20
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Ration:
    """What a file may have, and the process that looks at it: pixels, bytes, memory in bytes, seconds."""

    pixels: int
    bytes: int
    memory: int = 6 << 30
    seconds: int = 600


@dataclass(frozen=True)
class Seen:
    """What a file is: its path, the name it was given, picture or film, format, size in pixels, pages or frames."""

    path: str
    name: str
    kind: str
    format: str
    width: int
    height: int
    pages: int


@dataclass
class Look:
    """What came of a look: the files, and what of a zip archive was left out, with the reason."""

    files: list[Seen] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)


def examine(path: Path, name: str, ration: Ration, unpack: Path) -> Look:
    """Look at a file in a process with the limits of `ration`; a zip archive is unpacked into the folder `unpack`.

    Raises `PictureError` for what is no sound picture, film or zip archive of such, `PictureTooLargeError` beyond the
    limits.
    """
    command = [
        sys.executable, "-m", "vasari.app.examining", str(path), f"--name={name}", "--pixels", str(ration.pixels),
        "--bytes", str(ration.bytes), "--memory", str(ration.memory), "--seconds", str(ration.seconds),
        "--unpack", str(unpack),
    ]  # fmt: skip
    too_much = PictureTooLargeError(
        f"To look at {name} took more memory or time than is given to a file that is sent in.",
        remedy="send a smaller file, or one in TIFF",
    )
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ration.seconds)
        said: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise too_much from None
    if "error" in said:
        kind = PictureTooLargeError if said["error"]["large"] else PictureError
        raise kind(said["error"]["what"], remedy=said["error"]["remedy"])
    return Look([Seen(**one) for one in said["files"]], said["left_out"])


def look(path: Path, name: str, limits: Limits, bytes: int, unpack: Path) -> Look:
    """As `examine`, in this process."""
    if zipfile.is_zipfile(path) and PurePosixPath(name).suffix.lower() == ZIP_SUFFIX:
        return _unpacked(path, limits, bytes, unpack)
    return Look([seen(path, name, limits)])


def seen(path: Path, name: str, limits: Limits) -> Seen:
    """What a file is, every pixel of its first page decoded; raises `PictureError`, `PictureTooLargeError`."""
    try:
        is_film = PurePosixPath(name).suffix.lower() in FILM_SUFFIXES
        return _film(path, name, limits) if is_film else _picture(path, name, limits)
    except PictureTooLargeError as error:
        raise PictureTooLargeError(error.message, remedy=TOO_LARGE) from error


def _picture(path: Path, name: str, limits: Limits) -> Seen:
    from vasari.foundation import row_reader

    with row_reader.open_rows(path, limits=limits) as reader:
        header = reader.header
        for top in range(0, header.height, ROWS_AT_A_TIME):
            reader.read(top, min(header.height, top + ROWS_AT_A_TIME))
    for page in range(1, header.pages):
        row_reader.inspect(path, page, limits)
    return Seen(str(path), name, PICTURE, header.format, header.width, header.height, header.pages)


def _film(path: Path, name: str, limits: Limits) -> Seen:
    from vasari.foundation.video_reader import FilmReader

    with FilmReader(path, limits) as reader:
        frames = sum(1 for _ in islice(reader.frames(), 2))
        header = reader.header
    if header.kind == "gif" and frames == 1:
        raise PictureError(
            f"{name} is a GIF of a single picture, which Vasari reads as a film alone.", remedy="save it as PNG"
        )
    return Seen(str(path), name, FILM, header.kind, header.width, header.height, 1)


def _unpacked(path: Path, limits: Limits, bytes: int, folder: Path) -> Look:
    """The pictures and films of a zip archive as files, named by number; raises `PictureError` for a dangerous one."""
    found = Look()
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            _check(members, path.stat().st_size, bytes)
            left = bytes
            for number, member in enumerate(members):
                name = PurePosixPath(member.filename).name
                suffix = PurePosixPath(name).suffix.lower()
                if name.startswith(".") or suffix not in {*SUFFIXES, *FILM_SUFFIXES}:
                    found.left_out.append({"name": member.filename, "why": "It is no picture and no film."})
                    continue
                target = folder / f"{number}{suffix}"
                left -= _extracted(archive, member, target, left)
                try:
                    found.files.append(seen(target, name, limits))
                except VasariError as error:
                    target.unlink()
                    found.left_out.append({"name": member.filename, "why": error.message.replace(str(target), name)})
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError) as error:
        raise PictureError(f"The zip archive is damaged: {error}.", remedy="pack it again") from None
    if not found.files:
        raise PictureError("There is no sound picture in the zip archive.", remedy="pack pictures or films")
    return found


def _check(members: list[zipfile.ZipInfo], packed: int, bytes: int) -> None:
    """Refuse an archive that would write elsewhere, or unfold to far more than it is."""
    if len(members) > MOST_IN_A_ZIP:
        raise PictureTooLargeError(
            f"The zip archive has {len(members)} files, more than {MOST_IN_A_ZIP}.", remedy="send several"
        )
    for one in members:
        parts = PurePosixPath(one.filename.replace("\\", "/")).parts
        if not parts or ".." in parts or parts[0].startswith("/") or parts[0].endswith(":"):
            raise PictureError(f"The zip archive would write outside: {one.filename}.", remedy="pack it again")
        if one.flag_bits & _ENCRYPTED:
            raise PictureError("The zip archive is encrypted.", remedy="send it without a password")
    unfolded = sum(one.file_size for one in members)
    if unfolded > bytes or unfolded > max(packed, _BLOCK) * LARGEST_RATIO:
        raise PictureTooLargeError(
            f"The zip archive unfolds from {packed} to {unfolded} bytes.", remedy="send the pictures as they are"
        )


def _extracted(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int) -> int:
    """Write a member; the bytes that came out, whatever it said of itself."""
    written = 0
    with archive.open(member) as source, target.open("xb") as file:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > min(most, member.file_size):
                raise PictureTooLargeError("The zip archive holds more than it says.", remedy="pack it again")
            file.write(block)
    return written


def _limit(ration: Ration) -> None:
    """Let this process have no more than its ration."""
    limits: Iterator[tuple[int, int]] = iter((
        (resource.RLIMIT_AS, ration.memory), (resource.RLIMIT_CPU, ration.seconds),
        (resource.RLIMIT_FSIZE, ration.bytes), (resource.RLIMIT_CORE, 0),
    ))  # fmt: skip
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))


def main(arguments: Sequence[str] | None = None) -> int:
    """The entry of the process."""
    parser = argparse.ArgumentParser(prog="python -m vasari.app.examining")
    parser.add_argument("file", type=Path)
    for name in ("pixels", "bytes", "memory", "seconds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--unpack", type=Path, required=True)
    given = parser.parse_args(arguments)
    _limit(Ration(given.pixels, given.bytes, given.memory, given.seconds))
    limits = Limits(max_pixels=given.pixels)
    try:
        said: dict[str, Any] = asdict(look(given.file, given.name, limits, given.bytes, given.unpack))
    except (PictureError, PlanError) as error:
        what, remedy = (text.replace(str(given.file), given.name) for text in (error.message, error.remedy))
        said = {"error": {"what": what, "remedy": remedy, "large": isinstance(error, PictureTooLargeError)}}
    except VasariError as error:
        said = {"error": {"what": error.message, "remedy": error.remedy, "large": False}}
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
