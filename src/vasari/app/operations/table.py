"""Everything that the workbench can be asked to do: one literal table; a new operation is a line in it."""

from __future__ import annotations

from vasari.app.operations import archiving, batches, measuring, pictures, retouching
from vasari.app.operations.operation import Operation
from vasari.archive.workbench.roles import Role
from vasari.foundation.errors import PlanError
from vasari.tasks.colorize.colorize_plan import ColorizePlan
from vasari.tasks.translate.translate_plan import TranslatePlan

OPERATIONS: dict[str, Operation] = {
    "restore": Operation(
        "Restore", "fading, casts, grain, blur, scratches, dust, folds of scans and films", batches.RestoreFields,
        batches.restore, styles=("style",), models=("model", "detector", "enlarger"), digests=batches.restoring_models,
    ),
    "stylize": Operation(
        "Stylize", "pictures and films in the manner of other pictures, blended or by regions", batches.StylizeFields,
        batches.stylize, styles=("style",), pictures=("mask",), models=("model", "encoder", "method"),
    ),
    "inpaint": Operation(
        "Inpaint", "fill a hole: a mask, a box or found damage", pictures.InpaintFields, pictures.inpaint,
        inputs=(1, 1), pictures=("mask",), models=("model",),
    ),
    "retouch": Operation(
        "Take back by hand", "the scan's own pixels, where a mask was painted over a restoration",
        retouching.RetouchFields, retouching.retouch, inputs=(2, 2), pictures=("keep",),
    ),
    "texture": Operation(
        "Make a texture", "of any size out of one sample", pictures.TextureFields, pictures.texture, inputs=(1, 1),
        models=("model",),
    ),
    "generate": Operation(
        "Generate", "pictures by a trained generator: seeds, edits, walks", pictures.GenerateFields, pictures.generate,
        inputs=(0, 0), models=("model", "enlarge"),
    ),
    "translate": Operation(
        "Translate", "pictures by a trained translator", TranslatePlan, batches.translate, models=("model",),
    ),
    "colorize": Operation(
        "Color", "plausible colors for grey pictures", ColorizePlan, batches.colorize, pictures=("hints",),
        styles=("palette_of",), models=("model", "encoder"),
    ),
    "archive-add": Operation(
        "Add to the archive", "pictures, with what they say of themselves", archiving.AddFields, archiving.add,
        inputs=(0, 10_000), repeats=True,
    ),
    "archive-index": Operation(
        "Measure the archive", "colors, edges, complexity, style of every picture; only what is missing",
        archiving.IndexFields, archiving.index, inputs=(0, 0), repeats=True,
    ),
    "evaluate": Operation(
        "Evaluate", "results against a truth or a set, with intervals", measuring.EvaluateFields, measuring.evaluate,
        pictures=("against",), models=("network", "classifier"), forbidden=("cache",),
    ),
    "train": Operation(
        "Train", "a model by a recipe that ships", measuring.TrainFields, measuring.train, Role.ADMIN,
    ),
    "sweep": Operation(
        "Sweep", "trainings of one recipe, varied", measuring.SweepFields, measuring.sweep, Role.ADMIN,
    ),
}  # fmt: skip


def operation_of(name: str) -> Operation:
    """The operation of a name; raises `PlanError` for one that is not known."""
    if name not in OPERATIONS:
        raise PlanError(f"There is no operation {name[:40]!r}.", remedy=f"choose from: {', '.join(OPERATIONS)}")
    return OPERATIONS[name]
