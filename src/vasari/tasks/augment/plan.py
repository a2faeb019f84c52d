"""What an augmentation is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, digest, option

#: `foundation.damage.ERAS` says the same, but needs torch to be read.
ERAS = ("albumen", "gelatin-silver", "newspaper", "autochrome", "chromogenic-1970s", "color-print")
FLIPS = ("horizontal", "vertical")


@dataclass(frozen=True)
class AugmentPlan:
    """How pictures are varied; everything here decides the bytes of a result.

    Each copy is flipped by chance, then given one of the styles, the models and eras together: they come round
    in an order of each picture's own, so that each style is met equally often.
    """

    models: tuple[str, ...] = option((), "translators: bundled names, .safetensors files, or addresses")
    eras: tuple[str, ...] = option((), "copies are aged as photographs of these eras", choices=ERAS)
    severities: tuple[int, ...] = option(
        (1, 2, 3), "how heavily copies are aged, 1 (light) to 3, by chance one of these", minimum=1, maximum=3
    )
    flips: tuple[str, ...] = option((), "each copy is flipped so by chance", choices=FLIPS)
    copies: int = option(1, "copies of each picture", minimum=1, maximum=999)
    seed: int = option(0, "seed of all that is drawn", minimum=0)
    keep_original: bool = option(False, "put the pictures themselves beside their copies, byte for byte")
    strength: float = option(
        1.0, "of a translation: blend from the picture (0) to the full result (1)", minimum=0.0, maximum=1.0
    )
    least_strength: float | None = option(
        None, "draw the strength evenly between this and --strength; else it is always that", minimum=0.0, maximum=1.0
    )
    working_px: int | None = option(
        None,
        "long side at which a model sees the picture, as for vasari translate; else what its header names",
        minimum=0,
        maximum=8192,
    )
    short_side_px: int = option(0, "reduce larger pictures to this short side; 0 for their own size", minimum=0)
    format: str = option("jpeg", "file format of the copies", choices=("jpeg", "png"))
    quality: int = option(95, "quality of JPEG copies, 1..100", minimum=1, maximum=100)
    precision: str = option(
        "auto",
        "arithmetic of the models: 'auto' takes bfloat16 where this machine gains by it",
        choices=("auto", "float32", "bfloat16"),
    )
    device: str = option("cpu", "where the models run", choices=("auto", "cpu", "cuda", "mps"))

    def __post_init__(self) -> None:
        check(self)
        if not (self.styles or self.flips):
            raise PlanError(
                "Nothing was said of how copies differ from their pictures.",
                remedy="add --model MODEL, --era albumen or --flip horizontal",
            )
        if not self.styles and self.copies > len(self.flip_sets):
            raise PlanError(
                f"copies={self.copies}: flips alone make {len(self.flip_sets)} different copies of a picture.",
                remedy=f"use --copies {len(self.flip_sets)}, or add --model or --era",
            )
        for name in ("models", "eras", "flips"):
            listed = getattr(self, name)
            if len(set(listed)) != len(listed):
                raise PlanError(f"{name}={','.join(listed)} names one twice.", remedy="name each once")
        if self.eras and not self.severities:
            raise PlanError("severities is empty.", remedy="write --severities 1,2,3")
        if self.least_strength is not None and self.least_strength > self.strength:
            raise PlanError(
                f"least_strength={self.least_strength:g} is above strength={self.strength:g}.", remedy="lower it"
            )

    @property
    def styles(self) -> tuple[tuple[str, str], ...]:
        """(operation, name) of all styles: translations by a model, agings by an era."""
        return (*(("translate", one) for one in self.models), *(("age", one) for one in self.eras))

    @property
    def flip_sets(self) -> tuple[tuple[str, ...], ...]:
        """All ways of flipping a picture that leave it another."""
        return tuple(one for size in range(1, len(self.flips) + 1) for one in itertools.combinations(self.flips, size))

    @property
    def digest(self) -> str:
        """What decides the bytes of one copy: how many there are does not."""
        return digest(replace(self, copies=1, keep_original=False))
