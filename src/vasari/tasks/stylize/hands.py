"""The hands that paint: the bundled network with its style codes, or a trained translator."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from vasari.foundation import image_files, tiles
from vasari.foundation.devices import choose_device, choose_precision
from vasari.foundation.tiles import Area
from vasari.models import model_files
from vasari.models.canvas import on_canvas
from vasari.models.cards import NETWORKS
from vasari.models.style import Moments
from vasari.models.stylizers import Stylizer
from vasari.tasks.stylize.coding import Coder, with_its_coder
from vasari.tasks.stylize.edges import MARGIN_PX, mirrored, seen_from, within_mirrors
from vasari.tasks.stylize.gathering import gathered
from vasari.tasks.stylize.palette import Palette, ReadStyles, Weighted
from vasari.tasks.stylize.stylize_plan import PASSES, StylizePlan
from vasari.tasks.translate.apply import Interpreter, enlarged
from vasari.tasks.translate.translate_plan import TranslatePlan

# A picture at its working size is painted in one piece up to this side; beyond it in tiles of it.
WHOLE_PX = 1536
# No pass is made below this long side: little of a picture is left there.
COARSEST_PX = 96
WHOLE = ((0.0, 0.0, 1.0, 1.0),)
# Enlarged, the network's grid would show: a coarse pass is the mean of several, between which the grid is moved.
PHASES = ((8, 8),)
# Below this strength the picture itself is blended in, so that strength 0 gives it back.
FADES_BELOW = 0.3


class Hand(Protocol):
    """What paints pictures in one style, or in one for each region."""

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""

    @property
    def share(self) -> float:
        """How much of what is painted goes into the result, the rest being the picture."""

    def look(self, pixels: Tensor) -> Any:
        """What is to be known of the whole picture, from [1, 3, h, w] in 0..1."""

    def paint(self, pixels: Tensor, seen: Any, window: Tensor) -> tuple[Tensor, ...]:
        """A tile [1, 3, h, w] in 0..1 painted: one [1, 3, h, w] a region, on the CPU; `window` as in `tiles`."""

    def paint_whole(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """A whole picture [1, 3, h, w] that was brought to its working size."""


def in_pieces(hand: Hand, pixels: Tensor, seen: Any, side_px: int) -> tuple[Tensor, ...]:
    """A whole picture [1, 3, h, w] painted in tiles, which equals painting it in one piece."""

    def paint(tile: Tensor, window: Tensor) -> dict[str, Tensor]:
        return {str(region): one for region, one in enumerate(hand.paint(tile, seen, window))}

    found = tiles.in_tiles(paint, pixels, tile=side_px, halo=hand.halo, multiple_of=hand.multiple_of)
    return tuple(cast(dict[str, Tensor], found).values())


@dataclass(frozen=True, eq=False)
class SeenStyles:
    """The moments of a whole picture, and those that each region is to take on."""

    own: Moments
    wanted: tuple[Moments, ...]


@dataclass(frozen=True, eq=False)
class StyleHand:
    """The stylizer with the styles of a plan; `passes` is how often a picture is painted at its working size."""

    stylizer: Stylizer
    palette: Palette
    strength: float
    passes: int
    tile_px: int
    device: torch.device
    precision: torch.dtype

    @classmethod
    def of(cls, plan: StylizePlan, given: Sequence[Weighted], regions: int) -> StyleHand:
        """Read the styles, load the networks and code them; raises `WeightsError`, `PlanError`, `PictureError`."""
        device = choose_device(plan.device)
        read = ReadStyles.of(plan, given, regions)
        files = model_files.find(plan.model), model_files.find(plan.encoder)
        stylizer, coder = _networks(plan.model, plan.encoder, files, device)
        palette = Palette.of(plan, read, regions, coder)
        precision = choose_precision(plan.precision, device)
        passes = PASSES if plan.passes is None else plan.passes
        return cls(stylizer, palette, plan.strength, passes, plan.tile_px, device, precision)

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""
        return tiles.checked_halo(NETWORKS["stylizer"].halo)

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""
        return NETWORKS["stylizer"].multiple_of

    @property
    def share(self) -> float:
        """How much of what is painted goes into the result."""
        return min(1.0, self.strength / FADES_BELOW)

    def look(self, pixels: Tensor) -> SeenStyles:
        """The moments of the picture [1, 3, h, w], and those that each region is to take on."""
        own, _ = self._gathered(pixels)
        return SeenStyles(own, tuple(own.toward(one, self.strength) for one in self._styles(pixels)))

    def paint(self, pixels: Tensor, seen: SeenStyles, window: Tensor) -> tuple[Tensor, ...]:
        """A tile painted in the style of each region."""
        row, column = seen_from(pixels, window)

        def paint(tile: Tensor) -> Tensor:
            features = self._features(on_canvas(tile, row, column))
            return torch.cat([self._painted(features, seen.own, one) for one in seen.wanted], 1)

        return within_mirrors(paint, pixels, window).split(3, 1)

    def paint_whole(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """A whole picture at its working size, from coarse to fine: each pass goes over what the one before painted.

        A pass sees the picture at half the size of the next; what it changed is enlarged and added to the picture
        there. Strokes of a coarse pass are large, and the fine ones are laid over them.
        """
        return tuple(self._through_sizes(pixels, style) for style in self._styles(pixels))

    def _through_sizes(self, pixels: Tensor, style: Moments) -> Tensor:
        change: Tensor | None = None
        sides = _long_sides(pixels, self.passes)
        for long_side in sides:
            level = pixels if long_side == sides[-1] else image_files.shrink(pixels[0], long_side)[None]
            start = level
            if change is not None:
                start = (level + enlarged(change, torch.tensor(WHOLE), *level.shape[2:])).clamp(0, 1)
            phases = () if long_side == sides[-1] else PHASES
            change = self._in_one_pass(start, level, style, phases) - level
        return pixels if change is None else pixels + change

    def _in_one_pass(
        self, start: Tensor, level: Tensor, style: Moments, phases: Sequence[tuple[int, int]] = ()
    ) -> Tensor:
        """`start` painted, which was made of the picture `level`: how far the style goes is counted from that one.

        It is painted once more for each of the `phases` with the network's grid moved so far, and the mean is taken.
        """
        own, features = self._gathered(start)
        first = self._gathered(level)[0] if self.strength < 1 and start is not level else own
        wanted = first.toward(style, self.strength)
        if features is None:
            return in_pieces(self, start, SeenStyles(own, (wanted,)), self._side)[0]
        painted = _unframed(self._painted(features, own, wanted), start)
        for phase in phases:
            features = self._features(self._framed(start, phase))
            painted = painted + _unframed(self._painted(features, own, wanted), start, phase)
        return painted / (1 + len(phases))

    def _styles(self, pixels: Tensor) -> tuple[Moments, ...]:
        """The moments of the style of each region, for a content [1, 3, h, w]."""
        return tuple(_moved(code.moments(), self.device) for code in self.palette.mixed(pixels))

    @property
    def _side(self) -> int:
        """What is seen at once, in pixels, at a working size."""
        return max(self.tile_px, WHOLE_PX)

    def _gathered(self, pixels: Tensor) -> tuple[Moments, Sequence[Tensor] | None]:
        """The moments of a picture, and its features in their mirrored frame where it is small enough."""
        height, width = pixels.shape[2:]
        inner = Area(MARGIN_PX, MARGIN_PX + height, MARGIN_PX, MARGIN_PX + width)
        return gathered(self._features, self._framed(pixels), inner, self._side + 2 * MARGIN_PX)

    def _framed(self, pixels: Tensor, phase: tuple[int, int] = (0, 0)) -> Tensor:
        """A picture on its canvas, with its mirror image around it."""
        framed = mirrored(pixels, MARGIN_PX, self.multiple_of, phase)
        return on_canvas(framed, -MARGIN_PX - phase[0], -MARGIN_PX - phase[1])

    def _features(self, pixels: Tensor) -> list[Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            found: list[Tensor] = self.palette.coder.encoder(pixels.to(self.device))
        return found

    def _painted(self, features: Sequence[Tensor], own: Moments, wanted: Moments) -> Tensor:
        """[1, 3, h, w] in 0..1, on the CPU."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            made = self.stylizer(list(features), own, wanted)
        return made.float().clamp(0, 1).cpu()


