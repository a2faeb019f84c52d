"""The restorer: a global pass over a thumbnail undoes fading and casts, a dense U-Net does the rest.

The two passes are kept apart so that a scan of any size can be restored in tiles: everything that
needs the whole picture is decided once, from a reduction of it (`survey`), and handed to every tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.blocks import SteeredStack, apply_curves, window_field
from vasari.models.evidence import evidence
from vasari.models.surveyor import SURVEY_PX, Survey, Surveyor

OVERVIEW_PX = 512  # what callers bring, on the long side: about the size at which the survey learned grain and dust


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


class Restorer(nn.Module):
    """Undo fading and casts, then grain, blur, compression, scratches, dust and folds.

    Departs from U-Net (Ronneberger et al. 2015, arXiv:1505.04597) in that it works on 2×2 pixel
    blocks (pixel-unshuffle, as FFDNet, arXiv:1710.04026), adds skips instead of joining them, has no
    normalization, and is steered by the survey of the whole picture. `multiple_of` is 8. One that is `marked` is also
    told where marks were found by a `Detector` (as the mask of Wan et al. 2020, arXiv:2004.09484, section 3.3).
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (64, 128, 192),
        depths: tuple[int, int, int, int, int] = (1, 1, 4, 2, 1),
        context: int = 128,
        marked: bool = False,
    ) -> None:
        super().__init__()
        high, middle, low = widths
        self.marked = marked
        self.surveyor = Surveyor(context)
        self.head = nn.Conv2d(16 if marked else 12, high, 3, padding=1)
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

    def survey(self, overview: Tensor) -> Survey:
        """The global pass: the whole picture [N, 3, h, w], 0..1 sRGB, its long side `OVERVIEW_PX` or smaller.

        Its colors are read from a square of `SURVEY_PX`, whatever its proportions, its age from every pixel.
        """
        with torch.autocast(overview.device.type, enabled=False):
            pixels = overview.float()
            thumbnail = functional.interpolate(pixels, (SURVEY_PX, SURVEY_PX), mode="area")
            return self.surveyor(thumbnail, evidence(pixels))

    def survey_of(self, thumbnails: Tensor, found: Tensor) -> Survey:
        """The same of thumbnails [N, 3, 48, 48] whose evidence [N, 103] was found before, as in training."""
        with torch.autocast(thumbnails.device.type, enabled=False):
            return self.surveyor(thumbnails.float(), found.float())

    def tone(self, pixels: Tensor, survey: Survey, window: Tensor) -> Tensor:
        """Fading and casts undone only: pixels [N, 3, h, w], window [N, 4] -> [N, 3, h, w] float32."""
        with torch.autocast(pixels.device.type, enabled=False):
            gain = window_field(survey.gain, window, pixels.shape[2], pixels.shape[3])
            curved = apply_curves(pixels.float() * torch.exp(gain), survey.start, survey.slopes)
            flat = torch.baddbmm(survey.offset[:, :, None], survey.matrix, curved.flatten(2))
            return flat.unflatten(2, curved.shape[2:])

    def repair(self, toned: Tensor, survey: Survey, marks: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The U-Net: toned [N, 3, h, w], sides multiples of 8 -> picture [N, 3, h, w], damage logits [N, 1, h, w].

        marks [N, 1, h, w] in 0..1 is heeded by a `marked` one alone, which takes None for no marks at all.
        """
        context = survey.context
        if self.marked:
            toned_and_marks = [toned, torch.zeros_like(toned[:, :1]) if marks is None else marks.to(toned.dtype)]
            seen = torch.cat(toned_and_marks, 1)
        else:
            seen = toned
        blocks = functional.pixel_unshuffle(seen, 2).contiguous(memory_format=torch.channels_last)
        high = self.down_stack_1(self.head(blocks), context)
        middle = self.down_stack_2(self.down_1(high), context)
        low = self.bottom(self.down_2(middle), context)
        middle = middle + functional.interpolate(self.up_2(low), scale_factor=2.0, mode="nearest")
        middle = self.up_stack_2(middle, context)
        high = high + functional.interpolate(self.up_1(middle), scale_factor=2.0, mode="nearest")
        high = self.up_stack_1(high, context)
        out = functional.pixel_shuffle(self.tail(high).float(), 2)
        return toned + out[:, :3], out[:, 3:]

    def forward(self, pixels: Tensor, survey: Survey, window: Tensor, marks: Tensor | None = None) -> Restored:
        """pixels [N, 3, h, w] in 0..1 sRGB, window [N, 4] in fractions of the picture -> `Restored`.

        marks [N, 1, h, w]: the probability that a mark covers a pixel, where it is known.
        """
        return self.repaired(self.tone(pixels, survey, window), survey, marks)

    def repaired(self, toned: Tensor, survey: Survey, marks: Tensor | None = None) -> Restored:
        """The rest of `forward`: toned [N, 3, h, w], of any size, repaired."""
        height, width = toned.shape[2:]
        padding = (0, -width % 8, 0, -height % 8)
        if marks is not None:
            marks = functional.pad(marks, padding, mode="replicate")
        picture, damage = self.repair(functional.pad(toned, padding, mode="replicate"), survey, marks)
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
