"""How a result is scored: pure functions of a case and what was made of it, each with its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PictureError
from vasari.models.feature_networks import feature_distance
from vasari.models.losses_style import content_distance, gram, matrix_distance
from vasari.tasks.benchmark.cases import Case, as_saved
from vasari.tasks.evaluate.multi_scale import banded_similarity
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.metrics import WINDOW_PX, luma, peak_signal_noise_ratio, similarity_map

# Equal pictures would score infinity and spoil a mean; 8-bit rounding alone scores about 59 dB.
HIGHEST_DB = 60.0
CONTENT_DEPTHS = (1, 2)


@dataclass(frozen=True)
class Metric:
    """A number's protocol, which way is better ("higher" or "lower"), its unit, and digits after the point."""

    protocol: str
    better: str
    unit: str = ""
    digits: int = 3


class Measure(Protocol):
    """Scores of results; `key` is a text of all that they depend on beside the case."""

    @property
    def key(self) -> str:
        """Changes where scores would."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """What is scored, the main one first."""

    def score(self, case: Case, made: Tensor) -> dict[str, float]:
        """The scores by name of `made` [3, h, w], 0..1, of the truth's size; raises `PictureError`."""


@dataclass(frozen=True)
class Likeness:
    """How like the truth: PSNR (at most 60 dB), SSIM, and with a network the distance of features."""

    comparer: Comparer | None = None

    @property
    def key(self) -> str:
        """The network's digest."""
        return f"likeness 1 {self.comparer.backbone.digest if self.comparer else ''}"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """PSNR, SSIM and perhaps a perceptual distance."""
        over = "RGB, or Rec. 601 luma of grey material; 8-bit results, sRGB 0..1, whole pictures, no border left out"
        found = {
            "psnr": Metric(f"mean of pictures' PSNR, at most {HIGHEST_DB:g} dB each; {over}", "higher", "dB", 2),
            "ssim": Metric(f"Gaussian window 11 px, deviation 1.5, inside; {over}", "higher"),
        }
        if self.comparer is not None:
            found[f"perceptual-{self.comparer.label}"] = _perceptual(self.comparer, "whole pictures")
        return found

    def score(self, case: Case, made: Tensor) -> dict[str, float]:
        """Scores over RGB, or the luma where the case says so."""
        one, other = (luma(x) if case.channels == "luma" else x for x in (made, case.truth))
        found = {"psnr": _capped(peak_signal_noise_ratio(one, other)), "ssim": banded_similarity(one, other)}
        if self.comparer is not None:
            found[f"perceptual-{self.comparer.label}"] = self.comparer.distance(made, case.truth)
        return found


@dataclass(frozen=True)
class HoleLikeness:
    """The same inside the holes alone."""

    comparer: Comparer

    @property
    def key(self) -> str:
        """The network's digest."""
        return f"hole 1 {self.comparer.backbone.digest}"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """PSNR, SSIM and perceptual distance in the holes."""
        return {
            "psnr": Metric(
                f"of the missing pixels alone, at most {HIGHEST_DB:g} dB; RGB, 8-bit, 0..1", "higher", "dB", 2
            ),
            "ssim": Metric("mean of the map over windows whose center is missing; Gaussian 11 px, 1.5; RGB", "higher"),
            f"perceptual-{self.comparer.label}": _perceptual(self.comparer, "weighted by the hole"),
        }

    @torch.inference_mode()
    def score(self, case: Case, made: Tensor) -> dict[str, float]:
        """Scores where `case.hole` is; a hole at the border alone has no SSIM (nan)."""
        hole = torch.as_tensor(case.hole)
        inside = made[:, hole][:, :, None], case.truth[:, hole][:, :, None]
        half = WINDOW_PX // 2
        centers = hole[half:-half, half:-half]
        similar = similarity_map(made, case.truth)[:, centers].mean()
        network = self.comparer.backbone.network
        distance = feature_distance(network(made[None]), network(case.truth[None]), hole[None, None].float())
        return {
            "psnr": _capped(peak_signal_noise_ratio(*inside)),
            "ssim": float(similar),
            f"perceptual-{self.comparer.label}": float(distance[0]),
        }


@dataclass(frozen=True)
class StyleDistances:
    """How far from the style picture, and from the content."""

    comparer: Comparer

    @property
    def key(self) -> str:
        """The network's digest."""
        return f"style 1 {self.comparer.backbone.digest}"

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Both distances; lower is nearer."""
        by = f"network {self.comparer.told}"
        return {
            f"style-{self.comparer.label}": Metric(
                f"Gram matrices, each depth relative to its target's size, mean of depths; {by}", "lower"
            ),
            f"content-{self.comparer.label}": Metric(
                f"mean square difference of the two middle depths, channels standardized; {by}", "lower"
            ),
        }

    @torch.inference_mode()
    def score(self, case: Case, made: Tensor) -> dict[str, float]:
        """Raises `PictureError` where the case has no style."""
        if case.style is None:
            raise PictureError(f"{case.name} has no style.", remedy="measure it by its likeness")
        network = self.comparer.backbone.network
        own, style, content = (network(one[None]) for one in (made, case.style, case.truth))
        near = [matrix_distance(gram(a), gram(b), "relative") for a, b in zip(own, style, strict=True)]
        pairs = [(functional.instance_norm(own[d]), functional.instance_norm(content[d])) for d in CONTENT_DEPTHS]
        return {
            f"style-{self.comparer.label}": float(torch.stack(near).mean()),
            f"content-{self.comparer.label}": float(torch.stack([content_distance(a, b) for a, b in pairs]).mean()),
        }


def checked(case: Case, made: Tensor) -> Tensor:
    """A result of the truth's size, finite and in three channels, as an 8-bit file holds it; raises `PictureError`."""
    if made.shape[1:] != case.truth.shape[1:]:
        raise PictureError(
            f"{case.name}: the result has {made.shape[2]}x{made.shape[1]} px, the truth "
            f"{case.truth.shape[2]}x{case.truth.shape[1]}.",
            remedy="write results in the size of what was given",
        )
    if not bool(torch.isfinite(made).all()):
        raise PictureError(f"{case.name}: the result holds values that are not numbers.", remedy="write finite values")
    return as_saved(made.expand(3, -1, -1))


def _perceptual(comparer: Comparer, where: str) -> Metric:
    return Metric(f"feature distance, not LPIPS; network {comparer.told}, all depths, {where}", "lower")


def _capped(value: Tensor) -> float:
    return min(float(value), HIGHEST_DB)
