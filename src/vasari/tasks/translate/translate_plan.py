"""What a translation is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option, format_option, precision_option, quality_option, tile_option


@dataclass(frozen=True)
class TranslatePlan:
    """How pictures are translated; everything here decides the bytes of a result."""

    model: str = option("", "a bundled model's name, the path of a .safetensors file, or an address with its digest")
    strength: float = option(
        1.0, "blend from the picture (0, unchanged) to the full translation (1)", minimum=0.0, maximum=1.0
    )
    working_px: int | None = option(
        None,
        "long side at which the model sees the picture, its change enlarged onto all pixels; 0 for every pixel as "
        "it is; else what the model's header names",
        minimum=0,
        maximum=8192,
    )
    evidence: bool = option(False, "write NAME.change.png (how far each pixel moved)")
    format: str | None = format_option()
    quality: int = quality_option()
    precision: str = precision_option()
    device: str = device_option()
    tile_px: int = tile_option()

    def __post_init__(self) -> None:
        check(self)
