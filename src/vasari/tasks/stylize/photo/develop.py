"""Give a picture a photograph's manner, tile by tile: a pixel depends on its surroundings and its place alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import periodic_noise
from vasari.foundation.image_color import srgb_decode, srgb_encode
from vasari.tasks.stylize.photo.manner import PhotoManner

# Softness and grain of the largest pictures end here, so that tiles need a halo that is known before the picture is.
MOST_BLUR_PX = 16.0
REACH = 3.0  # of a Gaussian, in deviations
HALO_PX = math.ceil(MOST_BLUR_PX * REACH)
_LEAST = 1e-4


def develop(pixels: Tensor, manner: PhotoManner, window: Tensor, seed: int = 0) -> Tensor:
    """Pixels [1, 3, h, w] sRGB in 0..1 in a manner: [1, 3, h, w] in 0..1.

    `window` [1, 4] is top, left, bottom, right of the tile in fractions of the picture. In the order of the making:
    softness (of the encoded values, as copies and scans blur them), vignette in linear light, colors or the plate's
    grey, the curve with its tint, grain, most in the middle tones.
    """
    top, left, bottom, right = window[0].double().tolist()
    rows, columns = round(pixels.shape[2] / (bottom - top)), round(pixels.shape[3] / (right - left))
    long_side = max(rows, columns)
    light = srgb_decode(blurred(pixels, manner.softness * long_side / 1000))
    light = light * _falloff(pixels.shape[2:], window, rows / columns, manner.vignette)
    encoded = _colored(srgb_encode(light.clamp(0, 1)), manner)
    toned = _curves(encoded, manner)
    if manner.grain:
        place = round(top * rows), round(left * columns)
        toned = toned + _grain(toned, manner, long_side, place, seed)
    return toned.clamp(0, 1)


def blurred(pixels: Tensor, deviation_px: float) -> Tensor:
    """A Gaussian blur of [1, C, h, w], edges repeated; none below 0.2 px, at most `MOST_BLUR_PX`."""
    deviation_px = min(deviation_px, MOST_BLUR_PX)
    if deviation_px < 0.2:
        return pixels
    reach = math.ceil(REACH * deviation_px)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=pixels.dtype) / deviation_px) ** 2)
    taps = (taps / taps.sum()).repeat(pixels.shape[1], 1, 1, 1)
    wide = functional.pad(pixels, (reach, reach, reach, reach), mode="replicate")
    across = functional.conv2d(wide, taps, groups=pixels.shape[1])
    return functional.conv2d(across, taps.mT, groups=pixels.shape[1])


def _falloff(size: torch.Size, window: Tensor, shape: float, vignette: float) -> Tensor:
    """The light that is left, [1, 1, h, w]: 1 in the middle, 1 - vignette in the corners, with r⁴ between."""
    top, left, bottom, right = window[0].double().tolist()
    y = top + (torch.arange(size[0], dtype=torch.float64) + 0.5) * ((bottom - top) / size[0]) - 0.5
    x = left + (torch.arange(size[1], dtype=torch.float64) + 0.5) * ((right - left) / size[1]) - 0.5
    squares = (y[:, None] * shape).square() + x[None].square()
    far = squares / (0.25 * (1 + shape**2))  # 1 in the corners
    return (1 - vignette * far.square()).float()[None, None]


def _colored(encoded: Tensor, manner: PhotoManner) -> Tensor:
    """What the material sees: grey by its sensitivity, or colors by its saturation about their luma."""
    weights = torch.tensor(manner.sensitivity).view(1, 3, 1, 1)
    luma = (encoded * (weights / weights.sum())).sum(1, keepdim=True)
    share = 0.0 if manner.grey else manner.saturation
    return (luma + share * (encoded - luma)).clamp(0, 1)


def _curves(encoded: Tensor, manner: PhotoManner) -> Tensor:
    """Each channel from black to white by a power that goes through the middle."""
    black, middle, white = (torch.tensor(one).view(1, 3, 1, 1) for one in (manner.black, manner.middle, manner.white))
    rise = ((middle - black) / (white - black).clamp(min=_LEAST)).clamp(0.02, 0.98)
    return black + (white - black) * encoded.clamp(min=0) ** (rise.log() / math.log(0.5))


def _grain(toned: Tensor, manner: PhotoManner, long_side: float, place: tuple[int, int], seed: int) -> Tensor:
    """Grain [1, 3, h, w] for what was toned, the same at a place whatever tile it lies in."""
    size_px = round(min(manner.grain_size * long_side / 1000, MOST_BLUR_PX), 2)
    planes = [periodic_noise.grains(4 * seed + channel, size_px) for channel in range(4)]
    common, *own = (periodic_noise.at(one, *place, *toned.shape[2:]) for one in planes)
    mixed = torch.stack([(1 - manner.grain_color) * common + manner.grain_color * one for one in own])[None]
    mixed = mixed / math.hypot(1 - manner.grain_color, manner.grain_color)
    luma = toned.mean(1, keepdim=True)
    return manner.grain * mixed * (4 * luma * (1 - luma)).clamp(min=0.15)
