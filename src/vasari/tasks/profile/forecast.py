"""How long a folder will take: all headers read, a few pictures really worked through, the rest by megapixels."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.picture import Picture
from vasari.tasks.profile.plan import ProfilePlan
from vasari.tasks.profile.subjects import Subject


@dataclass(frozen=True)
class Forecast:
    """A folder: its pictures and megapixels, files that cannot be read, and the seconds that it will take.

    `low` and `high` are by the fastest and the slowest of the pictures tried; shares 0..1 are of reading, the network
    with all around it, and writing.
    """

    pictures: int
    megapixels: float
    unreadable: int
    tried: int
    seconds: float
    low: float
    high: float
    shares: dict[str, float]


def forecast(subject: Subject, folder: Path, plan: ProfilePlan) -> Forecast:
    """Forecast for one process on a machine that does nothing else; raises `PlanError` where no picture is there."""
    if not subject.treats:
        raise PlanError(
            f"{subject.name} makes no pictures of scans; there is nothing to forecast.",
            remedy="profile restore or stylize, or leave --folder out",
        )
    sizes: dict[Path, float] = {}
    unreadable = 0
    for path in _pictures(folder):
        try:
            header = image_files.inspect(path)
            sizes[path] = header.width * header.height / 1e6
        except PictureError:
            unreadable += 1
    if not sizes:
        raise PlanError(f"{folder} holds no picture that can be read.", remedy="name a folder of pictures")
    paths = sorted(sizes)
    chosen = np.random.default_rng(plan.seed).permutation(len(paths))[: plan.sampled_files]
    tried = [_tried(subject, paths[index], plan) for index in chosen.tolist()]
    total = sum(sizes.values())
    rates = [sum(seconds.values()) / megapixels for megapixels, seconds in tried]
    worked = sum(megapixels for megapixels, _ in tried)
    sums = {step: sum(seconds[step] for _, seconds in tried) for step in tried[0][1]}
    spent = sum(sums.values())
    return Forecast(
        len(sizes), total, unreadable, len(tried), total * spent / worked, total * min(rates), total * max(rates),
        {step: seconds / spent for step, seconds in sums.items()},
    )  # fmt: skip


def _pictures(folder: Path) -> list[Path]:
    """The files of a folder, hidden ones passed over, that are called like pictures; raises `PlanError`."""
    if not folder.is_dir():
        raise PlanError(f"There is no folder {folder}.", remedy="name a folder of pictures")
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in image_files.SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _tried(subject: Subject, path: Path, plan: ProfilePlan) -> tuple[float, dict[str, float]]:
    """The top rows of a picture read, treated and written into a temporary folder: megapixels, seconds by step."""
    began = time.perf_counter()
    with image_files.open_rows(path) as reader:
        header = reader.header
        rows = min(header.height, max(8, int(plan.sampled_megapixels * 1e6 / header.width)))
        pixels = image_files.decode(reader.read(0, rows), header)
    picture = Picture(torch.as_tensor(pixels), depth=header.depth, metadata=header.metadata)
    read = time.perf_counter()
    result = subject.run(picture)
    treated = time.perf_counter()
    if result is not None:
        with tempfile.TemporaryDirectory(prefix="vasari-profile-") as temporary:
            suffix = (
                path.suffix if path.suffix.lower() in (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp") else ".png"
            )
            image_files.write(result, Path(temporary) / f"result{suffix}")
    seconds = {"reading": read - began, "treating": treated - read, "writing": time.perf_counter() - treated}
    return rows * header.width / 1e6, seconds
