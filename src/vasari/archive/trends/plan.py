"""How change over time is measured: one plan for curves, shares, comparisons and change points."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option


@dataclass(frozen=True)
class TrendPlan:
    """The options of every trend, with their one default."""

    draws: int = option(500, "draws of the dates, each with a fresh sample of artists", minimum=20)
    period_years: int = option(10, "length of a period, within which each artist counts equally, in years", minimum=1)
    window_years: int = option(20, "width of the moving average, in years", minimum=1)
    loess_span: float = option(0.4, "share of all votes within reach of the LOESS curve", minimum=0.02, maximum=1.0)
    step_years: int = option(1, "distance between the points of a curve, in years", minimum=1)
    confidence: float = option(0.95, "share of samples that the bands hold", minimum=0.5, maximum=0.999)
    min_artists: int = option(10, "periods with fewer artists are left blank", minimum=1)
    seed: int = option(0, "seed of every draw", minimum=0)
    # Change points
    permutations: int = option(999, "shuffled archives that decide whether a change is real", minimum=19)
    significance: float = option(
        0.05, "p, after Holm's correction, up to which a change counts", minimum=0.0, maximum=1.0
    )
    most_changes: int = option(8, "change points that are tested at most", minimum=1)
    min_segment_years: int = option(10, "shortest time between two changes, in years", minimum=2)
    bin_years: int = option(
        0, "resolution of change points, in years; 0 for one that makes at most 200 bins", minimum=0
    )
    penalty: float = option(3.0, "what a further change costs the proposals, in variances times log(bins)", minimum=0.1)
    tolerance_years: int = option(5, "how far a change may move between draws and still be the same", minimum=0)

    def __post_init__(self) -> None:
        check(self)
        if self.bin_years and self.period_years % self.bin_years:
            raise PlanError(
                f"bin_years={self.bin_years} does not divide period_years={self.period_years}.",
                remedy="use a divisor of period_years, or 0",
            )
