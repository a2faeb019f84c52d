"""What a bench puts before a method: a picture that something was done to, the truth, and to which group it belongs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from vasari.foundation.picture import Picture

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Case:
    """One task for a method.

    `name` is a file's name without an ending, and unique; `photo` the picture it was made of, which is the unit of all
    intervals; `groups` what it is counted under, such as {"era": "albumen"}. `given` and `truth` float32 [3, h, w] in
    sRGB (`truth` in 8-bit steps 0..1; `given` may leave the range); `hole` bool [h, w], True where missing; `style` a
    picture [3, h', w']. `channels`: "rgb", or "luma" for grey material.
    """

    name: str
    photo: str
    groups: Mapping[str, str]
    given: Tensor
    truth: Tensor
    channels: str = "rgb"
    hole: Array | None = None
    style: Tensor | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """SHA-256 of all that a result and its score depend on."""
        found = hashlib.sha256(self.channels.encode())
        for one in (self.given, self.truth, self.style):
            if one is not None:
                found.update(repr(tuple(one.shape)).encode())
                found.update(one.contiguous().numpy().tobytes())
        if self.hole is not None:
            found.update(np.packbits(self.hole).tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Cases:
    """How many cases a bench has, and `each`, which makes them from the first, the same ones at every call.

    They are not kept: a bench may have thousands.
    """

    count: int
    each: Callable[[], Iterator[Case]]


def as_saved(pixels: Tensor) -> Tensor:
    """Pixels as an 8-bit file would hold them: float32 0..1 in steps of 1/255."""
    return (pixels.float().clamp(0, 1) * 255).round() / 255


def picture_of(pixels: Tensor, depth: int = 8) -> Picture:
    """A picture of pixels [3, h, w], to be written with `depth` bits."""
    return Picture(pixels.contiguous(), depth=depth)
