"""What stylizing is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, from_dict, option, with_settings
from vasari.tasks.shared_options import device_option, format_option, precision_option, quality_option, tile_option
from vasari.tasks.stylize.optimize.plan import OptimizePlan

HEAVIEST = 1e6  # of the weights of styles: sums stay finite, and shares above 0
FAST, OPTIMIZE = "fast", "optimize"
PAINTING, PHOTO = "painting", "photo"
KEEP_COLORS = ("none", "luminance", "histogram")
# The long side at which the network sees a picture, unless the plan says otherwise.
WORKING_PX = 1024
# How much of the photograph's own detail is laid over an enlarged result, unless the plan says otherwise.
DETAIL = 0.5
# How often a picture is painted, unless the plan says otherwise.
PASSES = 2
# Fields of `OptimizePlan` that are options of their own.
_SET_BY = {
    "content_weight": "--content-weight",
    "style_scale": "--style-scale",
    "seed": "--seed",
    "device": "--device",
}
_WEIGHT = re.compile(r"(?P<style>.+):(?P<weight>[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class StylizePlan:
    """How pictures are stylized; everything here decides the bytes of a result.

    `style`: texts NAME[:WEIGHT], each a picture, a saved code or a named style; `mask`: pictures, one a style.
    """

    style: tuple[str, ...] = option(
        (), "NAME[:WEIGHT]: a picture, a saved style code or a named style; several are blended by their weights"
    )
    mask: tuple[str, ...] = option((), "a picture that is white where a style goes; one for each --style, in order")
    method: str = option(
        FAST,
        "'fast': one pass of the bundled network; 'optimize': minutes of optimizing; else a trained translator, by "
        "its path",
    )
    style_kind: str = option(
        PAINTING,
        "'painting': strokes, forms and palette; 'photo': tone, color, grain and vignette of a photograph",
        choices=(PAINTING, PHOTO),
    )
    strength: float = option(1.0, "from the picture (0, unchanged) to the full style (1)", minimum=0.0, maximum=1.0)
    keep_color: str = option(
        "none",
        "'luminance' keeps the picture's own colors; 'histogram' brings the style's colors to the picture's first",
        choices=KEEP_COLORS,
    )
    style_scale: float = option(
        1.0, "size of the strokes: the style picture is brought to this times 512 px", minimum=0.25, maximum=4.0
    )
    passes: int | None = option(
        None,
        "how often a picture is painted, from coarse to the working size, doubling: 1 is nearest to the photograph, 3 "
        f"lays large strokes under the fine; else {PASSES}, at a working size",
        minimum=1,
        maximum=5,
    )
    content_weight: float | None = option(
        None, "--method optimize: how strongly the picture's forms hold; else as the method has it", minimum=0.0
    )
    working_px: int | None = option(
        None,
        f"long side at which the picture is stylized, the result enlarged; 0 for every pixel as it is; else "
        f"{WORKING_PX}, or what a translator's header names",
        minimum=0,
        maximum=4096,
    )
    detail: float | None = option(
        None,
        f"share of the picture's own detail, finer than the working size, that is laid over the enlarged result; "
        f"else {DETAIL}, or 1 for a translator",
        minimum=0.0,
        maximum=1.0,
    )
    settings: tuple[str, ...] = option(
        (), "--method optimize: KEY=VALUE, a field of `OptimizePlan`, as loss=wasserstein"
    )
    seed: int = option(0, "--style-kind photo and --method optimize: seed of grain and of optimizing", minimum=0)
    evidence: bool = option(False, "write NAME.change.png (how far each pixel moved)")
    format: str | None = format_option()
    quality: int = quality_option()
    model: str = option("stylize", "--method fast: a bundled model's name, or the path of a .safetensors file")
    encoder: str = option("encoder", "the encoder that the model was trained with: a bundled name, or a path")
    precision: str = precision_option()
    device: str = device_option()
    tile_px: int = tile_option()

    def __post_init__(self) -> None:
        check(self)
        weights = [weight for _, weight in self.weighted]
        if any(weight is not None and not weight <= HEAVIEST for weight in weights):
            raise PlanError(
                f"A style has a weight above {HEAVIEST:g}.", remedy="weights are relative: 0.7 and 0.3, say"
            )
        if any(weight is not None and weight < 0 for weight in weights):
            raise PlanError("A style has a negative weight.", remedy="give weights of 0 or more: --style a.jpg:0.7")
        if weights and all(weight == 0 for weight in weights):
            raise PlanError("All styles have the weight 0.", remedy="give one of them more, or use --strength 0")
        _check_masks(self)
        _check_method(self)

    @property
    def weighted(self) -> tuple[tuple[str, float | None], ...]:
        """The styles with the weights that were given."""
        return tuple(parse(one) for one in self.style)

    @property
    def translates(self) -> bool:
        """True where the method is a trained translator."""
        return self.method not in (FAST, OPTIMIZE)

    @property
    def photographic(self) -> bool:
        """True where the style is a photograph's, and no network is needed."""
        return self.style_kind == PHOTO

    @property
    def in_float32(self) -> bool:
        """True where nothing is gained by less."""
        return self.photographic or self.method == OPTIMIZE

    @property
    def optimizing(self) -> OptimizePlan:
        """What the method optimize is asked for; raises `PlanError` where a setting is unknown or wrong."""
        values = with_settings({"network": self.encoder}, self.settings)
        taken = sorted(set(values) & set(_SET_BY))
        if taken:
            raise PlanError(f"--set {taken[0]} has an option of its own.", remedy=f"use {_SET_BY[taken[0]]}")
        if self.content_weight is not None:
            values["content_weight"] = self.content_weight
        more = {"style_scale": self.style_scale, "seed": self.seed, "device": self.device}
        return from_dict(OptimizePlan, {**values, **more}, where="--set")

    @property
    def has_working_size(self) -> bool:
        """False where every pixel is stylized as it is."""
        return not self.photographic and self.working_px != 0

    @property
    def colors_grey(self) -> bool:
        """True where a grey picture comes out in color."""
        return self.strength > 0 and self.keep_color == "none" and not self.translates


