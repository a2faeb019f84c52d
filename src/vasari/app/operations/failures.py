"""Failures as a job tells them: to all who may see jobs, who need not know where on the server files lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit


def told(failure: Mapping[str, Any]) -> dict[str, Any]:
    """A failure, its file by its name alone wherever it is named; an address stays, less what it asks for."""
    origin = str(failure.get("source") or failure.get("path") or "")
    if "://" in origin:
        name = urlsplit(origin)._replace(query="", fragment="").geturl()
    else:
        name = PurePath(origin).name
    if not name or name == origin:
        return dict(failure)
    return {key: value.replace(origin, name) if isinstance(value, str) else value for key, value in failure.items()}
