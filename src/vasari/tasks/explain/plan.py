"""What an explanation is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.plans import check, option
from vasari.tasks.restore.plan import DEFAULT_MODEL


@dataclass(frozen=True)
class ExplainPlan:
    """Which model is explained on a scan, and how."""

    style: str = option(
        "", "explain how far the scan is from this style (a name, a picture or a saved code) and not its restoration"
    )
    model: str = option(DEFAULT_MODEL, "the restorer: a bundled model's name, or the path of a .safetensors file")
    tone: str = option(
        "neutral",
        "'neutral' undoes fading and color casts, 'keep' repairs in the tone of the scan",
        choices=("neutral", "keep"),
    )
    shifts: int = option(
        2,
        "uncertainty: so many shifts by a few pixels, each in four flips; 0 for the flips alone",
        minimum=0,
        maximum=8,
    )
    max_megapixels: float = option(24.0, "refuse larger scans: all maps lie in memory", minimum=0.01)
    precision: str = option("auto", "arithmetic of the network", choices=("auto", "float32", "bfloat16"))
    device: str = option("cpu", "where the network runs", choices=("auto", "cpu", "cuda", "mps"))

    def __post_init__(self) -> None:
        check(self)
