"""Classical ways to fill a hole, for comparison: OpenCV's and scikit-image's, loaded when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from vasari.foundation.errors import MissingExtraError
from vasari.tasks.inpaint.plan import InpaintPlan

Array = np.ndarray
EXTRA = "inpainting"


def telea(pixels: Array, mask: Array, plan: InpaintPlan) -> Array:
    """Marching inwards from the border (Telea 2004, An Image Inpainting Technique Based on Fast Marching)."""
    return _by_opencv(pixels, mask, plan, "telea")


def navier_stokes(pixels: Array, mask: Array, plan: InpaintPlan) -> Array:
    """Lines of equal light continued like the streamlines of a fluid (Bertalmio, Bertozzi & Sapiro 2001)."""
    return _by_opencv(pixels, mask, plan, "navier-stokes")


def biharmonic(pixels: Array, mask: Array, plan: InpaintPlan) -> Array:
    """The smoothest surface through the border (Chui & Mhaskar 2010, MRA contextual-recovery extension)."""
    try:
        from skimage.restoration import inpaint_biharmonic
    except ImportError:
        raise MissingExtraError("--method biharmonic", EXTRA) from None
    last = np.ascontiguousarray(pixels.transpose(1, 2, 0))
    made = inpaint_biharmonic(last, mask, split_into_regions=True, channel_axis=2)
    return np.ascontiguousarray(made.transpose(2, 0, 1)).astype(np.float32)


WAYS: Mapping[str, Callable[[Array, Array, InpaintPlan], Array]] = MappingProxyType(
    {"telea": telea, "navier-stokes": navier_stokes, "biharmonic": biharmonic}
)
"""Method -> function of pixels float32 [channels, rows, columns] in 0..1, mask bool [rows, columns] and the plan."""


def _by_opencv(pixels: Array, mask: Array, plan: InpaintPlan, method: str) -> Array:
    """OpenCV's `inpaint`, channel by channel in 16 bits: its way with three channels at once takes 8 bits only."""
    try:
        import cv2
    except ImportError:
        raise MissingExtraError(f"--method {method}", EXTRA) from None
    flag = cv2.INPAINT_TELEA if method == "telea" else cv2.INPAINT_NS
    hole = mask.astype(np.uint8)
    planes = np.clip(np.rint(pixels * 65535.0), 0, 65535).astype(np.uint16)
    made = [cv2.inpaint(np.ascontiguousarray(plane), hole, plan.radius_px, flag) for plane in planes]
    return np.stack(made).astype(np.float32) / np.float32(65535.0)
