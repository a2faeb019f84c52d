"""Cells of CSV files: nothing that a spreadsheet runs, and nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vasari.foundation.csv_cells import inert, meant


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1", "'=1", "-"])
def test_a_formula_becomes_a_text(text: str) -> None:
    assert inert(text) == "'" + text
    assert meant(inert(text)) == text


@pytest.mark.parametrize("text", ["", "Monet", "-44", "+3.5", "'s-Hertogenbosch", "a=b", "1890-1895"])
def test_other_texts_stay(text: str) -> None:
    assert inert(text) == text
    assert meant(text) == text


@given(st.text(alphabet="'=+-@\t\r1.a"))
def test_every_text_comes_back(text: str) -> None:
    assert meant(inert(text)) == text
    assert inert(text)[:1] not in ("=", "@", "\t", "\r")
