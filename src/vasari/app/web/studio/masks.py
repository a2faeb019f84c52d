"""Masks painted in a browser: read with care, brought to what tasks take, and kept like any other upload."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from vasari.app.web.api.uploads import uploads_of
from vasari.app.web.iiif.masters import Master
from vasari.app.web.uploads import Part
from vasari.app.web.workbench import Workbench
from vasari.foundation.errors import PictureError
from vasari.foundation.image_formats import vips
from vasari.foundation.work_folders import work_folder

#: The largest mask that is painted, in pixels of its long side, and in bytes of its PNG.
LARGEST_PX = 4096
LARGEST_BYTES = 8 << 20
#: A mask is white from this level on, where it is no matter of degree.
WHITE = 128


def kept(bench: Workbench, master: Master, data: bytes, owner: str, *, whole: bool, hard: bool) -> str:
    """The reference of a mask that was painted over an upright picture, as the picture is stored.

    `whole`: of the picture's own size, as inpainting takes it; else reduced as it was painted. `hard`: black or
    white. Raises `PictureError` for what is no PNG of that shape, or is black.
    """
    plane = read(data, master)
    if hard:
        plane = np.where(plane >= WHITE, 255, 0).astype(np.uint8)
    if plane.max() < WHITE:
        raise PictureError("The mask is black: nothing was painted.", remedy="paint where the change is wanted")
    image = _stored(vips().Image.new_from_array(np.ascontiguousarray(plane)), master.orientation)
    if whole:
        width, height = master.stored
        image = image.resize(width / image.width, vscale=height / image.height, kernel="nearest")
        image = image.gravity("north-west", width, height, extend="copy")
    uploads = uploads_of(bench)
    with work_folder(uploads.place) as work:
        part = Part(work, "mask.png", uploads.ration.bytes)
        try:
            part.write(bytes(image.cast("uchar").pngsave_buffer(compression=6, keep="none")))
            rows, _ = uploads.kept(part, owner)
        finally:
            part.close()
    return f"upload:{rows[0]['sha256']}/{rows[0]['name']}"


def read(data: bytes, master: Master) -> np.ndarray:
    """A painted PNG as uint8 [rows, columns]: its alpha where it has one, else its lightness.

    Raises `PictureError` for another format, a size beyond the limits or another shape than the picture's.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if max(image.size) > LARGEST_PX:
                raise PictureError(f"A mask of {image.size}.", remedy=f"paint at most {LARGEST_PX} pixels a side")
            _check_shape(image.size, master.size)
            image.load()
            plane = np.asarray(image.convert("RGBA"))[:, :, 3] if "A" in image.mode else np.asarray(image.convert("L"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise PictureError("The mask is no whole PNG.", remedy="send what was painted as a PNG") from None
    return plane


def _check_shape(painted: tuple[int, int], size: tuple[int, int]) -> None:
    scale = max(size) / max(painted)
    if max(abs(one * scale - other) for one, other in zip(painted, size, strict=True)) > 1 + scale:
        raise PictureError(
            f"The mask ({painted[0]}×{painted[1]}) has another shape than the picture ({size[0]}×{size[1]}).",
            remedy="paint it on the whole picture",
        )


def _stored(image: Any, orientation: int) -> Any:
    """An upright image turned back to how its file stores it: the inverse of `iiif.levels.upright`."""
    if orientation in (2, 5, 7):
        image = image.fliphor()
    if orientation == 4:
        return image.flipver()
    if orientation in (5, 6):
        return image.rot270()
    if orientation in (7, 8):
        return image.rot90()
    return image.rot180() if orientation == 3 else image
