"""The seeded simulator of aging: one table of damages, one table of eras, and `age`.

Used to train restorers, to make the demo, and to measure. Everything is decided by the seed: equal
arguments give equal pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import damage_capture as capture
from vasari.foundation import damage_surface as surface
from vasari.foundation import damage_tone as tone
from vasari.foundation import damage_traces as traces
from vasari.foundation.damage_tone import LUMA, Plate
from vasari.foundation.errors import PlanError

Damage = Callable[[Plate, float], None]

DAMAGES: Mapping[str, Damage] = MappingProxyType(
    {
        # before the emulsion: lens and camera
        "lens_blur": capture.lens_blur,
        "motion_blur": capture.motion_blur,
        # the material
        "starch_grain": capture.starch_grain,
        "grain": capture.grain,
        "halftone": capture.halftone,
        # time
        "fade_density": tone.fade_density,
        "fade_dyes": tone.fade_dyes,
        "compress_levels": tone.compress_levels,
        "bend_curve": tone.bend_curve,
        "desaturate": tone.desaturate,
        "cast": tone.cast,
        "tint_monochrome": tone.tint_monochrome,
        "uneven_light": tone.uneven_light,
        "silver_mirroring": tone.silver_mirroring,
        "yellow_paper": tone.yellow_paper,
        # hands and climate
        "stain": surface.stain,
        "foxing": surface.foxing,
        "flaking": surface.flaking,
        "scuffs": surface.scuffs,
        "cracks": surface.cracks,
        "fold": surface.fold,
        "scratches": surface.scratches,
        "torn_edge": surface.torn_edge,
        "film_scratches": traces.film_scratches,
        "fingerprint": traces.fingerprint,
        "tide_line": traces.tide_line,
        "mold": traces.mold,
        "tape": traces.tape,
        "hair": surface.hair,
        "dust": surface.dust,
        # the copy that reaches us
        "low_resolution": capture.low_resolution,
        "sharpen": capture.sharpen,
        "white_noise": capture.white_noise,
        "scanner_lines": capture.scanner_lines,
        "jpeg": capture.jpeg,
    }
)
"""Every damage, in the order in which they befall a picture."""

_ANY_CAPTURE = {
    "lens_blur": 0.3,
    "motion_blur": 0.05,
    "low_resolution": 0.22,
    "sharpen": 0.08,
    "white_noise": 0.35,
    "scanner_lines": 0.06,
    "jpeg": 0.45,
}
_ANY_SURFACE = {
    "stain": 0.2,
    "foxing": 0.08,
    "flaking": 0.1,
    "scuffs": 0.12,
    "cracks": 0.14,
    "fold": 0.2,
    "scratches": 0.5,
    "torn_edge": 0.06,
    "film_scratches": 0.1,
    "fingerprint": 0.06,
    "tide_line": 0.08,
    "mold": 0.06,
    "tape": 0.05,
    "hair": 0.25,
    "dust": 0.5,
}
_ANY_TONE = {"fade_density": 0.4, "bend_curve": 0.15, "compress_levels": 0.5, "uneven_light": 0.3, "yellow_paper": 0.3}


@dataclass(frozen=True)
class Era:
    """A kind of photograph: whether it is grey, and how likely each damage is at full severity."""

    grey: bool
    chances: Mapping[str, float] = field(default_factory=dict)


def _era(grey: bool, **chances: float) -> Era:
    return Era(grey, MappingProxyType({**_ANY_CAPTURE, **_ANY_SURFACE, **_ANY_TONE, **chances}))


ERAS: Mapping[str, Era] = MappingProxyType(
    {
        "albumen": _era(
            True,
            fade_density=0.85,
            tint_monochrome=0.95,
            yellow_paper=0.5,
            grain=0.4,
            foxing=0.3,
            cracks=0.25,
            fold=0.25,
        ),
        "gelatin-silver": _era(True, fade_density=0.75, tint_monochrome=0.45, silver_mirroring=0.3, grain=0.75),
        "newspaper": _era(
            True, halftone=0.75, compress_levels=0.85, tint_monochrome=0.4, yellow_paper=0.6, grain=0.5, fold=0.35
        ),
        "autochrome": _era(
            False, starch_grain=0.8, fade_density=0.6, desaturate=0.5, cast=0.5, uneven_light=0.4, grain=0.6
        ),
        "chromogenic-1970s": _era(False, fade_dyes=0.75, cast=0.4, desaturate=0.35, grain=0.6),
        "color-print": _era(False, fade_dyes=0.2, cast=0.55, desaturate=0.25, grain=0.5),
    }
)
"""The eras, as weighted mixtures of the damages."""

SEVERITY_AMOUNTS = {1: (0.28, 0.6), 2: (0.4, 0.8), 3: (0.52, 0.95)}
SEVERITY_CHANCES = {1: 0.7, 2: 0.9, 3: 1.0}
"""Severity -> between which amounts a damage is drawn, and what its chance in an era is multiplied by."""


@dataclass(frozen=True)
class Aged:
    """clean and aged [3, rows, columns] float32 0..1; mask [1, rows, columns], what a defect hides 0..1."""

    clean: Tensor
    aged: Tensor
    mask: Tensor


def age(
    clean: Tensor,
    *,
    era: str,
    severity: int,
    seed: int,
    masks: Path | None = None,
    chances: Mapping[str, float] = MappingProxyType({}),
) -> Aged:
    """Age a clean photograph by the damages of an era.

    clean [3, rows, columns], 0..1 sRGB-encoded; severity 1 (light), 2 or 3 (heavy); `masks`, a folder
    of scanned opacity masks (KIND/*.png) to use beside the drawn ones; `chances`, of damages by name, in
    place of the era's. In grey eras the clean picture that comes back is the luma of the given one.
    Raises `PlanError` for an unknown era, severity or damage.
    """
    if era not in ERAS or severity not in SEVERITY_AMOUNTS:
        raise PlanError(
            f"Got era {era!r}, severity {severity!r}.", remedy=f"use severity 1..3 and an era of: {', '.join(ERAS)}"
        )
    unknown = ", ".join(sorted(set(chances) - set(DAMAGES)))
    if unknown:
        raise PlanError(f"Got chances of {unknown}: no damages.", remedy=f"use names of: {', '.join(DAMAGES)}")
    rng = np.random.default_rng(seed)
    kind = ERAS[era]
    likely = {**kind.chances, **chances}
    pixels = clean.numpy().astype(np.float32)
    if kind.grey:
        pixels = np.repeat(np.tensordot(LUMA, pixels, 1)[None], 3, 0)
    truth = torch.from_numpy(pixels.copy())
    low, high = SEVERITY_AMOUNTS[severity]
    scale = float(np.exp(rng.uniform(np.log(0.5), np.log(2.2))))
    plate = Plate(pixels, np.zeros(pixels.shape[1:], np.float32), rng, kind.grey, scale)
    chance = SEVERITY_CHANCES[severity]
    for name, damage in DAMAGES.items():
        if name == "hair" and masks is not None and rng.random() < 0.45 * chance:
            surface.real_defects(plate, rng.uniform(low, high), masks)
            plate.pixels = plate.pixels.astype(np.float32, copy=False)
        if rng.random() < likely.get(name, 0.0) * chance:
            damage(plate, rng.uniform(low, high))
            plate.pixels = plate.pixels.astype(np.float32, copy=False)
    aged = np.clip(plate.pixels, 0, 1).astype(np.float32)
    return Aged(truth, torch.from_numpy(aged), torch.from_numpy(plate.mask)[None])
