"""A picture at the size that is nearest to what is asked for, and never more of it decoded than that needs.

Of a tiled TIFF with reduced copies inside, and of small pictures, the master itself is read. An overview of a JPEG or
WebP is decoded at a part of its size, one of other formats is streamed. For everything else a *reading copy* is made
once: a tiled pyramid in sRGB, kept in a cache of bounded size, from which any tile is read in a few milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vasari.app.web.iiif.disk_cache import DiskCache
from vasari.app.web.iiif.masters import Master
from vasari.foundation import heic, tiff_exif
from vasari.foundation.errors import WriteError
from vasari.foundation.image_formats import Limits, first_line, guarded, vips
from vasari.foundation.row_reader import LOADERS, PAGED

#: A master of fewer pixels is decoded whole for every request: that takes some ten milliseconds.
SMALL_PIXELS = 1_500_000
#: An overview of a large master at this reduction or a greater one needs no reading copy.
OVERVIEW = {"jpeg": 2.0, "webp": 2.0}
OTHER_OVERVIEW = 8.0
#: The smallest level of a pyramid, in pixels of its long side.
SMALLEST_LEVEL = 1024
TILE_PX = 512
_TILE_WIDTH_TAG = 322
#: Reading copies that are made at a time.
_AT_ONCE = 2
_TRUSTED = Limits(max_pixels=1 << 62, trust=True)
#: Formats whose reading copies are lossy as well. From quality 90 on libvips keeps color at full resolution: tiles are
#: then within 0.2 dB of those from the master (at 89 up to 1 dB below). 95 would take a third more disk, and time.
_LOSSY = ("jpeg", "webp", "heic")
_QUALITY = 90
#: What a copy weighs at most, in bytes a pixel of its tiles: noise in three colors, with alpha in four bands.
_LOSSY_BYTES, _LOSSLESS_BYTES, _ALPHA_BYTES = 1.3, 3.3, 4.4


class ReadingCopies:
    """The reading copies in a cache; each is made by one thread while others that want it wait."""

    def __init__(self, cache: DiskCache) -> None:
        self.cache = cache
        self._making: dict[str, threading.Lock] = {}
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()

    def holds(self, content: str) -> bool:
        """Whether there is a copy of the master of this content."""
        return self.cache.holds(_name(content))

    def found(self, master: Master) -> Any | None:
        """The copy of a master as an image of pyvips, None where there is none yet."""
        path = self.cache.path(_name(master.content))
        if path is None:
            return None
        try:
            return vips().Image.tiffload(str(path), access="random")
        except vips().Error:  # taken away meanwhile, or not whole
            path.unlink(missing_ok=True)
            return None

    def made(self, master: Master, part: Path | None = None) -> Any:
        """The copy of a master, made if it is not there; raises `PictureError` for a damaged master, `WriteError`.

        `part` is where it is written before it is whole, by default beside its place.
        """
        with self._alone(_name(master.content)):
            copy = self.found(master)
            if copy is not None:
                return copy
            with self._turns:
                return self._make(master, part or self.cache.part(_name(master.content)))

    def _make(self, master: Master, part: Path) -> Any:
        image = in_srgb(_decoded(master, "sequential"), master)
        try:
            _save(image, master, part)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        self.cache.take(_name(master.content), part)
        copy = self.found(master)
        if copy is None:
            raise WriteError(
                f"The reading copy of {master.path.name} could not be kept.", remedy="free some space, and ask again"
            )
        return copy

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with self._lock:
            lock = self._making.setdefault(name, threading.Lock())
        with lock:
            yield
        with self._lock:
            self._making.pop(name, None)


def level_of(master: Master, copies: ReadingCopies, reduction: float, whole: bool) -> Any:
    """The upright picture as an image of pyvips, at a size reduced by `reduction` at most.

    It is in sRGB with 8 bits if `is_copy` says so, else as the master has it (see `in_srgb`). `whole` says that all of
    it will be shown. Raises `PictureError` for a damaged master.
    """
    copy = copies.found(master)
    if copy is None and needs_copy(master, reduction, whole):
        copy = copies.made(master)
    if copy is not None:
        return upright(_level(copy, reduction), master.orientation)
    return upright(
        in_srgb(guarded(master.path, lambda: _nearest(master, reduction, whole)), master), master.orientation
    )


def needs_copy(master: Master, reduction: float, whole: bool) -> bool:
    """Whether a picture so reduced, whole or in part, is read from a reading copy alone."""
    return not _reads_itself(master) and not (whole and _is_overview(master, reduction))


def may_need_copy(format: str, pixels: int) -> bool:
    """Whether some parts of a picture of this format and size may be read from a reading copy alone."""
    return format == "heic" or pixels > SMALL_PIXELS


def most_bytes(format: str, width: int, height: int, has_alpha: bool = False) -> int:
    """What the reading copy of such a picture weighs at most, in bytes: whole tiles of all levels.

    A picture with alpha is kept without loss, whatever its format.
    """
    tiles = -(-width // TILE_PX) * -(-height // TILE_PX)
    while max(width, height) > TILE_PX:
        width, height = (width + 1) // 2, (height + 1) // 2
        tiles += -(-width // TILE_PX) * -(-height // TILE_PX)
    weight = _ALPHA_BYTES if has_alpha else _LOSSY_BYTES if format in _LOSSY else _LOSSLESS_BYTES
    return int(tiles * TILE_PX**2 * weight)


def in_srgb(image: Any, master: Master) -> Any:
    """An image decoded from a master in sRGB with 8 bits: grey stays grey, alpha stays."""
    grey = master.channels == 1
    image = image.copy(interpretation=_interpretation(master))
    if master.depth == 32:
        # As everywhere in Vasari, 0..1 in sRGB encoding; NaN becomes 0.
        return (image * 255.0 + 0.5).cast("uchar").copy(interpretation="b-w" if grey else "srgb")
    if master.profiled and image.get_typeof("icc-profile-data"):
        return image.icc_transform("srgb", embedded=True, intent="relative", depth=8)
    return image.colourspace("b-w" if grey else "srgb") if master.depth == 16 else image


def upright(image: Any, orientation: int) -> Any:
    """An image as EXIF's orientation 1..8 means it (EXIF 2.32, 4.6.4, tag 274), turned as its pixels are asked for."""
    if orientation in (5, 6):
        image = image.rot90()
    elif orientation in (7, 8):
        image = image.rot270()
    elif orientation == 3:
        image = image.rot180()
    return image.fliphor() if orientation in (2, 5, 7) else image.flipver() if orientation == 4 else image


