"""How much a film flickers: the warping error of Lai et al. 2018 (arXiv:1808.00449), section 4.2.

E(V[t], V[t+1]) = Σ M·|V[t] - V̂[t+1]|² / Σ M, with V̂ the other frame warped along the flow of the *source* film and M 1
where both show the same; over a film the mean over its pairs of frames. Departures: the later frame is compared with
the earlier warped to it; the flow is DIS, not FlowNet 2; pairs across a cut are left out. Figures by other flows
cannot be compared with these; those of one film, treated in several ways, can.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from vasari.tasks.film.flow import Motion, warp

#: The names under which records tell what the frames flicker that were treated one by one.
FRAME_BY_FRAME, FUSED_FRAME_BY_FRAME = "flicker_frame_by_frame", "flicker_fused_frame_by_frame"


def warping_error(frame: Tensor, before: Tensor, motion: Motion) -> float:
    """E of two frames [3, h, w] that follow one another, by the motion of the source from `before` to `frame`.

    Squared distance of sRGB values in 0..1, summed over the channels; 0 where no pixel is seen in both.
    """
    seen = motion.seen_back
    distance = (frame - warp(before, motion.back, "bilinear")).square().sum(0, keepdim=True)
    return float((distance * seen).sum() / seen.sum().clamp(min=1.0))


@dataclass(frozen=True)
class Flicker:
    """Sums of warping errors over `pairs` of frames: of the result, of the frames treated one by one, of the source.

    Frames that were fused with their neighbors and then treated one by one flicker less than without.
    """

    pairs: int = 0
    result: float = 0.0
    frame_by_frame: float = 0.0
    source: float = 0.0

    def plus(self, result: float, frame_by_frame: float, source: float) -> Flicker:
        """With one more pair."""
        return Flicker(self.pairs + 1, self.result + result, self.frame_by_frame + frame_by_frame, self.source + source)

    @property
    def ratio(self) -> float | None:
        """The result's error over that of the frames treated one by one; None where there is nothing to compare."""
        return self.result / self.frame_by_frame if self.pairs and self.frame_by_frame > 0 else None

    def to_numbers(self, were_fused: bool = False) -> dict[str, float]:
        """As records tell it: mean warping errors, times 1000."""
        if not self.pairs:
            return {}
        alone = FUSED_FRAME_BY_FRAME if were_fused else FRAME_BY_FRAME
        means = {"flicker": self.result, alone: self.frame_by_frame, "flicker_source": self.source}
        return {name: round(1000 * value / self.pairs, 4) for name, value in means.items()}
