"""Which picture files Vasari opens: the table of formats, the limits, and what a file's header says."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vasari.foundation.errors import PictureError, PictureTooLargeError
from vasari.foundation.picture import Metadata

MILLION = 1_000_000
#: A picture of fewer pixels than this is never taken for a decompression bomb.
HARMLESS_PIXELS = 20 * MILLION


@dataclass(frozen=True)
class Format:
    """One file format: how it is recognized by content, and what it can carry.

    `starts` are (offset, bytes) pairs of which one must match. `written_as` names the format of
    results when a source of this format is kept in kind.
    """

    name: str
    suffixes: tuple[str, ...]
    starts: tuple[tuple[int, bytes], ...]
    depths: tuple[int, ...]
    alpha: bool
    lossless: bool
    written_as: str


FORMATS: dict[str, Format] = {
    "tiff": Format(
        "tiff",
        (".tif", ".tiff"),
        ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+")),
        (8, 16, 32),
        alpha=True,
        lossless=True,
        written_as="tiff",
    ),
    "jpeg": Format(
        "jpeg", (".jpg", ".jpeg", ".jpe"), ((0, b"\xff\xd8\xff"),), (8,), alpha=False, lossless=False, written_as="jpeg"
    ),
    "png": Format("png", (".png",), ((0, b"\x89PNG\r\n\x1a\n"),), (8, 16), alpha=True, lossless=True, written_as="png"),
    "webp": Format("webp", (".webp",), ((8, b"WEBP"),), (8,), alpha=True, lossless=False, written_as="webp"),
    "heic": Format(
        "heic",
        (".heic", ".heif", ".hif"),
        tuple((4, b"ftyp" + brand) for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")),
        (8, 16),
        alpha=True,
        lossless=False,
        written_as="jpeg",
    ),
}
READABLE: tuple[str, ...] = ("tiff", "jpeg", "png", "webp", "heic")
WRITABLE: tuple[str, ...] = ("tiff", "jpeg", "png", "webp")
#: File name endings by which a folder is searched for pictures; the content decides in the end.
SUFFIXES: tuple[str, ...] = tuple(suffix for name in READABLE for suffix in FORMATS[name].suffixes)


@dataclass(frozen=True)
class Limits:
    """What a file may ask for before any pixel is decoded.

    `max_pixels` caps width × height; `max_pixels_per_byte` quarantines suspected decompression
    bombs above 20 megapixels; `max_whole_pixels` caps formats that cannot be read row by row
    (interlaced PNG, progressive JPEG, WebP, HEIC) and so lie in memory whole. `trust` lifts the
    second and third.
    """

    max_pixels: int = 4_000 * MILLION
    max_pixels_per_byte: float = 500.0
    max_whole_pixels: int = 200 * MILLION
    trust: bool = False


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Header:
    """What a picture file says of itself before its pixels are decoded.

    `channels` is 1 or 3, without alpha; `depth` 8, 16 or 32 (float) bits; `compression` and
    `predictor` are a TIFF's own, kept on writing, or what a TIFF made of the file will
    have; `by_rows` is False where the format must be decoded whole.
    """

    format: str
    width: int
    height: int
    channels: int
    depth: int
    has_alpha: bool = False
    metadata: Metadata = field(default_factory=Metadata)
    path: Path | None = None
    page: int = 0
    pages: int = 1
    compression: str = "none"
    predictor: str = "none"
    by_rows: bool = True

    @property
    def bands(self) -> int:
        """Samples of a raw pixel, alpha counted."""
        return self.channels + int(self.has_alpha)

    @property
    def dtype(self) -> str:
        """NumPy's name of a raw sample."""
        return DTYPES[self.depth]

    @property
    def row_bytes(self) -> int:
        """Bytes of one raw row."""
        return self.width * self.bands * self.depth // 8


DTYPES: dict[int, str] = {8: "uint8", 16: "uint16", 32: "float32"}


@functools.cache
def vips() -> Any:
    """The pyvips module, set up on first use and not at import.

    Three settings hold for the whole process, as libvips knows no narrower ones: loaders that libvips
    itself calls untrusted are blocked; finished operations are not cached (a cached operation keeps its
    file open and its rows in memory); and its warnings, hundreds for one damaged file, go to the logger
    "pyvips" and no longer to the terminal where the program has set up no logging.
    """
    import pyvips

    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    pyvips.block_untrusted_set(True)
    pyvips.cache_set_max(0)
    return pyvips


def sniff(path: Path) -> str:
    """The name of a file's format, told from its first bytes; raises `PictureError` where there is none."""
    try:
        if path.is_dir():
            raise PictureError(f"{path} is a folder; a picture file was expected.", remedy="name the files in it")
        with path.open("rb") as file:
            start = file.read(64)
    except FileNotFoundError:
        raise PictureError(f"There is no file {path}.", remedy="check the name and the folder") from None
    except OSError as error:
        raise PictureError(f"{path} cannot be opened: {error.strerror}.", remedy="check its permissions") from None
    except ValueError:
        raise PictureError(f"{str(path)!r} is not a file name.", remedy="check the name") from None
    if not start:
        raise PictureError(f"{path} is empty.", remedy="copy or scan the file again")
    for name in READABLE:
        if any(start[offset : offset + len(magic)] == magic for offset, magic in FORMATS[name].starts):
            if name == "webp" and start[:4] != b"RIFF":
                continue
            return name
    raise PictureError(
        f"{path} is in none of the formats Vasari opens ({', '.join(READABLE)}).",
        remedy="convert it to TIFF or PNG first",
    )


def check_limits(path: Path, width: int, height: int, by_rows: bool, limits: Limits) -> None:
    """Refuse a picture beyond the limits, before any pixel is decoded; raises `PictureTooLargeError`."""
    pixels, size = width * height, max(1, path.stat().st_size)
    shown = f"{path.name} is {width}×{height} ({pixels / MILLION:.0f} megapixels)"
    if pixels > limits.max_pixels:
        raise PictureTooLargeError(
            f"{shown}; the cap is {limits.max_pixels / MILLION:.0f}.",
            remedy="raise the cap with --max-megapixels (max_pixels), or split it",
        )
    if limits.trust:
        return
    if pixels > HARMLESS_PIXELS and pixels / size > limits.max_pixels_per_byte:
        raise PictureTooLargeError(
            f"{shown} in {size} bytes: {pixels / size:.0f} pixels a byte, more than {limits.max_pixels_per_byte:.0f}, "
            "which looks like a decompression bomb.",
            remedy="use --trust (trust=True) if you know where the file comes from",
        )
    if not by_rows and pixels > limits.max_whole_pixels:
        raise PictureTooLargeError(
            f"{shown} in a form that must be decoded whole; the cap for those is "
            f"{limits.max_whole_pixels / MILLION:.0f} megapixels.",
            remedy="convert it to TIFF, or use --trust (trust=True) if the memory suffices",
        )


def guarded(path: Path, action: Callable[[], Any]) -> Any:
    """Run a libvips call; its errors become a `PictureError` that names the file."""
    try:
        return action()
    except vips().Error as error:
        reason = first_line(str(error))
        raise PictureError(
            f"{path} is damaged, truncated or not allowed ({reason}).",
            remedy="copy or scan the file again, or open and save it in an image editor",
        ) from None
    except UnicodeEncodeError:
        raise PictureError(
            f"The name of {str(path)!r} is not valid UTF-8.", remedy="rename the file, then try again"
        ) from None


def first_line(text: str) -> str:
    """The first telling line of a libvips message, shortened."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("unable to call")]
    return (lines[0] if lines else "no reason given").removesuffix(".")[:200]
