"""What a critic looks at: its scores over a picture, what would move them, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.models.backbones import read_backbone
from vasari.models.critics import PatchCritic
from vasari.models.losses import in_the_tone_of
from vasari.models.projected_critic import ProjectedCritic

CELLS = 16  # squares along the short side that are taken away in turn
WHOLE_CELL_PX = 8  # their sides are multiples of so many pixels where a critic judges whole pictures
LARGEST_PIXELS = 4_000_000
EVERYTHING = slice(None)


@dataclass(frozen=True, eq=False)
class CriticMaps:
    """pixels [3, h, w] as the critic sees them, and maps [h, w].

    `scores`: those of the patches, each over its place, above 0 where a patch passes for real more than for made (a
    critic of whole pictures: one score everywhere; a projected critic: the mean over its depths). `gradient`: how
    strongly the mean score answers to a pixel, the largest of its channels, times the number of pixels. `occlusion`:
    what the scores lose when a square is painted over with its own mean color, for a patch; above 0 where the square
    spoke for real. `depths`: a projected critic's mean score at each depth, finest first.
    """

    pixels: Tensor
    scores: Tensor
    gradient: Tensor
    occlusion: Tensor
    whole: bool
    depths: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Sight:
    """In pixels: what sides are multiples of, the side of a score's place, and how far around a square scores rest on.

    A patch's score that the square changes depends on pixels within `surroundings` of the square, and on no others.
    """

    multiple_of: int
    patch: int
    surroundings: int


PATCH_SIGHT = _Sight(multiple_of=8, patch=8, surroundings=64)


class _Judge:
    """A critic, and the picture [3, h, w] that a conditional one is shown beside what it judges."""

    def __init__(self, critic: nn.Module, given: Tensor | None) -> None:
        self._critic, self._given = critic, given

    def scores(self, pixels: Tensor, rows: slice = EVERYTHING, columns: slice = EVERYTHING) -> Tensor:
        """[N, 3, h, w], of these rows and columns of the picture -> [N, depths, h', w']; h' = w' = 1 for the whole."""
        if self._given is None:
            scores: Tensor = self._critic(pixels)
        else:
            scores = self._critic(pixels, self._given[:, rows, columns].expand_as(pixels))
        return scores if scores.ndim == 4 else scores.reshape(-1, 1, 1, 1)


def critic_maps(
    picture: Picture, named: str, advance: Callable[[int, int], None], given: Picture | None = None
) -> CriticMaps:
    """Let the critic of a run (a folder, or a checkpoint) look at a picture; raises `WeightsError`, `PlanError`.

    `given`, of the same size, is what the picture was restored from: for a conditional critic, and for no other. It is
    shown in the tone of the picture, and stays as it is where the picture is changed.
    """
    backbone = read_backbone(named)
    critic = getattr(backbone.network, "critic", None)
    if not isinstance(critic, nn.Module):
        raise WeightsError(
            f"{named} is no critic but the network {backbone.name}.", remedy="name the run of an adversarial training"
        )
    _check_given(critic, named, picture, given)
    sight = _sight_of(critic)
    pixels = _as_seen(picture.pixels, backbone.px, sight)
    if pixels.shape[1] * pixels.shape[2] > LARGEST_PIXELS:
        raise PlanError(
            f"{pixels.shape[2]}x{pixels.shape[1]} px are more than a critic is asked about at once.",
            remedy=f"cut out a part of at most {LARGEST_PIXELS // 10**6} megapixels",
        )
    judge = _Judge(critic, None if given is None else _in_its_tone(_as_seen(given.pixels, backbone.px, sight), pixels))
    seen = pixels[None].clone().requires_grad_(True)
    with torch.enable_grad():
        scores = judge.scores(seen)
        (slope,) = torch.autograd.grad(scores.mean(), seen)
    scores, size = scores.detach(), (pixels.shape[1], pixels.shape[2])
    spread = functional.interpolate(scores.mean(1, keepdim=True), size)[0, 0]
    strength = slope[0].abs().amax(0) * (size[0] * size[1])
    depths = tuple(scores[0].mean((1, 2)).tolist()) if isinstance(critic, ProjectedCritic) else ()
    return CriticMaps(pixels, spread, strength, _occluded(judge, pixels, sight, advance), sight is None, depths)


def _check_given(critic: nn.Module, named: str, picture: Picture, given: Picture | None) -> None:
    """Raise `PlanError` where a critic lacks what it is to be shown, or would be shown what it has no eye for."""
    conditional = isinstance(critic, ProjectedCritic) and critic.conditional
    if conditional and given is None:
        raise PlanError(
            f"The critic of {named} judges a picture beside the scan that it was restored from, and none was named.",
            remedy="name the scan: --given SCAN",
        )
    if given is None:
        return
    if not conditional:
        raise PlanError(
            f"A scan was given, and the critic of {named} looks at the restored picture alone.",
            remedy="leave --given out",
        )
    (height, width), (rows, columns) = picture.pixels.shape[1:], given.pixels.shape[1:]
    if (height, width) != (rows, columns):
        raise PlanError(
            f"The picture has {width}x{height} px and the scan that was given {columns}x{rows} px; a critic compares "
            "them pixel by pixel.",
            remedy="name the very scan that the picture was restored from, and a picture that was not enlarged",
        )


def _sight_of(critic: nn.Module) -> _Sight | None:
    """None for a critic of whole pictures."""
    if isinstance(critic, PatchCritic):
        return PATCH_SIGHT
    if not isinstance(critic, ProjectedCritic):
        return None
    # A square between blocks of 16 px is felt in so many of them beside it, and these see as far again.
    block, reach = 16, critic.reach()
    needed = (reach + 1) // block * block + reach + 2
    return _Sight(multiple_of=block, patch=4, surroundings=-(-needed // block) * block)


def _as_seen(pixels: Tensor, px: int, sight: _Sight | None) -> Tensor:
    """The picture cut to whole blocks; for a critic of whole pictures, its center square at their size."""
    pixels = pixels.expand(3, -1, -1)
    height, width = pixels.shape[1:]
    if sight is None:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = pixels[None, :, top : top + side, left : left + side]
        return functional.interpolate(square, (px, px), mode="bilinear", antialias=True)[0].clamp(0, 1)
    block = sight.multiple_of
    if min(height, width) < block:
        raise PlanError(f"{width}x{height} px are too few for this critic.", remedy=f"give {block} px or more a side")
    return pixels[:, : height // block * block, : width // block * block]


def _in_its_tone(given: Tensor, pixels: Tensor) -> Tensor:
    """What a picture was restored from, in the picture's tone: as at training, where tone was no concern of the critic.

    There it was the patch after the tone pass. Here the picture may come from anywhere, so its tone is read off itself.
    """
    return in_the_tone_of(given[None], pixels[None], pixels.new_zeros(1, 1, *pixels.shape[1:]))[0]


@torch.inference_mode()
def _occluded(judge: _Judge, pixels: Tensor, sight: _Sight | None, advance: Callable[[int, int], None]) -> Tensor:
    """[h, w]: the scores' loss by square, a patch's share of it."""
    found = torch.zeros(pixels.shape[1:])
    squares = list(_squares(pixels.shape[1], pixels.shape[2], sight.multiple_of if sight else WHOLE_CELL_PX))
    for number, (rows, columns) in enumerate(squares):
        around = [_around(one, size, sight) for one, size in zip((rows, columns), pixels.shape[1:], strict=True)]
        part = pixels[:, around[0], around[1]]
        top, left = around[0].start, around[1].start
        covered = part.clone()
        inside = covered[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        inside.copy_(inside.mean((1, 2), keepdim=True).expand_as(inside))
        before, after = judge.scores(torch.stack([part, covered]), *around).mean(1).flatten(1).sum(1).tolist()
        patches = inside.shape[1] * inside.shape[2] / sight.patch**2 if sight else 1.0
        found[rows, columns] = (before - after) / patches
        advance(number + 1, len(squares))
    return found.clone()


def _squares(height: int, width: int, multiple_of: int) -> Iterator[tuple[slice, slice]]:
    """Squares that cover a picture, their sides multiples of so many pixels."""
    side = -(-min(height, width) // (CELLS * multiple_of)) * multiple_of
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def _around(one: slice, size: int, sight: _Sight | None) -> slice:
    """A square's range with its surroundings, inside the picture; all of it for a critic of whole pictures."""
    if sight is None:
        return slice(0, size)
    start, stop = cast(tuple[int, int], (one.start, one.stop))
    return slice(max(0, start - sight.surroundings), min(size, stop + sight.surroundings))
