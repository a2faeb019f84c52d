"""Motion between two frames: dense optical flow both ways, where it can be trusted, and pixels moved along it.

A flow [2, h, w] holds, for each pixel of one frame, how many columns and rows to the right and down its likeness lies
in the other frame. The flow is OpenCV's DIS (Kroeger et al. 2016, arXiv:1603.03590), which does not depend on the
number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import image_files
from vasari.foundation.video_formats import opencv

#: Long side, in pixels, at which flow is looked for; larger frames are reduced for it.
FLOW_PX = 1280
#: The sides of a frame that flow can be found in; smaller ones are taken to stand still.
LEAST_SIDE_PX = 32
# Finer steps between patches, or more iterations, took twice the time and were no nearer to known motion.
_PATCH_STRIDE_PX, _ITERATIONS = 4, 12
# Pixels across and down whose flow is guessed together where it is not known.
_FILLED_AT = 4


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion between a frame and the next.

    `onward` is the flow from the first to the second, `back` from the second to the first, [2, h, w] in pixels;
    `seen_onward` [1, h, w] is 1 where a pixel of the first is seen in the second too, else 0, `seen_back` likewise.
    """

    onward: Tensor
    back: Tensor
    seen_onward: Tensor
    seen_back: Tensor


def motion(first: Tensor, second: Tensor) -> Motion:
    """The motion between two frames [3, h, w] in sRGB; raises `MissingExtraError` without the extra `film`."""
    one, two = _grey(first), _grey(second)
    height, width = first.shape[1:]
    onward, back = _flow(one, two, height, width), _flow(two, one, height, width)
    return Motion(onward, back, seen(onward, back), seen(back, onward))


def warp(pixels: Tensor, flow: Tensor, mode: str = "bicubic") -> Tensor:
    """Pixels [c, h, w] of the other frame fetched along a flow [2, h, w] of this one; beyond the border, the border."""
    height, width = flow.shape[1:]
    columns = torch.arange(width, dtype=torch.float32) + flow[0]
    rows = torch.arange(height, dtype=torch.float32)[:, None] + flow[1]
    grid = torch.stack([columns * (2 / width) + (1 / width - 1), rows * (2 / height) + (1 / height - 1)], -1)
    return functional.grid_sample(pixels[None], grid[None], mode=mode, padding_mode="border", align_corners=False)[0]


def seen(flow: Tensor, other: Tensor) -> Tensor:
    """1 where a pixel's flow can be trusted, else 0: [2, h, w] twice -> [1, h, w].

    Not where the flow back does not lead home again (Sundaram, Brox & Keutzer 2010, eq. 5), which tells what is
    hidden in the other frame; not at motion boundaries (eq. 6); not where it leads out of the picture.
    """
    height, width = flow.shape[1:]
    home = warp(other, flow, "bilinear")
    astray = (flow + home).square().sum(0)
    lengths = flow.square().sum(0) + home.square().sum(0)
    trusted = astray <= 0.01 * lengths + 0.5
    across, down = torch.zeros_like(flow), torch.zeros_like(flow)
    across[:, :, :-1] = flow[:, :, 1:] - flow[:, :, :-1]
    down[:, :-1] = flow[:, 1:] - flow[:, :-1]
    bent = across.square().sum(0) + down.square().sum(0)
    trusted &= bent <= 0.01 * flow.square().sum(0) + 0.002
    columns = torch.arange(width) + flow[0]
    rows = torch.arange(height)[:, None] + flow[1]
    trusted &= (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)
    return trusted[None].float()


def filled(flow: Tensor, known: Tensor) -> Tensor:
    """The flow [2, h, w] with what is not known [1, h, w] taken from its surroundings, near ones first.

    Normalized convolution (Knutsson & Westin 1993) with boxes of growing size, at a quarter of the resolution: what
    is guessed is smooth anyway.
    """
    height, width = flow.shape[1:]
    weight = _reduced(known)
    result = _reduced(flow * known) / weight.clamp(min=1e-6)
    left = (weight > 0).float()
    size = 3
    while bool((left == 0).any()) and size < 4 * max(left.shape[1:]):
        around = _blurred(left, size)
        new = (left == 0) & (around > 0.02)
        result = torch.where(new, _blurred(result * left, size) / around.clamp(min=1e-6), result)
        left = torch.where(new, torch.ones_like(left), left)
        size = size * 2 + 1
    guess = functional.interpolate((result * left)[None], (height, width), mode="bilinear", align_corners=False)[0]
    return torch.where(known > 0, flow, guess)


def _reduced(x: Tensor) -> Tensor:
    """The means of squares of `_FILLED_AT` pixels, those cut off by the border included."""
    return functional.avg_pool2d(x[None], _FILLED_AT, ceil_mode=True, count_include_pad=False)[0]


def _blurred(x: Tensor, size: int) -> Tensor:
    """The mean over a box of `size` pixels, across and down."""
    x = functional.avg_pool2d(x[None], (1, size), stride=1, padding=(0, size // 2))
    return functional.avg_pool2d(x, (size, 1), stride=1, padding=(size // 2, 0))[0]


def _grey(frame: Tensor) -> np.ndarray:
    """Luma (BT.601), uint8 [rows, columns], at most `FLOW_PX` long."""
    red, green, blue = image_files.shrink(frame, FLOW_PX) if max(frame.shape[1:]) > FLOW_PX else frame
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return (luma.clamp(0, 1) * 255).round().numpy().astype(np.uint8)


def _flow(first: np.ndarray, second: np.ndarray, height: int, width: int) -> Tensor:
    """The flow from one luma to another, for frames of height × width."""
    rows, columns = first.shape
    if min(rows, columns) < LEAST_SIDE_PX:
        return torch.zeros(2, height, width)
    cv2 = opencv()
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setPatchStride(_PATCH_STRIDE_PX)
    finder.setGradientDescentIterations(_ITERATIONS)
    found = torch.from_numpy(finder.calc(first, second, None)).permute(2, 0, 1).contiguous()
    if (rows, columns) == (height, width):
        return found
    scale = torch.tensor([width / columns, height / rows])[:, None, None]
    return functional.interpolate(found[None], (height, width), mode="bilinear", align_corners=False)[0] * scale
