"""What can be done to pictures and not to the frames of films: told by the plan alone, before any work."""

from __future__ import annotations

from typing import Any

from vasari.foundation.errors import PlanError
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.stylize.stylize_plan import OPTIMIZE, StylizePlan


def refuse(plan: Any) -> None:
    """Raise `PlanError` where this plan of pictures cannot be carried out on films."""
    if isinstance(plan, RestorePlan) and plan.factor > 1:
        raise PlanError(
            "Films are not enlarged: detail inferred frame by frame would flicker.",
            remedy="leave out the stage enlarge, or the films",
        )
    if isinstance(plan, RestorePlan) and plan.only_damage:
        raise PlanError(
            "only_damage promises bit-identical pixels, which no film keeps that is made steady and encoded.",
            remedy="leave out --only-damage, or the films",
        )
    if isinstance(plan, RestorePlan) and plan.likeness:
        raise PlanError(
            "likeness compares the faces of pictures; in films nobody watches them.",
            remedy="leave out --likeness, or the films",
        )
    if isinstance(plan, StylizePlan) and plan.method == OPTIMIZE:
        raise PlanError(
            f"The method {OPTIMIZE} takes minutes for a picture, and films have many.",
            remedy="use --method fast, or a translator",
        )
