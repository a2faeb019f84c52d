"""Tiles of any picture of the studio for deep zoom, and of evidence maps in the color of their kind."""

from __future__ import annotations

import hashlib
import io

import numpy as np

from vasari.app.web.iiif.image_service import TILE_PX, pictures_shown
from vasari.app.web.iiif.masters import Master
from vasari.app.web.iiif.requests import Work, parse, worked_out
from vasari.app.web.studio.sources import decoded
from vasari.app.web.workbench import Workbench
from vasari.foundation.errors import PlanError

#: Changed whenever the same tile has other bytes.
VERSION = 2
#: The maps, each in a color that stands out from scans and is told apart without color vision by its lightness.
MAP_COLORS = {"damage": (226, 46, 160), "change": (0, 139, 160)}
#: A pixel that moved little is to be seen as well: the opacity is the map's value 0..1 to this power.
OPACITIES = {"damage": 1.0, "change": 0.5}
LARGEST_LEVEL = 24


def tile(bench: Workbench, master: Master, level: int, column: int, row: int, layer: str = "") -> bytes:
    """A tile of 512 px of a pyramid whose largest level is the picture itself: WebP, or PNG where it is a map's.

    Raises `PlanError` for a tile that is not there.
    """
    work = work_of(master, level, column, row, "png" if layer else "webp")
    pictures = pictures_shown(bench)
    if not layer:
        return pictures.answer(master, work)
    if layer not in MAP_COLORS:
        raise PlanError(f"There is no map {layer[:20]!r}.", remedy=f"choose from: {', '.join(MAP_COLORS)}")
    name = hashlib.sha256(f"{VERSION} {layer} {master.content} {master.orientation} {work.path}".encode()).hexdigest()
    data = pictures.tiles.read(f"map-{name[:40]}.png")
    if data is None:
        data = colored(decoded(pictures.answer(master, work))[:, :, 0], layer)
        pictures.tiles.write(f"map-{name[:40]}.png", data)
    return data


def work_of(master: Master, level: int, column: int, row: int, format: str) -> Work:
    """What the Image API is asked for a tile."""
    width, height = master.size
    highest = (max(width, height) - 1).bit_length()
    step = 1 << max(0, highest - level)
    left, top = column * TILE_PX * step, row * TILE_PX * step
    if not 0 <= level <= highest or column < 0 or row < 0 or left >= width or top >= height:
        raise PlanError("There is no such tile.", remedy="ask for one within the picture")
    across, down = min(TILE_PX * step, width - left), min(TILE_PX * step, height - top)
    to = f"{-(-across // step)},{-(-down // step)}"
    return worked_out(parse(f"{left},{top},{across},{down}", to, "0", f"default.{format}"), width, height)


def colored(levels: np.ndarray, layer: str) -> bytes:
    """A map uint8 [rows, columns] as a PNG in its color, transparent where it is 0."""
    from PIL import Image

    rgba = np.empty((*levels.shape, 4), np.uint8)
    rgba[..., :3] = MAP_COLORS[layer]
    rgba[..., 3] = np.rint(255 * (np.arange(256) / 255) ** OPACITIES[layer])[levels]
    file = io.BytesIO()
    Image.fromarray(rgba, "RGBA").save(file, "PNG", compress_level=1)
    return file.getvalue()
