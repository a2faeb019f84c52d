"""How a generator is trained: the table [objective] of a recipe. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.data.plan import PicturesPlan

KINDS = ("bce", "lsgan", "hinge", "wgan", "rpgan")  # of models.losses.CRITIC_LOSSES
PENALTIES = ("none", "clip", "wgan-gp", "r1", "r1r2")
CRITICS = ("dcgan-critic", "residual-critic")
AUGMENTATION_KINDS = ("color", "translation", "cutout")  # of models.augmentation.AUGMENTATIONS


@dataclass(frozen=True)
class CriticPlan:
    """The critic's network and its options."""

    name: str = option("residual-critic", "the critic's network", choices=CRITICS)
    widths: tuple[int, ...] = option((), "residual-critic: widths from 4 px on; empty for its own", minimum=1)
    width: int = option(64, "dcgan-critic: width of the first layer", minimum=1)
    normalization: str = option("batch", "dcgan-critic: normalization", choices=("batch", "instance", "none"))

    def __post_init__(self) -> None:
        check(self)

    @property
    def batch_normalized(self) -> bool:
        """True where a picture's score depends on the others of its batch."""
        return self.name == "dcgan-critic" and self.normalization == "batch"


@dataclass(frozen=True)
class GeneratePlan:
    """What a generator is trained for."""

    adversarial: str = option("rpgan", "kind of adversarial loss", choices=KINDS)
    penalty: str = option("r1r2", "what keeps the critic smooth", choices=PENALTIES)
    penalty_every: int = option(4, "critic steps between penalties, each then counted so many times", minimum=1)
    clip: float = option(0.01, "largest weight of the critic where penalty is 'clip'", minimum=0.0)
    critic_steps: int = option(1, "steps of the critic for each step of the generator", minimum=1)
    augment: float = option(0.0, "share of pictures that each augmentation changes", minimum=0.0, maximum=1.0)
    augment_ramp_images: int = option(0, "images over which that share rises from 0", minimum=0)
    augmentations: tuple[str, ...] = option(
        AUGMENTATION_KINDS, "which augmentations the critic sees", choices=AUGMENTATION_KINDS
    )
    era: str = option("", "age the pictures by the simulator: an era's name, or 'any'; empty for not at all")
    features: str = option("layout", "features that judge samples: 'layout', or a file of a feature network")
    judged_samples: int = option(512, "samples made for each validation", minimum=2)
    judged_pictures: int = option(2048, "most training pictures that they are compared with", minimum=2)
    critic: CriticPlan = field(default_factory=CriticPlan)
    pictures: PicturesPlan = field(default_factory=PicturesPlan)

    def __post_init__(self) -> None:
        check(self)
        if self.adversarial == "wgan" and self.penalty == "none":
            raise PlanError(
                "adversarial=wgan needs a critic of bounded slope, and penalty=none does not bound it.",
                remedy="use --set objective.penalty=clip (WGAN) or wgan-gp",
            )
        if self.critic.batch_normalized and self.penalty in ("wgan-gp", "r1", "r1r2"):
            raise PlanError(
                f"penalty={self.penalty} needs a gradient for each picture, and a batch-normalized critic has none.",
                remedy="use --set objective.critic.normalization=none (Gulrajani et al. 2017, section 4)",
            )
        if self.era and self.pictures.kept_px < 2 * self.pictures.px:
            raise PlanError(
                f"Pictures are aged at twice their size, and only {self.pictures.kept_px} px are kept of them.",
                remedy=f"use --set objective.pictures.stored_px={2 * self.pictures.px}",
            )

    def augment_share(self, images_seen: int) -> float:
        """The share of pictures that each augmentation changes after `images_seen`."""
        return self.augment * min(1.0, images_seen / self.augment_ramp_images if self.augment_ramp_images else 1.0)
