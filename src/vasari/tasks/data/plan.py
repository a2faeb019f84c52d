"""How pictures are gathered for training and shown to it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option

COLORS = ("rgb", "grey")
CORRECTIONS = ("none", "levels", "gray-world")
PLACES = ("random", "center")


@dataclass(frozen=True)
class PicturesPlan:
    """Which pictures are taken, how they are kept, and how squares are cut from them."""

    px: int = option(64, "side of the square shown, in pixels", minimum=8)
    stored_px: int = option(0, "short side of the pictures kept in the cache, in pixels; 0 for px", minimum=0)
    closest: float = option(
        1.0,
        "how far a crop may go from the whole short side (0) to the kept pixels one to one (1)",
        minimum=0.0,
        maximum=1.0,
    )
    place: str = option("random", "where a crop lies", choices=PLACES)
    flip: bool = option(True, "show half of the crops mirrored, left to right")
    color: str = option("rgb", "'grey' keeps the luma alone, in three equal channels", choices=COLORS)
    correction: str = option(
        "none",
        "'levels' stretches the luma of each picture to black and white, 'gray-world' balances its channels",
        choices=CORRECTIONS,
    )
    label_column: str = option("", "column of a .csv or data set that holds the label; empty for the usual names")
    exclude: str = option("", "text file naming pictures, one a line, that must not be used; empty for none")
    limit: int = option(0, "use at most so many pictures, spread evenly over all; 0 for all", minimum=0)
    cache: str = option("", "folder for the decoded pictures; empty for the user's cache folder")

    def __post_init__(self) -> None:
        check(self)
        if 0 < self.stored_px < self.px:
            raise PlanError(
                f"stored_px={self.stored_px} is below px={self.px}: every crop would be enlarged.",
                remedy=f"use stored_px={self.px} or more, or 0 for px",
            )

    @property
    def kept_px(self) -> int:
        """The short side of the pictures kept, in pixels."""
        return self.stored_px or self.px
