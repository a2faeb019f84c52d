"""Style pictures to style codes, by an encoder that is loaded once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation import image_files
from vasari.foundation.errors import WeightsError
from vasari.foundation.image_color import srgb_encode
from vasari.foundation.picture import Picture, Space
from vasari.models import hub
from vasari.models.encoders import Encoder
from vasari.models.style import CODED_PX, StyleCode, read_style
from vasari.tasks.stylize import styles

# What may be given as a style: a name or a path, a picture, an array as `Picture.from_array` takes it, or a code.
Source = str | Path | Picture | np.ndarray | StyleCode

N = TypeVar("N", bound=nn.Module)

CPU = torch.device("cpu")
# A long strip of a picture is coded at a smaller size, lest its features fill the memory.
MOST_PIXELS = 6 << 20


@dataclass(frozen=True, eq=False)
class Coder:
    """An encoder with its name and the digest that its codes carry."""

    encoder: Encoder
    name: str
    digest: str

    @classmethod
    def of(cls, name: str, device: torch.device = CPU) -> Coder:
        """Load the encoder of a name or a path; raises `WeightsError`."""
        loaded = hub.load(name)
        if not isinstance(loaded.network, Encoder):
            raise WeightsError(
                f"{loaded.name} is no encoder.", remedy="name a model of the task encode, or leave it out"
            )
        network = loaded.network.requires_grad_(False)
        network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, loaded.name, loaded.digest)

    def check_trained_with(self, model: hub.Loaded) -> None:
        """Raise `WeightsError` where a model names another encoder in its header as the one it was trained with."""
        if model.recipe.get("encoder", {}).get("digest", self.digest) != self.digest:
            raise WeightsError(
                f"{model.name} was trained with another encoder than {self.name}.",
                remedy="name the one it was trained with: --encoder PATH",
            )

    def code(self, pixels: Tensor) -> StyleCode:
        """The code of pixels [3, h, w] in 0..1, at the size they have."""
        return StyleCode.of(pixels, self.encoder, self.digest)


def with_its_coder(
    kind: type[N], model: str, encoder: str, device: torch.device, *, lacks: str, remedy: str
) -> tuple[N, Coder]:
    """A network of a `kind` that sees through an encoder, frozen, and that encoder; both are loaded anew.

    Raises `WeightsError`: for a model of another kind, which `lacks` something ("which does not color") and has a
    `remedy`, and for another encoder than it was trained with.
    """
    coder, loaded = Coder.of(encoder, device), hub.load(model)
    if not isinstance(loaded.network, kind):
        raise WeightsError(f"{loaded.name} is a {loaded.recipe['network']['name']}, {lacks}.", remedy=remedy)
    coder.check_trained_with(loaded)
    network = loaded.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.requires_grad_(False), coder


def style_code(picture: Source, *, scale: float = 1.0, encoder: str = "encoder") -> StyleCode:
    """The code of a picture, to be kept, averaged, and given as a style in its place.

    `picture` is a path, a `Picture` or an array; `scale` the size of its strokes, as `StylizePlan.style_scale`. A
    saved code or a named style is read, and comes back as it is. Raises `PlanError`, `PictureError`, `WeightsError`.
    """
    saved = saved_code(picture)
    return saved if saved is not None else Coder.of(encoder).code(sized(picture, scale))


def saved_code(source: Source) -> StyleCode | None:
    """The code that a source is or names; None for pictures."""
    if isinstance(source, StyleCode):
        return source
    if isinstance(source, (str, Path)):
        found = styles.find(str(source))
        return read_style(found.path)[0] if found.is_code else None
    return None


def sized(source: Source, scale: float) -> Tensor:
    """A style picture float32 [3, h, w] in 0..1, its short side `scale` times 512 px; raises `PictureError`."""
    if isinstance(source, (str, Path)):
        header = image_files.inspect(styles.find(str(source)).path)
        height, width = coded_size(header.height, header.width, scale)
        # Not read larger than needed: a style may be a gigapixel scan.
        return resized(within(source, max(height, width)), height, width)
    pixels = within(source, None)
    return resized(pixels, *coded_size(pixels.shape[1], pixels.shape[2], scale))


def within(source: Source, long_side_px: int | None) -> Tensor:
    """A style picture float32 [3, h, w] in 0..1, averaged down to a long side where it is larger."""
    if isinstance(source, (str, Path)):
        path = styles.find(str(source)).path
        pixels = image_files.thumbnail(path, long_side_px) if long_side_px else image_files.read(path).pixels
    else:
        pixels = _pixels(source)
        pixels = image_files.shrink(pixels, long_side_px) if long_side_px else pixels
    return pixels.expand(3, -1, -1).clamp(0, 1)


def _pixels(source: Picture | np.ndarray | StyleCode) -> Tensor:
    if isinstance(source, StyleCode):
        raise WeightsError("A style code is no picture.", remedy="give the picture that it was made of")
    picture = Picture.from_array(source) if isinstance(source, np.ndarray) else source
    return srgb_encode(picture.pixels) if picture.space is Space.LINEAR else picture.pixels


def resized(pixels: Tensor, height: int, width: int) -> Tensor:
    """Pixels [3, h, w] brought to a size, in 0..1."""
    if tuple(pixels.shape[1:]) != (height, width):
        pixels = functional.interpolate(pixels[None], (height, width), mode="bicubic", antialias=True)[0]
    return pixels.clamp(0, 1)


def coded_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """The size at which a picture is coded: short side `scale` times 512 px, within `MOST_PIXELS`."""
    factor = min(scale * CODED_PX / min(height, width), math.sqrt(MOST_PIXELS / (height * width)))
    return max(1, round(height * factor)), max(1, round(width * factor))
