"""Every exception Vasari raises on purpose: what came, the rule, a remedy, and the exit code."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Exit codes of every `vasari` command, documented in `docs/cli.md`."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    SOME_INPUTS_FAILED = 3
    INTERRUPTED = 130


class VasariError(Exception):
    """An expected failure, told as a sentence and a remedy.

    `message` says what came and which rule it breaks; `remedy` says what to do, in the imperative.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} Remedy: {self.remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        """So that an error comes whole from one process to another."""
        return _again, (type(self), self.message, self.remedy)


def _again(kind: type[VasariError], message: str, remedy: str) -> VasariError:
    error = kind.__new__(kind)
    VasariError.__init__(error, message, remedy=remedy)
    return error


class PlanError(VasariError):
    """An option or a recipe that cannot be carried out."""

    exit_code = ExitCode.USAGE


class PictureError(VasariError):
    """A picture file that cannot be read, or is not allowed."""


class PictureTooLargeError(PictureError):
    """A picture beyond the pixel cap, or a suspected decompression bomb."""


class WriteError(VasariError):
    """A result that could not be written whole; nothing half-written is left behind."""


class UnreachableError(WriteError):
    """A database whose server cannot be reached, or that let a connection go; nothing of the step was kept."""


class PlaceLostError(WriteError):
    """A bucket that cannot be reached or written to, or that another batch took over: no page's fault, so all end."""


class WeightsError(VasariError):
    """A model that is missing, damaged or of another kind; there is no fallback to random weights."""


class TrainingError(VasariError):
    """A training run that had to stop: non-finite losses, a checkpoint of another recipe, no data."""


class ArchiveError(VasariError):
    """An archive that is missing, damaged, of another version, or does not hold what was asked for."""


class WorkerLostError(VasariError):
    """A worker that ended in the middle of its work: its machine, its process or its memory gave out."""


class MissingExtraError(VasariError):
    """A feature whose optional dependency is not installed; the remedy names the extra."""

    exit_code = ExitCode.USAGE

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs packages that are not installed.",
            remedy=f"install them with: pip install 'vasari[{extra}]'",
        )
