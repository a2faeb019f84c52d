"""A square of a picture restored at once: what a job would make of it, seen upright, in sRGB with 8 bits."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from vasari.app.web.iiif.masters import Master
from vasari.app.web.preview_models import PreviewModels
from vasari.app.web.studio.sources import region_of, within
from vasari.app.web.studio.tiles import colored
from vasari.app.web.workbench import Workbench
from vasari.foundation.errors import PlanError
from vasari.tasks.restore.plan import RestorePlan

#: The largest side of a preview, in pixels of the picture: what two cores restore in less than a second.
LARGEST_PX = 768
LAYERS = ("result", "damage", "change")


@dataclass(frozen=True)
class Square:
    """Where a preview is taken: pixels of the upright picture."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def around(cls, x: int, y: int, size: tuple[int, int], side: int = LARGEST_PX) -> Square:
        """The square with its middle nearest to (x, y) within a picture (w, h), smaller where the picture is."""
        (width, height), half = (min(side, one) for one in size), side // 2
        left = min(max(0, x - half), size[0] - width)
        top = min(max(0, y - half), size[1] - height)
        return cls(left, top, width, height)

    def with_halo(self, halo: int, size: tuple[int, int]) -> Square:
        """The square with what lies around it, within the picture."""
        left, top = max(0, self.left - halo), max(0, self.top - halo)
        right, bottom = min(size[0], self.left + self.width + halo), min(size[1], self.top + self.height + halo)
        return Square(left, top, right - left, bottom - top)


@dataclass(frozen=True, eq=False)
class Restored:
    """A square restored: result uint8 [rows, columns, 1 or 3], damage and change uint8 [rows, columns] as maps are."""

    square: Square
    result: np.ndarray
    damage: np.ndarray
    change: np.ndarray

    def encoded(self, layer: str) -> tuple[bytes, str]:
        """A layer as a file, and its media type; raises `PlanError` for another."""
        if layer == "result":
            return _webp(self.result), "image/webp"
        if layer not in LAYERS:
            raise PlanError(f"There is no layer {layer[:20]!r}.", remedy=f"choose from: {', '.join(LAYERS)}")
        return colored(self.damage if layer == "damage" else self.change, layer), "image/png"


def restored(bench: Workbench, models: PreviewModels, master: Master, square: Square, plan: RestorePlan) -> Restored:
    """A square as `vasari restore` would make it; raises `WeightsError`, `PictureError`."""
    return models.pictures.of(
        ("restored", master.content, square, plan), lambda: _restored(bench, models, master, square, plan)
    )


def _restored(bench: Workbench, models: PreviewModels, master: Master, square: Square, plan: RestorePlan) -> Restored:
    import torch
    from torch.nn import functional

    from vasari.tasks.batch.streams import CHANGE_SCALE

    conservator = models.conservator(plan)
    survey = models.codes.of(
        ("survey", master.content, plan.vividness, plan.model, plan.repairs, plan.detector, plan.working_px),
        lambda: conservator.survey(_overview(bench, master)),
    )
    size = master.size
    seen = square.with_halo(conservator.halo, size)
    pixels = _tensor(region_of(bench, master, seen.left, seen.top, seen.width, seen.height))[None]
    more = tuple(-side % conservator.multiple_of for side in pixels.shape[2:])
    # At the picture's border its last row and column are repeated, as in tiles.
    pixels = functional.pad(pixels, (0, more[1], 0, more[0]), mode="replicate")
    high, wide = pixels.shape[2:]
    window = torch.tensor(
        [[seen.top / size[1], seen.left / size[0], (seen.top + high) / size[1], (seen.left + wide) / size[0]]]
    )
    treated = conservator.treat(pixels, survey, window)
    rows = slice(square.top - seen.top, square.top - seen.top + square.height)
    columns = slice(square.left - seen.left, square.left - seen.left + square.width)
    result, damage, change = (one[0, :, rows, columns] for one in (treated.result, treated.damage, treated.change))
    return Restored(
        square,
        _levels(result * 255).permute(1, 2, 0).numpy(),
        _levels(damage[0] * 255).numpy(),
        _levels((change[0] * (CHANGE_SCALE * 255)).ceil()).numpy(),
    )


def _overview(bench: Workbench, master: Master) -> Any:
    from vasari.foundation.image_files import shrink
    from vasari.tasks.restore.surveyed import OVERVIEW_PX

    # Averaged down from a larger one: the survey was taught on averages.
    whole = _tensor(within(bench, master, OVERVIEW_PX * 4 // 3))
    return shrink(whole, OVERVIEW_PX)


def _tensor(pixels: np.ndarray) -> Any:
    """uint8 [rows, columns, channels] as float32 [channels, rows, columns] in 0..1."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255


def _levels(tensor: Any) -> Any:
    import torch

    return tensor.round().clamp(0, 255).to(torch.uint8)


def _webp(pixels: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB").save(file, "WEBP", quality=90)
    return file.getvalue()
