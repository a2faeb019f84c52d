"""Scans without truth, described picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vasari.foundation.errors import PictureError, VasariError
from vasari.foundation.execute import Executor
from vasari.tasks.evaluate.files import read_upright
from vasari.tasks.evaluate.outcome import Measured
from vasari.tasks.evaluate.pairs import Advance, summarized
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.evaluate.spreading import Scored, score_each
from vasari.tasks.evaluate.without_truth import colorfulness, noise, sharpness

COMMON = "whole pictures as they are, 8-bit scale; describes, does not judge"
PROTOCOLS = {
    "sharpness": (f"deviation of the 4-neighbor Laplacian of the Rec. 601 luma; {COMMON}", "", ""),
    "noise": (f"median Haar diagonal detail of the luma / 0.6745 (Donoho & Johnstone 1994); {COMMON}", "", ""),
    "colorfulness": (f"Hasler & Süsstrunk 2003, equation 3; {COMMON}", "", ""),
}


def measure_alone(
    method: str, pictures: Mapping[str, Path], plan: EvaluatePlan, advance: Advance, executor: Executor | None = None
) -> Measured:
    """Sharpness, noise and colorfulness of every picture; one that cannot be read is told, and the rest goes on."""
    alone = DescribePictures(plan.max_megapixels)
    rows, failed = score_each(list(pictures.items()), alone.describe, alone, executor, advance)
    warnings = ("One picture has no interval.",) if len(rows) == 1 else ()
    return Measured(method, summarized(rows, PROTOCOLS, plan), tuple(rows), tuple(failed), warnings)


@dataclass(frozen=True)
class DescribePictures:
    """The `foundation.execute.Assignment` over (name, path)."""

    max_megapixels: int

    def ready(self) -> Callable[[tuple[str, Path]], Scored]:
        """Nothing is loaded."""
        return self.describe

    def lost(self, item: tuple[str, Path], error: VasariError) -> Scored:
        """A picture that took its worker down."""
        return item[0], None, error.message

    def describe(self, item: tuple[str, Path]) -> Scored:
        """Its values, or why it cannot be read."""
        name, path = item
        try:
            pixels = read_upright(path, self.max_megapixels)
        except PictureError as error:
            return name, None, error.message
        return name, {"sharpness": sharpness(pixels), "noise": noise(pixels), "colorfulness": colorfulness(pixels)}, ""
