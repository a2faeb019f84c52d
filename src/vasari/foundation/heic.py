"""HEIC and HEIF through pillow-heif, which comes with the extra `formats`; such files are decoded whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation.errors import MissingExtraError, PictureError
from vasari.foundation.image_formats import Header, Limits, check_limits
from vasari.foundation.picture import Metadata

MODES: dict[str, tuple[int, bool, int]] = {
    "L": (1, False, 8),
    "LA": (1, True, 8),
    "RGB": (3, False, 8),
    "RGBA": (3, True, 8),
    "L;16": (1, False, 16),
    "I;16": (1, False, 16),
    "LA;16": (1, True, 16),
    "RGB;16": (3, False, 16),
    "RGBA;16": (3, True, 16),
}


def inspect(path: Path, page: int, limits: Limits) -> Header:
    """What the header of a HEIC file says; raises `MissingExtraError` without pillow-heif."""
    return _header(path, page, limits)[0]


def read(path: Path, page: int, limits: Limits) -> tuple[Header, np.ndarray]:
    """Header and raw samples [rows, width, bands]; 10 and 12 bits come as 16."""
    header, image = _header(path, page, limits)
    try:
        array = np.array(image)
    except Exception as error:  # pillow-heif passes on whatever its decoder raises
        raise _damaged(path, error) from None
    return header, array.reshape(header.height, header.width, header.bands)


def _header(path: Path, page: int, limits: Limits) -> tuple[Header, Any]:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError("Reading HEIC", "formats") from None
    try:
        container = pillow_heif.open_heif(path, convert_hdr_to_8bit=False)
        pages = len(container)
        image = container[page] if 0 <= page < pages else None
    except Exception as error:  # pillow-heif passes on whatever its decoder raises
        raise _damaged(path, error) from None
    if image is None:
        raise PictureError(f"{path} has {pages} page(s); number {page + 1} was asked for.", remedy="name one of them")
    if image.mode not in MODES:
        raise PictureError(f"{path} holds {image.mode} samples.", remedy="convert it to TIFF first")
    channels, has_alpha, depth = MODES[image.mode]
    width, height = image.size
    check_limits(path, width, height, False, limits)
    info: dict[str, Any] = dict(image.info)
    exif, xmp = info.get("exif"), info.get("xmp")
    # The decoder has turned the pixels already; the file's own orientation no longer holds.
    metadata = Metadata(
        icc=info.get("icc_profile") or None,
        exif=bytes(exif).removeprefix(b"Exif\0\0") if exif else None,
        xmp=bytes(xmp) if xmp else None,
    )
    header = Header(
        "heic", width, height, channels, depth, has_alpha, metadata, path, page, pages, compression="deflate",
        predictor="horizontal", by_rows=False,
    )  # fmt: skip
    return header, image


def _damaged(path: Path, error: Exception) -> PictureError:
    return PictureError(
        f"{path} is damaged or truncated ({error}).", remedy="copy the file again, or open and save it in an editor"
    )