def _save(image: Any, master: Master, part: Path) -> None:
    """Write a copy; raises `PictureError` where the master is damaged, `WriteError` where it cannot be written."""
    options: dict[str, Any] = {"compression": "deflate", "level": 1, "predictor": "horizontal"}
    if master.format in _LOSSY and not master.has_alpha:
        options |= {"compression": "jpeg", "Q": _QUALITY}
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        image.tiffsave(
            str(part), tile=True, tile_width=TILE_PX, tile_height=TILE_PX, pyramid=True, subifd=True,
            bigtiff=True, keep="none", depth="onetile", **options,
        )  # fmt: skip
    except (vips().Error, OSError) as error:
        # The master is decoded as it is saved, and libvips tells of both alike: so it is read once more by itself.
        guarded(master.path, lambda: _decoded(master, "sequential").avg())
        reason = first_line(str(error)).replace(f"{part}: ", "")
        raise WriteError(
            f"The reading copy of {master.path.name} could not be written: {reason}.",
            remedy="see that the disk has space and may be written to, and ask again",
        ) from error


def _name(content: str) -> str:
    return f"{content.replace('#', '-')}.tif"


def _interpretation(master: Master) -> str:
    if master.channels == 1:
        return "grey16" if master.depth == 16 else "b-w"
    return "rgb16" if master.depth == 16 else "srgb"


def _is_overview(master: Master, reduction: float) -> bool:
    return master.format != "heic" and reduction >= OVERVIEW.get(master.format, OTHER_OVERVIEW)


def _reads_itself(master: Master) -> bool:
    if not may_need_copy(master.format, master.pixels):
        return True
    return master.format == "tiff" and _pyramid_in(master) > 0


def _pyramid_in(master: Master) -> int:
    """How many reduced copies a tiled TIFF holds within, the smallest of which is small; 0 for any other."""
    if not tiff_exif.numbers(master.path, master.page, (_TILE_WIDTH_TAG,)).get(_TILE_WIDTH_TAG):
        return 0
    image = vips().Image.tiffload(str(master.path), page=master.page, access="random")
    count = int(image.get("n-subifds")) if image.get_typeof("n-subifds") else 0
    return count if count and max(image.width, image.height) >> count <= SMALLEST_LEVEL else 0


def _level(image: Any, reduction: float) -> Any:
    """Of a pyramid the smallest level that is not reduced more than this."""
    path, page = image.filename, image.get("page-number") if image.get_typeof("page-number") else 0
    count = int(image.get("n-subifds")) if image.get_typeof("n-subifds") else 0
    best = image
    for number in range(count):
        level = vips().Image.tiffload(path, page=page, subifd=number, access="random")
        if image.width / level.width > reduction * 1.001 or image.height / level.height > reduction * 1.02:
            break
        best = level
    return best


def _nearest(master: Master, reduction: float, whole: bool) -> Any:
    """The master itself: a level within it, decoded at a part of its size, or whole."""
    if master.format == "tiff" and master.pixels > SMALL_PIXELS and _pyramid_in(master):
        return _level(vips().Image.tiffload(str(master.path), page=master.page, access="random"), reduction)
    turned = master.orientation != 1
    access = "sequential" if whole and not turned else "random"
    if master.format == "jpeg" and reduction >= 2:
        step = max(step for step in (2, 4, 8) if step <= reduction)
        return _decoded(master, access, shrink=step)
    if master.format == "webp" and reduction >= 2:
        return _decoded(master, access, scale=1 / int(reduction))
    image = _decoded(master, "sequential" if whole else "random")
    step = int(reduction)
    if whole and step >= 2:  # streamed, so that only what is left of it is turned
        image = image.shrink(step, step, ceil=True).copy_memory()
    elif whole and turned:
        image = image.copy_memory()
    return image


def _decoded(master: Master, access: str, **options: Any) -> Any:
    if master.format == "heic":
        header, array = heic.read(master.path, master.page, _TRUSTED)
        image = vips().Image.new_from_array(array)
        if header.metadata.icc is not None:
            image = image.copy()
            image.set_type(vips().GValue.blob_type, "icc-profile-data", header.metadata.icc)
        return image
    paged = {"page": master.page} if master.format in PAGED else {}
    return guarded(
        master.path,
        lambda: vips().Operation.call(
            LOADERS[master.format], str(master.path), access=access, fail_on="error", **paged, **options
        ),
    )
