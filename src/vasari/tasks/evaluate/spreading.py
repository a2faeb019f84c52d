"""Pictures scored one by one, in this process or by the workers of an executor: the same rows in the same order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vasari.foundation.execute import Assignment, Executor, in_order

#: A name, its values by metric, and why there are none; items begin with the name as well.
Scored = tuple[str, dict[str, float] | None, str]


def score_each(
    items: Sequence[tuple[Any, ...]],
    score: Callable[[Any], Scored],
    elsewhere: Assignment,
    executor: Executor | None,
    advance: Callable[[int, int], None],
) -> tuple[list[tuple[str, dict[str, float]]], list[tuple[str, str]]]:
    """Rows of pictures, and the names of those that failed with the reason; `score` is what `elsewhere` does, here."""
    rows, failed = [], []
    found = map(score, items) if executor is None else in_order(executor, elsewhere, map(_anywhere, items))
    for position, (name, values, reason) in enumerate(found):
        if values is not None:
            rows.append((name, values))
        else:
            failed.append((name, reason))
        advance(position + 1, len(items))
    return rows, failed


def _anywhere(item: tuple[Any, ...]) -> tuple[Any, ...]:
    """The item with whole paths: a worker stands in another folder."""
    return tuple(one.absolute() if isinstance(one, Path) else one for one in item)
