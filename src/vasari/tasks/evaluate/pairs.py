"""Results beside their truths, picture by picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vasari.foundation.errors import PictureError
from vasari.tasks.evaluate.files import Pairs, read_upright
from vasari.tasks.evaluate.intervals import mean_interval
from vasari.tasks.evaluate.multi_scale import SMALLEST_PX, banded_similarity, multi_scale_similarity
from vasari.tasks.evaluate.network import COMPARED_PX, Comparer
from vasari.tasks.evaluate.outcome import Measured, Score, columns
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.metrics import WINDOW_PX, luma

Advance = Callable[[int, int], None]  # pictures done, pictures in all
Rows = Sequence[tuple[str, dict[str, float]]]


def measure_pairs(method: str, pairs: Pairs, plan: EvaluatePlan, comparer: Comparer, advance: Advance) -> Measured:
    """All pairs of a method; a pair that cannot be scored is told, and the rest goes on."""
    rows: list[tuple[str, dict[str, float]]] = []
    failed = [(name, "there is no truth of this name") for name in pairs.without_truth]
    for position, (name, result, truth) in enumerate(pairs.pairs):
        try:
            rows.append((name, score_pair(result, truth, plan, comparer)))
        except PictureError as error:
            failed.append((name, error.message))
        advance(position + 1, len(pairs.pairs))
    scores = summarized(rows, protocols(plan, comparer), plan)
    return Measured(method, scores, tuple(rows), tuple(failed), tuple(_warnings(rows, pairs)))


def score_pair(result: Path, truth: Path, plan: EvaluatePlan, comparer: Comparer) -> dict[str, float]:
    """The scores of one picture by name; nan where it is too small for one. Raises `PictureError`."""
    made, right = (read_upright(path, plan.max_megapixels) for path in (result, truth))
    channels = max(len(made), len(right))
    made, right = fitted(made.expand(channels, -1, -1), right.expand(channels, -1, -1), plan)
    first, second = (luma(one) if plan.channels == "luma" else one for one in (made, right))
    smallest = min(first.shape[1:])
    kind = plan.channels
    return {
        f"psnr-{kind}": _peak_ratio(first, second),
        f"ssim-{kind}": banded_similarity(first, second) if smallest >= WINDOW_PX else math.nan,
        f"ms-ssim-{kind}": multi_scale_similarity(first, second) if smallest >= SMALLEST_PX else math.nan,
        f"perceptual-{comparer.label}": comparer.distance(made.expand(3, -1, -1), right.expand(3, -1, -1)),
    }


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
                f"The result has {sizes}; only pictures of one size are compared.",
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
    return {
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
        found.append(f"{small} of {len(rows)} pictures are too small for every score: left out where they have none.")
    if pairs.without_result:
        names = ", ".join(pairs.without_result[:3])
        found.append(f"{len(pairs.without_result)} truths have no result ({names}): the mean leaves them out.")
    if len(rows) == 1:
        found.append("One picture has no interval, and says little of a method.")
    return found
