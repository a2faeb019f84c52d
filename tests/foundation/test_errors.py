"""Errors come whole from one process to another."""

from __future__ import annotations

import copy

import pytest

from vasari.foundation import errors
from vasari.foundation.errors import MissingExtraError, VasariError


@pytest.mark.parametrize(
    "error",
    [MissingExtraError("The engine ray", "cluster"), errors.PictureTooLargeError("It is large.", remedy="cut it")],
    ids=lambda error: type(error).__name__,
)
def test_a_copy_is_of_the_same_kind_with_the_same_words(error: VasariError) -> None:
    """`copy` goes the way of messages between processes (`__reduce__`)."""
    other = copy.copy(error)
    assert type(other) is type(error)
    assert (other.message, other.remedy, other.exit_code) == (error.message, error.remedy, error.exit_code)
    assert str(other) == str(error)
    assert other.args == error.args
