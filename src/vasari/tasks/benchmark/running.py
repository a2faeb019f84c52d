"""Cases before methods and peers, scored one by one; what a killed run had measured is not measured again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.benchmark.cases import Case, Cases, as_saved, picture_of
from vasari.tasks.benchmark.ledger import Ledger, key_of
from vasari.tasks.benchmark.measures import Measure, checked
from vasari.tasks.benchmark.methods import Method
from vasari.tasks.benchmark.peers import Peer, PeerError, results_of
from vasari.tasks.evaluate.files import read_upright

LEDGER = "scores.jsonl"
GIVEN, TRUTH, MASK, STYLE, RESULTS, PEERS = "given", "truth", "mask", "style", "results", "peers"
MAX_MEGAPIXELS = 256

Advance = Callable[[int, int, str], None]  # parts done, parts in all, the last one's name


@dataclass(frozen=True)
class Row:
    """The scores of a method in a case by name, or (scores None) why there are none."""

    method: str
    case: str
    photo: str
    groups: Mapping[str, str]
    scores: dict[str, float] | None
    failed: str = ""


@dataclass(frozen=True)
class Contest:
    """Who is measured, by what, and where it is kept; `keep`: pictures stay in the folder, to look at."""

    methods: tuple[Method, ...]
    peers: tuple[Peer, ...]
    measure: Measure
    folder: Path
    keep: bool = False


def measured(cases: Cases, contest: Contest, advance: Advance = lambda done, all, name: None) -> list[Row]:
    """All rows, case by case for our methods, then for each peer; raises `PeerError`, `PlanError`, `WriteError`."""
    rows: list[Row] = []
    parts = cases.count * (len(contest.methods) + len(contest.peers))
    digests: list[str] = []
    written = contest.keep or any(one.command for one in contest.peers)
    for part in (GIVEN, TRUTH, MASK, STYLE):  # of another plan, perhaps
        shutil.rmtree(contest.folder / part, ignore_errors=True)
    with Ledger(contest.folder / LEDGER) as ledger:
        for case in cases.each():
            digests.append(case.digest())
            if written:
                write_case(case, contest.folder)
            for method in contest.methods:
                rows.append(_by_method(case, digests[-1], method, contest, ledger))
                advance(len(rows), parts, case.name)
        if not digests:
            raise PlanError("There is nothing to measure.", remedy="name more pictures, or other options")
        for peer in contest.peers:
            for row in _by_peer(cases, digests, peer, contest, ledger):
                rows.append(row)
                advance(len(rows), parts, row.case)
    return rows


def write_case(case: Case, folder: Path) -> None:
    """given/, truth/, and mask/ and style/ where the case has them, as files of the case's name.

    What is given is a PNG of 8 bit, or where it is finer or leaves 0..1 a TIFF of 32-bit floats.
    """
    exact = bool(torch.equal(case.given, as_saved(case.given)))
    path = folder / GIVEN / f"{case.name}.{'png' if exact else 'tif'}"
    _write(path, lambda: image_files.write(picture_of(case.given, 8 if exact else 32), path))
    truth = folder / TRUTH / f"{case.name}.png"
    _write(truth, lambda: image_files.write(picture_of(case.truth), truth))
    if case.hole is not None:
        mask = folder / MASK / f"{case.name}.png"
        hole = np.asarray(case.hole)
        _write(mask, lambda: Image.fromarray(hole.astype(np.uint8) * 255).save(mask))
    if case.style is not None:
        style, pixels = folder / STYLE / f"{case.name}.png", case.style
        _write(style, lambda: image_files.write(picture_of(pixels), style))


def _write(path: Path, write: Callable[[], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write()


def _by_method(case: Case, digest: str, method: Method, contest: Contest, ledger: Ledger) -> Row:
    """A case by our method: from the ledger, or made and scored."""
    key = key_of(digest, method.key, contest.measure.key)
    entry = ledger.get(key)
    kept = contest.folder / RESULTS / method.name.replace(" ", "-") / f"{case.name}.png"
    if entry is None or (contest.keep and not kept.is_file()):
        try:
            made = checked(case, method.make(case))
            if contest.keep:
                _write(kept, lambda: image_files.write(picture_of(made), kept))
            entry = ledger.put(key, contest.measure.score(case, made))
        except PictureError as error:
            entry = ledger.put(key, None, error.message)
    return _row(method.name, case, entry)


def _by_peer(cases: Cases, digests: Sequence[str], peer: Peer, contest: Contest, ledger: Ledger) -> Iterator[Row]:
    """Every case by a peer's results; raises `PeerError` where none of them can be scored."""
    places = {name: contest.folder.resolve() / part for name, part in _PLACES.items()}
    results = results_of(peer, contest.folder / PEERS / peer.name, places, key_of(*digests))
    scored, first = 0, ""
    for case, digest in zip(cases.each(), digests, strict=True):
        path = results.get(case.name)
        if path is None:
            row = Row(peer.name, case.name, case.photo, case.groups, None, f"{peer.name} has no result of this name")
        else:
            key = key_of(digest, _content(path), contest.measure.key)
            row = _row(peer.name, case, ledger.get(key) or _scored(case, path, key, contest, ledger))
        scored += row.scores is not None
        first = first or row.failed
        yield row
    if not scored:
        raise PeerError(
            f"No result of {peer.name} can be scored. The first: {first}.",
            remedy="write a result for every given picture: the same name, the same size",
        )


_PLACES = {"input": GIVEN, "mask": MASK, "style": STYLE}


def _scored(case: Case, path: Path, key: str, contest: Contest, ledger: Ledger) -> dict[str, object]:
    try:
        made = checked(case, read_upright(path, MAX_MEGAPIXELS))
        return ledger.put(key, contest.measure.score(case, made))
    except PictureError as error:
        return ledger.put(key, None, error.message)


def _content(path: Path) -> str:
    try:
        return key_of(path.read_bytes().hex())
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _row(name: str, case: Case, entry: Mapping[str, object]) -> Row:
    scores = entry.get("scores")
    found = {key: float(value) for key, value in scores.items()} if isinstance(scores, dict) else None
    return Row(name, case.name, case.photo, case.groups, found, str(entry.get("failed", "")))
