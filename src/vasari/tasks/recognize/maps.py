"""Where in a picture an answer comes from: class activation maps, laid over the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PlanError
from vasari.tasks.recognize.recognizer import Recognizer

STRENGTH = 0.6  # of the color at its strongest, over the picture
# Dark to bright, also for those who see no red: blue-black, violet, orange, yellow.
COLORS = ((0.05, 0.03, 0.30), (0.50, 0.10, 0.55), (0.95, 0.45, 0.20), (1.00, 0.95, 0.45))


def class_map(recognizer: Recognizer, pixels: Tensor, label: str) -> Tensor:
    """float32 [h, w] of 0 or more: how much each place of pixels [3, h, w] speaks for a class.

    Gradient × activation, summed over channels and over the depths that are pooled, what speaks against cut off. Where
    a network's last maps alone are averaged this is Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391, equations 1-2);
    deviations, too, are pooled here, whose gradients differ from place to place and would cancel in its means, so the
    gradient is taken at each place (HiResCAM, Draelos & Carin 2020, arXiv:2011.08891). Raises `PlanError` for a label
    that is no class.
    """
    if label not in recognizer.classes:
        listed = ", ".join(recognizer.classes)
        raise PlanError(f"{label!r} is no class of this recognizer.", remedy=f"use one of: {listed}")
    network = recognizer.network
    with torch.no_grad():
        maps = [one.float() for one in network.features.maps(pixels[None])]
    with torch.enable_grad():
        leaves = [one.clone().requires_grad_(True) for one in maps]
        vector = network.standardized(network.features.pooled(leaves))
        score = _score(recognizer, vector, recognizer.classes.index(label))
        gradients = torch.autograd.grad(score, leaves)
    size = (pixels.shape[1], pixels.shape[2])
    total = torch.zeros(1, 1, *size)
    for one, slope in zip(maps, gradients, strict=True):
        # A place of a coarse map stands for many pixels: shared among them, all depths count as they do in the answer.
        spread = one.shape[2] * one.shape[3] / (size[0] * size[1])
        place = (one * slope).sum(1, keepdim=True) * spread
        total += functional.interpolate(place, size, mode="bilinear", align_corners=False)
    return total[0, 0].clamp(min=0)


def _score(recognizer: Recognizer, vector: Tensor, index: int) -> Tensor:
    """What the map explains: the class's logit, or its nearest training pictures' likeness (knn)."""
    if recognizer.method != "knn":
        return recognizer.network.head(vector)[0, index]
    own = recognizer.distances(vector)[0][recognizer.labels() == index]
    return -own.topk(min(recognizer.neighbors, len(own)), largest=False).values.mean()


def overlay(pixels: Tensor, values: Tensor) -> np.ndarray:
    """uint8 [h, w, 3]: the picture in grey, the more colored the more a place speaks for the class."""
    share = (values / values.max().clamp(min=1e-12)).numpy()[..., None]
    place = share * (len(COLORS) - 1)
    low = np.minimum(place.astype(int), len(COLORS) - 2)
    table = np.array(COLORS)
    color = table[low[..., 0]] * (1 - (place - low)) + table[low[..., 0] + 1] * (place - low)
    grey = pixels.mean(0).numpy()[..., None]
    mixed = grey * (1 - STRENGTH * share) + color * STRENGTH * share
    return (mixed.clip(0, 1) * 255).round().astype(np.uint8)


def write_map(recognizer: Recognizer, pixels: Tensor, label: str, path: Path) -> Path:
    """Write the map of a class over the picture as PNG."""
    return write_png(overlay(pixels, class_map(recognizer, pixels, label)), path)


def write_png(pixels: np.ndarray, path: Path) -> Path:
    """Write uint8 [h, w, 3] whole or not at all."""
    import io

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return write_whole(path, buffer.getvalue())
