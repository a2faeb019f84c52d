"""Faces before and after: what changes leave the distance of `vasari restore --likeness` small, and what do not.

    python benchmarks/likeness.py --photos PEOPLE --json distances.json

PEOPLE holds photographs and an index.csv with the columns `file` and `subject` (face, people ...). Each picture
(reduced by area to a long side of 640 px) in which a face is found counts with its faces, until there are `--faces`
of them. Usual changes: JPEG of quality 60, half the size and back, two tone curves, noise. Restored: by
`vasari.restore` of the clean picture and of the picture aged at severity 1 to 3, by the simulator that the training
uses and by the second one (`second_aging.py`), each against what was given to it. Controls, which somebody should be
warned of: the face of another person pasted in with soft edges, eyes and mouth moved by 6, 8 and 10 % of the side of
the face, the face blurred by 2 and 4 % of it, and the middle of the face filled in by `vasari.inpaint`. Caught are
those beyond `USUAL_DISTANCE`.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

import vasari
from pictures import load, planes, rows
from second_aging import ERAS as SECOND_ERAS
from second_aging import age as age_otherwise
from vasari.foundation.damage import ERAS, age
from vasari.models import model_files
from vasari.tasks.restore.faces import Box, find_faces
from vasari.tasks.restore.likeness import USUAL_DISTANCE, distances, load_encoder
from vasari.tasks.restore.plan import ENCODER

SEVERITIES = (1, 2, 3)
MOVED, BLURRED = (0.06, 0.08, 0.10), (0.02, 0.04)
USUAL, RESTORED, CONTROL = "usual change", "restored", "control"
#: Smaller faces give no control that a face of this size would: their features are a pixel or two.
LEAST_FACE_PX = 40
#: Where eyes and mouth lie in the square of a face, down and across, and how far around them is moved, in its sides.
FEATURES, AROUND = ((0.38, 0.3), (0.38, 0.7), (0.75, 0.5)), 0.11


@dataclass(frozen=True)
class Score:
    """How far one face moved by one change."""

    kind: str
    change: str
    picture: str
    distance: float


@dataclass(frozen=True)
class Photo:
    """A picture uint8 [rows, columns, 3] with its faces, by place and in pixels (top, left, side)."""

    name: str
    pixels: np.ndarray
    boxes: tuple[Box, ...]

    def square(self, index: int) -> tuple[int, int, int]:
        """Top, left and side of a face in pixels."""
        box, (height, width) = self.boxes[index], self.pixels.shape[:2]
        return round(box.top * height), round(box.left * width), round((box.bottom - box.top) * height)


def with_faces(options: argparse.Namespace) -> list[Photo]:
    """The first photographs of people with faces, with `--faces` of them."""
    with (options.photos / "index.csv").open(encoding="utf-8", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["subject"] in ("face", "people")]
    found: list[Photo] = []
    left = options.faces
    for name in names:
        pixels = load(options.photos / name, options.long_side)
        height = pixels.shape[0]
        boxes = find_faces(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        boxes = tuple(one for one in boxes if (one.bottom - one.top) * height >= LEAST_FACE_PX)[:left]
        if boxes:
            found.append(Photo(name, pixels, boxes))
            left -= len(boxes)
        if not left:
            break
    return found


def usual_changes(photo: Photo, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """What leaves a person as is."""
    pixels = photo.pixels
    height, width = pixels.shape[:2]
    _, coded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    yield "JPEG of quality 60", np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1])
    half = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    yield "half the size and back", cv2.resize(half, (width, height), interpolation=cv2.INTER_CUBIC)
    for name, gamma, low, high in (("faded", 0.7, 0.1, 0.8), ("darkened", 1.5, 0.0, 1.0)):
        yield name, levels(255 * (low + (high - low) * (pixels / 255.0) ** gamma))
    yield "noise of 5 levels", levels(pixels + rng.normal(0, 5, pixels.shape))


def restorations(photo: Photo, index: int, options: argparse.Namespace) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """What is restored, given and made, float 0..1 [rows, columns, 3]."""

    def restored(pixels: np.ndarray) -> np.ndarray:
        made = vasari.restore(pixels, model=options.model, vividness=options.vividness, precision="float32")
        return rows(made.pixels.expand(3, -1, -1))

    clean = (photo.pixels / 255.0).astype(np.float32)
    yield "clean", clean, restored(clean)
    for severity in SEVERITIES:
        seed = options.seed + 100 * index + severity
        era = list(ERAS)[(index + severity) % len(ERAS)]
        aged = rows(age(planes(photo.pixels), era=era, severity=severity, seed=seed).aged.clamp(0, 1))
        yield f"aged {severity}", aged, restored(aged)
        era = list(SECOND_ERAS)[(index + severity) % len(SECOND_ERAS)]
        aged = age_otherwise(photo.pixels, era, severity, seed)[1].clip(0, 1)
        yield f"aged {severity}, second simulator", aged, restored(aged)


def controls(photo: Photo, index: int, stranger: Photo, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """One face of a picture changed into another, in several ways."""
    yield "another person", pasted(photo, index, stranger)
    for amount in MOVED:
        yield f"features moved by {amount:.0%}", moved(photo, index, amount, rng)
    side = photo.square(index)[2]
    for amount in BLURRED:
        yield f"blurred by {amount:.0%}", cv2.GaussianBlur(photo.pixels, (0, 0), amount * side)
    hole = (ellipse(photo, index, 0.7) > 0.5).astype(np.uint8)
    yield "middle filled in", vasari.inpaint(photo.pixels, hole, precision="float32").to_array()


def pasted(photo: Photo, index: int, stranger: Photo) -> np.ndarray:
    """The first face of another picture in the place and tone of this one."""
    top, left, side = photo.square(index)
    other_top, other_left, other_side = stranger.square(0)
    place = (slice(top, top + side), slice(left, left + side))
    other = stranger.pixels[other_top : other_top + other_side, other_left : other_left + other_side]
    here = photo.pixels[place].astype(np.float64)
    face = cv2.resize(other, (here.shape[1], here.shape[0]), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    toned = (face - face.mean((0, 1))) / face.std((0, 1)) * here.std((0, 1)) + here.mean((0, 1))
    whole = photo.pixels.astype(np.float64)
    whole[place] = toned
    share = ellipse(photo, index, 1.0)[:, :, None]
    return levels(whole * share + photo.pixels * (1 - share))


def moved(photo: Photo, index: int, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Eyes and mouth moved by `amount` of the side of the face, each in a direction drawn."""
    top, left, side = photo.square(index)
    down, across = np.mgrid[: photo.pixels.shape[0], : photo.pixels.shape[1]].astype(np.float32)
    from_down, from_across = down.copy(), across.copy()
    for low, right in FEATURES:
        angle = rng.uniform(0, 2 * np.pi)
        far = (down - top - low * side) ** 2 + (across - left - right * side) ** 2
        near = np.exp(-far / (2 * (AROUND * side) ** 2)) * amount * side
        from_down += np.float32(np.sin(angle)) * near
        from_across += np.float32(np.cos(angle)) * near
    return cv2.remap(photo.pixels, from_across, from_down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def ellipse(photo: Photo, index: int, size: float) -> np.ndarray:
    """[rows, columns]: 1 within the face, 0 outside, soft between."""
    top, left, side = photo.square(index)
    down, across = np.mgrid[: photo.pixels.shape[0], : photo.pixels.shape[1]]
    far = np.hypot((down - top - side / 2) / (side * 0.5 * size), (across - left - side / 2) / (side * 0.45 * size))
    return np.clip((1.0 - far) / 0.2 + 0.5, 0, 1)


def levels(values: np.ndarray) -> np.ndarray:
    """In 8 bit."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def scores_of(photo: Photo, index: int, stranger: Photo | None, options: argparse.Namespace) -> Iterator[Score]:
    """One picture by every change."""
    encoder, rng = load_encoder(options.encoder), np.random.default_rng([options.seed, index])

    def apart(before: np.ndarray, after: np.ndarray, boxes: tuple[Box, ...]) -> tuple[float, ...]:
        return distances(planes(before), planes(after), boxes, encoder)

    def told(kind: str, change: str, found: tuple[float, ...]) -> list[Score]:
        return [Score(kind, change, photo.name, one) for one in found]

    for change, made in usual_changes(photo, rng):
        yield from told(USUAL, change, apart(photo.pixels, made, photo.boxes))
    for change, given, made in restorations(photo, index, options):
        yield from told(RESTORED, change, apart(given, made, photo.boxes))
    for face, box in enumerate(photo.boxes if stranger else ()):
        for change, made in controls(photo, face, stranger, rng):  # type: ignore[arg-type]
            yield from told(CONTROL, change, apart(photo.pixels, made, (box,)))


def table(scores: list[Score]) -> str:
    """Markdown: by change, how far faces moved, and how many are beyond the usual distance."""
    lines = ["| | change | faces | median | 97 % | 99 % | caught |", "|---|---|---|---|---|---|---|"]

    def add(kind: str, change: str, mine: list[Score]) -> None:
        found = np.array([one.distance for one in mine])
        middle, most, nearly_all = np.quantile(found, (0.5, 0.97, 0.99))
        caught = float((found > USUAL_DISTANCE).mean())
        lines.append(
            f"| {kind} | {change} | {len(found)} | {middle:.3f} | {most:.3f} | {nearly_all:.3f} | {caught:.0%} |"
        )

    for kind in (USUAL, RESTORED, CONTROL):
        mine = [one for one in scores if one.kind == kind]
        for change in dict.fromkeys(one.change for one in mine):
            add(kind, change, [one for one in mine if one.change == change])
        if mine and kind != CONTROL:
            add(kind, "**all**", mine)
    return "\n".join(lines)


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photographs of people with an index.csv")
    parser.add_argument("--model", default="restore", help="of `vasari restore`: bundled name or .safetensors file")
    parser.add_argument("--vividness", type=float, default=0.0, help="of `vasari restore`")
    parser.add_argument("--encoder", default=ENCODER, help="bundled name or .safetensors file")
    parser.add_argument("--faces", type=int, default=24, help="faces, at most")
    parser.add_argument("--long-side", type=int, default=640, help="of photographs, in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write every distance here")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    options = options_of(arguments)
    photos = with_faces(options)
    scores: list[Score] = []
    for index, photo in enumerate(photos):
        stranger = photos[(index + len(photos) // 2) % len(photos)] if len(photos) > 1 else None
        scores += scores_of(photo, index, stranger, options)
    digest = model_files.digest(model_files.find(options.encoder))
    faces = sum(len(one.boxes) for one in photos)
    print(f"{options.encoder} (sha256 {digest[:12]}); {faces} faces in {len(photos)} photographs")
    print(f"vividness: {options.vividness:g}")
    print(f"usual distance: {USUAL_DISTANCE:g}\n\n{table(scores)}")
    if options.json:
        options.json.write_text(json.dumps([asdict(one) for one in scores], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
