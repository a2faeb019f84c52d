"""A film in segments of a few seconds, each whole in a folder of its own: what is done stays done.

FOLDER/outline.json            what was found when the film was looked through
FOLDER/segment-0003.packets    a segment's encoded frames; a segment is done when this is there
FOLDER/after-0003.safetensors  what the next segment goes on from: the last frame as it was treated, and the sums
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WriteError
from vasari.tasks.film.flicker import Flicker
from vasari.tasks.film.shots import Outline

#: A segment ends with its shot, or when it lasts so long, in seconds or in frames.
SEGMENT_S, SEGMENT_FRAMES = 3, 120


@dataclass(frozen=True)
class Segment:
    """The frames start..stop-1, all of one shot."""

    number: int
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class After:
    """What is known after a frame: the results [3, h, w] steady and by itself, None at the end of a shot; and sums.

    `specks_share` is added up over the frames.
    """

    result: Tensor | None = None
    treated: Tensor | None = None
    flicker: Flicker = field(default_factory=Flicker)
    specks_share: float = 0.0

    def without_pictures(self) -> After:
        """The sums alone."""
        return replace(self, result=None, treated=None)


def divide(outline: Outline, time_base: Fraction) -> list[Segment]:
    """The segments of a film, in order."""
    longest = SEGMENT_S / time_base
    borders: list[tuple[int, int]] = []
    for shot in outline.shots:
        start = shot.start
        for index in range(shot.start + 1, shot.stop):
            if outline.times[index] - outline.times[start] >= longest or index - start >= SEGMENT_FRAMES:
                borders.append((start, index))
                start = index
        borders.append((start, shot.stop))
    return [Segment(number, start, stop) for number, (start, stop) in enumerate(borders)]


def packets_path(folder: Path, number: int) -> Path:
    """Where the packets of a segment lie."""
    return folder / f"segment-{number:04d}.packets"


def count_done(folder: Path, segments: list[Segment]) -> int:
    """How many segments, from the first on, an earlier run has left whole."""
    for one in segments:
        if not packets_path(folder, one.number).is_file():
            return one.number
    return len(segments)


def keep(folder: Path, number: int, after: After) -> None:
    """Write what the segment after `number` goes on from; raises `WriteError`."""
    pictures = {"result": after.result, "treated": after.treated}
    tensors = {name: one.contiguous() for name, one in pictures.items() if one is not None}
    sums = json.dumps({"flicker": asdict(after.flicker), "specks_share": after.specks_share})
    write_whole(_after_path(folder, number), safetensors.torch.save(tensors, {"sums": sums}))


def kept(folder: Path, number: int) -> After:
    """What was kept after a segment; nothing for the one before the first. Raises `WriteError` where it is damaged."""
    if number < 0:
        return After()
    path = _after_path(folder, number)
    try:
        with safetensors.safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            sums = json.loads(file.metadata()["sums"])
        return After(
            tensors.get("result"), tensors.get("treated"), Flicker(**sums["flicker"]), float(sums["specks_share"])
        )
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise WriteError(f"{path} cannot be read ({error}).", remedy=f"remove {folder}, and run again") from error


def forget(folder: Path, number: int) -> None:
    """Remove what was kept after a segment, once the next is whole."""
    _after_path(folder, number).unlink(missing_ok=True)


def _after_path(folder: Path, number: int) -> Path:
    return folder / f"after-{number:04d}.safetensors"
