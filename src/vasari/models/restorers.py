"""The restorer: a global pass over a thumbnail undoes fading and casts, a dense U-Net does the rest.

The two passes are kept apart so that a scan of any size can be restored in tiles: everything that
needs the whole picture is decided once, from the thumbnail (`survey`), and handed to every tile.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.blocks import SteeredStack, apply_curves, window_field

THUMBNAIL_PX = 96  # what callers bring, on the long side
SURVEY_PX = 48  # what is surveyed: a square, whatever the picture's proportions
_QUANTILES = 24
_PIECES = 16
_FIELD = 6
_CAUTION = 0.5  # outputs of the tone heads are scaled by it: at 1, early steps overshoot and the pass unlearns


@dataclass(frozen=True)
class Survey:
    """What the thumbnail told about the whole picture; N pictures.

    gain [N, 3, 6, 6]: logarithm of a coarse gain over the picture; start [N, 3] and slopes [N, 3, 16]:
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


@dataclass(frozen=True)
class Restored:
    """toned [N, 3, h, w]: fading and casts undone; picture [N, 3, h, w]: restored; damage [N, 1, h, w]: 0..1."""

    toned: Tensor
    picture: Tensor
    damage_logits: Tensor

    @property
    def damage(self) -> Tensor:
        """Probability 0..1 that a pixel was covered by a defect and had to be invented."""
        return torch.sigmoid(self.damage_logits.float())


class Surveyor(nn.Module):
    """Thumbnail to `Survey`: sorted pixel values and a small convolutional net, then one hidden layer.

    Predicts departures from "nothing to do", which is where a fresh one stands. (Multiplying them by
    learned gates was tried: the gates closed early, and nothing more was learned.)
    """

    def __init__(self, context: int = 128) -> None:
        super().__init__()
        widths = (3, 48, 96, 128)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths))
        self.deep = nn.Conv2d(128, 128, 3, padding=1)
        statistics = 5 * _QUANTILES + 2 * 128
        # No normalization of what enters: how bright and how flat a picture is tells how it faded.
        self.hidden = nn.Sequential(nn.Linear(statistics, 512), nn.SiLU(), nn.Linear(512, 256), nn.SiLU())
        # Three hundred photographs are soon known by heart: what is seen of the scene is dropped half the time.
        self.forget = nn.Dropout(0.5)
        self.tone = nn.Linear(256, 3 * (_PIECES + 1) + 9 + 3)
        self.context = nn.Sequential(nn.Linear(256, context), nn.SiLU())
        self.field = nn.Conv2d(128 + 32, 3, 1)
        self.field_context = nn.Linear(256, 32)
        for layer in (self.tone, self.field):
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    @staticmethod
    def statistics(thumbnail: Tensor) -> Tensor:
        """[N, 3, h, w] -> [N, 120]: quantiles of red, green, blue, luma and chroma, from 0.2 % to 99.8 %."""
        red, green, blue = thumbnail.unbind(1)
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        chroma = thumbnail.amax(1) - thumbnail.amin(1)
        planes = torch.stack([red, green, blue, luma, chroma], 1).flatten(2)
        inner = torch.linspace(0.0, 1.0, _QUANTILES - 2, device=thumbnail.device).clamp(0.01, 0.99)
        ends = torch.tensor([0.002, 0.998], device=thumbnail.device)
        points = torch.cat([ends[:1], inner, ends[1:]])
        ordered = planes.sort(dim=-1).values
        index = (points * (ordered.shape[-1] - 1)).round().long()
        return ordered[..., index].flatten(1)

    @staticmethod
    def curves(moves: Tensor) -> tuple[Tensor, Tensor]:
        """Start [N, 3] and slopes [N, 3, 16] of curves from how far each of 17 knots moves up, [N, 3, 17].

        Slopes below 0.1 are bent so that they stay positive: the curves are monotone whatever comes.
        """
        knots = moves + torch.linspace(0.0, 1.0, _PIECES + 1, device=moves.device)
        slopes = knots.diff(dim=-1) * _PIECES
        bent = 0.1 * torch.exp((slopes.clamp(max=0.1) - 0.1) / 0.1)
        return knots[..., 0], torch.where(slopes > 0.1, slopes, bent)

    def forward(self, thumbnail: Tensor) -> Survey:
        """[N, 3, 48, 48] in 0..1 -> `Survey`; always in float32."""
        x = thumbnail * 2 - 1
        for layer in self.layers:
            x = functional.silu(layer(x))
        x = functional.silu(self.deep(x))
        pooled = self.forget(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))
        hidden = self.hidden(torch.cat([self.statistics(thumbnail) * 4 - 2, pooled], 1))
        moves, matrix, offset = (_CAUTION * self.tone(hidden)).split([3 * (_PIECES + 1), 9, 3], 1)
        start, slopes = self.curves(moves.unflatten(1, (3, _PIECES + 1)))
        cells = functional.adaptive_avg_pool2d(x, _FIELD)
        steering = self.field_context(hidden)[:, :, None, None].expand(-1, -1, _FIELD, _FIELD)
        gain = _CAUTION * self.field(torch.cat([cells, steering], 1))
        return Survey(
            gain=gain,
            start=start,
            slopes=slopes,
            matrix=torch.eye(3, device=x.device) + matrix.unflatten(1, (3, 3)),
            offset=offset,
            context=self.context(hidden),
        )


