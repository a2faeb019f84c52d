"""The planes of a film's frames and sRGB pixels, both ways: matrix, range, bit depth and the resolution of colors.

The arithmetic is float32 by formula (ITU-T H.273, 8.3), not FFmpeg's integers, whose 16-bit results are up to a whole
8-bit level off. Chroma is laid out as in MPEG-2 and H.264 by default, on every second column and between rows. It is
enlarged by interpolation and reduced by the filter dual to it (the pairs of Le Gall & Tabatabai 1988 and of Cohen,
Daubechies & Feauveau 1992), so that pixels that are not changed come out as the samples they came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.video_formats import ColorTags, pyav
from vasari.foundation.video_layouts import MATRIX_WEIGHTS, Layout
from vasari.foundation.video_primaries import from_srgb_primaries, to_srgb_primaries


def planes_of(raw: Any, layout: Layout) -> list[np.ndarray]:
    """The sample planes of a frame of PyAV in the order of `layout.canonical`: uint8 or uint16 [rows, columns]."""
    if raw.format.name != layout.canonical:
        raw = raw.reformat(format=layout.canonical, threads=1)
    kind = np.uint8 if layout.depth == 8 else np.uint16
    found = []
    for plane in raw.planes:
        rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // np.dtype(kind).itemsize)
        found.append(rows[: plane.height, : plane.width])
    return found


def frame_of(planes: Sequence[np.ndarray], layout: Layout) -> Any:
    """A frame of PyAV that holds these planes."""
    height, width = planes[0].shape
    raw = pyav().VideoFrame(width, height, layout.canonical)
    for plane, samples in zip(raw.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // samples.dtype.itemsize), samples.dtype)
        rows[:, : plane.width] = samples
        plane.update(rows.tobytes())
    return raw


def to_srgb(planes: Sequence[np.ndarray], layout: Layout, tags: ColorTags) -> Tensor:
    """Planes to float32 [3, h, w] in sRGB encoding, 0..1 nominal: footroom, headroom and wide gamuts may leave it.

    `tags` are `settled`. The curves of standard dynamic range are taken for sRGB's, as on a computer's screen.
    """
    height, width = planes[0].shape
    if layout.rgb:
        green, blue, red = (torch.from_numpy(one.astype(np.float32)) / (2**layout.depth - 1) for one in planes[:3])
        return to_srgb_primaries(torch.stack([red, green, blue]), tags.primaries)
    luma = torch.from_numpy(planes[0].astype(np.float32))
    unit = float(2 ** (layout.depth - 8))
    top = float(2**layout.depth - 1)
    y = luma / top if tags.range == 2 else (luma / unit - 16) / 219
    if not layout.colored:
        return y.expand(3, -1, -1).clone()
    chroma = torch.from_numpy(np.stack([planes[1], planes[2]]).astype(np.float32))
    chroma = (chroma - 128 * unit) / top if tags.range == 2 else (chroma / unit - 128) / 224
    u, v = _enlarged(chroma, layout, height, width)
    kr, kb = MATRIX_WEIGHTS[tags.matrix]
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return to_srgb_primaries(torch.stack([red, green, blue]), tags.primaries)


def from_srgb(pixels: Tensor, layout: Layout, tags: ColorTags, alpha: np.ndarray | None = None) -> list[np.ndarray]:
    """The inverse of `to_srgb`, rounded and held within what the depth can say; `alpha` 0..1 [h, w], None: opaque."""
    pixels = from_srgb_primaries(pixels, tags.primaries)
    top = float(2**layout.depth - 1)
    unit = float(2 ** (layout.depth - 8))
    if layout.rgb:
        found = [_samples(one * top, layout) for one in (pixels[1], pixels[2], pixels[0])]
    else:
        kr, kb = MATRIX_WEIGHTS[tags.matrix]
        red, green, blue = pixels
        y = kr * red + (1 - kr - kb) * green + kb * blue
        found = [_samples(y * top if tags.range == 2 else (y * 219 + 16) * unit, layout)]
        if layout.colored:
            chroma = torch.stack([(blue - y) / (2 * (1 - kb)), (red - y) / (2 * (1 - kr))])
            chroma = _reduced(chroma, layout)
            chroma = chroma * top + 128 * unit if tags.range == 2 else (chroma * 224 + 128) * unit
            found += [_samples(one, layout) for one in chroma]
    if layout.alpha:
        opaque = np.ones(tuple(pixels.shape[1:]), np.float32)
        found.append(_samples(torch.from_numpy(opaque if alpha is None else alpha) * top, layout))
    return found


def alpha_of(planes: Sequence[np.ndarray], layout: Layout) -> np.ndarray | None:
    """The transparency of planes, 0..1 [h, w], or None where they have none."""
    return planes[-1].astype(np.float32) / (2**layout.depth - 1) if layout.alpha else None


def _samples(values: Tensor, layout: Layout) -> np.ndarray:
    kind = np.uint8 if layout.depth == 8 else np.uint16
    return values.round().clamp(0, 2**layout.depth - 1).numpy().astype(kind)


def _enlarged(chroma: Tensor, layout: Layout, height: int, width: int) -> Tensor:
    """[2, rows, columns] at the resolution of luma."""
    for step in reversed(range(layout.across)):
        chroma = _doubled_across(chroma)[..., : -(-width // 2**step)]
    for step in reversed(range(layout.down)):
        chroma = _doubled_down(chroma)[:, : -(-height // 2**step)]
    return chroma


def _reduced(chroma: Tensor, layout: Layout) -> Tensor:
    for _ in range(layout.across):
        chroma = _halved_across(chroma)
    for _ in range(layout.down):
        chroma = _halved_down(chroma)
    return chroma


def _doubled_across(x: Tensor) -> Tensor:
    """Samples stay on even columns, their means come between."""
    right = torch.cat([x[..., 1:], x[..., -1:]], -1)
    return torch.stack([x, (x + right) / 2], -1).flatten(-2)


def _halved_across(x: Tensor) -> Tensor:
    """(-1, 2, 6, 2, -1)/8 around every even column: undoes `_doubled_across`."""
    count = -(-x.shape[-1] // 2)
    padded = functional.pad(x, (2, 2 * count - x.shape[-1] + 2), mode="replicate")
    taps = [padded[..., start : start + 2 * count : 2] for start in range(5)]
    return (6 * taps[2] + 2 * (taps[1] + taps[3]) - taps[0] - taps[4]) / 8


def _doubled_down(x: Tensor) -> Tensor:
    """Two rows for each, a quarter of a row's distance above and below it."""
    above = torch.cat([x[:, :1], x[:, :-1]], 1)
    below = torch.cat([x[:, 1:], x[:, -1:]], 1)
    return torch.stack([0.75 * x + 0.25 * above, 0.75 * x + 0.25 * below], 2).flatten(1, 2)


def _halved_down(x: Tensor) -> Tensor:
    """(-1, 3, 3, -1)/4 around every second gap between rows: undoes `_doubled_down`."""
    count = -(-x.shape[1] // 2)
    padded = functional.pad(x, (0, 0, 1, 2 * count - x.shape[1] + 1), mode="replicate")
    taps = [padded[:, start : start + 2 * count : 2] for start in range(4)]
    return (3 * (taps[1] + taps[2]) - taps[0] - taps[3]) / 4
