"""`vasari recognize`: pictures in, styles, artists or periods out; `vasari recognize train` makes a recognizer."""

from __future__ import annotations

import csv
import hashlib
import io
import json as json_text
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import duration
from vasari.app.cli.meters import meter
from vasari.app.cli.plan_options import with_plans
from vasari.app.cli.progress import printable
from vasari.foundation.csv_cells import inert
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.recognize.plan import LabelsPlan, RecognizePlan, SplitPlan

if TYPE_CHECKING:
    from vasari.tasks.recognize.recognizer import Recognition, Recognized, Recognizer

CLASSES_TOLD = 3
LONGEST_STEM = 50  # characters of a picture's name in that of its map; a name has at most 255 bytes


app = App(name="recognize", help="Recognize styles, artists or periods, with evidence; train a recognizer.")


@app.default
def recognize(
    *pictures: Annotated[str, Parameter(help="files and folders (searched through)")],
    model: Annotated[Path | None, Parameter(help="a recognizer that `vasari recognize train` wrote")] = None,
    maps: Annotated[
        Path | None, Parameter(help="folder for maps of what speaks for the likeliest class, over each picture")
    ] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="write the answers to this .csv as well")
    ] = None,
    json: Annotated[bool, Parameter(help="tell each answer as a line of JSON on stdout", negative=())] = False,
) -> int:
    """Tell what the pictures are, or "unknown", with probabilities and the nearest training pictures."""
    if model is None:
        raise PlanError("No recognizer was named.", remedy="add --model FILE; vasari recognize train makes one")
    if not pictures:
        raise PlanError("No pictures were named.", remedy="name files or folders")
    from vasari.tasks.recognize.recognizer import Recognizer

    recognizer = Recognizer.load(model)
    rows, failed = [], 0
    for found in recognizer.recognize_many(_files(pictures)):
        where = _map(recognizer, found, maps) if maps and found.recognition else None
        if found.recognition is None:
            failed += 1
            print(printable(f"{found.path}: {found.error}"), file=sys.stderr)
        if json:
            print(json_text.dumps(_values(found, where), ensure_ascii=True), flush=True)
        elif found.recognition is not None:
            print(printable(_line(found.path, found.recognition)), flush=True)
        if output is not None:
            rows.append(found)
    if output is not None:
        _write_table(rows, output)
    return ExitCode.SOME_INPUTS_FAILED if failed else ExitCode.DONE


@app.command
@with_plans(plan=RecognizePlan, labels=LabelsPlan, split=SplitPlan)
def train(
    *,
    data: Annotated[
        Path | None, Parameter(help="folder with a sub-folder for each label, or a .csv of paths, labels and artists")
    ] = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="file of the recognizer")] = None,
    run: Annotated[Path | None, Parameter(help="cnn: keep the training in this folder, and go on with it")] = None,
    json: JSON = False,
    plan: RecognizePlan,
    labels: LabelsPlan,
    split: SplitPlan,
) -> int:
    """Train a recognizer on labeled pictures, calibrate it, and test it on artists that it has not seen.

    Beside FILE.safetensors stands FILE.report.html: scores with intervals, confusion, calibration, examples.
    """
    if data is None or output is None:
        missing = "No data were" if data is None else "No output file was"
        raise PlanError(f"{missing} named.", remedy="write: vasari recognize train --data FOLDER -o FILE.safetensors")
    if output.suffix != ".safetensors":
        raise PlanError(f"{output} is no .safetensors file.", remedy="name it so: -o styles.safetensors")
    if run is not None and plan.method != "cnn":
        raise PlanError("A run folder is of use only to --method cnn.", remedy="leave out --run")
    from vasari.tasks.recognize.fitting import train_recognizer
    from vasari.tasks.recognize.labels import read_labeled
    from vasari.tasks.recognize.page import summary, write_page

    began = time.monotonic()
    with meter("reading", "pictures") as pictures:
        trained = train_recognizer(read_labeled(data, labels), plan, split, pictures.show, run)
    trained.recognizer.save(output)
    report = write_page(trained, output.with_suffix(".report.html"), output.stem)
    seconds = time.monotonic() - began
    if json:
        found = {"result": str(output), "report": str(report), "notes": list(trained.notes)}
        print(json_text.dumps({**found, "evaluation": trained.evaluation.to_dict(), "seconds": round(seconds, 1)}))
    else:
        lines = [*trained.notes, summary(trained), f"{output} and {report.name}, in {duration(seconds)}."]
        print(printable("\n".join(lines)), file=sys.stderr)
    return ExitCode.DONE


def _files(named: tuple[str, ...]) -> Iterator[Path]:
    """The files, and the pictures in folders, one by one; raises `PlanError` where there is no such."""
    from vasari.tasks.data.entries import SUFFIXES

    for one in named:
        path = Path(one).expanduser()
        if not path.exists():
            raise PlanError(f"There is no {one}.", remedy="name files or folders of pictures")
        if path.is_file():
            yield path
            continue
        for here, folders, files in os.walk(path):
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            chosen = sorted(file for file in files if not file.startswith("."))
            yield from (Path(here) / file for file in chosen if Path(file).suffix.lower() in SUFFIXES)


def _map(recognizer: Recognizer, found: Recognized, folder: Path) -> Path:
    """Write the map of the likeliest class; two pictures of one name in different folders keep apart."""
    from vasari.tasks.recognize.maps import write_map

    recognition = found.recognition
    best = recognition.best if recognition else ""
    apart = hashlib.sha256(str(found.path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    target = folder / f"{found.path.stem[:LONGEST_STEM]}-{apart}.png"
    return write_map(recognizer, recognizer.pixels_of(found.path), best, target)


def _line(path: Path, recognition: Recognition) -> str:
    """An answer in one line."""
    ranked = sorted(recognition.probabilities.items(), key=lambda one: -one[1])[:CLASSES_TOLD]
    shares = ", ".join(f"{name} {share:.0%}" for name, share in ranked)
    why = f" ({recognition.why})" if recognition.why else ""
    nearest = recognition.evidence[0]
    return f"{path}: {recognition.label}{why}; {shares}; nearest {nearest.name} ({nearest.label})"


def _values(found: Recognized, where: Path | None) -> dict[str, Any]:
    """An answer as plain values."""
    if found.recognition is None:
        return {"path": str(found.path), "error": found.error}
    return {"path": str(found.path), **found.recognition.to_dict(), **({"map": str(where)} if where else {})}


def _write_table(rows: list[Recognized], path: Path) -> None:
    """The answers as a table: path, label, likeliest class, confidence, novelty, nearest picture, error."""
    from vasari.foundation.atomic_files import write_whole

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["path", "label", "best", "confidence", "novelty", "why", "nearest", "nearest_label", "error"])
    for row in rows:
        one = row.recognition
        if one is None:
            writer.writerow([inert(str(row.path)), "", "", "", "", "", "", "", inert(row.error)])
            continue
        near = one.evidence[0]
        texts = [str(row.path), one.label, one.best, f"{one.confidence:.4f}", f"{one.novelty:.4f}", one.why]
        writer.writerow(map(inert, [*texts, near.name, near.label, ""]))
    write_whole(path, text.getvalue().encode())
