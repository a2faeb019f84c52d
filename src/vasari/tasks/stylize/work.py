"""What `vasari stylize` says of its work, in plans and in records, and its batch. Imports no torch."""

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
from vasari.tasks.batch.terms import BatchOptions, Summary, Watch
from vasari.tasks.batch.work import as_then
from vasari.tasks.stylize import styles
from vasari.tasks.stylize.optimize.plan import VGG19
from vasari.tasks.stylize.styles import StyleFile
from vasari.tasks.stylize.stylize_plan import OPTIMIZE, StylizePlan

if TYPE_CHECKING:
    from vasari.tasks.stylize.apply import StylizeWorker
    from vasari.tasks.stylize.optimizing import Onlooker

COLORS_KEPT = {
    "luminance": "the picture's own colors, with the lightness of what was painted",
    "histogram": "the colors of the styles were brought to those of the picture before",
}


def stylize_files(
    inputs: Sequence[str | Path],
    options: BatchOptions,
    plan: StylizePlan,
    watch: Watch | None = None,
    onlooker: Onlooker | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Stylize files, folders and globs into `options.output`, each page once; see `docs/stylize.md`.

    Where pictures are optimized, one at a time, the `onlooker` sees them on the way, and may end one with the best so
    far; the batch then ends as by Ctrl-C before the next. With an `executor` its workers treat the pages, as
    `treat_files` tells, and there is no onlooker.
    A page that cannot be stylized is in the ledger with its reason, and the rest goes on. Raises `PlanError`
    (no input or style, a folder in use), `PictureError` (a style or mask that cannot be read), `WeightsError`, and
    `WriteError` where the ledger cannot be kept.
    """
    if plan.method == OPTIMIZE:
        options = dataclasses.replace(options, jobs=1)
    if onlooker is not None and executor is not None:
        raise PlanError("Nobody can look on at pictures that other machines optimize.", remedy="use --engine local")
    return treat_files(inputs, options, dataclasses.replace(StylizeWork.of(plan), onlooker=onlooker), watch, executor)


@dataclass(frozen=True)
class StylizeWork:
    """The `tasks.batch.work.Work` of one plan."""

    operation: ClassVar[str] = "stylize"
    participle: ClassVar[str] = "stylized"
    plan_kind: ClassVar[type] = StylizePlan

    plan: StylizePlan
    models: tuple[ModelFacts, ...]
    styles: tuple[StyleFile, ...]
    onlooker: Onlooker | None = None

    @classmethod
    def of(cls, plan: StylizePlan) -> StylizeWork:
        """The work of a plan, before anything is loaded or written.

        Raises `PlanError` where a style or mask is missing, `PictureError` where one is no picture, `WeightsError`
        where a model is missing.

        Styles and masks stand among the models with their digests: another picture under the same name is another
        work.
        """
        masks = tuple(str(Path(one).expanduser().absolute()) for one in plan.mask)
        plan = dataclasses.replace(plan, style=styles.placed(plan.style, plan.photographic), mask=masks)
        found = () if plan.translates else styles.find_all(plan)
        paths = [model_files.find(name) for name in _networks(plan)]
        models = [ModelFacts(path.stem, model_files.digest(path)) for path in paths]
        models += [one.record for one in found]
        models += [_mask_facts(Path(one)) for one in plan.mask]
        return cls(plan, tuple(models), found)

    @property
    def format(self) -> str | None:
        """The format that results are written in; None for that of the source."""
        return self.plan.format

    @property
    def maps(self) -> tuple[str, ...]:
        """The endings of the maps beside each result."""
        return (batches.CHANGE_ENDING,) if self.plan.evidence else ()

    @property
    def source_type(self) -> str:
        """A key of `treatment.SOURCE_TYPES`: a trained model painted the picture, after what the source shows."""
        return "composite" if self.plan.strength > 0 and not self.plan.photographic else "enhanced"

    @property
    def seed(self) -> int:
        """The seed of all random numbers."""
        return self.plan.seed

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """What is done, in words: each style with its source and rights, then the work with what was measured."""
        plan = self.plan
        if plan.strength == 0:
            return (Stage("none", "nothing: strength 0 gives the source back"),)
        done = [Stage("style", one.told, {"weight": round(one.share, 6)}) for one in self.styles]
        done.append(Stage("stylize", self._how, {} if numbers is None else numbers))
        if plan.mask:
            done.append(Stage("regions", f"where {len(plan.mask)} masks let it; elsewhere the picture as it was"))
        if plan.keep_color != "none":
            done.append(Stage("color", COLORS_KEPT[plan.keep_color]))
        if numbers is not None and numbers.get("grey_source") and plan.colors_grey:
            done.append(Stage("color", "the grey source came out in color"))
        if numbers is not None and numbers.get("ended_early"):
            done.append(Stage("end", "ended before its time, with the best so far; a replay goes to the end"))
        if plan.strength < 1:
            done.append(Stage("blend", f"strength {plan.strength:g} of 1"))
        return tuple(done)

    @property
    def _how(self) -> str:
        if self.plan.translates:
            return f"taken by {self.models[0].name} from one domain of pictures to another"
        many = "this style" if len(self.styles) == 1 else "these styles"
        if self.plan.photographic:
            return f"given tone, color, grain, vignette and softness of {many}"
        if self.plan.method == OPTIMIZE:
            return f"optimized until {self.models[0].name} sees {many} in it ({self.plan.optimizing.loss})"
        return f"painted by {self.models[1].name} in {many}"

    def ready(self, machine: Mapping[str, str]) -> StylizeWorker:
        """Load the weights, with the precision and on the device of `machine` where it names them."""
        from vasari.tasks.stylize.apply import StylizeWorker
        from vasari.tasks.stylize.optimizing import NOBODY
        from vasari.tasks.stylize.painter import Painter

        return StylizeWorker(Painter.of(as_then(self.plan, machine)), self.onlooker or NOBODY)


def _networks(plan: StylizePlan) -> tuple[str, ...]:
    """The names or paths of the networks that a plan needs; raises `WeightsError` for one that has to be fetched."""
    if plan.translates:
        return (plan.method,)
    if plan.photographic:
        return ()
    if plan.method != OPTIMIZE:
        return plan.encoder, plan.model
    if plan.optimizing.network == VGG19:
        from vasari.tasks.stylize.optimize.networks import features_for

        features_for(plan.optimizing)  # tells where it is to be had
    return (plan.optimizing.network,)


def _mask_facts(path: Path) -> ModelFacts:
    """A mask as the record keeps it; raises `PlanError` where there is none, `PictureError` where it is no picture."""
    if not path.is_file():
        raise PlanError(f"There is no mask {path}.", remedy="name a picture that is white where the style goes")
    row_reader.inspect(path)
    return ModelFacts(f"mask {path.name}", model_files.digest(path))
