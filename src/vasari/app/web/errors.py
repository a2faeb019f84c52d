"""What the workbench refuses, with the status that says so, and the status of every other expected failure."""

from __future__ import annotations

from vasari.foundation.errors import (
    ArchiveError,
    MissingExtraError,
    PictureError,
    PictureTooLargeError,
    PlanError,
    VasariError,
    WriteError,
)


class Refusal(VasariError):
    """A request that is not answered; `status` is HTTP's."""

    def __init__(self, status: int, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


#: The first that fits an error says its status.
STATUSES: tuple[tuple[type[VasariError], int], ...] = (
    (PictureTooLargeError, 413),
    (PictureError, 422),
    (PlanError, 400),
    (MissingExtraError, 501),
    (WriteError, 503),
    (ArchiveError, 404),
    (VasariError, 400),
)


def status_of(error: VasariError) -> int:
    """The HTTP status of an expected failure."""
    if isinstance(error, Refusal):
        return error.status
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def not_found(what: str) -> Refusal:
    """There is no such thing: status 404."""
    return Refusal(404, f"There is no {what}.", remedy="check the address, or go back to the gallery")
