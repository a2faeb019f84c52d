"""The perceptual hash of a picture, and which known pictures look alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation import heic
from vasari.foundation.errors import MissingExtraError
from vasari.foundation.image_formats import Header, Limits, guarded, vips
from vasari.foundation.row_reader import LOADERS, PAGED

#: The short side to which a picture is brought before it is hashed, at least; 32 is what the hash looks at.
REDUCED_PX = 96
#: A reduced picture whose grey levels (0..255) deviate less looks like nothing: it has no hash.
FLAT_BELOW = 1.0


def perceptual_hash(path: Path, header: Header, limits: Limits) -> int | None:
    """The 64-bit DCT hash of a page as a signed number, as it is to be looked at; None for an even surface.

    Every pixel is decoded, so that a damaged file is found out, but large JPEG and WebP pictures by libjpeg's and
    libwebp's own reduction. Raises `PictureError` for a damaged file. Source: Zauner, "Implementation and
    benchmarking of perceptual image hash functions", 2010, section 3.2.1, as the library ImageHash computes it.
    """
    try:
        import imagehash
        from PIL import Image
    except ModuleNotFoundError as error:
        raise MissingExtraError("vasari archive add", "archive") from error
    pixels = reduced(path, header, limits)
    if pixels.mean(axis=2).std() < FLAT_BELOW:
        return None
    picture = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    bits = np.packbits(imagehash.phash(picture).hash.ravel())
    return int(bits.view(">i8")[0])


def reduced(path: Path, header: Header, limits: Limits) -> np.ndarray:
    """A page brought down to about `REDUCED_PX`, upright: uint8 [rows, columns, 1 or 3]; raises `PictureError`."""
    if header.format == "heic":
        pixels = heic.read(path, header.page, limits)[1][:, :, : header.channels]
        step = max(1, min(header.height, header.width) // REDUCED_PX)
        return _to_bytes(pixels[::step, ::step])
    return guarded(path, lambda: _shrunk(path, header))


def _shrunk(path: Path, header: Header) -> np.ndarray:
    factor = max(1, min(header.height, header.width) // REDUCED_PX)
    options: dict[str, Any] = {"page": header.page} if header.format in PAGED else {}
    if header.format == "jpeg":
        options["shrink"] = max(step for step in (1, 2, 4, 8) if step <= factor)
    elif header.format == "webp":
        options["scale"] = 1 / factor
    image = vips().Operation.call(LOADERS[header.format], str(path), access="sequential", fail_on="error", **options)
    across, down = (
        max(1, image.width // _side(header.width, factor)),
        max(1, image.height // _side(header.height, factor)),
    )
    if across > 1 or down > 1:
        image = image.shrink(across, down, ceil=True)
    pixels = image.extract_band(0, n=header.channels).numpy()
    return _upright(_to_bytes(pixels.reshape(image.height, image.width, header.channels)), header.metadata.orientation)


def _side(side: int, factor: int) -> int:
    return max(1, side // factor)


def _to_bytes(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint16:
        return (pixels >> 8).astype(np.uint8)
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    return np.rint(np.nan_to_num(pixels).clip(0, 1) * 255).astype(np.uint8)


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as an EXIF orientation of 1..8 means them (EXIF 2.32, 4.6.4, tag 274)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


class Looks:
    """The perceptual hashes that are known, each once; comparing with a million of them takes milliseconds."""

    def __init__(self, hashes: np.ndarray) -> None:
        known = np.unique(hashes.astype(np.int64))
        self._known = set(known.tolist())
        self._values = known.view(np.uint64)
        self._size = len(known)

    def add(self, value: int) -> bool:
        """Remember one more; False for one that was known."""
        if value in self._known:
            return False
        self._known.add(value)
        if self._size == len(self._values):
            grown = np.zeros(max(1024, 2 * self._size), np.uint64)
            grown[: self._size] = self._values
            self._values = grown
        self._values[self._size] = np.int64(value).view(np.uint64)
        self._size += 1
        return True

    def near(self, value: int, distance: int) -> dict[int, int]:
        """The known hashes that differ in at most `distance` bits, and in how many they do."""
        values = self._values[: self._size]
        bits = np.bitwise_count(values ^ np.int64(value).view(np.uint64))
        close = np.flatnonzero(bits <= distance)
        return {int(values[at].view(np.int64)): int(bits[at]) for at in close}


def distance(one: int, other: int) -> int:
    """Differing bits of two hashes."""
    return ((one ^ other) & 0xFFFF_FFFF_FFFF_FFFF).bit_count()
