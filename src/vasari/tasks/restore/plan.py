"""What a restoration is asked for. Imports no torch: the command line and the web form are derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option, format_option, precision_option, quality_option, tile_option

STAGES = ("tone", "repair", "enlarge")
DEFAULT_STAGES = ("tone", "repair")
LOSSY_FORMATS = ("jpeg", "webp")
# The model that `vividness` mixes: its two weights are `restore-faithful` and `restore-vivid`.
DEFAULT_MODEL = "restore"
FAITHFUL, VIVID = "restore-faithful", "restore-vivid"
DETECT = "detect"
ENLARGE = "enlarge"
# What faces are compared by.
ENCODER = "encoder"
SCALES, DEFAULT_SCALE = (2, 4), 2
# Large scans are repaired at this long side first: the size at which marks and grain were learned.
DEFAULT_WORKING_PX, SMALLEST_WORKING_PX = 512, 256
# The one default of vividness; above 0 needs the weights `restore-vivid`.
DEFAULT_VIVIDNESS = 0.0


@dataclass(frozen=True)
class RestorePlan:
    """How pictures are restored; everything here decides the bytes of a result."""

    vividness: float = option(
        DEFAULT_VIVIDNESS,
        "how much fine detail the model may imagine: 0 faithful .. 1 vivid; only for the model 'restore'",
        minimum=0.0,
        maximum=1.0,
    )
    tone: str = option(
        "neutral",
        "'neutral' undoes fading and color casts, 'keep' repairs in the tone of the scan",
        choices=("neutral", "keep"),
    )
    stages: tuple[str, ...] = option(
        DEFAULT_STAGES,
        "what is done, separated by commas: tone (fading, casts), repair (grain, blur, scratches), enlarge",
        choices=STAGES,
    )
    scale: int | None = option(
        None, "stage enlarge: how many times as many pixels each way, 2 or 4; else 2", minimum=2, maximum=4
    )
    strength: float = option(1.0, "blend from the scan (0, unchanged) to the full result (1)", minimum=0.0, maximum=1.0)
    only_damage: bool = option(
        False, "change only pixels found damaged; all others stay bit-identical (lossless formats only)"
    )
    damage_threshold: float = option(
        0.5, "--only-damage: the probability of damage from which a pixel may change", minimum=0.0, maximum=1.0
    )
    damage_margin_px: int = option(
        3, "--only-damage: how far around a damaged pixel others may change, in pixels", minimum=0, maximum=64
    )
    evidence: bool = option(False, "write NAME.damage.png (what was invented) and NAME.change.png (how far moved)")
    self_ensemble: bool | None = option(
        None, "repair four mirrored views and take their mean: a little nearer to the truth, in four times the time"
    )
    working_px: int | None = option(
        None,
        "long side at which large scans are repaired first, for scratches and grain to have the size that was learned; "
        "0: at their own size alone; else 512",
        minimum=0,
        maximum=960,
    )
    likeness: bool | None = option(
        None, "compare faces before and after, and restore more faithfully those that moved too far (extra faces)"
    )
    format: str | None = format_option()
    quality: int = quality_option()
    model: str = option(DEFAULT_MODEL, "a bundled model's name, or the path of a .safetensors file")
    detector: str | None = option(
        None, f"what finds scratches, dust and stains: another model than the bundled '{DETECT}', as for model"
    )
    enlarger: str | None = option(None, f"stage enlarge: another model than the bundled '{ENLARGE}', as for model")
    precision: str = precision_option()
    device: str = device_option()
    tile_px: int = tile_option()

    def __post_init__(self) -> None:
        check(self)
        if not self.stages or len(set(self.stages)) != len(self.stages):
            raise PlanError(
                f"stages={','.join(self.stages)} is not a list of different stages.", remedy="use --stages tone,repair"
            )
        self._check_enlarging()
        if self.tone == "keep" and "repair" not in self.stages:
            raise PlanError(
                "tone=keep without the stage repair leaves nothing to do.",
                remedy="use --stages repair to keep the tone, or --tone neutral to correct it",
            )
        if self.vividness not in (0.0, DEFAULT_VIVIDNESS) and self.model != DEFAULT_MODEL:
            raise PlanError(
                f"vividness={self.vividness:g} mixes the two weights of the model '{DEFAULT_MODEL}', "
                f"and model={self.model} is one set of weights.",
                remedy="leave out --vividness, or leave out --model",
            )
        if self.vividness > 0 and not self.repairs:
            raise PlanError(
                "vividness is of what repairing imagines, and nothing is repaired.",
                remedy="leave out --vividness, or use --stages tone,repair with a --strength above 0",
            )
        if self.detector is not None and "repair" not in self.stages:
            raise PlanError(
                f"detector={self.detector} without the stage repair has no meaning.", remedy="leave out --detector"
            )
        if self.detector == DETECT:
            object.__setattr__(self, "detector", None)
        if self.likeness and not self.repairs:
            raise PlanError(
                "likeness watches what repairing does to faces, and nothing is repaired.",
                remedy="leave out --likeness, or use --stages tone,repair with a --strength above 0",
            )
        if self.self_ensemble and not self.repairs:
            raise PlanError(
                "self_ensemble is a mean of repairs, and nothing is repaired.",
                remedy="leave out --self-ensemble, or use --stages tone,repair with a --strength above 0",
            )
        self._check_working_size()
        # Not asked for is not asked for: one job with the plans of before there was the option.
        for name in ("likeness", "self_ensemble"):
            if getattr(self, name) is False:
                object.__setattr__(self, name, None)
        if self.only_damage and "repair" not in self.stages:
            raise PlanError("only_damage needs the stage repair.", remedy="use --stages tone,repair or --stages repair")
        if self.only_damage and self.format in LOSSY_FORMATS:
            raise PlanError(
                f"only_damage promises bit-identical pixels, which {self.format} cannot keep.",
                remedy="use --format tiff or --format png",
            )

    def _check_working_size(self) -> None:
        """Raise `PlanError` for a working size that means nothing; the default by name is one job with it."""
        if self.working_px is None:
            return
        if not self.repairs:
            raise PlanError(
                f"working_px={self.working_px} is where repairing begins, and nothing is repaired.",
                remedy="leave out --working-px, or use --stages tone,repair with a --strength above 0",
            )
        if 0 < self.working_px < SMALLEST_WORKING_PX:
            raise PlanError(
                f"working_px={self.working_px} is below {SMALLEST_WORKING_PX}, where little is left of a picture.",
                remedy="use 512, or 0 to repair at the scan's own size alone",
            )
        if self.working_px == DEFAULT_WORKING_PX:
            object.__setattr__(self, "working_px", None)

    def _check_enlarging(self) -> None:
        """Raise `PlanError` for what enlarging cannot be asked together with."""
        if "enlarge" not in self.stages:
            for name in ("scale", "enlarger"):
                if getattr(self, name) is not None:
                    raise PlanError(
                        f"{name}={getattr(self, name)} without the stage enlarge has no meaning.",
                        remedy="use --stages tone,repair,enlarge, or --stages enlarge alone",
                    )
            return
        if self.scale not in (None, *SCALES):
            raise PlanError(f"scale={self.scale} is not known.", remedy="use --scale 2 or --scale 4")
        if self.only_damage:
            raise PlanError(
                "only_damage promises the scan's own pixels, and an enlarged picture has none of them.",
                remedy="leave out --only-damage, or the stage enlarge",
            )
        restoring = (self.strength < 1, self.evidence, self.vividness != DEFAULT_VIVIDNESS)
        if not self.restores and any(restoring):
            raise PlanError(
                "strength, evidence and vividness are of restoring, and the stage enlarge alone restores nothing.",
                remedy="leave them out, or use --stages tone,repair,enlarge",
            )
        # What is asked for by name and is the default all the same is one job with it.
        for name, default in (("scale", DEFAULT_SCALE), ("enlarger", ENLARGE)):
            if getattr(self, name) == default:
                object.__setattr__(self, name, None)

    @property
    def restores(self) -> bool:
        """True where a stage comes before enlarging."""
        return self.stages != ("enlarge",)

    @property
    def factor(self) -> int:
        """How many times as many pixels each way the result has."""
        return (self.scale or DEFAULT_SCALE) if "enlarge" in self.stages else 1

    @property
    def keeps_tone(self) -> bool:
        """True where the result stands in the tone of the source."""
        return self.tone == "keep" or "tone" not in self.stages or self.only_damage

    @property
    def repairs(self) -> bool:
        """True where the U-Net has work: the stage repair, with a strength above 0."""
        return "repair" in self.stages and self.strength > 0
