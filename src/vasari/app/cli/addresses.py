"""Options that name files, given an address: refused, where a folder called `s3:` would be made."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from vasari.foundation.bucket_addresses import looks_like_address
from vasari.foundation.errors import PlanError


def refuse_address(_kind: Any, value: Any) -> None:
    """Raise `PlanError` where a value that is to be a path (or a list of them) is an address."""
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(one, PurePath) and looks_like_address(one):
            shown = str(one).replace(":/", "://", 1)
            raise PlanError(
                f"{shown} is an address, and here only files and folders are read and written.",
                remedy="name a path; restore, stylize and translate write to s3:// with -o",
            )
