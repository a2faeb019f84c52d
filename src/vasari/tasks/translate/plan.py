"""What a translator is asked to learn: the method, what becomes of the content, and where the pictures come from."""

from __future__ import annotations

from dataclasses import dataclass, field

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.models.losses import CRITIC_LOSSES
from vasari.tasks.data.plan import PicturesPlan

METHODS = ("pix2pix", "cyclegan", "cut")
PAIRED = "pix2pix"
PAIRINGS = ("folders", "aged", "stylized", "mixed")
CONTENTS = ("preserve", "replace")
CRITIC_BLOCK_PX = 8


@dataclass(frozen=True)
class TranslateObjectivePlan:
    """The objective's own options, the table [objective] of a recipe."""

    method: str = option(
        PAIRED,
        "'pix2pix' learns from pairs, 'cyclegan' and 'cut' from two sets that do not correspond",
        choices=METHODS,
    )
    content: str = option(
        "preserve",
        "'preserve' holds the result to its source (content, cycle, identity, contrast); 'replace' leaves all of these "
        "out, and only the critic is heard",
        choices=CONTENTS,
    )
    target: str = option("", "pictures of the second domain: a folder, .txt, .csv, .zip; the first comes by --data")
    pairing: str = option(
        "folders",
        "pix2pix: 'folders' pairs --data and target by name; the others make the source of each picture in --data: "
        "'aged' by the simulator of aging, 'stylized' by a painterly filter, 'mixed' by either",
        choices=PAIRINGS,
    )
    severities: tuple[int, ...] = option((1, 2, 3), "how heavily pictures are aged: one of", minimum=1, maximum=3)
    masks: str = option("", "folder of scanned opacity masks KIND/*.png for aging; empty for drawn defects only")
    adversarial: str = option("lsgan", "kind of adversarial loss", choices=tuple(CRITIC_LOSSES))
    penalty_every: int = option(
        0,
        "steps between gradient penalties of the critic, which then has no spectral norm; 0 for spectral norm alone",
        minimum=0,
    )
    critic_rate: float = option(1.0, "learning rate of the critic, as a multiple of the plan's", minimum=0.0)
    layers: tuple[int, ...] = option((), "cut: layers of the translator that are compared; empty for four", minimum=0)
    places: int = option(64, "cut: places a layer and picture that are compared", minimum=2)
    temperature: float = option(0.07, "cut: temperature of the comparison", minimum=1e-3)
    start_from: str = option("", "weights to begin with (not for cyclegan): a model's name or a path; empty for fresh")
    pictures: PicturesPlan = field(default_factory=PicturesPlan)

    def __post_init__(self) -> None:
        check(self)
        if self.pictures.px % CRITIC_BLOCK_PX:
            raise PlanError(
                f"pictures.px={self.pictures.px} is not a multiple of {CRITIC_BLOCK_PX}.",
                remedy=f"use pictures.px={-(-self.pictures.px // CRITIC_BLOCK_PX) * CRITIC_BLOCK_PX}",
            )
        if not self.severities:
            raise PlanError("severities is empty.", remedy="write [1, 2, 3]")
        self._check_domains()

    def _check_domains(self) -> None:
        """Two domains, no more and no fewer."""
        if self.method != PAIRED and self.pairing != "folders":
            raise PlanError(
                f"pairing={self.pairing} has no meaning for method={self.method}, which needs no pairs.",
                remedy="leave it out, or use method=pix2pix",
            )
        if self.needs_target and not self.target:
            raise PlanError(
                f"method={self.method} with pairing={self.pairing} has no second domain.",
                remedy="name its pictures with --set objective.target=FOLDER",
            )
        if self.target and not self.needs_target:
            raise PlanError(
                f"target={self.target} has no meaning for pairing={self.pairing}: the pairs are made from --data.",
                remedy="leave it out, or use pairing=folders",
            )
        if self.method == "cyclegan" and self.start_from:
            raise PlanError("start_from names one translator, and cyclegan trains two.", remedy="leave it out")

    @property
    def needs_target(self) -> bool:
        """True where the second domain comes from pictures of its own."""
        return self.method != PAIRED or self.pairing == "folders"

    @property
    def working_px(self) -> int:
        """The long side at which the model should see a whole picture; 0: every pixel as it is.

        About the scale at which it was shown them, for what was learned from pairs that are found or painted. 0 for
        aging, since scratches and grain are matters of pixels, and for unpaired methods: what they learn in a short
        training is a palette more than strokes, and an enlarged change leaves halos around edges.
        """
        seen_as_they_are = self.method != PAIRED or self.pairing == "aged"
        return 0 if seen_as_they_are else self.pictures.kept_px * 3 // 2

    @property
    def keeps_content(self) -> bool:
        """True where terms hold the result to its source."""
        return self.content == "preserve"
