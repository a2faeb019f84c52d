"""Fine-tune a feature network to tell the classes of labeled pictures apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict
from vasari.models.backbones import Backbone, read_backbone
from vasari.tasks.data.crops import Crops
from vasari.tasks.data.entries import Listing, file_entry
from vasari.tasks.data.gather import Listed, decode_all
from vasari.tasks.data.picture_set import PictureSet
from vasari.tasks.data.provenance import describe_sources
from vasari.tasks.objectives import Batch, Examples, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.recognize.calibration import negative_log_likelihood
from vasari.tasks.recognize.file import network_header
from vasari.tasks.recognize.fitting import classifier, options_of
from vasari.tasks.recognize.labels import LabeledPicture, read_labeled
from vasari.tasks.recognize.scores import balanced_accuracy, confusion
from vasari.tasks.recognize.split import enough, split
from vasari.tasks.recognize.training_plan import RecognizeObjectivePlan

SCALED_BY = 64  # training pictures from which the features' centers and scales are taken


class LabeledCrops:
    """Example i: a random square of a training picture and its class, from (seed, i) alone."""

    def __init__(self, pictures: PictureSet, classes: Sequence[str], plan: RecognizeObjectivePlan, seed: int) -> None:
        self._crops = Crops(pictures, plan.pictures, seed)
        self._labels = [classes.index(label) for label in pictures.labels]

    def __getitem__(self, index: int, /) -> Mapping[str, Tensor]:
        label = torch.tensor(self._labels[self._crops.which(index)])
        return {**self._crops[index], "labels": label}


class RecognizeObjective(Objective):
    """One turn: the cross entropy of the classes, in which each class weighs the same where that is asked for.

    The classifier begins with the feature network's weights and a linear layer of 0; all of it learns. Labels are
    smoothed (Szegedy et al. 2016, arXiv:1512.00567, section 7).
    """

    def __init__(
        self,
        backbone: Backbone,
        training: PictureSet,
        validation: PictureSet,
        plan: RecognizeObjectivePlan,
        facts: Mapping[str, Any],
    ) -> None:
        self._plan, self._training, self._validation = plan, training, validation
        self._classes = tuple(sorted(set(training.labels)))
        self._classifier = classifier(backbone, len(self._classes)).requires_grad_(True)
        self._facts = {
            "network": network_header(options_of(backbone, len(self._classes))),
            "task": "recognize",
            "classes": list(self._classes),
            "features": {"name": backbone.source, "kind": backbone.name, "sha256": backbone.digest},
            **facts,
        }
        counts = Counter(training.labels)
        even = len(training) / len(self._classes)
        self._class_weights = torch.tensor([even / counts[name] if plan.balanced else 1.0 for name in self._classes])
        self._take_scale()

    def _take_scale(self) -> None:
        crops = Crops(self._training, self._plan.pictures, seed=1)
        count = min(SCALED_BY, 4 * len(self._training))
        with torch.no_grad():
            vectors = [self._classifier.features(crops[index]["pictures"][None])[0] for index in range(count)]
        self._classifier.set_scale(torch.stack(vectors))

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"classifier": self._classifier}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("classifier",)

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"classifier": self._facts}

    @property
    def weights(self) -> Mapping[str, float]:
        return {"cross_entropy": 1.0}

    @property
    def best(self) -> tuple[str, str] | None:
        return "balanced_accuracy", "max"

    @property
    def data_report(self) -> Sequence[str]:
        parts = f"{len(self._training)} pictures to learn from, {len(self._validation)} to choose by."
        return [*self._training.report.lines(), parts]

    @property
    def turns(self) -> Sequence[Turn]:
        return (Turn("recognize", (self._classifier,), self._losses),)

    def examples(self, seed: int) -> Examples:
        return LabeledCrops(self._training, self._classes, self._plan, seed)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        logits = self._classifier(batch["pictures"]).float()
        weights = self._class_weights.to(logits.device)
        found = functional.cross_entropy(logits, batch["labels"], weights, label_smoothing=self._plan.smoothing)
        return {"cross_entropy": found}

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        """Scores on the middle squares of the validation part, whose artists are not in the training part."""
        network = networks["classifier"]
        device = next(network.parameters()).device
        count, px = min(len(self._validation), self._plan.judged), self._plan.pictures.px
        chosen = [index * len(self._validation) // count for index in range(count)]
        squares = (self._validation.tensor(index, px)[None].to(device) for index in chosen)
        logits = torch.cat([network(one).float().cpu() for one in squares]).numpy()
        truth = np.array([self._classes.index(self._validation.labels[index]) for index in chosen])
        table = confusion(truth, logits.argmax(1), len(self._classes))
        return Validation(
            {
                "balanced_accuracy": balanced_accuracy(table),
                "accuracy": float(np.trace(table) / count),
                "negative_log_likelihood": negative_log_likelihood(logits, truth),
            }
        )


def build(recipe: Recipe, data: tuple[str | Path, ...]) -> RecognizeObjective:
    """The objective of a recognize recipe; raises `PlanError` for bad options, `TrainingError` for too little data."""
    plan = from_dict(RecognizeObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    if len(data) != 1:
        raise PlanError(
            f"{len(data)} sources were named, and labels come from one.", remedy="name one folder or one .csv"
        )
    kept, _ = enough(read_labeled(data[0], plan.labels).pictures, plan.split)
    backbone = read_backbone(plan.features)
    parts = split(kept, plan.split)
    training, validation = (_decoded([kept[at] for at in part], plan) for part in (parts.training, parts.validation))
    facts = {"training_pictures": len(training), "training_data": describe_sources(data)}
    return RecognizeObjective(backbone, training, validation, plan, facts)


def _decoded(pictures: Sequence[LabeledPicture], plan: RecognizeObjectivePlan) -> PictureSet:
    entries = Listing([file_entry(one.path, one.called, one.label) for one in pictures]).entries
    return decode_all(Listed(("labeled pictures",), tuple(entries)), entries, plan.pictures)
