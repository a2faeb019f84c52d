"""What a translation is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.plans import check, option


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
    format: str | None = option(
        None, "file format of the results; else as the source", choices=("tiff", "jpeg", "png", "webp")
    )
    quality: int = option(95, "quality of JPEG and WebP results, 1..100", minimum=1, maximum=100)
    precision: str = option(
        "auto",
        "arithmetic of the network: 'auto' takes bfloat16 where this machine gains by it",
        choices=("auto", "float32", "bfloat16"),
    )
    device: str = option("cpu", "where the network runs", choices=("auto", "cpu", "cuda", "mps"))
    tile_px: int = option(768, "side of the tiles that large scans are worked in, in pixels", minimum=64, maximum=8192)

    def __post_init__(self) -> None:
        check(self)
