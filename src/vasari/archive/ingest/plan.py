"""How pictures are added to an archive."""

from __future__ import annotations

import os
from dataclasses import dataclass

from vasari.foundation.plans import check, option


@dataclass(frozen=True)
class AddPlan:
    """What `archive add` does with the files that it finds."""

    copy: bool = option(False, "keep a copy of every master in the archive; default: masters stay where they are")
    workers: int = option(0, "pictures read at a time; 0: as many as there are cores", minimum=0, maximum=256)
    names: str = option("", 'what file names say, as "{artist}/{date} - {title}"; default: nothing is read out of them')
    near_distance: int = option(
        6, "differing bits of 64 in the perceptual hash up to which a picture is told as a near duplicate; -1: none",
        minimum=-1, maximum=32,
    )  # fmt: skip
    ignore_camera_dates: bool = option(False, "never take the time at which a camera took a picture as the work's date")
    trust: bool = option(False, "take files that look like decompression bombs")
    max_megapixels: int = option(4000, "refuse larger pictures", minimum=1)

    def __post_init__(self) -> None:
        check(self)

    @property
    def threads(self) -> int:
        """Pictures read at a time."""
        return self.workers or len(os.sched_getaffinity(0))
