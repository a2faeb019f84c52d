"""What `vasari colorize` says of its work, in plans and in records, and its batch. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from vasari.foundation import batches, row_reader
from vasari.foundation.errors import PlanError
from vasari.foundation.execute import Executor
from vasari.foundation.treatment import ModelFacts, Stage
from vasari.models import model_files
from vasari.tasks.batch.files import treat_files
from vasari.tasks.batch.places import local_folder
from vasari.tasks.batch.terms import BatchOptions, Summary, Watch
from vasari.tasks.batch.work import as_then
from vasari.tasks.colorize.colorize_plan import ColorizePlan
from vasari.tasks.stylize import styles
from vasari.tasks.stylize.styles import StyleFile

if TYPE_CHECKING:
    from vasari.tasks.colorize.apply import ColorizeWorker


def colorize_files(
    inputs: Sequence[str | Path],
    options: BatchOptions,
    plan: ColorizePlan,
    watch: Watch | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Color files, folders and globs into `options.output`, each page once; see `docs/colorize.md`.

    With an `executor` its workers treat the pages, as `treat_files` tells. A page that cannot be colored is in the
    ledger with its reason, and the rest goes on. Raises `PlanError` (no input, hints for several pictures, a folder in
    use), `PictureError` (a palette's picture or hints that cannot be read), `WeightsError`, and `WriteError` where the
    ledger cannot be kept.
    """
    work = ColorizeWork.of(plan)
    if plan.hinted:
        refuse_several(len(batches.discover(inputs, local_folder(options.output), batches.PICTURE_SUFFIXES)))
    return treat_files(inputs, options, work, watch, executor)


def refuse_several(pictures: int) -> None:
    """Raise `PlanError` where hints would be for another number of pictures than one."""
    if pictures != 1:
        raise PlanError(
            f"Hints are for one picture, and {pictures} were named.",
            remedy="name the one that they were made for, and color the others without",
        )


@dataclass(frozen=True)
class ColorizeWork:
    """The `tasks.batch.work.Work` of one plan; `palette` is the file that the palette is taken from, if any."""

    operation: ClassVar[str] = "colorize"
    participle: ClassVar[str] = "colorized"
    plan_kind: ClassVar[type] = ColorizePlan

    plan: ColorizePlan
    models: tuple[ModelFacts, ...]
    palette: StyleFile | None

    @classmethod
    def of(cls, plan: ColorizePlan) -> ColorizeWork:
        """The work of a plan, before anything is loaded or written.

        Raises `PlanError` where the palette's picture or the hints are missing, `PictureError` where one is no picture,
        `WeightsError` where a model is missing.

        Both stand among the models with their digests: another picture under the same name is another work.
        """
        hints = str(Path(plan.hints).expanduser().absolute()) if plan.hints else ""
        plan = dataclasses.replace(plan, palette_of=_placed(plan.palette_of), hints=hints)
        paths = [model_files.find(name) for name in (plan.encoder, plan.model)]
        models = [ModelFacts(path.stem, model_files.digest(path)) for path in paths]
        palette = styles.find(plan.palette_of) if plan.palette_of else None
        if palette is not None:
            if not palette.is_code:
                row_reader.inspect(palette.path)
            models.append(ModelFacts(f"palette {palette.name}", palette.digest))
        if hints:
            models.append(_hints_facts(Path(hints)))
        return cls(plan, tuple(models), palette)

    @property
    def format(self) -> str | None:
        """The format that results are written in; None for that of the source."""
        return self.plan.format

    @property
    def maps(self) -> tuple[str, ...]:
        """The endings of what lies beside each result: the map of confidence, and the samples after the first."""
        confidence = (batches.CONFIDENCE_ENDING,) if self.plan.confidence else ()
        return (*confidence, *(batches.SAMPLE_ENDING.format(one) for one in range(2, self.plan.samples + 1)))

    @property
    def source_type(self) -> str:
        """A key of `treatment.SOURCE_TYPES`: a trained model invented the colors, over what the source shows."""
        return "composite" if self.plan.saturation > 0 else "enhanced"

    @property
    def seed(self) -> int:
        """The seed of the palettes that were drawn."""
        return self.plan.seed

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """What is done, in words: what was told of the colors, then the coloring with what was measured."""
        plan = self.plan
        if plan.saturation == 0:
            return (Stage("grey", "colors taken out: saturation 0; lightness as in the source"),)
        done = [Stage("palette", f"the colors of {self.palette.told}")] if self.palette is not None else []
        if plan.hinted:
            done.append(Stage("hints", self._hints))
        done.append(Stage("colorize", self._how, {} if numbers is None else numbers))
        if plan.samples > 1:
            done.append(
                Stage(
                    "samples",
                    f"{plan.samples} colorings: the likeliest palette, then others drawn from the model's own",
                )
            )
        if plan.saturation != 1:
            done.append(Stage("saturation", f"chroma times {plan.saturation:g}"))
        return tuple(done)

    @property
    def _hints(self) -> str:
        strokes = [f"strokes of {Path(self.plan.hints).name}"] if self.plan.hints else []
        return "colors said by hand: " + "; ".join([*strokes, *self.plan.hint])

    @property
    def _how(self) -> str:
        told = [word for word, given in (("a palette", self.palette is not None), ("hints", self.plan.hinted)) if given]
        rest = f"lightness, {' and '.join(told)}" if told else "lightness alone"
        return f"colors invented by {self.models[1].name} from {rest}; lightness as in the source"

    def ready(self, machine: Mapping[str, str]) -> ColorizeWorker:
        """Load the weights, with the precision and on the device of `machine` where it names them."""
        from vasari.tasks.colorize.apply import ColorizeWorker
        from vasari.tasks.colorize.colorist import Colorist

        return ColorizeWorker(Colorist.of(as_then(self.plan, machine)))


def _placed(palette: str) -> str:
    """A picture's absolute path, so that a record is understood from any folder; a named style's name as it is."""
    return palette if not palette or palette in styles.named() else str(Path(palette).expanduser().absolute())


def _hints_facts(path: Path) -> ModelFacts:
    """Hints as the record keeps them; raises `PlanError` where there are none, `PictureError` for no picture."""
    if not path.is_file():
        raise PlanError(f"There are no hints {path}.", remedy="name a picture that is clear but for strokes of color")
    row_reader.inspect(path)
    return ModelFacts(f"hints {path.name}", model_files.digest(path))
