"""How far a face moved by a treatment: the distance of what the bundled encoder sees of it before and after.

It measures whether features lie where they lay and look as they looked. It identifies nobody and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import WeightsError
from vasari.models import hub
from vasari.models.encoders import Encoder
from vasari.models.losses import luma
from vasari.tasks.restore.faces import Box

#: The side that faces are brought to, in pixels, and how much around the found square is seen, in its sides.
FACE_PX, AROUND = 96, 0.1
#: Deviation of the low pass at that size, in pixels: grain and scratches are not the person.
LOW_PASS_PX = 2.0
#: Depths of the encoder that are compared, from 0: features of 1/4 and 1/8 of a face's pixels.
COMPARED = (1, 2)
#: Mean and deviation that the luma of every face is brought to, so that fading and casts do not count.
MEAN, DEVIATION = 0.5, 0.2
_LEAST_DEVIATION = 0.02
#: Half height and half width of the ellipse that counts, in half sides of what is seen: hair and ground do not.
TALL, WIDE = 1.0, 0.85
#: The 99th percentile of the distance between a clean face and the same under changes that leave the person as is
#: (JPEG, half the size and back, tone curves, noise); `benchmarks/likeness.py` measures it.
USUAL_DISTANCE = 0.03


def load_encoder(name: str) -> Encoder:
    """The encoder by which faces are compared; raises `WeightsError`."""
    loaded = hub.load(name)
    if not isinstance(loaded.network, Encoder):
        raise WeightsError(f"{loaded.name} is no encoder.", remedy="install Vasari again: its encoder is another")
    return loaded.network.requires_grad_(False)


def face_of(pixels: Tensor, box: Box) -> Tensor:
    """A face of a picture [1 or 3, h, w] in sRGB as it is compared: [1, 1, 96, 96], of one tone and low pass."""
    height, width = pixels.shape[1:]
    more_rows, more_columns = AROUND * (box.bottom - box.top), AROUND * (box.right - box.left)
    top, bottom = max(0.0, box.top - more_rows) * height, min(1.0, box.bottom + more_rows) * height
    left, right = max(0.0, box.left - more_columns) * width, min(1.0, box.right + more_columns) * width
    seen = pixels[
        None, :, round(top) : max(round(top) + 1, round(bottom)), round(left) : max(round(left) + 1, round(right))
    ]
    grey = luma(seen.float().clamp(0, 1).expand(-1, 3, -1, -1))
    small = functional.interpolate(grey, (FACE_PX, FACE_PX), mode="bilinear", antialias=True, align_corners=False)
    smooth = _low_passed(small)
    toned = (smooth - smooth.mean()) / (smooth.std(correction=0) + _LEAST_DEVIATION) * DEVIATION + MEAN
    return toned.clamp(0, 1)


@torch.inference_mode()
def distance(before: Tensor, after: Tensor, encoder: Encoder) -> float:
    """How far a face [1, 1, 96, 96] is from another, each by `face_of`: 0 for the same, about 1 for unlike ones.

    At each depth, 1 minus the correlation of the features over channels and places of the ellipse, each channel less
    its mean there; the mean over the depths. By place and not by statistics: an eye that moves is another eye.
    """
    depths = max(COMPARED) + 1
    seen = encoder(torch.cat([before, after]).expand(-1, 3, -1, -1), depths)
    apart = []
    for depth in COMPARED:
        weight = _ellipse(seen[depth].shape[2])
        centered = seen[depth] - (seen[depth] * weight).sum((2, 3), keepdim=True) / weight.sum()
        first, second = centered[:1], centered[1:]
        shared = (first * second * weight).sum()
        size = ((first.square() * weight).sum() * (second.square() * weight).sum()).sqrt()
        apart.append(1 - float(shared / size.clamp(min=1e-9)))
    return max(0.0, sum(apart) / len(apart))


def distances(before: Tensor, after: Tensor, boxes: Sequence[Box], encoder: Encoder) -> tuple[float, ...]:
    """The distance of each face of a picture [1 or 3, h, w] from the same place of another of its proportions."""
    return tuple(distance(face_of(before, box), face_of(after, box), encoder) for box in boxes)


def _low_passed(grey: Tensor) -> Tensor:
    """[1, 1, h, w] less its finest detail, by a Gaussian; its border repeated."""
    reach = round(3 * LOW_PASS_PX)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / LOW_PASS_PX) ** 2)
    taps = taps / taps.sum()
    padded = functional.pad(grey, (reach, reach, reach, reach), mode="replicate")
    return functional.conv2d(functional.conv2d(padded, taps.view(1, 1, 1, -1)), taps.view(1, 1, -1, 1))


def _ellipse(side: int) -> Tensor:
    """What of a square of features counts, [side, side], 0..1."""
    places = (torch.arange(FACE_PX) + 0.5) * (2 / FACE_PX) - 1
    inside = (places[:, None] / TALL) ** 2 + (places[None, :] / WIDE) ** 2 < 1
    return functional.interpolate(inside.float()[None, None], (side, side), mode="area")[0, 0]
