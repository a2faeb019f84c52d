"""Results beside their truths, picture by picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vasari.foundation.errors import PictureError, VasariError, WeightsError
from vasari.foundation.execute import Executor
from vasari.models.lpips import SMALLEST_PX as LPIPS_PX
from vasari.tasks.evaluate.files import Pairs, read_upright
from vasari.tasks.evaluate.intervals import mean_interval
from vasari.tasks.evaluate.multi_scale import SMALLEST_PX, banded_similarity, multi_scale_similarity
from vasari.tasks.evaluate.network import COMPARED_PX, Comparer
from vasari.tasks.evaluate.outcome import Measured, Score, columns
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.evaluate.spreading import Scored, score_each
from vasari.tasks.metrics import WINDOW_PX, luma

LPIPS_PIXELS = 4_000_000  # beyond them, VGG-16's first maps would take gigabytes
Advance = Callable[[int, int], None]  # pictures done, pictures in all
Rows = Sequence[tuple[str, dict[str, float]]]


def measure_pairs(
    method: str,
    pairs: Pairs,
    plan: EvaluatePlan,
    comparer: Comparer,
    advance: Advance,
    executor: Executor | None = None,
) -> Measured:
    """All pairs of a method; a pair that cannot be scored is told, and the rest goes on."""
    there = ScorePairs(plan, comparer.label)
    rows, failed = score_each(pairs.pairs, partial(_scored, plan, comparer), there, executor, advance)
    failed = [*((name, "there is no truth of this name") for name in pairs.without_truth), *failed]
    scores = summarized(rows, protocols(plan, comparer), plan)
    return Measured(method, scores, tuple(rows), tuple(failed), tuple(_warnings(rows, pairs)))


@dataclass(frozen=True)
class ScorePairs:
    """The `foundation.execute.Assignment` over (name, result, truth); `label` is that of the network here."""

    plan: EvaluatePlan
    label: str

    def ready(self) -> Callable[[tuple[str, Path, Path]], Scored]:
        """Load the network; raises `WeightsError` for another one."""
        comparer = Comparer.of_plan(self.plan, pairs=True)
        if comparer.label != self.label:
            raise WeightsError(
                f"A worker compares by {comparer.label}, and this machine by {self.label}.",
                remedy="install the same Vasari and the same models on every machine",
            )
        return partial(_scored, self.plan, comparer)

    def lost(self, item: tuple[str, Path, Path], error: VasariError) -> Scored:
        """A pair that took its worker down."""
        return item[0], None, error.message


def _scored(plan: EvaluatePlan, comparer: Comparer, item: tuple[str, Path, Path]) -> Scored:
    name, result, truth = item
    try:
        return name, score_pair(result, truth, plan, comparer), ""
    except PictureError as error:
        return name, None, error.message


def score_pair(result: Path, truth: Path, plan: EvaluatePlan, comparer: Comparer) -> dict[str, float]:
    """The scores of one picture by name; nan where it is too small for one. Raises `PictureError`."""
    made, right = (read_upright(path, plan.max_megapixels) for path in (result, truth))
    channels = max(len(made), len(right))
    made, right = fitted(made.expand(channels, -1, -1), right.expand(channels, -1, -1), plan)
    first, second = (luma(one) if plan.channels == "luma" else one for one in (made, right))
    smallest = min(first.shape[1:])
    kind = plan.channels
    found = {
        f"psnr-{kind}": _peak_ratio(first, second),
        f"ssim-{kind}": banded_similarity(first, second) if smallest >= WINDOW_PX else math.nan,
        f"ms-ssim-{kind}": multi_scale_similarity(first, second) if smallest >= SMALLEST_PX else math.nan,
        f"perceptual-{comparer.label}": comparer.distance(made.expand(3, -1, -1), right.expand(3, -1, -1)),
    }
    if comparer.lpips is not None:
        fits = LPIPS_PX <= min(made.shape[1:]) and made.shape[1] * made.shape[2] <= LPIPS_PIXELS
        both = made.expand(3, -1, -1), right.expand(3, -1, -1)
        found[f"lpips-{comparer.lpips.kind}"] = comparer.lpips_distance(*both) if fits else math.nan
    return found


def _peak_ratio(first: Tensor, second: Tensor) -> float:
    """As `metrics.peak_signal_noise_ratio`, without copies in float64, which large scans have no room for."""
    error = float((first - second).square_().mean(dtype=torch.float64))
    return -10.0 * math.log10(error) if error > 0 else math.inf


def fitted(made: Tensor, right: Tensor, plan: EvaluatePlan) -> tuple[Tensor, Tensor]:
    """Two pictures of one size, without their border; raises `PictureError` where the plan has them refused."""
    if made.shape != right.shape:
        sizes = f"{made.shape[2]}x{made.shape[1]} and its truth {right.shape[2]}x{right.shape[1]} px"
        if plan.size == "refuse":
            raise PictureError(
                f"The result has {sizes}; sizes must agree, or --size say what to do.",
                remedy="use --size resize or --size crop, and say so",
            )
        if plan.size == "resize":
            made = resized(made, right.shape[1], right.shape[2])
        else:
            rows, columns_ = (min(made.shape[axis], right.shape[axis]) for axis in (1, 2))
            made, right = (_middle(one, rows, columns_) for one in (made, right))
    border = plan.border_px
    if border:
        made, right = (one[:, border : one.shape[1] - border, border : one.shape[2] - border] for one in (made, right))
    if 0 in made.shape:
        raise PictureError("Nothing is left inside the border.", remedy="use a smaller --border-px")
    return made, right


def resized(pixels: Tensor, height: int, width: int) -> Tensor:
    """[C, h, w] by Lanczos in float32, clipped to 0..1."""
    planes = [
        np.asarray(Image.fromarray(plane.numpy()).resize((width, height), Image.Resampling.LANCZOS))
        for plane in pixels.contiguous()
    ]
    return torch.from_numpy(np.stack(planes)).clamp(0, 1)


def _middle(pixels: Tensor, rows: int, columns_: int) -> Tensor:
    top, left = (pixels.shape[1] - rows) // 2, (pixels.shape[2] - columns_) // 2
    return pixels[:, top : top + rows, left : left + columns_]


def protocols(plan: EvaluatePlan, comparer: Comparer) -> dict[str, tuple[str, str, str]]:
    """Metric -> (protocol, which way is better, unit)."""
    over = "RGB" if plan.channels == "rgb" else "Rec. 601 luma"
    sizes = {"refuse": "sizes equal", "resize": "results resized to the truth (Lanczos)", "crop": "centers cropped"}
    common = f"sRGB 0..1, clipped; whole pictures, {sizes[plan.size]}, border {plan.border_px} px left out"
    kind = plan.channels
    about = {
        f"psnr-{kind}": (f"mean over pictures; mean squared error over {over} together; {common}", "higher", "dB"),
        f"ssim-{kind}": (f"{over}; Gaussian window 11 px, deviation 1.5, inside; {common}", "higher", ""),
        f"ms-ssim-{kind}": (f"{over}; five scales, pictures of {SMALLEST_PX} px or more; {common}", "higher", ""),
        f"perceptual-{comparer.label}": (
            f"feature distance, not LPIPS; network {comparer.told}, all depths; long side averaged to "
            f"{COMPARED_PX} px or less; {common}",
            "lower",
            "",
        ),
    }
    if comparer.lpips is not None:
        weights = "official weights by digest"
        told = f"LPIPS 0.1, {comparer.lpips.kind}, {weights}; pictures of {LPIPS_PX} px to 4 megapixels; {common}"
        about[f"lpips-{comparer.lpips.kind}"] = (told, "lower", "")
    return about


def summarized(rows: Rows, about: Mapping[str, tuple[str, str, str]], plan: EvaluatePlan) -> tuple[Score, ...]:
    """The mean of every metric over the pictures that have one, with its interval."""
    found = []
    for metric in columns(rows):
        values = np.array([row.get(metric, math.nan) for _, row in rows])
        values = values[np.isfinite(values)]
        mean = float(values.mean()) if len(values) else math.nan
        interval = mean_interval(values, plan.draws, plan.seed)
        protocol, better, unit = about[metric]
        found.append(Score(metric, mean, interval.low, interval.high, len(values), protocol, better, unit))
    return tuple(found)


def _warnings(rows: Rows, pairs: Pairs) -> list[str]:
    found = []
    equal = sum(any(math.isinf(one) for one in values.values()) for _, values in rows)
    if equal:
        found.append(f"{equal} of {len(rows)} results equal their truth in every pixel: left out of the mean PSNR.")
    small = sum(any(math.isnan(one) for one in values.values()) for _, values in rows)
    if small:
        found.append(f"{small} of {len(rows)} pictures are too small or too large for a score: left out there.")
    if pairs.without_result:
        names = ", ".join(pairs.without_result[:3])
        found.append(f"{len(pairs.without_result)} truths have no result ({names}): the mean leaves them out.")
    if len(rows) == 1:
        found.append("One picture has no interval, and says little of a method.")
    return found
