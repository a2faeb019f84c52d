"""What an explanation is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.restore.plan import DEFAULT_MODEL, DEFAULT_VIVIDNESS, RestorePlan
from vasari.tasks.shared_options import device_option


@dataclass(frozen=True)
class ExplainPlan:
    """Which model is explained, on a scan or by its samples, and how."""

    style: str = option(
        "", "explain how far the scan is from this style (a name, a picture or a saved code) and not its restoration"
    )
    model: str = option(DEFAULT_MODEL, "the restorer: a bundled model's name, or the path of a .safetensors file")
    vividness: float = option(
        DEFAULT_VIVIDNESS,
        "explain the weights of vasari restore --vividness: 0 faithful .. 1 vivid; only for the model 'restore'",
        minimum=0.0,
        maximum=1.0,
    )
    other: str = option("", "a second restorer: show how far the two disagree; as --model")
    critic: str = option(
        "", "explain what a critic sees in the picture: the folder of an adversarial training, or a checkpoint of it"
    )
    given: str = option("", "--critic: the scan that the picture was restored from; for a conditional critic")
    generator: str = option("", "explain what a generator has learned by heart: a model of the task generate")
    training: str = option("", "--generator: folder of the pictures that it was trained on")
    held_out: str = option("", "--generator: folder of pictures like them that it was not trained on, for the test")
    samples: int = option(64, "--generator: samples that are made", minimum=8, maximum=10_000)
    neighbors: int = option(4, "--generator: nearest training pictures shown of each sample", minimum=1, maximum=16)
    seed: int = option(0, "--generator: seed of the samples", minimum=0)
    tone: str = option(
        "neutral",
        "'neutral' undoes fading and color casts, 'keep' repairs in the tone of the scan",
        choices=("neutral", "keep"),
    )
    shifts: int = option(
        2,
        "uncertainty: so many shifts by a few pixels, each in four flips; 0 for the flips alone",
        minimum=0,
        maximum=8,
    )
    max_megapixels: float = option(24.0, "refuse larger scans: all maps lie in memory", minimum=0.01)
    precision: str = option("auto", "arithmetic of the network", choices=("auto", "float32", "bfloat16"))
    device: str = device_option()

    def __post_init__(self) -> None:
        check(self)
        if self.given and not self.critic:
            raise PlanError(
                f"given={self.given} without a critic has no meaning: no other explanation looks at two pictures.",
                remedy="name the critic: --critic RUN, or leave --given out",
            )
        if self.vividness != DEFAULT_VIVIDNESS and (self.style or self.critic or self.generator):
            raise PlanError(
                f"vividness={self.vividness:g} is of a restoration, and something else is explained.",
                remedy="leave out --vividness",
            )
        self.restoration()  # a vividness that the model has not is refused here

    def restoration(self) -> RestorePlan:
        """The plan of the restoration that is explained; raises `PlanError`."""
        return RestorePlan(
            vividness=self.vividness, tone=self.tone, model=self.model, precision=self.precision, device=self.device
        )

    def other_restoration(self) -> RestorePlan:
        """The plan of the second restorer's; raises `PlanError`."""
        return RestorePlan(tone=self.tone, model=self.other, precision=self.precision, device=self.device)
