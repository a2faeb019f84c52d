"""What colorizing is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option, format_option, precision_option, quality_option, tile_option

MOST_SAMPLES = 9
_HINT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?)\s*=\s*#?([0-9a-f]{6})\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Hint:
    """What a person says of one place: x and y in pixels of the source as it is stored, and its sRGB color, 0..255."""

    x: float
    y: float
    color: tuple[int, int, int]


@dataclass(frozen=True)
class ColorizePlan:
    """How pictures are colored; everything here decides the bytes of a result."""

    palette_of: str = option(
        "", "a picture, a saved style code or a named style, whose colors the whole is to have; else the likeliest"
    )
    samples: int = option(
        1,
        "how many colorings: the likeliest palette, then others drawn at random, written as NAME.sample-2 and so on",
        minimum=1,
        maximum=MOST_SAMPLES,
    )
    seed: int = option(0, "--samples: seed of the palettes that are drawn", minimum=0)
    hints: str = option("", "a picture of the same proportions, clear but for strokes of the colors that are known")
    hint: tuple[str, ...] = option((), "X,Y=#RRGGBB: the color of a small disc, in pixels of the source")
    saturation: float = option(1.0, "by how much chroma is multiplied, from 0 (grey) to 2", minimum=0.0, maximum=2.0)
    confidence: bool = option(
        False, "write NAME.confidence.png: how far off a* and b* are expected to be, five grey levels a unit of Lab"
    )
    format: str | None = format_option()
    quality: int = quality_option()
    model: str = option("colorize", "a bundled model's name, or the path of a .safetensors file")
    encoder: str = option("encoder", "the encoder that the model was trained with: a bundled name, or a path")
    precision: str = precision_option()
    device: str = device_option()
    tile_px: int = tile_option()

    def __post_init__(self) -> None:
        check(self)
        _ = self.places
        check_samples(self, bool(self.palette_of))

    @property
    def places(self) -> tuple[Hint, ...]:
        """What `hint` says, in order; raises `PlanError`."""
        return tuple(parse_hint(one) for one in self.hint)

    @property
    def hinted(self) -> bool:
        """True where a person says the colors of some places."""
        return bool(self.hints or self.hint)


def check_samples(plan: ColorizePlan, has_palette: bool) -> None:
    """Raise `PlanError` where a plan asks for samples that would all be alike, or for a seed that changes nothing."""
    if plan.samples > 1 and has_palette:
        raise PlanError(
            f"samples={plan.samples} asks for palettes to be drawn, and one is given.",
            remedy="leave --samples or --palette-of out",
        )
    if plan.seed != ColorizePlan.seed and plan.samples == 1:
        raise PlanError(
            f"seed={plan.seed} changes nothing: the first coloring has the likeliest palette.",
            remedy="leave --seed out, or ask for more: --samples 3",
        )


def parse_hint(text: str) -> Hint:
    """The hint that "X,Y=#RRGGBB" means; raises `PlanError`."""
    found = _HINT.fullmatch(text)
    if found is None:
        raise PlanError(f"The hint {text!r} is no place with a color.", remedy="write X,Y=#RRGGBB, as 120,340=#7a4b2f")
    red, green, blue = bytes.fromhex(found[3])
    return Hint(float(found[1]), float(found[2]), (red, green, blue))
