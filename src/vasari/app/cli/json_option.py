"""The option that every command has: its outcome for other programs."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

JSON = Annotated[bool, Parameter(help="tell the outcome as JSON on stdout", negative=())]
