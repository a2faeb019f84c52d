"""What a style is to Vasari: the statistics of an encoder's features at several depths, and those of colors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WeightsError
from vasari.foundation.lab import srgb_to_lab
from vasari.models.encoders import Encoder
from vasari.models.model_files import STYLE_HEADER, header_entry, read

SMALLEST_DEVIATION = 1e-2  # a flat channel has none; below this it is not stretched
CODED_PX = 512  # the short side at which pictures are brought to their code


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and deviation of every channel at every depth: tuples of [N, channels] float32."""

    means: tuple[Tensor, ...]
    deviations: tuple[Tensor, ...]

    def toward(self, other: Moments, share: float) -> Moments:
        """These (share 0) to the other (1), linearly."""
        return Moments(
            tuple(torch.lerp(a, b, share) for a, b in zip(self.means, other.means, strict=True)),
            tuple(torch.lerp(a, b, share) for a, b in zip(self.deviations, other.deviations, strict=True)),
        )

    def vector(self) -> Tensor:
        """[N, 2 × all channels]: means, then deviations."""
        return torch.cat([*self.means, *self.deviations], 1)


def moments(features: Sequence[Tensor]) -> Moments:
    """The moments of features [N, C, h, w] over their places, in float32."""
    flat = [one.float().flatten(2) for one in features]
    return Moments(tuple(one.mean(2) for one in flat), tuple(one.std(2, correction=0) for one in flat))


def normalized_as(features: Tensor, content: Moments, style: Moments, depth: int) -> Tensor:
    """Features [N, C, h, w] with the content's moments taken off and the style's put on, in their own type.

    Adaptive instance normalization (Huang & Belongie 2017, arXiv:1703.06868, eq. 8), with given moments.
    """
    gain = style.deviations[depth] / content.deviations[depth].clamp(min=SMALLEST_DEVIATION)
    offset = style.means[depth] - gain * content.means[depth]
    return torch.addcmul(
        offset[:, :, None, None].to(features.dtype), features, gain[:, :, None, None].to(features.dtype)
    )


@dataclass(frozen=True, eq=False)
class StyleCode:
    """A style: per depth of an encoder the mean and deviation of its channels ([C] float32), and colors.

    `lab` [6] holds mean, then deviation, of L*, a*, b* (CIE 1976, D65); `encoder` is the SHA-256 of the encoder's
    weights: codes of different encoders cannot be compared or mixed.
    """

    means: tuple[Tensor, ...]
    deviations: tuple[Tensor, ...]
    lab: Tensor
    encoder: str

    @classmethod
    @torch.inference_mode()
    def of(cls, pixels: Tensor, encoder: Encoder, digest: str) -> StyleCode:
        """The code of a picture [3, h, w] in 0..1; `digest` is that of the encoder's weights."""
        device = next(encoder.parameters()).device
        found = moments(encoder(pixels[None].to(device)))
        lab = srgb_to_lab(pixels.double().cpu()).flatten(1)
        colors = torch.cat([lab.mean(1), lab.std(1, correction=0)]).float()
        return cls(
            tuple(one[0].cpu().clone() for one in found.means),
            tuple(one[0].cpu().clone() for one in found.deviations),
            colors,
            digest,
        )

    @staticmethod
    def mean(codes: Sequence[StyleCode], weights: Sequence[float] | None = None) -> StyleCode:
        """The weighted mean of codes; weights need not sum to 1. Raises `WeightsError` where it has none.

        Means and deviations are averaged linearly, each by itself: the code of a period is as varied as one of its
        pictures, not as all of them laid side by side.
        """
        shares = [1.0] * len(codes) if weights is None else [float(one) for one in weights]
        if not codes or len(shares) != len(codes) or min(shares) < 0 or sum(shares) <= 0:
            raise WeightsError(
                f"{len(codes)} style codes and the weights {shares} have no mean.",
                remedy="give a weight of 0 or more for each code, one of them above 0",
            )
        encoder = codes[0].encoder
        if any(one.encoder != encoder for one in codes):
            raise WeightsError(
                "The style codes come from different encoders and cannot be mixed.",
                remedy="make them again from their pictures with the encoder at hand",
            )
        whole = sum(shares)
        parts = [share / whole for share in shares]

        def mixed(values: Sequence[Tensor]) -> Tensor:
            return torch.stack([part * one for part, one in zip(parts, values, strict=True)]).sum(0)

        depths = range(len(codes[0].means))
        return StyleCode(
            tuple(mixed([one.means[d] for one in codes]) for d in depths),
            tuple(mixed([one.deviations[d] for one in codes]) for d in depths),
            mixed([one.lab for one in codes]),
            encoder,
        )

    def toward(self, other: StyleCode, share: float) -> StyleCode:
        """This style (share 0) to the other (1), linearly."""
        return StyleCode.mean((self, other), (1 - share, share))

    def moments(self) -> Moments:
        """For the stylizer: a batch of one."""
        return Moments(tuple(one[None] for one in self.means), tuple(one[None] for one in self.deviations))

    def vector(self) -> Tensor:
        """[d] float32: means and deviations of all depths, then `lab`; for storing, searching and comparing."""
        return torch.cat([*self.means, *self.deviations, self.lab])

    def save(self, path: str | Path, facts: dict[str, str] | None = None) -> Path:
        """Write a safetensors file, with `facts` (title, artist, source, rights ...) in its header."""
        tensors = {f"mean.{d}": one.contiguous() for d, one in enumerate(self.means)}
        tensors |= {f"deviation.{d}": one.contiguous() for d, one in enumerate(self.deviations)}
        header = json.dumps({"encoder": self.encoder, "facts": facts or {}}, sort_keys=True, ensure_ascii=False)
        write_whole(Path(path), to_safetensors({**tensors, "lab": self.lab.contiguous()}, {STYLE_HEADER: header}))
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> StyleCode:
        """Read what `save` wrote; raises `WeightsError` for anything else."""
        return read_style(path)[0]


def read_style(path: str | Path) -> tuple[StyleCode, dict[str, str]]:
    """A saved style code and its facts; raises `WeightsError` where the file is none."""
    data = read(Path(path))
    try:
        tensors = from_safetensors(data)
        header = header_entry(data, STYLE_HEADER)
        depths = range(sum(name.startswith("mean.") for name in tensors))
        code = StyleCode(
            tuple(tensors[f"mean.{d}"].float() for d in depths),
            tuple(tensors[f"deviation.{d}"].float() for d in depths),
            tensors["lab"].float(),
            str(header["encoder"]),
        )
        return code, {str(name): str(value) for name, value in header["facts"].items()}
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{Path(path).name} is no style code.",
            remedy="name a file that `vasari styles add` or StyleCode.save wrote",
        ) from error