class Restorer(nn.Module):
    """Undo fading and casts, then grain, blur, compression, scratches, dust and folds.

    Departs from U-Net (Ronneberger et al. 2015, arXiv:1505.04597) in that it works on 2×2 pixel
    blocks (pixel-unshuffle, as FFDNet, arXiv:1710.04026), adds skips instead of joining them, has no
    normalization, and is steered by the survey of the whole picture. `multiple_of` is 8.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (64, 128, 192),
        depths: tuple[int, int, int, int, int] = (1, 1, 4, 2, 1),
        context: int = 128,
    ) -> None:
        super().__init__()
        high, middle, low = widths
        self.surveyor = Surveyor(context)
        self.head = nn.Conv2d(12, high, 3, padding=1)
        self.down_stack_1 = SteeredStack(high, context, depths[0])
        self.down_1 = nn.Conv2d(high, middle, 2, stride=2)
        self.down_stack_2 = SteeredStack(middle, context, depths[1])
        self.down_2 = nn.Conv2d(middle, low, 2, stride=2)
        self.bottom = SteeredStack(low, context, depths[2])
        self.up_2 = nn.Conv2d(low, middle, 1)
        self.up_stack_2 = SteeredStack(middle, context, depths[3])
        self.up_1 = nn.Conv2d(middle, high, 1)
        self.up_stack_1 = SteeredStack(high, context, depths[4])
        self.tail = nn.Conv2d(high, 16, 3, padding=1)
        nn.init.normal_(self.tail.weight, std=1e-3)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def survey(self, thumbnail: Tensor) -> Survey:
        """The global pass: thumbnail [N, 3, h, w] of the whole picture, 0..1 sRGB, h and w at least `SURVEY_PX`.

        It is averaged down to a square of `SURVEY_PX`, whatever its proportions.
        """
        with torch.autocast(thumbnail.device.type, enabled=False):
            size = (SURVEY_PX, SURVEY_PX)
            return self.surveyor(functional.interpolate(thumbnail.float(), size, mode="area"))

    def tone(self, pixels: Tensor, survey: Survey, window: Tensor) -> Tensor:
        """Fading and casts undone only: pixels [N, 3, h, w], window [N, 4] -> [N, 3, h, w] float32."""
        with torch.autocast(pixels.device.type, enabled=False):
            gain = window_field(survey.gain, window, pixels.shape[2], pixels.shape[3])
            curved = apply_curves(pixels.float() * torch.exp(gain), survey.start, survey.slopes)
            flat = torch.baddbmm(survey.offset[:, :, None], survey.matrix, curved.flatten(2))
            return flat.unflatten(2, curved.shape[2:])

    def repair(self, toned: Tensor, survey: Survey) -> tuple[Tensor, Tensor]:
        """The U-Net: toned [N, 3, h, w], sides multiples of 8 -> picture [N, 3, h, w], damage logits [N, 1, h, w]."""
        context = survey.context
        blocks = functional.pixel_unshuffle(toned, 2).contiguous(memory_format=torch.channels_last)
        high = self.down_stack_1(self.head(blocks), context)
        middle = self.down_stack_2(self.down_1(high), context)
        low = self.bottom(self.down_2(middle), context)
        middle = middle + functional.interpolate(self.up_2(low), scale_factor=2.0, mode="nearest")
        middle = self.up_stack_2(middle, context)
        high = high + functional.interpolate(self.up_1(middle), scale_factor=2.0, mode="nearest")
        high = self.up_stack_1(high, context)
        out = functional.pixel_shuffle(self.tail(high).float(), 2)
        return toned + out[:, :3], out[:, 3:]

    def forward(self, pixels: Tensor, survey: Survey, window: Tensor) -> Restored:
        """pixels [N, 3, h, w] in 0..1 sRGB, window [N, 4] in fractions of the picture -> `Restored`."""
        height, width = pixels.shape[2:]
        padding = (0, -width % 8, 0, -height % 8)
        toned = self.tone(pixels, survey, window)
        picture, damage = self.repair(functional.pad(toned, padding, mode="replicate"), survey)
        return Restored(toned, picture[..., :height, :width], damage[..., :height, :width])

    @staticmethod
    def keep_tone(source: Tensor, toned: Tensor, repaired: Tensor, survey: Survey, window: Tensor) -> Tensor:
        """The repair carried back into the source's own tone: all [N, 3, h, w] -> [N, 3, h, w] float32.

        One damped Gauss-Newton step on tone(x) = repaired from x = source, with the Jacobian
        J = matrix·diag(slope·gain): x + Jᵀ(JJᵀ + λI)⁻¹(repaired - toned). The damping λ = 0.01 keeps
        what the tone pass threw away (the tint of a sepia print has no inverse) as it is in the source.
        """
        gain = torch.exp(window_field(survey.gain, window, source.shape[2], source.shape[3]))
        pieces = survey.slopes.shape[-1]
        index = (source * gain * pieces).long().clamp(0, pieces - 1).flatten(2)
        slope = survey.slopes.gather(2, index).unflatten(2, source.shape[2:]) * gain
        # J Jᵀ for every pixel: Σ_c matrix[i,c]·slope[c]²·matrix[j,c]
        outer = torch.einsum("nic,njc->nijc", survey.matrix, survey.matrix)
        normal = torch.einsum("nijc,nchw->nhwij", outer, slope.square())
        normal = normal + 0.01 * torch.eye(3, device=source.device)
        step = torch.linalg.solve(normal, (repaired - toned).permute(0, 2, 3, 1)[..., None])[..., 0]
        return source + slope * torch.einsum("nic,nhwi->nchw", survey.matrix, step)
