"""Photographs to train on, and some of them set apart to be validated on alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation.errors import TrainingError
from vasari.tasks.data.provenance import describe_sources


@dataclass(frozen=True)
class HeldOut:
    """shown, held: photographs by name, uint8 [rows, columns, 3]; `data` is where they come from."""

    shown: Mapping[str, np.ndarray]
    held: Mapping[str, np.ndarray]
    data: tuple[Path, ...]

    @classmethod
    def of(
        cls, photographs: Mapping[str, np.ndarray], every: int, data: tuple[Path, ...], least_side_px: int = 1
    ) -> HeldOut:
        """Hold every `every`-th back, and one at least; where there is but one photograph it is shown as well.

        Those with a side below `least_side_px` are shown alone; raises `TrainingError` where there are no others.
        """
        names = [name for name, one in photographs.items() if min(one.shape[:2]) >= least_side_px]
        if not names:
            raise TrainingError(
                f"None of {len(photographs)} photographs has sides of {least_side_px} px or more, as it takes to "
                "validate: none is enlarged to be the truth.",
                remedy="name a larger photograph as well",
            )
        held = {name: photographs[name] for name in names[:: min(every, len(names))]}
        shown = {name: one for name, one in photographs.items() if name not in held}
        return cls(shown or photographs, held, data)

    @property
    def report(self) -> Sequence[str]:
        """A line for `Objective.data_report`."""
        return (f"{len(self.shown)} photographs to train on, {len(self.held)} only to validate on.",)

    @property
    def made_from(self) -> Mapping[str, Any]:
        """What the header of weights says of them: how many were shown, and their sources with licenses."""
        return {"training_pictures": len(self.shown), "training_data": describe_sources(self.data)}
