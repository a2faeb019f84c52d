"""Which files are compared with which, and their pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.data.entries import SUFFIXES

#: EXIF orientation (CIPA DC-008, tag 0x0112) -> whether rows and columns change places first, then which axes flip.
TURNS: Mapping[int, tuple[bool, tuple[int, ...]]] = {
    2: (False, (2,)), 3: (False, (1, 2)), 4: (False, (1,)), 5: (True, ()),
    6: (True, (2,)), 7: (True, (1, 2)), 8: (True, (1,)),
}  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """Results and truths by name, and the names that stand on one side alone."""

    pairs: tuple[tuple[str, Path, Path], ...]
    without_truth: tuple[str, ...]
    without_result: tuple[str, ...]


def pictures_in(named: str | Path) -> dict[str, Path]:
    """The picture files of a folder by their place in it without the ending, or the one file by its name.

    Hidden files are passed over. Raises `PlanError` where there is none, or two have one name.
    """
    path = Path(named).expanduser()
    if path.is_file():
        return {path.stem: path}
    if not path.is_dir():
        raise PlanError(f"There is no {named}.", remedy="name a picture, or a folder of pictures")
    found: dict[str, Path] = {}
    for here, folders, files in os.walk(path):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(files):
            if file.startswith(".") or Path(file).suffix.lower() not in SUFFIXES:
                continue
            name = (Path(here) / file).relative_to(path).with_suffix("").as_posix()
            if name in found:
                raise PlanError(
                    f"{path} holds {found[name].name} and {file}, two pictures of one name.",
                    remedy="keep one of them in the folder",
                )
            found[name] = Path(here) / file
    if not found:
        raise PlanError(f"{path} holds no pictures.", remedy="name a folder of pictures")
    return found


def paired(results: Mapping[str, Path], truths: Mapping[str, Path]) -> Pairs:
    """Results and truths of one name together; a single file each is a pair whatever it is called."""
    if len(results) == len(truths) == 1:
        ((name, result),), (truth,) = results.items(), truths.values()
        return Pairs(((name, result, truth),), (), ())
    both = tuple((name, path, truths[name]) for name, path in results.items() if name in truths)
    return Pairs(
        both,
        tuple(name for name in results if name not in truths),
        tuple(name for name in truths if name not in results),
    )


def read_upright(path: Path, max_megapixels: int) -> Tensor:
    """A picture's pixels float32 [1 or 3, h, w] in sRGB encoding, turned as its orientation says, clipped to 0..1.

    Transparency is not looked at. Raises `PictureError` for a file that cannot be read, is larger, or holds values
    that are not numbers.
    """
    limits = image_files.Limits(max_pixels=max_megapixels * 1_000_000)
    picture = image_files.read(path, limits=limits)
    pixels = picture.pixels
    if not bool(torch.isfinite(pixels).all()):
        raise PictureError(
            f"{path.name} holds values that are not numbers (NaN or infinite).",
            remedy="write the picture again with finite values",
        )
    lying, flipped = TURNS.get(picture.metadata.orientation, (False, ()))
    pixels = pixels.transpose(1, 2) if lying else pixels
    return (pixels.flip(flipped) if flipped else pixels).clamp(0, 1).contiguous()
