"""What a profile is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option, precision_option


@dataclass(frozen=True)
class ProfilePlan:
    """What is measured of a model, and on what."""

    megapixels: float = option(1.0, "size of the made-up picture that is worked on", minimum=0.01, maximum=200.0)
    runs: int = option(3, "runs after the first; the fastest counts", minimum=1, maximum=100)
    style: str = option("van-gogh-starry-night", "stylize: the style that is painted in")
    precision: str = precision_option()
    device: str = device_option()
    sampled_files: int = option(3, "pictures of a folder that are really worked through for its forecast", minimum=1)
    sampled_megapixels: float = option(4.0, "at most so much of each of these", minimum=0.05)
    seed: int = option(0, "seed of the picture and of the choice of files", minimum=0)

    def __post_init__(self) -> None:
        check(self)
