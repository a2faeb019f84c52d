"""What the training of a recognizer is asked for. Imports no torch: the command line is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option

METHODS = ("probe", "knn", "cnn")
GROUPINGS = ("artist", "none")
SMALL_CLASSES = ("refuse", "leave-out")


@dataclass(frozen=True)
class LabelsPlan:
    """Where the labels of a table are."""

    label_column: str = option("", "column of a .csv with the label; empty for label, style, class or artist")
    artist_column: str = option("", "column of a .csv with the artist; empty for artist, creator or author")
    period_years: int = option(
        0,
        "the label is the period of so many years (50: 1850-1899), from the columns year_from and year_to; "
        "pictures whose years lie in two are left out; 0 for a label from a column",
        minimum=0,
        maximum=1000,
    )

    def __post_init__(self) -> None:
        check(self)
        if self.period_years and self.label_column:
            raise PlanError(
                "A period and a column of labels were asked for at once.", remedy="leave one of the two out"
            )


@dataclass(frozen=True)
class SplitPlan:
    """How labeled pictures are parted into training, validation and test."""

    group_by: str = option(
        "artist",
        "'artist': no artist is in two parts; 'none': picture by picture, as recognizing artists needs",
        choices=GROUPINGS,
    )
    test_share: float = option(0.2, "share of the pictures kept for the test", minimum=0.05, maximum=0.5)
    validation_share: float = option(
        0.2, "share kept for calibration and thresholds, and to choose by", minimum=0.05, maximum=0.5
    )
    fewest_groups: int = option(3, "artists (or pictures without one) that a class must have", minimum=3)
    fewest_pictures: int = option(6, "pictures that a class must have", minimum=3)
    small_classes: str = option("refuse", "what is done about a class with fewer", choices=SMALL_CLASSES)
    seed: int = option(0, "seed of the split, the bootstrap and the training", minimum=0)

    def __post_init__(self) -> None:
        check(self)

    @property
    def training_share(self) -> float:
        """What is left to train on."""
        return 1.0 - self.test_share - self.validation_share


@dataclass(frozen=True)
class RecognizePlan:
    """How a recognizer is trained; the options of a split and of a table's labels are beside it."""

    method: str = option(
        "probe",
        "'probe' logistic regression, 'knn' nearest neighbors, both on frozen features and in seconds (extra archive "
        "for probe); 'cnn' trains the feature network on",
        choices=METHODS,
    )
    features: str = option(
        "encoder",
        "the feature network: a bundled encoder, a file or address of a VGG-19, ResNet-50 or MobileNet V1, "
        "or the run of an adversarial training, whose critic is taken",
    )
    px: int = option(0, "side of a square of as many pixels as each picture is brought to; 0: the network's", minimum=0)
    neighbors: int = option(10, "'knn': nearest pictures that vote", minimum=1)
    balanced: bool = option(
        False, "let every class count the same in training: rare ones are found more often, frequent ones less"
    )
    sure: float = option(
        0.8,
        "answer 'unknown' where fewer of the answers than this would be right; 0 answers always",
        minimum=0.0,
        maximum=1.0,
    )
    images: int = option(6000, "'cnn': images shown in training", minimum=1)
    batch: int = option(16, "'cnn': images per step", minimum=1)
    learning_rate: float = option(2e-4, "'cnn': the highest learning rate", minimum=0.0)

    def __post_init__(self) -> None:
        check(self)
        if self.px and self.px < 32:
            raise PlanError(f"px={self.px} is below 32.", remedy="use px=32 or more, or 0 for the network's own")
