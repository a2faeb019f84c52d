"""The operation that takes a restoration back by hand, where a painted mask says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.app.operations.operation import Errand
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import option
from vasari.foundation.treatment import read_treatment


@dataclass(frozen=True)
class RetouchFields:
    """What a retouching is asked for."""

    keep: str = option("", "REFERENCE of a mask of the scan's size, white where the scan stands as it is")

    def __post_init__(self) -> None:
        if not self.keep:
            raise PlanError("No mask says what is to be kept.", remedy="paint one, and give it as keep")


def retouch(errand: Errand) -> dict[str, Any]:
    """Put the scan's own pixels back into a restored picture; the inputs are the scan and the restored picture."""
    from vasari.tasks.restore.retouch import retouch_file

    source, restored = errand.inputs
    done = retouch_file(
        source, restored, Path(errand.plan.keep), errand.output,
        advance=lambda share: errand.advance(share, 1.0, source.name),
    )  # fmt: skip
    record = read_treatment(done.record)
    return {"result": done.result.name, "kept_pixels": record.stages[-1].numbers["kept_pixels"]}
