"""How a film is treated, beside what is done to each of its frames. Imports no torch: the command line is derived."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vasari.foundation.plans import check, option
from vasari.foundation.video_formats import FILM_CODECS, FILM_KINDS


@dataclass(frozen=True)
class FilmPlan:
    """How frames become a film; everything here decides the bytes of a result."""

    steady: float = option(
        0.9,
        "films: how far the last frame's result is carried along the motion into the next, against flicker: "
        "0 (each frame by itself) to 1",
        minimum=0.0,
        maximum=1.0,
    )
    fusion: int = option(
        0,
        "films: frames on each side, moved along the motion, that are laid over a frame before it is treated; takes "
        "off dust, scratches and grain; 0 or 1",
        minimum=0,
        maximum=1,
    )
    format: str | None = option(None, "films: container of the results; else as the source", choices=tuple(FILM_KINDS))
    codec: str | None = option(
        None,
        "films: codec of the results; else as the source where it can be written",
        choices=tuple(one for one in FILM_CODECS if one != "gif"),
    )
    crf: int | None = option(
        None, "films: constant rate factor, 0 (best) to 51 (VP9: 63); else 16 (H.264), 18 (HEVC), 24 (VP9)", minimum=0
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def looks_at_motion(self) -> bool:
        """True where optical flow is needed."""
        return self.steady > 0 or self.fusion > 0


@dataclass(frozen=True)
class FilmedPlan:
    """All that decides a film: what is done to each frame (the plan of a task), and how frames become a film."""

    frames: Any
    film: FilmPlan = field(default_factory=FilmPlan)
