"""Classical programs to set beside Vasari, as commands that fill a folder.

    vasari benchmark denoise --peer "nlm=python benchmarks/peers.py non-local-means {input} {output}"
    vasari benchmark inpaint --peer "telea=python benchmarks/peers.py telea {input} {mask} {output}"
    vasari benchmark aged --peer "levels=python benchmarks/peers.py levels {input} {output}"

`non-local-means` is OpenCV's fastNlMeansDenoisingColored, its strength from the estimated noise; `levels` stretches
each channel, then does the same by scikit-image (`classical.py`); `telea` and `navier-stokes` are OpenCV's,
`biharmonic` is scikit-image's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from skimage.restoration import inpaint_biharmonic

import classical

Array = np.ndarray


def non_local_means(pixels: Array, mask: Array | None) -> Array:
    """uint8 [rows, columns, 3] to the same; h from the noise as Donoho and Johnstone estimate it."""
    deviation = float(np.mean([classical.noise_deviation(plane) for plane in np.moveaxis(pixels.astype(float), 2, 0)]))
    strength = max(1.0, 0.9 * deviation)
    return cv2.fastNlMeansDenoisingColored(pixels, None, strength, strength, 7, 21)


def levels(pixels: Array, mask: Array | None) -> Array:
    """Automatic levels, then non-local means."""
    return _eight_bit(classical.levels_and_denoising(pixels.astype(np.float32) / 255, np.zeros(pixels.shape[:2])))


def telea(pixels: Array, mask: Array | None) -> Array:
    """Telea 2004."""
    return cv2.inpaint(pixels, mask, 5, cv2.INPAINT_TELEA)


def navier_stokes(pixels: Array, mask: Array | None) -> Array:
    """Bertalmio et al. 2001."""
    return cv2.inpaint(pixels, mask, 5, cv2.INPAINT_NS)


def biharmonic(pixels: Array, mask: Array | None) -> Array:
    """The smoothest surface."""
    found = inpaint_biharmonic(
        pixels.astype(np.float64) / 255, np.asarray(mask) > 0, split_into_regions=True, channel_axis=2
    )
    return _eight_bit(found)


WAYS: dict[str, Callable[[Array, Array | None], Array]] = {
    "non-local-means": non_local_means,
    "levels": levels,
    "telea": telea,
    "navier-stokes": navier_stokes,
    "biharmonic": biharmonic,
}


def main(arguments: list[str]) -> None:
    """WAY INPUT [MASK] OUTPUT: every picture of INPUT to OUTPUT, by its name, as PNG."""
    name, given, *masks, output = arguments
    if name not in WAYS:
        raise SystemExit(f"There is no way {name}; choose from: {', '.join(WAYS)}.")
    for path in sorted(Path(given).iterdir()):
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise SystemExit(f"{path} cannot be read.")
        if pixels.dtype != np.uint8:
            pixels = _eight_bit(pixels)
        mask = cv2.imread(str(Path(masks[0]) / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE) if masks else None
        cv2.imwrite(str(Path(output) / f"{path.stem}.png"), WAYS[name](pixels, mask))


def _eight_bit(pixels: Array) -> Array:
    return np.clip(np.rint(pixels * 255.0), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main(sys.argv[1:])
