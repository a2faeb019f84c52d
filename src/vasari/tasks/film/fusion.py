"""Neighboring frames laid over a frame before it is restored: specks of a single frame vanish, and grain falls.

Dust and scratches lie on one frame of a film and not on its neighbors. Where both neighbors, moved along the flow,
agree with one another and not with the frame between, it is hidden by a speck, and their mean takes its place (the
SDIp detector of Kokaram et al. 1995, Detection of missing data in image sequences). Elsewhere the frame is averaged
with them, each with a weight that falls with its difference, so that what moved or changed is not mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.video_formats import opencv
from vasari.tasks.film.carry import low_pass
from vasari.tasks.film.flow import Motion, filled, warp

#: A speck differs by so many standard deviations of the grain, and by at least so much of the range 0..1.
SPECK_DEVIATIONS, LEAST_SPECK = 5.0, 0.06
#: Specks are taken with a border of so many pixels: their shores are soft.
SPECK_BORDER_PX = 2
#: What is thicker than this share of the frame's short side, or than so many pixels, is taken for a thing that passes.
THICKEST_SHARE, THICKEST_PX = 0.025, 7
#: Where more of a frame than this would be hidden, another picture was cut in, and nothing is taken off.
LARGEST_SPECKS_SHARE = 0.2
#: Specks are looked for where at least this share of the frame is seen in both neighbors.
LEAST_SEEN_SHARE = 0.4
#: Differences beyond so many standard deviations of the grain are not averaged.
MIXED_DEVIATIONS = 2.5
#: The least and the largest grain that is reckoned with, in the range 0..1.
LEAST_GRAIN, LARGEST_GRAIN = 2 / 255, 24 / 255
#: Differences are blurred by this deviation, in pixels, before they are judged: grain is no motion.
JUDGED_PX = 1.0
_SAMPLED_VALUES = 1 << 18


@dataclass(frozen=True, eq=False)
class Fused:
    """A frame laid over with its neighbors: pixels [3, h, w], and the share of them that was hidden by specks."""

    pixels: Tensor
    specks_share: float


def fused(
    frame: Tensor, before: Tensor | None, after: Tensor | None, coming: Motion | None, going: Motion | None
) -> Fused:
    """A frame [3, h, w] with its neighbors in the same shot, None where there is none.

    `coming` is the motion from `before` to the frame, `going` from the frame to `after`. With one neighbor alone
    grain is averaged, and no speck is looked for: nobody could say which of the two has it.
    """
    near: list[Tensor] = []
    trusted: list[Tensor] = []
    for other, flow, known in _neighbors(before, after, coming, going):
        near.append(warp(other, filled(flow, known)))
        trusted.append(known)
    if not near:
        return Fused(frame, 0.0)
    grain = _grain(frame, near, trusted)
    comparable = len(near) == 2 and all(float(known.mean()) > LEAST_SEEN_SHARE for known in trusted)
    specks = _specks(frame, near, grain) if comparable else torch.zeros_like(frame[:1])
    clean = torch.lerp(frame, torch.stack(near).mean(0), specks)
    total, weight = clean.clone(), torch.ones_like(specks)
    for other, known in zip(near, trusted):
        difference = low_pass(other - clean, JUDGED_PX).square().sum(0, keepdim=True)
        share = known * torch.exp(-difference / (2 * (MIXED_DEVIATIONS * grain) ** 2))
        total += share * other
        weight += share
    return Fused(total / weight, float((specks > 0.5).float().mean()))


def _neighbors(
    before: Tensor | None, after: Tensor | None, coming: Motion | None, going: Motion | None
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """(pixels, the frame's flow to them, where it can be trusted) of each neighbor."""
    found = []
    if before is not None and coming is not None:
        found.append((before, coming.back, coming.seen_back))
    if after is not None and going is not None:
        found.append((after, going.onward, going.seen_onward))
    return found


def _grain(frame: Tensor, near: list[Tensor], trusted: list[Tensor]) -> float:
    """The standard deviation of grain: from the median difference to a neighbor, where it can be trusted.

    The median of the distance of two normal values is 0.6745·√2 of their deviation.
    """
    medians = []
    for other, known in zip(near, trusted):
        distance = (other - frame).abs()
        values = distance[:, known[0] > 0].flatten() if bool(known.any()) else distance.flatten()
        medians.append(float(values[:: max(1, values.numel() // _SAMPLED_VALUES)].median()))
    return min(max(min(medians) / (0.6745 * 2**0.5), LEAST_GRAIN), LARGEST_GRAIN)


def _specks(frame: Tensor, near: list[Tensor], grain: float) -> Tensor:
    """1 where both neighbors agree that the frame hides something, with soft borders, [1, h, w]."""
    limit = max(SPECK_DEVIATIONS * grain, LEAST_SPECK)
    first, second = (frame - one for one in near)
    apart = torch.minimum(first.abs(), second.abs()) * ((first > 0) == (second > 0))
    agreeing = low_pass(near[0] - near[1], JUDGED_PX).abs().amax(0, keepdim=True) < limit / 2
    found = ((apart.amax(0, keepdim=True) > limit) & agreeing).float()
    found = found * (1 - _thick(found))
    if float(found.mean()) > LARGEST_SPECKS_SHARE:
        return torch.zeros_like(found)
    return low_pass(_grown(found, SPECK_BORDER_PX) * agreeing, 1.0)


def _thick(mask: Tensor) -> Tensor:
    """1 in and around those parts of a mask [1, h, w] into which a square of the thickest speck's size fits.

    A ball that flies by is on one frame at a place, and on its neighbors elsewhere; it must not be taken for dust.
    """
    cv2 = opencv()
    reach = max(THICKEST_PX, round(THICKEST_SHARE * min(mask.shape[1:]))) // 2
    closed = cv2.morphologyEx(mask[0].byte().numpy(), cv2.MORPH_CLOSE, _square(1))
    core = cv2.erode(closed, _square(reach))
    return torch.from_numpy(cv2.dilate(core, _square(3 * reach)))[None].float()


def _grown(mask: Tensor, reach: int) -> Tensor:
    """1 where a mask [1, h, w] of zeros and ones is 1 within a square of so many pixels on each side."""
    return torch.from_numpy(opencv().dilate(mask[0].byte().numpy(), _square(reach)))[None].float()


def _square(reach: int) -> np.ndarray:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
