"""Options that several plans have alike, each written once. Imports no torch.

A plan names those that it has where they are to stand among its own: `quality: int = quality_option()`.
"""

from __future__ import annotations

from typing import Any

from vasari.foundation.plans import option

PICTURE_FORMATS = ("tiff", "jpeg", "png", "webp")
PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda", "mps")


def format_option() -> Any:
    """`format: str | None`, of results."""
    return option(None, "file format of the results; else as the source", choices=PICTURE_FORMATS)


def quality_option() -> Any:
    """`quality: int`, of results that lose something."""
    return option(95, "quality of JPEG and WebP results, 1..100", minimum=1, maximum=100)


def precision_option() -> Any:
    """`precision: str`."""
    return option(
        "auto", "arithmetic of the network: 'auto' takes bfloat16 where this machine gains by it", choices=PRECISIONS
    )


def device_option() -> Any:
    """`device: str`."""
    return option("cpu", "where the network runs", choices=DEVICES)


def tile_option() -> Any:
    """`tile_px: int`."""
    return option(768, "side of the tiles that large scans are worked in, in pixels", minimum=64, maximum=8192)
