"""The surveyor: from a thumbnail and evidence of age, what happened to the tone of the whole picture."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.evidence import EVIDENCE
from vasari.models.losses import luma

SURVEY_PX = 48  # what is surveyed: a square, whatever the picture's proportions
_QUANTILES = 24
_ZONES = ((0.0, 1.0), (0.0, 0.1), (0.1, 0.33), (0.33, 0.67), (0.67, 0.9), (0.9, 1.0))  # shares of luma's order
_STATISTICS = 5 * _QUANTILES + 4 * len(_ZONES) + 6
_KNOWN = _STATISTICS + EVIDENCE
_PIECES = 32
_FIELD = 6
_HIDDEN = 512
_TIE = 2e-3  # quantiles nearer than that are taken as so far apart: no curve is infinitely steep
_FARTHEST = 6.0  # deviations from the mean that count: what is unlike everything learned stays near it
_FURTHEST_MOVE = 0.1  # mean absolute move of luma, 0..1, that restrained moves come near and never pass
_CAUTION = 0.5  # color matrix and gain field are scaled by it: at 1, early steps overshoot and the pass unlearns


@dataclass(frozen=True)
class Survey:
    """What was told about the whole picture; N pictures.

    gain [N, 3, 6, 6]: logarithm of a coarse gain over the picture; start [N, 3] and slopes [N, 3, 32]:
    one monotone curve a channel; matrix [N, 3, 3] and offset [N, 3]: color after the curves; context
    [N, 128]: what steers the U-Net.
    """

    gain: Tensor
    start: Tensor
    slopes: Tensor
    matrix: Tensor
    offset: Tensor
    context: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> Survey:
        """The survey with `function` applied to each of its tensors, e.g. to move it to a device."""
        return Survey(**{item.name: function(getattr(self, item.name)) for item in fields(self)})


def quantiles(thumbnail: Tensor) -> Tensor:
    """[N, 3, h, w] -> [N, 5, 24]: quantiles of red, green, blue, luma and chroma, from 0.2 % to 99.8 %."""
    chroma = thumbnail.amax(1) - thumbnail.amin(1)
    planes = torch.cat([thumbnail, luma(thumbnail), chroma[:, None]], 1).flatten(2)
    inner = torch.linspace(0.0, 1.0, _QUANTILES - 2, device=thumbnail.device).clamp(0.01, 0.99)
    points = torch.cat([inner.new_tensor([0.002]), inner, inner.new_tensor([0.998])])
    ordered = planes.sort(dim=-1).values
    return ordered[..., (points * (ordered.shape[-1] - 1)).round().long()]


def statistics(thumbnail: Tensor, found: Tensor) -> Tensor:
    """[N, 3, h, w] and its quantiles -> [N, 150]: them, casts by zone of luma, spread and correlation of channels."""
    flat = thumbnail.flatten(2)
    order = luma(thumbnail).flatten(1).argsort(1)
    differences = torch.stack([flat[:, 0] - flat[:, 1], flat[:, 2] - flat[:, 1]], 1)
    ordered = differences.gather(2, order[:, None].expand(-1, 2, -1))
    count = flat.shape[2]
    described = []
    for low, high in _ZONES:
        zone = ordered[..., round(low * count) : round(high * count)]
        described += [zone.mean(2), zone.std(2, correction=0)]
    centered = flat - flat.mean(2, keepdim=True)
    spread = centered.square().mean(2).sqrt() + 0.01
    first, second = [0, 0, 1], [1, 2, 2]
    correlation = (centered[:, first] * centered[:, second]).mean(2) / (spread[:, first] * spread[:, second])
    return torch.cat([found.flatten(1), *described, correlation, spread.log()], 1)


def restrained(moves: Tensor) -> Tensor:
    """Moves of quantiles [N, 3, 24], all those of a picture shortened by one factor, the more the further they go.

    By 1 / sqrt(1 + (r / 0.1)²), r the mean absolute move of luma: small moves stay, the largest take luma 0.1 away. How
    far a picture faded is told surely only for material that training has seen (docs/decisions/0028-a-careful-tone.md).
    """
    furthest = luma(moves[..., None]).flatten(1).abs().mean(1) / _FURTHEST_MOVE
    return moves * (1 + furthest.square()).rsqrt()[:, None, None]


class Surveyor(nn.Module):
    """Thumbnail and evidence to `Survey`: tone by statistics, unevenness by a small convolutional net.

    Curves and matrix do not see the scene: some hundred photographs are soon known by heart, and then a picture is
    recognized where its fading should be. Each channel's curve is told by how far each of its
    quantiles must move, which is close to linear in what the statistics say; as values at fixed
    brightnesses the same curves were learned several times more slowly. What tells an old print from a
    new picture of soft light stands in the evidence (`vasari.models.evidence`). `mean` and `deviation`
    bring all of it to one scale; they belong to the weights (`standardize`).

    Departures from "nothing to do" are predicted, which is where a fresh one stands. (Multiplying them
    by learned gates was tried: the gates closed early, and nothing more was learned.)
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, context: int = 128) -> None:
        super().__init__()
        widths = (3, 24, 48, 64)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths))
        self.deep = nn.Conv2d(64, 64, 3, padding=1)
        self.register_buffer("mean", torch.full((_KNOWN,), 0.5))
        self.register_buffer("deviation", torch.full((_KNOWN,), 0.25))
        self.hidden = nn.Sequential(
            nn.Linear(_KNOWN, _HIDDEN),
            nn.SiLU(),
            nn.Dropout(0.15),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.SiLU(),
            nn.Dropout(0.15),
        )
        self.moves = nn.Linear(_HIDDEN, 3 * _QUANTILES)
        self.color = nn.Linear(_HIDDEN, 9 + 3)
        self.context = nn.Sequential(nn.Linear(_HIDDEN + 2 * 64, context), nn.SiLU())
        self.field = nn.Conv2d(64 + 32, 3, 1)
        self.field_context = nn.Linear(_HIDDEN, 32)
        for layer in (self.moves, self.color, self.field):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    @torch.no_grad()
    def standardize(self, thumbnails: Tensor, evidence: Tensor) -> None:
        """Take mean and deviation from the thumbnails [N, 3, h, w] and evidence [N, 103] that will be learned from."""
        found = torch.cat([statistics(part, quantiles(part)) for part in thumbnails.split(256)])
        found = torch.cat([found, evidence], 1)
        self.mean.copy_(found.mean(0))
        self.deviation.copy_(found.std(0, correction=0) + 0.01)

    @torch.no_grad()
    def still(self) -> None:
        """Let every survey from now on change no tone; its context stays as it is."""
        for layer in (self.moves, self.color, self.field):
            layer.weight.zero_()
            layer.bias.zero_()  # type: ignore[union-attr]

    def quantile_moves(self, thumbnail: Tensor, evidence: Tensor) -> Tensor:
        """[N, 3, h, w], [N, 103] -> [N, 3, 24]: how far each quantile of each channel must move; in float32."""
        with torch.autocast(thumbnail.device.type, enabled=False):
            return self._moves(self._hidden(thumbnail, quantiles(thumbnail), evidence))

    def _hidden(self, thumbnail: Tensor, found: Tensor, evidence: Tensor) -> Tensor:
        known = torch.cat([statistics(thumbnail, found), evidence], 1)
        return self.hidden(((known - self.mean) / self.deviation).clamp(-_FARTHEST, _FARTHEST))

    def _moves(self, hidden: Tensor) -> Tensor:
        return self.moves(hidden).unflatten(1, (3, _QUANTILES))

    @staticmethod
    def curves(values: Tensor, moves: Tensor) -> tuple[Tensor, Tensor]:
        """Start [N, 3] and slopes [N, 3, 32] of the curves through values + moves at values, both [N, 3, 24].

        To within their 33 knots; beyond the first and the last value a curve runs parallel to the
        diagonal. Slopes below 0.1 are bent so that they stay positive, which lifts what lies to the
        right of them: the curves are monotone whatever comes.
        """
        rise = _TIE * torch.arange(_QUANTILES, device=values.device)
        apart = ((values - rise).cummax(-1).values + rise).contiguous()
        even = torch.linspace(0.0, 1.0, _PIECES + 1, device=values.device)
        even = even.expand(*values.shape[:2], -1).contiguous()
        right = torch.searchsorted(apart, even).clamp(1, _QUANTILES - 1)
        first, last = apart.gather(2, right - 1), apart.gather(2, right)
        share = ((even - first) / (last - first)).clamp(0, 1)
        knots = even + torch.lerp(moves.gather(2, right - 1), moves.gather(2, right), share)
        slopes = knots.diff(dim=-1) * _PIECES
        bent = 0.01 / (0.2 - slopes.clamp(max=0.1))
        return knots[..., 0], torch.where(slopes > 0.1, slopes, bent)

    def forward(self, thumbnail: Tensor, evidence: Tensor) -> Survey:
        """Thumbnail [N, 3, 48, 48] in 0..1, evidence [N, 103] -> `Survey`; always in float32."""
        x = thumbnail * 2 - 1
        for layer in self.layers:
            x = functional.silu(layer(x))
        x = functional.silu(self.deep(x))
        scene = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        found = quantiles(thumbnail)
        hidden = self._hidden(thumbnail, found, evidence)
        start, slopes = self.curves(found[:, :3], restrained(self._moves(hidden)))
        matrix, offset = (_CAUTION * self.color(hidden)).split([9, 3], 1)
        cells = functional.adaptive_avg_pool2d(x, _FIELD)
        steering = self.field_context(hidden)[:, :, None, None].expand(-1, -1, _FIELD, _FIELD)
        gain = _CAUTION * self.field(torch.cat([cells, steering], 1))
        return Survey(
            gain=gain,
            start=start,
            slopes=slopes,
            matrix=torch.eye(3, device=x.device) + matrix.unflatten(1, (3, 3)),
            offset=offset,
            context=self.context(torch.cat([hidden, scene], 1)),
        )
