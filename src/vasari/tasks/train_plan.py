"""What a training run is asked for: length, optimizer, schedule, saving. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option

OPTIMIZER_NAMES = ("sgd", "momentum", "rmsprop", "adam", "adamw", "lion", "radam")

ANSWERS = ("warn", "roll-back", "stop")

# What may differ when a run is resumed, since it does not change the curve (or only what is done about trouble).
FREE_WHEN_RESUMING = (
    "data",
    "train.device",
    "train.workers",
    "train.validate_every_images",
    "train.save_every_seconds",
    "train.log_every_steps",
    "train.stop_after_minutes",
    "train.on_trouble",
    "train.most_roll_backs",
    "train.trouble_patience_steps",
    "train.adversary_judged_after_images",
    "train.divergence_times",
    "train.critic_wins_balance",
    "train.critic_wins_loss",
    "train.collapse_share",
)


@dataclass(frozen=True)
class TrainPlan:
    """The options of the one training loop; an image is an item shown once (often a patch)."""

    images: int = option(1_000_000, "training length, in images shown (rounded up to whole batches)", minimum=1)
    batch: int = option(16, "images per optimizer step, over all processes and micro-batches", minimum=1)
    micro_batches: int = option(1, "parts of a batch whose gradients are accumulated", minimum=1)
    optimizer: str = option("adamw", "the optimizer of every turn", choices=OPTIMIZER_NAMES)
    learning_rate: float = option(2e-4, "the highest learning rate", minimum=0.0)
    minimum_learning_rate_share: float = option(
        0.01, "the learning rate at the end, as a share of the highest", minimum=0.0, maximum=1.0
    )
    betas: tuple[float, ...] = option((0.9, 0.99), "decay of the first and second moments; momentum is the first")
    weight_decay: float = option(0.0, "decay of weights with two dimensions or more", minimum=0.0)
    schedule: str = option("cosine", "how the rate falls after the warm-up", choices=("cosine", "constant", "linear"))
    warmup_images: int = option(0, "images over which the rate rises from 0", minimum=0)
    ema_half_life_images: int = option(10_000, "half-life of the averaged weights, in images; 0 for none", minimum=0)
    clip_gradient_norm: float = option(1.0, "highest norm of a turn's gradient; 0 for no clipping", minimum=0.0)
    precision: str = option("auto", "arithmetic of the networks", choices=("auto", "float32", "bfloat16"))
    device: str = option("auto", "where to train", choices=("auto", "cpu", "cuda", "mps"))
    seed: int = option(0, "seed of weights, data and noise", minimum=0)
    workers: int = option(0, "processes that prepare batches; 0 prepares them in the loop", minimum=0)
    validate_every_images: int = option(100_000, "images between validations; 0 for only at the end", minimum=0)
    save_every_seconds: float = option(300.0, "seconds between checkpoints; 0 after every step", minimum=0.0)
    log_every_steps: int = option(20, "steps between lines of the log", minimum=1)
    stop_after_minutes: float = option(0.0, "stop early, resumable, after so many minutes; 0 for never", minimum=0.0)
    on_trouble: str = option(
        "warn",
        "what is done about divergence, a critic that wins and mode collapse: warn; roll back to the last good "
        "checkpoint and lower the rate; or stop",
        choices=ANSWERS,
    )
    roll_back_rate: float = option(
        0.5, "what each roll-back multiplies the learning rate by", minimum=1e-6, maximum=1.0
    )
    most_roll_backs: int = option(3, "roll-backs after which the next trouble stops the run", minimum=1)
    trouble_patience_steps: int = option(100, "steps that losses and scores are judged over", minimum=1)
    adversary_judged_after_images: int = option(
        20_000, "images before which no critic is said to win and no collapse is seen: early ones look alike", minimum=0
    )
    divergence_times: float = option(
        20.0, "a loss or gradient norm so many times its running median diverges", minimum=1.0
    )
    critic_wins_balance: float = option(
        0.98, "share of pairs in which the critic tells real from made, above which it wins", minimum=0.5, maximum=1.0
    )
    critic_wins_loss: float = option(
        0.0, "adversarial loss of the generator above which the critic wins; 0 for no bound", minimum=0.0
    )
    collapse_share: float = option(
        0.3, "diversity of made pictures, as a share of the data's, below which they have collapsed", minimum=0.0
    )
    losses: dict[str, float] = field(
        default_factory=dict, metadata={"help": "weights of loss terms by name, over the objective's own"}
    )

    def __post_init__(self) -> None:
        check(self)
        if self.batch % self.micro_batches:
            raise PlanError(
                f"batch={self.batch} is not a multiple of micro_batches={self.micro_batches}.",
                remedy=f"use --set train.batch={-(-self.batch // self.micro_batches) * self.micro_batches}",
            )
        if len(self.betas) != 2 or not all(0 <= one < 1 for one in self.betas):
            raise PlanError(f"betas={list(self.betas)} are not two numbers in 0..1.", remedy="write [0.9, 0.99]")

    @property
    def steps(self) -> int:
        """Optimizer steps in the whole run."""
        return -(-self.images // self.batch)
