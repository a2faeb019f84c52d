"""Train a recognizer: read, part, fit, calibrate, set thresholds, and judge it on artists it has never seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.errors import TrainingError
from vasari.foundation.plans import to_dict
from vasari.models.backbones import Backbone, read_backbone
from vasari.models.pooling import PictureClassifier, PooledFeatures
from vasari.tasks.recognize.calibration import fitted_temperature, novelty_limit, probabilities, threshold_for
from vasari.tasks.recognize.evaluation import Evaluation, evaluated
from vasari.tasks.recognize.file import network_header
from vasari.tasks.recognize.labels import Labeled, LabeledPicture
from vasari.tasks.recognize.pictures import Advance, Extracted, extracted
from vasari.tasks.recognize.plan import RecognizePlan, SplitPlan
from vasari.tasks.recognize.probe import fit_probe
from vasari.tasks.recognize.recognizer import Example, Recognizer
from vasari.tasks.recognize.split import Split, enough, groups_of, split

BROKEN_NAMED = 5


@dataclass(frozen=True)
class Trained:
    """A recognizer, how it did on the test part, and what was noticed on the way, a line a fact.

    `test` are the pictures that it was judged on, in the order of the evaluation's rows.
    """

    recognizer: Recognizer
    evaluation: Evaluation
    test: tuple[LabeledPicture, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Prepared:
    """Pictures that can be read and are no repeats, their features [n, d] and hashes, and their parts."""

    pictures: tuple[LabeledPicture, ...]
    vectors: Tensor
    hashes: tuple[str, ...]
    parts: Split
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    def truth(self, part: Sequence[int]) -> np.ndarray:
        """The classes of some pictures, int64 [n]."""
        number = {name: index for index, name in enumerate(self.classes)}
        return np.array([number[self.pictures[index].label] for index in part])


def train_recognizer(
    labeled: Labeled,
    plan: RecognizePlan | None = None,
    split_plan: SplitPlan | None = None,
    advance: Advance = lambda done, all: None,
    run: Path | None = None,
) -> Trained:
    """Train on one part of the pictures, calibrate on another, judge on a third; see `docs/recognize.md`.

    `run` is the folder in which the method cnn trains. Raises `TrainingError` where there is too little to learn from,
    `PlanError`, `WeightsError` for the feature network, `MissingExtraError` for probe without scikit-learn.
    """
    plan, split_plan = plan or RecognizePlan(), split_plan or SplitPlan()
    backbone = read_backbone(plan.features)
    px = plan.px or backbone.px
    # Before anything is computed: most refusals need no picture opened.
    kept, left_out = enough(labeled.pictures, split_plan)
    found = extracted([one.path for one in kept], PooledFeatures(backbone.network), px, advance)
    data = prepared(kept, found, split_plan, [*labeled.notes, *left_out])
    return fitted(data, backbone, px, plan, split_plan, run)


def fitted(
    data: Prepared, backbone: Backbone, px: int, plan: RecognizePlan, split_plan: SplitPlan, run: Path | None = None
) -> Trained:
    """Fit, calibrate and judge on pictures whose features are at hand; raises as `train_recognizer` does."""
    if plan.method == "cnn":
        from vasari.tasks.recognize.fine_tuning import fine_tuned

        network, data, notes = fine_tuned(data, backbone, px, plan, split_plan, run)
    else:
        network, notes = _frozen(data, backbone, plan)
    recognizer = _calibrated(network, data, backbone, px, plan, split_plan)
    evaluation = evaluated(recognizer, *_test(recognizer, data, split_plan), seed=split_plan.seed)
    test = tuple(data.pictures[index] for index in data.parts.test)
    recognizer = replace(recognizer, facts={**recognizer.facts, "evaluation": evaluation.to_dict()})
    return Trained(recognizer, evaluation, test, (*data.notes, *notes, *_warnings(recognizer, plan)))


def prepared(pictures: Sequence[LabeledPicture], found: Extracted, plan: SplitPlan, notes: Sequence[str]) -> Prepared:
    """What is left after broken and repeated pictures, parted; raises `TrainingError` for too little."""
    told = list(notes)
    if found.broken:
        named = "; ".join(f"{pictures[at].called}: {reason}" for at, reason in found.broken[:BROKEN_NAMED])
        more = f" and {len(found.broken) - BROKEN_NAMED} more" if len(found.broken) > BROKEN_NAMED else ""
        told.append(f"{len(found.broken)} pictures could not be read and were left out ({named}{more}).")
    if found.repeats:
        names = ", ".join(pictures[at].called for at in found.repeats[:BROKEN_NAMED])
        told.append(f"{len(found.repeats)} files repeat another byte for byte and were left out ({names}).")
    if not found.positions:
        raise TrainingError(" ".join(["No picture can be learned from.", *told]), remedy="name pictures that open")
    readable = [pictures[at] for at in found.positions]
    kept, left_out = enough(readable, plan)
    keep = [index for index, one in enumerate(readable) if one.label in {picture.label for picture in kept}]
    nameless = sum(not one.artist for one in kept)
    if plan.group_by == "artist" and nameless:
        told.append(f"{nameless} of {len(kept)} pictures have no artist and were parted one by one.")
    if plan.group_by == "none":
        told.append("Parted picture by picture: works of one artist are in training and test alike.")
    hashes = tuple(found.hashes[index] for index in keep)
    classes = tuple(sorted({one.label for one in kept}))
    return Prepared(tuple(kept), found.vectors[keep], hashes, split(kept, plan), classes, (*told, *left_out))


def _frozen(data: Prepared, backbone: Backbone, plan: RecognizePlan) -> tuple[PictureClassifier, list[str]]:
    """A classifier whose feature network is left as it is."""
    network = classifier(backbone, len(data.classes))
    network.set_scale(data.vectors[list(data.parts.training)])
    notes = []
    if plan.method == "probe":
        training, validation = data.parts.training, data.parts.validation
        vectors = network.standardized(data.vectors)
        strength = fit_probe(
            network.head,
            vectors[list(training)],
            data.truth(training),
            vectors[list(validation)],
            data.truth(validation),
            plan.balanced,
        )
        notes.append(f"Of the penalties of the regression, C={strength:g} was likeliest on the validation part.")
    return network, notes


def classifier(backbone: Backbone, classes: int) -> PictureClassifier:
    """A classifier on a feature network, frozen, in evaluation mode; its linear layer is 0."""
    with torch.random.fork_rng(devices=[]):
        network = PictureClassifier(classes, backbone.name, backbone.options)
    network.features.network.load_state_dict(backbone.network.state_dict())
    return network.eval().requires_grad_(False)


def _calibrated(
    network: PictureClassifier, data: Prepared, backbone: Backbone, px: int, plan: RecognizePlan, split_plan: SplitPlan
) -> Recognizer:
    """The recognizer with temperature and thresholds from the validation part."""
    vectors = network.standardized(data.vectors)
    training, validation = list(data.parts.training), list(data.parts.validation)
    evidence = vectors[training].half().float()  # as the file keeps it, so that a loaded recognizer answers the same
    examples = tuple(_example(data.pictures[index], data.hashes[index]) for index in training)
    facts = {
        "network": network_header(options_of(backbone, len(data.classes))),
        "features": {"name": backbone.source, "kind": backbone.name, "sha256": backbone.digest},
        "plan": {**to_dict(plan), "features": backbone.source},
        "split": to_dict(split_plan),
        "training_pictures": dict(Counter(data.pictures[index].label for index in training)),
    }
    bare = Recognizer(network, data.classes, plan.method, px, evidence, examples, plan.neighbors, facts=facts)
    logits, truth = bare.logits(vectors[validation]).numpy(), data.truth(validation)
    temperature = fitted_temperature(logits, truth)
    shares = probabilities(logits, temperature)
    threshold = threshold_for(shares.max(1), shares.argmax(1) == truth, plan.sure)
    novelty = novelty_limit(bare.novelties(vectors[validation]).numpy())
    return replace(bare, temperature=temperature, threshold=threshold, novelty=novelty)


def options_of(backbone: Backbone, classes: int) -> dict[str, Any]:
    """The options with which `PictureClassifier` is built again."""
    return {"classes": classes, "backbone": backbone.name, "options": dict(backbone.options)}


def _example(picture: LabeledPicture, sha256: str) -> Example:
    return Example(picture.called, picture.label, picture.artist, sha256)


def _test(recognizer: Recognizer, data: Prepared, plan: SplitPlan) -> tuple[Tensor, np.ndarray, list[str]]:
    """Standardized features, classes and groups of the test part."""
    groups, part = groups_of(data.pictures, plan.group_by), list(data.parts.test)
    return recognizer.network.standardized(data.vectors[part]), data.truth(part), [groups[index] for index in part]


def _warnings(recognizer: Recognizer, plan: RecognizePlan) -> list[str]:
    if recognizer.threshold <= 1:
        return []
    return [
        f"On the validation part no confidence gives {plan.sure:.0%} of right answers: it will always say unknown. "
        "Ask for less with --sure, or for the likeliest class in any case with --sure 0."
    ]
