"""What an inpainting is asked for. Imports no torch: the command line and the web form are derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option, precision_option, quality_option

METHODS = ("network", "exemplar", "telea", "navier-stokes", "biharmonic")
DEFAULT_MODEL = "inpaint"


@dataclass(frozen=True)
class InpaintPlan:
    """How a hole is filled; everything here decides the bytes of a result."""

    method: str = option(
        "network",
        "'network' the trained model; 'exemplar' copies patches of the picture itself, good for paintings; "
        "'telea', 'navier-stokes', 'biharmonic' classical ones (extra inpainting)",
        choices=METHODS,
    )
    grow_px: int = option(0, "how far around the mask pixels are filled too, in pixels", minimum=0, maximum=64)
    damage_threshold: float = option(
        0.5, "--damage: the probability of damage from which a pixel is filled", minimum=0.0, maximum=1.0
    )
    first_px: int = option(
        128, "'network': long side of the coarsest pass; each further one is twice as large", minimum=32, maximum=4096
    )
    patch_px: int = option(7, "'exemplar': side of the patches, in pixels; odd", minimum=3, maximum=21)
    radius_px: int = option(
        5, "'telea', 'navier-stokes': how far around a pixel they look, in pixels", minimum=1, maximum=64
    )
    seed: int = option(0, "'exemplar': seed of its random search", minimum=0)
    format: str | None = option(
        None, "file format of the result; else by the ending of OUT", choices=("tiff", "jpeg", "png", "webp")
    )
    lossy: bool = option(
        False, "allow JPEG and WebP results, in which pixels outside the mask change a little by compression"
    )
    quality: int = quality_option()
    model: str = option(DEFAULT_MODEL, "'network': a bundled model's name, or the path of a .safetensors file")
    precision: str = precision_option()
    device: str = device_option()
    tile_px: int = option(
        512, "side of the tiles that large pictures are worked in, in pixels", minimum=64, maximum=8192
    )

    def __post_init__(self) -> None:
        check(self)
        if self.patch_px % 2 == 0:
            raise PlanError(f"patch_px={self.patch_px} is even.", remedy=f"use {self.patch_px + 1}")
