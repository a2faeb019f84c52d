"""The method cnn: the feature network is trained on, through the one training loop, and then judged as any other."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import TrainingError, WeightsError
from vasari.models import hub
from vasari.models.backbones import Backbone
from vasari.models.pooling import PictureClassifier
from vasari.tasks.recognize.fitting import Prepared
from vasari.tasks.recognize.labels import LabeledPicture
from vasari.tasks.recognize.pictures import extracted
from vasari.tasks.recognize.plan import RecognizePlan, SplitPlan

RECIPE = "recognize"
LABELS_FILE = "labels.csv"
MULTIPLE_OF = 16
# The side of the squares that are learned from, of the side of a square of as many pixels as the whole picture has
# when it is judged: strokes then have about the same size in both.
CROP_SHARE = 0.8


def fine_tuned(
    data: Prepared, backbone: Backbone, px: int, plan: RecognizePlan, split_plan: SplitPlan, run: Path | None
) -> tuple[PictureClassifier, Prepared, list[str]]:
    """Train the recipe `recognize` on the training part; the classifier, and the pictures with its own features.

    It trains in the folder `run`, which keeps log, report and checkpoints, and where an interrupted training goes on;
    or in a temporary one. Raises `TrainingError` where it was interrupted.
    """
    from vasari.foundation.runs import RunFolder
    from vasari.tasks.recipe import train_recipe

    with ExitStack() as stack:
        folder = run or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vasari-recognize-"))) / "run"
        # Always the same place, as a run that goes on tells of other data; hidden, so that no file of a user's is met.
        table = _write_labels(folder.parent / f".{folder.name}-{LABELS_FILE}", data.pictures)
        stack.callback(table.unlink, missing_ok=True)
        settings = _settings(px, plan, split_plan, len(data.pictures))
        done = train_recipe(RECIPE, (table,), folder, settings, resume=RunFolder(folder).is_used)
        if not done["finished"]:
            raise TrainingError(
                f"The training was stopped by {done['stopped_by']} after {done['images_seen']} images.",
                remedy="give the same command again; with a run folder it goes on where it was",
            )
        loaded = hub.load(folder / "best.safetensors")
    network = loaded.network.requires_grad_(False)
    if not isinstance(network, PictureClassifier) or tuple(loaded.recipe["classes"]) != data.classes:
        raise WeightsError("The run is of other classes.", remedy="name a fresh run folder")
    found = extracted([one.path for one in data.pictures], network.features, px)
    if found.positions != tuple(range(len(data.pictures))) or found.hashes != data.hashes:
        raise TrainingError(
            "Pictures were changed or taken away while the network was trained.",
            remedy="bring them back, or train again; a run folder keeps what was learned",
        )
    words = f"The feature network was trained on for {done['images_seen']} images; the best weights by validation."
    return network, replace(data, vectors=found.vectors), [words]


def _settings(px: int, plan: RecognizePlan, split_plan: SplitPlan, pictures: int) -> tuple[str, ...]:
    """What the plan asks for, over the recipe that ships."""
    features = str(Path(plan.features).resolve()) if Path(plan.features).exists() else plan.features
    side = max(2, round(CROP_SHARE * px / MULTIPLE_OF)) * MULTIPLE_OF
    return (
        f"train.images={plan.images}",
        f"train.batch={plan.batch}",
        f"train.learning_rate={plan.learning_rate}",
        f"train.seed={split_plan.seed}",
        f"train.warmup_images={min(400, plan.images // 10)}",
        f"train.validate_every_images={max(plan.batch, plan.images // 6)}",
        f"objective.features={json.dumps(features, ensure_ascii=False)}",
        f"objective.balanced={str(plan.balanced).lower()}",
        f"objective.pictures.px={side}",
        f"objective.pictures.stored_px={side + side // 8}",
        f'objective.split.group_by="{split_plan.group_by}"',
        f"objective.split.test_share={split_plan.test_share}",
        f"objective.split.validation_share={split_plan.validation_share}",
        f"objective.split.fewest_groups={split_plan.fewest_groups}",
        f"objective.split.fewest_pictures={split_plan.fewest_pictures}",
        f"objective.split.seed={split_plan.seed}",
    )


def _write_labels(path: Path, pictures: Sequence[LabeledPicture]) -> Path:
    """A table of the pictures in their order, from which the recipe makes the same split."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["path", "label", "artist"])
    writer.writerows([str(one.path.resolve()), one.label, one.artist] for one in pictures)
    return write_whole(path, text.getvalue().encode())
