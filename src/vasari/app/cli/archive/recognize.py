"""`vasari archive recognize`: what a recognizer says of an archive's works, and recognizers trained on its labels."""

from __future__ import annotations

import json as json_text
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import Meter, meter
from vasari.app.cli.plan_options import with_plans
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.recognize.plan import RecognizePlan, SplitPlan

if TYPE_CHECKING:
    from vasari.archive.store import Archive
    from vasari.tasks.recognize.recognizer import Recognition, Recognizer

#: Works whose answers are stored in one transaction; a killed run loses no more than these.
AT_ONCE = 50
LEAST_TOLD = 0.01  # probability of a class that --probabilities stores
Query = Annotated[str, Parameter(help='of these works alone, e.g. "1800/1900 and not genre = portrait"')]
FieldName = Annotated[str, Parameter(help="what is recognized: style, genre, school, period, artist ...")]

app = App(name="recognize", help="Let a recognizer say what works are, as a model's word; train one on the archive.")


@app.default
def recognize(
    *,
    model: Annotated[Path | None, Parameter(help="a recognizer that `recognize train` wrote")] = None,
    field: FieldName = "style",
    query: Query = "",
    probabilities: Annotated[bool, Parameter(help="store every class from 1 % on, not the answer alone")] = False,
    archive: ArchiveFolder = None,
    json: JSON = False,
) -> int:
    """Recognize the pictures of works and store the answers as the model's word, beside what is known.

    Predictions never change what the catalog shows; ask for them with "by model". A work that the model is not sure of
    gets no answer. The same command again replaces this model's own answers only.
    """
    if model is None:
        raise PlanError("No recognizer was named.", remedy="add --model FILE; vasari archive recognize train makes one")
    with open_archive(archive) as opened:
        from vasari.archive.statements import FIELDS
        from vasari.tasks.recognize.recognizer import Recognizer

        if field not in FIELDS:
            raise PlanError(f"{field!r} is no field of a work.", remedy=f"use one of {', '.join(FIELDS)}")
        recognizer = Recognizer.load(model)
        with meter("recognizing", "works") as progress:
            answers, failures = _answer(opened, recognizer, model, field, query, probabilities, progress)
    if json:
        print(json_text.dumps({"answers": answers, "failures": failures}, ensure_ascii=True))
    else:
        told = ", ".join(
            f"{name} {count}" for name, count in sorted(answers.items(), key=lambda one: (-one[1], one[0]))
        )
        print(printable(f"{counted(sum(answers.values()), 'work')}: {told or 'none'}."))
    for path, error in failures.items():
        print(printable(f"{path}: {error}"), file=sys.stderr)
    return ExitCode.SOME_INPUTS_FAILED if failures else ExitCode.DONE


@app.command
@with_plans(plan=RecognizePlan, split=SplitPlan)
def train(
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="file of the recognizer")] = None,
    field: FieldName = "style",
    years: Annotated[int, Parameter(help="recognize periods of so many years instead of a field")] = 0,
    query: Query = "",
    archive: ArchiveFolder = None,
    json: JSON = False,
    plan: RecognizePlan,
    split: SplitPlan,
) -> int:
    """Train a recognizer on what people and catalogs say of the archive's works, and test it on artists it never saw.

    With --years 50 the classes are half centuries; works whose date does not lie within one are left out.
    """
    if output is None or output.suffix != ".safetensors":
        raise PlanError("No .safetensors file was named for the recognizer.", remedy="add -o styles.safetensors")
    with open_archive(archive) as opened:
        from vasari.tasks.recognize.fitting import train_recognizer
        from vasari.tasks.recognize.labels import labeled_list
        from vasari.tasks.recognize.page import summary, write_page

        labeled = labeled_list(_labels(opened, field, years, query))
        with meter("reading", "pictures") as pictures:
            trained = train_recognizer(labeled, plan, split, pictures.show)
    trained.recognizer.save(output)
    report = write_page(trained, output.with_suffix(".report.html"), output.stem)
    if json:
        found = {"result": str(output), "report": str(report), "notes": list(trained.notes)}
        print(json_text.dumps({**found, "evaluation": trained.evaluation.to_dict()}))
    else:
        print(printable("\n".join([*trained.notes, summary(trained), f"{output} and {report.name}."])))
    return ExitCode.DONE


def _answer(
    archive: Archive, recognizer: Recognizer, model: Path, field: str, query: str, probabilities: bool, progress: Meter
) -> tuple[dict[str, int], dict[str, str]]:
    """Recognize and store in batches; how often each answer was given, and what could not be read."""
    from vasari.archive.events import note
    from vasari.archive.statements import Claim, Speaker, state
    from vasari.models.model_files import digest

    speaker = Speaker("model", f"{model.name} {digest(model)[:16]}")
    works = list(_pictures(archive, query))
    counts: Counter[str] = Counter()
    failures: dict[str, str] = {}
    for begin in range(0, len(works), AT_ONCE):
        part = works[begin : begin + AT_ONCE]
        claims: dict[int, list[Claim]] = {}
        for (id, path), found in zip(part, recognizer.recognize_many(path for _, path in part), strict=True):
            if found.recognition is None:
                failures[str(path)] = found.error
                continue
            counts[found.recognition.label] += 1
            said = _said(found.recognition, probabilities)
            claims[id] = [Claim(field, name, share) for name, share in said.items()] or [Claim(field, "")]
        with archive.writing() as writer:
            state(writer, claims, speaker)
            detail = {"model": speaker.by, "field": field, "works": len(claims)}
            note(writer, "recognition", str(query or "all works"), "success", detail)
        progress.show(begin + len(part), len(works))
    return dict(counts), failures


def _said(found: Recognition, probabilities: bool) -> dict[str, float]:
    """The classes to store, with their probabilities."""
    if probabilities:
        return {name: share for name, share in found.probabilities.items() if share >= LEAST_TOLD}
    return {} if found.label != found.best else {found.best: found.confidence}


def _pictures(archive: Archive, query: str) -> Iterator[tuple[int, Path]]:
    """Each work of a query with the file of its picture, in the order of their ids."""
    from sqlalchemy import select

    from vasari.archive.feature_tables import pictures
    from vasari.archive.query import parsed, where
    from vasari.archive.schema import FILES, WORKS

    chosen = pictures()
    rows = (
        select(WORKS.c.id, FILES.c.path)
        .join(chosen, chosen.c.work_id == WORKS.c.id)
        .join(FILES, FILES.c.id == chosen.c.file_id)
        .where(where(parsed(query)), FILES.c.page == 0)
        .order_by(WORKS.c.id)
    )
    with archive.reading() as connection:
        for id, path in connection.execute(rows).all():
            yield id, archive.folder / path


def _labels(archive: Archive, field: str, years: int, query: str) -> list[tuple[Path, str, str]]:
    """Path, label and artist of each work that has a picture and a label."""
    from vasari.archive.query import parsed
    from vasari.archive.trending import dated_works, labels_of

    paths = dict(_pictures(archive, query))
    with archive.reading() as connection:
        works = dated_works(connection, parsed(query))
        if years:
            begins = works.first // years * years
            whole = works.known & (works.last < begins + years)
            labels = [f"{begin}-{begin + years - 1}" if ok else "" for begin, ok in zip(begins.tolist(), whole)]
        else:
            labels = labels_of(connection, works, field, most=len(works.ids))
    rows = zip(works.ids.tolist(), labels, works.artists.tolist())
    return [(paths[id], label, artist) for id, label, artist in rows if label and id in paths]
