"""Options that take a whole number take it as it was written: the library that reads them would round "1.5"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cyclopts
from cyclopts import Token

from vasari.foundation.errors import PlanError

_WHOLE = (int, int | None)


def as_written(kind: Any, tokens: Sequence[Token]) -> Any:
    """What an option means: a whole number by its digits alone, all else as cyclopts reads it; raises `PlanError`."""
    if kind not in _WHOLE:
        return cyclopts.convert(kind, tokens)
    written = tokens[0].value
    try:
        return int(written)
    except ValueError:
        raise PlanError(
            f"{tokens[0].keyword}={written!r} is not a whole number.", remedy="give a whole number"
        ) from None
