"""Films among what a command is given: told from pictures by their endings, and treated after them.

@with_plan(RestorePlan)
@with_film(fusion=1)
def restore(*scans: str, ..., film: FilmPlan, plan: RestorePlan) -> int:
    return films.run("restoring", "restored", scans, options, json, film, RestoreWork.of(plan), pictures)
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vasari.app.cli import batch
from vasari.app.cli.messages import counted, duration
from vasari.app.cli.plan_options import PlanOptions, with_plans
from vasari.app.cli.progress import printable
from vasari.foundation import batches
from vasari.foundation.bucket_addresses import BucketAddress, folder_only
from vasari.foundation.errors import MissingExtraError, PlanError, VasariError
from vasari.foundation.ledgers import DONE, Entry, Ledger
from vasari.foundation.treatment import read_treatment
from vasari.foundation.video_formats import FILM_SUFFIXES, pyav
from vasari.tasks.batch.places import local_folder
from vasari.tasks.batch.terms import BatchOptions, Summary, Watch
from vasari.tasks.batch.work import Work
from vasari.tasks.film.files import film_files
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.work import OPERATION_ENDING, FilmWork

#: How often a long film tells how far it is where stderr is no terminal, in seconds.
TELL_EVERY_S = 30.0
PREFIX = "film_"
#: The number in a record of what frames flicker that are treated one by one -> in words.
_ALONE = {"flicker_frame_by_frame": "frame by frame", "flicker_fused_frame_by_frame": "frame by frame, once fused"}


def with_film(**defaults: Any) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace the keyword `film` of a command by the options of a `FilmPlan`: `--film-steady` and so on.

    `defaults` are those of this command, where they differ from the plan's.
    """
    return with_plans(film=PlanOptions(FilmPlan, PREFIX, defaults))


def run(
    doing: str,
    done: str,
    inputs: Sequence[str],
    options: BatchOptions,
    json: bool,
    film: FilmPlan,
    work: Work,
    pictures: Callable[[Sequence[str], Watch], Summary],
) -> int:
    """Treat the pictures among `inputs` by `pictures`, then the films by `work`; tell the outcome; the exit code."""
    stills, moving = divided(inputs, options.output)
    if not moving:
        return batch.run(doing, done, options.output, json, lambda watch: pictures(stills, watch))
    told: list[dict[str, Any]] = []
    folder = folder_only(options.output, "Films")
    film_work = FilmWork(work, film)  # before the pictures: it may refuse

    def both(watch: Watch) -> Summary:
        before = pictures(stills, watch) if stills else Summary((), ())
        after = film_files(moving, options, film_work, _Following(watch))
        told.extend(one for one in (_findings(entry, folder) for entry in after.entries) if one)
        return Summary(before.entries + after.entries, before.already_done + after.already_done)

    what = "file" if stills else "film"
    code = batch.run(doing, done, options.output, json, both, what=what, more={"films": told})
    for one in told:
        for line in _lines(one):
            print(printable(line), file=sys.stderr)
    return code


def divided(inputs: Sequence[str], output: Path | BucketAddress) -> tuple[list[str], list[str]]:
    """The inputs that hold pictures, and those that hold films; folders and globs may stand in both.

    Without the extra `film`, and where results go to a bucket, those that are only found in folders are left out, and
    told of; raises `MissingExtraError` or `PlanError` for those that are named.
    """
    stills: list[str] = []
    moving: list[str] = []
    for one in inputs:
        path = Path(one).expanduser()
        if path.is_file():
            (moving if path.suffix.lower() in FILM_SUFFIXES else stills).append(one)
            continue
        films = _count(one, output, FILM_SUFFIXES)
        if films and _can_treat(one, films, output):
            moving.append(one)
        if not films or _count(one, output, batches.PICTURE_SUFFIXES):
            stills.append(one)
    if any(Path(one).expanduser().is_file() for one in moving):
        folder_only(output, "Films")
        pyav()
    return stills, moving


def is_film_record(sidecar: Path) -> bool:
    """True for the treatment record of a film."""
    return read_treatment(sidecar).operation.endswith(OPERATION_ENDING)


def _count(text: str, output: Path | BucketAddress, suffixes: frozenset[str]) -> int:
    """How many files with these endings a folder or glob holds."""
    folder = local_folder(output)
    try:
        return len(batches.discover([text], folder, suffixes, Ledger(folder).results()))
    except PlanError:
        return 0  # told by the batch that is given it


def _can_treat(text: str, films: int, output: Path | BucketAddress) -> bool:
    try:
        folder_only(output, "Films")
        pyav()
    except (MissingExtraError, PlanError) as error:
        left = f"vasari: {counted(films, 'film')} in {text} left out; {error.remedy}"
        print(printable(left), file=sys.stderr)
        return False
    return True


class _Following:
    """A watch of films, after those of a batch of pictures; where there is no bar it tells now and then."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.source: Path | None = None
        self.began = self.told = 0.0
        self.share = 0.0

    def begin(self, sources: int, work: float, already_done: int) -> None:
        """Pass on."""
        self.watch.begin(sources, work, already_done)

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        """Pass on; tell the share and the time left."""
        self.watch.advance(source, page, share, of_work)
        now = time.monotonic()
        if source != self.source or self.share == 0.0:
            # What an earlier run has done says nothing of the speed of this one.
            self.source, self.share, self.began, self.told = source, share, now, now
        elif now - self.told >= TELL_EVERY_S and share > self.share and not sys.stderr.isatty():
            left = (now - self.began) * (1 - share) / (share - self.share)
            print(printable(f"{source.name}: {share:.0%}, about {duration(left)} left"), file=sys.stderr, flush=True)
            self.told = now

    def found(self, entry: Entry) -> None:
        """Pass on."""
        self.watch.found(entry)

    def finished(self, entry: Entry) -> None:
        """Pass on."""
        self.watch.finished(entry)


def _findings(entry: Entry, output: Path) -> dict[str, Any] | None:
    """What the record of a film tells beside the ledger: numbers and notes."""
    record = next((name for name in entry.beside or {} if name.endswith(batches.RECORD_ENDING)), None)
    if entry.status != DONE or record is None:
        return None
    try:
        found = read_treatment(output.expanduser().resolve() / record)
    except VasariError:
        return None
    numbers = {key: value for stage in found.stages for key, value in stage.numbers.items()}
    return {"result": entry.result, "numbers": numbers, "notes": list(found.notes)}


def _lines(told: dict[str, Any]) -> list[str]:
    """A film's flicker beside that of its frames treated by themselves, and what is worth knowing of it."""
    name, numbers = told["result"], told["numbers"]
    lines = []
    for key, words in _ALONE.items():
        if key in numbers:
            share = f" ({numbers['flicker'] / numbers[key]:.0%})" if numbers[key] else ""
            lines.append(
                f"{name}: flicker {numbers['flicker']:g}{share}; {words} {numbers[key]:g}, "
                f"the source {numbers['flicker_source']:g} (warping error, thousandths)"
            )
    return lines + [f"{name}: {note}" for note in told["notes"]]
