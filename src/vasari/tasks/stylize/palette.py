"""The styles of a plan made ready: their codes, blended or one for each region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from vasari.foundation.errors import PlanError, WeightsError
from vasari.models.style import StyleCode
from vasari.tasks.stylize.coding import Coder, Source, saved_code, sized
from vasari.tasks.stylize.color_keeping import matched_colors
from vasari.tasks.stylize.styles import refuse_code
from vasari.tasks.stylize.stylize_plan import StylizePlan

# A style and its weight, None where none was given.
Weighted = tuple[Source, float | None]


def weights_of(given: Sequence[Weighted], regions: int) -> tuple[float, ...]:
    """The weights of styles, 1 where none was given; raises `PlanError` where they and the masks do not fit."""
    if not given:
        raise PlanError("No style was named.", remedy="give a picture, a style code or a name as style")
    if regions and regions != len(given):
        raise PlanError(f"Got {regions} masks for {len(given)} styles.", remedy="give one mask for each style")
    if regions and any(weight is not None for _, weight in given):
        raise PlanError("Styles with masks have no weights.", remedy="paint the masks grey, and leave the weights out")
    weights = tuple(1.0 if weight is None else float(weight) for _, weight in given)
    if not all(weight >= 0 for weight in weights) or sum(weights) <= 0:
        raise PlanError(f"The styles have the weights {weights}.", remedy="give 0 or more, and one above 0")
    return weights


@dataclass(frozen=True, eq=False)
class ReadStyles:
    """The styles of a plan with their weights: saved codes, and pictures [3, h, w] at the size at which they are coded.

    Read before a network is loaded, so that what is wrong with them is told at once.
    """

    styles: tuple[StyleCode | Tensor, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, plan: StylizePlan, given: Sequence[Weighted], regions: int) -> ReadStyles:
        """Read what a plan names; raises `PlanError`, `PictureError`, `WeightsError` for a bad code."""
        weights = weights_of(given, regions)
        read: list[StyleCode | Tensor] = []
        for source, _ in given:
            code = saved_code(source)
            if code is not None:
                refuse_code(plan)
            read.append(sized(source, plan.style_scale) if code is None else code)
        return cls(tuple(read), weights)


@dataclass(frozen=True, eq=False)
class Palette:
    """Styles as codes, and as pixels where their colors are matched to each content; `apart`: one for each region."""

    codes: tuple[StyleCode, ...]
    pictures: tuple[Tensor, ...]
    weights: tuple[float, ...]
    apart: bool
    coder: Coder

    @classmethod
    def of(cls, plan: StylizePlan, read: ReadStyles, regions: int, coder: Coder) -> Palette:
        """Code the styles of a plan that were read, `regions` masks apart; raises `WeightsError`."""
        codes = [one if isinstance(one, StyleCode) else coder.code(one) for one in read.styles]
        if any(one.encoder != coder.digest for one in codes):
            raise WeightsError(
                f"A style was coded by another encoder than {coder.name}.",
                remedy="code it again from its picture: vasari styles add",
            )
        pictures = tuple(one for one in read.styles if isinstance(one, Tensor))
        kept = pictures if plan.keep_color == "histogram" else ()
        return cls(tuple(codes), kept, read.weights, regions > 0, coder)

    def mixed(self, content: Tensor) -> tuple[StyleCode, ...]:
        """The codes of all regions, for a content [1, 3, h, w] whose colors they take on where that is asked."""
        codes = self.codes
        if self.pictures:
            codes = tuple(self.coder.code(matched_colors(one, content[0])) for one in self.pictures)
        return codes if self.apart else (StyleCode.mean(codes, self.weights),)
