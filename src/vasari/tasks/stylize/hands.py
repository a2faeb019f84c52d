"""The hands that paint: the bundled network with its style codes, or a trained translator."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from vasari.foundation import tiles
from vasari.foundation.devices import choose_device, choose_precision
from vasari.foundation.errors import WeightsError
from vasari.models import hub
from vasari.models.canvas import on_canvas
from vasari.models.cards import NETWORKS
from vasari.models.style import Moments, moments
from vasari.models.stylizers import Stylizer
from vasari.tasks.stylize.coding import Coder
from vasari.tasks.stylize.edges import MARGIN_PX, mirrored, seen_from, within_mirrors
from vasari.tasks.stylize.palette import Palette, Weighted
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.translate.apply import Interpreter
from vasari.tasks.translate.translate_plan import TranslatePlan

# A picture at its working size is painted in one piece up to this side; beyond it in tiles of it.
WHOLE_PX = 1536
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


def in_pieces(hand: Hand, pixels: Tensor, side_px: int) -> tuple[Tensor, ...]:
    """A whole picture [1, 3, h, w] painted in tiles, which equals painting it in one piece."""
    seen = hand.look(pixels)

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
    """The stylizer with the styles of a plan."""

    stylizer: Stylizer
    palette: Palette
    strength: float
    tile_px: int
    device: torch.device
    precision: torch.dtype

    @classmethod
    def of(cls, plan: StylizePlan, given: Sequence[Weighted], regions: int) -> StyleHand:
        """Load the networks and code the styles; raises `WeightsError`, `PlanError`, `PictureError`."""
        device = choose_device(plan.device)
        stylizer, coder = _networks(plan.model, plan.encoder, device)
        palette = Palette.of(plan, given, regions, coder)
        return cls(stylizer, palette, plan.strength, plan.tile_px, device, choose_precision(plan.precision, device))

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
        """The moments of the picture [1, 3, h, w], and those of its styles."""
        return self._seen(self._features(self._framed(pixels)), pixels)

    def paint(self, pixels: Tensor, seen: SeenStyles, window: Tensor) -> tuple[Tensor, ...]:
        """A tile painted in the style of each region."""

        row, column = seen_from(pixels, window)

        def paint(tile: Tensor) -> Tensor:
            return torch.cat(self._painted(self._features(on_canvas(tile, row, column)), seen), 1)

        return within_mirrors(paint, pixels, window).split(3, 1)

    def paint_whole(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """A whole picture at its working size; its features serve for its moments too where it is small enough."""
        height, width = pixels.shape[2:]
        side = max(self.tile_px, WHOLE_PX)
        if max(height, width) > side:
            return in_pieces(self, pixels, side)
        features = self._features(self._framed(pixels))
        rows, columns = slice(MARGIN_PX, MARGIN_PX + height), slice(MARGIN_PX, MARGIN_PX + width)
        return tuple(one[..., rows, columns] for one in self._painted(features, self._seen(features, pixels)))

    def _framed(self, pixels: Tensor) -> Tensor:
        return on_canvas(mirrored(pixels, MARGIN_PX, self.multiple_of), -MARGIN_PX, -MARGIN_PX)

    def _features(self, pixels: Tensor) -> list[Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            found: list[Tensor] = self.palette.coder.encoder(pixels.to(self.device))
        return found

    def _seen(self, features: Sequence[Tensor], pixels: Tensor) -> SeenStyles:
        """From the features of `pixels` with their frame: what lies over the pixels themselves."""
        inner = []
        for depth, one in enumerate(features):
            step = 2 ** (depth + 1)
            first = MARGIN_PX // step
            rows, columns = (first + -(-size // step) for size in pixels.shape[2:])
            inner.append(one[:, :, first:rows, first:columns])
        own = moments(inner)
        styles = (_moved(code.moments(), self.device) for code in self.palette.mixed(pixels))
        return SeenStyles(own, tuple(own.toward(one, self.strength) for one in styles))

    def _painted(self, features: list[Tensor], seen: SeenStyles) -> tuple[Tensor, ...]:
        """One [1, 3, h, w] for each style, on the CPU."""
        made = []
        for wanted in seen.wanted:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
                one = self.stylizer(features, seen.own, wanted)
            made.append(one.float().clamp(0, 1).cpu())
        return tuple(made)


def _moved(code: Moments, device: torch.device) -> Moments:
    return Moments(tuple(one.to(device) for one in code.means), tuple(one.to(device) for one in code.deviations))


@functools.lru_cache(maxsize=1)
def _networks(model: str, encoder: str, device: torch.device) -> tuple[Stylizer, Coder]:
    """The stylizer and the encoder it was trained with; the last ones are kept. Raises `WeightsError`."""
    coder, loaded = Coder.of(encoder, device), hub.load(model)
    if not isinstance(loaded.network, Stylizer):
        raise WeightsError(
            f"{loaded.name} is a {loaded.recipe['network']['name']}, which takes no style codes.",
            remedy="name a model of the task stylize, or a translator as --method",
        )
    trained_with = loaded.recipe.get("encoder", {}).get("digest", coder.digest)
    if trained_with != coder.digest:
        raise WeightsError(
            f"{loaded.name} was trained with another encoder than {coder.name}.",
            remedy="name the one it was trained with: --encoder PATH",
        )
    network = loaded.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.requires_grad_(False), coder


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
        return in_pieces(self, pixels, max(self.interpreter.plan.tile_px, WHOLE_PX))
