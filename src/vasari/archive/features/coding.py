"""What the encoder says of pictures: style codes, their components, and embeddings."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vasari.archive.features.projections import Projection, bundled
from vasari.archive.features.reduced import Reduced
from vasari.foundation.devices import choose_device, choose_precision
from vasari.foundation.errors import WeightsError
from vasari.foundation.image_files import area_weights
from vasari.models import hub
from vasari.models.encoders import Encoder
from vasari.models.style import Moments, StyleCode, moments

#: Pixels at which a picture is embedded: forms count, and strokes little.
EMBEDDED_PIXELS = 256 * 256
#: Mean and deviation to which each channel is brought before embedding, and the least deviation that is stretched.
LEVEL, CONTRAST, SMALLEST_CONTRAST = 0.5, 0.2, 0.02


@dataclass(frozen=True, eq=False)
class Coder:
    """The encoder with the projections that were fitted on its codes; `precision` of its convolutions alone."""

    encoder: Encoder
    digest: str
    components: Projection
    embedding: Projection
    device: torch.device
    precision: torch.dtype

    @classmethod
    def of(cls, encoder: str = "encoder", device: str = "auto", precision: str = "auto") -> Coder:
        """Load an encoder by name or path, with the bundled projections.

        `device` and `precision` as in `foundation.devices`. Raises `WeightsError`, also where the projections
        belong to another encoder, and `PlanError`.
        """
        loaded = hub.load(encoder)
        if not isinstance(loaded.network, Encoder):
            raise WeightsError(f"{loaded.name} is no encoder.", remedy="name a model of the task encode")
        place = choose_device(device)
        network = loaded.network.requires_grad_(False)
        network = network.to(device=place, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(
            network,
            loaded.digest,
            bundled("style-components").for_encoder(loaded.digest),
            bundled("embedding").for_encoder(loaded.digest),
            place,
            choose_precision(precision, place),
        )

    @torch.inference_mode()
    def moments(self, pixels: Tensor) -> Moments:
        """Moments over places of pictures [N, 3, h, w] in 0..1, float32 on the CPU."""
        bfloat16 = self.precision == torch.bfloat16
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            features = self.encoder(pixels.to(self.device))
        found = moments(features)
        return Moments(tuple(one.cpu() for one in found.means), tuple(one.cpu() for one in found.deviations))


@dataclass(frozen=True, eq=False)
class Coded:
    """Pictures of one size with their codes, each computed when it is first asked for."""

    pictures: Sequence[Reduced]
    coder: Coder

    @functools.cached_property
    def style(self) -> np.ndarray:
        """Style codes as `StyleCode.vector` lays them out, float32 [N, 838]."""
        pixels = torch.stack([one.pixels for one in self.pictures])
        lab = np.stack([one.lab for one in self.pictures]).astype(np.float64)
        colors = np.concatenate([lab.mean((2, 3)), lab.std((2, 3))], 1)
        return np.concatenate([self.coder.moments(pixels).vector().numpy(), colors.astype(np.float32)], 1)

    @functools.cached_property
    def style_components(self) -> np.ndarray:
        """Style codes along the axes of the reference, float32 [N, 8]."""
        return self.coder.components(self.style)

    @functools.cached_property
    def embedding(self) -> np.ndarray:
        """Whitened moments of pictures whose channels were brought to one level and contrast, float32 [N, 128]."""
        pixels = torch.stack([leveled(one.pixels) for one in self.pictures])
        return unit(self.coder.embedding(unit(self.coder.moments(pixels).vector().numpy())))


def leveled(pixels: Tensor) -> Tensor:
    """Pixels [3, h, w] at `EMBEDDED_PIXELS`, each channel with mean `LEVEL` and deviation `CONTRAST`.

    Fading and casts are nearly a gain and an offset of each channel, which this takes away.
    """
    height, width = pixels.shape[1:]
    scale = min(1.0, math.sqrt(EMBEDDED_PIXELS / (height * width)))
    if scale < 1:
        down = area_weights(height, max(1, round(height * scale)))
        across = area_weights(width, max(1, round(width * scale)))
        pixels = down @ pixels @ across.T
    mean = pixels.mean((1, 2), keepdim=True)
    spread = pixels.std((1, 2), keepdim=True, correction=0).clamp(min=SMALLEST_CONTRAST)
    return (pixels - mean) / spread * CONTRAST + LEVEL


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors [N, d] brought to length 1; zeros stay."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def style_code(vector: np.ndarray, coder: Coder) -> StyleCode:
    """The `StyleCode` that the feature `style` [838] holds, for the stylizer and for means of periods."""
    parts = torch.from_numpy(np.array(vector, np.float32)).split([*coder.encoder.widths, *coder.encoder.widths, 6])
    depths = len(coder.encoder.widths)
    return StyleCode(parts[:depths], parts[depths : 2 * depths], parts[-1], coder.digest)
