"""Picture files to pixels of a fixed count, and to pooled features, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from vasari.foundation.errors import PictureError
from vasari.foundation.image_color import srgb_encode
from vasari.foundation.picture import Picture, Space
from vasari.models.pooling import PooledFeatures
from vasari.tasks.data.decoding import decode
from vasari.tasks.data.entries import FileReader

MULTIPLE_OF = 16
Advance = Callable[[int, int], None]  # pictures done, pictures in all


@dataclass(frozen=True)
class Read:
    """A picture as networks see it: float32 [3, h, w] in 0..1 sRGB, and the SHA-256 of its file."""

    pixels: Tensor
    sha256: str


@dataclass(frozen=True)
class Extracted:
    """Features [n, d] of the pictures that could be read, their positions and hashes, and (position, reason) of others.

    `repeats` are positions whose file is, byte for byte, that of an earlier one; they have no features.
    """

    vectors: Tensor
    positions: tuple[int, ...]
    hashes: tuple[str, ...]
    broken: tuple[tuple[int, str], ...]
    repeats: tuple[int, ...]


def read_pixels(path: str | Path, px: int) -> Read:
    """A picture upright, in sRGB, resized to about px × px pixels in its own proportions; raises `PictureError`.

    Every picture has the same number of pixels (sides are multiples of 16), so that large and small scans are
    measured alike. The ends of a strip longer than four times its short side are cut, as in training.
    """
    try:
        data = FileReader(Path(path))()
        picture = Image.fromarray(decode(data, 2 * px, "rgb", "none").pixels)
    except Exception as error:  # whatever a decoder makes of a damaged file
        raise PictureError(
            f"{Path(path).name} cannot be read as a picture: {_reason(error)}.",
            remedy="name a picture that opens in a viewer",
        ) from error
    return Read(_sized(picture, px), hashlib.sha256(data).hexdigest())


def _reason(error: Exception) -> str:
    """What was wrong; Pillow names the object in memory where it knows no format."""
    if isinstance(error, UnidentifiedImageError):
        return "it is in no format that is known, or damaged"
    return str(error) or type(error).__name__


def picture_pixels(picture: Picture | np.ndarray, px: int) -> Tensor:
    """A picture in memory, or an array as `Picture.from_array` takes it, as `read_pixels` gives one of a file."""
    ready = Picture.from_array(picture) if isinstance(picture, np.ndarray) else picture
    pixels = srgb_encode(ready.pixels) if ready.space is Space.LINEAR else ready.pixels
    bytes_ = (pixels.expand(3, -1, -1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
    return _sized(Image.fromarray(bytes_), px)


def _sized(picture: Image.Image, px: int) -> Tensor:
    """float32 [3, h, w] of about px × px pixels, sides multiples of 16."""
    width, height = picture.size
    stretch = px / (width * height) ** 0.5
    columns, rows = (max(MULTIPLE_OF, round(side * stretch / MULTIPLE_OF) * MULTIPLE_OF) for side in (width, height))
    pixels = np.asarray(picture.resize((columns, rows), Image.Resampling.LANCZOS))
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float().div_(255.0)


@torch.inference_mode()
def extracted(
    paths: Iterable[Path], features: PooledFeatures, px: int, advance: Advance = lambda done, all: None
) -> Extracted:
    """The pooled features of pictures; those that cannot be read, and exact repeats, are told and passed over."""
    listed = list(paths)
    vectors, positions, hashes, broken, repeats = [], [], [], [], []
    seen: set[str] = set()
    for position, path in enumerate(listed):
        try:
            read = read_pixels(path, px)
        except PictureError as error:
            broken.append((position, error.message))
            continue
        finally:
            advance(position + 1, len(listed))
        if read.sha256 in seen:
            repeats.append(position)
            continue
        seen.add(read.sha256)
        vectors.append(features(read.pixels[None])[0])
        positions.append(position)
        hashes.append(read.sha256)
    stacked = torch.stack(vectors) if vectors else torch.zeros(0, 1)
    return Extracted(stacked.clone(), tuple(positions), tuple(hashes), tuple(broken), tuple(repeats))
