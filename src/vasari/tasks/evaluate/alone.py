"""Scans without truth, described picture by picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vasari.foundation.errors import PictureError
from vasari.tasks.evaluate.files import read_upright
from vasari.tasks.evaluate.outcome import Measured
from vasari.tasks.evaluate.pairs import Advance, summarized
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.evaluate.without_truth import colorfulness, noise, sharpness

COMMON = "whole pictures as they are, 8-bit scale; describes, does not judge"
PROTOCOLS = {
    "sharpness": (f"deviation of the 4-neighbor Laplacian of the Rec. 601 luma; {COMMON}", "", ""),
    "noise": (f"median Haar diagonal detail of the luma / 0.6745 (Donoho & Johnstone 1994); {COMMON}", "", ""),
    "colorfulness": (f"Hasler & Süsstrunk 2003, equation 3; {COMMON}", "", ""),
}


def measure_alone(method: str, pictures: Mapping[str, Path], plan: EvaluatePlan, advance: Advance) -> Measured:
    """Sharpness, noise and colorfulness of every picture; one that cannot be read is told, and the rest goes on."""
    rows: list[tuple[str, dict[str, float]]] = []
    failed = []
    for position, (name, path) in enumerate(pictures.items()):
        try:
            pixels = read_upright(path, plan.max_megapixels)
            values = {"sharpness": sharpness(pixels), "noise": noise(pixels), "colorfulness": colorfulness(pixels)}
            rows.append((name, values))
        except PictureError as error:
            failed.append((name, error.message))
        advance(position + 1, len(pictures))
    warnings = ("One picture has no interval.",) if len(rows) == 1 else ()
    return Measured(method, summarized(rows, PROTOCOLS, plan), tuple(rows), tuple(failed), warnings)