def parse(text: str) -> tuple[str, float | None]:
    """NAME[:WEIGHT] -> the name, and the weight or None.

    Only a number after the last colon is a weight, so that paths may have colons; a name that ends in one and a
    number is written with a weight behind it.
    """
    found = _WEIGHT.fullmatch(text)
    return (text, None) if found is None else (found["style"], float(found["weight"]))


def _check_masks(plan: StylizePlan) -> None:
    regions = 1 if plan.translates else len(plan.style)
    if plan.mask and len(plan.mask) != regions:
        raise PlanError(
            f"Got {len(plan.mask)} masks for {regions} styles.",
            remedy="give one --mask for each --style, in the same order",
        )
    if plan.mask and any(weight is not None for _, weight in plan.weighted):
        raise PlanError(
            "Styles with masks have no weights: how far each goes is what its mask says.",
            remedy="paint the mask grey where the style is to be weaker, and leave the weight out",
        )


def _check_method(plan: StylizePlan) -> None:
    """Refuse what the method would not heed."""
    _check_optimizing(plan)
    _check_networks(plan)
    _check_sizes(plan)
    _check_styles(plan)


def _check_optimizing(plan: StylizePlan) -> None:
    """Options of optimizing with another method, and others with it."""
    if plan.content_weight is not None and (plan.method != OPTIMIZE or plan.photographic):
        raise PlanError(
            f"content_weight belongs to the method {OPTIMIZE}, and method={plan.method}.",
            remedy="use --strength for how far the style goes, or add --method optimize",
        )
    if plan.settings and plan.method != OPTIMIZE:
        raise PlanError(
            f"--set is for the method {OPTIMIZE}, and method={plan.method}.", remedy="add --method optimize"
        )
    if plan.method == OPTIMIZE:
        _ = plan.optimizing
    if plan.method == OPTIMIZE and plan.working_px == 0:
        raise PlanError(
            "Optimizing every pixel as it is has no bound.", remedy="name a size: --working-px 2048, or leave it out"
        )
    if plan.method == OPTIMIZE and plan.tile_px != StylizePlan.tile_px:
        raise PlanError("The tiles of optimizing are a setting of its own.", remedy=f"use --set tile_px={plan.tile_px}")


def _check_networks(plan: StylizePlan) -> None:
    """Networks, their arithmetic and a seed, where there are none."""
    if plan.in_float32 and plan.precision == "bfloat16":
        raise PlanError("This method needs float32.", remedy="leave --precision out")
    if plan.photographic and plan.method != FAST:
        raise PlanError(
            f"style_kind=photo has one method, and method={plan.method}.", remedy="leave --method or --style-kind out"
        )
    if plan.model != StylizePlan.model and (plan.photographic or plan.method != FAST):
        raise PlanError(f"model={plan.model} belongs to painting by the method {FAST}.", remedy="leave --model out")
    if plan.encoder != StylizePlan.encoder and (plan.photographic or plan.translates):
        raise PlanError(
            f"encoder={plan.encoder} belongs to painting and to the method {OPTIMIZE}.", remedy="leave --encoder out"
        )
    if plan.seed != StylizePlan.seed and not plan.photographic and plan.method != OPTIMIZE:
        raise PlanError(
            f"seed={plan.seed} changes nothing: only grain (style_kind=photo) and the method {OPTIMIZE} draw numbers.",
            remedy="leave --seed out",
        )


def _check_sizes(plan: StylizePlan) -> None:
    """Sizes and passes where every pixel is stylized as it is."""
    if plan.photographic and plan.working_px:
        raise PlanError("style_kind=photo works on every pixel.", remedy="leave --working-px out")
    if not plan.has_working_size and plan.detail is not None:
        raise PlanError(
            "Where every pixel is stylized as it is, there is no other detail.", remedy="leave --detail out"
        )
    if plan.passes is not None and (plan.method != FAST or not plan.has_working_size):
        raise PlanError(f"passes is for painting at a working size by the method {FAST}.", remedy="leave --passes out")


def _check_styles(plan: StylizePlan) -> None:
    """What is asked of styles where there is none, or none that is painted."""
    if plan.translates and plan.style:
        raise PlanError(
            f"The translator {plan.method} has learned its style, and takes none.",
            remedy="leave --style out, or use --method fast",
        )
    if plan.style_scale != 1 and (plan.translates or plan.photographic):
        raise PlanError("style_scale is for painted styles.", remedy="leave --style-scale out")
    if plan.keep_color == "histogram" and (plan.translates or plan.photographic):
        raise PlanError(
            "keep_color=histogram brings the colors of a painted style to the picture's.",
            remedy="use --keep-color luminance",
        )
