"""What a generator has learned by heart: its samples' nearest training pictures, written out on one page."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PictureError, PlanError
from vasari.models.backbones import read_backbone
from vasari.tasks.data.decoding import decode
from vasari.tasks.data.entries import FileReader
from vasari.tasks.data.picture_set import square
from vasari.tasks.evaluate.files import pictures_in
from vasari.tasks.explain.nearest import SEEN_PX, CopyTest, Nearest, copy_test, described, nearest_of
from vasari.tasks.explain.nearest_sheet import sheet
from vasari.tasks.explain.plan import ExplainPlan
from vasari.tasks.generate.apply import Sampler
from vasari.tasks.generate.sampling_plan import SamplingPlan
from vasari.tasks.set_metrics import nearest

FEWEST = 8  # pictures of each side: fewer cannot be told apart
SHOWN = 16  # samples on the sheet


def explain_generator(folder: Path, plan: ExplainPlan, advance: Callable[[int, int], None]) -> dict[str, Any]:
    """Write NAME.nearest.png and NAME.nearest.npz into a folder; the numbers come back, with what the test found.

    Without held-out pictures the training pictures' distances among each other take their place, which says so. Raises
    `PlanError`, `WeightsError`, `WriteError`.
    """
    if not plan.training:
        raise PlanError(
            "A generator is held against its training pictures, and none were named.", remedy="add --training FOLDER"
        )
    samples = _made(plan)
    network = read_backbone().network
    px = min(SEEN_PX, samples.shape[3])
    training, names, unread = _seen(Path(plan.training), px, advance)
    known = described(network, training)
    found = nearest_of(described(network, samples), described(network, samples.flip(3)), known, plan.neighbors)
    if plan.held_out:
        others, _, lost = _seen(Path(plan.held_out), px, advance)
        apart = nearest_of(described(network, others), described(network, others.flip(3)), known, 1).distances[:, 0]
        unread, beside = unread + lost, "held-out pictures"
    else:
        turned = nearest(described(network, training.flip(3)), known, 1, itself=False)[1]
        apart = torch.minimum(nearest(known, known, 1, itself=False)[1], turned)[:, 0]
        beside = "training pictures, each beside the others"
    tested = copy_test(found.distances[:, 0], apart)
    name = Path(plan.generator).stem
    write_whole(folder / f"{name}.nearest.png", sheet(samples, training, names, found, SHOWN))
    write_whole(folder / f"{name}.nearest.npz", _npz(samples, names, found, apart))
    about = {"model": name, "training_pictures": len(names), "not_read": unread, "compared_with": beside}
    return {"of": "generator", **about, **_told(tested, bool(plan.held_out))}


def _made(plan: ExplainPlan) -> Tensor:
    """The samples, uint8 [n, 3, px, px]."""
    sampler = Sampler.of(plan.generator, SamplingPlan(seed=plan.seed, device=plan.device))
    made = [sampler.picture(plan.seed, number).cpu().expand(3, -1, -1) for number in range(plan.samples)]
    return (torch.stack(made).clamp(0, 1) * 255).round().byte()


def _told(tested: CopyTest, held_out: bool) -> dict[str, Any]:
    """The test as plain values, and in words."""
    return {
        "share_nearer_than_these": tested.share,
        "z": tested.z,
        "p": tested.p,
        "median_distance_of_samples": tested.median_samples,
        "median_distance_of_these": tested.median_held_out,
        "samples": tested.samples,
        "verdict": _verdict(tested.p, tested.share, held_out),
    }


def _verdict(p: float, share: float, held_out: bool) -> str:
    """The test in words."""
    whom = "pictures that it never saw" if held_out else "training pictures are to each other"
    if p < 0.01:
        return f"samples keep nearer to training pictures than {whom}: {share:.0%} of the times"
    return f"samples are not nearer to training pictures than {whom}"


def _seen(folder: Path, px: int, advance: Callable[[int, int], None]) -> tuple[Tensor, list[str], int]:
    """The center squares uint8 [n, 3, px, px] of a folder's pictures, their names, and how many could not be read.

    They are as small as the generator's own: its samples should not be told apart by their sharpness.
    """
    paths = pictures_in(folder)
    found, names = [], []
    for position, (name, path) in enumerate(paths.items()):
        try:
            found.append(_square(path, px))
            names.append(name)
        except PictureError:
            pass
        advance(position + 1, len(paths))
    if len(found) < FEWEST:
        raise PlanError(
            f"{len(found)} pictures of {folder} could be read; {FEWEST} or more are compared.",
            remedy="name a folder of more pictures",
        )
    return torch.stack(found), names, len(paths) - len(found)


def _square(path: Path, px: int) -> Tensor:
    """The center square of a picture, uint8 [3, px, px]; raises `PictureError`."""
    try:
        pixels = decode(FileReader(path)(), px, "rgb", "none").pixels
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path.name} cannot be read: {error}.", remedy="name a picture") from error
    side = min(pixels.shape[:2])
    cut = square(pixels, (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2, side, px)
    return (cut.clamp(0, 1) * 255).round().byte()


def _npz(samples: Tensor, names: list[str], found: Nearest, apart: Tensor) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, allow_pickle=False, samples=samples.numpy(), names=np.array(names), indices=found.indices.numpy(),
        distances=found.distances.numpy(), mirrored=found.mirrored.numpy(), distances_beside=apart.numpy(),
    )  # fmt: skip
    return buffer.getvalue()
