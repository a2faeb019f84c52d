"""TOML text: what is written is what `tomllib` reads."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from vasari.foundation.errors import PlanError
from vasari.foundation.toml_text import to_toml

TEXTS = some.text(some.characters(exclude_categories=("Cs",)), max_size=12)
SIMPLE = some.one_of(
    some.booleans(),
    some.integers(-(2**60), 2**60),
    some.floats(allow_nan=False),
    TEXTS,
    some.lists(some.integers(0, 9)),
)
TABLES = some.recursive(
    some.dictionaries(TEXTS, SIMPLE, max_size=4),
    lambda inner: some.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(TABLES)
def test_it_comes_back(values: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(values)) == values


def test_tables_follow_the_plain_values_and_none_is_left_out() -> None:
    values = {"train": {"batch": 4, "losses": {"l1": 1e-5}}, "kind": "toy", "nothing": None, "mixed": [{"a": 1}, "b"]}
    read = tomllib.loads(to_toml(values))
    del values["nothing"]
    assert read == values


def test_numbers_beyond_the_finite() -> None:
    read = tomllib.loads(to_toml({"a": math.inf, "b": -math.inf, "c": math.nan}))
    assert read["a"] == math.inf and read["b"] == -math.inf and math.isnan(read["c"])


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(PlanError, match="no form in TOML"):
        to_toml({"a": object()})
