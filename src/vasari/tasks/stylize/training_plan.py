"""What the training of a stylizer is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.models.encoders import MULTIPLE_OF
from vasari.models.losses import CRITIC_LOSSES
from vasari.tasks.data.plan import PicturesPlan

NO_CRITIC = "none"


@dataclass(frozen=True)
class StylizeObjectivePlan:
    """The options of a recipe of kind stylize."""

    encoder: str = option("encoder", "the encoder, kept as it is: a bundled model's name or a path")
    features: str = option("", "the feature network that judges: a .safetensors file of a VGG-19")
    styles: str = option("", "the pictures of which styles are taken: a folder, list, table or zip, as --data")
    adversarial: str = option(
        NO_CRITIC, "the critic of patches, which knows the style pictures", choices=(NO_CRITIC, *CRITIC_LOSSES)
    )
    critic_from_images: int = option(0, "images shown before the critic begins", minimum=0)
    critic_rate: float = option(1.0, "the critic's learning rate over the stylizer's", minimum=0.0)
    own_share: float = option(
        0.125, "share of a batch that is given its own style, and has to come back", minimum=0.0, maximum=1.0
    )
    recolored: float = option(
        0.25, "share of styles whose red, green and blue change places: more palettes", minimum=0.0, maximum=1.0
    )
    media: float = option(
        0.0,
        "share of styles that are photographs of --data in pencil, ink, mosaic and so on, drawn by filters",
        minimum=0.0,
        maximum=1.0,
    )
    aged: float = option(
        0.0, "share of contents that are shown aged, and judged by what they were before", minimum=0.0, maximum=1.0
    )
    severities: tuple[int, ...] = option((1, 2, 3), "severities of aging, 1 to 3")
    masks: str = option("", "folder with opacity masks of real defects for the aging; empty for none")
    start_from: str = option("", "weights to begin with: a model's name or a path; empty for fresh")
    pictures: PicturesPlan = field(default_factory=PicturesPlan)
    style_pictures: PicturesPlan = field(default_factory=PicturesPlan)

    def __post_init__(self) -> None:
        check(self)
        if not self.features:
            raise PlanError("No feature network was named.", remedy="use --set objective.features=VGG.safetensors")
        if not self.severities or not set(self.severities) <= {1, 2, 3}:
            raise PlanError(f"severities={list(self.severities)} are not of 1, 2, 3.", remedy="write [1, 2, 3]")
        if not self.styles:
            raise PlanError("No style pictures were named.", remedy="name them: --set objective.styles=PAINTINGS")
        for name, plan in (("pictures", self.pictures), ("style_pictures", self.style_pictures)):
            if plan.px % MULTIPLE_OF:
                raise PlanError(
                    f"{name}.px={plan.px} is not a multiple of {MULTIPLE_OF}.",
                    remedy=f"use {name}.px={-(-plan.px // MULTIPLE_OF) * MULTIPLE_OF}",
                )
        if self.adversarial != NO_CRITIC and self.style_pictures.px != self.pictures.px:
            raise PlanError(
                f"pictures.px={self.pictures.px} and style_pictures.px={self.style_pictures.px} differ, and the critic "
                "compares them.",
                remedy="give both one size",
            )