def _unframed(painted: Tensor, pixels: Tensor, phase: tuple[int, int] = (0, 0)) -> Tensor:
    """What was painted of a picture and its frame, without the frame."""
    (top, left), (height, width) = (MARGIN_PX + one for one in phase), pixels.shape[2:]
    return painted[..., top : top + height, left : left + width]


def _long_sides(pixels: Tensor, passes: int) -> list[int]:
    """The long sides at which a picture [1, 3, h, w] is painted, from coarse to its own."""
    own = max(pixels.shape[2:])
    halved = [round(own / 2**power) for power in range(passes - 1, 0, -1)]
    return [*(side for side in halved if side >= COARSEST_PX), own]


def _moved(code: Moments, device: torch.device) -> Moments:
    return Moments(tuple(one.to(device) for one in code.means), tuple(one.to(device) for one in code.deviations))


@functools.lru_cache(maxsize=1)
def _networks(model: str, encoder: str, files: tuple[Path, Path], device: torch.device) -> tuple[Stylizer, Coder]:
    """The stylizer and the encoder it was trained with; the last ones are kept, as long as the names mean their files.

    Raises `WeightsError`.
    """
    remedy = "name a model of the task stylize, or a translator as --method"
    return with_its_coder(Stylizer, model, encoder, device, lacks="which takes no style codes", remedy=remedy)


@dataclass(frozen=True, eq=False)
class TranslatingHand:
    """A translator, which knows one style; `seen` is the statistics of its layers."""

    interpreter: Interpreter
    strength: float

    @classmethod
    def of(cls, plan: StylizePlan) -> tuple[TranslatingHand, int]:
        """Load the translator of a plan; with the working size that its header names. Raises `WeightsError`."""
        asked = TranslatePlan(
            plan.method, precision=plan.precision, device=plan.device, tile_px=plan.tile_px, working_px=plan.working_px
        )
        named = Interpreter.of(asked)
        return cls(replace(named, working_px=0), plan.strength), named.working_px

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""
        return self.interpreter.halo

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""
        return self.interpreter.multiple_of

    @property
    def share(self) -> float:
        """How much of what is painted goes into the result."""
        return self.strength

    def look(self, pixels: Tensor) -> Any:
        """The statistics of the layers."""
        return self.interpreter.survey(pixels[0])

    def paint(self, pixels: Tensor, seen: Any, window: Tensor) -> tuple[Tensor, ...]:
        """A tile translated."""

        def paint(tile: Tensor) -> Tensor:
            return self.interpreter.treat(tile, seen, window).result

        return (within_mirrors(paint, pixels, window),)

    def paint_whole(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """A whole picture at its working size."""
        return in_pieces(self, pixels, self.look(pixels), max(self.interpreter.plan.tile_px, WHOLE_PX))
