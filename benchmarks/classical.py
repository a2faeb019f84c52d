"""What one would do without learning: automatic levels, non-local means, and inpainting by hand."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from skimage.restoration import denoise_nl_means

Way = Callable[[np.ndarray, np.ndarray], np.ndarray]


def levels(aged: np.ndarray, clipped: float = 0.005) -> np.ndarray:
    """Stretch each channel so that 0.5 % of the pixels fall on black and 0.5 % on white."""
    low, high = np.quantile(aged.reshape(-1, 3), [clipped, 1 - clipped], axis=0)
    return np.clip((aged - low) / np.maximum(high - low, 1e-3), 0, 1).astype(np.float32)


def noise_deviation(pixels: np.ndarray) -> float:
    """Donoho and Johnstone 1994: median of the finest diagonal (Haar) details, divided by 0.6745."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    even = pixels[:height, :width]
    detail = (even[::2, ::2] - even[1::2, ::2] - even[::2, 1::2] + even[1::2, 1::2]) / 2
    return float(np.median(np.abs(detail)) / 0.6745)


def non_local_means(pixels: np.ndarray) -> np.ndarray:
    """Buades, Coll and Morel 2005, as scikit-image does it, the strength from the estimated noise."""
    deviation = max(noise_deviation(pixels), 1e-3)
    return denoise_nl_means(
        pixels, patch_size=5, patch_distance=6, h=0.8 * deviation, sigma=deviation, fast_mode=True, channel_axis=2
    ).astype(np.float32)


def levels_and_denoising(aged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Automatic levels, then non-local means; the mask is not looked at."""
    return non_local_means(levels(aged))


def with_oracle_mask(aged: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The same, after Telea's inpainting of the true mask, which nobody has in practice."""
    holes = (mask > 0.2).astype(np.uint8)
    filled = cv2.inpaint(np.rint(aged * 255).astype(np.uint8), cv2.dilate(holes, np.ones((3, 3))), 3, cv2.INPAINT_TELEA)
    return levels_and_denoising(filled.astype(np.float32) / 255, mask)


WAYS: dict[str, Way] = {
    "levels + non-local means": levels_and_denoising,
    "the same + oracle mask, Telea": with_oracle_mask,
}
